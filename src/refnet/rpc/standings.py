"""StandingService: a score among others, beside partners, and over time."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, cast

from refnet import v1
from refnet.app import App
from refnet.errors import InvalidRequest
from refnet.history import POINTS_MAX, Point, Seen, beginning, days, history
from refnet.partners import Partner, partners_of
from refnet.ranking import Place, standing_of
from refnet.rpc.freshness import check_reached, patience
from refnet.rpc.handlers import Behaviour
from refnet.rpc.paging import Page, Pages, page_size
from refnet.rpc.positions import Positions
from refnet.rpc.score_table import FIELDS, ScoreTable
from refnet.rpc.scores import ScoreReads
from refnet.standings import Snapshot

_STEP_DAYS = 7


class StandingReads:
    """The methods of StandingService."""

    def __init__(self, app: App, scores: ScoreReads, positions: Positions, pages: Pages) -> None:
        self._app = app
        self._scores = scores
        self._positions = positions
        self._pages = pages

    def behaviours(self) -> Mapping[str, Behaviour]:
        """Methods by name."""
        return {
            "GetStanding": self._standing,
            "ListPartners": self._partners,
            "GetScoreHistory": self._history,
        }

    async def _standing(
        self, request: v1.GetStandingRequest, context: Any
    ) -> v1.GetStandingResponse:
        table = await self._scores.read(request, context)
        number = self._scores.number(table, request.member, field="member")
        found = await self._app.study(
            table.snapshot, patience(context), lambda snapshot: standing_of(snapshot, number)
        )
        names = table.snapshot.ledger.fold
        return v1.GetStandingResponse(
            score=table.score(number),
            network=_place(found.network),
            in_chapter=_place(found.in_chapter),
            in_classification=_place(found.in_classification),
            chapter=f"chapters/{names.chapters[found.chapter]}",
            classification=names.classifications[found.classification],
            computed_at=table.basis,
        )

    async def _partners(
        self, request: v1.ListPartnersRequest, context: Any
    ) -> v1.ListPartnersResponse:
        page, table = await self._scores.page(request, context)
        number = self._scores.number(table, request.member, field="member")
        found = await self._app.study(
            table.snapshot, patience(context), lambda snapshot: partners_of(snapshot, number)
        )
        end = page.cursor + page_size(request.page_size)
        more = end < len(found)
        token = self._pages.token(request, Page(page.pin, end, page.day)) if more else ""
        return v1.ListPartnersResponse(
            partners=[_partner(table, each) for each in found[page.cursor : end]],
            next_page_token=token,
            partner_count=len(found),
            computed_at=table.basis,
        )

    async def _history(
        self, request: v1.GetScoreHistoryRequest, context: Any
    ) -> v1.GetScoreHistoryResponse:
        table = await self._scores.read(request, context)
        number = self._scores.number(table, request.member, field="member")
        points = await self._points(request, table.snapshot, number)
        gone = threading.Event()

        def work(snapshot: Snapshot) -> list[Seen]:
            return history(snapshot, number, points, goes_on=lambda: not gone.is_set())

        try:
            found = await self._app.study(table.snapshot, patience(context), work)
        finally:
            gone.set()  # the caller went away, or ran out of time: nobody wants the rest
        return v1.GetScoreHistoryResponse(
            points=[
                v1.ScorePoint(
                    position=self._positions.message(seen.position),
                    day=seen.day,
                    score=_score(request.member, number, seen),
                )
                for seen in found
            ],
            computed_at=table.basis,
        )

    async def _points(
        self, request: v1.GetScoreHistoryRequest, snapshot: Snapshot, number: int
    ) -> list[Point]:
        if request.positions:
            return await self._at_positions(request, snapshot)
        last = request.to_day if request.HasField("to_day") else snapshot.day
        step = request.step_days or _STEP_DAYS
        if last > snapshot.day:
            raise InvalidRequest(
                f"to_day {last} lies after the day of the scores, {snapshot.day}; "
                "end there, or ask Forecast what comes",
                field="to_day",
                to_day=last,
                day=snapshot.day,
            )
        first = request.from_day
        if not request.HasField("from_day"):
            first = beginning(snapshot, number, last, step)
        if first > last:
            raise InvalidRequest(
                f"from_day {first} lies after to_day {last}; give an earlier one",
                field="from_day",
                from_day=first,
                to_day=last,
            )
        count = -(-(last - first) // step) + 1
        if count > POINTS_MAX:
            least = -(-(last - first) // (POINTS_MAX - 1))
            raise InvalidRequest(
                f"{count} points are more than {POINTS_MAX}; give a later from_day, or a step_days "
                f"of {least} or more",
                field="step_days",
                points=count,
                lte=POINTS_MAX,
                step_days=least,
            )
        chosen = days(first, last, step)
        if request.HasField("known_then") and not request.known_then:
            return [Point(snapshot.position, day) for day in chosen]
        ends = await self._app.ends_of_days(chosen, snapshot.position)
        return [Point(*each) for each in zip(ends, chosen, strict=True)]

    async def _at_positions(
        self, request: v1.GetScoreHistoryRequest, snapshot: Snapshot
    ) -> list[Point]:
        others: tuple[Any, ...] = ("from_day", "to_day", "known_then")
        if request.step_days or any(request.HasField(each) for each in others):
            raise InvalidRequest(
                "positions are points by themselves; leave out from_day, to_day, step_days and "
                "known_then, or the positions",
                field="positions",
            )
        wanted: list[int] = []
        for place, message in enumerate(request.positions):
            field = f"positions[{place}]"
            position = self._positions.read(message, field=field)
            check_reached(position, snapshot.position, field=field)
            if wanted and position < wanted[-1]:
                raise InvalidRequest(
                    f"{field} lies before the one in front of it; give them in rising order",
                    field=field,
                )
            wanted.append(position)
        record_days = await self._app.days_of(wanted)
        return [Point(*each) for each in zip(wanted, record_days, strict=True)]


def _place(place: Place) -> v1.Place:
    return v1.Place(**asdict(place))


def _partner(table: ScoreTable, partner: Partner) -> v1.Partner:
    return v1.Partner(partner=table.name(partner.number), **asdict(partner))


def _score(member: str, number: int, seen: Seen) -> v1.Score:
    return v1.Score(
        member=member,
        number=number,
        rank=seen.rank,
        label=cast("v1.ScoreLabel.ValueType", seen.label),
        **{field: seen.values[array] for field, array in FIELDS.items()},
    )
