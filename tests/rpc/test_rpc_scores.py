"""Scores and listings."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest

from refnet import v1
from refnet.client import RefnetCallError, packed
from refnet.rpc import paging
from refnet.rpc.score_table import FIELDS
from refnet.scoring import digest
from rpc.serving import Serve, Served, fresh, won


async def test_a_write_is_read_at_its_position(served: Served) -> None:
    head = v1.Consistency(fully_consistent=True)
    before = await served.call(v1.GetScoreRequest(member=served.names["ann"], consistency=head))
    written = await won(served)
    request = v1.GetScoreRequest(member=served.names["ann"], consistency=fresh(written))
    answer = await served.call(request)

    assert answer.score.raw > before.score.raw
    assert answer.score.number == 0
    assert answer.score.rank == 1
    assert answer.computed_at.position == written.recorded_at
    assert answer.computed_at.digest == served.app.latest().digest  # type: ignore[union-attr]


async def test_old_positions_give_old_answers(served: Served) -> None:
    early = await served.call(
        v1.ListScoresRequest(consistency=v1.Consistency(fully_consistent=True))
    )
    await won(served)
    exact = v1.ExactPosition(position=early.computed_at.position, day=early.computed_at.day)
    again = await served.call(v1.ListScoresRequest(consistency=v1.Consistency(exactly_at=exact)))

    assert early == again


async def test_what_was_read_can_be_published(served: Served) -> None:
    head = v1.Consistency(fully_consistent=True)
    basis = (await served.call(v1.ListScoresRequest(consistency=head))).computed_at
    (network,) = (await served.call(v1.ListNetworksRequest())).networks
    later = await won(served)
    claim = v1.PublishScoresRequest(
        network=network.network,
        position=basis.position,
        day=basis.day,
        model=basis.model,
        digest=basis.digest,
        request_id=str(uuid4()),
    )
    written = await served.call(claim)

    assert written == await served.call(claim)
    *_, (fact, recorded) = served.engine.facts()
    assert (fact.position, fact.day, fact.digest) == (
        recorded.position - 7,
        basis.day,
        basis.digest,
    )
    for change in ({"digest": "ab" * 32}, {"model": "2"}, {"position": later.recorded_at}):
        wrong = v1.PublishScoresRequest(**change)
        for field, value in claim.ListFields():
            if field.name not in change:
                wrong.MergeFrom(v1.PublishScoresRequest(**{field.name: value}))
        wrong.request_id = str(uuid4())
        with pytest.raises(RefnetCallError) as refused:
            await served.call(wrong)
        assert refused.value.reason == "ERROR_REASON_INVALID_REQUEST"
        batch = await served.call(v1.BatchRecordRequest(requests=[packed(wrong)]))
        assert batch.outcomes[0].HasField("error")
    assert served.engine.head()[0] == recorded.position


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


async def test_a_page_ends_before_it_grows_beyond_a_message(
    many: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    requests: list[tuple[Any, str]] = [
        (v1.ListFactsRequest(page_size=1000), "facts"),  # first: who is shown members is recorded
        (v1.ListMembersRequest(page_size=1000), "members"),
        (v1.ListMembersRequest(page_size=1000, chapter=many.names["chapter 1"]), "members"),
    ]
    for request, field in requests:
        whole = list(getattr(await many.call(request), field))
        for bound in (1, 5000):
            monkeypatch.setattr(paging, "PAGE_BYTES_MAX", bound)
            pages = await joined(many, request, field)
            assert [str(each) for each in whole] == [str(each) for page in pages for each in page]
            assert len(pages) > 1
            assert all(len(page) == 1 or sizes(page) <= bound for page in pages)
        monkeypatch.undo()


async def joined(served: Served, request: Any, field: str) -> list[list[Any]]:
    """All pages, none of them empty."""
    pages: list[list[Any]] = []
    asked = type(request)()
    asked.CopyFrom(request)
    while not pages or asked.page_token:
        answer = await served.call(asked)
        pages.append(list(getattr(answer, field)))
        assert pages[-1]
        asked.page_token = answer.next_page_token
    return pages


def sizes(page: list[Any]) -> int:
    """What the bound looks at: a fact's state stands for all of it."""
    return sum(len(each.state) if hasattr(each, "state") else each.ByteSize() for each in page)


async def test_listing_is_by_rank(many: Served) -> None:
    await won(many)
    scores = (await many.call(v1.ListScoresRequest(page_size=1000))).scores
    keys = [(-each.score, each.number) for each in scores]

    assert sorted(keys) == keys
    assert list(range(1, 133)) == [each.rank for each in scores]


async def test_columns_are_what_single_scores_say_and_hash_to_the_digest(many: Served) -> None:
    await won(many)
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
    written = await won(served)
    ann, bob = served.names["ann"], served.names["bob"]
    one = await served.call(
        v1.GetReciprocityRequest(member=ann, partner=bob, consistency=fresh(written))
    )
    other = await served.call(v1.GetReciprocityRequest(member=bob, partner=ann))

    assert one.reciprocity.give == other.reciprocity.take > 0
    assert one.reciprocity.balance > 0.5 > other.reciprocity.balance
