"""The log of reads: noted on the event loop, recorded by the writer a moment later.

Nobody who reads waits for it. What was noted and not yet recorded when the process dies is lost,
and that is at most what was first read in the last second.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from functools import partial
from itertools import islice
from typing import Any, NamedTuple
from uuid import UUID

from refnet.domain.read import PersonalDataRead, RecordReads
from refnet.domain.values import utc_day
from refnet.errors import Overloaded, RefnetError, StorageFull, StoreSealed
from refnet.log.reader import Reader

NOTED_SECONDS = 0.25
"""How long what was noted may wait for more; the commit comes on top."""

RETRY_SECONDS = 1.0
SUBJECTS_MAX = 256
"""Facts that one request may make."""

_NAME = PersonalDataRead.NAME  # type: ignore[attr-defined]
_ROWS = 20_000

_Key = tuple[str, UUID]  # reader, subject

_PASSING = (StorageFull, StoreSealed, Overloaded)
"""Refusals after which the same may be recorded a moment later."""


class ReadLog:
    """Notes who was shown whose data. Used on one event loop."""

    def __init__(
        self,
        known: Callable[[], Mapping[Any, Any]],
        clock: Callable[[], int],
        record: Callable[[RecordReads], Awaitable[object]],
    ) -> None:
        """known: the index of reads as it is recorded. record: has the writer record them."""
        self._known = known
        self._clock = clock
        self._record = record
        self._noted: dict[int, dict[_Key, None]] = {}  # by day, in order
        self._sent: set[tuple[int, _Key]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def note(self, reader: str, subjects: Iterable[UUID]) -> None:
        """Personal data of these people were shown to a principal."""
        known, day = self._known(), utc_day(self._clock())
        for subject in subjects:
            key = reader, subject
            if known.get(key, -1) < day and (day, key) not in self._sent:
                self._noted.setdefault(day, {})[key] = None
        if self._noted:
            self._wait(NOTED_SECONDS)

    def flush(self) -> None:
        """Hand what was noted to the writer now, all of it: for when nobody will do so later."""
        self._flush(hold=False)

    def _flush(self, *, hold: bool) -> None:
        """Oldest day first, as the index knows of each reader and person the newest day only.

        hold: keep back a day while an earlier one is in flight. If that is refused, it comes again,
        and would be taken for known if the later one had been recorded meanwhile.
        """
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for day in sorted(self._noted):
            if hold and any(sent < day for sent, _ in self._sent):
                break  # `_settle` goes on
            keys = self._noted.pop(day)
            for reader in dict.fromkeys(reader for reader, _ in keys):
                theirs = iter([subject for who, subject in keys if who == reader])
                while subjects := tuple(islice(theirs, SUBJECTS_MAX)):
                    asked = RecordReads(reader=reader, day=day, subjects=subjects)
                    self._send(asked)

    def _wait(self, seconds: float) -> None:
        if self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(seconds, partial(self._flush, hold=True))

    def _send(self, asked: RecordReads) -> None:
        """The request is with the writer when this returns, so that closing it answers it."""
        self._sent |= _keys(asked)
        recorded = asyncio.ensure_future(self._record(asked))
        task = asyncio.get_running_loop().create_task(self._settle(asked, recorded))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _settle(self, asked: RecordReads, recorded: Awaitable[object]) -> None:
        seconds = NOTED_SECONDS
        try:
            await recorded
        except _PASSING:
            # The index does not know them, so once there is room they are recorded.
            for subject in asked.subjects:
                self._noted.setdefault(asked.day, {})[asked.reader, subject] = None
            seconds = RETRY_SECONDS
        except RefnetError:
            pass  # the server stops, or has no network, and then nobody was shown anything
        finally:
            self._sent -= _keys(asked)
        if self._noted:
            self._wait(seconds)


def _keys(asked: RecordReads) -> set[tuple[int, _Key]]:
    return {(asked.day, (asked.reader, subject)) for subject in asked.subjects}


class ReadOf(NamedTuple):
    """A recorded read. record_time: microseconds."""

    position: int
    subject: UUID
    reader: str
    day: int
    record_time: int


def reads_in(reader: Reader, after: int, upto: int, subject: UUID | None) -> Iterator[ReadOf]:
    """What the log says of reads, of one person's data or of all, in log order."""
    named = b"" if subject is None else str(subject).encode()
    for start in range(after, upto, _ROWS):
        rows = reader.query(
            "SELECT rowid, originator_id, originator_version, topic, state, salt, commitment"
            " FROM stored_events WHERE rowid > ? AND rowid <= ? AND topic = ?"
            " AND (? = '' OR instr(state, ?)) ORDER BY rowid",
            (start, min(start + _ROWS, upto), _NAME, named.decode(), named),
        )
        for row in rows:
            fact, recorded = reader.decode(row)
            yield ReadOf(
                recorded.position, fact.subject, fact.reader, fact.day, recorded.record_time
            )
