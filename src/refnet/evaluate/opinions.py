"""What people think of each other, as weighted edges: what baselines read."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from refnet.accumulators import Accumulators, Events, Kind
from refnet.evaluate.networks import Flags, Floats, RatingsNetwork


@dataclass(frozen=True, eq=False)
class Opinions:
    """Edges between n people. source, target: int64 ids; weight: float64, negative for distrust."""

    n: int
    source: NDArray[np.int64]
    target: NDArray[np.int64]
    weight: Floats

    def select(self, chosen: Flags) -> Opinions:
        """Some of the edges."""
        return Opinions(self.n, self.source[chosen], self.target[chosen], self.weight[chosen])

    @property
    def positive(self) -> Opinions:
        """The edges of trust."""
        return self.select(self.weight > 0)


def of_ratings(network: RatingsNetwork) -> Opinions:
    """Ratings that count, -1 .. 1."""
    source, target = network.source.astype(np.int64), network.target.astype(np.int64)
    return Opinions(network.n, source, target, network.rating / 10.0)


def of_words(events: Events, n: int) -> Opinions:
    """Testimonials between members, not decayed: the mean rating of each pair, -1 .. 1."""
    chosen = events.kind == Kind.TESTIMONIAL
    key = (events.a[chosen].astype(np.int64) << 32) | events.b[chosen]
    pairs, which = np.unique(key, return_inverse=True)
    weight = np.bincount(which, events.amount[chosen] / 1000.0) / np.bincount(which)
    return Opinions(n, pairs >> 32, pairs & 0xFFFFFFFF, weight)


def of_evidence(accumulators: Accumulators, day: int) -> Opinions:
    """Trust from words and deals, the a_ij of score-model section 4.1; never negative."""
    source, target = accumulators.keys >> 32, accumulators.keys & 0xFFFFFFFF
    said, given = (accumulators.masses(name, source, target, day) for name in ("TP", "GV"))
    taken = accumulators.masses("GV", target, source, day)
    weight = (said + 0.25 * given) + 0.5 * taken
    return Opinions(accumulators.n, source, target, weight).select(weight > 0)
