"""A full disk is waited for; after anything worse the app says so and ends."""

from __future__ import annotations

import asyncio
import errno
import os
from pathlib import Path
from typing import Any

import pytest

from app.network import MEMBER, Net, latest, running
from refnet.consistency import Freshness
from refnet.domain.chapter import CharterChapter
from refnet.domain.referral import (
    PassReferral,
)
from refnet.errors import (
    FreshnessTimeout,
    StorageFull,
    StoreDamaged,
)
from refnet.ledger import saved, space


async def test_the_ledger_waits_for_a_full_disk_and_folds_every_fact_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(space, "_FIRST_ROWS", 8)
    allocate = os.posix_fallocate
    is_full = False

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
        await net.fresh(net.app.position)
        is_full = True
        for _ in range(10):  # whatever fact it cannot take in, it is a chapter's
            net.chapter = (await net.do(rome)).stream
        for _ in range(2):
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
        fold = net.app._folding.projection.ledger.fold
        assert (5, 11) == (len(fold.members), len(fold.chapters))
    async with running(tmp_path / "data", net.clock) as net:
        assert (await net.app.scores(Freshness(head=True), 5)).digest == snapshot.digest


async def test_a_ledger_that_cannot_be_saved_stops_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("refnet.folding.SAVE_SECONDS", 0.0)

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


@pytest.mark.parametrize("room", ["_folding.projection", "_board._standings"])
async def test_a_thread_that_dies_is_told(
    net: Net, monkeypatch: pytest.MonkeyPatch, room: str
) -> None:
    def broken(*_: object) -> None:
        raise ArithmeticError("a mistake")

    part: Any = net.app
    for name in room.split("."):
        part = getattr(part, name)
    monkeypatch.setattr(part, "extend" if room == "_folding.projection" else "advance", broken)
    await net.do(net.enrolment())
    async with asyncio.timeout(3):
        await net.app.failed.wait()
    with pytest.raises(ArithmeticError, match="a mistake"):
        net.app.raise_failure()
    async with asyncio.timeout(3):
        await net.app.close()
