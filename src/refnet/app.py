"""The server's heart: an engine with threads around it, for an event loop to talk to.

Threads do the work that must not hold up the loop: the writer commits batches, the follower folds
the log into the ledger, the scorer turns the ledger into snapshots, the publisher signs the log.
Data flows one way, each thread owns what it writes, and the loop is told by `call_soon_threadsafe`.

A full disk is weather: who writes hears of it, everything else waits until there is room again. Any
other storage error is the end: `failed` is set, and nothing more is acknowledged.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack, suppress
from typing import Any, TypeVar
from uuid import UUID, uuid4

import numpy as np
import structlog
from numpy.typing import NDArray

from refnet.consistency import Freshness, check_reached
from refnet.domain.decisions import LOCAL, Noun, Request
from refnet.domain.network import PublishScores
from refnet.domain.read import READS, RecordReads
from refnet.domain.state import State
from refnet.domain.values import MICROS_PER_DAY, utc_day
from refnet.engine import Engine, Row, left_out, load_state, row_of
from refnet.errors import (
    FreshnessTimeout,
    RefnetError,
    ShuttingDown,
    StorageFull,
    stopping,
)
from refnet.folding import Folding, Head
from refnet.log.disclosure import Disclosure, Shown, reveal_fields
from refnet.log.draft import Receipt
from refnet.log.reader import Reader
from refnet.log.writer import Writer
from refnet.privacy.reads import ReadLog
from refnet.publishing import FOLDER, Publishing
from refnet.reading import ReadPool
from refnet.scoreboard import Scoreboard, pause
from refnet.scoring import MODEL
from refnet.standings import Snapshot, check_claim
from refnet.submitting import Submitting
from refnet.tlog.published import Published

CHECKPOINT_SECONDS = 1.0
PUBLISH_SECONDS = 60.0
FOLLOW_ROWS = 256

T = TypeVar("T")


class App:
    """Use cases for the API. Made and used on one event loop; `start` first, `close` last.

    Nobody is shown a position that `position` has not reached: what a token names can be read.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        threads: int = 1,
        model: str = MODEL,
        publishing: Publishing | None = None,
    ) -> None:
        """engine: closed by `close`. threads: how many the kernel may use; it changes no bit.

        model: the version of the score model that is served, one of `refnet.scoring.MODELS`.
        publishing: of the engine's log, closed by `close`; None: nothing is signed.
        """
        self._engine = engine
        self.log_id = engine.log_id
        self.nouns = engine.nouns
        self.failed = asyncio.Event()
        self._failure: Exception | None = None
        self._stop = threading.Event()
        self._closing: asyncio.Task[None] | None = None
        self._work: list[threading.Thread] = []
        self._changed = asyncio.Event()
        self._writer = Writer(engine.sequencer)
        self._submitting = Submitting(self._writer, self._vouch, self._tell, self._answered)
        self._folding = Folding(engine, self._stop)
        self._board = Scoreboard(self._folding.projection, engine.clock, threads, model)
        self._reads = ReadPool(engine, self._fail)
        self._publishing = publishing
        self._published = Published(engine.data / FOLDER)
        self._read_log = ReadLog(
            lambda: engine.state.index(READS), engine.clock, self._record_reads
        )

    async def start(self) -> None:
        """Fold what the log holds, make the first scores, and begin to take writes.

        May be cancelled. Raises StoreDamaged (LogBehind and LogForked, if the log is not the one
        that was signed), StorageFull.
        """
        self._loop = asyncio.get_running_loop()
        if self._publishing is not None:
            await self._reads.run(self._publishing.start)
        self._engine.sequencer.on_commit(self._folding.wake)
        await self._reads.run(self._folding.catch_up)
        self._board.show(await self._reads.run(self._board.first))
        if self._stop.is_set():
            raise stopping()
        self._writer.start()
        works = [("follower", self._follow), ("scorer", self._score)]
        if self._publishing is not None:
            works.append(("publisher", self._publish))
        for name, work in works:
            thread = threading.Thread(target=self._guard, args=(work,), name=f"refnet-{name}")
            thread.start()
            self._work.append(thread)

    async def close(self) -> None:
        """Answer what waits, stop the threads, save the ledger. Again: waits for the first time."""
        if self._closing is None:
            self._closing = asyncio.get_running_loop().create_task(self._close())
        await asyncio.shield(self._closing)

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
        return await self._submitting.one(request)

    async def submit_many(self, requests: Sequence[Request]) -> list[Receipt | RefnetError]:
        """Record several, each on its own; refusals come back as values."""
        return await self._submitting.several(requests)

    async def _record_reads(self, asked: RecordReads) -> Receipt:
        new_id = self._engine.new_id("read")
        return await self.submit(Request(command=asked, request_id=str(uuid4()), new_id=new_id))

    async def _vouch(self, request: Request) -> None:
        """Refuse to publish as scores what the log does not say."""
        asked = request.command
        if isinstance(asked, PublishScores):
            basis = Freshness(exactly=asked.position, day=asked.day)
            check_claim(await self.scores(basis, PUBLISH_SECONDS), asked.model, asked.digest)

    # The directory and single streams

    def resident(self, noun: str) -> Mapping[UUID, Any]:
        """Committed states of a noun that is held in memory, in order of their first fact."""
        return self._engine.state.resident(noun)

    @property
    def state(self) -> State:
        """Committed states, to look things up in."""
        return self._engine.state

    async def load(self, noun: Noun, stream: UUID, upto: int | None = None) -> Any | None:
        """The state of a stream at a position (None: now), or None."""
        if noun.resident and upto is None:
            return self.resident(noun.name).get(stream)
        end = self.position if upto is None else upto
        return await self._reads.ask(lambda reader, _: load_state(reader, noun, stream, end))

    async def personal(
        self, noun: Noun, stream: UUID, versions: Mapping[str, int], principal: str = LOCAL
    ) -> Mapping[str, Shown]:
        """Personal fields of a stream in clear, each from the fact of the given version.

        Whose data the principal was shown is recorded within about a second.
        """
        subjects: set[UUID] = set()
        shown = await self._reads.ask(
            lambda reader, opens: reveal_fields(reader, opens, stream, versions, subjects.add)
        )
        self.shown(subjects, principal)
        return shown

    def shown(self, subjects: Iterable[UUID], principal: str = LOCAL) -> None:
        """Somebody was shown these people's data: that is recorded within about a second."""
        self._read_log.note(principal, subjects)

    async def ask(self, question: Callable[[Reader, Disclosure], T]) -> T:
        """What a question to the log and the keys finds, on a reading thread."""
        return await self._reads.ask(question)

    # The log

    async def head(self) -> Head:
        """The end of the log as far as the ledger has folded it, with the root there."""
        return await self._reads.run(self._folding.head)

    async def rows(self, after: int, limit: int, upto: int | None = None) -> list[Row]:
        """Stored facts with after < position <= upto, at most `limit`."""
        end = self.position if upto is None else min(upto, self.position)
        return await self._reads.ask(
            lambda reader, _: [row_of(row) for row in reader.rows(after, end, limit)]
        )

    async def follow(self, after: int) -> AsyncIterator[list[Row]]:
        """Stored facts after a position as they come; an empty list at least every second."""
        while not self._stop.is_set():
            changed = self._changed
            try:
                rows = await self.rows(after, FOLLOW_ROWS)
            except ShuttingDown:
                return
            if rows:
                after = rows[-1].position
            yield rows
            if len(rows) < FOLLOW_ROWS:
                await pause(changed, CHECKPOINT_SECONDS)

    async def published(self, work: Callable[[Published], T], covering: int, patience: float) -> T:
        """What `work` finds in what is published, once a signed checkpoint covers a position.

        Raises NotFound if nothing is published, FreshnessTimeout, and whatever the work raises.
        """
        end = self._loop.time() + patience
        while self._publishing is not None and self._publishing.covered < covering:
            changed, left = self._changed, end - self._loop.time()
            if left <= 0:
                raise FreshnessTimeout(
                    f"no checkpoint covered position {covering} within {patience} s; retry",
                    position=covering,
                )
            await pause(changed, min(left, CHECKPOINT_SECONDS))
        return await self._reads.run(lambda: work(self._published))

    # Scores

    def latest(self) -> Snapshot | None:
        """The newest scores, without waiting."""
        return self._board.latest

    async def scores(self, freshness: Freshness, patience: float) -> Snapshot:
        """Scores as fresh as asked for.

        Raises PositionAhead for a position the log has not reached, FreshnessTimeout after
        `patience` s.
        """
        head = self.position
        if freshness.exactly is not None:
            check_reached(freshness.exactly, head)
            return await self._scores_at(freshness.exactly, freshness.day, patience)
        check_reached(freshness.at_least, head)
        return await self._board.fresh(head if freshness.head else freshness.at_least, patience)

    async def ends_of_days(self, days: Sequence[int], upto: int) -> list[int]:
        """The last position, up to one, that was recorded by the end of each UTC day."""
        ends = [(day + 1) * MICROS_PER_DAY - 1 for day in days]
        found = await self._reads.ask(lambda reader, _: [reader.position_at(end) for end in ends])
        return [min(position, upto) for position in found]

    async def days_of(self, positions: Sequence[int]) -> list[int]:
        """The UTC day on which each position was recorded; 0 for position 0."""
        return await self._reads.ask(
            lambda reader, _: [self._day_at(reader, position) for position in positions]
        )

    async def study(self, snapshot: Snapshot, patience: float, work: Callable[[Snapshot], T]) -> T:
        """What `work` finds in scores, on a thread of its own.

        Raises FreshnessTimeout if that takes longer than `patience` s, and whatever the work
        raises.
        """
        return await self._board.study(snapshot, work, patience)

    async def left_out(
        self, snapshot: Snapshot, groups: Sequence[Sequence[int]]
    ) -> list[NDArray[np.int64]]:
        """Of each group of positions, what else goes if they go (`refnet.whatif.left_out`)."""
        return await self._reads.ask(
            lambda reader, _: [left_out(reader, snapshot, group) for group in groups]
        )

    def watch(self) -> AsyncIterator[Snapshot]:
        """Every snapshot that is made from now on, newest only, beginning with the present one."""
        return self._board.watch()

    async def _scores_at(self, position: int, day: int | None, patience: float) -> Snapshot:
        end = self._loop.time() + patience
        if day is None:
            day = await self._reads.ask(lambda reader, _: self._day_at(reader, position))
        while True:
            changed, left = self._changed, end - self._loop.time()
            if self._folding.position >= position:
                return await self._board.past(position, day, max(0.0, left))
            if self._stop.is_set():
                raise stopping()
            if left <= 0:
                raise FreshnessTimeout(
                    f"the ledger has not reached position {position} within {patience} s; retry",
                    position=position,
                )
            await pause(changed, min(left, CHECKPOINT_SECONDS))

    def _day_at(self, reader: Reader, position: int) -> int:
        if position == 0:
            return 0
        (row,) = reader.rows(position - 1, position, 1)
        return utc_day(self._engine.codec.record_time(position, row[4]))

    # On the writer's, follower's and scorer's threads

    def _answered(self) -> None:
        failure = self._engine.sequencer.failure
        if failure is not None:
            self._fail(failure)

    def _follow(self) -> None:
        self._folding.follow(self._folded)

    def _folded(self) -> None:
        self._tell(self._advance)
        self._board.advanced()

    def _publish(self) -> None:
        if self._publishing is not None:
            self._publishing.run(self._stop, lambda: self._tell(self._advance))

    def _finish(self) -> None:
        complete = bool(self._work) and self._failure is None
        self._folding.finish(complete=complete)
        if complete and self._publishing is not None:
            with suppress(StorageFull):
                self._publishing.publish()

    def _score(self) -> None:
        self._board.run(lambda snapshot: self._tell(self._board.show, snapshot))

    def _guard(self, work: Callable[[], None]) -> None:
        """A thread that fails stops the server: going on would serve what is not true."""
        try:
            work()
        except Exception as error:  # noqa: BLE001 - whatever it is, the server must stop
            self._fail(error)

    def _fail(self, error: Exception) -> None:
        if self._failure is None:
            self._failure = error
            self._tell(self.failed.set)
            structlog.get_logger().error("server_failed", exc_info=error)

    def _tell(self, what: Callable[..., object], *about: object) -> None:
        """Have the loop call it. A loop that is closed has nobody left who wants to know."""
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(what, *about)

    # On the loop

    def _advance(self) -> None:
        self._changed, changed = asyncio.Event(), self._changed
        changed.set()

    async def _close(self) -> None:
        loop = asyncio.get_running_loop()
        if self._work:  # else it is still starting, and must hear of this at once
            self._read_log.flush()
            await asyncio.sleep(0)  # until the writer has what was flushed
            await loop.run_in_executor(None, self._writer.close)
        self._stop.set()
        self._reads.refuse()
        self._board.stop()
        self._advance()
        await loop.run_in_executor(None, self._shut)

    def _shut(self) -> None:
        """Off the loop. Whatever fails, everything else is closed."""
        self._writer.close()
        self._folding.wake()
        with ExitStack() as stack:
            stack.callback(self._engine.close)
            if self._publishing is not None:
                stack.callback(self._publishing.close)
            stack.callback(self._folding.close)
            stack.callback(self._finish)
            stack.callback(self._board.close)
            stack.callback(self._reads.close)
            for thread in self._work:
                thread.join()
