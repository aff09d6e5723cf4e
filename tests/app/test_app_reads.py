"""What is read after a write, and at exact positions."""

from __future__ import annotations

import asyncio
import random
import threading
import time
from contextlib import suppress
from typing import Any
from uuid import UUID

import pytest

from app.network import DAY, MEMBER, REFERRAL, Net, latest, soon
from refnet import scoreboard, standings
from refnet.consistency import Freshness
from refnet.domain.referral import (
    PassReferral,
    VoidReferral,
)
from refnet.domain.testimonial import GiveTestimonial
from refnet.errors import (
    FreshnessTimeout,
    NotFound,
    PositionAhead,
    RefnetError,
    SelfDealing,
)
from refnet.log.draft import Receipt
from refnet.standings import Snapshot


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
    with net.app._folding.lock:  # the ledger cannot follow
        receipt = await net.do(PassReferral(giver=net.members[0], receiver=net.members[1]))
        for freshness in (Freshness(at_least=receipt.last), Freshness(exactly=receipt.last)):
            with pytest.raises(FreshnessTimeout):
                await net.app.scores(freshness, 0.2)
    assert (await net.fresh(receipt.last)).position == receipt.last


async def test_nobody_sees_a_position_before_the_writer_says_so(
    net: Net, monkeypatch: pytest.MonkeyPatch
) -> None:
    await net.fresh(net.app.position)
    monkeypatch.setattr(scoreboard, "REFRESH_SECONDS", 0.01)
    await net.do(net.enrolment())
    await net.fresh(net.app.position)
    settle = net.engine.sequencer._settle
    committed = threading.Event()

    def late(draft: Any) -> None:
        committed.set()
        net.app._folding.wake()
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


async def test_a_study_is_made_off_the_loop_from_the_scores_asked_for(net: Net) -> None:
    await net.do(net.enrolment())
    names: list[str] = []

    def count(snapshot: Snapshot) -> int:
        names.append(threading.current_thread().name)
        return len(snapshot.columns)

    snapshot = await net.app.scores(Freshness(head=True), 3.0)
    found = await net.app.study(snapshot, 3.0, count)

    assert (net.app.position, net.app.position) == (snapshot.position, found)
    assert names[0].startswith("refnet-study")


async def test_a_study_that_takes_too_long_is_told_apart_from_one_that_fails(net: Net) -> None:
    await net.do(net.enrolment())
    wait = threading.Event()

    def fail(_: Snapshot) -> None:
        raise NotFound("nobody", noun="member")

    snapshot = await net.app.scores(Freshness(), 3.0)
    with pytest.raises(FreshnessTimeout, match="in the making"):
        await net.app.study(snapshot, 0.2, lambda _: wait.wait(5))
    with pytest.raises(NotFound):
        await net.app.study(snapshot, 3.0, fail)
    wait.set()
