"""TieService: who connects circles, what a chapter hangs on, and weak ties."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from refnet import bridges, v1
from refnet.app import App
from refnet.rpc.freshness import patience
from refnet.rpc.handlers import Behaviour
from refnet.rpc.paging import Page, Pages, page_size
from refnet.rpc.score_table import ScoreTable
from refnet.rpc.scores import ScoreReads
from refnet.standings import Snapshot
from refnet.ties import Bridging, bridging, ties_of

NAMED_MAX = 1000
"""How many members, and how many chapters, an answer that is no page names at most."""

T = TypeVar("T")


class TieReads:
    """The methods of TieService."""

    def __init__(self, app: App, scores: ScoreReads, pages: Pages) -> None:
        self._app = app
        self._scores = scores
        self._pages = pages

    def behaviours(self) -> Mapping[str, Behaviour]:
        """Methods by name."""
        return {
            "GetMemberTies": self._member,
            "ListBridgingMembers": self._bridging,
            "GetChapterTies": self._chapter,
            "ListWeakTies": self._weak,
        }

    async def _member(
        self, request: v1.GetMemberTiesRequest, context: Any
    ) -> v1.GetMemberTiesResponse:
        table = await self._scores.read(request, context)
        number = self._scores.number(table, request.member, field="member")
        found, parts = await self._app.study(
            table.snapshot,
            patience(context),
            lambda snapshot: (bridging(snapshot), bridges.parts_without(snapshot, number)),
        )
        room = _Room()
        return v1.GetMemberTiesResponse(
            bridging=_bridging(table, found, number),
            parts=[_part(table, each, room) for each in parts[:NAMED_MAX]],
            part_count=len(parts),
            computed_at=table.basis,
        )

    async def _bridging(
        self, request: v1.ListBridgingMembersRequest, context: Any
    ) -> v1.ListBridgingMembersResponse:
        page, table = await self._scores.page(request, context)
        chapter = None
        if request.HasField("chapter"):
            chapter = self._scores.chapter(table, request.chapter)

        def work(snapshot: Snapshot) -> tuple[Bridging, NDArray[np.intp]]:
            order = snapshot.once(_ordered)
            if chapter is not None:
                order = order[snapshot.roll.home()[order] == chapter]
            return bridging(snapshot), order

        found, order = await self._app.study(table.snapshot, patience(context), work)
        end, token = self._next(request, page, len(order))
        return v1.ListBridgingMembersResponse(
            members=[_bridging(table, found, each) for each in order[page.cursor : end].tolist()],
            next_page_token=token,
            member_count=len(order),
            computed_at=table.basis,
        )

    async def _chapter(
        self, request: v1.GetChapterTiesRequest, context: Any
    ) -> v1.GetChapterTiesResponse:
        table = await self._scores.read(request, context)
        chapter = self._scores.chapter(table, request.chapter)
        known = await self._app.study(table.snapshot, patience(context), bridges.chapters)
        found = next((each for each in known if each.chapter == chapter), None)
        if found is None:  # nobody of it is tied to anybody
            return v1.GetChapterTiesResponse(computed_at=table.basis)
        room = _Room()
        return v1.GetChapterTiesResponse(
            tied_count=found.tied,
            tie_count=found.ties,
            share_of_first_carrier=found.share,
            carriers=[_carrier(table, each, room) for each in found.carriers[:NAMED_MAX]],
            carrier_count=len(found.carriers),
            cut_off_by=[table.name(each) for each in found.cut_off_by[:NAMED_MAX]],
            cut_off_by_count=len(found.cut_off_by),
            computed_at=table.basis,
        )

    async def _weak(self, request: v1.ListWeakTiesRequest, context: Any) -> v1.ListWeakTiesResponse:
        page, table = await self._scores.page(request, context)
        member = chapter = None
        if request.HasField("member"):
            member = self._scores.number(table, request.member, field="member")
        elif request.HasField("chapter"):
            chapter = self._scores.chapter(table, request.chapter)
        size = page_size(request.page_size)

        def work(snapshot: Snapshot) -> tuple[int, list[bridges.WeakTie]]:
            slots = _ending(snapshot, snapshot.once(bridges.weak_slots), member, chapter)
            return len(slots), bridges.weak_at(snapshot, slots[page.cursor : page.cursor + size])

        count, found = await self._app.study(table.snapshot, patience(context), work)
        _, token = self._next(request, page, count)
        return v1.ListWeakTiesResponse(
            ties=[
                v1.WeakTie(
                    member=table.name(each.one),
                    partner=table.name(each.two),
                    strength=each.strength,
                    common_count=each.common,
                    crosses=each.crosses,
                )
                for each in found
            ],
            next_page_token=token,
            tie_count=count,
            computed_at=table.basis,
        )

    def _next(self, request: Any, page: Page, count: int) -> tuple[int, str]:
        """Where a page ends, and the token of the next one; empty at the end."""
        end = page.cursor + page_size(request.page_size)
        following = Page(page.pin, end, page.day)
        return end, self._pages.token(request, following) if end < count else ""


class _Room:
    """How many names an answer can still take; what is left out is counted, not named."""

    def __init__(self) -> None:
        self._left = {"members": NAMED_MAX, "chapters": NAMED_MAX}

    def take(self, kind: str, items: Sequence[T]) -> Sequence[T]:
        """The first ones, as many as there is room for."""
        taken = items[: self._left[kind]]
        self._left[kind] -= len(taken)
        return taken


def _ordered(snapshot: Snapshot) -> NDArray[np.intp]:
    """All active members, those who hold most together first."""
    return bridging(snapshot).order(np.flatnonzero(snapshot.active))


def _ending(
    snapshot: Snapshot, slots: NDArray[np.intp], member: int | None, chapter: int | None
) -> NDArray[np.intp]:
    """Those of the slots whose tie has an end there; None: no matter where."""
    ties, home = ties_of(snapshot), snapshot.roll.home()
    one, two = ties.sources[slots], ties.targets[slots]
    kept = np.ones(len(slots), bool)
    if member is not None:
        kept &= (one == member) | (two == member)
    if chapter is not None:
        kept &= (home[one] == chapter) | (home[two] == chapter)
    return slots[kept]


def _chapter_name(table: ScoreTable, chapter: int) -> str:
    return f"chapters/{table.snapshot.ledger.fold.chapters[chapter]}"


def _bridging(table: ScoreTable, found: Bridging, number: int) -> v1.Bridging:
    return v1.Bridging(
        member=table.name(number),
        number=number,
        degree=found.degree.item(number),
        effective_size=found.effective.item(number),
        efficiency=found.efficiency.item(number),
        local_bridges=found.local_bridges.item(number),
        crossing=found.crossing.item(number),
        weak=found.weak.item(number),
        cut_off=found.cut_off.item(number),
    )


def _part(table: ScoreTable, part: bridges.Part, room: _Room) -> v1.TiePart:
    whole = set(part.whole)
    return v1.TiePart(
        members=[table.name(each) for each in room.take("members", part.members)],
        member_count=len(part.members),
        chapters=[
            v1.TiePartChapter(
                chapter=_chapter_name(table, chapter), member_count=count, whole=chapter in whole
            )
            for chapter, count in room.take("chapters", part.chapters)
        ],
        chapter_count=len(part.chapters),
    )


def _carrier(table: ScoreTable, carrier: bridges.Carrier, room: _Room) -> v1.TieCarrier:
    return v1.TieCarrier(
        member=table.name(carrier.member),
        tie_count=carrier.ties,
        alone=[_chapter_name(table, each) for each in room.take("chapters", carrier.alone)],
        alone_count=len(carrier.alone),
    )
