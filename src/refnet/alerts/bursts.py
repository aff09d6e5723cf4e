"""Weeks with far more facts than is usual: between two members, or of one with many."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from refnet.alerts.alert import Alert, AlertKind, Figure, Measure, Seen, Told, usual

WINDOW_DAYS = 7
"""A burst is looked for in so many days, wherever they begin."""

RECENT_DAYS = 90
"""Bursts that ended longer ago raise no alert any more."""

FACTS_TIMES = 5.0
"""Facts between two members: so many times the network's usual."""

FACTS_MIN = 10
"""Facts between two members that are never a burst if they are fewer.

A one-to-one, a referral that becomes business and a word of thanks come to six; the busiest week of
any honest pair of the tuning seeds had 8.
"""

PARTNERS_TIMES = 3.0
"""Others with whom one member has facts: so many times the network's usual.

The busiest week of any honest member of the tuning seeds came to 14 others, of usually 5.
"""

PARTNERS_MIN = 15
"""Others that are never a burst if they are fewer: half a chapter."""

OWN_TIMES = 2.0
"""So many times what was usual for the same pair or member before: always busy is no burst."""


@dataclass(frozen=True, slots=True, eq=False)
class Weeks:
    """How much there is in the seven days that end with each day that has any; by group, then day.

    group, day, count: int64[weeks]. usual: of all weeks of all groups.
    """

    group: NDArray[np.int64]
    day: NDArray[np.int64]
    count: NDArray[np.int64]
    usual: float

    def bursts(self, threshold: float, since: int) -> Iterator[tuple[int, int, int, float]]:
        """(group, last day, count, own usual) of the fullest week, the first of equals, of groups.

        since: the first day with which it may end. Own usual is the mean of weeks of the group that
        ended before this one began, 0 without any.
        """
        high = np.flatnonzero((self.count >= threshold) & (self.day >= since))
        best: dict[int, tuple[int, int, float]] = {}
        for at in high.tolist():
            group, day, count = (each.item(at) for each in (self.group, self.day, self.count))
            own = self._own(at)
            if count >= OWN_TIMES * own and (group not in best or count > best[group][1]):
                best[group] = (day, count, own)
        for group, (day, count, own) in sorted(best.items()):
            yield group, day, count, own

    def _own(self, at: int) -> float:
        first = int(np.searchsorted(self.group, self.group[at]))
        before = self.day[first:at] <= self.day[at] - WINDOW_DAYS
        counts = self.count[first:at][before]
        return int(counts.sum()) / len(counts) if len(counts) else 0.0


def burst_alerts(seen: Seen) -> list[Alert]:
    """Alerts of kind BURST, in no order."""
    return [*_of_pairs(seen), *_of_members(seen)]


def weeks_of_pairs(seen: Seen) -> tuple[NDArray[np.int64], Weeks]:
    """Facts a week by pair, and the pairs that groups number, int64[pairs, 2]."""
    told = seen.told
    pairs, group = _pairs(told)
    return pairs, _weeks(group, told.day, told.day + WINDOW_DAYS)


def weeks_of_members(seen: Seen) -> Weeks:
    """Others with whom there are facts, a week, by member number."""
    pairs, group = _pairs(seen.told)
    member, partner = pairs.T.reshape(-1), pairs[:, ::-1].T.reshape(-1)
    order = np.lexsort((partner, member))
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    both = np.concatenate([rank[group], rank[group + len(pairs)]])
    # One number for who, with whom and when: sorting three columns takes several times as long.
    key = np.sort((both << 32) | np.tile(seen.told.day, 2))
    who, day = member[order][key >> 32], key & 0xFFFFFFFF
    # A partner counts until a week has passed, or until there is something with them again.
    until = day + WINDOW_DAYS
    same = np.diff(key >> 32) == 0
    until[:-1][same] = np.minimum(until[:-1], day[1:])[same]
    return _weeks(who, day, until)


def _pairs(told: Told) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The pairs with facts, int64[pairs, 2], rising, and of which of them each fact is."""
    new = np.append(True, np.diff(told.one) | np.diff(told.two) != 0)[: len(told.one)]
    return np.stack([told.one[new], told.two[new]], axis=1), np.cumsum(new) - 1


def _weeks(group: NDArray[np.int64], day: NDArray[np.int64], until: NDArray[np.int64]) -> Weeks:
    """How many rows of a group count on each day with which any begins: from day to until - 1."""
    begin, end = (np.sort((group << 32) | each) for each in (day, until))
    at = begin[np.diff(begin, prepend=-1) != 0]  # np.unique would hash, ten times slower
    # Of groups before this one as many have ended as have begun.
    count = np.searchsorted(begin, at, side="right") - np.searchsorted(end, at, side="right")
    return Weeks(at >> 32, at & 0xFFFFFFFF, count, usual(count))


def _of_pairs(seen: Seen) -> Iterator[Alert]:
    pairs, weeks = weeks_of_pairs(seen)
    threshold = max(FACTS_TIMES * weeks.usual, FACTS_MIN)
    since = seen.day - RECENT_DAYS + 1
    for group, day, count, own in weeks.bursts(threshold, since):
        one, two = pairs[group].tolist()
        yield _alert(seen, (one, two), day, (Measure.FACTS, count, weeks.usual, own), threshold)


def _of_members(seen: Seen) -> Iterator[Alert]:
    weeks = weeks_of_members(seen)
    threshold = max(PARTNERS_TIMES * weeks.usual, PARTNERS_MIN)
    since = seen.day - RECENT_DAYS + 1
    for member, day, count, own in weeks.bursts(threshold, since):
        yield _alert(seen, (member,), day, (Measure.PARTNERS, count, weeks.usual, own), threshold)


def _alert(
    seen: Seen,
    members: tuple[int, ...],
    day: int,
    figure: tuple[Measure, int, float, float],
    threshold: float,
) -> Alert:
    measure, count, usually, own = figure
    first = day - WINDOW_DAYS + 1
    week = seen.told.within(first, day)
    chosen = np.ones(len(week), bool)
    for member in members:
        chosen &= (seen.told.one[week] == member) | (seen.told.two[week] == member)
    facts = week[chosen]
    ends = np.unique(np.stack([seen.told.one[facts], seen.told.two[facts]], axis=1), axis=0)
    strength = count / threshold
    return Alert(
        kind=AlertKind.BURST,
        members=members,
        strength=min(strength, count / (OWN_TIMES * own)) if own else strength,
        figures=(Figure(measure, float(count), usually, own),),
        pairs=tuple(seen.between(*pair) for pair in ends.tolist()),
        facts=tuple(np.unique(seen.told.position[facts]).tolist()),
        first_day=first,
        last_day=day,
    )
