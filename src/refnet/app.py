"""The server's heart: an engine with threads around it, for an event loop to talk to.

Three threads do the work that must not hold up the loop: the writer commits batches, the follower
folds the log into the ledger, the scorer turns the ledger into snapshots. Data flows one way, each
thread owns what it writes, and the loop is told by `call_soon_threadsafe`.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import structlog

from refnet.domain.decisions import Noun, Request
from refnet.domain.values import Erased, utc_day
from refnet.engine import Engine, Row, load_state, reveal_fields, row_of
from refnet.errors import FreshnessTimeout, PositionAhead, RefnetError, ShuttingDown
from refnet.log.disclosure import Disclosure
from refnet.log.draft import Receipt
from refnet.log.follower import Follower
from refnet.log.writer import Writer
from refnet.standings import Snapshot, Standings, snapshot_at

REFRESH_SECONDS = 0.5
"""Without anybody waiting, scores are made again at most this often."""

SAVE_SECONDS = 10.0
CHECKPOINT_SECONDS = 1.0
CACHED_SNAPSHOTS = 8
FOLLOW_ROWS = 256


@dataclass(frozen=True, slots=True)
class Head:
    """The end of the log. record_time: microseconds. root: hex RFC 6962 root over all leaves."""

    position: int
    record_time: int
    root: str


@dataclass(frozen=True, slots=True)
class Freshness:
    """How fresh a read must be: at least a position, exactly one (on a day), or the head."""

    at_least: int = 0
    exactly: int | None = None
    day: int | None = None
    head: bool = False


class App:
    """Use cases for the API. Made and used on one event loop; `start` first, `close` last."""

    def __init__(self, engine: Engine, *, threads: int = 1) -> None:
        """threads: how many the kernel may use; it changes no bit."""
        self._engine = engine
        self._threads = threads
        self.log_id = engine.log_id
        self.nouns = engine.nouns
        self.failed = asyncio.Event()
        self._failure: Exception | None = None
        self._nouns = {noun.name: noun for noun in engine.nouns}
        self._pool = ThreadPoolExecutor(4, "refnet-read")
        self._readers = threading.local()
        self._stop = threading.Event()
        self._writer = Writer(engine.sequencer)
        self._projection = engine.projection()
        self._follower = Follower(engine.reader(), self._projection.position)
        self._standings = Standings(self._projection.ledger)
        self._ledger_lock = threading.Lock()
        self._wanted = threading.Condition()
        self._due = 0
        self._changed = asyncio.Event()
        self._latest: Snapshot | None = None
        self._published = asyncio.Event()
        self._older: OrderedDict[tuple[int, int], Snapshot] = OrderedDict()
        self._work: list[threading.Thread] = []

    async def start(self) -> None:
        """Fold what the log holds, make the first scores, and begin to take writes."""
        self._loop = asyncio.get_running_loop()
        self._engine.sequencer.on_commit(self._follower.wake)
        await self._loop.run_in_executor(self._pool, self._catch_up)
        self._latest = await self._loop.run_in_executor(self._pool, self._compute)
        self._writer.start()
        for name, work in (("follower", self._follow), ("scorer", self._score)):
            thread = threading.Thread(target=self._guard, args=(work,), name=f"refnet-{name}")
            thread.start()
            self._work.append(thread)

    async def close(self) -> None:
        """Answer what waits, stop the threads, save the ledger."""
        await asyncio.get_running_loop().run_in_executor(None, self._shut)

    @property
    def position(self) -> int:
        """The last position that is recorded; what is read after looking includes it."""
        return self._engine.position

    def raise_failure(self) -> None:
        """Raise what made the server stop by itself, if something did."""
        failure = self._engine.sequencer.failure or self._failure
        if failure is not None:
            raise failure

    # Writes

    def new_id(self, noun: Noun) -> UUID:
        """An id for a new stream."""
        return self._engine.new_id(noun.name)

    async def submit(self, request: Request) -> Receipt:
        """Record one request; returns after it is flushed. Raises its refusal."""
        future: asyncio.Future[Receipt] = self._loop.create_future()
        self._writer.enqueue(request, future, self._deliver)
        return await future

    async def submit_many(self, requests: Sequence[Request]) -> list[Receipt | RefnetError]:
        """Record several, each on its own; refusals come back as values."""
        futures: list[asyncio.Future[Receipt]] = []
        for request in requests:
            future: asyncio.Future[Receipt] = self._loop.create_future()
            self._writer.enqueue(request, future, self._deliver)
            futures.append(future)
        outcomes = await asyncio.gather(*futures, return_exceptions=True)
        for outcome in outcomes:
            if not isinstance(outcome, Receipt | RefnetError):
                raise outcome
        return outcomes  # type: ignore[return-value]

    # The directory and single streams

    def resident(self, noun: str) -> Mapping[UUID, Any]:
        """Committed states of a noun that is held in memory, in order of their first fact."""
        return self._engine.state.resident(noun)

    async def load(self, noun: Noun, stream: UUID, upto: int | None = None) -> Any | None:
        """The state of a stream at a position (None: now), or None."""
        if noun.resident and upto is None:
            return self.resident(noun.name).get(stream)
        return await self._read(lambda reader, _: load_state(reader, noun, stream, upto))

    async def personal(
        self, noun: Noun, stream: UUID, versions: Mapping[str, int]
    ) -> Mapping[str, str | Erased | None]:
        """Personal fields of a stream in clear, each from the fact of the given version."""
        found: dict[str, str | Erased | None] = await self._read(
            lambda reader, disclosure: reveal_fields(reader, disclosure, stream, versions)
        )
        return found

    # The log

    async def head(self) -> Head:
        """The end of the log as far as the ledger has folded it, with the root there."""
        return await self._loop.run_in_executor(self._pool, self._head)

    async def rows(self, after: int, limit: int, upto: int | None = None) -> list[Row]:
        """Stored facts with after < position <= upto, at most `limit`."""
        found: list[Row] = await self._read(
            lambda reader, _: [row_of(row) for row in reader.rows(after, upto, limit)]
        )
        return found

    async def follow(self, after: int) -> AsyncIterator[list[Row]]:
        """Stored facts after a position as they come; an empty list at least every second."""
        while not self._stop.is_set():
            changed = self._changed
            rows = await self.rows(after, FOLLOW_ROWS)
            if rows:
                after = rows[-1].position
            yield rows
            if len(rows) < FOLLOW_ROWS:
                await _wait(changed, CHECKPOINT_SECONDS)

    # Scores

    def latest(self) -> Snapshot | None:
        """The newest scores, without waiting."""
        return self._latest

    async def scores(self, freshness: Freshness, patience: float) -> Snapshot:
        """Scores as fresh as asked for.

        Raises PositionAhead for a position the log has not reached, FreshnessTimeout after
        `patience` s.
        """
        if freshness.exactly is not None:
            return await self._scores_at(freshness.exactly, freshness.day)
        wanted = freshness.at_least
        latest = self._latest
        if not freshness.head and latest is not None and latest.position >= wanted:
            return latest
        head = await self._read(lambda reader, _: reader.position())
        _check_reached(wanted, head)
        wanted = max(wanted, head) if freshness.head else wanted
        end = self._loop.time() + patience
        while True:
            published, latest = self._published, self._latest
            if latest is not None and latest.position >= wanted:
                return latest
            if self._stop.is_set():
                raise ShuttingDown("the server is stopping; ask another one, or retry later")
            left = end - self._loop.time()
            if left <= 0:
                raise FreshnessTimeout(
                    f"scores have not reached position {wanted} within {patience} s; "
                    "retry, or ask for less fresh ones",
                    position=wanted,
                )
            self._ask_for(wanted)
            await _wait(published, left)

    async def watch(self) -> AsyncIterator[Snapshot]:
        """Every snapshot that is made from now on, newest only, beginning with the present one."""
        seen: Snapshot | None = None
        while not self._stop.is_set():
            published, latest = self._published, self._latest
            if latest is not None and latest is not seen:
                seen = latest
                yield latest
            else:
                await _wait(published, CHECKPOINT_SECONDS)

    async def _scores_at(self, position: int, day: int | None) -> Snapshot:
        head = await self._read(lambda reader, _: reader.position())
        _check_reached(position, head)
        latest = self._latest
        if latest is not None and latest.position == position and day in (None, latest.day):
            return latest
        if day is None:
            day = await self._read(lambda reader, _: self._day_at(reader, position))
        found = self._older.get((position, day))
        if found is None:
            await self.scores(Freshness(at_least=position), 60.0)
            found = await self._loop.run_in_executor(self._pool, self._compute_at, position, day)
            self._remember(found)
        return found

    def _remember(self, snapshot: Snapshot) -> None:
        self._older[snapshot.position, snapshot.day] = snapshot
        while len(self._older) > CACHED_SNAPSHOTS:
            self._older.popitem(last=False)

    # On other threads

    async def _read(self, ask: Any) -> Any:
        return await self._loop.run_in_executor(self._pool, self._with_reader, ask)

    def _with_reader(self, ask: Any) -> Any:
        """Every reading thread has a connection of its own."""
        held = getattr(self._readers, "held", None)
        if held is None:
            reader = self._engine.reader()
            held = self._readers.held = (reader, Disclosure(reader, self._engine.keys))
        return ask(*held)

    def _day_at(self, reader: Any, position: int) -> int:
        if position == 0:
            return 0
        (row,) = reader.rows(position - 1, position, 1)
        return utc_day(self._engine.codec.record_time(position, row[4]))

    def _head(self) -> Head:
        with self._ledger_lock:
            ledger, tree = self._projection.ledger, self._projection.tree
            return Head(ledger.position, ledger.record_time, tree.root().hex())

    def _deliver(self, answers: Sequence[tuple[Any, Any]]) -> None:
        if self._engine.sequencer.failure is not None:
            self._loop.call_soon_threadsafe(self.failed.set)
        self._loop.call_soon_threadsafe(_resolve, answers)

    def _catch_up(self) -> None:
        reader = self._engine.reader()
        try:
            self._projection.catch_up(reader)
            self._projection.save()
        finally:
            reader.close()
        self._follower.position = self._projection.position

    def _follow(self) -> None:
        saved = time.monotonic()
        for rows in self._follower.batches(self._stop):
            with self._ledger_lock:
                self._projection.extend(rows)
            self._loop.call_soon_threadsafe(self._advance)
            with self._wanted:
                self._wanted.notify()
            if time.monotonic() - saved > SAVE_SECONDS:
                self._projection.save()
                saved = time.monotonic()

    def _score(self) -> None:
        while not self._stop.is_set():
            with self._wanted:
                self._wanted.wait_for(self._is_due, REFRESH_SECONDS)
            latest = self._latest
            assert latest is not None
            if self._projection.position > latest.position or self._today() > latest.day:
                self._publish(self._compute())

    def _is_due(self) -> bool:
        latest = self._latest
        made = 0 if latest is None else latest.position
        return self._stop.is_set() or made < self._due <= self._projection.position

    def _compute(self) -> Snapshot:
        with self._ledger_lock:
            self._standings.advance()
        return self._standings.snapshot(self._today(), self._threads)

    def _compute_at(self, position: int, day: int) -> Snapshot:
        return snapshot_at(self._projection.ledger, position, day, self._threads)

    def _today(self) -> int:
        """The later of the day of the last fact and the clock's (score-model section 1)."""
        return max(utc_day(self._projection.ledger.record_time), utc_day(self._engine.clock()))

    def _publish(self, snapshot: Snapshot) -> None:
        _ = snapshot.digest, snapshot.rank  # made here, so that no read pays for them
        self._loop.call_soon_threadsafe(self._show, snapshot)

    def _guard(self, work: Any) -> None:
        """A thread that fails stops the server: going on would serve what is not true."""
        try:
            work()
        except Exception as error:  # noqa: BLE001 - whatever it is, the server must stop
            self._failure = error
            self._loop.call_soon_threadsafe(self.failed.set)
            structlog.get_logger().exception("thread_failed", thread=work.__name__)

    def _shut(self) -> None:
        self._writer.close()
        self._stop.set()
        self._follower.wake()
        with self._wanted:
            self._wanted.notify_all()
        for thread in self._work:
            thread.join()
        self._pool.shutdown()
        self._projection.save()
        self._engine.close()

    # On the loop

    def _ask_for(self, position: int) -> None:
        with self._wanted:
            self._due = max(self._due, position)
            self._wanted.notify()

    def _advance(self) -> None:
        self._changed, changed = asyncio.Event(), self._changed
        changed.set()

    def _show(self, snapshot: Snapshot) -> None:
        if self._latest is not None:
            self._remember(self._latest)
        self._latest = snapshot
        self._published, published = asyncio.Event(), self._published
        published.set()


def _resolve(answers: Sequence[tuple[asyncio.Future[Receipt], Any]]) -> None:
    for future, outcome in answers:
        if future.done():
            continue  # the caller went away; what it asked for is recorded all the same
        if isinstance(outcome, BaseException):
            future.set_exception(outcome)
        else:
            future.set_result(outcome)


def _check_reached(position: int, head: int) -> None:
    if position > head:
        raise PositionAhead(
            f"position {position} is not in the log, which reaches {head}; wait for it",
            field="consistency",
            position=position,
            head=head,
        )


async def _wait(event: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return
