"""A server that stops: everybody hears of it, what works is finished, and nobody holds it up."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from refnet import v1
from refnet.client import Client, RefnetCallError, packed
from refnet.rpc.server import GRACE_SECONDS
from rpc.serving import Serve, Served, fresh

SECONDS = GRACE_SECONDS / 2
"""A server that has nothing to finish takes a fraction of one; one that waits takes its grace."""


async def stop(served: Served) -> float:
    """Stop with the usual grace; how many seconds it took."""
    start = time.monotonic()
    await served.server.stop()
    return time.monotonic() - start


async def drained(stream: Any) -> RefnetCallError:
    """How a stream ends."""
    with pytest.raises(RefnetCallError) as end:
        async for _ in stream:
            pass
    return end.value


async def test_a_follower_learns_where_to_resume(served: Served) -> None:
    stream = aiter(served.stream(v1.FollowFactsRequest()))
    last = (await anext(stream)).resume_after
    end = asyncio.ensure_future(drained(stream))

    assert await stop(served) < SECONDS
    assert (await end).reason == "ERROR_REASON_SHUTTING_DOWN"
    assert (await end).metadata == {"resume_after": last.token}


async def test_a_watcher_is_told(served: Served) -> None:
    stream = aiter(served.stream(v1.WatchScoresRequest()))
    await anext(stream)
    end = asyncio.ensure_future(drained(stream))

    assert await stop(served) < SECONDS
    assert (await end).reason == "ERROR_REASON_SHUTTING_DOWN"


def contact() -> Any:
    return packed(v1.RegisterContactRequest(name="Vic"))


async def test_an_import_that_pauses_learns_what_was_taken(served: Served) -> None:
    async def some() -> AsyncIterator[Any]:
        twice = contact()
        nobody = packed(v1.GetMemberRequest())
        yield v1.ImportActivitiesRequest(requests=[twice, contact(), twice, nobody])
        await asyncio.sleep(60)

    end = asyncio.ensure_future(imported(served, some()))
    await served.reached(10)

    assert await stop(served) < SECONDS
    with pytest.raises(RefnetCallError, match="2 were accepted, 1 were duplicates") as refusal:
        await end
    assert refusal.value.reason == "ERROR_REASON_SHUTTING_DOWN"
    assert refusal.value.metadata == {"accepted": "2", "duplicates": "1", "rejected": "1"}


async def imported(served: Served, stream: AsyncIterator[Any]) -> Any:
    return await served.stream(stream, name="ImportActivities")


async def test_what_of_an_import_is_on_its_way_is_taken(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def on_its_way() -> AsyncIterator[Any]:
        for _ in range(4):
            yield v1.ImportActivitiesRequest(requests=[contact()])

    async def slowly(requests: Any) -> Any:
        await asyncio.sleep(0.03)
        return await submit_many(requests)

    submit_many = served.app.submit_many
    monkeypatch.setattr(served.app, "submit_many", slowly)
    end = asyncio.ensure_future(imported(served, on_its_way()))
    await served.reached(9)

    assert await stop(served) < SECONDS
    assert (await end).accepted == 4


async def test_an_import_that_goes_on_is_cut(served: Served) -> None:
    """By a client in a thread: asyncio's says INTERNAL if it writes while the end is on its way."""

    def without_end() -> Iterator[Any]:
        while True:
            yield v1.ImportActivitiesRequest(requests=[contact()])
            time.sleep(0.002)

    def import_it() -> Any:
        with Client(served.address) as client:
            return client.stub(v1.ActivityServiceStub).ImportActivities(without_end())

    end = asyncio.ensure_future(asyncio.to_thread(import_it))
    await served.reached(20)

    assert await stop(served) < SECONDS
    with pytest.raises(RefnetCallError, match="SHUTTING_DOWN") as refusal:
        await end
    assert int(refusal.value.metadata["accepted"]) == served.app.position - 8


async def test_calls_in_flight_are_finished(served: Served) -> None:
    with served.app._folding.lock:  # scores cannot follow the log
        written = await served.call(v1.RegisterContactRequest(name="Vic"))
        request = v1.ListScoresRequest(consistency=fresh(written))
        reading = asyncio.ensure_future(served.call(request))
        await asyncio.sleep(0.1)
        stopping = asyncio.ensure_future(stop(served))
        await asyncio.sleep(1.5)
        assert not stopping.done()

    assert (await reading).computed_at.position == written.recorded_at
    assert await stopping < 1.5 + SECONDS


async def test_who_watches_its_health_is_told_and_not_waited_for(served: Served) -> None:
    async with grpc.aio.insecure_channel(served.address) as channel:
        stub: Any = health_pb2_grpc.HealthStub(channel)
        watching = aiter(stub.Watch(health_pb2.HealthCheckRequest()))
        assert (await anext(watching)).status == health_pb2.HealthCheckResponse.SERVING
        stopping = asyncio.ensure_future(stop(served))

        assert (await anext(watching)).status == health_pb2.HealthCheckResponse.NOT_SERVING
        assert await stopping < SECONDS


async def test_a_reader_that_does_not_read_is_not_waited_for(serve: Serve) -> None:
    served = await serve()
    for _ in range(20):
        items = [packed(v1.RegisterContactRequest(name="x" * 150)) for _ in range(256)]
        await served.call(v1.BatchRecordRequest(requests=items))
    options = (("grpc.http2.bdp_probe", 0), ("grpc.http2.lookahead_bytes", 65_536))
    async with grpc.aio.insecure_channel(served.address, options=options) as channel:
        stub = v1.LogServiceStub(channel)
        await anext(aiter(stub.FollowFacts(v1.FollowFactsRequest())))
        await asyncio.sleep(0.3)

        assert await stop(served) < SECONDS
