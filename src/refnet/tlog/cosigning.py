"""Asking all witnesses of a policy at once, and going on when enough of them have cosigned."""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from queue import Empty, SimpleQueue

from refnet.tlog.note import Note, Signature
from refnet.tlog.policy import NONE, Policy
from refnet.tlog.posting import NoAnswer
from refnet.tlog.proofs import Node, prove_consistency
from refnet.tlog.witness import Asked, Cause, Failure

PATIENCE_S = 5.0
"""How long a checkpoint waits for its quorum."""

_Said = Signature | Failure | Exception


@dataclass(frozen=True, slots=True)
class Cosigned:
    """What came of it: the note with the cosignatures it got, and who did not cosign and why."""

    note: Note
    failures: tuple[Failure, ...]
    is_enough: bool
    """Whether the cosignatures are the policy's quorum."""

    @property
    def alarms(self) -> list[Failure]:
        """Failures that say that a witness saw another log of this name."""
        return [each for each in self.failures if each.is_alarm]


class Witnesses:
    """The witnesses of a policy. For one thread; close it."""

    def __init__(self, policy: Policy, context: ssl.SSLContext | None = None) -> None:
        """context: for https, other than the system's. Raises ValueError for a bad address."""
        self._policy = policy
        self._asked = [Asked(each, context) for each in policy.witnesses]
        self._busy: dict[str, tuple[threading.Thread, float]] = {}

    def cosign(self, note: Note, node: Node, size: int, patience_s: float = PATIENCE_S) -> Cosigned:
        """Ask for cosignatures of a checkpoint of the tree of a size.

        Waits for a quorum, no longer than `patience_s`. Who has not answered by then is not waited
        for, and is asked again with the next checkpoint once its answer has come. Raises whatever
        the tree raises when a proof is made from it.
        """
        deadline = time.monotonic() + patience_s
        round_ = _Round(node, size)
        got: list[Signature] = []
        failures: list[Failure] = []
        names: set[str] = set()
        waiting = {each.witness.name for each in self._asked}
        for each in self._asked:
            self._start(each, round_, note, deadline)
        # A policy that asks for none is content from the start, and gets what there is.
        content = self._policy.quorum == NONE
        while waiting and (content or not self._policy.is_quorum(names)):
            answer = round_.next(deadline)
            if answer is None:
                break
            name, said = answer
            if isinstance(said, Exception):
                round_.close()
                raise said
            waiting.remove(name)
            if isinstance(said, Failure):
                failures.append(said)
            else:
                got.append(said)
                names.add(name)
        round_.close()
        failures += [
            Failure(name, Cause.LATE, "it had not answered when the others were waited for")
            for name in sorted(waiting)
        ]
        return Cosigned(note.signed(got), tuple(failures), self._policy.is_quorum(names))

    def close(self) -> None:
        """Wait for nobody any more."""
        for each in self._asked:
            each.cut()
        for thread, _ in list(self._busy.values()):
            thread.join(PATIENCE_S)
        for each in self._asked:
            each.close()

    def _start(self, each: Asked, round_: _Round, note: Note, deadline: float) -> None:
        name = each.witness.name
        if running := self._busy.get(name):
            # Who is only a little slower than the others may end what it does, and is asked again.
            if time.monotonic() > running[1]:
                each.cut()
            round_.put(name, Failure(name, Cause.LATE, "it has not answered the last question"))
            return

        def ask() -> None:
            said: _Said
            try:
                said = each.cosign(note, round_.size, round_.prove, deadline)
            except Exception as error:  # noqa: BLE001 - the caller must hear of it
                said = error
            # In this order: who hears the answer may ask again at once.
            self._busy.pop(name)
            round_.put(name, said)

        # Not joined when the process ends: no witness keeps it alive.
        thread = threading.Thread(target=ask, name=f"refnet-witness-{name}", daemon=True)
        self._busy[name] = thread, deadline
        thread.start()


class _Round:
    """One checkpoint: proofs for whoever asks while it lasts, and the answers."""

    def __init__(self, node: Node, size: int) -> None:
        self.size = size
        self._node = node
        self._proofs: dict[int, Sequence[bytes]] = {}
        self._lock = threading.Lock()
        self._over = False
        self._answers: SimpleQueue[tuple[str, _Said]] = SimpleQueue()

    def prove(self, old: int) -> Sequence[bytes]:
        """The tree is not for concurrent use, and after this round it is the caller's again."""
        with self._lock:
            if self._over:
                raise NoAnswer("the round was over")
            if old not in self._proofs:
                self._proofs[old] = prove_consistency(self._node, old, self.size)
            return self._proofs[old]

    def put(self, name: str, said: _Said) -> None:
        self._answers.put((name, said))

    def next(self, deadline: float) -> tuple[str, _Said] | None:
        try:
            return self._answers.get(timeout=max(0.0, deadline - time.monotonic()))
        except Empty:
            return None

    def close(self) -> None:
        with self._lock:
            self._over = True
