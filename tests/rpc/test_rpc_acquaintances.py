"""Paths to a profession and to a contact, as of the position asked for, and who knows a contact."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from refnet import v1
from refnet.acquaintances import Known, acquainted, seated
from refnet.client import RefnetCallError
from rpc.serving import Served, fresh

HEAD = v1.Consistency(fully_consistent=True)
KINDS = v1.ContactEvidenceKind


def exactly(basis: Any) -> v1.Consistency:
    return v1.Consistency(exactly_at=v1.ExactPosition(position=basis.position, day=basis.day))


async def friends(served: Served) -> None:
    """ann knows everybody else; who they know in turn does not matter."""
    for who in ("cyd", "dan", "eve"):
        await served.enrol(who)
    for who in ("bob", "cyd", "dan", "eve"):
        request = v1.GiveTestimonialRequest(
            author=served.names["ann"], subject=served.names[who], rating=10
        )
        await served.call(request)


async def ends(served: Served, at: v1.Consistency, **to: Any) -> dict[str, list[tuple[str, int]]]:
    """By whom ann is led to, the kinds of evidence and how many facts each has."""
    request = v1.FindPathsRequest(
        asker=served.names["ann"], consistency=at, count=20, max_links=1, **to
    )
    known = {name: who for who, name in served.names.items()}
    answer = await served.call(request)
    return {
        known[path.members[-1]]: [
            (KINDS.Name(each.kind).removeprefix("CONTACT_EVIDENCE_KIND_"), each.fact_count)
            for each in path.evidence
        ]
        for path in answer.paths
    }


async def now(served: Served) -> Any:
    request = v1.GetScoreRequest(member=served.names["ann"], consistency=HEAD)
    return (await served.call(request)).computed_at


async def register(served: Served, **options: Any) -> str:
    name: str = (await served.call(v1.RegisterContactRequest(name="C", **options))).contact
    return name


async def pass_on(served: Served, giver: str, receiver: str, prospect: str) -> str:
    request = v1.PassReferralRequest(
        giver=served.names[giver], receiver=served.names[receiver], prospect=prospect
    )
    name: str = (await served.call(request)).referral
    return name


async def win(served: Served, referral: str, receiver: str) -> None:
    for step in (v1.AcceptReferralRequest, v1.ContactProspectRequest, v1.WinReferralRequest):
        await served.call(step(referral=referral, acting_member=served.names[receiver]))


async def test_a_seat_that_changed_hands_is_looked_for_where_it_was(served: Served) -> None:
    await friends(served)
    other, eve = await served.open_chapter("other"), served.names["eve"]
    await served.call(v1.TransferMemberRequest(member=eve, chapter=other))
    before = await now(served)
    trade = "trade of dan"
    await served.call(v1.LeaveNetworkRequest(member=served.names["dan"]))
    between = await now(served)
    await served.call(
        v1.TransferMemberRequest(member=eve, chapter=served.names["chapter"], classification=trade)
    )

    for at, expected in ((exactly(before), "dan"), (exactly(between), ""), (HEAD, "eve")):
        for written in (trade, "  TRADE of  Dan"):
            assert ([expected] if expected else []) == [
                *await ends(served, at, classification=written)
            ]
    chapter = served.names["chapter"]
    assert ["dan"] == [*await ends(served, exactly(before), classification=trade, chapter=chapter)]
    assert {} == await ends(served, HEAD, classification=trade, chapter=other)


async def test_a_contact_is_known_in_five_ways_each_with_its_facts(served: Served) -> None:
    await friends(served)
    await served.enrol("fay")
    contact = await register(served, registered_by=served.names["bob"])
    won = await pass_on(served, "cyd", "dan", contact)
    await pass_on(served, "cyd", "fay", contact)
    await win(served, won, "dan")
    await win(served, await pass_on(served, "dan", "cyd", await register(served)), "cyd")
    written = await served.call(
        v1.GiveTestimonialRequest(subject=served.names["eve"], client=contact, rating=7)
    )

    assert {
        "bob": [("REGISTERED", 1)],
        "cyd": [("PASSED_ON", 2)],
        "dan": [("WON", 1)],
        "eve": [("PRAISED_BY", 1)],
    } == await ends(served, HEAD, contact=contact)
    request = v1.FindPathsRequest(
        asker=served.names["ann"], contact=contact, count=20, consistency=fresh(written)
    )
    paths = (await served.call(request)).paths
    last = next(each for each in paths if each.members[-1] == served.names["eve"])
    assert written.recorded_at == last.evidence[0].fact


async def test_a_visitor_is_known_to_who_brought_them(served: Served) -> None:
    await friends(served)
    contact = await register(served)
    assert {} == await ends(served, HEAD, contact=contact)
    today = datetime.now(ZoneInfo("Europe/Berlin")).date().isoformat()
    held = v1.HoldMeetingRequest(chapter=served.names["chapter"], date=today)
    meeting = (await served.call(held)).meeting
    await served.call(
        v1.RecordVisitorRequest(meeting=meeting, visitor=contact, invited_by=served.names["cyd"])
    )

    assert {"cyd": [("INVITED", 1)]} == await ends(served, HEAD, contact=contact)


async def test_what_is_taken_back_makes_nobody_known(served: Served) -> None:
    await friends(served)
    contact = await register(served)
    names = served.names
    voided = await pass_on(served, "bob", "dan", contact)
    disputed = await pass_on(served, "cyd", "dan", contact)
    given = await served.call(
        v1.GiveTestimonialRequest(subject=names["eve"], client=contact, rating=7)
    )
    revised = await served.call(
        v1.GiveTestimonialRequest(subject=names["dan"], client=contact, rating=-3)
    )
    then = await now(served)
    known = {"bob": [("PASSED_ON", 1)], "cyd": [("PASSED_ON", 1)], "eve": [("PRAISED_BY", 1)]}
    assert known == await ends(served, HEAD, contact=contact)
    await served.call(v1.VoidReferralRequest(referral=voided, acting_member=names["bob"]))
    await served.call(v1.DisputeReferralRequest(referral=disputed, acting_member=names["dan"]))
    await served.call(v1.WithdrawTestimonialRequest(testimonial=given.testimonial))
    await served.call(v1.ReviseTestimonialRequest(testimonial=revised.testimonial, rating=4))

    assert {"dan": [("PRAISED_BY", 1)]} == await ends(served, HEAD, contact=contact)
    assert known == await ends(served, exactly(then), contact=contact)


async def test_contacts_are_one_person_from_the_merge_on(served: Served) -> None:
    await friends(served)
    one = await register(served, registered_by=served.names["bob"])
    before_two = await now(served)
    two = await register(served, registered_by=served.names["cyd"])
    three = await register(served, registered_by=served.names["dan"])
    apart = await now(served)
    await served.call(v1.MergeContactRequest(contact=one, into=two))
    first = await now(served)
    await served.call(v1.MergeContactRequest(contact=two, into=three))

    async def who(at: v1.Consistency, contact: str) -> set[str]:
        return set(await ends(served, at, contact=contact))

    for each, mine in ((one, "bob"), (two, "cyd"), (three, "dan")):
        assert {mine} == await who(exactly(apart), each)
        assert ({"dan"} if each == three else {"bob", "cyd"}) == await who(exactly(first), each)
        assert {"bob", "cyd", "dan"} == await who(HEAD, each)
    with pytest.raises(RefnetCallError) as refused:
        await who(exactly(before_two), two)
    assert ("ERROR_REASON_NOT_FOUND", ["contact"]) == (
        refused.value.reason,
        list(refused.value.violations),
    )


async def test_who_left_since_was_active_then(served: Served) -> None:
    await friends(served)
    contact = await register(served, registered_by=served.names["bob"])
    before = await now(served)
    await served.call(v1.LeaveNetworkRequest(member=served.names["bob"]))

    assert {} == await ends(served, HEAD, contact=contact)
    assert ["bob"] == [*await ends(served, exactly(before), contact=contact)]


async def test_the_library_says_the_same(served: Served) -> None:
    await friends(served)
    contact = await register(served, registered_by=served.names["bob"])
    await win(served, await pass_on(served, "cyd", "bob", contact), "bob")
    await now(served)
    snapshot, state = served.app.latest(), served.app.state
    assert snapshot is not None
    stream = next(iter(state.resident("contact")))
    found = acquainted(snapshot, state, stream)

    assert [(1, (Known.REGISTERED, Known.WON)), (2, (Known.PASSED_ON,))] == [
        (each.member, tuple(how for how, _ in each.evidence)) for each in found
    ]
    positions = [position for each in found for _, facts in each.evidence for position in facts]
    kinds = snapshot.columns.kind[[position - 1 for position in positions]].tolist()
    assert [40, 85, 80] == kinds
    assert [3] == seated(snapshot, "Trade of DAN")
    assert [] == seated(snapshot, "nobody's trade")
