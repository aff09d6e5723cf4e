"""ExplanationService: why a score is what it is, what it would be, and what it will become."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from refnet import actions, explain, forecast, v1, whatif
from refnet.app import App
from refnet.rpc.freshness import patience
from refnet.rpc.handlers import Behaviour
from refnet.rpc.positions import Positions
from refnet.rpc.score_table import ScoreTable
from refnet.rpc.scores import ScoreReads
from refnet.scoring import Scores
from refnet.standings import Snapshot

_DAYS, _POINTS, _ACTIONS = 90, 6, 5
_CHANGES_MAX = 100
_FADING_MAX = 20
_FLAG = 0.5

_LETTERS = {
    "V": v1.SCORE_COMPONENT_VALUE,
    "T": v1.SCORE_COMPONENT_TRUST,
    "C": v1.SCORE_COMPONENT_CLIENTS,
    "R": v1.SCORE_COMPONENT_REFERRALS,
    "P": v1.SCORE_COMPONENT_PARTNERS,
}
_OUTLOOK = {
    "score": "score",
    "raw": "raw",
    "value": "V",
    "trust": "T",
    "clients": "C",
    "referrals": "R",
    "partners": "P",
    "opportunism": "O",
    "balance": "bal",
}


class Explanations:
    """The methods of ExplanationService."""

    def __init__(self, app: App, scores: ScoreReads, positions: Positions) -> None:
        self._app = app
        self._scores = scores
        self._positions = positions

    def behaviours(self) -> Mapping[str, Behaviour]:
        """Methods by name."""
        return {
            "ExplainScore": self._explain,
            "WhatIf": self._what_if,
            "Forecast": self._forecast,
            "SuggestActions": self._suggest,
        }

    async def _explain(
        self, request: v1.ExplainScoreRequest, context: Any
    ) -> v1.ExplainScoreResponse:
        table = await self._scores.read(request, context)
        number = self._scores.number(table, request.member, field="member")
        whole, chosen = await self._app.study(
            table.snapshot,
            patience(context),
            lambda snapshot: explain.with_facts(
                snapshot, number, partners=request.partners, facts=request.facts
            ),
        )
        groups = [[fact.position for fact in each.all] for each in chosen]
        groups += [[fact.position] for each in chosen for fact in each.shown]
        gone = await self._app.left_out(table.snapshot, groups)
        costs = await self._app.study(
            table.snapshot,
            patience(context),
            lambda snapshot: [explain.cost(snapshot, number, positions) for positions in gone],
        )
        return v1.ExplainScoreResponse(
            score=table.score(number),
            components=[
                v1.ComponentValue(
                    component=component,
                    value=whole.values[letter],
                    weight=whole.weights[letter],
                    points=whole.points(letter),
                )
                for letter, component in _LETTERS.items()
            ],
            parts=[_part(table, part) for part in whole.parts],
            taken=whole.taken,
            remainder=whole.remainder,
            partners=self._partners(table, chosen, costs),
            computed_at=table.basis,
        )

    def _partners(
        self, table: ScoreTable, chosen: list[explain.Partner], costs: list[float]
    ) -> list[v1.PartnerCost]:
        of_facts = iter(costs[len(chosen) :])
        return [
            v1.PartnerCost(
                partner=_name(table, each.number),
                points=each.points,
                cost=cost,
                fact_count=len(each.all),
                facts=[
                    v1.FactCost(
                        position=self._positions.message(fact.position),
                        day=fact.day,
                        left=fact.left,
                        cost=next(of_facts),
                    )
                    for fact in each.shown
                ],
            )
            for each, cost in zip(chosen, costs, strict=False)
        ]

    async def _what_if(self, request: v1.WhatIfRequest, context: Any) -> v1.WhatIfResponse:
        table = await self._scores.read(request, context)
        named = [
            self._scores.number(table, name, field=f"members[{place}]")
            for place, name in enumerate(request.members)
        ]
        wanted = [
            self._positions.read(each, field=f"facts[{place}]")
            for place, each in enumerate(request.facts)
        ]
        (gone,) = await self._app.left_out(table.snapshot, [wanted])

        def rescored(snapshot: Snapshot) -> tuple[Scores, str]:
            found = whatif.without(snapshot, gone)
            return found, found.digest()

        after, digest = await self._app.study(table.snapshot, patience(context), rescored)
        before = table.snapshot.scores.score
        change = np.abs(after.score - before)
        changed = np.flatnonzero(change > 0.0)
        most = changed[np.lexsort((changed, -change[changed]))][:_CHANGES_MAX]
        return v1.WhatIfResponse(
            left_out=[self._positions.message(position) for position in gone.tolist()],
            changes=[
                v1.ScoreChange(
                    member=_name(table, number),
                    before=before.item(number),
                    after=after.score.item(number),
                )
                for number in named or most.tolist()
            ],
            change_count=len(changed),
            digest=digest,
            computed_at=table.basis,
        )

    async def _forecast(self, request: v1.ForecastRequest, context: Any) -> v1.ForecastResponse:
        table = await self._scores.read(request, context)
        number = self._scores.number(table, request.member, field="member")
        days = forecast.days_ahead(
            table.snapshot.day, request.days or _DAYS, request.points or _POINTS
        )
        outlooks, fading = await self._app.study(
            table.snapshot,
            patience(context),
            lambda snapshot: (
                forecast.forecast(snapshot, number, days),
                explain.fading(snapshot, number, days[-1]),
            ),
        )
        return v1.ForecastResponse(
            outlooks=[
                v1.Outlook(
                    day=each.day,
                    **{field: each.values[array] for field, array in _OUTLOOK.items()},
                )
                for each in outlooks
            ],
            flag_changes_day=forecast.first_change(outlooks, "O", _FLAG),
            fading=[
                v1.Fading(partner=_name(table, partner), now=now, then=then)
                for partner, now, then in fading[:_FADING_MAX]
            ],
            computed_at=table.basis,
        )

    async def _suggest(
        self, request: v1.SuggestActionsRequest, context: Any
    ) -> v1.SuggestActionsResponse:
        table = await self._scores.read(request, context)
        number = self._scores.number(table, request.member, field="member")
        found = await self._app.study(
            table.snapshot,
            patience(context),
            lambda snapshot: actions.suggest(snapshot, number, request.count or _ACTIONS),
        )
        return v1.SuggestActionsResponse(
            actions=[self._action(table, each) for each in found], computed_at=table.basis
        )

    def _action(self, table: ScoreTable, action: actions.Action) -> v1.Action:
        message = v1.Action(
            act=v1.ActionKind.Value(f"ACTION_KIND_{action.act.name}"),
            partner="" if action.partner is None else _name(table, action.partner),
            value=action.value,
            gain=action.gain,
        )
        if action.position:
            message.referral.CopyFrom(self._positions.message(action.position))
        return message


def _part(table: ScoreTable, part: explain.Part) -> v1.ScorePart:
    return v1.ScorePart(
        component=_LETTERS[part.component],
        source=v1.ScoreSource.Value(f"SCORE_SOURCE_{part.source.name}"),
        partner="" if part.partner is None else _name(table, part.partner),
        points=part.points,
    )


def _name(table: ScoreTable, number: int) -> str:
    return f"members/{table.snapshot.members[number]}"
