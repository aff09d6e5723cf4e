"""Pairs and groups who vouch for each other far more than is usual (score model, 4.6 and 8.4)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from refnet.alerts.alert import Alert, AlertKind, Between, Figure, Measure, Seen, usual
from refnet.rows import offsets_of
from refnet.ties import triangles, walk_through

MUTUAL_TIMES = 6.0
"""Mutual evidence counts as a link from so many times the usual on.

Of honest members of the tuning seeds the most mutual pair of a network came to 5 .. 8 times, the
third to 4 .. 6; planted pairs to 10 and more within weeks. A single link of many is no alert.
"""

MUTUAL_MIN = 1.5
"""Units of evidence below which nothing is a link, however little is usual.

In the first weeks of a network, and where hardly anybody vouches both ways, the usual is next to
nothing. The best that two can say of each other, once, is 1.0, and no link.
"""

TRIANGLES_TIMES = 6.0
"""A pair is a link, too, if the triangles over it weigh so many times the usual.

So a clique is seen before all of its pairs stand out. Honest pairs came to 3 .. 5 times once there
was enough to reach TRIANGLES_MIN. Such a pair needs half the mutual evidence of a link as well: who
knows everybody, a little, lies under many triangles.
"""

TRIANGLES_MIN = 2.0
"""Units of evidence that triangles over a link weigh at least; why, see MUTUAL_MIN."""

PAIR_TIMES = 9.0
"""Two members alone raise an alert from so many times the usual mutual evidence on.

Of honest pairs who say much of what they say to each other, newcomers mostly, the most mutual one
came to 8 times.
"""

PAIR_MIN = 2.0
"""Units of mutual evidence below which no two alone raise an alert; why, see MUTUAL_MIN."""

PAIR_SHARE = 0.35
"""Of what two members say in the network, the share they say to each other that raises an alert.

Planted pairs came to .55 .. .85, honest pairs of established members that are links to .2.
"""

PAIR_SHARE_TIMES = 2.5
"""The share is to be so many times the usual as well: with few partners every share is large."""

GROUP_MIN = 3
"""Members of the smallest group."""


@dataclass(frozen=True, slots=True, eq=False)
class Endorsing:
    """Pairs of active members either of whom vouches for the other, by lower, then higher number.

    one < two: int64[pairs]. said, heard: a_ij and a_ji. mutual: the lesser of the two. mass: that
    of the mutual triangles over the pair. share: of what both say in the network, how much they say
    to each other. All float64[pairs]. usual_mutual, usual_mass, usual_share: over all these pairs.
    """

    one: NDArray[np.int64]
    two: NDArray[np.int64]
    said: NDArray[np.float64]
    heard: NDArray[np.float64]
    mutual: NDArray[np.float64]
    mass: NDArray[np.float64]
    share: NDArray[np.float64]
    usual_mutual: float
    usual_mass: float
    usual_share: float

    @property
    def link_from(self) -> float:
        """Mutual evidence from which a pair is a link."""
        return max(MUTUAL_TIMES * self.usual_mutual, MUTUAL_MIN)

    @property
    def triangles_from(self) -> float:
        """Triangle mass from which a pair is a link."""
        return max(TRIANGLES_TIMES * self.usual_mass, TRIANGLES_MIN)

    @property
    def pair_from(self) -> float:
        """Mutual evidence from which two alone are an alert."""
        return max(PAIR_TIMES * self.usual_mutual, PAIR_MIN)

    @property
    def share_from(self) -> float:
        """Share, beside that, from which two alone are an alert."""
        return max(PAIR_SHARE_TIMES * self.usual_share, PAIR_SHARE)

    def strength(self) -> NDArray[np.float64]:
        """How many times as strong as a link needs to be; float64[pairs]."""
        alone = self.mutual / self.link_from
        return np.maximum(alone, np.minimum(2.0 * alone, self.mass / self.triangles_from))

    def pair(self, at: int) -> Between:
        """One of the pairs."""
        one, two = self.one.item(at), self.two.item(at)
        return Between(one, two, self.said.item(at), self.heard.item(at))


def mutual_alerts(seen: Seen) -> list[Alert]:
    """Alerts of kind PAIR, CLIQUE and RING, in no order."""
    pairs = endorsing(seen)
    strength = pairs.strength()
    links = np.flatnonzero(strength >= 1.0)
    grouped: set[int] = set()
    found = []
    for group, kind in _groups(pairs, links):
        grouped.update(group)
        found.append(_group_alert(seen, pairs, strength, group, kind))
    chosen = (pairs.mutual >= pairs.pair_from) & (pairs.share >= pairs.share_from)
    alone = [at for at in np.flatnonzero(chosen).tolist() if at not in grouped]
    return [*found, *(_pair_alert(seen, pairs, at) for at in alone)]


def endorsing(seen: Seen) -> Endorsing:
    """The pairs of active members either of whom vouches for the other."""
    network, regard, n = seen.network, seen.regard, len(seen.active)
    source = network.sources
    target = network.targets.astype(np.int64)
    back = regard[network.reverse]
    both = seen.active[source] & seen.active[target]
    mutual = np.where(both, np.minimum(regard, back), 0.0)
    says = np.bincount(source, regard, minlength=n)  # adds along the slots, one by one
    at = np.flatnonzero(both & (source < target) & (np.maximum(regard, back) > 0.0))
    one, two = source[at], target[at]
    mass = _masses(source, target, mutual, n)[at]
    share = (regard[at] + back[at]) / (says[one] + says[two])
    return Endorsing(
        one=one,
        two=two,
        said=regard[at],
        heard=back[at],
        mutual=mutual[at],
        mass=mass,
        share=share,
        usual_mutual=usual(mutual[at]),
        usual_mass=usual(mass),
        usual_share=usual(share),
    )


def _masses(
    source: NDArray[np.int64], target: NDArray[np.int64], mutual: NDArray[np.float64], n: int
) -> NDArray[np.float64]:
    """The mass of mutual triangles over each slot."""
    kept = mutual > 0.0
    mass = np.zeros(len(mutual))
    offsets = offsets_of(source[kept], n)
    _, mass[kept] = triangles(offsets, target[kept].astype(np.int32), mutual[kept])
    return mass


def _groups(pairs: Endorsing, links: NDArray[np.intp]) -> Iterator[tuple[list[int], AlertKind]]:
    """Links that hold together whichever one of them is taken away, and what they look like.

    So groups that share a member are one, and a single link between two groups leaves them two.
    """
    people = np.unique(np.concatenate([pairs.one[links], pairs.two[links]]))
    if len(people) < GROUP_MIN:
        return
    one, two = (np.searchsorted(people, each[links]) for each in (pairs.one, pairs.two))
    source, target = np.concatenate([one, two]), np.concatenate([two, one])
    order = np.lexsort((target, source))
    offsets, targets = offsets_of(source, len(people)), target[order].astype(np.int32)
    common, _ = triangles(offsets, targets, np.ones(len(targets)))
    over = np.empty(len(order), bool)
    over[order] = common > 0
    part = _parts(offsets, targets)
    inside = np.flatnonzero(part[one] == part[two])
    of_part: dict[int, list[int]] = {}
    for at in inside.tolist():
        of_part.setdefault(int(part[one[at]]), []).append(at)
    for _, chosen in sorted(of_part.items()):
        closed = int(np.count_nonzero(over[chosen]))
        kind = AlertKind.CLIQUE if 2 * closed >= len(chosen) else AlertKind.RING
        yield links[chosen].tolist(), kind


def _parts(offsets: NDArray[np.int64], targets: NDArray[np.int32]) -> NDArray[np.int64]:
    """Of every member the first one, along a walk, of those that no single link cuts off."""
    walked = walk_through(offsets, targets)
    part = np.empty(len(walked.order), np.int64)
    for member in walked.order.tolist():
        parent = walked.parent[member]
        alone = parent < 0 or walked.low[member] > walked.place[parent]
        part[member] = member if alone else part[parent]
    return part


def _group_alert(
    seen: Seen,
    pairs: Endorsing,
    strength: NDArray[np.float64],
    group: list[int],
    kind: AlertKind,
) -> Alert:
    between = tuple(pairs.pair(at) for at in group)
    return Alert(
        kind=kind,
        members=tuple(sorted({end for pair in between for end in (pair.one, pair.two)})),
        strength=_mean(strength, group),
        figures=(
            Figure(Measure.MUTUAL, _mean(pairs.mutual, group), pairs.usual_mutual),
            Figure(Measure.TRIANGLES, _mean(pairs.mass, group), pairs.usual_mass),
        ),
        pairs=between,
        facts=seen.told.between((pair.one, pair.two) for pair in between),
    )


def _pair_alert(seen: Seen, pairs: Endorsing, at: int) -> Alert:
    mutual, share = pairs.mutual.item(at), pairs.share.item(at)
    pair = pairs.pair(at)
    return Alert(
        kind=AlertKind.PAIR,
        members=(pair.one, pair.two),
        strength=min(mutual / pairs.pair_from, share / pairs.share_from),
        figures=(
            Figure(Measure.SHARE, share, pairs.usual_share),
            Figure(Measure.MUTUAL, mutual, pairs.usual_mutual),
        ),
        pairs=(pair,),
        facts=seen.told.between([(pair.one, pair.two)]),
    )


def _mean(values: NDArray[np.float64], chosen: list[int]) -> float:
    return math.fsum(values[chosen].tolist()) / len(chosen)
