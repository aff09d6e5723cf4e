"""From the log into the ledger and the tree: one path for server, command line and replay."""

from __future__ import annotations

import errno
from pathlib import Path

from refnet.errors import RefnetError, StorageFull, StoreDamaged
from refnet.ledger.extract import FactBatch
from refnet.ledger.ledger import Ledger
from refnet.log.batches import Extractor
from refnet.log.reader import BareRow, Reader, Row, Streams, check_commitments
from refnet.log.tree import Frontier

_TREE, _LAST, _PLAN = "tree", "last", "plan"


class Projection:
    """A ledger and a Merkle tree that stand at the same position of the log."""

    def __init__(self, extractor: Extractor, ledger: Ledger, tree: Frontier) -> None:
        self._extractor = extractor
        self._folder: Path | None = None
        self._log_id = ""
        self._saved = 0
        self._last = b""
        self.ledger = ledger
        self.tree = tree

    @classmethod
    def fresh(cls, extractor: Extractor) -> Projection:
        """In memory, from the beginning."""
        return cls(extractor, Ledger(), Frontier())

    @classmethod
    def open(cls, extractor: Extractor, folder: Path, log_id: str, reader: Reader) -> Projection:
        """What a folder holds, or a new one if that is missing, damaged or not from this log.

        A log restored from a backup may be shorter, or have gone on in another way, and a newer
        refnet may read more in the same facts. The log is the truth: the ledger is made again.
        Raises StorageFull, or StoreDamaged where files cannot be made.
        """
        try:
            return cls._open(extractor, folder, log_id, reader)
        except OSError as error:
            raise _refusal(error) from error

    @classmethod
    def _open(cls, extractor: Extractor, folder: Path, log_id: str, reader: Reader) -> Projection:
        ledger, notes = Ledger.open(folder, log_id)
        last = notes.get(_LAST, "")
        is_same_log = last == _commitment(reader, ledger.position).hex()
        if is_same_log and notes.get(_PLAN) == extractor.plan:
            tree = Frontier.from_bytes(bytes.fromhex(notes[_TREE]))
        else:
            ledger, tree, last = Ledger.anew(folder), Frontier(), ""
        assert tree.size == ledger.position
        found = cls(extractor, ledger, tree)
        found._folder, found._log_id, found._saved = folder, log_id, ledger.position
        found._last = bytes.fromhex(last)
        return found

    @property
    def position(self) -> int:
        """The last fact that was folded."""
        return self.ledger.position

    def extend(self, rows: list[Row], *, verify: bool = False) -> None:
        """Fold the next rows. verify: check every row against its commitment first.

        Raises StoreDamaged, naming the position; StorageFull, and then changes nothing, so that it
        can be tried again.
        """
        if verify:
            check_commitments(rows)
        self._fold(self._extractor.batch(rows))

    def extend_bare(self, rows: list[BareRow], streams: Streams) -> None:
        """As `extend`, by rows that cannot be verified."""
        self._fold(self._extractor.bare_batch(self.position, rows, streams))

    def catch_up(self, reader: Reader, upto: int | None = None) -> None:
        """Fold what the log has more."""
        for rows in reader.scan_bare(self.position, upto):
            self.extend_bare(rows, reader.streams)

    def _fold(self, batch: FactBatch) -> None:
        try:
            self.ledger.append(batch)
        except OSError as error:
            raise _refusal(error) from error
        self.tree.extend(batch.commitments)
        self._last = batch.commitments[-1] if batch.commitments else self._last

    def save(self) -> None:
        """Make durable how far this came, if it lives in a folder and came further.

        Raises StorageFull or StoreDamaged; what was saved before stays.
        """
        if self._folder is not None and self.position != self._saved:
            notes = {
                _TREE: self.tree.to_bytes().hex(),
                _LAST: self._last.hex(),
                _PLAN: self._extractor.plan,
            }
            try:
                self.ledger.save(self._folder, self._log_id, notes)
            except OSError as error:
                raise _refusal(error) from error
            self._saved = self.position


def _refusal(error: OSError) -> RefnetError:
    """What the system's word about the ledger's files amounts to."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StorageFull("the disk is full, and the ledger cannot grow; free space")
    return StoreDamaged(
        f"the ledger's files failed: {error.strerror or error}; check the disk, or delete the "
        "ledger folder, which is rebuilt from the log, then restart",
        error=errno.errorcode.get(error.errno or 0, type(error).__name__),
    )


def _commitment(reader: Reader, position: int) -> bytes:
    """The commitment of the fact at a position; nothing where there is none."""
    rows = reader.rows(position - 1, position, 1) if position else []
    return rows[0][6] if rows else b""
