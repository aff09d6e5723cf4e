"""Trust and paths over the wire."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from refnet import paths, v1
from refnet.client import RefnetCallError
from rpc.serving import Served, fresh, won

HEAD = v1.Consistency(fully_consistent=True)


async def praise(served: Served, author: str, subject: str, rating: int = 8) -> Any:
    request = v1.GiveTestimonialRequest(
        author=served.names[author], subject=served.names[subject], rating=rating
    )
    return await served.call(request)


async def chain(served: Served) -> None:
    """ann knows bob, bob knows cyd, cyd knows dan; ann hardly knows cyd."""
    for who in ("cyd", "dan"):
        await served.enrol(who)
    await praise(served, "ann", "bob", 10)
    await praise(served, "bob", "cyd", 10)
    await praise(served, "cyd", "dan", 10)
    await praise(served, "ann", "cyd", 1)


async def find(served: Served, asker: str, **to: Any) -> list[list[str]]:
    request = v1.FindPathsRequest(asker=served.names[asker], consistency=HEAD, **to)
    known = {name: who for who, name in served.names.items()}
    answer = await served.call(request)
    return [[known[member] for member in path.members] for path in answer.paths]


async def test_trust_says_what_is_known_and_from_which_facts(served: Served) -> None:
    written = await won(served)
    ann, bob = served.names["ann"], served.names["bob"]
    request = v1.GetTrustRequest(member=bob, partner=ann, consistency=fresh(written))
    answer = await served.call(request)
    snapshot = served.app.latest()
    assert snapshot is not None
    expected = paths.link(snapshot, 1, 0)

    assert (bob, ann) == (answer.trust.member, answer.trust.partner)
    assert (expected.trust, expected.weight) == (answer.trust.trust, answer.trust.weight)
    assert (0.9, 0.0) == (round(answer.trust.praise, 6), answer.trust.blame)
    assert answer.trust.taken > 0 == answer.trust.given
    assert not answer.trust.distrusted
    assert all(position.token for position in answer.facts)
    assert answer.fact_count == len(answer.facts) == 4  # accepted, won, closed, testimonial
    assert answer.computed_at.position == written.recorded_at


async def test_paths_lead_to_a_member_a_profession_and_a_contact(served: Served) -> None:
    await chain(served)
    contact = await served.call(
        v1.RegisterContactRequest(name="Customer", registered_by=served.names["dan"])
    )
    other = await served.call(v1.RegisterContactRequest(name="The same"))
    await served.call(v1.MergeContactRequest(contact=contact.contact, into=other.contact))
    longer = ["ann", "bob", "cyd", "dan"]

    assert [longer, ["ann", "cyd", "dan"]] == await find(served, "ann", member=served.names["dan"])
    assert [longer] == await find(served, "ann", member=served.names["dan"], count=1)
    assert [["ann", "cyd", "dan"]] == await find(
        served, "ann", member=served.names["dan"], max_links=2
    )
    assert longer == (await find(served, "ann", classification="Trade of DAN"))[0]
    for each in (contact, other):
        assert longer == (await find(served, "ann", contact=each.contact))[0]
    assert [] == await find(served, "dan", member=served.names["ann"])
    assert [] == await find(served, "ann", classification="nobody's trade")
    assert [] == await find(served, "dan", classification="trade of dan")


async def test_who_is_away_or_distrusted_introduces_nobody(served: Served) -> None:
    await chain(served)
    dan = served.names["dan"]
    bad = await praise(served, "bob", "cyd", -10)
    assert [["ann", "cyd", "dan"]] == await find(served, "ann", member=dan)
    request = v1.GetTrustRequest(
        member=served.names["bob"], partner=served.names["cyd"], consistency=fresh(bad)
    )
    assert (await served.call(request)).trust.distrusted
    await served.call(v1.LeaveNetworkRequest(member=served.names["cyd"]))

    assert [] == await find(served, "ann", member=dan)
    assert [["ann", "cyd"]] == await find(served, "ann", member=served.names["cyd"])


async def test_old_positions_know_old_paths(served: Served) -> None:
    await chain(served)
    ann, dan = served.names["ann"], served.names["dan"]
    request = v1.FindPathsRequest(asker=ann, member=dan, consistency=HEAD)
    before = await served.call(request)
    await praise(served, "ann", "dan", 10)
    exact = v1.ExactPosition(position=before.computed_at.position, day=before.computed_at.day)
    then = v1.FindPathsRequest(asker=ann, member=dan, consistency=v1.Consistency(exactly_at=exact))

    assert before == await served.call(then)
    assert before.paths[0] != (await served.call(request)).paths[0]


@pytest.mark.parametrize(
    ("to", "reason", "field"),
    [
        ({"member": "ann"}, "SELF_DEALING", "member"),
        ({"member": f"members/{UUID(int=9)}"}, "NOT_FOUND", "member"),
        ({"contact": f"contacts/{UUID(int=9)}"}, "NOT_FOUND", "contact"),
        ({"classification": "x", "chapter": f"chapters/{UUID(int=9)}"}, "NOT_FOUND", "chapter"),
        ({}, "INVALID_REQUEST", "to"),
        ({"member": "bob", "count": 21}, "INVALID_REQUEST", "count"),
        ({"member": "bob", "max_links": 7}, "INVALID_REQUEST", "max_links"),
    ],
)
async def test_what_cannot_be_found_is_refused_by_its_field(
    served: Served, to: dict[str, Any], reason: str, field: str
) -> None:
    to = {key: served.names.get(value, value) for key, value in to.items()}
    with pytest.raises(RefnetCallError) as refused:
        await find(served, "ann", **to)

    assert (f"ERROR_REASON_{reason}", [field]) == (
        refused.value.reason,
        list(refused.value.violations),
    )
