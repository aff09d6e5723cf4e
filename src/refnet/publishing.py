"""Publishing the log beside a writer: the work of the server's publisher thread."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path

import structlog

from refnet.engine import Engine
from refnet.errors import StorageFull, StoreSealed
from refnet.tlog.cosigning import Witnesses
from refnet.tlog.note import BadNote, Note
from refnet.tlog.policy import BadPolicy, Policy, parse_policy
from refnet.tlog.proofs import Node
from refnet.tlog.publish import Publisher
from refnet.tlog.signer import Reach, Signatory

FOLDER = "tlog"
SIGNER = "signer"
POLICY = "policy"
INTERVAL_SECONDS = 1.0
"""Between checkpoints, while there are new facts."""

FULL_SECONDS = 1.0
"""How long the publisher waits before it asks a full disk again."""


class Publishing:
    """Signs and publishes what an engine's log holds. `start` first, `close` last.

    What was acknowledged is published within seconds; nothing else waits for it.
    """

    def __init__(self, engine: Engine, signer: Path, reach: Reach) -> None:
        """signer: the directory of keys, of what was signed, and of the policy, if there is one.

        With a policy (c2sp.org/tlog-policy) no checkpoint is published before its quorum of
        witnesses has cosigned it. Raises NotFound, StoreSealed (another process signs with it, or
        the policy is none, or of another log).
        """
        with ExitStack() as opened:  # closed again if one of these fails
            self._reader = opened.enter_context(closing(engine.reader()))
            self._signatory = opened.enter_context(closing(Signatory(signer, reach)))
            self._policy = read_policy(signer / POLICY)
            self._witnesses = _witnesses(signer / POLICY, self._policy, self._signatory)
            opened.pop_all()
        self._publisher = Publisher(
            engine.data / FOLDER,
            self._signatory,
            self._reader.commitments,
            reach,
            self._cosigned,
            self._is_enough,
        )

    @property
    def covered(self) -> int:
        """The last position that the published checkpoint covers."""
        return self._publisher.shown

    @property
    def pending(self) -> bool:
        """Whether a checkpoint is signed that the quorum of witnesses has yet to cosign."""
        return self._publisher.pending

    def start(self) -> None:
        """Compare what was signed with the log. Raises LogBehind, LogForked, StoreDamaged."""
        self._publisher.start(self._reader.position())

    def publish(self) -> int:
        """Publish everything there is; returns what is covered then.

        Raises LogForked, StorageFull, StoreDamaged.
        """
        self._publisher.publish(self._reader.position())
        return self.covered

    def run(self, stop: threading.Event, published: Callable[[], None]) -> None:
        """Publish every second, if there is anything new, until `stop` is set.

        published: called after each time.
        """
        while not stop.is_set():
            began = time.monotonic()
            wait = INTERVAL_SECONDS
            try:
                before = self.covered
                if self.publish() != before:
                    published()
                    wait -= time.monotonic() - began
            except StorageFull as refusal:
                structlog.get_logger().warning("publishing_waits", message=refusal.message)
                wait = FULL_SECONDS
            stop.wait(max(0.0, wait))

    def close(self) -> None:
        """Let another process sign."""
        with closing(self._reader), closing(self._signatory):
            if self._witnesses is not None:
                self._witnesses.close()

    def _is_enough(self, note: Note) -> bool:
        """Whether a checkpoint has all signatures that the policy asks for, if there is one."""
        try:
            return self._policy is None or self._policy.satisfied(note)
        except BadNote:
            return False

    def _cosigned(self, note: Note, node: Node, size: int) -> Note | None:
        """The checkpoint with its cosignatures, None if there are not enough yet."""
        if self._witnesses is None:
            return note
        found = self._witnesses.cosign(note, node, size)
        logger = structlog.get_logger()
        for each in found.failures:
            # Whether the log or the witness is wrong, is for people to find out: it goes on.
            tell = logger.error if each.is_alarm else logger.warning
            tell("not_cosigned", witness=each.name, cause=each.cause.value, message=each.why)
        if not found.is_enough:
            logger.warning("checkpoint_waits", size=size, message="the quorum has not cosigned it")
            return None
        return found.note


def read_policy(path: Path) -> Policy | None:
    """The policy in a file, None if there is no such file. Raises StoreSealed."""
    try:
        return parse_policy(path.read_bytes())
    except FileNotFoundError:
        return None
    except BadPolicy as error:
        raise StoreSealed(f"the policy {path} is none: {error}", path=path) from error


def _witnesses(path: Path, policy: Policy | None, signatory: Signatory) -> Witnesses | None:
    """Those of the policy, which is from that file; None without one. Raises StoreSealed."""
    if policy is None:
        return None
    try:
        witnesses = Witnesses(policy)
    except ValueError as error:
        raise StoreSealed(f"the policy {path} is none: {error}", path=path) from error
    ours = {each.public for each in signatory.verifiers}
    if policy.logs and not any(each.verifier.public in ours for each in policy.logs):
        raise StoreSealed(
            f"the policy {path} names other logs than {signatory.origin}; add a line `log` with "
            "what refnet audit keys prints, or leave such lines out",
            path=path,
        )
    return witnesses
