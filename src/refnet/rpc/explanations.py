"""ExplanationService: why a score is what it is, what it would be, and what it will become."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from refnet import actions, explain, forecast, v1, whatif
from refnet.accumulators import Kind
from refnet.app import App
from refnet.heaviest import heaviest, partner_of
from refnet.outlook import look_ahead
from refnet.rpc.freshness import patience
from refnet.rpc.handlers import Behaviour
from refnet.rpc.positions import Positions
from refnet.rpc.score_table import FIELDS, ScoreTable
from refnet.rpc.scores import ScoreReads
from refnet.scoring import Scores
from refnet.standings import Snapshot

_DAYS, _POINTS, _ACTIONS = 90, 6, 5
_CHANGES_MAX = 100
_FADING_MAX = 20

_LETTERS = {
    "V": v1.SCORE_COMPONENT_VALUE,
    "T": v1.SCORE_COMPONENT_TRUST,
    "C": v1.SCORE_COMPONENT_CLIENTS,
    "R": v1.SCORE_COMPONENT_REFERRALS,
    "P": v1.SCORE_COMPONENT_PARTNERS,
}
_OUTLOOK = {
    field.name: FIELDS[field.name] for field in v1.Outlook.DESCRIPTOR.fields if field.name in FIELDS
}

_Priced = tuple[explain.Carrying, NDArray[np.int64], float]
"""A fact, what goes with it if it is left out, and what that costs."""


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
        (whole, chosen), facts = await self._app.study(
            table.snapshot,
            patience(context),
            lambda snapshot: (
                explain.with_facts(
                    snapshot, number, partners=request.partners, facts=request.facts
                ),
                heaviest(snapshot, number),
            ),
        )
        shown = [fact for each in chosen for fact in each.shown]
        priced = await self._priced(table, number, [*shown, *facts[: request.top]], context)
        costly = sorted(priced[len(shown) :], key=lambda each: (-abs(each[2]), each[0].position))
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
            partners=self._partners(table, number, chosen, priced),
            heaviest=[self._fact(table, number, each) for each in costly],
            fact_count=len(facts),
            computed_at=table.basis,
        )

    async def _priced(
        self, table: ScoreTable, number: int, facts: list[explain.Carrying], context: Any
    ) -> list[_Priced]:
        """The facts with what goes with each of them, and what that costs the member."""
        gone = await self._app.left_out(table.snapshot, [[fact.position] for fact in facts])
        costs = await self._app.study(
            table.snapshot,
            patience(context),
            lambda snapshot: [explain.cost(snapshot, number, positions) for positions in gone],
        )
        return list(zip(facts, gone, costs, strict=True))

    def _partners(
        self,
        table: ScoreTable,
        number: int,
        chosen: list[explain.Partner],
        priced: list[_Priced],
    ) -> list[v1.PartnerCost]:
        of_facts = iter(priced)
        return [
            v1.PartnerCost(
                partner=table.name(each.number),
                points=each.points,
                cost=each.cost,
                fact_count=len(each.all),
                facts=[self._fact(table, number, next(of_facts)) for _ in each.shown],
            )
            for each in chosen
        ]

    def _fact(self, table: ScoreTable, number: int, priced: _Priced) -> v1.FactCost:
        fact, gone, cost = priced
        return v1.FactCost(
            position=self._positions.message(fact.position),
            day=fact.day,
            left=fact.left,
            cost=cost,
            kind=_kind(fact),
            partner=_partner(table, fact, number),
            masses=[v1.Mass(field=field, units=units) for field, units in fact.masses.items()],
            left_out=[self._positions.message(position) for position in gone.tolist()],
        )

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
        changed = whatif.most_changed(table.snapshot.scores, after)
        return v1.WhatIfResponse(
            left_out=[self._positions.message(position) for position in gone.tolist()],
            changes=[
                v1.ScoreChange(
                    member=table.name(number),
                    before=before.item(number),
                    after=after.score.item(number),
                )
                for number in named or changed[:_CHANGES_MAX].tolist()
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
        found = await self._app.study(
            table.snapshot, patience(context), lambda snapshot: look_ahead(snapshot, number, days)
        )
        half = found.turns.half_way
        return v1.ForecastResponse(
            outlooks=[_outlook(each) for each in found.outlooks],
            flag_changes_day=next((day for day, _ in found.turns.flags), None),
            fading=[
                v1.Fading(partner=table.name(partner), now=now, then=then)
                for partner, now, then in found.fading[:_FADING_MAX]
            ],
            half_day=half["score"],
            components=[
                v1.ComponentFading(
                    component=component,
                    now=found.now.points(letter),
                    then=found.then.points(letter),
                    half_day=half[letter],
                )
                for letter, component in _LETTERS.items()
            ],
            label_changes=[
                v1.LabelChange(day=day, label=v1.ScoreLabel.ValueType(label))
                for day, label in found.turns.labels
            ],
            facts=[
                v1.FactFading(
                    position=self._positions.message(each.fact.position),
                    kind=_kind(each.fact),
                    partner=_partner(table, each.fact, number),
                    now=each.fact.mass,
                    then=each.then,
                    half_day=each.half_day,
                )
                for each in found.facts
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
            partner="" if action.partner is None else table.name(action.partner),
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
        partner="" if part.partner is None else table.name(part.partner),
        points=part.points,
    )


def _kind(fact: explain.Carrying) -> v1.EvidenceKind.ValueType:
    return v1.EvidenceKind.Value(f"EVIDENCE_KIND_{Kind(fact.kind).name}")


def _partner(table: ScoreTable, fact: explain.Carrying, number: int) -> str:
    partner = partner_of(fact, number)
    return "" if partner is None else table.name(partner)


def _outlook(each: forecast.Outlook) -> v1.Outlook:
    return v1.Outlook(
        day=each.day,
        label=v1.ScoreLabel.ValueType(each.label),
        **{field: each.values[array] for field, array in _OUTLOOK.items()},
    )
