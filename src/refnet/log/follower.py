"""Following the log: every fact once, in order, from any position on."""

from __future__ import annotations

import threading
from collections.abc import Iterator

from refnet.log.reader import Reader, Row

POLL_SECONDS = 1.0


class Follower:
    """Waits for new rows. A wake-up that is lost costs at most `POLL_SECONDS`.

    `position` is the last one handed out; a new follower that starts there goes on where this one
    ended.
    """

    def __init__(self, reader: Reader, after: int = 0, batch: int = 4096) -> None:
        """Rows come from `reader`, which the caller closes after the follower has stopped."""
        self.position = after
        self._reader = reader
        self._batch = batch
        self._wake = threading.Event()

    def wake(self, position: int = 0) -> None:
        """There may be more: to be called from any thread, such as by `Sequencer.on_commit`."""
        if not position or position > self.position:
            self._wake.set()

    def batches(self, stop: threading.Event) -> Iterator[list[Row]]:
        """Rows in log order, none left out, none twice, until `stop` is set.

        Whoever sets `stop` calls `wake` to be heard at once. Raises StoreDamaged.
        """
        while not stop.is_set():
            # Cleared before reading: a wake-up that comes while we read is not lost.
            self._wake.clear()
            rows = self._reader.rows(self.position, limit=self._batch)
            if rows:
                self.position = rows[-1][0]
                yield rows
            else:
                self._wake.wait(POLL_SECONDS)
