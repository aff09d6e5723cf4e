"""LogService: the log of facts, as it is stored."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from itertools import takewhile
from typing import Any

import msgspec

from refnet import v1
from refnet.app import App
from refnet.domain.decisions import Noun
from refnet.engine import Row
from refnet.errors import FreshnessTimeout, ShuttingDown
from refnet.folding import Head
from refnet.rpc.convert import timestamp_of
from refnet.rpc.freshness import check_reached, freshness_of, patience
from refnet.rpc.handlers import Behaviour
from refnet.rpc.interceptor import POSITION
from refnet.rpc.naming import name_of
from refnet.rpc.paging import Page, Pages, Room, page_size
from refnet.rpc.positions import Positions
from refnet.rpc.streams import Streams, ended

_FOLD_SECONDS = 0.002


class _Times(msgspec.Struct, frozen=True):
    """The part of a stored state that is repeated outside it."""

    occur_time: int
    record_time: int


class LogReads:
    """All methods of LogService."""

    def __init__(self, app: App, positions: Positions, pages: Pages, streams: Streams) -> None:
        self._app = app
        self._positions = positions
        self._pages = pages
        self._streams = streams
        self._plurals = _plurals(app.nouns)
        self._times = msgspec.json.Decoder(_Times)

    def behaviours(self) -> Mapping[str, Behaviour]:
        """Methods by name."""
        return {"GetHead": self._head, "ListFacts": self._list, "FollowFacts": self._follow}

    async def _head(self, request: v1.GetHeadRequest, context: Any) -> v1.GetHeadResponse:
        head = await self._folded(self._app.position, patience(context))
        POSITION.set(head.position)
        return v1.GetHeadResponse(
            position=self._positions.message(head.position),
            number=head.position,
            record_time=timestamp_of(head.record_time) if head.position else None,
            root=head.root,
        )

    async def _folded(self, position: int, wait: float) -> Head:
        """The head once its root includes a position: the tree grows just after the log does."""
        end = asyncio.get_running_loop().time() + wait
        while True:
            head = await self._app.head()
            if head.position >= position:
                return head
            if asyncio.get_running_loop().time() > end:
                raise FreshnessTimeout(
                    f"the root of position {position} was not ready within {wait} s; retry",
                    position=position,
                )
            await asyncio.sleep(_FOLD_SECONDS)

    async def _list(self, request: v1.ListFactsRequest, context: Any) -> v1.ListFactsResponse:
        page = self._pages.read(request, self._app.position) or self._first(request)
        rows = await self._app.rows(page.cursor, page_size(request.page_size), page.pin)
        rows = _fitting(rows)
        POSITION.set(page.pin)
        end = rows[-1].position if rows else page.pin
        more = end < page.pin
        return v1.ListFactsResponse(
            facts=[self.fact(row) for row in rows],
            next_page_token=self._pages.token(request, Page(page.pin, end)) if more else "",
            computed_at=self._positions.message(page.pin),
        )

    def _first(self, request: v1.ListFactsRequest) -> Page:
        head = self._app.position
        wanted = freshness_of(request.consistency, self._positions)
        check_reached(max(wanted.at_least, wanted.exactly or 0), head)
        pin = head if wanted.exactly is None else wanted.exactly
        return Page(pin, min(self._after(request, head), pin))

    def _after(self, request: Any, head: int) -> int:
        if not request.HasField("after"):
            return 0
        after = self._positions.read(request.after, field="after")
        check_reached(after, head, field="after")
        return after

    async def _follow(self, request: v1.FollowFactsRequest, context: Any) -> None:
        after = self._after(request, self._app.position)
        with suppress(ShuttingDown):
            async for rows in self._streams.until_end(self._app.follow(after)):
                for part in _parts(rows):
                    resume = self._positions.token(after)
                    reached = part[-1].position if part else after
                    message = v1.FollowFactsResponse(
                        facts=[self.fact(row) for row in part],
                        resume_after=self._positions.message(reached),
                    )
                    await self._streams.send(context, message, resume_after=resume)
                    after = reached
                    POSITION.set(after)
        raise ended(resume_after=self._positions.token(after))

    def fact(self, row: Row) -> v1.Fact:
        """A stored fact as it travels."""
        times = self._times.decode(row.state)
        return v1.Fact(
            position=self._positions.message(row.position),
            number=row.position,
            stream=name_of(self._plurals[row.topic], row.stream),
            version=row.version,
            name=row.topic,
            state=row.state,
            commitment=row.commitment,
            salt=row.salt,
            occur_time=timestamp_of(times.occur_time),
            record_time=timestamp_of(times.record_time),
        )


def _plurals(nouns: Sequence[Noun]) -> dict[str, str]:
    return {kind.NAME: noun.plural for noun in nouns for kind in noun.facts}


def _fitting(rows: list[Row]) -> list[Row]:
    """The longest beginning, at least one row, that stays below the size of a message."""
    room = Room()
    return list(takewhile(lambda row: room.takes(len(row.state)), rows))


def _parts(rows: list[Row]) -> list[list[Row]]:
    """The rows in pieces that fit a message; one empty piece, a checkpoint, if there are none."""
    parts = [_fitting(rows)]
    while sum(map(len, parts)) < len(rows):
        parts.append(_fitting(rows[sum(map(len, parts)) :]))
    return parts
