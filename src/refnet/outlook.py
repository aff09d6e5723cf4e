"""A member's coming days whole: the scores, what turns, and what fades by component and fact."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from refnet.accumulators import Events
from refnet.explain import Carrying, Explanation, explain, fading
from refnet.fading import half_days, masses_left
from refnet.forecast import Coming, Outlook, Turns
from refnet.heaviest import heaviest
from refnet.standings import Snapshot

FACTS_MAX = 20


@dataclass(frozen=True, slots=True)
class FactFading:
    """What a fact loses. then: its mass on the last day, in units of evidence.

    half_day: the first day on which no more than half of today's mass is left, None for never.
    """

    fact: Carrying
    then: float
    half_day: int | None


@dataclass(frozen=True, slots=True)
class Ahead:
    """now, then: the score taken apart on the first and the last day.

    fading: (partner, points now, points then), those first that change most.
    """

    outlooks: list[Outlook]
    turns: Turns
    now: Explanation
    then: Explanation
    fading: list[tuple[int, float, float]]
    facts: list[FactFading]


def look_ahead(snapshot: Snapshot, number: int, days: Sequence[int]) -> Ahead:
    """The coming days of a member; days rise, and the first is the snapshot's.

    The facts are the FACTS_MAX that carry most now. Raises ValueError for an unknown number.
    """
    coming = Coming(snapshot, number)
    now, then = explain(snapshot, number), explain(snapshot, number, days[-1])
    return Ahead(
        outlooks=[coming.on(day) for day in days],
        turns=coming.turns(days),
        now=now,
        then=then,
        fading=fading(now, then),
        facts=_facts(snapshot, number, days[-1]),
    )


def _facts(snapshot: Snapshot, number: int, last: int) -> list[FactFading]:
    heavy = heaviest(snapshot, number, FACTS_MAX)
    events = Events.of((f.day, f.kind, f.giver, f.receiver, f.amount) for f in heavy)
    masses = masses_left(events, last, snapshot.policy)
    halves = half_days(events, snapshot.day, snapshot.policy)
    return [
        FactFading(fact, math.fsum(left.values()), half)
        for fact, left, half in zip(heavy, masses, halves, strict=True)
    ]
