"""From the log into the ledger and the tree: one path for server, command line and replay."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from refnet.ledger.ledger import Ledger
from refnet.log.batches import Extractor
from refnet.log.reader import Reader, Row, check_commitments
from refnet.log.tree import Frontier

_TREE = "tree"


class Projection:
    """A ledger and a Merkle tree that stand at the same position of the log."""

    def __init__(self, extractor: Extractor, ledger: Ledger, tree: Frontier) -> None:
        self._extractor = extractor
        self._folder: Path | None = None
        self._log_id = ""
        self._saved = 0
        self.ledger = ledger
        self.tree = tree

    @classmethod
    def fresh(cls, extractor: Extractor) -> Projection:
        """In memory, from the beginning."""
        return cls(extractor, Ledger(), Frontier())

    @classmethod
    def open(cls, extractor: Extractor, folder: Path, log_id: str, head: int) -> Projection:
        """What a folder holds, or a new one if that is missing, damaged or ahead of the log."""
        ledger, notes = Ledger.open(folder, log_id)
        tree = _saved_tree(notes)
        if ledger.position > head or tree.size != ledger.position:
            # The log was restored from a backup, or one of the two was lost: the log is the truth.
            ledger, tree = Ledger.anew(folder), Frontier()
        found = cls(extractor, ledger, tree)
        found._folder, found._log_id, found._saved = folder, log_id, ledger.position
        return found

    @property
    def position(self) -> int:
        """The last fact that was folded."""
        return self.ledger.position

    def extend(self, rows: Sequence[Row], *, verify: bool = False) -> None:
        """Fold the next rows. verify: check every row against its commitment first.

        Raises StoreDamaged, naming the position.
        """
        if verify:
            check_commitments(rows)
        batch = self._extractor.batch(rows)
        self.ledger.append(batch)
        self.tree.extend(batch.commitments)

    def catch_up(self, reader: Reader, upto: int | None = None) -> None:
        """Fold what the log has more."""
        for rows in reader.scan(self.position, upto):
            self.extend(rows)

    def save(self) -> None:
        """Make durable how far this came, if it lives in a folder and came further."""
        if self._folder is not None and self.position != self._saved:
            self.ledger.save(self._folder, self._log_id, {_TREE: self.tree.to_bytes().hex()})
            self._saved = self.position


def _saved_tree(notes: dict[str, str]) -> Frontier:
    try:
        return Frontier.from_bytes(bytes.fromhex(notes.get(_TREE, "")))
    except ValueError:
        return Frontier()
