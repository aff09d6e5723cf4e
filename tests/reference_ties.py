"""Ties and bridges a second time, slow and obvious (score-model section 4.6).

A graph is a table {(i, j): weight} with both directions of every tie. Whoever leaves is taken out
and the rest is searched again; nothing is walked cleverly.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

Graph = Mapping[tuple[int, int], float]


class Measures(NamedTuple):
    """Of one member; see `refnet.ties.Bridging`. Shares are 0 without ties."""

    degree: int
    effective: float
    efficiency: float
    local_bridges: float
    crossing: float
    cut_off: int


def near(graph: Graph, member: int) -> list[int]:
    """Whom a member is tied to, rising."""
    return sorted(j for i, j in graph if i == member)


def common(graph: Graph, i: int, j: int) -> list[int]:
    """Whom both are tied to, rising."""
    return [k for k in near(graph, i) if (k, j) in graph]


def mass(graph: Graph, i: int, j: int) -> float:
    """How strong the triangles over a tie are: the sum of each one's weakest tie."""
    total = 0.0
    for k in common(graph, i, j):
        total = total + min(graph[i, j], graph[i, k], graph[j, k])
    return total


def effective_size(graph: Graph, member: int) -> float:
    """Burt's own formula on ties that count alike: what of each neighbour no other one repeats.

    The sum over j of 1 - sum over q of p_q m_jq, with p_q = 1 / degree and m_jq = 1 if j and q are
    tied; that is degree - 2 * triangles / degree.
    """
    ends = near(graph, member)
    repeated = sum(1 for j in ends for q in ends if (j, q) in graph)
    return len(ends) - repeated / len(ends) if ends else 0.0


def pieces(graph: Graph, members: Iterable[int]) -> list[list[int]]:
    """The groups of members that are tied to each other, however far; members rising.

    The largest first, then the one with the lowest member.
    """
    left = set(members)
    found = []
    while left:
        group, fresh = set[int](), {min(left)}
        while fresh:
            group |= fresh
            fresh = {j for i, j in graph if i in fresh and j in left} - group
        left -= group
        found.append(sorted(group))
    return sorted(found, key=lambda group: (-len(group), group[0]))


def without(graph: Graph, n: int, member: int) -> list[list[int]]:
    """What the group of a member falls into if this one leaves; [] if it stays together."""
    (whole,) = (group for group in pieces(graph, range(n)) if member in group)
    left = pieces(graph, [each for each in whole if each != member])
    return left if len(left) > 1 else []


def bridges(graph: Graph, n: int) -> list[tuple[int, int, int]]:
    """(one, two, members on the smaller side) of ties that alone keep their ends in touch."""
    found = []
    for i, j in sorted(pair for pair in graph if pair[0] < pair[1]):
        rest = {pair: w for pair, w in graph.items() if set(pair) != {i, j}}
        sides = [group for group in pieces(rest, range(n)) if i in group or j in group]
        if len(sides) == 2:
            found.append((i, j, min(map(len, sides))))
    return sorted(found, key=lambda each: (-each[2], each[0], each[1]))


def measures(graph: Graph, home: list[int], member: int) -> Measures:
    """All measures of a member. home: the chapter of each."""
    ends = near(graph, member)
    degree = len(ends)
    effective = effective_size(graph, member)
    some = max(degree, 1)
    return Measures(
        degree=degree,
        effective=effective,
        efficiency=effective / some,
        local_bridges=sum(not common(graph, member, j) for j in ends) / some,
        crossing=sum(home[j] != home[member] for j in ends) / some,
        cut_off=sum(len(group) for group in without(graph, len(home), member)[1:]),
    )
