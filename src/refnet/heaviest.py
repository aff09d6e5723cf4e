"""Which facts are worth computing: those that are guessed to carry most of a score."""

from __future__ import annotations

from collections.abc import Sequence

from refnet.accumulators import NOBODY, Kind
from refnet.explain import Carrying, Explanation, Source, explain, facts_about
from refnet.standings import Snapshot

_ALONE = (Kind.JOIN, Kind.ATTENDANCE, Kind.SIGNAL)
_GIVEN = (Kind.ACCEPTED, Kind.WON, Kind.CLOSED)


def heaviest(snapshot: Snapshot, number: int, count: int | None = None) -> list[Carrying]:
    """The facts in force about a member that are guessed to carry most points either way.

    The guess: a fact carries the part of its partner's points that its mass is of all between the
    two, and what a member received also the part of what opportunism takes off. Heaviest first,
    then lower position. A position may stand there for several facts that it makes count. count:
    None for all of them. Raises ValueError for an unknown number.
    """
    told = explain(snapshot, number)
    facts = facts_about(snapshot, number)
    weights = _guesses(told, facts)
    order = sorted(range(len(facts)), key=lambda at: (-weights[at], facts[at].position, at))
    return [facts[at] for at in order[:count]]


def partner_of(fact: Carrying, number: int) -> int | None:
    """The other member of a fact about a member, if it is about two."""
    if fact.kind in _ALONE:
        return None
    other = fact.receiver if fact.giver == number else fact.giver
    return None if other in {NOBODY, number} else other


def _guesses(told: Explanation, facts: Sequence[Carrying]) -> list[float]:
    carried: dict[int | None, float] = {}
    for part in told.parts:
        if part.partner is not None or part.source in {Source.UNKNOWN, Source.WELCOME}:
            carried[part.partner] = carried.get(part.partner, 0.0) + abs(part.points)
    whole: dict[int | None, float] = {}
    taken = 0.0
    for fact in facts:
        partner = partner_of(fact, told.number)
        whole[partner] = whole.get(partner, 0.0) + fact.mass
        taken = taken + _taken(fact, told.number)
    found = []
    for fact in facts:
        partner = partner_of(fact, told.number)
        points = 0.0
        if fact.mass > 0.0:
            points = carried.get(partner, 0.0) * (fact.mass / whole[partner])
        if taken > 0.0:
            points = points - told.taken * (_taken(fact, told.number) / taken)
        found.append(points)
    return found


def _taken(fact: Carrying, number: int) -> float:
    """Recent value that a member received by a fact."""
    received = fact.kind in _GIVEN and fact.receiver == number
    return fact.masses.get("RG", 0.0) if received else 0.0
