"""Asking one witness to cosign (c2sp.org/tlog-witness), and what its answers mean.

What a witness says is not believed: a cosignature is verified, and a size it names only chooses the
proof that it is sent next.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import Enum, unique

from refnet.tlog.checkpoint import parse_size
from refnet.tlog.note import BadNote, Note, Signature, parse_signatures
from refnet.tlog.policy import Witness
from refnet.tlog.posting import ANSWER_BYTES_MAX, Answer, NoAnswer, Post
from refnet.tlog.proof_file import extension

WAIT_S_MAX = 3600
"""As long as a witness may ask to be left alone: a slip does not lose it for ever."""

Prove = Callable[[int], Sequence[bytes]]
"""old size -> that the checkpoint continues the tree of that size."""


@unique
class Cause(Enum):
    """Why a witness gave no cosignature; the value is a word for logs and metrics."""

    FORK = "fork"
    """It holds another tree of this size, with the log's own signature. An alarm."""
    UNPROVEN = "unproven"
    """To it, this tree does not continue the one it cosigned. An alarm."""
    AHEAD = "ahead"
    """It cosigned a larger tree than this: the log lost facts, or its key is used elsewhere. An
    alarm."""
    UNKNOWN_LOG = "unknown-log"
    """It does not know the origin; its operator must add the log."""
    UNKNOWN_KEY = "unknown-key"
    """It does not accept the log's key; its operator must add it."""
    OVERTAKEN = "overtaken"
    """Its tree changed twice while it was asked: somebody else feeds it the same log."""
    BUSY = "busy"
    """It asked to be left alone for a while."""
    UNREACHABLE = "unreachable"
    """Nothing came back in time, or no HTTP."""
    LATE = "late"
    """It had not answered when the others were enough, or when the time was up."""
    BAD_COSIGNATURE = "bad-cosignature"
    """It said yes and sent no cosignature of its key of this checkpoint."""
    BAD_ANSWER = "bad-answer"
    """It said something that is not in the protocol."""
    NO_ADDRESS = "no-address"
    """The policy does not say where it is."""


ALARMS = frozenset({Cause.FORK, Cause.UNPROVEN, Cause.AHEAD})
"""Somebody must look: the log is not what a witness saw of it, or the witness is wrong."""


@dataclass(frozen=True, slots=True)
class Failure:
    """That a witness did not cosign, and why. name: the witness's name in the policy."""

    name: str
    cause: Cause
    why: str

    @property
    def is_alarm(self) -> bool:
        """Whether somebody must look at once."""
        return self.cause in ALARMS


class Asked:
    """A witness that is asked again and again. For one thread at a time; `cut` is for others.

    It remembers the size the witness cosigned last, until when not to ask, and an alarm: whoever
    saw another log of our name is not asked again before somebody has looked and restarted.
    """

    def __init__(self, witness: Witness, context: ssl.SSLContext | None = None) -> None:
        """Raises ValueError if the witness has an address that is none; it may have none at all."""
        self.witness = witness
        self.known = 0
        self._post = Post(witness.url, context) if witness.url else None
        self._not_before = 0.0
        self._alarm: Failure | None = None

    def cosign(self, note: Note, size: int, prove: Prove, deadline: float) -> Signature | Failure:
        """Ask for a cosignature of a checkpoint of a size. deadline: on the monotonic clock."""
        if self._alarm is not None:
            return self._alarm
        if self._post is None:
            return self._failed(Cause.NO_ADDRESS, "the policy names no address of it")
        left = self._not_before - time.monotonic()
        if left > 0:
            return self._failed(Cause.BUSY, f"it asked to be left alone for {left:.0f} s more")
        try:
            return self._ask(self._post, note, size, prove, deadline)
        except NoAnswer as error:
            return self._failed(Cause.UNREACHABLE, str(error))

    def cut(self) -> None:
        """End the waiting for an answer."""
        if self._post is not None:
            self._post.cut()

    def close(self) -> None:
        """Let the connection go."""
        if self._post is not None:
            self._post.close()

    def _ask(
        self, post: Post, note: Note, size: int, prove: Prove, deadline: float
    ) -> Signature | Failure:
        old = min(self.known, size)
        answer = self._send(post, note, old, prove, deadline)
        if answer.status == 409:
            named = _size_named(answer)
            if named is None:
                return self._failed(Cause.BAD_ANSWER, "it refused the old size and named none")
            if failure := self._judged(named, old, size):
                return failure
            self.known = old = named
            answer = self._send(post, note, old, prove, deadline)
        if answer.status != 409:
            return self._understood(answer, note, size)
        again = _size_named(answer)
        if again is None:
            return self._failed(Cause.BAD_ANSWER, "it refused the old size and named none")
        return self._judged(again, old, size) or self._failed(
            Cause.OVERTAKEN, f"it named the size {old}, and when it got a proof from there {again}"
        )

    def _send(self, post: Post, note: Note, old: int, prove: Prove, deadline: float) -> Answer:
        path = prove(old) if old > 0 else ()
        return post.send("add-checkpoint", extension(old, path, str(note)).encode(), deadline)

    def _judged(self, named: int, old: int, size: int) -> Failure | None:
        """What there is to say of a 409, unless that a proof from the size it names will do."""
        if named > size:
            return self._alarmed(
                Cause.AHEAD, f"it cosigned {named} facts of this log, which has {size}"
            )
        if named == old == size:
            return self._alarmed(Cause.FORK, f"it cosigned another tree of {size} facts")
        if named == old:
            return self._failed(Cause.BAD_ANSWER, f"it refused the old size {old} and named it")
        return None

    def _understood(self, answer: Answer, note: Note, size: int) -> Signature | Failure:
        said = f"it answered {answer.status}"
        match answer.status:
            case 200:
                return self._cosigned(answer, note, size)
            case 422:
                return self._alarmed(
                    Cause.UNPROVEN,
                    f"to it, the tree of {size} facts does not continue what it cosigned",
                )
            case 404:
                return self._failed(Cause.UNKNOWN_LOG, "it does not know this log")
            case 403:
                return self._failed(Cause.UNKNOWN_KEY, "it does not accept the log's key")
            case 429 | 503:
                wait = _seconds(answer.retry_after)
                self._not_before = time.monotonic() + wait
                if wait:
                    said += f" and asks to be left alone for {wait:.0f} s"
                return self._failed(Cause.BUSY, said)
            case _:
                return self._failed(Cause.BAD_ANSWER, said)

    def _cosigned(self, answer: Answer, note: Note, size: int) -> Signature | Failure:
        name = self.witness.verifier.name
        if len(answer.body) > ANSWER_BYTES_MAX:
            return self._failed(Cause.BAD_ANSWER, "its answer has no end")
        try:
            lines = parse_signatures(answer.body.decode())
            # Lines of other keys are passed over: it may have keys we do not know.
            found = self.witness.verifier.signature_in(Note(note.text, lines))
        except UnicodeDecodeError:
            return self._failed(Cause.BAD_COSIGNATURE, "its answer is not UTF-8")
        except BadNote as error:
            return self._failed(Cause.BAD_COSIGNATURE, str(error))
        if found is None:
            return self._failed(Cause.BAD_COSIGNATURE, f"no line is of the key of {name}")
        self.known = size
        return found

    def _failed(self, cause: Cause, why: str) -> Failure:
        return Failure(self.witness.name, cause, why)

    def _alarmed(self, cause: Cause, why: str) -> Failure:
        self._alarm = self._failed(cause, why)
        return self._alarm


def _size_named(answer: Answer) -> int | None:
    """The size in a 409; a witness of an older draft may name it under any type of content."""
    try:
        text = answer.body.decode("ascii")
        return parse_size(text.removesuffix("\n"))
    except (UnicodeDecodeError, BadNote):
        return None


def _seconds(retry_after: str) -> float:
    """The seconds a header Retry-After asks for, which may name a date; none if it is no such."""
    if retry_after.isascii() and retry_after.isdigit():
        return float(min(int(retry_after[:9]), WAIT_S_MAX))
    try:
        date = parsedate_to_datetime(retry_after)
    except (TypeError, ValueError):
        return 0.0
    if date.tzinfo is None:
        date = date.replace(tzinfo=UTC)
    return min(max(0.0, (date - datetime.now(UTC)).total_seconds()), float(WAIT_S_MAX))
