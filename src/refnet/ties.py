"""Ties and bridges: who connects circles that would otherwise be apart (score model, 4.6)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from refnet import _ties
from refnet.paths import trust_of
from refnet.rows import offsets_of, sources_of
from refnet.standings import Snapshot

TIE_FROM = 0.2
"""Two members are tied if one of them trusts the other at least so much."""

WEAK_BELOW = 0.4
"""A tie weaker than this is a weak one."""


@dataclass(frozen=True, slots=True, eq=False)
class Ties:
    """The undirected graph of ties among active members, as rows.

    offsets: int64[n + 1]; targets: int32[slots], rising in a row. strength: max(t_ij, t_ji), in
    [0.2, 1). common: int32, members tied to both ends. crosses: bool, whether the ends belong to
    different chapters.
    """

    offsets: NDArray[np.int64]
    targets: NDArray[np.int32]
    strength: NDArray[np.float64]
    common: NDArray[np.int32]
    crosses: NDArray[np.bool_]

    @property
    def sources(self) -> NDArray[np.int64]:
        """The member whose row each slot is in."""
        return sources_of(self.offsets)


@dataclass(frozen=True, slots=True, eq=False)
class Walk:
    """A walk through the graph, depth first, from which follows who holds whom; each int32[n].

    See `_ties.hold_together`.
    """

    order: NDArray[np.int32]
    place: NDArray[np.int32]
    low: NDArray[np.int32]
    size: NDArray[np.int32]
    parent: NDArray[np.int32]


class Cuts:
    """What falls apart if a member leaves; to ask of each in turn takes no look at all others."""

    def __init__(self, walk: Walk) -> None:
        self.walk = walk
        self._children = np.argsort(walk.parent, kind="stable")
        parents = walk.parent[self._children]
        self._begins = np.searchsorted(parents, np.arange(len(parents) + 1))
        firsts = np.flatnonzero(walk.parent[walk.order] < 0)
        sizes = walk.size[walk.order[firsts]]
        self.first = np.repeat(firsts, sizes)[walk.place]
        """Of every member, the place in the walk at which their component begins; int64[n]."""

    def groups(self, member: int) -> list[list[slice]]:
        """Whom the others would be parted into, each group as places of the walk, in no order."""
        walk = self.walk
        place, first = walk.place.item(member), self.first.item(member)
        below = self._children[slice(*self._begins[member : member + 2].tolist())]
        if walk.parent[member] >= 0:
            below = below[walk.low[below] >= place]
        starts = np.sort(walk.place[below])
        ends = starts + walk.size[walk.order[starts]]
        apart = [slice(*each) for each in zip(starts.tolist(), ends.tolist(), strict=True)]
        rest, at = [], first
        for gone in (slice(place, place + 1), *apart):
            rest.append(slice(at, gone.start))
            at = gone.stop
        rest.append(slice(at, first + walk.size.item(walk.order[first])))
        rest = [each for each in rest if each.start < each.stop]
        return [*([each] for each in apart), *([rest] if rest else [])]

    def members(self, group: list[slice]) -> NDArray[np.int32]:
        """The members of a group, in order of the walk."""
        return np.concatenate([self.walk.order[places] for places in group])


@dataclass(frozen=True, slots=True, eq=False)
class Bridging:
    """How members connect others; arrays by member number.

    degree: ties. effective: Burt's effective size, degree - 2 * triangles / degree. efficiency:
    effective / degree, 0 .. 1, 0 without ties. local_bridges, crossing, weak: shares of the ties,
    0 .. 1, whose ends have no common neighbour, lead to another chapter, are weaker than 0.4 and
    one of both. cut_off: members that would lose all ways to the largest rest if this one left.
    """

    degree: NDArray[np.int32]
    effective: NDArray[np.float64]
    efficiency: NDArray[np.float64]
    local_bridges: NDArray[np.float64]
    crossing: NDArray[np.float64]
    weak: NDArray[np.float64]
    cut_off: NDArray[np.int32]

    def order(self, members: NDArray[np.intp]) -> NDArray[np.intp]:
        """Members who hold most together first: by cut_off, efficiency, degree, lower number."""
        keys = (members, -self.degree[members], -self.efficiency[members], -self.cut_off[members])
        return members[np.lexsort(keys)]


def ties_of(snapshot: Snapshot) -> Ties:
    """The ties of a snapshot; found once."""
    return snapshot.once(_tie)


def triangles(
    offsets: NDArray[np.int64],
    targets: NDArray[np.int32],
    weight: NDArray[np.float64],
    threads: int = 1,
) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """How many triangles lie over each slot of a graph, int32, and their mass, float64.

    The mass is the sum, over those whom both ends are tied to, of the weakest of the three ties.
    Raises ValueError unless rows rise and slots have reverses of the same weight.
    """
    common, mass = np.empty(len(targets), np.int32), np.empty(len(targets))
    mark = np.empty((threads, len(offsets) - 1), np.int32)
    _ties.triangles(offsets, targets, weight, mark, common, mass, threads)
    return common, mass


def walk_through(offsets: NDArray[np.int64], targets: NDArray[np.int32]) -> Walk:
    """A walk through a graph given as rows. Raises ValueError unless rows rise."""
    n = len(offsets) - 1
    order, place, low, size, parent = (np.empty(n, np.int32) for _ in range(5))
    cursor = np.empty(n, np.int64)
    _ties.hold_together(offsets, targets, order, place, low, size, parent, cursor)
    return Walk(order, place, low, size, parent)


def walk_of(snapshot: Snapshot) -> Walk:
    """The walk through the ties of a snapshot; found once."""
    return snapshot.once(_walk)


def cuts_of(snapshot: Snapshot) -> Cuts:
    """What falls apart without whom, in a snapshot; found once."""
    return snapshot.once(_cuts)


def bridging(snapshot: Snapshot) -> Bridging:
    """How every member connects others; found once in a snapshot."""
    return snapshot.once(_bridge)


def cut_off_by(snapshot: Snapshot, member: int) -> list[NDArray[np.int32]]:
    """Groups of members that would lose each other if this one left, the largest first.

    Of equal groups the one with the lowest member first; members rising. Empty if all would stay
    together.
    """
    cuts = cuts_of(snapshot)
    groups = [cuts.members(group) for group in cuts.groups(member)]
    groups.sort(key=lambda group: (-len(group), int(group.min())))
    return [np.sort(group) for group in groups] if len(groups) > 1 else []


def _tie(snapshot: Snapshot) -> Ties:
    trust = trust_of(snapshot)
    network = trust.network
    n = snapshot.scores.n
    source = network.sources
    strength = np.maximum(trust.trust, trust.trust[network.reverse])
    active = snapshot.active
    kept = (strength >= TIE_FROM) & active[source] & active[network.targets]
    offsets = offsets_of(source[kept], n)
    targets = np.ascontiguousarray(network.targets[kept])
    common, _ = triangles(offsets, targets, strength[kept])
    home = snapshot.roll.home()
    return Ties(offsets, targets, strength[kept], common, home[source[kept]] != home[targets])


def _walk(snapshot: Snapshot) -> Walk:
    ties = ties_of(snapshot)
    return walk_through(ties.offsets, ties.targets)


def _cuts(snapshot: Snapshot) -> Cuts:
    return Cuts(walk_of(snapshot))


def _bridge(snapshot: Snapshot) -> Bridging:
    ties, n = ties_of(snapshot), snapshot.scores.n
    source = ties.sources
    degree = np.diff(ties.offsets).astype(np.int32)
    triangles = np.bincount(source, ties.common, minlength=n) / 2
    some = np.maximum(degree, 1)
    effective = np.where(degree > 0, degree - 2 * triangles / some, 0.0)
    local = ties.common == 0
    weak = (ties.strength < WEAK_BELOW) & (local | ties.crosses)

    def share(chosen: NDArray[np.bool_]) -> NDArray[np.float64]:
        return np.bincount(source[chosen], minlength=n) / some

    return Bridging(
        degree=degree,
        effective=effective,
        efficiency=effective / some,
        local_bridges=share(local),
        crossing=share(ties.crosses),
        weak=share(weak),
        cut_off=cut_off(walk_of(snapshot)),
    )


def cut_off(walk: Walk) -> NDArray[np.int32]:
    """How many would be apart from the largest rest of their component, by who left; int32[n]."""
    n = len(walk.order)
    child = np.flatnonzero(walk.parent >= 0)
    parent = walk.parent[child]
    apart = (walk.low[child] >= walk.place[parent]) | (walk.parent[parent] < 0)
    child, parent = child[apart], parent[apart]
    pieces = np.bincount(parent, minlength=n)
    behind = np.bincount(parent, walk.size[child], minlength=n).astype(np.int64)
    largest = np.zeros(n, np.int64)
    np.maximum.at(largest, parent, walk.size[child])
    whole = component_sizes(walk)
    rest = whole - 1 - behind  # what stays tied above; nothing for the first of a component
    largest = np.maximum(largest, rest)
    cuts = pieces + (rest > 0) > 1
    return np.where(cuts, whole - 1 - largest, 0).astype(np.int32)


def component_sizes(walk: Walk) -> NDArray[np.int64]:
    """How many members are tied to each other, however far, by member; int64[n]."""
    firsts = walk.order[walk.parent[walk.order] < 0]
    sizes = walk.size[firsts].astype(np.int64)
    whole = np.empty(len(walk.order), np.int64)
    whole[walk.order] = np.repeat(sizes, sizes)
    return whole
