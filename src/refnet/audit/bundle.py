"""`refnet audit bundle`: some facts in a folder, with all that it takes to prove them."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import UUID

from refnet.audit.checkpoints import Keys
from refnet.audit.finding import Differs
from refnet.audit.handout import readme
from refnet.audit.lines import as_json
from refnet.audit.rows import scan
from refnet.domain.decisions import Noun
from refnet.engine import row_of
from refnet.errors import InvalidRequest, NotFound, PositionAhead, StoreDamaged
from refnet.ledger.extract import STREAM
from refnet.log.codec import Codec
from refnet.log.files import failed_to_make, sync_directory
from refnet.log.reader import Reader, Row, check_commitments
from refnet.log.store import view_store
from refnet.log.tree import leaf_data, leaf_hash
from refnet.publishing import FOLDER
from refnet.tlog.checkpoint import Checkpoint
from refnet.tlog.files import PRIVATE, write_files
from refnet.tlog.note import BadNote, Verifier
from refnet.tlog.policy import NONE, Log, Policy
from refnet.tlog.proof_file import SUFFIX, Proof
from refnet.tlog.proofs import BadProof, check_inclusion, prove_inclusion
from refnet.tlog.publish import CHECKPOINT
from refnet.tlog.tiles import BadTile, Tree, folder

VKEY, POLICY, FACTS, PROOFS, README = "log.vkey", "policy", "facts.jsonl", "proofs", "README.md"
_TOGETHER = 256
"""Proofs that are written and flushed together."""

Progress = Callable[[int, int], None]
"""Told how many facts were looked at, and of how many."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Which facts: those of a member, or those of positions first..last."""

    member: UUID | None = None
    first: int = 0
    last: int = 0


@dataclass(frozen=True, slots=True)
class Made:
    """What came of it. count: facts in the bundle. left: facts the checkpoint does not cover."""

    count: int
    size: int
    left: int


def policy_of(key: Verifier, policy: Policy | None) -> bytes:
    """What to verify a bundle by (c2sp.org/tlog-policy): the log, and its witnesses, if any."""
    if policy is None:
        policy = Policy((), (), (), NONE)
    return bytes(replace(policy, logs=(Log(key),)))


def make_bundle(
    data: Path,
    keys: Keys,
    nouns: Sequence[Noun],
    choice: Choice,
    out: Path,
    progress: Progress,
) -> Made:
    """Write a bundle of chosen facts into a new folder, which appears whole or not at all.

    Facts are those that the newest checkpoint covers. Each is checked against its commitment, and
    each proof is tried. Raises InvalidRequest if the folder exists or the one above does not,
    NotFound if there is nothing to write or nothing was published, PositionAhead, StoreDamaged,
    StorageFull.
    """
    if out.exists() or out.is_symlink():
        raise InvalidRequest(f"{out} exists; name a folder that does not", field="out", path=out)
    if not out.parent.is_dir():
        raise InvalidRequest(
            f"{out.parent} is no folder; make it first, or name another place",
            field="out",
            path=out.parent,
        )
    codec = Codec(nouns)
    with closing(view_store(data)) as store, closing(store.reader(codec)) as reader:
        proving = _Proving(data / FOLDER, keys)
        _check_covered(choice, proving.checkpoint.size)
        left = reader.position() - proving.checkpoint.size
        chosen = _chosen(reader, codec, choice, proving.checkpoint.size, progress)
        unfinished = out.with_name(f".{out.name}.{secrets.token_hex(4)}")
        try:
            unfinished.mkdir(mode=0o700)
            count = _fill(unfinished, proving, chosen)
            if not count:
                raise NotFound(
                    f"no fact up to position {proving.checkpoint.size} is of or about member "
                    f"{choice.member}; give the id of somebody who is in the log",
                    field="member",
                    member=choice.member,
                )
            unfinished.rename(out)
            sync_directory(out.parent)
        except OSError as error:
            raise failed_to_make(out, error) from error
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)
    return Made(count, proving.checkpoint.size, max(0, left))


class _Proving:
    """The newest checkpoint, and proofs under it."""

    def __init__(self, root: Path, keys: Keys) -> None:
        raw = folder(root)(CHECKPOINT)
        if raw is None:
            raise NotFound(
                f"{root} holds no checkpoint, so nothing can be proved; "
                "publish the log first: refnet audit publish",
                path=root,
            )
        try:
            self.checkpoint, self.note = keys.open(raw)
            self.key = [key for key in keys.verifiers if key.has_signed(self.note)][-1]
            self.policy = keys.policy
            lacks = keys.lacks(self.note)
        except BadNote as error:
            raise StoreDamaged(
                f"the checkpoint in {root} is not to be trusted: {error}; refnet audit verify "
                "says more"
            ) from error
        if lacks:
            raise StoreDamaged(
                f"the checkpoint in {root} is not cosigned as the policy asks: {lacks}; refnet "
                "audit publish asks the witnesses again"
            )
        self._tree = Tree(folder(root), self.checkpoint.size)

    def prove(self, position: int, commitment: bytes) -> Proof:
        """The proof for a fact, tried. Raises StoreDamaged."""
        index, size = position - 1, self.checkpoint.size
        try:
            path = prove_inclusion(self._tree, index, size)
            leaf = leaf_hash(leaf_data(index, commitment))
            check_inclusion(leaf, index, size, path, self.checkpoint.root)
        except (BadTile, BadProof) as error:
            raise StoreDamaged(
                f"the fact at position {position} cannot be proved: {error}; "
                "refnet audit verify says more",
                position=position,
            ) from error
        return Proof(index, tuple(path), str(self.note))


def _check_covered(choice: Choice, size: int) -> None:
    if choice.member is None and not 1 <= choice.first <= choice.last <= size:
        raise PositionAhead(
            f"the newest checkpoint covers positions 1 to {size}, not all of {choice.first} to "
            f"{choice.last}; name some of these, or publish first",
            field="range",
            position=choice.last,
            head=size,
        )


def _chosen(
    reader: Reader, codec: Codec, choice: Choice, size: int, progress: Progress
) -> Iterator[Row]:
    after, upto = (0, size) if choice.member else (choice.first - 1, choice.last)
    try:
        for rows in scan(reader, upto, after):
            if choice.member is None:
                chosen = list(rows)
            else:
                chosen = [row for row in rows if _is_about(codec, row, choice.member)]
            check_commitments(chosen)
            yield from chosen
            progress(rows[-1][0] - after, upto - after)
    except Differs as differs:
        raise StoreDamaged(differs.finding.message) from differs


def _is_about(codec: Codec, row: Row, member: UUID) -> bool:
    """Whether a fact is of a member's own stream, or names them as giver or receiver."""
    if row[1] == member.hex:
        return True
    if str(member).encode() not in row[4]:
        return False
    fact, _ = codec.decode(row[0], UUID(row[1]), *row[2:5])
    kind: Any = type(fact)
    named = {kind.COLUMNS.giver, kind.COLUMNS.receiver} - {None, STREAM}
    return any(getattr(fact, name) == member for name in named)


def _fill(place: Path, proving: _Proving, rows: Iterator[Row]) -> int:
    count, first = 0, 0
    proofs: dict[str, bytes] = {}
    path = place / FACTS
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE), "wb") as facts:
        for row in rows:
            facts.write(as_json(row_of(row)))
            proof = proving.prove(row[0], row[6])
            proofs[f"{PROOFS}/{row[0]}{SUFFIX}"] = str(proof).encode()
            count, first = count + 1, first or row[0]
            if len(proofs) == _TOGETHER:
                write_files(place, proofs, PRIVATE)
                proofs.clear()
        facts.flush()
        os.fsync(facts.fileno())
    write_files(place, proofs | _beside(proving, count, first), PRIVATE)
    return count


def _beside(proving: _Proving, count: int, first: int) -> dict[str, bytes]:
    made: Checkpoint = proving.checkpoint
    text = readme(count=count, origin=made.origin, size=made.size, first=first)
    return {
        VKEY: f"{proving.key.vkey}\n".encode(),
        POLICY: policy_of(proving.key, proving.policy),
        CHECKPOINT: str(proving.note).encode(),
        README: text.encode(),
    }
