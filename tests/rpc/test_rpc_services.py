"""The directory, single resources, batches and imports."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import grpc
import pytest
from google.protobuf.any_pb2 import Any as Packed
from google.protobuf.timestamp_pb2 import Timestamp

from refnet import v1
from refnet.client import _failure, packed
from rpc.serving import Served, won


async def test_the_same_request_id_gives_the_first_answer(served: Served) -> None:
    request = v1.PassReferralRequest(
        giver=served.names["ann"], receiver=served.names["bob"], request_id=str(uuid4())
    )
    first = await served.call(request)
    request.request_id = request.request_id.upper()
    again = await served.call(request)

    assert first == again
    assert served.app.position == 9


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
    testimonial = (await won(served)).testimonial
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
    """The date at the chapter's place: in UTC it may be that of the day before its charter."""
    return datetime.now(ZoneInfo("Europe/Berlin")).date().isoformat()


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


async def test_what_is_malformed_in_a_message_of_an_import_is_a_rejected_item(
    served: Served,
) -> None:
    good = packed(v1.RegisterContactRequest(name="Vic"))
    bad = [
        Packed(),
        Packed(type_url="nonsense"),
        Packed(type_url=good.type_url, value=b"\xff\xff"),
        Packed(type_url=good.type_url),
    ]

    async def stream() -> AsyncIterator[Any]:
        yield v1.ImportActivitiesRequest(requests=[good])
        yield v1.ImportActivitiesRequest(requests=bad)
        yield v1.ImportActivitiesRequest(requests=[good])

    answer = await served.stream(stream(), name="ImportActivities")

    assert (answer.accepted, answer.duplicates, answer.rejected) == (1, 1, 4)
    assert [each.index for each in answer.rejections] == [1, 2, 3, 4]


@pytest.mark.parametrize("size", [0, 257, None], ids=str)
async def test_a_message_of_an_import_that_is_none_ends_it_and_says_how_far_it_came(
    served: Served, size: int | None
) -> None:
    """None: bytes that cannot be read at all."""
    good = packed(v1.RegisterContactRequest(name="Vic"))
    refused = packed(v1.GetMemberRequest())

    async def stream() -> AsyncIterator[bytes]:
        for items in ([good, packed(v1.RegisterContactRequest(name="Eve"))], [good, refused]):
            yield v1.ImportActivitiesRequest(requests=items).SerializeToString()
        broken = v1.ImportActivitiesRequest(requests=[good] * (size or 0))
        yield b"\xff\xff" if size is None else broken.SerializeToString()
        yield v1.ImportActivitiesRequest(requests=[good]).SerializeToString()

    async with grpc.aio.insecure_channel(served.address) as channel:
        call: Any = channel.stream_unary("/refnet.v1.ActivityService/ImportActivities")
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call(stream())
    refusal = _failure(caught.value)

    assert refusal.reason == "ERROR_REASON_INVALID_REQUEST"
    assert "2 were accepted, 1 were duplicates and 1 were rejected" in refusal.message
    counts = {"accepted": "2", "duplicates": "1", "rejected": "1"}
    assert counts.items() <= refusal.metadata.items()
    assert served.app.position == 10


async def test_the_head_includes_every_write(served: Served) -> None:
    for _ in range(5):
        referral = await served.refer()
        head = await served.call(v1.GetHeadRequest())
        assert referral
        assert head.number == served.app.position
        assert len(head.root) == 64
