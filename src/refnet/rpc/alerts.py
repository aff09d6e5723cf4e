"""AlertService: what may be collusion, for officers to look into."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from refnet import v1
from refnet.alerts import Alert, AlertKind, Between, Figure, alerts_in, sentence
from refnet.app import App
from refnet.rpc.freshness import patience
from refnet.rpc.handlers import Behaviour
from refnet.rpc.paging import Page, Pages, Room, page_size
from refnet.rpc.positions import Positions
from refnet.rpc.score_table import ScoreTable
from refnet.rpc.scores import ScoreReads

EVIDENCE_MAX = 1000
"""Pairs, and facts, that an alert shows."""

_KINDS = {v1.AlertKind.Value(f"ALERT_KIND_{kind.name}"): kind for kind in AlertKind}


class AlertReads:
    """The methods of AlertService."""

    def __init__(self, app: App, scores: ScoreReads, positions: Positions, pages: Pages) -> None:
        self._app = app
        self._scores = scores
        self._positions = positions
        self._pages = pages

    def behaviours(self) -> Mapping[str, Behaviour]:
        """Methods by name."""
        return {"ListAlerts": self._list}

    async def _list(self, request: v1.ListAlertsRequest, context: Any) -> v1.ListAlertsResponse:
        page, table = await self._scores.page(request, context)
        member = chapter = None
        if request.HasField("member"):
            member = self._scores.number(table, request.member, field="member")
        if request.HasField("chapter"):
            chapter = self._scores.chapter(table, request.chapter)
        found = await self._app.study(
            table.snapshot,
            patience(context),
            lambda snapshot: alerts_in(
                snapshot, kind=_KINDS.get(request.kind), member=member, chapter=chapter
            ),
        )
        shown = self._fill(table, found[page.cursor :][: page_size(request.page_size)])
        end = page.cursor + len(shown)
        more = end < len(found)
        token = self._pages.token(request, Page(page.pin, end, page.day)) if more else ""
        return v1.ListAlertsResponse(
            alerts=shown,
            next_page_token=token,
            alert_count=len(found),
            computed_at=table.basis,
        )

    def _fill(self, table: ScoreTable, chosen: Sequence[Alert]) -> list[v1.Alert]:
        """The messages of as many as a page has room for."""
        room = Room()
        shown: list[v1.Alert] = []
        for alert in chosen:
            message = self._message(table, alert)
            if not room.takes(message.ByteSize()):
                break
            shown.append(message)
        return shown

    def _message(self, table: ScoreTable, alert: Alert) -> v1.Alert:
        newest = alert.facts[::-1][:EVIDENCE_MAX]
        return v1.Alert(
            kind=v1.AlertKind.Value(f"ALERT_KIND_{alert.kind.name}"),
            members=[table.name(number) for number in alert.members],
            strength=alert.strength,
            figures=[_figure(figure) for figure in alert.figures],
            pairs=[_pair(table, pair) for pair in alert.pairs[:EVIDENCE_MAX]],
            pair_count=len(alert.pairs),
            facts=[self._positions.message(position) for position in newest],
            fact_count=len(alert.facts),
            first_day=alert.first_day,
            last_day=alert.last_day,
            sentence=sentence(alert, table.name),
        )


def _figure(figure: Figure) -> v1.AlertFigure:
    return v1.AlertFigure(
        measure=v1.AlertMeasure.Value(f"ALERT_MEASURE_{figure.measure.name}"),
        found=figure.found,
        usual=figure.usual,
        own=figure.own,
    )


def _pair(table: ScoreTable, pair: Between) -> v1.AlertPair:
    return v1.AlertPair(
        one=table.name(pair.one), two=table.name(pair.two), said=pair.said, heard=pair.heard
    )
