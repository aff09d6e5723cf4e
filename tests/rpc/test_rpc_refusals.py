"""Every reason in the list, provoked through gRPC."""

from __future__ import annotations

import re
import sqlite3
import time
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from refnet import v1
from refnet.client import RefnetCallError
from refnet.rpc.errors import ANSWERS, INTERNAL, PREFIX
from refnet.rpc.interceptor import Limits
from refnet.rpc.positions import Positions
from refnet.rpc.server import ServerSettings
from refnet.rpc.streams import Pace
from rpc.serving import Serve, Served

Provoke = Callable[[Served], Awaitable[Any]]

CODES = {kind.reason: answer.code for kind, answer in ANSWERS.items()}
CODES[INTERNAL] = grpc.StatusCode.INTERNAL

NOBODY = f"members/{UUID(int=4)}"


async def invalid_request(served: Served) -> Any:
    names = served.names
    request = v1.PassReferralRequest(giver=names["ann"], receiver="bob", heat=9)
    return await served.call(request)


async def not_found(served: Served) -> Any:
    return await served.call(v1.PassReferralRequest(giver=served.names["ann"], receiver=NOBODY))


async def network_exists(served: Served) -> Any:
    return await served.call(v1.CharterNetworkRequest(name="Another"))


async def network_missing(served: Served) -> Any:
    request = v1.CharterChapterRequest(
        name="x", city="x", country="x", time_zone="UTC", currency="EUR"
    )
    return await served.call(request)


async def self_dealing(served: Served) -> Any:
    ann = served.names["ann"]
    return await served.call(v1.PassReferralRequest(giver=ann, receiver=ann))


async def member_not_active(served: Served) -> Any:
    await served.call(v1.LeaveNetworkRequest(member=served.names["bob"]))
    return await served.refer()


async def chapter_not_open(served: Served) -> Any:
    await served.call(v1.CloseChapterRequest(chapter=served.names["chapter"]))
    return await served.enrol("eve")


async def seat_taken(served: Served) -> Any:
    request = v1.EnrolMemberRequest(
        chapter=served.names["chapter"], classification="Trade of ANN", name="eve"
    )
    return await served.call(request)


async def occur_time_in_future(served: Served) -> Any:
    ahead = Timestamp(seconds=int(time.time()) + 3600)
    return await served.call(v1.LeaveNetworkRequest(member=served.names["bob"], occur_time=ahead))


async def occur_time_before_charter(served: Served) -> Any:
    request = v1.LeaveNetworkRequest(
        member=served.names["bob"], occur_time=Timestamp(seconds=1_000_000)
    )
    return await served.call(request)


async def wrong_state(served: Served) -> Any:
    referral = await served.refer()
    return await served.call(
        v1.WinReferralRequest(referral=referral, acting_member=served.names["bob"])
    )


async def not_permitted(served: Served) -> Any:
    referral = await served.refer()
    return await served.call(
        v1.AcceptReferralRequest(referral=referral, acting_member=served.names["ann"])
    )


async def _meeting(served: Served) -> str:
    today = datetime.now(ZoneInfo("Europe/Berlin")).date().isoformat()
    request = v1.HoldMeetingRequest(chapter=served.names["chapter"], date=today)
    meeting: str = (await served.call(request)).meeting
    return meeting


async def substitute_is_member(served: Served) -> Any:
    mark = v1.Attendance(
        member=served.names["ann"],
        mark=v1.MARK_SUBSTITUTE,
        substitute_member=served.names["bob"],
    )
    meeting = await _meeting(served)
    return await served.call(v1.MarkAttendanceRequest(meeting=meeting, attendances=[mark]))


async def too_many_visits(served: Served) -> Any:
    chapter = served.names["chapter"]
    await served.call(v1.ChangeChapterPolicyRequest(chapter=chapter, visits_max=0))
    visitor = (await served.call(v1.RegisterContactRequest(name="Vic"))).contact
    meeting = await _meeting(served)
    return await served.call(v1.RecordVisitorRequest(meeting=meeting, visitor=visitor))


async def report_approved(served: Served) -> Any:
    ann = served.names["ann"]
    await served.call(v1.AssignRoleRequest(member=ann, role=v1.ROLE_NAME_PRESIDENT))
    meeting = await _meeting(served)
    await served.call(v1.SubmitReportRequest(meeting=meeting))
    await served.call(v1.ApproveReportRequest(meeting=meeting, acting_member=ann))
    mark = v1.Attendance(member=ann, mark=v1.MARK_PRESENT)
    return await served.call(v1.MarkAttendanceRequest(meeting=meeting, attendances=[mark]))


async def rate_missing(served: Served) -> Any:
    referral, bob = await served.refer(), served.names["bob"]
    for step in (v1.AcceptReferralRequest, v1.ContactProspectRequest, v1.WinReferralRequest):
        await served.call(step(referral=referral, acting_member=bob))
    return await served.call(
        v1.CloseBusinessRequest(referral=referral, acting_member=bob, amount=100_00, currency="USD")
    )


async def request_id_reused(served: Served) -> Any:
    again = str(uuid4())
    for text in ("one", "other"):
        await served.call(v1.RegisterContactRequest(name=text, request_id=again))


def _at_least(token: v1.LogPosition) -> v1.Consistency:
    return v1.Consistency(at_least_as_fresh=token)


async def foreign_position(served: Served) -> Any:
    token = Positions(uuid4()).message(1)
    return await served.call(v1.ListScoresRequest(consistency=_at_least(token)))


async def position_ahead(served: Served) -> Any:
    token = Positions(served.app.log_id).message(10_000)
    return await served.call(v1.ListScoresRequest(consistency=_at_least(token)))


async def freshness_timeout(served: Served) -> Any:
    with served.app._folding.lock:  # the projection cannot follow the log
        written = await served.call(v1.RegisterContactRequest(name="Vic"))
        request = v1.ListScoresRequest(consistency=_at_least(written.recorded_at))
        return await served.call(request, timeout=1.0)


async def invalid_page_token(served: Served) -> Any:
    first = await served.call(v1.ListMembersRequest(page_size=1))
    request = v1.ListMembersRequest(
        page_token=first.next_page_token, chapter=served.names["chapter"]
    )
    return await served.call(request)


async def stream_too_slow(served: Served) -> Any:
    return await served.read_late([])


async def storage_full(served: Served) -> Any:
    connection = served.engine.store._writer
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count = {pages}")
    while True:
        await served.refer()


async def shutting_down(served: Served) -> Any:
    served.app._writer.close()
    return await served.refer()


async def store_sealed(served: Served) -> Any:
    other = sqlite3.connect(served.engine.store.path)
    other.execute("BEGIN IMMEDIATE")
    try:
        return await served.call(v1.RegisterContactRequest(name="Vic"), timeout=60)
    finally:
        other.close()


async def store_damaged(served: Served) -> Any:
    referral = await served.refer()
    with sqlite3.connect(served.engine.store.path) as other:
        for (trigger,) in other.execute(
            "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        ).fetchall():
            other.execute(f"DROP TRIGGER {trigger}")
        other.execute(
            "UPDATE stored_events SET state = '{}' WHERE rowid = ?", (served.app.position,)
        )
    other.close()
    return await served.call(v1.GetReferralRequest(referral=referral))


async def overloaded(served: Served) -> Any:
    stream = served.stream(v1.FollowFactsRequest())
    await anext(aiter(stream))
    return await served.call(v1.GetHeadRequest())


async def subject_erased(served: Served) -> Any:
    await served.call(v1.EraseMemberRequest(member=served.names["bob"]))
    return await served.refer()


async def internal(served: Served) -> Any:
    def broken(*_: object) -> None:
        raise RuntimeError("a secret of the server")

    served.app.load = broken  # type: ignore[assignment, method-assign]
    return await served.call(v1.GetMemberRequest(member=served.names["ann"]))


_HERE = dict(globals())
PROVOKED: dict[str, Provoke] = {
    reason: _HERE[reason.lower()] for reason in CODES if reason.lower() in _HERE
}
SETTINGS = {
    "OVERLOADED": ServerSettings(limits=Limits(calls=1)),
    "STREAM_TOO_SLOW": ServerSettings(pace=Pace(stall_seconds=0.5)),
}
WITHOUT_FIELD = {
    "NETWORK_EXISTS",
    "NETWORK_MISSING",
    "FRESHNESS_TIMEOUT",
    "STREAM_TOO_SLOW",
    "STORAGE_FULL",
    "SHUTTING_DOWN",
    "STORE_SEALED",
    "STORE_DAMAGED",
    "OVERLOADED",
    "INTERNAL",
}


def test_every_reason_is_provoked() -> None:
    reasons = {name.removeprefix(PREFIX) for name, _ in v1.ErrorReason.items()} - {"UNSPECIFIED"}

    assert reasons == PROVOKED.keys()


@pytest.mark.parametrize("reason", PROVOKED)
async def test_refusal(reason: str, serve: Serve, root: Path) -> None:
    """Each comes with its code, one ErrorInfo, the documented metadata, and the field at fault."""
    served = await serve(SETTINGS.get(reason), empty=reason == "NETWORK_MISSING")
    with pytest.raises(RefnetCallError) as caught:
        await PROVOKED[reason](served)
    refusal = caught.value

    assert refusal.reason == PREFIX + reason
    assert refusal.code is CODES[reason]
    assert "secret" not in str(refusal)
    assert bool(refusal.violations) is (reason not in WITHOUT_FIELD), refusal.violations
    if reason not in {"WRONG_STATE", "INVALID_REQUEST"}:  # these depend on the rule
        keys, may_be_empty = _documented(root)[reason]
        assert set(refusal.metadata) <= keys
        assert refusal.metadata or may_be_empty


def _documented(root: Path) -> dict[str, tuple[set[str], bool]]:
    """Metadata keys by reason, and whether there may be none, from the comments of the enum."""
    text = (root / "protos/refnet/v1/error_reason.proto").read_text()
    rows = re.findall(r"  // metadata: (.*(?:\n  //.*)*)\n  ERROR_REASON_(\w+) =", text)
    return {
        reason: (set(re.findall(r'"(\w+)":', comment)), "{}" in comment) for comment, reason in rows
    }


async def test_a_refusal_of_shape_names_every_field_at_fault(served: Served) -> None:
    with pytest.raises(RefnetCallError) as caught:
        await invalid_request(served)

    assert caught.value.violations.keys() == {"receiver", "heat"}


async def test_a_refused_write_leaves_nothing_behind(served: Served) -> None:
    before = served.app.position
    for provoke in (self_dealing, not_found, seat_taken, network_exists):
        with pytest.raises(RefnetCallError):
            await provoke(served)

    assert before == served.app.position


async def test_writes_go_on_after_a_full_disk(served: Served) -> None:
    with pytest.raises(RefnetCallError, match="STORAGE_FULL"):
        await storage_full(served)
    served.engine.store._writer.execute("PRAGMA max_page_count = 1000000")

    assert (await served.refer()).startswith("referrals/")
