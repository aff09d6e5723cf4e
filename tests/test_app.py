"""The app's contract on a real store: fresh reads, streams, days, failures, and a clean end."""

from __future__ import annotations

import asyncio
import errno
import os
import random
import shutil
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from refnet import scoreboard, standings
from refnet.app import App, Freshness
from refnet.domain.chapter import CharterChapter
from refnet.domain.decisions import Request
from refnet.domain.member import EnrolMember
from refnet.domain.network import CharterNetwork
from refnet.domain.nouns import NOUNS
from refnet.domain.referral import (
    AcceptReferral,
    CloseBusiness,
    ContactProspect,
    PassReferral,
    VoidReferral,
    WinReferral,
)
from refnet.domain.testimonial import GiveTestimonial
from refnet.engine import Engine
from refnet.errors import (
    FreshnessTimeout,
    NetworkExists,
    PositionAhead,
    RefnetError,
    SelfDealing,
    ShuttingDown,
    StorageFull,
    StoreDamaged,
    StoreSealed,
)
from refnet.ledger import saved, space
from refnet.log.draft import Receipt
from refnet.standings import Snapshot
from refnet.wiring import open_engine

DAY = 86_400_000_000
NOON = 20_000 * DAY + DAY // 2
BY_COMMAND = {command: noun for noun in NOUNS for command in noun.commands}
MEMBER = next(noun for noun in NOUNS if noun.name == "member")
REFERRAL = next(noun for noun in NOUNS if noun.name == "referral")


@dataclass
class Clock:
    """Time that stands still until a test moves it. now: microseconds."""

    now: int = NOON

    def __call__(self) -> int:
        return self.now


@dataclass
class Net:
    """A running app with a small network."""

    app: App
    engine: Engine
    clock: Clock
    members: list[Any] = field(default_factory=list)
    chapter: Any = None

    def request(self, command: Any, actor: UUID | None = None) -> Request:
        return Request(
            command=command,
            request_id=str(uuid4()),
            new_id=self.app.new_id(BY_COMMAND[type(command)]),
            acting_member=actor,
            occur_time=0 if isinstance(command, CharterNetwork) else None,
        )

    async def do(self, command: Any, actor: UUID | None = None) -> Receipt:
        return await self.app.submit(self.request(command, actor))

    def enrolment(self, name: str = "A. Person") -> EnrolMember:
        return EnrolMember(chapter=self.chapter, classification=str(uuid4()), name=name)

    async def found(self, members: int) -> None:
        await self.do(CharterNetwork(name="Net"))
        made = await self.do(
            CharterChapter(
                name="One", city="Berlin", country="DE", time_zone="Europe/Berlin", currency="EUR"
            )
        )
        self.chapter = made.stream
        for _ in range(members):
            self.members.append((await self.do(self.enrolment())).stream)

    async def refer(self, giver: Any, receiver: Any, amount: int) -> Any:
        referral: Any = (await self.do(PassReferral(giver=giver, receiver=receiver))).stream
        for step in (AcceptReferral, ContactProspect, WinReferral):
            await self.do(step(referral=referral), receiver)
        closed = CloseBusiness(referral=referral, amount=amount, currency="EUR")
        await self.do(closed, receiver)
        return referral

    async def fresh(self, position: int, patience: float = 10.0) -> Any:
        return await self.app.scores(Freshness(at_least=position), patience)


@asynccontextmanager
async def running(data: Path, clock: Clock | None = None) -> AsyncIterator[Net]:
    clock = clock or Clock()
    engine = open_engine(data, clock=clock, warn=lambda _: None)
    app = App(engine)
    try:
        await app.start()
        yield Net(app, engine, clock)
    finally:
        await app.close()


@pytest.fixture
async def net(tmp_path: Path) -> AsyncIterator[Net]:
    async with running(tmp_path / "data") as started:
        await started.found(3)
        yield started


def latest(net: Net) -> Snapshot:
    found = net.app.latest()
    assert found is not None
    return found


async def soon(true: Callable[[], bool], seconds: float = 5.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        await asyncio.sleep(0.01)


# Writes and what they show


async def test_a_write_is_in_what_is_read_at_its_position(net: Net) -> None:
    ann, bob, cyd = net.members
    for amount in (100, 20_000, 300_000):
        before = await net.fresh(net.app.position)
        await net.refer(ann, bob, amount)
        receipt = await net.do(PassReferral(giver=cyd, receiver=ann))
        snapshot = await net.fresh(receipt.last)
        assert snapshot.position >= receipt.last == net.app.position
        assert snapshot.reciprocity(0, 1)[0] > before.reciprocity(0, 1)[0]
        head = await net.app.scores(Freshness(head=True), 10)
        assert head.position == receipt.last
        state: Any = await net.app.load(REFERRAL, receipt.stream)
        assert state.giver == cyd
    said = await net.do(GiveTestimonial(author=bob, subject=ann, rating=9))
    assert (await net.fresh(said.last)).position == said.last


async def test_many_requests_come_back_in_order_each_on_its_own(net: Net) -> None:
    ann, bob, _ = net.members
    good, bad = PassReferral(giver=ann, receiver=bob), PassReferral(giver=ann, receiver=ann)
    requests = [net.request(command) for command in (good, bad) * 700]
    outcomes = await net.app.submit_many(requests)
    assert [Receipt, SelfDealing] * 700 == [type(each) for each in outcomes]
    streams = [each.stream for each in outcomes if isinstance(each, Receipt)]
    assert [each.new_id for each in requests[::2]] == streams


async def test_a_position_that_the_log_has_not_reached_is_refused(net: Net) -> None:
    ahead = net.app.position + 1
    for freshness in (Freshness(at_least=ahead), Freshness(exactly=ahead)):
        with pytest.raises(PositionAhead, match=str(ahead)):
            await net.app.scores(freshness, 1)


async def test_patience_ends(net: Net) -> None:
    await net.fresh(net.app.position)
    with net.app._ledger_lock:  # the ledger cannot follow
        receipt = await net.do(PassReferral(giver=net.members[0], receiver=net.members[1]))
        for freshness in (Freshness(at_least=receipt.last), Freshness(exactly=receipt.last)):
            with pytest.raises(FreshnessTimeout):
                await net.app.scores(freshness, 0.2)
    assert (await net.fresh(receipt.last)).position == receipt.last


async def test_nobody_sees_a_position_before_the_writer_says_so(
    net: Net, monkeypatch: pytest.MonkeyPatch
) -> None:
    await net.fresh(net.app.position)
    settle = net.engine.sequencer._settle
    committed = threading.Event()

    def late(draft: Any) -> None:
        committed.set()
        net.app._follower.wake()
        time.sleep(0.3)  # the batch is in the file, and the writer's thread gets no turn
        settle(draft)

    monkeypatch.setattr(net.engine.sequencer, "_settle", late)
    before = net.app.position
    writing = asyncio.ensure_future(net.do(net.enrolment()))
    await soon(committed.is_set)
    while not writing.done():
        seen = [row.position for row in await net.app.rows(before, 10)]
        newest, position = latest(net).position, net.app.position
        assert max([newest, *seen]) <= position
        await asyncio.sleep(0.005)
    assert (await writing).last == before + 3


async def test_a_caller_that_goes_away_harms_nobody(net: Net) -> None:
    before = net.app.position
    gone: list[asyncio.Future[Any]] = [
        asyncio.ensure_future(net.do(net.enrolment())) for _ in range(20)
    ]
    many = [net.request(net.enrolment()) for _ in range(20)]
    gone.append(asyncio.ensure_future(net.app.submit_many(many)))
    stays = asyncio.ensure_future(net.do(net.enrolment()))
    await asyncio.sleep(0)
    for task in gone:
        task.cancel()
    receipt = await stays
    assert receipt.last == before + 3 * 41  # enqueued before they went, so recorded all the same
    assert (await net.fresh(receipt.last)).scores.n == 3 + 41


async def test_personal_fields_are_read_while_others_are_written(net: Net) -> None:
    names = {(await net.do(net.enrolment(f"Name {n}"))).stream: f"Name {n}" for n in range(20)}

    async def write() -> None:
        for _ in range(5):
            await net.app.submit_many([net.request(net.enrolment()) for _ in range(40)])

    async def read(member: UUID) -> Any:
        state = net.app.resident("member")[member]
        return (await net.app.personal(MEMBER, member, {"name": state.name_at}))["name"]

    writing = asyncio.ensure_future(write())
    while not writing.done():
        assert list(names.values()) == await asyncio.gather(*map(read, names))
    await writing


# Exact positions


async def test_exactly_at_says_what_a_replay_says_bit_for_bit(net: Net) -> None:
    chance = random.Random(5)
    for _ in range(12):
        giver, receiver = chance.sample(net.members, 2)
        referral = await net.refer(giver, receiver, chance.randrange(10**6))
        if chance.random() < 0.3:
            with suppress(RefnetError):
                await net.do(VoidReferral(referral=referral))
        net.members.append((await net.do(net.enrolment())).stream)
        net.clock.now += chance.randrange(3 * DAY)
    net.clock.now += 40 * DAY  # today is not the day of the last fact
    head = await net.app.scores(Freshness(head=True), 10)
    assert head.day == net.clock.now // DAY

    places = [0, 1, head.position, *chance.sample(range(2, head.position), 15)]
    for position in places:
        expected = net.engine.replay(position=position)
        found = await net.app.scores(Freshness(exactly=position), 10)
        assert (expected.position, expected.day) == (found.position, found.day)
        assert expected.snapshot.digest == found.digest
        later = expected.day + chance.randrange(400)
        expected = net.engine.replay(position=position, day=later)
        found = await net.app.scores(Freshness(exactly=position, day=later), 10)
        assert (later, expected.snapshot.digest) == (found.day, found.digest)
    replayed = net.engine.replay(day=head.day)
    assert (replayed.snapshot.digest, replayed.head) == (head.digest, (await net.app.head()).root)


async def test_the_same_past_is_made_once_and_few_are_kept(
    net: Net, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[int] = []
    snapshot_at = standings.snapshot_at

    def counted(ledger: Any, position: int, *rest: Any) -> Any:
        made.append(position)
        time.sleep(0.05)
        return snapshot_at(ledger, position, *rest)

    monkeypatch.setattr(scoreboard, "snapshot_at", counted)
    wanted = Freshness(exactly=5, day=20_100)
    impatient = asyncio.ensure_future(net.app.scores(wanted, 10))
    await asyncio.sleep(0.01)
    impatient.cancel()
    found = await asyncio.gather(*(net.app.scores(wanted, 10) for _ in range(20)))
    assert made == [5]
    assert len(set(map(id, found))) == 1
    for day in range(20_101, 20_121):
        await net.app.scores(Freshness(exactly=5, day=day), 10)
    assert len(net.app._board._older) == scoreboard.CACHED_SNAPSHOTS
    monkeypatch.setattr(scoreboard, "CACHED_BYTES", 1)
    await net.app.scores(Freshness(exactly=6, day=20_100), 10)
    await soon(lambda: len(net.app._board._older) == 1)


# Streams


async def test_followers_get_every_row_once_in_order(net: Net) -> None:
    written = 4 * 60 * 3

    async def write() -> None:
        for _ in range(60):
            await net.do(net.enrolment())

    async def follow(after: int) -> list[int]:
        found: list[int] = []
        async for rows in net.app.follow(after):
            found += [row.position for row in rows]
            if found and found[-1] >= end:
                break
        return found

    start = net.app.position
    end = start + written
    readers = [asyncio.ensure_future(follow(after)) for after in (0, 1, start)]
    await asyncio.gather(*(write() for _ in range(4)))
    async with asyncio.timeout(10):
        for after, reader in zip((0, 1, start), readers, strict=True):
            assert await reader == list(range(after + 1, end + 1))


async def test_a_quiet_log_still_says_that_it_is_there(net: Net) -> None:
    stream = net.app.follow(net.app.position)
    async with asyncio.timeout(4):
        assert [await anext(stream), await anext(stream)] == [[], []]
    await stream.aclose()  # type: ignore[attr-defined]


async def test_watchers_see_the_newest_each_once(net: Net) -> None:
    async def watch(end: int) -> list[Any]:
        seen: list[Any] = []
        async for snapshot in net.app.watch():
            seen.append(snapshot)
            if snapshot.position >= end:
                return seen
        return seen

    end = net.app.position + 30 * 3
    watchers = [asyncio.ensure_future(watch(end)) for _ in range(3)]
    early = net.app.watch()
    assert (await anext(early)).position <= end
    await early.aclose()  # type: ignore[attr-defined]
    for _ in range(30):
        receipt = await net.do(net.enrolment())
        await net.fresh(receipt.last)
    async with asyncio.timeout(10):
        for watcher in watchers:
            positions = [snapshot.position for snapshot in await watcher]
            assert sorted(set(positions)) == positions
            assert positions[-1] == end


async def test_scores_move_to_the_new_day_by_themselves(net: Net) -> None:
    await net.refer(net.members[0], net.members[1], 50_000)
    today = net.clock.now // DAY
    before = await net.fresh(net.app.position)
    net.clock.now = (today + 1) * DAY - 1
    await asyncio.sleep(0.7)
    assert latest(net) is before
    net.clock.now += 1
    await soon(lambda: latest(net) is not before)
    after = latest(net)
    assert (after.position, after.day) == (before.position, today + 1)
    assert after.digest == net.engine.replay(day=today + 1).snapshot.digest

    net.clock.now += 3650 * DAY  # the clock went wrong, and comes back
    await soon(lambda: latest(net).day > today + 3000)
    net.clock.now -= 3650 * DAY
    await soon(lambda: latest(net).day == today + 1)
    await net.refer(net.members[1], net.members[2], 50_000)
    found = await net.fresh(net.app.position)
    assert found.digest == net.engine.replay(day=found.day).snapshot.digest


# A full disk, and worse


async def test_the_ledger_waits_for_a_full_disk_and_folds_every_fact_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(space, "_FIRST_ROWS", 8)
    allocate = os.posix_fallocate
    is_full = True

    def full(descriptor: int, start: int, length: int) -> None:
        if is_full and start:  # a file of the ledger that grows
            raise OSError(errno.ENOSPC, "No space left on device")
        allocate(descriptor, start, length)

    monkeypatch.setattr(os, "posix_fallocate", full)
    async with running(tmp_path / "data") as net:
        await net.found(3)
        rome = CharterChapter(
            name="B", city="Rome", country="IT", time_zone="Europe/Rome", currency="EUR"
        )
        for _ in range(2):
            net.chapter = (await net.do(rome)).stream
            net.members.append((await net.do(net.enrolment())).stream)
        receipt = await net.do(PassReferral(giver=net.members[3], receiver=net.members[4]))
        with pytest.raises(FreshnessTimeout):
            await net.fresh(receipt.last, 0.5)
        assert latest(net).position < receipt.last
        assert len(await net.app.rows(0, 1000)) == receipt.last
        assert not net.app.failed.is_set()
        is_full = False
        snapshot = await net.fresh(receipt.last, 5)
        assert snapshot.digest == net.engine.replay(day=snapshot.day).snapshot.digest
        fold = net.app._projection.ledger.fold
        assert (5, 3) == (len(fold.members), len(fold.chapters))
    async with running(tmp_path / "data", net.clock) as net:
        assert (await net.app.scores(Freshness(head=True), 5)).digest == snapshot.digest


async def test_a_ledger_that_cannot_be_saved_stops_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("refnet.app.SAVE_SECONDS", 0.0)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr(saved, "store", full)
        async with running(tmp_path / "data") as net:
            await net.found(3)
            expected = await net.fresh(net.app.position)
            assert not net.app.failed.is_set()
    async with running(tmp_path / "data", net.clock) as again:
        assert (await again.app.scores(Freshness(head=True), 5)).digest == expected.digest


async def test_a_full_disk_forgets_the_keys_of_those_it_refused(net: Net) -> None:
    connection = net.engine.store._writer
    keys = net.engine.keys
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count = {pages}")
    crowd = [net.request(net.enrolment()) for _ in range(1000)]
    assert StorageFull in {type(each) for each in await net.app.submit_many(crowd)}
    kept = len(keys._cache)
    keys._connection.execute(
        f"PRAGMA max_page_count = {keys._connection.execute('PRAGMA page_count').fetchone()[0]}"
    )
    refused = 0
    for _ in range(200):
        try:
            await net.do(net.enrolment())
        except StorageFull:
            refused += 1
    assert refused > 100
    assert (0, True) == (len(keys._new), len(keys._cache) < kept + 200)
    for each in (connection, keys._connection):
        each.execute(f"PRAGMA max_page_count = {1 << 30}")
    receipt = await net.do(net.enrolment("Zoe"))
    state = net.app.resident("member")[receipt.stream]
    found = await net.app.personal(MEMBER, receipt.stream, {"name": state.name_at})
    assert found == {"name": "Zoe"}


async def test_a_storage_error_ends_everything_at_once(net: Net) -> None:
    good = await net.do(net.enrolment())
    net.engine.store._writer.execute("PRAGMA query_only = ON")
    refused = await asyncio.gather(
        *(net.do(net.enrolment()) for _ in range(5)), return_exceptions=True
    )
    assert {StoreDamaged} == {type(each) for each in refused}
    async with asyncio.timeout(1):
        await net.app.failed.wait()
    with pytest.raises(StoreDamaged):
        net.app.raise_failure()
    assert net.app.position == good.last


@pytest.mark.parametrize("room", ["_projection", "_board._standings"])
async def test_a_thread_that_dies_is_told(
    net: Net, monkeypatch: pytest.MonkeyPatch, room: str
) -> None:
    def broken(*_: object) -> None:
        raise ArithmeticError("a mistake")

    part: Any = net.app
    for name in room.split("."):
        part = getattr(part, name)
    monkeypatch.setattr(part, "extend" if room == "_projection" else "advance", broken)
    await net.do(net.enrolment())
    async with asyncio.timeout(3):
        await net.app.failed.wait()
    with pytest.raises(ArithmeticError, match="a mistake"):
        net.app.raise_failure()
    async with asyncio.timeout(3):
        await net.app.close()


# Beginning and end


def threads() -> set[str]:
    return {each.name for each in threading.enumerate() if each.name.startswith("refnet")}


def open_files(folder: Path) -> list[str]:
    """But for the ledger's maps, which go with the app."""
    found = []
    for each in Path("/proc/self/fd").iterdir():
        with suppress(OSError):
            found.append(str(each.readlink()))
    return [name for name in found if name.startswith(str(folder)) and ".col" not in name]


async def test_close_leaves_nothing_behind_and_saves_the_ledger(tmp_path: Path) -> None:
    async with running(tmp_path / "data") as net:
        await net.found(3)
        await net.app.scores(Freshness(exactly=4), 5)
        waiting = asyncio.ensure_future(net.app.submit_many([net.request(net.enrolment())] * 50))
        await asyncio.sleep(0)
        await asyncio.gather(net.app.close(), net.app.close())
        assert all(isinstance(each, Receipt) for each in await waiting)
        position = net.app.position
    assert threads() == set()
    assert open_files(tmp_path) == []
    assert sorted(each.name for each in (tmp_path / "data").glob("*.db*")) == ["keys.db", "log.db"]
    with open_engine(tmp_path / "data", warn=lambda _: None) as engine:
        assert engine.projection().position == position == engine.head()[0]


async def test_after_close_every_question_is_refused_and_every_stream_ends(net: Net) -> None:
    async def read(stream: AsyncIterator[Any]) -> None:
        async for _ in stream:
            pass

    request = net.request(net.enrolment())
    readers = [
        asyncio.ensure_future(read(stream)) for stream in (net.app.follow(0), net.app.watch())
    ]
    await net.fresh(net.app.position)
    net.app._ledger_lock.acquire()
    threading.Timer(0.5, net.app._ledger_lock.release).start()
    receipt = await net.do(net.enrolment())
    waiting = [
        asyncio.ensure_future(net.app.scores(freshness, 60))
        for freshness in (Freshness(at_least=receipt.last), Freshness(exactly=receipt.last))
    ]
    await asyncio.sleep(0.05)
    async with asyncio.timeout(3):
        await net.app.close()
        await asyncio.gather(*readers)
        for answer in await asyncio.gather(*waiting, return_exceptions=True):
            assert isinstance(answer, ShuttingDown)
    for ask in (
        net.app.submit(request),
        net.app.rows(0, 1),
        net.app.head(),
        net.app.load(REFERRAL, uuid4()),
        net.app.scores(Freshness(exactly=1), 5),
    ):
        with pytest.raises(ShuttingDown):
            await ask
    (refusal,) = await net.app.submit_many([request])
    assert isinstance(refusal, ShuttingDown)


async def test_two_apps_live_side_by_side_but_not_on_one_store(tmp_path: Path) -> None:
    async with running(tmp_path / "one") as one, running(tmp_path / "two") as two:
        await asyncio.gather(one.found(2), two.found(4))
        assert (await one.fresh(one.app.position)).scores.n == 2
        assert (await two.fresh(two.app.position)).scores.n == 4
        assert one.app.log_id != two.app.log_id
        with pytest.raises(StoreSealed):
            open_engine(tmp_path / "one", warn=lambda _: None)


async def test_a_ledger_ahead_of_a_restored_log_is_made_again(tmp_path: Path) -> None:
    data = tmp_path / "data"
    async with running(data) as net:
        await net.found(2)
    shutil.copytree(data, tmp_path / "backup")
    async with running(data) as net:
        net.chapter = next(iter(net.app.resident("chapter")))
        for _ in range(3):
            await net.do(net.enrolment())
    for name in ("log.db", "keys.db"):
        shutil.copy(tmp_path / "backup" / name, data / name)
    async with running(data) as net:
        found = await net.app.scores(Freshness(head=True), 5)
        replay = net.engine.replay(day=found.day)
        assert (found.position, found.digest) == (replay.position, replay.snapshot.digest)
        assert (await net.app.head()).root == replay.head


async def test_a_start_can_be_broken_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(tmp_path / "data") as net:
        await net.found(3)
    shutil.rmtree(tmp_path / "data" / "ledger")
    app = App(open_engine(tmp_path / "data", warn=lambda _: None))
    folding, go_on = threading.Event(), threading.Event()
    extend = app._projection.extend

    def slow(rows: Any) -> None:
        folding.set()
        go_on.wait(5)
        extend(rows)

    monkeypatch.setattr(app._projection, "extend", slow)
    starting = asyncio.ensure_future(app.start())
    await soon(folding.is_set)
    closing = asyncio.ensure_future(app.close())
    await asyncio.sleep(0.05)
    go_on.set()
    async with asyncio.timeout(3):
        await closing
        with pytest.raises(ShuttingDown):
            await starting
    assert threads() == set()
    assert open_files(tmp_path) == []


def test_threads_outlive_a_loop_that_was_closed_before_them(tmp_path: Path) -> None:
    loop = asyncio.new_event_loop()

    async def start() -> App:
        app = App(open_engine(tmp_path / "data", warn=lambda _: None))
        await app.start()
        return app

    app = loop.run_until_complete(start())
    loop.close()
    try:
        net = Net(app, app._engine, Clock())
        app._writer.enqueue(net.request(CharterNetwork(name="Net")), object(), app._deliver)
        receipt = app._writer.submit(net.request(CharterNetwork(name="Two"))).exception(5)
        assert isinstance(receipt, NetworkExists)
        time.sleep(1.0)  # follower and scorer tell the loop, too
        assert app._projection.position == app.position > 0
        assert app._failure is None
    finally:
        app._stop.set()
        app._board._stop.set()
        app._shut()
    assert threads() == set()
