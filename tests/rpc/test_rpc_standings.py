"""Standings, partners and histories over the wire."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from typing import Any
from uuid import UUID

import grpc
import pytest

from refnet import v1
from refnet.client import RefnetCallError
from refnet.history import POINTS_MAX, Seen, history
from refnet.partners import partners_of
from refnet.ranking import standing_of
from rpc.serving import Served, fresh, won

HEAD = v1.Consistency(fully_consistent=True)


def exactly(basis: Any) -> v1.Consistency:
    return v1.Consistency(exactly_at=v1.ExactPosition(position=basis.position, day=basis.day))


def latest(served: Served) -> Any:
    snapshot = served.app.latest()
    assert snapshot is not None
    return snapshot


async def trades(served: Served) -> None:
    """Another chapter with a second lawyer, and a baker who left."""
    await served.open_chapter("other")
    for who, chapter, trade in (
        ("cyd", "other", "Lawyer"),
        ("dan", "chapter", " lawyer"),
        ("eve", "other", "baker"),
    ):
        request = v1.EnrolMemberRequest(chapter=served.names[chapter], classification=trade)
        served.names[who] = (await served.call(request)).member
    await won(served)
    await served.call(v1.LeaveNetworkRequest(member=served.names["eve"]))


async def test_a_standing_is_a_place_among_all_in_the_chapter_and_in_the_profession(
    served: Served,
) -> None:
    await trades(served)
    answer = await served.call(v1.GetStandingRequest(member=served.names["cyd"], consistency=HEAD))
    snapshot = latest(served)
    found = standing_of(snapshot, 2)

    assert (found.network.rank, 5, 4, found.network.percentile) == (
        answer.network.rank,
        answer.network.members,
        answer.network.active,
        answer.network.percentile,
    )
    assert (1, 2, 1, 50.0) == (
        answer.in_chapter.rank,
        answer.in_chapter.members,
        answer.in_chapter.active,
        answer.in_chapter.percentile,
    )
    assert (1, 2, 2) == (
        answer.in_classification.rank,
        answer.in_classification.members,
        answer.in_classification.active,
    )
    assert (served.names["other"], "lawyer") == (answer.chapter, answer.classification)
    assert snapshot.digest == answer.computed_at.digest
    left = await served.call(v1.GetStandingRequest(member=served.names["eve"], consistency=HEAD))
    assert (5, False) == (left.network.rank, left.network.HasField("percentile"))


async def test_old_positions_know_old_seats(served: Served) -> None:
    await trades(served)
    request = v1.GetStandingRequest(member=served.names["dan"], consistency=HEAD)
    before = await served.call(request)
    await served.call(
        v1.TransferMemberRequest(
            member=served.names["dan"], chapter=served.names["other"], classification="notary"
        )
    )
    after = await served.call(request)
    request.consistency.CopyFrom(exactly(before.computed_at))

    assert before == await served.call(request)
    assert ("lawyer", "notary") == (before.classification, after.classification)
    assert (served.names["chapter"], served.names["other"]) == (before.chapter, after.chapter)


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"chapter": "other"}, {"cyd", "eve"}),
        ({"classification": "LAWYER"}, {"cyd", "dan"}),
        ({"chapter": "chapter", "classification": "lawyer"}, {"dan"}),
        ({"classification": "astronaut"}, set()),
    ],
)
async def test_scores_of_a_chapter_or_a_profession_are_listed_in_order(
    served: Served, filters: dict[str, str], expected: set[str]
) -> None:
    await trades(served)
    filters = {key: served.names.get(value, value) for key, value in filters.items()}
    request = v1.ListScoresRequest(page_size=1, consistency=HEAD, **filters)
    found: list[Any] = []
    while True:
        page = await served.call(request)
        found += page.scores
        request.page_token = page.next_page_token
        if not request.page_token:
            break
        await served.enrol(f"late {len(found)}", "other")
    known = {name: who for who, name in served.names.items()}

    assert expected == {known[score.member] for score in found}
    assert len(expected) == len(found)
    ranks = [score.rank for score in found]
    assert sorted(ranks) == ranks


async def test_a_page_of_one_chapter_does_not_continue_another(served: Served) -> None:
    await trades(served)
    request = v1.ListScoresRequest(page_size=1, chapter=served.names["other"], consistency=HEAD)
    request.page_token = (await served.call(request)).next_page_token
    request.chapter = served.names["chapter"]
    with pytest.raises(RefnetCallError) as refused:
        await served.call(request)

    assert refused.value.reason == "ERROR_REASON_INVALID_PAGE_TOKEN"


async def test_partners_are_listed_page_by_page(served: Served) -> None:
    await trades(served)
    ann = served.names["ann"]
    for who in ("cyd", "dan"):
        await served.call(
            v1.GiveTestimonialRequest(author=ann, subject=served.names[who], rating=5)
        )
    request = v1.ListPartnersRequest(member=ann, page_size=2, consistency=HEAD)
    first = await served.call(request)
    expected = partners_of(latest(served), 0)
    request.page_token = first.next_page_token
    written = await served.call(
        v1.GiveTestimonialRequest(author=ann, subject=served.names["bob"], rating=5)
    )
    await served.call(v1.GetScoreRequest(member=ann, consistency=fresh(written)))
    second = await served.call(request)

    assert (3, 3, "") == (first.partner_count, second.partner_count, second.next_page_token)
    found = [*first.partners, *second.partners]
    assert [served.names[who] for who in ("bob", "cyd", "dan")] == [each.partner for each in found]
    for partner, seen in zip(expected, found, strict=True):
        shown = {name: getattr(seen, name) for name in partner.__slots__}
        assert {name: getattr(partner, name) for name in partner.__slots__} == shown
    assert found[0].give > 0.0 == found[0].take
    assert found[1].praised > 0.0 == found[1].praised_by
    reciprocity = await served.call(
        v1.GetReciprocityRequest(
            member=ann, partner=served.names["bob"], consistency=exactly(first.computed_at)
        )
    )
    pair = reciprocity.reciprocity
    assert (pair.give, pair.take, pair.balance) == (
        found[0].give,
        found[0].take,
        found[0].balance,
    )


async def long_ago(served: Served) -> Any:
    """Business that is recorded now, and happened up to 300 days ago."""
    day = latest(served).day
    written = None
    for age in (300, 200, 100):
        request = v1.GiveTestimonialRequest(
            author=served.names["bob"], subject=served.names["ann"], rating=9
        )
        request.occur_time.FromSeconds((day - age) * 86_400)
        written = await served.call(request)
    return written


async def past(served: Served) -> None:
    """A network whose charter lies a year back, and whose members joined then."""
    day = latest(served).day
    charter = v1.CharterNetworkRequest(name="Past", pretrust=v1.PRETRUST_UNIFORM)
    charter.occur_time.FromSeconds((day - 400) * 86_400)
    served.names["network"] = (await served.call(charter)).network
    chapter = v1.CharterChapterRequest(
        name="c", city="Berlin", country="DE", time_zone="Europe/Berlin", currency="EUR"
    )
    chapter.occur_time.FromSeconds((day - 400) * 86_400)
    served.names["chapter"] = (await served.call(chapter)).chapter
    for who in ("ann", "bob"):
        member = v1.EnrolMemberRequest(chapter=served.names["chapter"], classification=who)
        member.occur_time.FromSeconds((day - 365) * 86_400)
        served.names[who] = (await served.call(member)).member


async def same_alone(served: Served, answer: Any) -> None:
    """Every point is what GetScore says of its position and day."""
    for point in answer.points:
        request = v1.GetScoreRequest(member=served.names["ann"], consistency=exactly(point))
        alone = await served.call(request)
        assert alone.score == point.score


async def test_a_history_by_the_days_of_facts_shows_what_was_imported(serve: Any) -> None:
    served = await serve(empty=True)
    await past(served)
    written = await long_ago(served)
    request = v1.GetScoreHistoryRequest(
        member=served.names["ann"], step_days=50, known_then=False, consistency=fresh(written)
    )
    answer = await served.call(request)
    day = answer.computed_at.day

    assert [*range(day - 300, day, 50), day] == [point.day for point in answer.points]
    trust = [point.score.trust_received for point in answer.points]
    assert all(trust)
    assert trust[2] > trust[1] < trust[0], "words fade until there is another one"
    assert answer.points[-1].position == answer.computed_at.position
    await same_alone(served, answer)
    request.ClearField("known_then")
    then = await served.call(request)
    assert [day] == [point.day for point in then.points], "nothing was known before today"
    assert answer.points[-1] == then.points[-1]


async def test_a_history_by_positions_is_what_was_said_then(served: Served) -> None:
    ann = served.names["ann"]
    start = (await served.call(v1.GetScoreRequest(member=ann, consistency=HEAD))).computed_at
    positions = [start.position, *[(await won(served)).recorded_at for _ in range(3)]]
    request = v1.GetScoreHistoryRequest(member=ann, positions=positions, consistency=HEAD)
    answer = await served.call(request)

    assert positions == [point.position for point in answer.points]
    given = [point.score.give for point in answer.points]
    assert given[0] == 0.0 < given[1]
    await same_alone(served, answer)


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"from_day": 9, "to_day": 8}, "from_day"),
        ({"to_day": 2_932_896}, "to_day"),
        ({"from_day": 0, "step_days": 1}, "step_days"),
        ({"from_day": 0, "step_days": 3_661}, "step_days"),
    ],
)
async def test_days_that_make_no_history_are_refused(
    served: Served, asked: dict[str, int], field: str
) -> None:
    request = v1.GetScoreHistoryRequest(
        member=served.names["ann"],
        consistency=HEAD,
        **asked,  # type: ignore[arg-type]
    )
    with pytest.raises(RefnetCallError) as refused:
        await served.call(request)

    assert ("ERROR_REASON_INVALID_REQUEST", [field]) == (
        refused.value.reason,
        list(refused.value.violations),
    )


async def test_the_step_that_a_refusal_names_is_accepted(served: Served) -> None:
    request = v1.GetScoreHistoryRequest(
        member=served.names["ann"], from_day=0, step_days=1, consistency=HEAD
    )
    with pytest.raises(RefnetCallError) as refused:
        await served.call(request)
    request.step_days = int(refused.value.metadata["step_days"])
    request.known_then = False

    assert len((await served.call(request)).points) <= POINTS_MAX
    request.step_days -= 1
    with pytest.raises(RefnetCallError):
        await served.call(request)


async def test_positions_are_refused_out_of_order_beside_days_and_ahead(served: Served) -> None:
    ann = served.names["ann"]
    early = (await served.call(v1.GetScoreRequest(member=ann, consistency=HEAD))).computed_at
    late = (await won(served)).recorded_at
    wrong: list[tuple[Any, str, str]] = [
        ({"positions": [late, early.position]}, "INVALID_REQUEST", "positions[1]"),
        ({"positions": [late], "step_days": 2}, "INVALID_REQUEST", "positions"),
        ({"positions": [late], "known_then": True}, "INVALID_REQUEST", "positions"),
        ({"positions": [v1.LogPosition(token="x")]}, "FOREIGN_POSITION", "positions[0]"),
    ]
    for asked, reason, field in wrong:
        request = v1.GetScoreHistoryRequest(member=ann, consistency=HEAD, **asked)
        with pytest.raises(RefnetCallError) as refused:
            await served.call(request)
        assert (f"ERROR_REASON_{reason}", [field]) == (
            refused.value.reason,
            list(refused.value.violations),
        )
    request = v1.GetScoreHistoryRequest(member=ann, positions=[late], consistency=exactly(early))
    with pytest.raises(RefnetCallError) as refused:
        await served.call(request)
    assert refused.value.reason == "ERROR_REASON_POSITION_AHEAD"


async def test_a_history_that_nobody_waits_for_ends(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The real work, slowed down: it asks between two points whether it shall go on."""
    begun, ended = threading.Event(), threading.Event()
    walked: list[int] = []

    def slowly(*about: Any, goes_on: Callable[[], bool]) -> list[Seen]:
        def waits() -> bool:
            begun.set()
            time.sleep(0.02)
            return goes_on()

        found = history(*about, goes_on=waits)
        walked.append(len(found))
        ended.set()
        return found

    monkeypatch.setattr("refnet.rpc.standings.history", slowly)
    request = v1.GetScoreHistoryRequest(
        member=served.names["ann"],
        from_day=latest(served).day - 500,
        step_days=1,
        known_then=False,
        consistency=HEAD,
    )
    call = asyncio.ensure_future(served.call(request, timeout=30))
    assert await asyncio.to_thread(begun.wait, 10)
    call.cancel()
    assert await asyncio.to_thread(ended.wait, 5)
    with pytest.raises(RefnetCallError) as refused:
        await served.call(request, timeout=0.5)

    assert refused.value.code is grpc.StatusCode.DEADLINE_EXCEEDED
    assert await asyncio.to_thread(_until, lambda: len(walked) == 2)
    assert all(0 < points < 400 for points in walked)


def _until(holds: Callable[[], bool]) -> bool:
    end = time.monotonic() + 5
    while not holds() and time.monotonic() < end:
        time.sleep(0.01)
    return holds()


async def test_who_was_never_inducted_has_no_standing_partners_or_history(served: Served) -> None:
    nobody = f"members/{UUID(int=9)}"
    requests = (v1.GetStandingRequest, v1.ListPartnersRequest, v1.GetScoreHistoryRequest)
    for kind in requests:
        with pytest.raises(RefnetCallError) as refused:
            await served.call(kind(member=nobody))
        assert ("ERROR_REASON_NOT_FOUND", ["member"]) == (
            refused.value.reason,
            list(refused.value.violations),
        )
    with pytest.raises(RefnetCallError) as refused:
        await served.call(v1.ListScoresRequest(chapter=f"chapters/{UUID(int=9)}"))
    assert ("ERROR_REASON_NOT_FOUND", ["chapter"]) == (
        refused.value.reason,
        list(refused.value.violations),
    )
