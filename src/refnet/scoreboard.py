"""Which scores there are: the newest, which a thread keeps making, and those of other positions.

The thread turns the ledger into snapshots; everything else happens on the event loop.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from refnet.domain.values import utc_day
from refnet.errors import FreshnessTimeout, stopping
from refnet.projection import Projection
from refnet.scoring import MODEL
from refnet.standings import Snapshot, Standings, snapshot_at

REFRESH_SECONDS = 0.5
"""Without anybody waiting, scores begin to be made again at most this often."""

REST_SECONDS = 0.1
"""However long it took to make them, others then have the processor for this long."""

PAUSE_SECONDS = 1.0
CACHED_SNAPSHOTS = 8
CACHED_BYTES = 256 << 20
"""What snapshots of the past may take together; the last one is kept whatever it takes."""

STUDY_THREADS = 2
"""How many questions about snapshots that take work are answered at a time; others wait."""

_Key = tuple[int, int]  # position, day

T = TypeVar("T")


class Scoreboard:
    """Snapshots of one projection, as fresh as they are asked for.

    `first` makes the first scores, before `run`, the work of a thread of its own, goes on.
    """

    def __init__(
        self, projection: Projection, clock: Callable[[], int], threads: int, model: str = MODEL
    ) -> None:
        """clock: microseconds since 1970. threads: of the kernel; they change no bit.

        model: one of `refnet.scoring.MODELS`.
        """
        self._projection = projection
        self._clock = clock
        self._threads = threads
        self._model = model
        self._standings = Standings(projection.ledger, model)
        self._stop = threading.Event()
        self._wanted = threading.Condition()
        self._due = 0
        self._made: _Key = (0, -1)  # what the thread has come to
        self._published = asyncio.Event()
        self._older: OrderedDict[_Key, Snapshot] = OrderedDict()
        self._making: dict[_Key, asyncio.Future[Snapshot]] = {}
        # One at a time: it is heavy work, and other reads must not wait for it.
        self._pool = ThreadPoolExecutor(1, "refnet-past")
        self._studies = ThreadPoolExecutor(STUDY_THREADS, "refnet-study")
        self.latest: Snapshot | None = None

    # On the thread that makes scores

    def first(self) -> Snapshot:
        """The first scores, to be shown by the caller."""
        return self._make()

    def run(self, publish: Callable[[Snapshot], None]) -> None:
        """Make scores until `stop`: at once when asked for, else now and then, and at midnight."""
        begun = time.monotonic()
        while not self._stop.is_set():
            rest = begun + REFRESH_SECONDS - time.monotonic()
            with self._wanted:
                self._wanted.wait_for(self._is_due, max(REST_SECONDS, rest))
            begun = time.monotonic()
            # A day that went back, because the clock was wrong before, is news as well.
            is_new = self._made != (self._projection.position, self._today())
            if is_new and not self._stop.is_set():
                publish(self._make())

    def advanced(self) -> None:
        """The projection has come further; may be called on any thread."""
        with self._wanted:
            self._wanted.notify()

    def _is_due(self) -> bool:
        return self._stop.is_set() or self._made[0] < self._due <= self._projection.position

    def _make(self) -> Snapshot:
        self._standings.advance()
        made = self._standings.snapshot(self._today(), self._threads)
        _ = made.digest, made.rank, made.labels  # so that no read pays for them
        self._made = (made.position, made.day)
        return made

    def _today(self) -> int:
        """The later of the day of the last fact and the clock's (score-model section 1)."""
        return max(utc_day(self._projection.ledger.record_time), utc_day(self._clock()))

    # On the loop

    def show(self, snapshot: Snapshot) -> None:
        """From now on this is the newest."""
        if self.latest is not None:
            self._remember(self.latest)
        self.latest = snapshot
        self._wake()

    def stop(self) -> None:
        """End `run`; whoever waits for scores or watches them hears of it at once."""
        self._stop.set()
        self.advanced()
        self._wake()

    def close(self) -> None:
        """Wait for what is being made; off the loop, after `stop`."""
        self._pool.shutdown(cancel_futures=True)
        self._studies.shutdown(cancel_futures=True)

    async def fresh(self, position: int, patience: float) -> Snapshot:
        """The newest scores once they include a position. Raises FreshnessTimeout."""
        loop = asyncio.get_running_loop()
        end = loop.time() + patience
        while True:
            published, latest = self._published, self.latest
            if latest is not None and latest.position >= position:
                return latest
            self._check_running()
            left = end - loop.time()
            if left <= 0:
                raise _too_slow(f"scores have not reached position {position}", position, patience)
            with self._wanted:
                self._due = max(self._due, position)
                self._wanted.notify()
            await pause(published, left)

    async def past(self, position: int, day: int, patience: float) -> Snapshot:
        """Scores at exactly a position, which the ledger has, and a day.

        Whoever asks for the same at the same time waits for the same work, which goes on if they
        go away. Raises FreshnessTimeout.
        """
        latest = self.latest
        if latest is not None and (latest.position, latest.day) == (position, day):
            return latest
        key = (position, day)
        found = self._older.get(key)
        if found is not None:
            self._older.move_to_end(key)
            return found
        making = self._making.get(key)
        if making is None:
            self._check_running()
            loop = asyncio.get_running_loop()
            making = loop.run_in_executor(self._pool, self._make_past, key)
            self._making[key] = making
            making.add_done_callback(lambda done: self._keep(key, done))
        await asyncio.wait((making,), timeout=patience)
        if not making.done():
            raise _too_slow(
                f"scores at position {position} on day {day} are in the making", position, patience
            )
        if making.cancelled():
            raise stopping()
        return making.result()

    async def study(self, snapshot: Snapshot, work: Callable[[Snapshot], T], patience: float) -> T:
        """What `work` finds in a snapshot, on a thread. Raises FreshnessTimeout.

        Work that began goes on if the caller goes away.
        """
        self._check_running()
        loop = asyncio.get_running_loop()
        doing = loop.run_in_executor(self._studies, work, snapshot)
        await asyncio.wait((doing,), timeout=max(0.0, patience))
        if not doing.done():
            doing.cancel()
            raise _too_slow(
                f"what was asked about position {snapshot.position} is in the making",
                snapshot.position,
                patience,
            )
        if doing.cancelled():
            raise stopping()
        return doing.result()

    async def watch(self) -> AsyncIterator[Snapshot]:
        """Every snapshot that is made from now on, newest only, beginning with the present one."""
        seen: Snapshot | None = None
        while not self._stop.is_set():
            published, latest = self._published, self.latest
            if latest is not None and latest is not seen:
                seen = latest
                yield latest
            else:
                await pause(published, PAUSE_SECONDS)

    def _make_past(self, key: _Key) -> Snapshot:
        position, day = key
        ledger = self._projection.ledger
        made = snapshot_at(ledger, position, day, self._threads, self._model)
        _ = made.digest, made.rank, made.labels
        return made

    def _keep(self, key: _Key, done: asyncio.Future[Snapshot]) -> None:
        del self._making[key]
        if not done.cancelled() and done.exception() is None:
            self._remember(done.result())

    def _remember(self, snapshot: Snapshot) -> None:
        key = (snapshot.position, snapshot.day)
        self._older[key] = snapshot
        self._older.move_to_end(key)
        kept = sum(each.nbytes for each in self._older.values())
        while len(self._older) > 1 and (len(self._older) > CACHED_SNAPSHOTS or kept > CACHED_BYTES):
            kept -= self._older.popitem(last=False)[1].nbytes

    def _wake(self) -> None:
        self._published, published = asyncio.Event(), self._published
        published.set()

    def _check_running(self) -> None:
        if self._stop.is_set():
            raise stopping()


async def pause(event: asyncio.Event, seconds: float) -> None:
    """Until the event is set, or so long."""
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return


def _too_slow(what: str, position: int, patience: float) -> FreshnessTimeout:
    return FreshnessTimeout(
        f"{what} within {patience} s; retry, or ask for less fresh ones", position=position
    )
