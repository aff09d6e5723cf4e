"""Folding the log into the ledger beside a writer: the work of the server's follower thread."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import structlog

from refnet.engine import Engine
from refnet.errors import RefnetError, StorageFull, stopping
from refnet.log.follower import Follower

SAVE_SECONDS = 10.0
FULL_SECONDS = 1.0
"""How long the follower waits before it asks a full disk again."""

SETTLE_SECONDS = 0.0005


@dataclass(frozen=True, slots=True)
class Head:
    """The end of the log. record_time: microseconds. root: hex RFC 6962 root over all leaves."""

    position: int
    record_time: int
    root: str


class Folding:
    """The projection of an engine's store, kept in step with the log until `stop` is set.

    Nothing is folded before the engine says that it is recorded.
    """

    def __init__(self, engine: Engine, stop: threading.Event) -> None:
        self._engine = engine
        self._stop = stop
        self.projection = engine.projection()
        self.lock = threading.Lock()  # between what folds and what looks at the tree
        self._reader = engine.reader()
        self._follower = Follower(self._reader)

    @property
    def position(self) -> int:
        """How far the ledger has come."""
        return self.projection.position

    def head(self) -> Head:
        """The end of the log as far as the ledger has folded it."""
        with self.lock:
            ledger, tree = self.projection.ledger, self.projection.tree
            return Head(ledger.position, ledger.record_time, tree.root().hex())

    def wake(self, position: int = 0) -> None:
        """There may be more to fold, or `stop` was set; may be called on any thread."""
        self._follower.wake(position)

    def catch_up(self) -> None:
        """Fold what the log holds. Raises ShuttingDown once `stop` is set; StoreDamaged."""
        saved = time.monotonic()
        for rows in self._reader.scan(self.projection.position):
            if self._stop.is_set():
                raise stopping()
            self.projection.extend(rows)
            if time.monotonic() - saved > SAVE_SECONDS:
                self._save()
                saved = time.monotonic()
        self._save()
        self._follower.position = self.projection.position

    def follow(self, folded: Callable[[], None]) -> None:
        """Fold what comes until `stop` is set. folded: called after each batch."""
        saved = time.monotonic()
        for rows in self._follower.batches(self._stop):
            # In the file, facts are there a moment before the writer says so.
            while self._engine.position < rows[-1][0] and not self._stop.is_set():
                self._stop.wait(SETTLE_SECONDS)
            self._fold(rows)
            folded()
            if time.monotonic() - saved > SAVE_SECONDS:
                self._save()
                saved = time.monotonic()

    def finish(self, *, complete: bool) -> None:
        """Save the ledger; if complete, first fold what was written last, so no start need to."""
        if complete:
            with suppress(StorageFull):
                self.projection.catch_up(self._reader)
        self._save()

    def close(self) -> None:
        """Let go of the log."""
        self._reader.close()

    def _fold(self, rows: list[Any]) -> None:
        while not self._stop.is_set():
            try:
                with self.lock:
                    self.projection.extend(rows)
            except StorageFull as refusal:
                self._stop.wait(FULL_SECONDS)
                _log("ledger_waits", refusal)
            else:
                return

    def _save(self) -> None:
        """What is not saved is folded again after a restart, so a full disk does no harm."""
        try:
            self.projection.save()
        except StorageFull as refusal:
            _log("ledger_not_saved", refusal)


def _log(event: str, refusal: RefnetError) -> None:
    structlog.get_logger().warning(event, message=refusal.message, **refusal.facts)
