"""The writer's thread: answers after the flush, in batches, to the last one."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest

from log.rig import CountNote, OpenNote, Rig
from refnet.errors import NotFound, ShuttingDown, StorageFull, StoreDamaged
from refnet.log.draft import Receipt
from refnet.log.writer import Writer


@pytest.fixture
def writer(log: Rig) -> Iterator[Writer]:
    made = Writer(log.sequencer)
    yield made
    made.close()


def test_many_callers_share_flushes_and_each_gets_its_own_answer(log: Rig, writer: Writer) -> None:
    flushes: list[int] = []
    log.sequencer.on_commit(flushes.append)
    writer.start()
    lock = threading.Lock()

    def call(caller: int) -> list[Receipt]:
        got = []
        for n in range(20):
            with lock:
                request = log.request(OpenNote(times=n % 3), f"{caller}-{n}")
            got.append(writer.submit(request).result(10))
        return got

    with ThreadPoolExecutor(16) as pool:
        receipts = [each for got in pool.map(call, range(16)) for each in got]
    spans = sorted((each.first, each.last) for each in receipts)
    assert len(spans) == 320
    assert spans[0][0] == 2
    assert all(after[0] == before[1] + 1 for before, after in pairwise(spans))
    assert flushes == sorted(flushes)
    assert flushes[-1] == spans[-1][1] == log.reader.position()
    assert len(flushes) < 200


def test_waiting_requests_go_in_one_flush(log: Rig, writer: Writer) -> None:
    flushes: list[int] = []
    log.sequencer.on_commit(flushes.append)
    futures = [writer.submit(log.request(OpenNote())) for _ in range(100)]
    writer.start()
    assert [each.result(10).last for each in futures] == list(range(2, 102))
    assert flushes == [101]


def test_a_refusal_reaches_its_caller_only(log: Rig, writer: Writer) -> None:
    good = writer.submit(log.request(OpenNote()))
    bad = writer.submit(log.request(CountNote(note=UUID(int=1))))
    writer.start()
    assert good.result(10).last == 2
    with pytest.raises(NotFound):
        bad.result(10)


def test_closing_answers_what_waits_and_takes_no_more(log: Rig, writer: Writer) -> None:
    futures = [writer.submit(log.request(OpenNote())) for _ in range(3000)]
    writer.start()
    writer.close()
    assert [each.result(0).last for each in futures] == list(range(2, 3002))
    with pytest.raises(ShuttingDown):
        writer.submit(log.request(OpenNote()))


def test_a_full_disk_and_then_a_broken_one(log: Rig, writer: Writer) -> None:
    connection = log.store._writer
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count = {pages}")
    full = writer.submit(log.request(OpenNote(times=500)))
    writer.start()
    with pytest.raises(StorageFull):
        full.result(10)
    connection.execute("PRAGMA max_page_count = 1000000")
    assert writer.submit(log.request(OpenNote(times=500))).result(10).first == 2
    connection.execute("DROP TABLE sealed")
    for _ in range(2):
        with pytest.raises(StoreDamaged):
            writer.submit(log.request(OpenNote(text="a"))).result(10)
    assert log.sequencer.failure is not None


def test_a_cancelled_future_harms_nobody(log: Rig, writer: Writer) -> None:
    one, two = (writer.submit(log.request(OpenNote())) for _ in range(2))
    assert one.cancel()
    writer.start()
    assert two.result(10).last == 3


async def test_an_event_loop_is_called_once_a_batch(log: Rig, writer: Writer) -> None:
    loop = asyncio.get_running_loop()
    calls: list[int] = []

    def arrive(answers: Sequence[tuple[asyncio.Future[Any], Any]]) -> None:
        calls.append(len(answers))
        for future, outcome in answers:
            future.set_result(outcome)

    def deliver(answers: Sequence[tuple[Any, Any]]) -> None:
        loop.call_soon_threadsafe(arrive, answers)

    futures = [loop.create_future() for _ in range(50)]
    other: Future[Receipt] = writer.submit(log.request(OpenNote()))
    for future in futures:
        writer.enqueue(log.request(OpenNote()), future, deliver)
    writer.start()
    outcomes = await asyncio.gather(*futures)
    assert [each.last for each in outcomes] == list(range(3, 53))
    assert calls == [50]
    assert other.result(1).last == 2


def test_callers_that_come_again_and_again_share_flushes(log: Rig, writer: Writer) -> None:
    """Promise: a crowd stays a crowd, though its first caller could be served at once."""
    flushes: list[int] = []
    log.sequencer.on_commit(flushes.append)
    writer.start()
    done = threading.Event()
    left = iter(range(1000))
    lock = threading.Lock()

    def again(_: Future[Receipt]) -> None:
        with lock:
            number = next(left, None)
        if number is None:
            done.set()
        else:
            writer.submit(log.request(OpenNote(), f"c{number}")).add_done_callback(again)

    for _ in range(50):
        again(Future())
    assert done.wait(30)
    assert len(flushes) < 60


def test_a_lone_caller_does_not_wait_for_others(log: Rig, writer: Writer) -> None:
    crowd = [writer.submit(log.request(OpenNote())) for _ in range(64)]
    writer.start()
    wait(crowd)
    for _ in range(8):
        writer.submit(log.request(OpenNote())).result(10)
    writer._gather = None  # type: ignore[assignment, method-assign]

    assert writer.submit(log.request(OpenNote())).result(10).last > 64
