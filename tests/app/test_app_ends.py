"""Beginning and end: nothing is lost, nobody waits in vain, nothing is left behind."""

from __future__ import annotations

import asyncio
import shutil
import threading
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from app.network import REFERRAL, Clock, Net, running, soon
from refnet.app import App
from refnet.consistency import Freshness
from refnet.domain.network import CharterNetwork
from refnet.errors import (
    NetworkExists,
    ShuttingDown,
    StoreSealed,
)
from refnet.log.draft import Receipt
from refnet.wiring import open_engine


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
    net.app._folding.lock.acquire()
    threading.Timer(0.5, net.app._folding.lock.release).start()
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
    extend = app._folding.projection.extend

    def slow(rows: Any) -> None:
        folding.set()
        go_on.wait(5)
        extend(rows)

    monkeypatch.setattr(app._folding.projection, "extend", slow)
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
        deliver = app._submitting.deliver
        app._writer.enqueue(net.request(CharterNetwork(name="Net")), object(), deliver)
        receipt = app._writer.submit(net.request(CharterNetwork(name="Two"))).exception(5)
        assert isinstance(receipt, NetworkExists)
        time.sleep(1.0)  # follower and scorer tell the loop, too
        assert app._folding.projection.position == app.position > 0
        assert app._failure is None
    finally:
        app._stop.set()
        app._board._stop.set()
        app._shut()
    assert threads() == set()
