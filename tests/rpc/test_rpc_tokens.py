"""Positions, page tokens and names."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from refnet import v1
from refnet.client import RefnetCallError
from refnet.errors import ForeignPosition, InvalidPageToken, InvalidRequest
from refnet.rpc.naming import name_of, parse
from refnet.rpc.paging import Page, Pages, page_size
from refnet.rpc.positions import Positions
from rpc.serving import Served

DAY_MAX = 2_932_896
LOG = UUID("b6db9451-0ed3-4782-9fa6-41161ead68e1")

positions = st.integers(0, 2**63 - 1)


@given(positions)
def test_a_position_survives_its_token(position: int) -> None:
    ours = Positions(LOG)
    message = ours.message(position)

    assert ours.read(message, field="after") == position
    assert message.token.isascii()
    assert len(message.token) == 32


@given(positions, positions)
def test_tokens_of_other_logs_are_refused(position: int, seed: int) -> None:
    with pytest.raises(ForeignPosition, match=str(LOG)) as refusal:
        Positions(LOG).read(Positions(UUID(int=seed)).message(position), field="after")

    assert refusal.value.field == "after"


@given(st.text(max_size=64))
def test_any_other_text_is_refused(text: str) -> None:
    with pytest.raises(ForeignPosition):
        Positions(LOG).read(v1.LogPosition(token=text), field="after")


@given(positions, st.integers(0, 31), st.sampled_from("Aa0-_=. \n"))
def test_a_damaged_token_is_refused_or_another_position_of_ours(
    position: int, place: int, char: str
) -> None:
    ours = Positions(LOG)
    token = ours.token(position)
    damaged = token[:place] + char + token[place + 1 :]
    try:
        read = ours.read(v1.LogPosition(token=damaged), field="after")
    except ForeignPosition:
        return
    assert ours.token(read) == damaged  # a token has one spelling


@given(st.tuples(positions, positions, positions).map(sorted), st.integers(0, DAY_MAX))
def test_a_page_token_brings_the_page_back(places: list[int], day: int) -> None:
    cursor, pin, head = places
    pages, page = Pages(LOG), Page(pin, cursor, day)
    request = v1.ListScoresRequest(page_size=5)
    request.page_token = pages.token(request, page)

    assert pages.read(request, head) == page
    request.page_size = 7  # pages may differ in size
    assert pages.read(request, head) == page


@pytest.mark.parametrize(
    "page",
    [
        Page(pin=9, cursor=2),  # beyond the log
        Page(pin=2**64 - 1, cursor=2),
        Page(pin=8, cursor=9),  # beyond the listing
        Page(pin=8, cursor=2**63),
        Page(pin=8, cursor=2, day=-5),
        Page(pin=8, cursor=2, day=DAY_MAX + 1),
    ],
    ids=str,
)
async def test_a_page_that_cannot_be_is_refused_however_well_its_token_is_made(
    served: Served, page: Page
) -> None:
    assert served.app.position == 8
    pages = Pages(served.app.log_id)
    for request in (v1.ListFactsRequest(), v1.ListMembersRequest(), v1.ListScoresRequest()):
        request.page_token = pages.token(request, page)
        with pytest.raises(RefnetCallError, match="INVALID_PAGE_TOKEN") as refusal:
            await served.call(request)
        assert refusal.value.violations.keys() == {"page_token"}


def test_no_page_token_is_the_first_page() -> None:
    assert Pages(LOG).read(v1.ListScoresRequest(), 8) is None


@given(st.integers(0, 47), st.sampled_from("Aa0-_=. "))
def test_a_damaged_page_token_is_refused(place: int, char: str) -> None:
    pages, request = Pages(LOG), v1.ListScoresRequest()
    token = pages.token(request, Page(4, 2, 7))
    request.page_token = token[:place] + char + token[place + 1 :]
    if request.page_token != token:
        with pytest.raises(InvalidPageToken):
            pages.read(request, 8)


def test_a_page_token_is_for_the_arguments_and_the_log_that_it_was_made_for() -> None:
    request = v1.ListMembersRequest()
    token = Pages(LOG).token(request, Page(4, 2))
    others = [
        (Pages(LOG), v1.ListMembersRequest(page_token=token, chapter=f"chapters/{uuid4()}")),
        (Pages(LOG), v1.ListContactsRequest(page_token=token)),
        (Pages(uuid4()), v1.ListMembersRequest(page_token=token)),
    ]
    for pages, other in others:
        with pytest.raises(InvalidPageToken):
            pages.read(other, 8)


@pytest.mark.parametrize(("asked", "given"), [(0, 100), (1, 1), (1000, 1000), (5000, 1000)])
def test_page_sizes(asked: int, given: int) -> None:
    assert page_size(asked) == given


@given(st.uuids())
def test_a_name_holds_its_id(stream: UUID) -> None:
    assert parse("oneToOnes", name_of("oneToOnes", stream), field="x") == stream


@pytest.mark.parametrize(
    "name",
    ["", "members/", f"chapters/{LOG}", f"members/{LOG}x", f"members/{LOG.hex}", "members/x"],
)
def test_what_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(InvalidRequest, match="resource name"):
        parse("members", name, field="x")
