"""Followers, watchers, and the change of the day."""

from __future__ import annotations

import asyncio
from typing import Any

from app.network import DAY, Net, latest, soon


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
