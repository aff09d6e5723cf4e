"""What a score becomes if nothing more happens."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from refnet import evidence
from refnet.accumulators import Accumulators
from refnet.scoring import ARRAYS, score
from refnet.standings import Snapshot


@dataclass(frozen=True, slots=True)
class Outlook:
    """A member on a coming day. values: all arrays of `ARRAYS`, by name."""

    day: int
    values: dict[str, float]


def forecast(snapshot: Snapshot, number: int, days: Iterable[int]) -> list[Outlook]:
    """The scores of a member on days from that of the snapshot on, at the same position.

    Exactly what is read at that position and day: what a fact of a coming day (a meeting's date
    may lie ahead) will say is included. Raises ValueError for an unknown number or an earlier day.
    """
    if not 0 <= number < snapshot.scores.n:
        raise ValueError("no member has that number")
    wanted = list(days)
    if any(day < snapshot.day for day in wanted):
        raise ValueError("a forecast is of the day of the scores, or later")
    ahead = evidence.rows_of(snapshot.columns)
    standing = snapshot.roll.standing()
    coming = ahead.columns.day.max(initial=-1) > snapshot.day
    found = []
    for day in wanted:
        accumulators = _at(snapshot, ahead, day) if coming else snapshot.accumulators
        scores = score(accumulators, day, standing=standing, model=snapshot.model)
        found.append(Outlook(day, {name: getattr(scores, name).item(number) for name in ARRAYS}))
    return found


def days_ahead(day: int, days: int, points: int) -> list[int]:
    """A day and `points` later ones, evenly, up to `days` later; fewer if they would coincide."""
    return sorted({day + days * point // points for point in range(points + 1)})


def first_change(outlooks: list[Outlook], name: str, level: float) -> int | None:
    """The first day on which a value is on the other side of a level than at the beginning."""
    if not outlooks:
        return None
    before = outlooks[0].values[name] >= level
    return next((each.day for each in outlooks if (each.values[name] >= level) != before), None)


def _at(snapshot: Snapshot, rows: evidence.Rows, day: int) -> Accumulators:
    policy = snapshot.policy
    accumulators = Accumulators(
        snapshot.scores.n,
        decay=policy.decay,
        uniform=policy.uniform,
        value_half=policy.value_half,
    )
    accumulators.fold(evidence.events(rows, day))
    return accumulators
