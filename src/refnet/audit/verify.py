"""`refnet audit verify`: one pass over the log, with every check fed as it goes by."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from refnet.audit.checkpoints import Checkpoints, Keys
from refnet.audit.finding import (
    DIFFERS,
    OK,
    SKIPPED,
    STOPPED,
    Differs,
    Figures,
    Finding,
    Skipped,
    Step,
    peak_bytes,
)
from refnet.audit.ledger import SavedLedger, load_saved
from refnet.audit.published import PATIENCE_SECONDS, read_signed
from refnet.audit.rows import Rows, scan
from refnet.audit.scores import PublishedScores
from refnet.audit.tiles import Tiles, published_entry
from refnet.domain.decisions import Noun
from refnet.engine import LEDGER
from refnet.log.batches import Extractor
from refnet.log.codec import Codec
from refnet.log.reader import Reader, Row
from refnet.log.store import view_store
from refnet.publishing import FOLDER
from refnet.tlog.checkpoint import parse_checkpoint
from refnet.tlog.note import BadNote, Verifier, parse_note

Progress = Callable[[int, int], None]
"""Told how many facts are done, and of how many."""


@dataclass(frozen=True, slots=True)
class Report:
    """What an audit came to.

    position: how far the log reached when it began. head: hex root there, "" if that could not be
    told. covered: by the newest checkpoint. checkpoints, scores: how many agree. has_signer:
    whether what it remembers was compared.
    """

    position: int
    head: str
    covered: int
    checkpoints: int
    scores: int
    has_signer: bool
    steps: tuple[Figures, ...]

    @property
    def findings(self) -> list[Finding]:
        """The first of each step; those of the lowest index come first."""
        found = [each.finding for each in self.steps if each.finding is not None]
        return sorted(found, key=lambda each: (each.index is None, each.index or 0))

    @property
    def is_lost_or_forked(self) -> bool:
        """Whether the database is a sound log, but not the one that was signed."""
        by_step = {each.name: each.finding for each in self.steps}
        root = by_step.get(Checkpoints.name)
        if root is None:
            return False
        return root.lost or (root.what == "root" and by_step.get(Rows.name) is None)


def verify(
    data: Path,
    signer: Path | None,
    keys: Sequence[Verifier],
    nouns: Sequence[Noun],
    scores: Sequence[str],
    progress: Progress,
    patience: float = PATIENCE_SECONDS,
) -> Report:
    """Check everything that lies in a store, beside a running server or without one.

    signer: the directory of what was signed last; None or missing if it is elsewhere. keys: whose
    signature counts. scores: who computes published scores again. Reads neither personal data nor
    keys. Raises NotFound if there is no log, StoreDamaged if it does not even say which it is.
    """
    root, codec = data / FOLDER, Codec(nouns)
    with ExitStack() as opened:
        store = opened.enter_context(closing(view_store(data)))
        reader = opened.enter_context(closing(store.reader(codec)))
        extractor = Extractor(nouns, codec)
        # In this order: a running server writes them in the opposite one, so that what is read
        # later can only have come further.
        signed = read_signed(root, signer, patience)
        saved = load_saved(data / LEDGER)
        head = reader.position()
        covered = _covered(signed.checkpoint)
        ledger = SavedLedger(data / LEDGER, saved, str(store.log), head, extractor)
        opened.callback(ledger.close)
        checkpoints = Checkpoints(root, signed, Keys(keys), head)
        published = PublishedScores(reader, codec, extractor, scores)
        runs = [
            _Run(Rows(codec, nouns, partial(published_entry, root, covered))),
            _Run(Tiles(root, covered)),
            _Run(checkpoints),
            _Run(ledger),
            _Run(published),
        ]
        _drive(runs, reader, head, progress)
    tree = checkpoints.tree
    return Report(
        position=head,
        head=tree.root().hex() if tree.size == head else "",
        covered=covered,
        checkpoints=checkpoints.count,
        scores=published.count,
        has_signer=signed.has_signer,
        steps=tuple(each.figures for each in runs),
    )


def _drive(runs: Sequence[_Run], reader: Reader, head: int, progress: Progress) -> None:
    """Feed the log to every step. The first run is that of the rows, on which some others rest."""
    rows = runs[0]
    for each in runs:
        each.begin()
    chunks = scan(reader, head)
    done = 0
    while chunk := rows.read(chunks):
        for each in runs:
            if rows.figures.finding is not None and each.step.needs_sound_rows:
                each.stop("the rows differ")
            each.take(chunk)
        done += len(chunk)
        progress(done, head)
    for each in runs:
        if done < head:
            each.stop(f"the rows cannot be read beyond position {done}")
        each.finish()


class _Run:
    """A step with its figures. After the first thing that differs it does nothing more."""

    def __init__(self, step: Step) -> None:
        self.step = step
        self.figures = Figures(step.name)

    def begin(self) -> None:
        self._do(self.step.begin)

    def take(self, rows: Sequence[Row]) -> None:
        self._do(lambda: self.step.take(rows))

    def finish(self) -> None:
        self._do(self.step.finish)

    def read(self, chunks: Iterator[list[Row]]) -> list[Row]:
        """The next rows; none at the end, or where they cannot be read, which is then noted."""
        began = time.perf_counter()
        try:
            return next(chunks, [])
        except Differs as differs:
            self._note(differs.finding)
            return []
        finally:
            self.figures.seconds += time.perf_counter() - began

    def stop(self, why: str) -> None:
        """Do nothing more, unless it is over anyway."""
        if self.figures.state == OK:
            self.figures.state, self.figures.note = STOPPED, why

    def _do(self, work: Callable[[], int | None]) -> None:
        if self.figures.state != OK:
            return
        began = time.perf_counter()
        try:
            self.figures.facts += work() or 0
        except Differs as differs:
            self._note(differs.finding)
        except Skipped as skipped:
            self.figures.state, self.figures.note = SKIPPED, str(skipped)
        except OSError as error:
            self._note(Finding("file", f"{error.filename} cannot be read: {error.strerror}"))
        finally:
            self.figures.seconds += time.perf_counter() - began
            self.figures.peak_bytes = peak_bytes()

    def _note(self, finding: Finding) -> None:
        if self.figures.finding is None:
            self.figures.state, self.figures.finding = DIFFERS, finding


def _covered(checkpoint: bytes) -> int:
    """The size that the newest checkpoint states; whether to believe it is a step of its own."""
    try:
        return parse_checkpoint(parse_note(checkpoint).text).size if checkpoint else 0
    except BadNote:
        return 0
