"""Every day that ends is stated once, with the digest that a replay gives."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from app.network import Clock, Net, running
from refnet import daily
from refnet.daily import PRINCIPAL, end, state_daily, state_scores
from refnet.domain.network import ScoresPublished
from refnet.domain.values import MICROS_PER_DAY, utc_day
from refnet.errors import StorageFull


def stated(net: Net) -> list[tuple[Any, Any]]:
    return [each for each in net.engine.facts() if isinstance(each[0], ScoresPublished)]


async def test_the_day_that_ended_is_stated_once(net: Net) -> None:
    end_of_day = net.app.position
    today = utc_day(net.clock())
    assert await state_scores(net.app, net.clock()) is None  # nothing was recorded yesterday
    assert stated(net) == []

    net.clock.now += MICROS_PER_DAY
    await net.do(net.enrolment())  # of the day after: it is not in what is stated
    receipt = await state_scores(net.app, net.clock())
    assert receipt is not None
    again = await state_scores(net.app, net.clock())
    assert again is None

    ((fact, recorded),) = stated(net)
    assert (fact.position, fact.day, recorded.principal) == (end_of_day, today, PRINCIPAL)
    replayed = net.engine.replay(position=end_of_day, day=today)
    assert (fact.digest, fact.model) == (replayed.snapshot.digest, replayed.snapshot.model)


async def test_the_next_day_is_stated_too_and_days_without_a_server_are_not(net: Net) -> None:
    first = utc_day(net.clock())
    for days in (1, 1, 5):
        net.clock.now += days * MICROS_PER_DAY
        assert await state_scores(net.app, net.clock()) is not None

    assert [fact.day for fact, _ in stated(net)] == [first, first + 1, first + 6]


async def test_a_restart_states_nothing_again(tmp_path: Path) -> None:
    clock = Clock()
    async with running(tmp_path / "data", clock) as net:
        await net.found(2)
        clock.now += MICROS_PER_DAY
        assert await state_scores(net.app, clock()) is not None
    async with running(tmp_path / "data", clock) as net:
        clock.now += 1000
        assert await state_scores(net.app, clock()) is None
        assert len(stated(net)) == 1


async def test_the_server_looks_by_itself_and_a_refusal_does_not_stop_it(
    net: Net, monkeypatch: pytest.MonkeyPatch
) -> None:
    net.clock.now += MICROS_PER_DAY
    monkeypatch.setattr(daily, "ASK_SECONDS", 0.01)
    refused = asyncio.Event()

    async def refuse(_: object) -> None:
        refused.set()
        raise StorageFull("the disk is full")

    monkeypatch.setattr(net.app, "submit", refuse)
    task = asyncio.create_task(state_daily(net.app, net.clock))
    await refused.wait()
    assert not task.done()
    assert stated(net) == []
    monkeypatch.undo()
    monkeypatch.setattr(daily, "ASK_SECONDS", 0.01)
    for _ in range(500):
        if stated(net):
            break
        await asyncio.sleep(0.02)
    await end(task)

    assert len(stated(net)) == 1
