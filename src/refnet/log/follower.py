"""Following the log: every fact once, in order, from any position on."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import msgspec

from refnet.errors import StoreDamaged
from refnet.log.reader import Reader, Row

POLL_SECONDS = 1.0

_TAIL = (
    "SELECT json_group_array(json_array(rowid, originator_id, originator_version, topic,"
    " hex(state), hex(salt), hex(commitment)))"
    " FROM (SELECT * FROM stored_events WHERE rowid > ? ORDER BY rowid LIMIT ?)"
)
"""All new rows as one: sqlite3 takes the interpreter lock again for every row, and in a busy server
each time is a wait and two switches of the processor, dearer than all that is done with the row."""

_Hexed = tuple[int, str, int, str, str, str, str]


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
        self._decoder = msgspec.json.Decoder(list[_Hexed])

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
            rows = self._read()
            if rows:
                self.position = rows[-1][0]
                yield rows
            else:
                self._wake.wait(POLL_SECONDS)

    def _read(self) -> list[Row]:
        try:
            ((found,),) = self._reader.query(_TAIL, (self.position, self._batch))
            rows: list[Row] | None = [_row(hexed) for hexed in self._decoder.decode(found)]
        except (StoreDamaged, msgspec.DecodeError):
            rows = None
        if rows is None or any(row[0] != at for at, row in enumerate(rows, self.position + 1)):
            # The plain way knows how to say what is wrong.
            return self._reader.rows(self.position, limit=self._batch)
        return rows


def _row(hexed: _Hexed) -> Row:
    position, stream, version, topic, state, salt, commitment = hexed
    unhexed = bytes.fromhex(state), bytes.fromhex(salt), bytes.fromhex(commitment)
    return (position, stream, version, topic, *unhexed)
