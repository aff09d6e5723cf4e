"""What the services answer: reads, listings, batches, imports, streams."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from grpc_health.v1 import health_pb2, health_pb2_grpc

from refnet import v1
from refnet.client import Client, RefnetCallError, Retry, packed
from refnet.errors import InvalidRequest
from refnet.rpc.score_table import FIELDS
from refnet.rpc.server import ServerSettings, check_loopback
from refnet.rpc.streams import Pace
from refnet.scoring import digest
from rpc.serving import Serve, Served, running


def _fresh(written: Any) -> v1.Consistency:
    return v1.Consistency(at_least_as_fresh=written.recorded_at)


async def _won(served: Served) -> Any:
    """Closed business from ann to bob, and a testimonial; returns the last answer."""
    referral, bob = await served.refer(), served.names["bob"]
    for step in (v1.AcceptReferralRequest, v1.ContactProspectRequest, v1.WinReferralRequest):
        await served.call(step(referral=referral, acting_member=bob))
    await served.call(
        v1.CloseBusinessRequest(
            referral=referral, acting_member=bob, amount=5_000_00, currency="EUR"
        )
    )
    return await served.call(
        v1.GiveTestimonialRequest(
            subject=served.names["ann"], author=bob, rating=9, referral=referral, text="Splendid"
        )
    )


async def test_a_write_is_read_at_its_position(served: Served) -> None:
    head = v1.Consistency(fully_consistent=True)
    before = await served.call(v1.GetScoreRequest(member=served.names["ann"], consistency=head))
    written = await _won(served)
    request = v1.GetScoreRequest(member=served.names["ann"], consistency=_fresh(written))
    answer = await served.call(request)

    assert answer.score.raw > before.score.raw
    assert answer.score.number == 0
    assert answer.score.rank == 1
    assert answer.computed_at.position == written.recorded_at
    assert answer.computed_at.digest == served.app.latest().digest  # type: ignore[union-attr]


async def test_the_same_request_id_gives_the_first_answer(served: Served) -> None:
    request = v1.PassReferralRequest(
        giver=served.names["ann"], receiver=served.names["bob"], request_id=str(uuid4())
    )
    first = await served.call(request)
    request.request_id = request.request_id.upper()
    again = await served.call(request)

    assert first == again
    assert served.app.position == 9


async def test_old_positions_give_old_answers(served: Served) -> None:
    early = await served.call(
        v1.ListScoresRequest(consistency=v1.Consistency(fully_consistent=True))
    )
    await _won(served)
    exact = v1.ExactPosition(position=early.computed_at.position, day=early.computed_at.day)
    again = await served.call(v1.ListScoresRequest(consistency=v1.Consistency(exactly_at=exact)))

    assert early == again


async def test_resources_come_with_personal_data_as_of_any_position(served: Served) -> None:
    ann = served.names["ann"]
    email = "ann@example.org"
    changed = await served.call(v1.ChangeProfileRequest(member=ann, email=email))
    await served.call(v1.ChangeProfileRequest(member=ann, name="Anna"))
    now = (await served.call(v1.GetMemberRequest(member=ann))).member
    exact = v1.ExactPosition(position=changed.recorded_at)
    consistency = v1.Consistency(exactly_at=exact)
    then = await served.call(v1.GetMemberRequest(member=ann, consistency=consistency))

    assert (now.name.text, now.email.text) == ("Anna", email)
    assert (then.member.name.text, then.member.email.text) == ("ann", email)
    assert then.computed_at == changed.recorded_at
    assert not now.HasField("phone")
    assert now.status == v1.MEMBER_STATUS_ACTIVE
    assert now.chapter == served.names["chapter"]


async def test_every_noun_can_be_read_back(served: Served) -> None:
    ann, bob = served.names["ann"], served.names["bob"]
    testimonial = (await _won(served)).testimonial
    talk = await served.call(
        v1.HoldOneToOneRequest(initiator=ann, partner=bob, place="Café", topics="work")
    )
    contact = (await served.call(v1.RegisterContactRequest(name="Vic", registered_by=ann))).contact
    held = await served.call(v1.HoldMeetingRequest(chapter=served.names["chapter"], date=_today()))
    marks = [v1.Attendance(member=ann, mark=v1.MARK_LATE)]
    await served.call(v1.MarkAttendanceRequest(meeting=held.meeting, attendances=marks))
    await served.call(v1.RecordVisitorRequest(meeting=held.meeting, visitor=contact))

    meeting = (await served.call(v1.GetMeetingRequest(meeting=held.meeting))).meeting
    word = (await served.call(v1.GetTestimonialRequest(testimonial=testimonial))).testimonial
    one = (await served.call(v1.GetOneToOneRequest(one_to_one=talk.one_to_one))).one_to_one
    network = (await served.call(v1.GetNetworkRequest(network=served.names["network"]))).network

    assert meeting.marks[ann].mark == v1.MARK_LATE
    assert list(meeting.visitors) == [contact]
    assert meeting.date == _today()
    assert (word.author, word.rating, word.text.text) == (bob, 9, "Splendid")
    assert (one.place.text, one.status) == ("Café", v1.ONE_TO_ONE_STATUS_HELD)
    assert (network.reference_currency, network.value_half) == ("EUR", 1000)


def _today() -> str:
    return time.strftime("%Y-%m-%d", time.gmtime())


async def test_times_travel_to_the_microsecond(served: Served) -> None:
    start = (await served.call(v1.GetNetworkRequest(network=served.names["network"]))).network
    micros = start.chartered_time.ToMicroseconds() + 1
    when = Timestamp()
    when.FromMicroseconds(micros)
    when.nanos += 999
    await served.call(
        v1.AssignRoleRequest(
            member=served.names["ann"], role=v1.ROLE_NAME_VISITOR_HOST, from_time=when
        )
    )
    (role,) = (await served.call(v1.GetMemberRequest(member=served.names["ann"]))).member.roles

    assert role.from_time.ToMicroseconds() == micros
    assert role.name == v1.ROLE_NAME_VISITOR_HOST


@pytest.fixture
async def many(served: Served) -> Served:
    """130 more members in two more chapters."""
    chapters = [await served.open_chapter(f"chapter {number}") for number in range(2)]
    items = [
        packed(v1.EnrolMemberRequest(chapter=chapters[place % 2], classification=f"trade {place}"))
        for place in range(130)
    ]
    await served.call(v1.BatchRecordRequest(requests=items))
    await served.call(v1.ListScoresRequest(consistency=v1.Consistency(fully_consistent=True)))
    return served


@pytest.mark.parametrize("size", [1, 5, 53, 54, 100])
async def test_pages_join_to_the_same_list(many: Served, size: int) -> None:
    """Page sizes are odd on purpose. Facts recorded meanwhile belong to later listings."""
    requests: list[tuple[Any, str]] = [
        (v1.ListScoresRequest(), "scores"),
        (v1.ListMembersRequest(), "members"),
        (v1.ListMembersRequest(chapter=many.names["chapter 1"]), "members"),
        (v1.ListFactsRequest(), "facts"),
    ]
    for place, (request, field) in enumerate(requests):
        request.page_size = 1000
        whole = list(getattr(await many.call(request), field))
        request.page_size = size
        found: list[Any] = []
        while True:
            page = await many.call(request)
            assert len(getattr(page, field)) == min(size, len(whole) - len(found))
            found += getattr(page, field)
            request.page_token = page.next_page_token
            if not request.page_token:
                break
            if len(found) == size:
                await many.enrol(f"late {place}")
        assert [str(each) for each in whole] == [str(each) for each in found]


async def test_listing_is_by_rank(many: Served) -> None:
    await _won(many)
    scores = (await many.call(v1.ListScoresRequest(page_size=1000))).scores
    keys = [(-each.score, each.number) for each in scores]

    assert sorted(keys) == keys
    assert list(range(1, 133)) == [each.rank for each in scores]


async def test_columns_are_what_single_scores_say_and_hash_to_the_digest(many: Served) -> None:
    await _won(many)
    consistency = v1.Consistency(fully_consistent=True)
    scores = (await many.call(v1.ListScoresRequest(page_size=1000, consistency=consistency))).scores
    by_name = await many.call(v1.BatchGetScoresRequest(members=[each.member for each in scores]))
    by_number = await many.call(v1.BatchGetScoresRequest(numbers=range(len(scores))))
    columns = by_name.columns

    for place, score in enumerate(scores):
        for field in (*FIELDS, "number", "rank", "label"):
            assert getattr(columns, field)[place] == getattr(score, field)
    arrays = {name: getattr(by_number.columns, field) for field, name in FIELDS.items()}
    assert by_number.computed_at.digest == digest(arrays)


async def test_a_batch_tells_who_is_missing(served: Served) -> None:
    ann = served.names["ann"]
    members = [f"members/{UUID(int=4)}", ann, "members/ann"]
    head = v1.Consistency(fully_consistent=True)
    answer = await served.call(v1.BatchGetScoresRequest(members=members, consistency=head))

    assert [(each.index, each.error.code) for each in answer.missing] == [(0, 5), (2, 3)]
    assert answer.columns.number[1] == 0
    numbers = await served.call(v1.BatchGetScoresRequest(numbers=[1, 7]))
    assert [each.index for each in numbers.missing] == [1]


async def test_before_anybody_joined_everybody_is_missing(serve: Serve) -> None:
    served = await serve(empty=True)
    answer = await served.call(v1.BatchGetScoresRequest(numbers=[0, 1]))

    assert [each.index for each in answer.missing] == [0, 1]
    assert len(answer.columns.score) == 2
    assert not (await served.call(v1.ListScoresRequest())).scores


@pytest.mark.parametrize("request_", [v1.BatchGetScoresRequest()])
async def test_a_batch_names_members_one_way(served: Served, request_: Any) -> None:
    with pytest.raises(RefnetCallError, match="INVALID_REQUEST"):
        await served.call(request_)


async def test_reciprocity_has_two_sides(served: Served) -> None:
    written = await _won(served)
    ann, bob = served.names["ann"], served.names["bob"]
    one = await served.call(
        v1.GetReciprocityRequest(member=ann, partner=bob, consistency=_fresh(written))
    )
    other = await served.call(v1.GetReciprocityRequest(member=bob, partner=ann))

    assert one.reciprocity.give == other.reciprocity.take > 0
    assert one.reciprocity.balance > 0.5 > other.reciprocity.balance


async def test_a_batch_records_each_item_on_its_own(served: Served) -> None:
    ann, bob = served.names["ann"], served.names["bob"]
    good = packed(v1.PassReferralRequest(giver=ann, receiver=bob))
    items = [
        good,
        packed(v1.PassReferralRequest(giver=ann, receiver=ann)),
        packed(v1.PassReferralRequest(giver=ann, receiver="bob")),
        packed(v1.GetMemberRequest(member=ann)),
        good,
    ]
    answer = await served.call(v1.BatchRecordRequest(requests=items))
    told = [each.WhichOneof("outcome") for each in answer.outcomes]

    assert told == ["recorded", "error", "error", "error", "recorded"]
    assert answer.outcomes[4].recorded.replayed
    assert answer.outcomes[0].recorded.stream == answer.outcomes[4].recorded.stream
    assert answer.recorded_at == answer.outcomes[0].recorded.recorded_at
    assert answer.outcomes[2].request_id
    assert "requests[2].receiver" in answer.outcomes[2].error.message


async def test_an_import_counts_and_can_be_run_again(served: Served) -> None:
    ann, bob = served.names["ann"], served.names["bob"]
    items = [packed(v1.PassReferralRequest(giver=ann, receiver=bob)) for _ in range(600)]
    items.insert(300, packed(v1.PassReferralRequest(giver=ann, receiver=ann)))

    async def stream() -> AsyncIterator[Any]:
        for start in range(0, len(items), 200):
            yield v1.ImportActivitiesRequest(requests=items[start : start + 200])

    first = await served.stream(stream(), name="ImportActivities")
    again = await served.stream(stream(), name="ImportActivities")

    assert (first.accepted, first.duplicates, first.rejected) == (600, 0, 1)
    assert (again.accepted, again.duplicates, again.rejected) == (0, 600, 1)
    assert [each.index for each in first.rejections] == [300]
    assert first.recorded_at == again.recorded_at


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


async def test_the_head_includes_every_write(served: Served) -> None:
    for _ in range(5):
        referral = await served.refer()
        head = await served.call(v1.GetHeadRequest())
        assert referral
        assert head.number == served.app.position
        assert len(head.root) == 64


async def test_a_watcher_sees_what_changes(serve: Serve) -> None:
    served = await serve(ServerSettings(pace=Pace(quiet_seconds=0.3)))
    ann = served.names["ann"]
    stream = aiter(served.stream(v1.WatchScoresRequest(members=[ann])))
    first = await anext(stream)
    while not first.scores:  # made before ann was inducted
        first = await anext(stream)
    written = await _won(served)
    async with asyncio.timeout(10):
        answer = await anext(stream)
        while answer.computed_at.position != written.recorded_at:
            answer = await anext(stream)
        quiet = await anext(stream)

    assert [each.member for each in first.scores] == [ann]
    assert answer.complete
    assert not quiet.scores


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


async def test_health_and_reflection(served: Served) -> None:
    async with grpc.aio.insecure_channel(served.address) as channel:
        check: Any = health_pb2_grpc.HealthStub(channel).Check  # type: ignore[attr-defined]
        service = health_pb2.HealthCheckRequest(service="refnet.v1.ScoreService")
        assert (await check(service)).status == health_pb2.HealthCheckResponse.SERVING
        await served.server.show_serving(serving=False)
        answer = await check(health_pb2.HealthCheckRequest())
        assert answer.status == health_pb2.HealthCheckResponse.NOT_SERVING


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
