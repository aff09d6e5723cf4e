"""What is published, as anybody may read it: the newest checkpoint and proofs from the tiles."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Protocol

from refnet.errors import NotFound, PositionAhead, StoreDamaged
from refnet.tlog.checkpoint import Checkpoint
from refnet.tlog.proof_file import Proof
from refnet.tlog.proofs import BadProof, prove_consistency, prove_inclusion
from refnet.tlog.publish import CHECKPOINT, read_checkpoint
from refnet.tlog.tiles import BadTile, Tree, folder


class Fact(Protocol):
    """What a proof is about: a stored fact, such as `refnet.engine.Row`."""

    @property
    def position(self) -> int:
        """Its place in the log."""

    @property
    def commitment(self) -> bytes:
        """What the tree holds of it."""


def check_proof(proof: Proof, fact: Fact) -> None:
    """Raises StoreDamaged unless the proof is one of this very fact.

    What is published may be of another log than the database: then nobody is told so by a proof
    that does not verify.
    """
    try:
        proof.check(fact.position - 1, fact.commitment)
    except BadProof as error:
        raise StoreDamaged(
            f"the fact at position {fact.position} is not the one that was published: {error}; "
            "refnet audit verify says more",
            position=fact.position,
        ) from error


class Published:
    """A checkpoint and tiles. Proofs are made from it, not checked. Any thread may ask."""

    def __init__(self, root: Path) -> None:
        """root: the folder; it need not be there yet."""
        self._root = root
        self._read = folder(root)
        self._lock = threading.RLock()
        self._raw = ""
        self._checkpoint: Checkpoint | None = None
        self._tree = Tree(self._read, 0)

    def checkpoint(self) -> tuple[Checkpoint, str]:
        """The newest checkpoint, read and as it was signed. Raises NotFound, StoreDamaged."""
        with self._lock:
            return self._newest()

    def _newest(self) -> tuple[Checkpoint, str]:
        raw = self._read(CHECKPOINT)
        if raw is None:
            raise NotFound(
                f"{self._root} holds no checkpoint: the log was not published; "
                "refnet audit init makes its key, refnet audit publish its first checkpoint",
                path=self._root,
            )
        if self._checkpoint is None or raw != self._raw.encode():
            self._checkpoint, _ = read_checkpoint(self._root, raw)
            self._raw = raw.decode()
            self._tree = Tree(self._read, self._checkpoint.size)
        return self._checkpoint, self._raw

    def inclusion(self, position: int) -> Proof:
        """That the fact at a position is in the log, under the newest checkpoint.

        Raises NotFound, PositionAhead if no checkpoint covers it yet, StoreDamaged.
        """
        with self._lock:
            return self._inclusion(position)

    def _inclusion(self, position: int) -> Proof:
        checkpoint, raw = self._newest()
        if not 1 <= position <= checkpoint.size:
            raise PositionAhead(
                f"the newest checkpoint covers positions 1 to {checkpoint.size}, not {position}; "
                "wait for the next one",
                field="position",
                position=position,
                head=checkpoint.size,
            )
        try:
            path = prove_inclusion(self._tree, position - 1, checkpoint.size)
        except BadTile as error:
            raise self._damaged(error) from error
        return Proof(position - 1, tuple(path), raw)

    def consistency(self, old: int) -> tuple[list[bytes], str]:
        """That the newest checkpoint continues the tree of `old` facts, and that checkpoint.

        Raises NotFound, PositionAhead, StoreDamaged.
        """
        with self._lock:
            return self._consistency(old)

    def _consistency(self, old: int) -> tuple[list[bytes], str]:
        checkpoint, raw = self._newest()
        if not 0 <= old <= checkpoint.size:
            raise PositionAhead(
                f"the newest checkpoint covers {checkpoint.size} facts, fewer than {old}; "
                "wait for the next one",
                field="old_size",
                position=old,
                head=checkpoint.size,
            )
        try:
            return prove_consistency(self._tree, old, checkpoint.size), raw
        except BadTile as error:
            raise self._damaged(error) from error

    def _damaged(self, error: BadTile) -> StoreDamaged:
        return StoreDamaged(f"in {self._root}, {error}; restore what was published")
