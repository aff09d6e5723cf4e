"""Alerts a second time, slow and obvious, from the definitions of docs/design/ties.md.

What members say of each other is a table {(i, j): a_ij}; facts are rows (one, two, day, position).
Whatever is counted is counted anew wherever it is needed.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from reference_ties import mass, pieces

Says = Mapping[tuple[int, int], float]


class Fact(NamedTuple):
    """A fact between two members."""

    one: int
    two: int
    day: int
    position: int


class Found(NamedTuple):
    """An alert; figures are (measure, found, usual, own), pairs (one, two, said, heard)."""

    kind: str
    members: tuple[int, ...]
    strength: float
    figures: tuple[tuple[str, float, float, float | None], ...]
    pairs: tuple[tuple[int, int, float, float], ...]
    facts: tuple[int, ...]
    first_day: int | None
    last_day: int | None


def usual(values: Iterable[float]) -> float:
    """The smallest value that three of four stay at or below; 0 of none."""
    given = sorted(values)
    for value in given:
        if 4 * sum(each <= value for each in given) >= 3 * len(given):
            return value
    return 0.0


def alerts(says: Says, active: Sequence[bool], facts: Sequence[Fact], day: int) -> list[Found]:
    """All alerts in the order in which they are listed."""
    found = [
        *_mutual(says, active, facts),
        *_pair_bursts(says, facts, day),
        *_member_bursts(says, facts, day),
    ]
    kinds = ["pair", "clique", "ring", "burst"]
    return sorted(found, key=lambda a: (kinds.index(a.kind), -a.strength, a.members))


def _mutual(says: Says, active: Sequence[bool], facts: Sequence[Fact]) -> list[Found]:
    n = len(active)
    both = {(i, j) for i, j in says if active[i] and active[j]}
    mutual = {(i, j): min(says[i, j], says[j, i]) for i, j in both}
    pairs = sorted((i, j) for i, j in both if i < j and max(says[i, j], says[j, i]) > 0)
    graph = {pair: weight for pair, weight in mutual.items() if weight > 0}
    over = {pair: mass(graph, *pair) if pair in graph else 0.0 for pair in pairs}
    whole = [_sum(says[i, j] for i, j in sorted(says) if i == member) for member in range(n)]
    share = {(i, j): (says[i, j] + says[j, i]) / (whole[i] + whole[j]) for i, j in pairs}
    usually = [usual(table[pair] for pair in pairs) for table in (mutual, over, share)]
    link_from = max(6.0 * usually[0], 1.5)
    triangles_from = max(6.0 * usually[1], 2.0)
    strength = {}
    for pair in pairs:
        alone = mutual[pair] / link_from
        strength[pair] = max(alone, min(2.0 * alone, over[pair] / triangles_from))
    groups = _groups([pair for pair in pairs if strength[pair] >= 1.0], n)
    found = []
    for kind, group in groups:
        figures = (
            ("mutual", _mean(mutual[pair] for pair in group), usually[0], None),
            ("triangles", _mean(over[pair] for pair in group), usually[1], None),
        )
        members = tuple(sorted({end for pair in group for end in pair}))
        found.append(
            _evident(kind, members, _mean(strength[pair] for pair in group), figures, group)
        )
    grouped = {pair for _, group in groups for pair in group}
    pair_from, share_from = max(9.0 * usually[0], 2.0), max(2.5 * usually[2], 0.35)
    for pair in pairs:
        if mutual[pair] >= pair_from and share[pair] >= share_from and pair not in grouped:
            figures = (
                ("share", share[pair], usually[2], None),
                ("mutual", mutual[pair], usually[0], None),
            )
            strong = min(mutual[pair] / pair_from, share[pair] / share_from)
            found.append(_evident("pair", pair, strong, figures, [pair]))
    return [_with_facts(alert, says, facts) for alert in found]


def _groups(links: list[tuple[int, int]], n: int) -> list[tuple[str, list[tuple[int, int]]]]:
    """Kind and links of every group: what no single link, taken away, would part."""
    graph = {pair: 1.0 for i, j in links for pair in ((i, j), (j, i))}
    strong = dict(graph)
    for i, j in links:
        rest = {pair: 1.0 for pair in graph if set(pair) != {i, j}}
        if not any(i in piece and j in piece for piece in pieces(rest, range(n))):
            del strong[i, j], strong[j, i]
    found = []
    for piece in pieces(strong, range(n)):
        group = [(i, j) for i, j in links if i in piece and j in piece]
        if len(piece) > 2:
            closed = sum(mass(graph, *pair) > 0 for pair in group)
            found.append(("clique" if 2 * closed >= len(group) else "ring", group))
    return found


def _pair_bursts(says: Says, facts: Sequence[Fact], day: int) -> list[Found]:
    weeks: dict[tuple[int, ...], dict[int, int]] = {}
    for pair in {fact[:2] for fact in facts}:
        days = [fact.day for fact in facts if fact[:2] == pair]
        weeks[pair] = {last: sum(last - 6 <= day <= last for day in days) for last in days}
    return _bursts("facts", weeks, 5.0, 10, says, facts, day)


def _member_bursts(says: Says, facts: Sequence[Fact], day: int) -> list[Found]:
    weeks: dict[tuple[int, ...], dict[int, int]] = {}
    for member in {end for fact in facts for end in fact[:2]}:
        mine = [fact for fact in facts if member in fact[:2]]
        weeks[member,] = {
            last: len({f.one + f.two for f in mine if last - 6 <= f.day <= last})
            for last in {fact.day for fact in mine}
        }
    return _bursts("partners", weeks, 3.0, 15, says, facts, day)


def _bursts(
    measure: str,
    weeks: Mapping[tuple[int, ...], Mapping[int, int]],
    times: float,
    least: int,
    says: Says,
    facts: Sequence[Fact],
    day: int,
) -> list[Found]:
    usually = usual(float(count) for each in weeks.values() for count in each.values())
    threshold = max(times * usually, least)
    found = []
    for members, counts in sorted(weeks.items()):
        best = None
        for last, count in sorted(counts.items()):
            before = [c for each, c in counts.items() if each <= last - 7]
            own = sum(before) / len(before) if before else 0.0
            wanted = count >= threshold and count >= 2.0 * own and last > day - 90
            if wanted and (best is None or count > best[1]):
                best = (last, count, own)
        if best is not None:
            last, count, own = best
            mine = [f for f in facts if set(members) <= set(f[:2]) and last - 6 <= f.day <= last]
            strength = count / threshold
            found.append(
                Found(
                    "burst",
                    members,
                    min(strength, count / (2.0 * own)) if own else strength,
                    ((measure, float(count), usually, own),),
                    tuple(_said(says, pair) for pair in sorted({f[:2] for f in mine})),
                    tuple(sorted({f.position for f in mine})),
                    last - 6,
                    last,
                )
            )
    return found


def _evident(
    kind: str,
    members: tuple[int, ...],
    strength: float,
    figures: tuple[tuple[str, float, float, None], ...],
    pairs: list[tuple[int, int]],
) -> Found:
    unsaid = tuple((*pair, 0.0, 0.0) for pair in pairs)
    return Found(kind, members, strength, figures, unsaid, (), None, None)


def _with_facts(alert: Found, says: Says, facts: Sequence[Fact]) -> Found:
    pairs = [(one, two) for one, two, _, _ in alert.pairs]
    positions = sorted({fact.position for fact in facts if fact[:2] in pairs})
    return alert._replace(pairs=tuple(_said(says, pair) for pair in pairs), facts=tuple(positions))


def _said(says: Says, pair: tuple[int, int]) -> tuple[int, int, float, float]:
    one, two = pair
    return one, two, says.get((one, two), 0.0), says.get((two, one), 0.0)


def _sum(values: Iterable[float]) -> float:
    total = 0.0
    for value in values:
        total = total + value
    return total


def _mean(values: Iterable[float]) -> float:
    given = list(values)
    return math.fsum(given) / len(given)
