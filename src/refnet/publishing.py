"""Publishing the log beside a writer: the work of the server's publisher thread."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import structlog

from refnet.engine import Engine
from refnet.errors import StorageFull
from refnet.tlog.publish import Publisher
from refnet.tlog.signer import Reach, Signatory

FOLDER = "tlog"
SIGNER = "signer"
INTERVAL_SECONDS = 1.0
"""Between checkpoints, while there are new facts."""

FULL_SECONDS = 1.0
"""How long the publisher waits before it asks a full disk again."""


class Publishing:
    """Signs and publishes what an engine's log holds. `start` first, `close` last.

    What was acknowledged is published within seconds; nothing else waits for it.
    """

    def __init__(self, engine: Engine, signer: Path, reach: Reach) -> None:
        """signer: the directory of keys and of what was signed.

        Raises NotFound, StoreSealed (another process signs with it).
        """
        self._reader = engine.reader()
        try:
            self._signatory = Signatory(signer, reach)
        except BaseException:
            self._reader.close()
            raise
        self.folder = engine.data / FOLDER
        self._publisher = Publisher(self.folder, self._signatory, self._reader.commitments, reach)

    @property
    def covered(self) -> int:
        """The last position that a signed checkpoint covers."""
        return self._publisher.signed

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
        with closing(self._reader):
            self._signatory.close()
