"""Proofs of single facts: that the row at hand is the leaf under the published checkpoint."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from refnet.errors import LogForked, NotFound, PositionAhead
from refnet.log.reader import Reader, check_commitments
from refnet.tlog.proof_file import SUFFIX, Proof
from refnet.tlog.proofs import BadProof
from refnet.tlog.published import Published


@dataclass(frozen=True)
class Leaf:
    """A fact as it stands in the tree. index: position - 1."""

    position: int
    index: int
    name: str
    commitment: bytes


def leaf_at(reader: Reader, position: int) -> Leaf:
    """The leaf of a fact, its row checked. Raises StoreDamaged, naming the position."""
    rows = reader.rows(position - 1, position, 1)
    check_commitments(rows)
    (row,) = rows
    return Leaf(position, position - 1, row[3], row[6])


def covered(published: Published) -> int | None:
    """The last position that the newest checkpoint covers; None if the log was not published."""
    try:
        return published.checkpoint()[0].size
    except NotFound:
        return None


def prove(published: Published, leaf: Leaf) -> Proof:
    """The proof of a leaf, checked against its commitment. The signature is not looked at.

    Raises NotFound, PositionAhead as `Published.inclusion` does, and LogForked if what was
    published is another fact.
    """
    proof = published.inclusion(leaf.position)
    try:
        proof.check(leaf.index, leaf.commitment)
    except BadProof as error:
        raise LogForked(
            f"the fact at position {leaf.position} is not the one that was published: {error}; "
            "restore the log or the published folder from a backup",
            position=leaf.position,
        ) from error
    return proof


def write_proofs(published: Published, leaves: Sequence[Leaf], folder: Path) -> dict[int, Path]:
    """A proof file for each leaf, POSITION.tlog-proof, by position; all, or none.

    Raises as `prove`, and OSError.
    """
    try:
        proofs = {leaf.position: str(prove(published, leaf)) for leaf in leaves}
    except PositionAhead as refusal:
        refusal.add("refnet audit publish signs it now")
        raise
    folder.mkdir(parents=True, exist_ok=True)
    found = {}
    for position, proof in proofs.items():
        path = folder / f"{position}{SUFFIX}"
        path.write_text(proof, encoding="utf-8")
        found[position] = path
    return found
