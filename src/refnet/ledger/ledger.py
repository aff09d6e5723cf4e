"""The ledger itself: rows, the names behind their numbers, and a digest of it all."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from refnet.errors import StoreDamaged
from refnet.ledger import saved
from refnet.ledger.columns import Columns
from refnet.ledger.extract import FactBatch
from refnet.ledger.fold import Fold
from refnet.ledger.space import FileSpace, MemorySpace, Space

BLOCK_ROWS = 65_536
"""Rows that are hashed together; a block's digest covers the digest of the block before."""

SEED = hashlib.sha256(b"refnet/ledger/v1\n").digest()
"""Stands for the block before the first."""


class Ledger:
    """Facts as rows, appended in log order. Rows never change.

    Ledger() lives in memory. `Ledger.open` keeps it in a folder, goes on from what was saved there,
    and starts anew if that is missing, damaged or another log's: the log can always fill it again.
    """

    def __init__(self, space: Space | None = None) -> None:
        self._space = MemorySpace() if space is None else space
        self._fold = Fold()
        self._blocks: list[bytes] = []
        self.position = 0
        self.record_time = 0

    @classmethod
    def open(cls, folder: Path, log_id: str) -> tuple[Ledger, dict[str, str]]:
        """The ledger in a folder and the notes saved with it (empty if it starts anew)."""
        state = saved.load(folder)
        if state is None or state.log_id != log_id:
            return cls.anew(folder), {}
        ledger = cls(FileSpace(folder))
        try:
            ledger._resume(state)
        except (StoreDamaged, ValueError):
            return cls.anew(folder), {}
        return ledger, state.notes

    @classmethod
    def anew(cls, folder: Path) -> Ledger:
        """An empty ledger in a folder, whatever was there."""
        return cls(FileSpace(folder))

    @property
    def members(self) -> list[str]:
        """UUID texts by member number."""
        return [str(member) for member in self._fold.members]

    @property
    def fold(self) -> Fold:
        """Who is behind the numbers."""
        return self._fold

    def columns(self, upto: int | None = None) -> Columns:
        """The rows of positions 1..upto (default: all), as views that stay valid.

        Any thread may ask while another one appends.
        """
        # The position first: by then the space has room for all of it, whatever is appended next.
        stop = self.position if upto is None else upto
        return self._space.columns.slice(0, stop)

    def append(self, batch: FactBatch) -> None:
        """Add the rows of consecutive facts that follow the last ones.

        Raises OSError, and changes nothing, when there is no room for them.
        """
        if len(batch) == 0:
            return
        if batch.after != self.position:
            raise StoreDamaged(
                f"the ledger is at position {self.position} and was handed facts after "
                f"{batch.after}; delete the ledger folder, and it is rebuilt from the log",
                position=self.position,
                after=batch.after,
            )
        start, stop = self.position, self.position + len(batch)
        self._space.reserve(stop)  # before the fold learns anything, so that this can be repeated
        rows = self._fold.rows(batch)
        for old, new in zip(self._space.columns, rows, strict=True):
            old[start:stop] = new
        self.position = stop
        self.record_time = int(batch.record[-1])

    def digest(self) -> str:
        """Hex SHA-256 over all rows, block by block, then members, chapters and classifications."""
        return names_digest(self._last_block(), self._fold)

    def save(self, folder: Path, log_id: str, notes: dict[str, str]) -> None:
        """Flush the rows, then say durably how far they reach. `notes` come back with `open`."""
        self._space.flush()
        saved.store(
            folder,
            saved.Saved(
                log_id=log_id,
                position=self.position,
                record_time=self.record_time,
                digest=self.digest(),
                members=[str(member) for member in self._fold.members],
                chapters=[
                    (str(chapter), zone)
                    for chapter, zone in zip(self._fold.chapters, self._fold.zones, strict=True)
                ],
                classifications=self._fold.classifications,
                notes=notes,
            ),
        )

    def _last_block(self) -> bytes:
        while (len(self._blocks) + 1) * BLOCK_ROWS <= self.position:
            self._blocks.append(self._hash_block(len(self._blocks)))
        return self._hash_block(len(self._blocks))

    def _hash_block(self, number: int) -> bytes:
        before = self._blocks[number - 1] if number else SEED
        block = hashlib.sha256(before)
        stop = min((number + 1) * BLOCK_ROWS, self.position)
        for column in self._space.columns.slice(number * BLOCK_ROWS, stop):
            block.update(column.tobytes())
        return block.digest()

    def _resume(self, state: saved.Saved) -> None:
        if state.position > len(self._space.columns):
            raise StoreDamaged("the ledger's files are shorter than what was saved")
        self.position = state.position
        self.record_time = state.record_time
        for member in state.members:
            self._fold.add_member(member)
        for chapter, zone in state.chapters:
            self._fold.add_chapter(chapter, zone)
        for classification in state.classifications:
            self._fold.add_classification(classification)
        if self.digest() != state.digest:
            raise StoreDamaged("the ledger's rows do not match the digest that was saved")
        self._fold.move(self.columns())


def names_digest(rows: bytes, fold: Fold) -> str:
    """A ledger's digest, from that of its last block and the names behind its numbers."""
    names = b"".join(member.bytes for member in fold.members)
    seats = "\n".join(
        f"{chapter} {zone}" for chapter, zone in zip(fold.chapters, fold.zones, strict=True)
    )
    trades = json.dumps(fold.classifications)
    told = b"\n".join((seats.encode(), trades.encode()))
    return hashlib.sha256(rows + names + told).hexdigest()
