"""Ties and bridges over the wire: what the library finds, of any position, page by page."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import pytest

from refnet import bridges, v1
from refnet.client import RefnetCallError
from refnet.rpc.positions import Positions
from refnet.simulate import simulate
from refnet.standings import Snapshot
from refnet.ties import bridging
from refnet.wiring import open_engine
from rpc.serving import Served, fresh, running

HEAD = v1.Consistency(fully_consistent=True)
NOBODY = f"members/{UUID(int=9)}"
NOWHERE = f"chapters/{UUID(int=9)}"
FIELDS = {
    "degree": "degree",
    "effective_size": "effective",
    "efficiency": "efficiency",
    "local_bridges": "local_bridges",
    "crossing": "crossing",
    "weak": "weak",
    "cut_off": "cut_off",
}
"""Fields of Bridging, and the library's names for them."""


def exactly(basis: Any) -> v1.Consistency:
    return v1.Consistency(exactly_at=v1.ExactPosition(position=basis.position, day=basis.day))


def latest(served: Served) -> Snapshot:
    snapshot = served.app.latest()
    assert snapshot is not None
    return snapshot


def refused_as(refused: Any) -> tuple[str, list[str]]:
    return refused.value.reason, list(refused.value.violations)


async def praise(served: Served, author: str, subject: str, rating: int = 10) -> Any:
    request = v1.GiveTestimonialRequest(
        author=served.names[author], subject=served.names[subject], rating=rating
    )
    return await served.call(request)


async def town(served: Served) -> Any:
    """Three friends in a chapter; cyd hardly knows dan of another; fay, of a third, needs eve."""
    for chapter in ("other", "third", "empty"):
        await served.open_chapter(chapter)
    await served.enrol("cyd")
    for who, chapter in (("dan", "other"), ("eve", "other"), ("fay", "third")):
        await served.enrol(who, chapter)
    for pair in (("ann", "bob"), ("ann", "cyd"), ("cyd", "bob"), ("eve", "dan"), ("fay", "eve")):
        await praise(served, *pair)
    return await praise(served, "cyd", "dan", 2)


async def pages(served: Served, request: Any, field: str) -> list[Any]:
    """Everything that is listed, as of the first page whatever is recorded meanwhile."""
    found: list[Any] = []
    while True:
        page = await served.call(request)
        found += getattr(page, field)
        request.page_token = page.next_page_token
        if not request.page_token:
            return found
        await praise(served, "ann", "eve")


async def test_a_member_s_ties_say_who_would_be_cut_off_and_from_where(served: Served) -> None:
    written = await town(served)
    names = served.names
    request = v1.GetMemberTiesRequest(member=names["dan"], consistency=fresh(written))
    answer = await served.call(request)
    found = answer.bridging

    assert (names["dan"], 3, 2, 2.0, 1.0) == (
        found.member,
        found.number,
        found.degree,
        found.effective_size,
        found.efficiency,
    )
    assert (1.0, 0.5, 0.5, 2) == (found.local_bridges, found.crossing, found.weak, found.cut_off)
    (part,) = answer.parts
    assert [names["eve"], names["fay"]] == list(part.members)
    assert (2, 2, 1) == (part.member_count, part.chapter_count, answer.part_count)
    assert [(names["other"], 1, True), (names["third"], 1, True)] == [
        (each.chapter, each.member_count, each.whole) for each in part.chapters
    ]
    assert latest(served).digest == answer.computed_at.digest
    request.member = names["ann"]
    assert [] == list((await served.call(request)).parts)


async def test_members_are_listed_by_what_they_hold_together(served: Served) -> None:
    await town(served)
    request = v1.ListBridgingMembersRequest(page_size=1, consistency=HEAD)
    known = {name: who for who, name in served.names.items()}
    whole = [known[each.member] for each in await pages(served, request, "members")]

    assert ["dan", "cyd", "eve", "fay", "ann", "bob"] == whole
    written = await served.call(v1.LeaveNetworkRequest(member=served.names["fay"]))
    request = v1.ListBridgingMembersRequest(
        chapter=served.names["other"], consistency=fresh(written)
    )
    answer = await served.call(request)
    assert (["dan", "eve"], 2) == (
        sorted(known[each.member] for each in answer.members),
        answer.member_count,
    )
    request.chapter = served.names["third"]
    assert [] == list((await served.call(request)).members), "who left bridges nothing"


async def test_a_chapter_knows_its_carriers_and_who_cuts_it_off(served: Served) -> None:
    written = await town(served)
    names = served.names
    request = v1.GetChapterTiesRequest(chapter=names["other"], consistency=fresh(written))
    answer = await served.call(request)

    assert (2, 2, 0.5) == (answer.tied_count, answer.tie_count, answer.share_of_first_carrier)
    assert [(names["dan"], 1, [names["chapter"]], 1), (names["eve"], 1, [names["third"]], 1)] == [
        (each.member, each.tie_count, list(each.alone), each.alone_count)
        for each in answer.carriers
    ]
    assert [names["dan"]] == list(answer.cut_off_by), "eve is tied to the rest through dan alone"
    assert (2, 1) == (answer.carrier_count, answer.cut_off_by_count)
    request.chapter = names["empty"]
    empty = await served.call(request)
    assert (0, 0, 0.0) == (empty.tied_count, empty.tie_count, empty.share_of_first_carrier)
    assert answer.computed_at == empty.computed_at


async def test_weak_ties_are_those_of_a_member_a_chapter_or_all(served: Served) -> None:
    await town(served)
    await praise(served, "ann", "fay", 3)
    names, known = served.names, {name: who for who, name in served.names.items()}
    for scope, expected in (
        ({}, ["ann-fay", "cyd-dan"]),
        ({"member": names["dan"]}, ["cyd-dan"]),
        ({"chapter": names["third"]}, ["ann-fay"]),
        ({"chapter": names["chapter"]}, ["ann-fay", "cyd-dan"]),
        ({"member": names["bob"]}, []),
    ):
        request = v1.ListWeakTiesRequest(page_size=1, consistency=HEAD, **scope)
        found = await pages(served, request, "ties")
        assert expected == [f"{known[each.member]}-{known[each.partner]}" for each in found]
        assert all(0.2 <= each.strength < 0.4 and each.crosses for each in found)


async def test_old_positions_know_old_ties(served: Served) -> None:
    written = await town(served)
    requests: list[Any] = [
        v1.GetMemberTiesRequest(member=served.names["dan"]),
        v1.ListBridgingMembersRequest(),
        v1.GetChapterTiesRequest(chapter=served.names["other"]),
        v1.ListWeakTiesRequest(),
    ]
    for request in requests:
        request.consistency.CopyFrom(fresh(written))
    before = [await served.call(request) for request in requests]
    written = await praise(served, "ann", "eve")  # a second way, and dan holds nobody
    for request, then in zip(requests, before, strict=True):
        request.consistency.CopyFrom(fresh(written))
        now = await served.call(request)
        request.consistency.CopyFrom(exactly(then.computed_at))
        assert then == await served.call(request) != now


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (v1.GetMemberTiesRequest(member=NOBODY), "member"),
        (v1.ListWeakTiesRequest(member=NOBODY), "member"),
        (v1.ListWeakTiesRequest(chapter=NOWHERE), "chapter"),
        (v1.ListBridgingMembersRequest(chapter=NOWHERE), "chapter"),
        (v1.GetChapterTiesRequest(chapter=NOWHERE), "chapter"),
    ],
    ids=["ties", "weak of a member", "weak of a chapter", "bridging", "chapter"],
)
async def test_unknown_names_are_refused_by_their_field(
    served: Served, request_: Any, field: str
) -> None:
    with pytest.raises(RefnetCallError) as refused:
        await served.call(request_)

    assert ("ERROR_REASON_NOT_FOUND", [field]) == refused_as(refused)


async def test_a_page_of_other_arguments_is_refused(served: Served) -> None:
    await town(served)
    request = v1.ListBridgingMembersRequest(page_size=1, consistency=HEAD)
    request.page_token = (await served.call(request)).next_page_token
    request.chapter = served.names["chapter"]
    with pytest.raises(RefnetCallError) as refused:
        await served.call(request)

    assert ("ERROR_REASON_INVALID_PAGE_TOKEN", ["page_token"]) == refused_as(refused)


async def same_members(served: Served, at: v1.Consistency, snapshot: Snapshot, size: int) -> None:
    """Every member, page by page and alone, is what the library says."""
    found, order = bridging(snapshot), bridging(snapshot).order(np.flatnonzero(snapshot.active))
    request = v1.ListBridgingMembersRequest(page_size=size, consistency=at)
    seen: list[Any] = []
    while not seen or request.page_token:
        page = await served.call(request)
        seen += page.members
        request.page_token = page.next_page_token
    assert order.tolist() == [each.number for each in seen]
    for field, array in FIELDS.items():
        expected = getattr(found, array)[order].tolist()
        assert expected == [getattr(each, field) for each in seen], field
    for each in seen[:5]:
        alone = await served.call(v1.GetMemberTiesRequest(member=each.member, consistency=at))
        parts = bridges.parts_without(snapshot, each.number)
        assert each == alone.bridging
        assert [list(part.members) for part in parts] == [
            [snapshot.numbers[UUID(name[8:])] for name in part.members] for part in alone.parts
        ]


async def same_chapters(served: Served, at: v1.Consistency, snapshot: Snapshot) -> None:
    chapters = snapshot.ledger.fold.chapters
    for each in bridges.chapters(snapshot):
        name = f"chapters/{chapters[each.chapter]}"
        answer = await served.call(v1.GetChapterTiesRequest(chapter=name, consistency=at))
        assert (each.tied, each.ties, each.share) == (
            answer.tied_count,
            answer.tie_count,
            answer.share_of_first_carrier,
        )
        assert list(each.carriers) == [
            bridges.Carrier(
                snapshot.numbers[UUID(carrier.member[8:])],
                carrier.tie_count,
                tuple(chapters.index(UUID(other[9:])) for other in carrier.alone),
            )
            for carrier in answer.carriers
        ]


async def same_weak_ties(served: Served, at: v1.Consistency, snapshot: Snapshot) -> None:
    answer = await served.call(v1.ListWeakTiesRequest(page_size=1000, consistency=at))
    assert bridges.weak_ties(snapshot)[:1000] == [
        bridges.WeakTie(
            snapshot.numbers[UUID(each.member[8:])],
            snapshot.numbers[UUID(each.partner[8:])],
            each.strength,
            each.common_count,
            each.crosses,
        )
        for each in answer.ties
    ]


async def test_what_is_served_of_a_past_position_is_what_the_library_says(tmp_path: Path) -> None:
    data = tmp_path / "data"
    simulate(partial(open_engine, data, warn=lambda _: None), chapters=3, weeks=12, seed=5)
    async with running(data) as served:
        with open_engine(data, read_only=True, warn=lambda _: None) as library:
            head = library.head()[0]
            tied = 0
            for position, size in ((head // 3, 1000), (head * 2 // 3, 53), (head, 7)):
                snapshot = library.scores(position=position)
                token = Positions(served.app.log_id).message(position)
                exact = v1.ExactPosition(position=token, day=snapshot.day)
                at = v1.Consistency(exactly_at=exact)
                await same_members(served, at, snapshot, size)
                await same_chapters(served, at, snapshot)
                await same_weak_ties(served, at, snapshot)
                tied += len(bridges.weak_ties(snapshot))
    assert tied > 20
