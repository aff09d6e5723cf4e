"""The saved ledger against the log: each column's bytes, the names behind numbers, the digest."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, BinaryIO

from refnet.audit.finding import Differs, Skipped, Step
from refnet.errors import StoreDamaged
from refnet.ledger import saved
from refnet.ledger.columns import DTYPES
from refnet.ledger.fold import Fold
from refnet.ledger.ledger import BLOCK_ROWS, SEED, names_digest
from refnet.log.batches import Extractor
from refnet.log.reader import Row
from refnet.log.tree import Frontier

WAY_OUT = "stop the server and delete the ledger folder, which is rebuilt from the log"


Loaded = saved.Saved | Skipped | Differs


class SavedLedger(Step):
    """What a server saved of its ledger, row by row; a block of rows is held at a time."""

    name = "ledger"
    needs_sound_rows = True

    def __init__(
        self, folder: Path, state: Loaded, log_id: str, head: int, extractor: Extractor
    ) -> None:
        """state: what `load_saved` found, before the log was asked how far it reaches: `head`."""
        self._folder = folder
        self._log_id = log_id
        self._head = head
        self._extractor = extractor
        self._fold = Fold()
        self._tree = Frontier()
        self._last = b""
        self._record_time = 0
        self._digest = SEED
        self._block = {name: bytearray() for name in DTYPES}
        self._open = ExitStack()
        self._files: dict[str, BinaryIO] = {}
        self._state = state

    def begin(self) -> None:
        """See `Step.begin`."""
        if isinstance(self._state, Exception):
            raise self._state
        state = self._saved()
        if state.notes.get("plan") != self._extractor.plan:
            raise Skipped(
                "it was made by a refnet that reads facts in another way, and is not used"
            )
        if state.log_id != self._log_id:
            raise _differs("log", f"is of the log {state.log_id}, not of {self._log_id}")
        if state.position > self._head:
            raise _differs(
                "position", f"reaches position {state.position}, but the log {self._head}"
            )
        for name in DTYPES:
            file = (self._folder / _file(name)).open("rb")
            self._files[name] = self._open.enter_context(file)

    def take(self, rows: Sequence[Row]) -> int:
        """See `Step.take`."""
        left = self._saved().position - self._tree.size
        wanted = list(rows[:left])
        if not wanted:
            return 0
        try:
            batch = self._extractor.batch(wanted)
            made = self._fold.rows(batch)
        except (StoreDamaged, ValueError, IndexError, OverflowError) as error:
            raise Differs("fact", f"the log makes no ledger: {error}") from error
        for (name, kind), column in zip(DTYPES.items(), made, strict=True):
            expected = column.astype(kind, copy=False).tobytes()
            found = self._files[name].read(len(expected))
            if found != expected:
                raise self._column(name, found, expected)
            self._block[name] += expected
        self._tree.extend(batch.commitments)
        self._last = batch.commitments[-1]
        self._record_time = int(batch.record[-1])
        self._hash(whole=False)
        return len(wanted)

    def finish(self) -> None:
        """See `Step.finish`."""
        self._hash(whole=True)
        state, fold = self._saved(), self._fold
        chapters = [
            (str(chapter), zone) for chapter, zone in zip(fold.chapters, fold.zones, strict=True)
        ]
        for what, told, made in (
            ("members", state.members, [str(member) for member in fold.members]),
            ("chapters", state.chapters, chapters),
            ("classifications", state.classifications, fold.classifications),
            ("record_time", state.record_time, self._record_time),
            ("digest", state.digest, names_digest(self._digest, fold)),
            ("tree", state.notes.get("tree"), self._tree.to_bytes().hex()),
            ("last", state.notes.get("last"), self._last.hex()),
        ):
            if told != made:
                raise _differs(what, f"has other {what} than the log gives{_first(told, made)}")

    def close(self) -> None:
        """Let go of the files."""
        self._open.close()

    def _saved(self) -> saved.Saved:
        assert isinstance(self._state, saved.Saved)
        return self._state

    def _hash(self, *, whole: bool) -> None:
        """Chain the digests of blocks as `refnet.ledger.ledger` does; `whole` adds the last one."""
        while True:
            rows = min(len(self._block["effect"]), BLOCK_ROWS)
            if rows < BLOCK_ROWS and not whole:
                return
            block = hashlib.sha256(self._digest)
            for name, kind in DTYPES.items():
                block.update(self._block[name][: rows * kind.itemsize])
                del self._block[name][: rows * kind.itemsize]
            self._digest = block.digest()
            if rows < BLOCK_ROWS:
                return

    def _column(self, name: str, found: bytes, expected: bytes) -> Differs:
        pairs = enumerate(zip(found, expected, strict=False))
        offset = next((at for at, (one, other) in pairs if one != other), len(found))
        size = DTYPES[name].itemsize
        index = self._tree.size + offset // size
        why = "is too short" if len(found) < len(expected) else "differs from the log"
        return _differs(
            name,
            f"{why} in column {name} ({_file(name)}, byte {index * size + offset % size}), "
            f"segment {index // BLOCK_ROWS}, at leaf index {index}, position {index + 1}",
            index=index,
            facts={"column": name, "segment": index // BLOCK_ROWS},
        )


def load_saved(folder: Path) -> Loaded:
    """What a server saved of its ledger, or why there is nothing to compare."""
    if not (folder / saved.NAME).exists():
        return Skipped("none was saved")
    state = saved.load(folder)
    if state is None or not _is_well_typed(state):
        return _differs(saved.NAME, f"is not what was saved: {saved.NAME} is damaged")
    return state


def _is_well_typed(state: saved.Saved) -> bool:
    numbers: list[Any] = [state.position, state.record_time]
    lists: list[Any] = [state.members, state.chapters, state.classifications]
    return (
        all(type(each) is int and each >= 0 for each in numbers)
        and all(isinstance(each, list) for each in lists)
        and isinstance(state.notes, dict)
    )


def _differs(
    what: str, why: str, index: int | None = None, facts: dict[str, object] | None = None
) -> Differs:
    return Differs(what, f"the saved ledger {why}; {WAY_OUT}", index=index, facts=facts)


def _first(told: object, made: object) -> str:
    if not isinstance(told, list) or not isinstance(made, list):
        return f": {json.dumps(told)}, not {json.dumps(made)}"
    at = next(
        (at for at, pair in enumerate(zip(told, made, strict=False)) if pair[0] != pair[1]),
        min(len(told), len(made)),
    )
    return f", from number {at} on"


def _file(column: str) -> str:
    return f"{column}.col"
