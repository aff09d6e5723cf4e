"""What an alert says, and what alerts are found in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from refnet.accumulators import Events, Network

USUAL_SHARE = (3, 4)
"""What so many of so many stay at or below is usual.

Those who collude must not move it: a clique of five in a chapter of thirty is a tenth of its pairs.
And half of the pairs, where most praise goes one way, may say nothing both ways.
"""


class AlertKind(StrEnum):
    """What an alert is about, in the order in which alerts are listed."""

    PAIR = "pair"  # two who vouch for each other and for hardly anybody else
    CLIQUE = "clique"  # a group most of whom vouch for each other
    RING = "ring"  # a group in which each vouches for the next
    BURST = "burst"  # far more facts in a week than is usual


class Measure(StrEnum):
    """What a figure counts."""

    SHARE = "share"  # of what the members say in the network, how much to each other; 0 .. 1
    MUTUAL = "mutual"  # min(a_ij, a_ji), units of evidence; of a group, on average over its pairs
    TRIANGLES = "triangles"  # mass of mutual triangles over a pair, on average; units of evidence
    FACTS = "facts"  # in seven days
    PARTNERS = "partners"  # with how many others there are facts in seven days


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure that made an alert, and what is usual in the network.

    own: of a burst, the mean of the same members' weeks before; None elsewhere.
    """

    measure: Measure
    found: float
    usual: float
    own: float | None = None


@dataclass(frozen=True, slots=True)
class Between:
    """Two members between whom evidence lies: a_ij and a_ji of the score model, in units.

    one < two. said: what one says of two, by words and by business; heard: what two says of one.
    """

    one: int
    two: int
    said: float
    heard: float


@dataclass(frozen=True, slots=True)
class Alert:
    """Something an officer should look at. It proves nothing, and no score depends on it.

    members: numbers, rising; a burst of one member with many names that one. strength: how many
    times as much as would do there is, 1 or more. pairs: rising. facts: positions, rising, of the
    facts in force between the pairs; of a burst, those of its seven days. first_day, last_day: the
    seven days of a burst.
    """

    kind: AlertKind
    members: tuple[int, ...]
    strength: float
    figures: tuple[Figure, ...]
    pairs: tuple[Between, ...]
    facts: tuple[int, ...]
    first_day: int | None = None
    last_day: int | None = None

    @property
    def order(self) -> tuple[int, float, tuple[int, ...], int]:
        """By kind, the stronger first, then by members; a key to sort by."""
        rest = -1 if self.last_day is None else self.last_day
        return list(AlertKind).index(self.kind), -self.strength, self.members, rest


@dataclass(frozen=True, eq=False)
class Told:
    """Facts in force between two members, once a pair, by pair and position; int64[facts] each.

    one < two: member numbers. day: UTC day number.
    """

    one: NDArray[np.int64]
    two: NDArray[np.int64]
    day: NDArray[np.int64]
    position: NDArray[np.int64]

    def between(self, pairs: Iterable[tuple[int, int]]) -> tuple[int, ...]:
        """Positions, rising, of the facts between these pairs, each with the lower number first."""
        found: set[int] = set()
        for one, two in pairs:
            low, high = np.searchsorted(self.one, [one, one + 1])
            start, end = np.searchsorted(self.two[low:high], [two, two + 1]) + low
            found.update(self.position[start:end].tolist())
        return tuple(sorted(found))

    def within(self, first: int, last: int) -> NDArray[np.intp]:
        """Which facts are of these days; to be asked often, so that not all are looked at."""
        ends = np.searchsorted(self._days, (first, last + 1)).tolist()
        return self._by_day[slice(*ends)]

    @cached_property
    def _by_day(self) -> NDArray[np.intp]:
        return np.argsort(self.day, kind="stable")

    @cached_property
    def _days(self) -> NDArray[np.int64]:
        return self.day[self._by_day]


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """What alerts are found in.

    network, regard: who says how much of whom, a_ij by slot, as in `refnet.paths.Trust`. active: by
    member number. told: facts of days up to `day`.
    """

    network: Network
    regard: NDArray[np.float64]
    active: NDArray[np.bool_]
    told: Told
    day: int

    def between(self, one: int, two: int) -> Between:
        """What two members say of each other, by numbers in either order."""
        low, high = min(one, two), max(one, two)
        return Between(low, high, self._says(low, high), self._says(high, low))

    def _says(self, one: int, two: int) -> float:
        start, end = self.network.offsets[one : one + 2].tolist()
        slot = start + int(np.searchsorted(self.network.targets[start:end], two))
        if slot == end or self.network.targets[slot] != two:
            return 0.0
        return self.regard.item(slot)


def told_of(positions: NDArray[np.int64], events: Events) -> Told:
    """The facts between two members among model events (see `refnet.evidence.located`)."""
    paired = events.paired
    one = np.minimum(events.a, events.b)[paired].astype(np.int64)
    two = np.maximum(events.a, events.b)[paired].astype(np.int64)
    day = events.day[paired].astype(np.int64)
    position = positions[paired]
    order = np.lexsort((position, two, one))
    one, two, day, position = one[order], two[order], day[order], position[order]
    # A fact may make two events, such as business that makes a client's word count.
    more = np.append(True, np.diff(one) | np.diff(two) | np.diff(position) != 0)[: len(one)]
    return Told(one[more], two[more], day[more], position[more])


def usual(values: NDArray[np.float64] | NDArray[np.int64]) -> float:
    """The smallest of the values that three of four stay at or below; 0 of none."""
    if len(values) == 0:
        return 0.0
    part, whole = USUAL_SHARE
    at = -(-len(values) * part // whole) - 1
    return float(np.partition(values, at)[at])
