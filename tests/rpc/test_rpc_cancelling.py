"""Readers that go away: an ordinary end, and nothing is kept for them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import pytest
import structlog

from refnet import v1
from refnet.client import packed
from refnet.rpc.interceptor import Limits
from refnet.rpc.server import ServerSettings
from refnet.rpc.streams import Pace, Streams
from rpc.serving import Serve, Served

STREAMS = 20
PATIENCE_SECONDS = 30.0


async def ended(lines: list[Any], count: int, name: str = "") -> None:
    """Return once so many calls of a method have ended; a call that goes on fails the test."""
    end = time.monotonic() + PATIENCE_SECONDS
    while sum(line.get("rpc", "").endswith(name) for line in lines) < count:
        assert time.monotonic() < end, f"{count} calls were to end"
        await asyncio.sleep(0.01)


@pytest.mark.parametrize("name", ["FollowFacts", "WatchScores"])
async def test_readers_that_go_while_they_are_written_to_are_cancelled_and_give_their_place_back(
    serve: Serve, name: str
) -> None:
    served = await serve(ServerSettings(limits=Limits(streams=STREAMS)))
    request = getattr(v1, f"{name}Request")()
    rounds = 3
    with structlog.testing.capture_logs() as lines:
        writing = asyncio.ensure_future(keep_writing(served))
        for number in range(1, rounds + 1):  # none of them is OVERLOADED
            streams = [served.stream(request) for _ in range(STREAMS)]
            for place, stream in enumerate(streams):
                await anext(aiter(stream))
                await asyncio.sleep(0.002 * (place % 5))
                stream.cancel()
            await ended(lines, number * STREAMS, name)
        writing.cancel()
        with suppress(asyncio.CancelledError):
            await writing

    assert [line for line in lines if line["event"] == "internal_error"] == []
    ends = [line["reason"] for line in lines if line["rpc"].endswith(name)]
    assert ["CANCELLED"] * rounds * STREAMS == ends


async def keep_writing(served: Served) -> None:
    while True:
        items = [packed(v1.RegisterContactRequest(name="Vic")) for _ in range(20)]
        await served.call(v1.BatchRecordRequest(requests=items))


async def test_an_import_that_goes_is_cancelled(served: Served) -> None:
    async def idle() -> AsyncIterator[Any]:
        item = packed(v1.RegisterContactRequest(name="Vic"))
        yield v1.ImportActivitiesRequest(requests=[item])
        await asyncio.sleep(60)

    with structlog.testing.capture_logs() as lines:
        for _ in range(STREAMS):
            taken = served.app.position + 1
            call = asyncio.ensure_future(served.stream(idle(), name="ImportActivities"))
            await served.reached(taken)
            call.cancel()
            with suppress(asyncio.CancelledError):
                await call
        await ended(lines, STREAMS)

    assert ["CANCELLED"] * STREAMS == [line["reason"] for line in lines]


async def test_a_reader_that_goes_just_as_a_message_goes_out_is_not_forgotten() -> None:
    written = asyncio.get_running_loop().create_future()

    class Going:
        async def write(self, _: Any) -> None:
            await written

    sending = asyncio.ensure_future(Streams(Pace()).send(Going(), None))
    await asyncio.sleep(0.01)
    written.set_result(None)
    sending.cancel()
    await asyncio.wait((sending,))

    assert sending.cancelled()
