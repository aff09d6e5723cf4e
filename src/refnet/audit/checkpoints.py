"""Every checkpoint that was ever signed, against the tree of the rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from refnet.audit.finding import Differs, Skipped, Step
from refnet.audit.published import Signed, text_of
from refnet.audit.tiles import committed
from refnet.log.reader import Row
from refnet.log.tree import Frontier
from refnet.tlog.checkpoint import Checkpoint, parse_checkpoint
from refnet.tlog.note import BadNote, Note, Verifier, parse_note
from refnet.tlog.policy import Policy
from refnet.tlog.publish import CHECKPOINT, HISTORY

NEWEST = f"the file {CHECKPOINT}"
_BLOCK_MAX = 1 << 16
"""Longer than any checkpoint with its signatures."""


class Keys:
    """Whose word counts: the public keys of the log, of which one must have signed.

    policy: which witnesses must have cosigned besides; None asks for none.
    """

    def __init__(self, keys: Sequence[Verifier], policy: Policy | None = None) -> None:
        self.verifiers = tuple(keys)
        self.policy = policy

    def lacks(self, note: Note) -> str:
        """What a checkpoint lacks by the policy, "" if nothing.

        Raises BadNote if a signature of one of its keys is wrong.
        """
        return "" if self.policy is None else "; ".join(self.policy.missing(note))

    def open(self, raw: bytes) -> tuple[Checkpoint, Note]:
        """A checkpoint in exactly the form in which it is signed. Raises BadNote.

        Every signature by one of the keys must be right; lines of unknown keys say nothing.
        """
        note = parse_note(raw)
        if not sum([key.has_signed(note) for key in self.verifiers]):
            raise BadNote(
                "it is signed with none of the given keys (an older key may be missing: give it "
                "with --key as well, beside the present one)"
            )
        found = parse_checkpoint(note.text)
        if found.origin not in {key.name for key in self.verifiers}:
            raise BadNote(f"it is of {found.origin}, not of the log whose keys were given")
        if found.text() != note.text:
            raise BadNote("it says more than origin, size and root")
        return found, note


class Checkpoints(Step):
    """Signatures, order and roots of all checkpoints; what the signer remembers; the root."""

    name = "checkpoints"

    def __init__(
        self, root: Path, signed: Signed, keys: Keys, log: str, head: int, *, expected: bool
    ) -> None:
        """root: the folder that is published. head: the position up to which rows will come.

        log: which one the database says that it is, with which what was signed must agree.
        expected: whether it is known that the log is signed, so that nothing would be too little.
        """
        self._root = root
        self._signed = signed
        self._keys = keys
        self._log = log
        self._head = head
        self._origin = ""
        self._expected = expected
        self.tree = Frontier()
        self.count = 0
        self.unshown = 0
        """How many facts a checkpoint covers that agrees, and is signed but not published yet."""
        self._good = 0
        self._hidden: Checkpoint | None = None
        self._told = self._all()
        self._next: Checkpoint | None = None

    def begin(self) -> None:
        """See `Step.begin`."""
        if self._signed.problem:
            raise Differs("file", self._signed.problem)
        if self._is_unsigned:
            if self._expected:
                raise Differs(
                    "checkpoint",
                    "nothing that was signed is here, though a key of the log was given; restore "
                    "what was published, or get it from whoever publishes it",
                )
            if self._signed.has_worked and self._head:
                raise Differs(
                    "checkpoint",
                    "the log was being signed here, and nothing that was signed is left; restore "
                    "what was published and what the signer remembers, or, if the very first time "
                    "was cut off: refnet audit publish",
                )
            return
        newest = self._newest()
        self._check_not_behind(newest)
        self._check_state(newest)
        if not self._signed.ends_well:
            raise Differs(
                "history",
                f"the file {HISTORY} does not end with the newest checkpoint, of {newest.size} "
                "facts; if a publisher was cut off, refnet audit publish adds it",
                facts={"size": newest.size},
            )
        self._advance()

    def take(self, rows: Sequence[Row]) -> int:
        """See `Step.take`."""
        commitments = [committed(row) for row in rows]
        self._meet(commitments)
        self.tree.extend(commitments)
        return len(rows)

    def finish(self) -> None:
        """See `Step.finish`."""
        if self._is_unsigned:
            why = "nothing was signed: whoever reads this log has its operator's word only"
            made = " (there is a signer, which has signed nothing yet)"
            raise Skipped(why + made * self._signed.has_signer)
        self._meet([])
        if self._next is not None:
            raise _behind(self._next.size, self._head)
        if self._origin and not self._origin.endswith(f"/{self._log}"):
            raise Differs(
                "log",
                f"what was signed is of {self._origin}, but the database says that it is log "
                f"{self._log}; restore the database that was signed",
            )

    @property
    def _is_unsigned(self) -> bool:
        return not (self._signed.checkpoint or self._signed.state or self._signed.length)

    def _meet(self, commitments: list[bytes]) -> None:
        """Compare every checkpoint that lies among the next leaves; takes the leaves before it."""
        while self._next is not None:
            more = self._next.size - self.tree.size
            if more > len(commitments):
                break
            self.tree.extend(commitments[:more])
            del commitments[:more]
            self._compare(self._next)
            self._advance()

    def _compare(self, claimed: Checkpoint) -> None:
        root = self.tree.root()
        if root != claimed.root:
            raise Differs(
                "root",
                f"the checkpoint of {claimed.size} facts is signed and has the root "
                f"{claimed.root.hex()}, but the log has {root.hex()}: a fact from leaf index "
                f"{self._good} to {claimed.size - 1} is not the one that was signed; "
                "restore the database that holds what was published",
                facts={
                    "size": claimed.size,
                    "signed_root": claimed.root.hex(),
                    "root": root.hex(),
                    "first_index": self._good,
                },
            )
        self._good = claimed.size
        if claimed is self._hidden:
            self.unshown = claimed.size
        else:
            self.count += 1

    def _advance(self) -> None:
        self._next = next(self._told, None)

    def _all(self) -> Iterator[Checkpoint]:
        yield from self._history()
        if self._hidden is not None:
            yield self._hidden

    def _history(self) -> Iterator[Checkpoint]:
        last, before, cosigned = Checkpoint("", 0, b""), b"", False
        for number, block in enumerate(self._blocks(), 1):
            where = f"checkpoint {number} of the file {HISTORY}"
            found, note = self._open(block, where)
            if found.size < last.size or block == before:
                raise Differs(
                    "order",
                    f"{where} is of {found.size} facts and follows one of {last.size}; each "
                    "checkpoint covers more than the one before; restore what was published",
                    facts={"size": found.size, "number": number},
                )
            lacks = self._lacks(note, where)
            # A log may have got its witnesses late, but does not do without them again.
            if lacks and cosigned:
                raise _uncosigned(where, found, lacks)
            cosigned = not lacks
            yield found
            last, before = found, block

    def _blocks(self) -> Iterator[bytes]:
        """The notes of the history as bytes; what was appended since we began is left out."""
        if not self._signed.length:
            return
        with (self._root / HISTORY).open("rb") as file:
            left, block = self._signed.length, b""
            while left > 0:
                line = file.readline(min(left, _BLOCK_MAX))
                left -= len(line) or left
                if line == b"\n" and block.rpartition(b"\n\n")[1]:
                    yield block
                    block = b""
                else:
                    block += line
                if len(block) > _BLOCK_MAX:
                    break
        if block:
            raise Differs(
                "history",
                f"the file {HISTORY} ends in something that is no checkpoint; if a publisher was "
                "cut off, refnet audit publish takes it back, else restore what was published",
            )

    def _open(self, raw: bytes, where: str) -> tuple[Checkpoint, Note]:
        try:
            found, note = self._keys.open(raw)
        except BadNote as error:
            missing = "" if raw else "it is missing: "
            raise _distrusted(where, f"{missing}{error}") from error
        self._origin = found.origin
        return found, note

    def _lacks(self, note: Note, where: str) -> str:
        try:
            return self._keys.lacks(note)
        except BadNote as error:
            raise _distrusted(where, str(error)) from error

    def _newest(self) -> Checkpoint:
        signed = self._signed
        if signed.state and not (signed.checkpoint or signed.length):
            return Checkpoint("", -1, b"")  # the first one is signed, and not shown yet
        newest, note = self._open(signed.checkpoint, NEWEST)
        if lacks := self._lacks(note, NEWEST):
            raise _uncosigned(NEWEST, newest, lacks)
        return newest

    def _check_not_behind(self, newest: Checkpoint) -> None:
        if newest.size > self._head:
            raise _behind(newest.size, self._head)

    def _check_state(self, newest: Checkpoint) -> None:
        if not self._signed.has_signer:
            return
        if not self._signed.state:
            raise Differs(
                "signer",
                f"the signer remembers nothing, but {newest.size} facts were signed; restore its "
                "state, or it could sign another history",
            )
        # Not cosigned: it is remembered before it is shown to anybody.
        remembered, _ = self._open(self._signed.state, "what the signer remembers")
        self._check_not_behind(remembered)
        if remembered.size > newest.size:
            # Witnesses have yet to cosign it, or a publisher is between the two: that is no
            # difference, as long as the rows are those that were signed.
            self._hidden = remembered
        elif text_of(self._signed.state) != text_of(self._signed.checkpoint):
            raise Differs(
                "signer",
                f"the signer remembers {remembered.size} facts with root {remembered.root.hex()}, "
                f"but the newest checkpoint has {newest.size} with {newest.root.hex()}; what is "
                "shown was remembered before, so restore the signer's directory",
                facts={"size": remembered.size, "published": newest.size},
            )


def _distrusted(where: str, why: str) -> Differs:
    return Differs("checkpoint", f"{where} is not to be trusted: {why}; restore it")


def _uncosigned(where: str, found: Checkpoint, lacks: str) -> Differs:
    return Differs(
        "policy",
        f"{where}, of {found.size} facts, is not cosigned as the policy asks: {lacks}; get one "
        "that is from whoever publishes the log, or ask the witnesses what they saw",
        facts={"size": found.size},
    )


def _behind(signed: int, head: int) -> Differs:
    return Differs(
        "rollback",
        f"the log ends at position {head}, but position {signed} was signed and published: the "
        "database was restored from a backup; restore a newer one",
        index=head,
        lost=True,
        facts={"size": head, "missing": signed},
    )
