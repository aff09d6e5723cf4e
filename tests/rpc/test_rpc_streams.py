"""Streams, clients, health, and the edge of the server."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.descriptor_pool import DescriptorPool
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (
    ProtoReflectionDescriptorDatabase,
)

from refnet import v1
from refnet.client import Client, RefnetCallError, Retry, packed
from refnet.domain.values import MICROS_PER_DAY as DAY
from refnet.errors import InvalidRequest
from refnet.rpc.server import ServerSettings, check_loopback
from refnet.rpc.streams import Pace
from rpc.serving import Serve, Served, running, won


async def test_a_follower_gets_every_fact_once_and_resumes(served: Served) -> None:
    seen: list[int] = []
    last = v1.LogPosition()
    stream = served.stream(v1.FollowFactsRequest())
    async for answer in stream:
        seen += [each.number for each in answer.facts]
        if answer.facts:
            last = answer.resume_after
        else:
            break  # a checkpoint: quiet
    await served.refer()
    async for answer in served.stream(v1.FollowFactsRequest(after=last)):
        assert [each.number for each in answer.facts] == [9]
        assert answer.facts[0].stream.startswith("referrals/")
        assert answer.facts[0].name == "refnet.referral-passed.v1"
        break

    assert list(range(1, 9)) == seen


async def test_a_reader_that_was_too_slow_resumes_without_a_gap(serve: Serve) -> None:
    """Where the refusal resumes, at most one message is repeated; where the reader is, none."""
    served = await serve(ServerSettings(pace=Pace(stall_seconds=0.5)))
    read: list[Any] = []
    with pytest.raises(RefnetCallError, match="STREAM_TOO_SLOW") as refusal:
        await served.read_late(read)
    numbers = [fact.number for message in read for fact in message.facts]
    told = v1.LogPosition(token=refusal.value.metadata["resume_after"])

    assert list(range(1, len(numbers) + 1)) == numbers
    assert told in [message.resume_after for message in read[-2:]]
    for resume in (told, read[-1].resume_after):
        again = await anext(aiter(served.stream(v1.FollowFactsRequest(after=resume))))
        behind = numbers[-1] + 1 - again.facts[0].number
        assert behind == (0 if resume == read[-1].resume_after else len(read[-1].facts))


async def test_a_watcher_sees_what_changes(serve: Serve) -> None:
    served = await serve(ServerSettings(pace=Pace(quiet_seconds=0.3)))
    ann = served.names["ann"]
    stream = aiter(served.stream(v1.WatchScoresRequest(members=[ann])))
    first = await anext(stream)
    while not first.scores:  # made before ann was inducted
        first = await anext(stream)
    written = await won(served)
    async with asyncio.timeout(10):
        answer = await anext(stream)
        while answer.computed_at.position != written.recorded_at:
            answer = await anext(stream)
        quiet = await anext(stream)

    assert [each.member for each in first.scores] == [ann]
    assert answer.complete
    assert not quiet.scores


async def test_a_watcher_hears_of_a_label_that_a_day_changed_and_nothing_else(
    tmp_path: Path,
) -> None:
    """Where evidence does not fade, only the twelve weeks of the newcomers pass."""
    today = [DAY * 20_000]
    async with running(tmp_path / "data", clock=lambda: today[0]) as served:
        await served.charter(v1.DECAY_OFF)
        await served.enrol("cat")
        written = []
        for receiver in ("bob", "cat"):
            referral = await served.refer("ann", receiver)
            accepted = v1.AcceptReferralRequest(
                referral=referral, acting_member=served.names[receiver]
            )
            written.append(await served.call(accepted))
        stream = aiter(served.stream(v1.WatchScoresRequest()))
        async with asyncio.timeout(10):
            first = await anext(stream)
            while first.computed_at.position != written[-1].recorded_at:
                first = await anext(stream)
            today[0] += 83 * DAY
            eve = await anext(stream)
            today[0] += DAY
            answer = await anext(stream)

        (told,) = answer.scores  # bob and cat each have but one partner: not enough to say a word
        assert (told.member, told.label) == (served.names["ann"], v1.SCORE_LABEL_GENEROUS)
        (before,) = (each for each in first.scores if each.member == told.member)
        assert before.label == v1.SCORE_LABEL_INSUFFICIENT
        before.label = told.label
        assert before == told
        assert not eve.scores
        assert answer.computed_at.day == eve.computed_at.day + 1 == 20_084


async def test_a_stopping_server_says_so(served: Served) -> None:
    stream = aiter(served.stream(v1.FollowFactsRequest()))
    await anext(stream)
    stopping = asyncio.ensure_future(served.app.close())
    with pytest.raises(RefnetCallError, match="SHUTTING_DOWN"):
        await asyncio.wait_for(_drain(stream), 10)
    await stopping


async def _drain(stream: Any) -> None:
    async for _ in stream:
        pass


async def test_health(served: Served) -> None:
    async with grpc.aio.insecure_channel(served.address) as channel:
        check: Any = health_pb2_grpc.HealthStub(channel).Check  # type: ignore[attr-defined]
        service = health_pb2.HealthCheckRequest(service="refnet.v1.ScoreService")
        assert (await check(service)).status == health_pb2.HealthCheckResponse.SERVING
        await served.server.show_serving(serving=False)
        answer = await check(health_pb2.HealthCheckRequest())
        assert answer.status == health_pb2.HealthCheckResponse.NOT_SERVING


async def test_a_stranger_can_ask_the_server_for_its_protos(served: Served) -> None:
    def ask() -> Any:
        with grpc.insecure_channel(served.address) as channel:
            database = ProtoReflectionDescriptorDatabase(channel)
            service = DescriptorPool(database).FindServiceByName("refnet.v1.ScoreService")
            return set(database.get_services()), {method.name for method in service.methods}

    services, methods = await asyncio.to_thread(ask)

    assert {"refnet.v1.LogService", "refnet.v1.MemberService"} <= services
    assert {"GetScore", "BatchGetScores", "WatchScores"} <= methods


async def test_bytes_that_are_no_message_are_refused(served: Served) -> None:
    async with grpc.aio.insecure_channel(served.address) as channel:
        call: Any = channel.unary_unary("/refnet.v1.ScoreService/GetScore")
        nothing: Any = channel.unary_unary("/refnet.v1.ScoreService/Nothing")
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call(b"\xff\xff\xff")
        assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await nothing(b"")
        assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


async def test_the_plain_client_does_the_same(served: Served) -> None:
    def talk() -> tuple[Any, ...]:
        with Client(served.address) as client:
            members = client.stub(v1.MemberServiceStub)
            ann = members.GetMember(v1.GetMemberRequest(member=served.names["ann"]))
            with pytest.raises(RefnetCallError) as caught:
                members.GetMember(v1.GetMemberRequest(member="ann"))
            facts = client.stub(v1.LogServiceStub).FollowFacts(v1.FollowFactsRequest())
            first = next(facts)
            facts.cancel()
            item = packed(v1.RegisterContactRequest(name="Vic"))
            stream = iter([v1.ImportActivitiesRequest(requests=[item])])
            sums = client.stub(v1.ActivityServiceStub).ImportActivities(stream)
            return ann, caught.value, first, sums

    ann, refusal, first, sums = await asyncio.to_thread(talk)

    assert ann.member.name.text == "ann"
    assert refusal.violations.keys() == {"member"}
    assert len(first.facts) == 8
    assert sums.accepted == 1


def test_the_client_tries_again_and_then_gives_up() -> None:
    retry = Retry(attempts=3, wait_seconds=0.01)
    with (
        Client("127.0.0.1:1", retry=retry) as client,
        pytest.raises(RefnetCallError, match="UNAVAILABLE") as caught,
    ):
        client.stub(v1.ContactServiceStub).RegisterContact(v1.RegisterContactRequest(name="x"))

    assert caught.value.reason == ""
    assert len(caught.value.request_id) == 36


async def test_a_restarted_server_goes_on(served: Served, tmp_path: Any) -> None:
    token = (await served.call(v1.GetHeadRequest())).position
    await served.server.stop(0)
    await served.app.close()
    async with running(tmp_path / "data") as again:
        assert (await again.call(v1.GetHeadRequest())).position == token


@pytest.mark.parametrize(
    "address", ["0.0.0.0:1", "example.org:1", "192.168.1.1:1", "::1", "x", ":1"]
)
def test_only_this_machine_may_call(address: str) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        check_loopback(address)
    assert refusal.value.field == "listen"


@pytest.mark.parametrize("address", ["127.0.0.1:0", "[::1]:7311", "localhost:7311", "127.9.9.9:1"])
def test_loopback_addresses_are_fine(address: str) -> None:
    check_loopback(address)
