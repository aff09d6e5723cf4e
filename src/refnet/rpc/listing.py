"""Listings of resident nouns, page by page, in the order of their first facts."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter
from typing import Any
from uuid import UUID

from google.protobuf.descriptor import Descriptor
from google.protobuf.message_factory import GetMessageClass

from refnet.app import App
from refnet.errors import InvalidRequest
from refnet.rpc.freshness import check_reached, freshness_of
from refnet.rpc.handlers import Behaviour
from refnet.rpc.interceptor import POSITION
from refnet.rpc.paging import Page, Pages, Room, page_size
from refnet.rpc.positions import Positions
from refnet.rpc.resources import ResourcePlan

_PAGING = ("page_size", "page_token", "consistency")


def listing(
    plan: ResourcePlan, answer: Descriptor, app: App, positions: Positions, pages: Pages
) -> Behaviour:
    """A behaviour that lists a noun. Fields of the request beyond the paging ones are filters."""
    make = GetMessageClass(answer)
    plural = answer.fields[0].name

    async def list_page(request: Any, context: Any) -> Any:
        page = pages.read(request, app.position) or Page(_pin(request, app, positions), 0)
        admits = _filter(request)
        # A list of its own: the writer may add to the mapping while this one is read.
        states = list(app.resident(plan.noun.name).values())
        chosen = (
            (place, states[place])
            for place in range(page.cursor, _end(states, page.pin))
            if admits(states[place])
        )
        resources, following = await _fill(chosen, page_size(request.page_size), plan, app)
        POSITION.set(page.pin)
        token = "" if following is None else pages.token(request, Page(page.pin, following))
        return make(
            **{plural: resources},
            next_page_token=token,
            computed_at=positions.message(page.pin),
        )

    return list_page


async def _fill(
    chosen: Iterable[tuple[int, Any]], size: int, plan: ResourcePlan, app: App
) -> tuple[list[Any], int | None]:
    """The resources of a page, and the place of the first that belongs on the next one, if any."""
    resources: list[Any] = []
    room = Room()
    for place, state in chosen:
        if len(resources) == size:
            return resources, place
        resource = await plan.resource(state, app.personal)
        if not room.takes(resource.ByteSize()):
            return resources, place
        resources.append(resource)
    return resources, None


def _end(states: Sequence[Any], pin: int) -> int:
    """How many belong to a listing: first facts come in log order, so they lie in front."""
    return bisect_right(states, pin, key=attrgetter("position"))


def _pin(request: Any, app: App, positions: Positions) -> int:
    """The position that a listing keeps from its first page to its last."""
    wanted = freshness_of(request.consistency, positions)
    if wanted.exactly is not None:
        raise InvalidRequest(
            "listings of the directory show the present; leave exactly_at out, "
            "or read single resources exactly_at a position",
            field="consistency.exactly_at",
        )
    position = app.position
    check_reached(wanted.at_least, position)
    return position


def _filter(request: Any) -> Callable[[Any], bool]:
    """Keeps the states whose attributes are the ids that the request's filters name."""
    wanted = []
    for field, value in request.ListFields():
        if field.name not in _PAGING:
            wanted.append((field.name, UUID(value.rpartition("/")[2])))
    if not wanted:
        return lambda _: True
    return lambda state: all(getattr(state, name) == stream for name, stream in wanted)
