"""What was noted of reads is recorded, whatever is in the way for a moment."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest

from refnet.domain.read import RecordReads
from refnet.domain.values import MICROS_PER_DAY
from refnet.errors import NetworkMissing, Overloaded, RefnetError, StorageFull, StoreSealed
from refnet.privacy import reads
from refnet.privacy.reads import ReadLog

ANN = UUID(int=1)


class Log:
    """Records reads as the writer does: an earlier day than the newest is known already."""

    def __init__(self) -> None:
        self.newest: dict[Any, int] = {}
        self.recorded: list[tuple[int, UUID]] = []
        self.asked: list[RecordReads] = []
        self.waiting: list[asyncio.Future[None]] = []
        self.holds = False

    async def record(self, asked: RecordReads) -> None:
        self.asked.append(asked)
        if self.holds:
            self.waiting.append(asyncio.get_running_loop().create_future())
            await self.waiting[-1]
        for subject in asked.subjects:
            if self.newest.get((asked.reader, subject), -1) < asked.day:
                self.newest[asked.reader, subject] = asked.day
                self.recorded.append((asked.day, subject))


async def until(true: Callable[[], object]) -> None:
    for _ in range(1000):
        if true():
            return
        await asyncio.sleep(0.005)
    pytest.fail("it never came true")


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reads, "NOTED_SECONDS", 0.01)
    monkeypatch.setattr(reads, "RETRY_SECONDS", 0.05)


@pytest.mark.parametrize("refusal", [StorageFull, StoreSealed, Overloaded])
async def test_what_was_refused_at_midnight_is_recorded_before_the_next_day(
    refusal: type[RefnetError],
) -> None:
    """Promise: one fact for each day, though the earlier was in flight when the later came."""
    log, day = Log(), 9
    read_log = ReadLog(lambda: log.newest, lambda: day * MICROS_PER_DAY, log.record)
    log.holds = True
    read_log.note("local", [ANN])
    await until(lambda: log.waiting)
    day = 10
    read_log.note("local", [ANN])
    await asyncio.sleep(0.1)
    assert [9] == [each.day for each in log.asked]
    log.holds = False

    log.waiting[0].set_exception(refusal("not now"))

    await until(lambda: len(log.recorded) == 2)
    assert [(9, ANN), (10, ANN)] == log.recorded
    assert [9, 9, 10] == [each.day for each in log.asked]


async def test_a_stop_waits_for_no_earlier_day() -> None:
    """What is not handed over then is lost."""
    log, day = Log(), 9
    read_log = ReadLog(lambda: log.newest, lambda: day * MICROS_PER_DAY, log.record)
    log.holds = True
    read_log.note("local", [ANN])
    await until(lambda: log.waiting)
    for day in (11, 10):  # noqa: B007 - the clock reads it; it may jump
        read_log.note("local", [ANN])

    read_log.flush()

    await until(lambda: len(log.waiting) == 3)
    assert [9, 10, 11] == [each.day for each in log.asked]
    for each in log.waiting:
        each.set_result(None)
    await until(lambda: len(log.recorded) == 3)


async def test_what_can_never_be_recorded_is_not_tried_again() -> None:
    log = Log()
    read_log = ReadLog(lambda: log.newest, lambda: 9 * MICROS_PER_DAY, log.record)
    log.holds = True
    read_log.note("local", [ANN, uuid4()])
    await until(lambda: log.waiting)

    log.waiting[0].set_exception(NetworkMissing("none yet"))

    await asyncio.sleep(0.2)
    assert 1 == len(log.asked)
