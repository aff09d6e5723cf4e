"""Planted colluders found again by alerts, and alerts that honest networks raise (section 8.4)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from refnet.accumulators import Accumulators, Events, Kind
from refnet.alerts import Alert, AlertKind, Seen, find_alerts, told_of
from refnet.alerts.mutual import mutual_alerts
from refnet.evaluate.attacks import Row
from refnet.evaluate.networks import Flags, SimulatedNetwork, merged
from refnet.evaluate.suite import COLLUSIONS, ROTAS, collusions, draw, genuine
from refnet.evaluate.table import Cell, Table
from refnet.paths import weigh
from refnet.scoring import MODEL

WEEKS = (13, 20, 26, 39, 52, 104)
"""After how many weeks alerts are looked at, as far as the networks go."""

BURSTS = (("facts", 8), ("facts", 12), ("facts", 16), ("partners", 12), ("partners", 18))
"""What is planted in three days of the last week, and how much of it."""

BURST_TRIES = 10
"""How many pairs, or members, burst at a time; each of another burst."""

_SHAPES = ("pair", "ring", "clique")

_NOTE = (
    "Found: an alert of whatever kind but a burst is about members of the group and nobody else; "
    "whole: about all of them. False: alerts about others. Honest: alerts of the same networks "
    "without what colluders did with each other. Groups begin between a tenth and a quarter of the "
    "weeks."
)


@dataclass(frozen=True)
class Look:
    """Alerts at the end of a week.

    planted: by shape, how many groups there are, how many some alert but a burst is about, and of
    how many it names all members and nobody else. false: alerts by kind that are about others than
    members of one planted group. honest: alerts by kind of the same network without all that
    colluders did with each other.
    """

    week: int
    planted: dict[str, tuple[int, int, int]]
    false: dict[AlertKind, int]
    honest: dict[AlertKind, int]


@dataclass
class Tries:
    """How often something was planted, and how often an alert was about it."""

    tried: int = 0
    found: int = 0
    others: list[int] = field(default_factory=list)


def look(network: SimulatedNetwork, week: int) -> Look:
    """The alerts after so many weeks, and what of the plant they tell."""
    day = network.last_day(week - 1)
    alerts = find_alerts(seen_by(network, network.between(-1, day), day))
    groups = [(shape, set(members)) for shape, members in network.plant.groups]
    honest = find_alerts(seen_by(network, without_collusion(network, day), day))
    told = [alert for alert in alerts if alert.kind is not AlertKind.BURST]
    planted = {}
    for shape in _SHAPES:
        those = [members for kind, members in groups if kind == shape]
        seen = sum(any(members.issuperset(each.members) for each in told) for members in those)
        whole = sum(any(members == set(each.members) for each in told) for members in those)
        planted[shape] = (len(those), seen, whole)
    false = [
        alert
        for alert in alerts
        if not any(members.issuperset(alert.members) for _, members in groups)
    ]
    return Look(week, planted, _by_kind(false), _by_kind(honest))


def seen_by(network: SimulatedNetwork, events: Events, day: int, n: int = 0) -> Seen:
    """What alerts are found in, on the last day of a week; facts are numbered from 1 on.

    n: members there are at least; those who join among the events are added.
    """
    accumulators = Accumulators(n)
    accumulators.fold(events)
    n = accumulators.n
    trust = weigh(accumulators, day, np.zeros(n), MODEL)
    left = network.plant.left[:n]
    week = (day - network.first_day) // 7
    active = np.ones(n, bool)
    active[: len(left)] = (left < 0) | (left > week)
    told = told_of(np.arange(1, len(events) + 1), events)
    return Seen(trust.network, trust.regard, active, told, day)


def without_collusion(network: SimulatedNetwork, day: int) -> Events:
    """What happened up to a day, but nothing between members of one planted group."""
    events = network.between(-1, day)
    group = np.full(network.n, -1)
    for number, (_, members) in enumerate(network.plant.groups):
        group[list(members)] = number
    same = events.paired & (group[events.a] >= 0) & (group[events.a] == group[events.b])
    return events.select(~same)


def attacked(network: SimulatedNetwork, groups: int) -> dict[str, Tries]:
    """By attack of section 8.3, of how many groups anybody is in an alert but a burst.

    A sybil farm is found if its master is. others: alerts about nobody of the group, beyond those
    of the network as it is.
    """
    found: dict[str, Tries] = {}
    whole = network.between(-1, network.day)
    before = {alert.members for alert in _grouped(network, whole, network.n)}
    for deals, shapes in ((False, COLLUSIONS), (True, (*COLLUSIONS, *ROTAS))):
        for attack in collusions(network, deals=deals, groups=groups, shapes=shapes):
            events = merged(network.between(-1, attack.start - 1), attack.tail)
            alerts = _grouped(network, events, attack.n)
            members = set(attack.members.tolist())
            tries = found.setdefault(attack.kind, Tries())
            tries.tried += 1
            tries.found += any(members.intersection(alert.members) for alert in alerts)
            new = [alert for alert in alerts if alert.members not in before]
            tries.others.append(sum(members.isdisjoint(alert.members) for alert in new))
    return found


def burst(network: SimulatedNetwork) -> dict[tuple[str, int], Tries]:
    """Of bursts planted among honest members in the last week, how many raise an alert."""
    found: dict[tuple[str, int], Tries] = {}
    for what, size in BURSTS:
        chance = draw(network, f"burst {what} {size}", 0)
        rows: list[Row] = []
        wanted: list[tuple[int, ...]] = []
        for _ in range(BURST_TRIES):
            first, *others = _strangers(network, chance, 2 if what == "facts" else 1 + size)
            wanted.append((first, *others) if what == "facts" else (first,))
            partners = [others[0]] * size if what == "facts" else others
            rows += [
                (network.day - place % 3, int(Kind.ACCEPTED), first, partner, 0)
                for place, partner in enumerate(partners)
            ]
        planted = Events.of(sorted(rows))
        events = merged(network.between(-1, network.day), planted)
        alerts = find_alerts(seen_by(network, events, network.day))
        told = {alert.members for alert in alerts if alert.kind is AlertKind.BURST}
        hit = sum(tuple(sorted(each)) in told for each in wanted)
        found[what, size] = Tries(BURST_TRIES, hit)
    return found


def planted_table(looks: Sequence[Look]) -> Table:
    """Of planted groups how many were found, and alerts about others; a row a week."""
    rows: list[list[Cell]] = []
    for week in sorted({each.week for each in looks}):
        chosen = [each for each in looks if each.week == week]
        rows.append(
            [
                f"after {week} weeks",
                *(_found(chosen, shape) for shape in _SHAPES),
                *(_false([each.false for each in chosen])),
                *(_false([each.honest for each in chosen])),
            ]
        )
    columns = ("", *(f"{shape}s: found (whole) of" for shape in _SHAPES))
    ends = ("pairs", "groups", "bursts")
    return Table(
        "Planted groups found, and alerts about others",
        (*columns, *(f"false {end}" for end in ends), *(f"honest {end}" for end in ends)),
        rows,
        notes=[_NOTE],
    )


def attack_table(found: Iterable[dict[str, Tries]]) -> Table:
    """Of groups that attacked for 26 weeks, how many were found."""
    whole: dict[str, Tries] = {}
    for each in found:
        for kind, tries in each.items():
            _add(whole.setdefault(kind, Tries()), tries)
    rows: list[list[Cell]] = [
        [kind, each.found, each.tried, sum(each.others)] for kind, each in whole.items()
    ]
    return Table("Attacks found", ("attack", "found", "of", "alerts about others"), rows)


def burst_table(found: Iterable[dict[tuple[str, int], Tries]]) -> Table:
    """Of planted bursts, how many were found."""
    whole: dict[tuple[str, int], Tries] = {}
    for each in found:
        for what, tries in each.items():
            _add(whole.setdefault(what, Tries()), tries)
    rows: list[list[Cell]] = [
        [f"{size} {what}", each.found, each.tried] for (what, size), each in whole.items()
    ]
    return Table("Bursts found", ("in three days", "found", "of"), rows)


def _grouped(network: SimulatedNetwork, events: Events, n: int) -> list[Alert]:
    return mutual_alerts(seen_by(network, events, network.day, n))


def _strangers(network: SimulatedNetwork, chance: np.random.Generator, count: int) -> list[int]:
    able: Flags = genuine(network)
    chosen = chance.choice(np.flatnonzero(able), count, replace=False)
    return [int(each) for each in chosen]


def _by_kind(alerts: Iterable[Alert]) -> dict[AlertKind, int]:
    kinds = [alert.kind for alert in alerts]
    return {kind: kinds.count(kind) for kind in AlertKind}


def _found(looks: Sequence[Look], shape: str) -> str:
    there, seen, whole = (sum(each.planted[shape][place] for each in looks) for place in range(3))
    return f"{seen} ({whole}) of {there}"


def _false(counts: Sequence[dict[AlertKind, int]]) -> list[int]:
    kinds = ((AlertKind.PAIR,), (AlertKind.CLIQUE, AlertKind.RING), (AlertKind.BURST,))
    return [sum(each[kind] for each in counts for kind in some) for some in kinds]


def _add(whole: Tries, tries: Tries) -> None:
    whole.tried += tries.tried
    whole.found += tries.found
    whole.others += tries.others
