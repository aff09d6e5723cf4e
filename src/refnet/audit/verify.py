"""`refnet audit verify`: one pass over the log, with every check fed as it goes by."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from refnet.audit.checkpoints import Checkpoints, Keys
from refnet.audit.finding import Figures, Finding
from refnet.audit.ledger import SavedLedger, load_saved
from refnet.audit.published import PATIENCE_SECONDS, Signed, read_signed
from refnet.audit.requests import Requests
from refnet.audit.rows import Rows, scan
from refnet.audit.run import Run
from refnet.audit.scores import PublishedScores
from refnet.audit.tiles import Tiles, published_entry
from refnet.domain.decisions import Noun
from refnet.engine import LEDGER
from refnet.log.batches import Extractor
from refnet.log.codec import Codec
from refnet.log.reader import Reader
from refnet.log.store import view_store
from refnet.publishing import FOLDER
from refnet.tlog.note import BadNote

Progress = Callable[[int, int], None]
"""Told how many facts are done, and of how many."""


@dataclass(frozen=True, slots=True)
class Report:
    """What an audit came to.

    position: how far the log reached when it began. head: hex root there, "" if that could not be
    told. covered: by the newest checkpoint. unshown: by one that is signed, agrees, and is not
    published yet; 0 if there is none. checkpoints, scores: how many agree. has_signer: whether what
    it remembers was compared.
    """

    position: int
    head: str
    covered: int
    unshown: int
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
    keys: Keys,
    nouns: Sequence[Noun],
    scores: Sequence[str],
    progress: Progress,
    patience: float = PATIENCE_SECONDS,
    *,
    expected: bool = False,
) -> Report:
    """Check everything that lies in a store, beside a running server or without one.

    signer: the directory of what was signed last; None or missing if it is elsewhere. keys: whose
    signature counts, and whose is needed. scores: who computes published scores again. expected:
    whether it is known that the log is signed, so that a log without any checkpoint is not the
    whole of it. Reads neither personal data nor its keys. Raises NotFound if there is no log,
    StoreDamaged if it does not even say which it is.
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
        head = max(0, reader.position())  # rows before the first position are found as such
        covered = _covered(signed, keys)
        ledger = SavedLedger(data / LEDGER, saved, str(store.log), head, extractor)
        opened.callback(ledger.close)
        checkpoints = Checkpoints(root, signed, keys, str(store.log), head, expected=expected)
        published = PublishedScores(reader, codec, extractor, scores)
        runs = [
            Run(Rows(reader, codec, nouns, partial(published_entry, root, covered))),
            Run(Requests(reader, codec, head)),
            Run(Tiles(root, covered)),
            Run(checkpoints),
            Run(ledger),
            Run(published),
        ]
        _drive(runs, reader, head, progress)
    tree = checkpoints.tree
    return Report(
        position=head,
        head=tree.root().hex() if tree.size == head else "",
        covered=covered,
        unshown=checkpoints.unshown,
        checkpoints=checkpoints.count,
        scores=published.count,
        has_signer=signed.has_signer,
        steps=tuple(each.figures for each in runs),
    )


def _drive(runs: Sequence[Run], reader: Reader, head: int, progress: Progress) -> None:
    """Feed the log to every step. The first run is that of the rows, on which some others rest."""
    rows = runs[0]
    for each in runs:
        each.begin()
    chunks = scan(reader, head)
    done = 0
    while chunk := rows.read(chunks):
        for each in runs:
            _rest(each, rows)
            each.take(chunk)
        done += len(chunk)
        progress(done, head)
    for each in runs:
        _rest(each, rows)
        if done < head:
            each.stop(f"the rows cannot be read beyond position {done}")
        each.finish()


def _rest(each: Run, rows: Run) -> None:
    if rows.figures.finding is not None and each.step.needs_sound_rows:
        each.stop("the rows differ")


def _covered(signed: Signed, keys: Keys) -> int:
    """How many facts the newest checkpoint covers, or what the signer remembers in its stead.

    0 if neither can be trusted, which is found by a step of its own.
    """
    for raw in (signed.checkpoint, signed.state):
        try:
            return keys.open(raw)[0].size
        except BadNote:
            continue
    return 0
