"""Scores over time: the ledger is folded forward once, not from the beginning for every point."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from refnet import evidence
from refnet.accumulators import Events
from refnet.domain.facts import Effect
from refnet.ledger.columns import NOBODY, Columns
from refnet.ledger.ledger import Ledger
from refnet.rescoring import Rescoring
from refnet.scoring import ARRAYS, MODEL
from refnet.standings import Snapshot, Standings, empty, ends, refold, scored, touched

POINTS_MAX = 520
"""Points of one history: ten years of weeks."""

_ON_MEMBER = (Effect.JOIN, Effect.ATTENDANCE, Effect.ATTENDANCE_CORRECTED)
_ON_RECEIVER = (Effect.SIGNAL, Effect.CLIENT)
_BETWEEN = (
    Effect.MEETING_HELD,
    Effect.MEETING_CONFIRMED,
    Effect.TESTIMONIAL,
    Effect.ACCEPTED,
    Effect.WON,
    Effect.CLOSED,
    Effect.LOST,
    Effect.JUNK_IF_ONE,
    Effect.CLIENT,
)
"""Effects by where their evidence falls: on the giver, the receiver, the pair."""

_SILENT = (Effect.NONE, Effect.JOIN, Effect.MEMBERSHIP, Effect.STOPPED, Effect.RESUMED)
"""Effects of facts that say nothing about how a member is seen."""

_MOVED = (Effect.CLIENT, Effect.REVISION, Effect.VERIFIED)
"""Effects of facts that change on which day another fact counts, or how much it says."""


class Point(NamedTuple):
    """Where in the log, and to which UTC day evidence is aged."""

    position: int
    day: int


@dataclass(frozen=True, slots=True)
class Seen:
    """What the scores said of one member at a point. values: all arrays of ARRAYS, by name."""

    position: int
    day: int
    rank: int
    label: int
    values: dict[str, float]


def walk(
    ledger: Ledger, points: Sequence[Point], model: str = MODEL, threads: int = 1
) -> Iterator[Snapshot]:
    """The scores at each point, the same bits as `snapshot_at`; each true until the next is asked.

    points: rising, neither position nor day ever falls; of one position they cost the least.
    Raises ValueError.
    """
    if any(one.position > two.position or one.day > two.day for one, two in pairwise(points)):
        raise ValueError("the points of a history rise in position and day")
    if points and points[0].position == points[-1].position:
        yield from _by_day(ledger, points, model, threads)
        return
    standings = Standings(ledger, model)
    for position, day in points:
        standings.advance(position, day)
        yield standings.look(day, threads)


def history(
    snapshot: Snapshot,
    number: int,
    points: Sequence[Point],
    *,
    goes_on: Callable[[], bool] = lambda: True,
    threads: int = 1,
) -> list[Seen]:
    """What is said of a member at each point at which there is a score; see `walk`.

    points: positions up to the snapshot's. goes_on: asked before each point; False ends it there.
    """
    found = []
    for seen in walk_of(snapshot, number, points, threads):
        if seen is not None:
            found.append(seen)
        if not goes_on():
            break
    return found


def walk_of(
    snapshot: Snapshot, number: int, points: Sequence[Point], threads: int = 1
) -> Iterator[Seen | None]:
    """As `history`, point by point; None where the member has no score yet."""
    for seen in walk(snapshot.ledger, points, snapshot.model, threads):
        if number >= seen.scores.n:
            yield None
            continue
        values = {name: getattr(seen.scores, name).item(number) for name in ARRAYS}
        rank, label = seen.rank.item(number), seen.labels.item(number)
        yield Seen(seen.position, seen.day, rank, label, values)


def beginning(snapshot: Snapshot, number: int, last: int, step: int) -> int:
    """The UTC day on which a member's history begins, if it ends on `last` and nobody says more.

    It is the first day, from the first induction on, of a fact that says something of the member
    (imports may date inductions long before), or of the induction if there is none; or as many days
    back as so many points in steps of `step` days go.
    """
    rows = snapshot.columns
    about = ((rows.giver == number) | (rows.receiver == number)) & ~np.isin(rows.effect, _SILENT)
    joined = snapshot.roll.joined().item(number)
    said = rows.day[about]
    first = max(joined, said.min().item()) if len(said) else joined
    return max(min(first, last), last - step * (POINTS_MAX - 1))


def days(first: int, last: int, step: int) -> list[int]:
    """Every so many days from the first one on, and the last one whatever the step."""
    return [*range(first, last, step), last] if first <= last else []


def _by_day(
    ledger: Ledger, points: Sequence[Point], model: str, threads: int
) -> Iterator[Snapshot]:
    """The scores of rising days at one position.

    The facts in force are the same on all days, and most say on every day what they say on the
    last, once their own day has come. Where the days of what falls on the same pair or member do
    not fall along the log, folding day by day is folding in log order. The others are folded again
    whenever one of their days comes.
    """
    columns = ledger.columns(points[0].position)
    policy, roll = evidence.policy(columns), evidence.Roll()
    roll.read(columns)
    accumulators = empty(policy)
    accumulators.grow(roll.members)
    rows = evidence.rows_of(columns).columns
    again = _folded_again(rows)
    coming = _by_rising_day(evidence.events(evidence.rows_of(columns), _last(rows)))
    rescoring, done = Rescoring(model), -1
    for point in points:
        due = slice(*np.searchsorted(coming.day, (done, point.day), side="right").tolist())
        accumulators.fold(coming.select(due))
        now = again & (rows.day > done) & (rows.day <= point.day)
        refold(accumulators, columns, point.day, *touched(ends(rows, now)))
        done = point.day
        scores = rescoring.score(accumulators, point.day, roll.standing(), threads)
        yield scored(ledger, columns, accumulators, roll, policy, scores, model)


def _last(rows: Columns) -> int:
    return int(rows.day.max(initial=-1))


def _by_rising_day(events: Events) -> Events:
    """The same events by day, those of one day in log order."""
    return events.select(np.argsort(events.day, kind="stable"))


def _folded_again(rows: Columns) -> NDArray[np.bool_]:
    """Rows on whose day everything that falls on the same pair, or member, is folded again."""
    giver, receiver = rows.giver.astype(np.int64), rows.receiver.astype(np.int64)
    between = (giver != NOBODY) & (receiver != NOBODY)
    pair = (np.minimum(giver, receiver) << 32) | np.maximum(giver, receiver)
    moved = np.isin(rows.effect, _MOVED)
    chosen = _with_same_key(pair, moved & between, among=between)
    falls = _falling(pair, rows.day, np.isin(rows.effect, _BETWEEN) & between)
    chosen |= _with_same_key(pair, falls, among=between)
    for member, effects in ((giver, _ON_MEMBER), (receiver, _ON_RECEIVER)):
        alone = np.isin(rows.effect, effects)
        chosen |= _with_same_key(member, _falling(member, rows.day, alone), among=alone)
    lonely = moved & ~between  # the word of a client whom nobody introduced, and what became of it
    return chosen | _with_same_key(receiver, lonely, among=np.isin(rows.effect, _MOVED))


def _falling(
    key: NDArray[np.int64], day: NDArray[np.int32], chosen: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Chosen rows whose day lies before that of the chosen one before with the same key."""
    at = np.flatnonzero(chosen)
    at = at[np.argsort(key[at], kind="stable")]
    falls = np.zeros(len(key), bool)
    falls[at[1:]] = (key[at[1:]] == key[at[:-1]]) & (day[at[1:]] < day[at[:-1]])
    return falls


def _with_same_key(
    key: NDArray[np.int64], found: NDArray[np.bool_], *, among: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Rows, of those among which to look, with the key of any that was found."""
    return among & np.isin(key, np.unique(key[found]))
