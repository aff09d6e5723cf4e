"""Attacks on a score, as model events merged into a simulated network (score-model 8.3 and 9).

An attack knows nothing of the model it is tried on. `refnet.evaluate.suite` says which attacks are
tried, on whom, and how they are measured.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from refnet.accumulators import Events, Kind
from refnet.evaluate.models import Arrays, Judge
from refnet.evaluate.networks import Ids, SimulatedNetwork, joined, merged

WEEKS = 26
"""How long an attack lasts; it ends with the network's last week."""

DEAL = 10_000
"""Claimed value of a fabricated deal, units of the reference currency."""

Edge = tuple[int, int]
"""Who boosts whom: praises, and acknowledges deals the other is said to have passed on."""

Row = tuple[int, int, int, int, int]
"""Day, kind, a, b, amount."""


@dataclass(frozen=True, eq=False)
class Attack:
    """What happens to a network from a day on, in place of what did.

    kind: what is tried, "ring 10 deals" say; trial: which try on this network, from 0. start: the
    first day that differs. tail: all events from that day on, the attack's among them in order of
    day. members: of whom it is measured how they fared. n: members in all, made-up ones included.
    from_start: whether they are compared with the day before the start, rather than with what the
    last day would have been without the attack.
    """

    kind: str
    trial: int
    start: int
    tail: Events
    members: Ids
    n: int
    from_start: bool = False


def carried_out(network: SimulatedNetwork, attack: Attack, judge: Judge) -> Arrays:
    """What the judge says on the network's last day after an attack, float64[attack.n]."""
    accumulators = network.folded(attack.start - 1).copy()
    # Made-up members are numbered after those who join while the attack goes on.
    accumulators.grow(attack.n)
    accumulators.fold(attack.tail)
    events = joined(network.between(-1, attack.start - 1), attack.tail)
    return judge(accumulators, events, network.day, network.standing_of(accumulators))


def untouched(network: SimulatedNetwork, judge: Judge, day: int | None = None) -> Arrays:
    """What the judge says on a day (default: the last) without any attack."""
    day = network.day if day is None else day
    accumulators = network.folded(day)
    return judge(accumulators, network.between(-1, day), day, network.standing_of(accumulators))


# Shapes: who boosts whom among the members of a group, in a week.


def pair(group: Ids, week: int) -> Iterator[Edge]:
    """Both ways."""
    first, second = group.tolist()
    yield from ((first, second), (second, first))


def ring(group: Ids, week: int) -> Iterator[Edge]:
    """Each the next."""
    around = group.tolist()
    yield from pairwise([*around, around[0]])


def clique(group: Ids, week: int) -> Iterator[Edge]:
    """Each all others."""
    ids = group.tolist()
    yield from ((one, two) for one in ids for two in ids if one != two)


def rota(group: Ids, week: int) -> Iterator[Edge]:
    """A clique in which each boosts one other a week, all of them in turn."""
    ids = group.tolist()
    ahead = 1 + week % (len(ids) - 1)
    yield from ((one, ids[(at + ahead) % len(ids)]) for at, one in enumerate(ids))


def tripartite(group: Ids, week: int) -> Iterator[Edge]:
    """Three equal parts; everybody in a part boosts everybody in the next: no edge is mutual."""
    parts = np.array_split(group, 3)
    for part, following in zip(parts, [*parts[1:], parts[0]], strict=True):
        yield from ((one, two) for one in part.tolist() for two in following.tolist())


def farm(group: Ids, week: int) -> Iterator[Edge]:
    """All others boost the first."""
    ids = group.tolist()
    yield from ((sybil, ids[0]) for sybil in ids[1:])


# What goes along an edge.


def boosts(edges: Iterable[Edge], day: int, *, words: bool = True, deals: bool) -> Iterator[Row]:
    """One testimonial an edge as good as can be, and one deal that nobody made.

    Of a deal the boosted member is the giver, whom the booster, as its receiver, gives the credit.
    """
    for one, two in edges:
        if words:
            yield day, Kind.TESTIMONIAL, one, two, 1000
        if deals:
            yield day, Kind.ACCEPTED, two, one, 0
            yield day, Kind.WON, two, one, 0
            yield day, Kind.CLOSED, two, one, DEAL


def weeks_before_end(network: SimulatedNetwork, count: int = WEEKS) -> list[tuple[int, int]]:
    """Number and last day of each of the last so many weeks; fewer if there are not as many."""
    first = max(network.weeks - count, 1)
    return [(week, network.last_day(week)) for week in range(first, network.weeks)]


def adding(
    network: SimulatedNetwork,
    kind: str,
    trial: int,
    rows: Iterable[Row],
    members: Iterable[int],
    sybils: int = 0,
) -> Attack:
    """An attack that adds these rows to what happens anyway, and so many made-up members."""
    added = Events.of(sorted(rows, key=lambda row: row[0]))
    start = int(added.day.min(initial=network.day))
    tail = merged(network.between(start - 1, network.day), added)
    measured = np.array(list(members), np.intp)
    return Attack(kind, trial, start, tail, measured, network.n + sybils)


def silencing(network: SimulatedNetwork, kind: str, start: int, members: Ids) -> Attack:
    """An attack in which from a day on no event concerns these members any more."""
    tail = network.between(start - 1, network.day)
    concerned = np.isin(tail.a, members) | np.isin(tail.b, members)
    return Attack(kind, 0, start, tail.select(~concerned), members, network.n, from_start=True)
