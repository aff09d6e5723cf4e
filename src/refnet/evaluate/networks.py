"""Networks that models are measured on: events, standings, and the truth where it is known."""

from __future__ import annotations

import csv
import gzip
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from refnet.accumulators import Accumulators, Events, Kind
from refnet.errors import InvalidRequest

Floats = NDArray[np.float64]
Ids = NDArray[np.intp]
Flags = NDArray[np.bool_]

Setting = Literal["all", "nodef", "noT"]
SETTINGS: tuple[Setting, ...] = ("all", "nodef", "noT")
"""Which ratings count (score-model section 11). "all" leaks the labels, which were made of it."""

RATINGS, LABELS = "otc_network.csv.gz", "otc_gt.csv"
FOUNDER = "1"
"""The account whose trust, and that of those it trusts, the published labels are made of."""

_STRONG = 5
_RATING_UNIT = 100
_DAY_SECONDS = 86_400


@dataclass(frozen=True, eq=False)
class RatingsNetwork:
    """Who trusts whom, for real. Pretrust is uniform and nothing decays.

    people: names by member id, in order of first appearance in the whole file. source, target:
    int32 ids and rating: int64, -10 .. 10 without 0, of the ratings that count, in file order.
    labelled: ids of those who are labelled and rated; fraud: which of them are fraudulent.
    """

    setting: Setting
    people: tuple[str, ...]
    events: Events
    source: NDArray[np.int32]
    target: NDArray[np.int32]
    rating: NDArray[np.int64]
    labelled: Ids
    fraud: Flags

    @property
    def n(self) -> int:
        """Number of people."""
        return len(self.people)

    @property
    def day(self) -> int:
        """The day to score on."""
        return int(self.events.day.max())

    def accumulators(self) -> Accumulators:
        """All ratings that count, folded. The model of ratings is the network's policy."""
        accumulators = Accumulators(decay=False, uniform=True)
        accumulators.fold(self.events)
        return accumulators


def read_ratings(folder: Path, setting: Setting) -> RatingsNetwork:
    """The real ratings network in a folder under one setting.

    nodef drops ratings of strength 5 and more by the founder and those the founder rated 5 and
    more; noT drops all of theirs. Raises InvalidRequest if a file is missing.
    """
    rows = _rows(folder / RATINGS)
    ids: dict[str, int] = {}
    for source, target, _, _ in rows:
        for name in (source, target):
            ids.setdefault(name, len(ids))
    pairs = np.array([(ids[source], ids[target]) for source, target, _, _ in rows], np.int32)
    rating = np.array([int(row[2]) for row in rows], np.int64)
    day = np.array([int(float(row[3])) // _DAY_SECONDS for row in rows], np.int32)
    keep = _kept(pairs, rating, ids[FOUNDER], setting)
    givers, receivers = (np.ascontiguousarray(pairs[keep, side]) for side in (0, 1))
    joins = _joins(np.full(len(ids), day[0], np.int32))
    events = joined(joins, _testimonials(day[keep], givers, receivers, rating[keep]))
    rated = np.zeros(len(ids), bool)
    rated[receivers] = True
    labels = [(ids[name], label) for name, label in _labels(folder / LABELS) if rated[ids[name]]]
    return RatingsNetwork(
        setting=setting,
        people=tuple(ids),
        events=events,
        source=givers,
        target=receivers,
        rating=rating[keep],
        labelled=np.array([member for member, _ in labels], np.intp),
        fraud=np.array([label < 0 for _, label in labels], bool),
    )


@dataclass(frozen=True, eq=False)
class Plant:
    """What was planted in n members, by id in order of JOIN.

    kind: text, a refnet.simulate.people.Kind. quality, generosity, attendance: 0 .. 1. joined,
    left, turned: week numbers from 0; -1 is never. colludes: in some planted group. chapter: number
    of the chapter at the end. groups: kind (pair, ring, clique) and members of each planted group.
    """

    kind: NDArray[np.str_]
    quality: Floats
    generosity: Floats
    attendance: Floats
    joined: NDArray[np.int64]
    turned: NDArray[np.int64]
    left: NDArray[np.int64]
    colludes: Flags
    chapter: NDArray[np.int64]
    groups: tuple[tuple[str, tuple[int, ...]], ...]

    def of(self, *kinds: str) -> Flags:
        """Who is of one of the kinds."""
        return np.asarray(np.isin(self.kind, kinds), bool)

    @property
    def stays(self) -> Flags:
        """Who is a member at the end."""
        return self.left < 0

    def tenure(self, weeks: int) -> NDArray[np.int64]:
        """Weeks since the first induction, after so many weeks."""
        return weeks - self.joined

    def opportunist(self, week: int) -> Flags:
        """Who lives on others' referrals in that week: takers, and turncoats who turned."""
        turned = (self.turned >= 0) & (self.turned <= week)
        return self.of("taker") | (self.of("turncoat") & turned)


@dataclass(frozen=True, eq=False)
class SimulatedNetwork:
    """A made-up network, as of its last position.

    events: those in force at the end, by day and within a day in log order, so that folding them
    forward week by week and folding them at once give the same bits. standing: of each member's
    chapter, 0 .. 1. first_day: UTC day of the first Monday.
    """

    seed: int
    weeks: int
    first_day: int
    events: Events
    standing: Floats
    plant: Plant

    @property
    def n(self) -> int:
        """Number of members ever inducted."""
        return len(self.standing)

    @property
    def day(self) -> int:
        """The last day of the last week."""
        return self.last_day(self.weeks - 1)

    def last_day(self, week: int) -> int:
        """The Sunday of a week, counted from 0."""
        return self.first_day + 7 * week + 6

    def between(self, after: int, until: int) -> Events:
        """Events of days after + 1 .. until."""
        low, high = np.searchsorted(self.events.day, [after, until], side="right")
        return self.events.select(slice(int(low), int(high)))

    @cached_property
    def _folded(self) -> dict[int, Accumulators]:
        return {}

    def folded(self, day: int) -> Accumulators:
        """Everything up to a day; made once for each day asked for. Copy before folding more."""
        if day not in self._folded:
            accumulators = Accumulators()
            accumulators.fold(self.between(-1, day))
            self._folded[day] = accumulators
        return self._folded[day]

    def standing_of(self, accumulators: Accumulators) -> Floats:
        """Standing of everybody who is in the accumulators; of members added to it, 1."""
        more = max(accumulators.n - self.n, 0)
        return np.concatenate([self.standing, np.ones(more)])[: accumulators.n]


def joined(*parts: Events) -> Events:
    """One after the other."""
    return Events(
        *(
            np.concatenate([getattr(part, name) for part in parts])
            for name in ("day", "kind", "a", "b", "amount")
        )
    )


def merged(first: Events, second: Events) -> Events:
    """Both in order of day; on the same day the first come first, each in its own order."""
    both = joined(first, second)
    return both.select(np.argsort(both.day, kind="stable"))


def _joins(day: NDArray[np.int32]) -> Events:
    n = len(day)
    ids = np.arange(n, dtype=np.int32)
    kind, weight = np.full(n, Kind.JOIN, np.uint8), np.full(n, 1000, np.int64)
    return Events(day.astype(np.int32), kind, ids, ids, weight)


def _testimonials(
    day: NDArray[np.int32],
    source: NDArray[np.int32],
    target: NDArray[np.int32],
    rating: NDArray[np.int64],
) -> Events:
    kind = np.full(len(day), Kind.TESTIMONIAL, np.uint8)
    return Events(day, kind, source, target, rating * _RATING_UNIT)


def _kept(
    pairs: NDArray[np.int32], rating: NDArray[np.int64], founder: int, setting: Setting
) -> Flags:
    if setting == "all":
        return np.ones(len(rating), bool)
    trusted = pairs[(pairs[:, 0] == founder) & (rating >= _STRONG), 1]
    by_them = np.isin(pairs[:, 0], np.append(trusted, founder))
    if setting == "noT":
        return ~by_them
    return ~(by_them & (np.abs(rating) >= _STRONG))


def _rows(path: Path) -> list[list[str]]:
    try:
        with gzip.open(path, "rt", encoding="ascii", newline="") as file:
            return list(csv.reader(file))
    except FileNotFoundError as error:
        raise _missing(path) from error


def _labels(path: Path) -> list[tuple[str, int]]:
    try:
        text = path.read_text(encoding="ascii")
    except FileNotFoundError as error:
        raise _missing(path) from error
    return [(name, int(label)) for name, label in csv.reader(text.splitlines())]


def _missing(path: Path) -> InvalidRequest:
    return InvalidRequest(
        f"{path.name} is not in {path.parent}; name the folder that holds {RATINGS} and {LABELS}",
        field="data",
        value=path.parent,
    )
