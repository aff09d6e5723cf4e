"""What a score becomes if nothing more happens."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from refnet.labels import Label, labels_of
from refnet.scoring import ARRAYS, score
from refnet.standings import Snapshot
from refnet.whatif import evidence_on

FLAGGED_FROM = 0.5
"""Of opportunism: from here on a member is flagged (score-model section 4.5)."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """A member on a coming day. values: all arrays of `ARRAYS`, by name."""

    day: int
    values: dict[str, float]
    label: Label

    @property
    def flagged(self) -> bool:
        """Whether opportunism is high enough to be shown."""
        return self.values["O"] >= FLAGGED_FROM


@dataclass(frozen=True, slots=True)
class Turns:
    """When something changes, to the day, as far as the days looked at tell.

    labels, flags: (day, what it is from then on), rising; a change that is taken back before the
    next day looked at is not seen. half_way: by name of `score` and of the five components, the
    first day on which half of what changes until the last day has changed; None if nothing does.
    """

    labels: tuple[tuple[int, Label], ...]
    flags: tuple[tuple[int, bool], ...]
    half_way: dict[str, int | None]


HALVED = ("score", "V", "T", "C", "R", "P")


class Coming:
    """The coming days of one member; each is scored once, however often it is asked for."""

    def __init__(self, snapshot: Snapshot, number: int) -> None:
        """Raises ValueError for an unknown number."""
        if not 0 <= number < snapshot.scores.n:
            raise ValueError("no member has that number")
        self._snapshot, self._number = snapshot, number
        self._standing = snapshot.roll.standing()
        self._known: dict[int, Outlook] = {}

    def on(self, day: int) -> Outlook:
        """Exactly what is read at the snapshot's position on that day.

        Raises ValueError for a day before the snapshot's.
        """
        if day not in self._known:
            self._known[day] = self._look(day)
        return self._known[day]

    def turns(self, days: Sequence[int]) -> Turns:
        """What changes between the first and the last of these rising days."""
        labels = self._changes(days, lambda day: self.on(day).label)
        flags = self._changes(days, lambda day: self.on(day).flagged)
        return Turns(
            labels=tuple((day, self.on(day).label) for day in labels),
            flags=tuple((day, self.on(day).flagged) for day in flags),
            half_way={name: self._half_way(days, name) for name in HALVED},
        )

    def _look(self, day: int) -> Outlook:
        snapshot, number = self._snapshot, self._number
        evidence = evidence_on(snapshot, day)
        scores = score(evidence, day, standing=self._standing, model=snapshot.model)
        label = labels_of(scores, day - snapshot.roll.joined().astype(np.int64))
        values = {name: getattr(scores, name).item(number) for name in ARRAYS}
        return Outlook(day, values, Label(label.item(number)))

    def _changes(self, days: Sequence[int], state: Callable[[int], object]) -> list[int]:
        """The first days of another state, one between two days looked at."""

        def first(low: int, high: int) -> int:
            return _first(low, high, lambda day: state(day) != state(low))

        return [first(*both) for both in pairwise(days) if state(both[0]) != state(both[1])]

    def _half_way(self, days: Sequence[int], name: str) -> int | None:
        begin, end = (self.on(day).values[name] for day in (days[0], days[-1]))
        if begin == end:
            return None
        half = abs(end - begin) / 2

        def is_past(day: int) -> bool:
            return (self.on(day).values[name] - begin) * (1 if end > begin else -1) >= half

        low, high = days[0], days[-1]
        for before, after in pairwise(days):
            if is_past(after):
                low, high = before, after
                break
        return _first(low, high, is_past)


def forecast(snapshot: Snapshot, number: int, days: Iterable[int]) -> list[Outlook]:
    """The scores of a member on days from that of the snapshot on, at the same position.

    Raises ValueError for an unknown number or an earlier day.
    """
    coming = Coming(snapshot, number)
    return [coming.on(day) for day in days]


def days_ahead(day: int, days: int, points: int) -> list[int]:
    """A day and `points` later ones, evenly, up to `days` later; fewer if they would coincide."""
    return sorted({day + days * point // points for point in range(points + 1)})


def _first(low: int, high: int, holds: Callable[[int], bool]) -> int:
    """A day after `low`, up to `high`, on which it holds, though not on the day before.

    It does not hold on `low`, and holds on `high`.
    """
    while high - low > 1:
        middle = (low + high) // 2
        if holds(middle):
            high = middle
        else:
            low = middle
    return high
