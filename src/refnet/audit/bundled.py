"""`refnet audit verify --bundle`: a folder of facts and proofs, checked with nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from uuid import UUID

from refnet.audit.bundle import FACTS, POLICY, PROOFS, VKEY
from refnet.audit.checkpoints import Keys
from refnet.audit.finding import Differs, Figures, Finding, Step
from refnet.audit.lines import parse_line
from refnet.audit.rows import CHUNK
from refnet.audit.run import Run
from refnet.audit.suspect import suspect
from refnet.domain.decisions import Noun
from refnet.errors import InvalidRequest, StoreDamaged
from refnet.log.codec import Codec
from refnet.log.reader import Row, first_changed
from refnet.log.tree import leaf_data, leaf_hash
from refnet.tlog.checkpoint import Checkpoint
from refnet.tlog.note import BadNote, parse_vkey
from refnet.tlog.policy import BadPolicy, parse_policy
from refnet.tlog.proof_file import SUFFIX, parse_proof
from refnet.tlog.proofs import BadProof, check_inclusion
from refnet.tlog.publish import CHECKPOINT

WAY_OUT = "ask for another bundle"
_LINE_MAX = 1 << 24


class Claims(Step):
    """Whose log it is: key, policy and checkpoint."""

    name = "checkpoint"

    def __init__(self, folder: Path, keys: Keys) -> None:
        """keys: who is trusted; without any, whoever the bundle itself names.

        Without a policy of the reader's own, the bundle's counts.
        """
        self._folder = folder
        self._given = keys
        self.raw = b""
        self.checkpoint: Checkpoint | None = None

    def begin(self) -> None:
        """See `Step.begin`."""
        try:
            key = parse_vkey(self._read(VKEY).decode().removesuffix("\n"))
            policy = parse_policy(self._read(POLICY))
            keys = Keys(self._given.verifiers or [key], self._given.policy or policy)
            self.raw = self._read(CHECKPOINT)
            self.checkpoint, note = keys.open(self.raw)
            if not key.has_signed(note):
                raise BadNote(f"it is not signed with the key in {VKEY}")
            lacks = keys.lacks(note)
        except BadPolicy as error:
            raise Differs(
                "policy", f"{POLICY} of the bundle is none: {error}; {WAY_OUT}"
            ) from error
        except (BadNote, UnicodeDecodeError) as error:
            raise Differs(
                "checkpoint",
                f"{CHECKPOINT} and {VKEY} of the bundle are not to be trusted: {error}; {WAY_OUT}",
            ) from error
        if [each.verifier for each in policy.logs] != [key]:
            raise Differs("policy", f"{POLICY} of the bundle names another log; {WAY_OUT}")
        if lacks:
            raise Differs(
                "policy",
                f"{CHECKPOINT} of the bundle is not signed as the policy asks: {lacks}; {WAY_OUT}",
            )

    def take(self, rows: Sequence[Row]) -> int:
        """See `Step.take`."""
        return 0

    def _read(self, name: str) -> bytes:
        return (self._folder / name).read_bytes()


class Facts(Step):
    """Each fact is what its commitment says, and they are in order."""

    name = "facts"

    def __init__(self, codec: Codec, nouns: Sequence[Noun]) -> None:
        self._codec = codec
        self._topics = codec.topics(nouns)
        self._last = (0, 0)
        self._versions: dict[str, int] = {}

    def take(self, rows: Sequence[Row]) -> int:
        """See `Step.take`."""
        bad = first_changed(rows)
        for at, row in enumerate(rows):
            if at == bad:
                what = suspect(row, self._topics, (), (), b"")
                raise _differs(row, what, f"is not the one committed to: its {what} was changed")
            self._check(row)
        return len(rows)

    def finish(self) -> None:
        """See `Step.finish`. Of nothing, anything can be said to be proved."""
        if not self._versions:
            raise Differs("facts", f"{FACTS} of the bundle holds no fact; {WAY_OUT}")

    def _check(self, row: Row) -> None:
        position, stream, version, topic, state, *_ = row
        try:
            _, recorded = self._codec.decode(position, UUID(stream), version, topic, state)
        except (StoreDamaged, RecursionError, OverflowError) as error:
            raise _differs(row, "state", f"cannot be read: {error}") from error
        now = (position, recorded.record_time)
        if now[0] <= self._last[0] or now[1] < self._last[1]:
            raise _differs(row, "order", f"follows that at position {self._last[0]}")
        if version <= self._versions.get(stream, 0):
            raise _differs(row, "version", f"has version {version} of its stream a second time")
        self._last, self._versions[stream] = now, version


class Proofs(Step):
    """Each fact is proved by the file of its position, and there is no other file."""

    name = "proofs"

    def __init__(self, folder: Path, claims: Claims) -> None:
        self._folder = folder / PROOFS
        self._claims = claims
        self._count = 0

    def take(self, rows: Sequence[Row]) -> int:
        """See `Step.take`."""
        claimed = self._claims.checkpoint
        if claimed is None:
            return 0
        for row in rows:
            try:
                self._check(row, claimed)
            except (BadNote, BadProof) as error:
                raise _differs(row, "proof", f"is not proved by its file: {error}") from error
        self._count += len(rows)
        return len(rows)

    def finish(self) -> None:
        """See `Step.finish`."""
        found = sum(1 for _ in self._folder.iterdir())
        if found != self._count:
            raise Differs(
                "proof",
                f"the bundle has {self._count} facts in {FACTS} and {found} files in {PROOFS}; "
                f"{WAY_OUT}",
            )

    def _check(self, row: Row, claimed: Checkpoint) -> None:
        try:
            proof = parse_proof((self._folder / f"{row[0]}{SUFFIX}").read_bytes())
        except FileNotFoundError as error:
            raise BadProof("it is missing") from error
        if proof.checkpoint.encode() != self._claims.raw:
            raise BadProof(f"it is under another checkpoint than the file {CHECKPOINT}")
        if proof.extra is not None or proof.index != row[0] - 1:
            raise BadProof(f"it is of leaf index {proof.index}")
        leaf = leaf_hash(leaf_data(proof.index, row[6]))
        check_inclusion(leaf, proof.index, claimed.size, proof.path, claimed.root)


class Bundled:
    """What came of it: the steps, and the checkpoint if it can be trusted."""

    def __init__(self, steps: Sequence[Figures], checkpoint: Checkpoint | None) -> None:
        self.steps = tuple(steps)
        self.checkpoint = checkpoint

    @property
    def findings(self) -> list[Finding]:
        """The first of each step."""
        return [each.finding for each in self.steps if each.finding is not None]


def verify_bundle(
    folder: Path,
    keys: Keys,
    nouns: Sequence[Noun],
    progress: Callable[[int, int], None],
) -> Bundled:
    """Check a bundle with nothing but itself. Raises InvalidRequest if there is no such folder."""
    if not folder.is_dir():
        raise InvalidRequest(f"{folder} is no folder; name that of a bundle", field="bundle")
    claims = Claims(folder, keys)
    runs = [Run(claims), Run(Facts(Codec(nouns), nouns)), Run(Proofs(folder, claims))]
    runs[0].begin()
    if claims.checkpoint is None:
        runs[2].stop("there is no checkpoint to be trusted")
    lines = _read_facts(folder / FACTS)
    done = 0
    while chunk := runs[1].read(lines):
        for each in runs:
            each.take(chunk)
        done += len(chunk)
        progress(done, done)
    if runs[1].figures.finding is not None:
        runs[2].stop("the facts differ")
    for each in runs:
        each.finish()
    return Bundled([each.figures for each in runs], claims.checkpoint)


def _read_facts(path: Path) -> Iterator[list[Row]]:
    """The rows of a file of facts, chunk by chunk. Raises Differs."""
    try:
        with path.open("rb") as file:
            lines = iter(lambda: file.readline(_LINE_MAX), b"")
            number = 0
            while chunk := list(islice(lines, CHUNK)):
                yield [_parsed(line, number + at) for at, line in enumerate(chunk, 1)]
                number += len(chunk)
    except OSError as error:
        raise Differs("file", f"{path} cannot be read: {error.strerror}; {WAY_OUT}") from error


def _parsed(line: bytes, number: int) -> Row:
    try:
        row = parse_line(line)
    except (ValueError, RecursionError) as error:
        raise Differs(
            "line",
            f"line {number} of {FACTS} holds no fact: {error}; {WAY_OUT}",
            facts={"line": number},
        ) from error
    return (row.position, row.stream.hex, *row[2:])


def _differs(row: Row, what: str, why: str) -> Differs:
    return Differs(
        what,
        f"the fact at position {row[0]} (leaf index {row[0] - 1}) {why}; {WAY_OUT}",
        index=row[0] - 1,
    )
