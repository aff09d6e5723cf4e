"""Scores as they would be if some facts had never happened, or others had; exact, not estimated."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from refnet import evidence
from refnet.accumulators import Accumulators, Events
from refnet.domain.dependence import with_dependents
from refnet.domain.facts import Effect, Recorded
from refnet.errors import InvalidRequest, PositionAhead
from refnet.ledger.columns import Columns
from refnet.scoring import Scores, score
from refnet.standings import Snapshot, empty, ends, refold, touched

StreamOf = Callable[[int], Iterable[tuple[Any, Recorded]]]
"""All facts of the stream that the fact at a position belongs to, decoded, in order."""

_KEPT = ("refnet.network-chartered.v1", "refnet.chapter-chartered.v1")
"""Ids hang on these: without them nothing else could be said."""

_ROLL = (
    Effect.JOIN,
    Effect.MEMBERSHIP,
    Effect.STOPPED,
    Effect.RESUMED,
    Effect.STANDING,
    Effect.POLICY,
)


def left_out(
    snapshot: Snapshot, positions: Iterable[int], stream_of: StreamOf
) -> NDArray[np.int64]:
    """Positions, rising: those given, and what in their streams depends on them.

    Raises PositionAhead for a position that the snapshot does not include, InvalidRequest for the
    charter of the network or of a chapter.
    """
    wanted = sorted(set(positions))
    _check(snapshot, wanted)
    gone: set[int] = set()
    for position in wanted:
        if position in gone:
            continue
        facts = [told for told in stream_of(position) if told[1].position <= snapshot.position]
        for happened, recorded in facts:
            if recorded.position in wanted and type(happened).NAME in _KEPT:
                raise InvalidRequest(
                    f"the fact at position {recorded.position} is a charter, and everything hangs "
                    "on it; leave out what happened afterwards",
                    field="positions",
                    position=recorded.position,
                )
        gone.update(with_dependents(facts, wanted))
    return np.array(sorted(gone), np.int64)


def without(snapshot: Snapshot, positions: NDArray[np.int64]) -> Scores:
    """The scores of a snapshot if the facts at these positions had never happened.

    positions: rising, with all that depends on them, as `left_out` gives them. Members keep their
    numbers; one whose every induction is left out has no welcome and no voice (but where pretrust
    is uniform). Equals a fold of all other facts, to the last bit.
    """
    columns = snapshot.columns
    effects = columns.effect[positions - 1]
    standing = snapshot.roll.standing()
    if np.isin(effects, _ROLL).any():
        kept = columns.take(np.setdiff1d(np.arange(len(columns)), positions - 1))
        if (effects == Effect.POLICY).any():
            return _anew(snapshot, kept, positions)
        standing = _standing(kept, snapshot.scores.n)
    accumulators = snapshot.accumulators.copy()
    # Rows without an effect touch too: a referral that was never passed has introduced no client.
    touching = touched(ends(columns, positions - 1))
    refold(accumulators, columns, snapshot.day, *touching, left_out=positions)
    return score(accumulators, snapshot.day, standing=standing, model=snapshot.model)


def between(snapshot: Snapshot, one: int, two: int) -> NDArray[np.int64]:
    """Positions, rising, of all that was ever recorded between two members, in force or not.

    Facts of one stream name the same two members, so nothing else depends on these. Those in force
    would not do: a client's word that two facts made count would go on with the second.
    """
    return evidence.rows_between(snapshot.columns, one, two).position


def most_changed(before: Scores, after: Scores) -> NDArray[np.intp]:
    """Numbers of the members with another score: by size of the change, then lower number."""
    change = np.abs(after.score - before.score)
    changed = np.flatnonzero(change > 0.0)
    return changed[np.lexsort((changed, -change[changed]))]


def with_events(snapshot: Snapshot, rows: Sequence[tuple[int, int, int, int, int]]) -> Scores:
    """The scores of a snapshot if these model events had happened too, after all others.

    rows: (day, kind, a, b, amount) as in `Events`; days up to that of the snapshot.
    """
    accumulators = snapshot.accumulators.copy()
    accumulators.fold(Events.of(rows))
    standing = snapshot.roll.standing()
    return score(accumulators, snapshot.day, standing=standing, model=snapshot.model)


def evidence_on(snapshot: Snapshot, day: int) -> Accumulators:
    """The evidence of a later day if nothing more is recorded; to read only.

    What the log holds of days to come (a meeting's date may be tomorrow's) counts on its day.
    Raises ValueError for an earlier day.
    """
    if day < snapshot.day:
        raise ValueError(f"day {day} lies before that of the scores, {snapshot.day}")
    columns = snapshot.columns
    due = (columns.day > snapshot.day) & (columns.day <= day) & (columns.effect != 0)
    if not due.any():
        return snapshot.accumulators
    accumulators = snapshot.accumulators.copy()
    refold(accumulators, columns, day, *touched(ends(columns, due)))
    return accumulators


def _check(snapshot: Snapshot, wanted: list[int]) -> None:
    for position in wanted:
        if position < 1:
            raise InvalidRequest(
                f"position {position} is none; the first fact is at 1",
                field="positions",
                position=position,
            )
        if position > snapshot.position:
            raise PositionAhead(
                f"position {position} is not among the {snapshot.position} facts that these scores "
                "are made of; ask for later ones",
                field="positions",
                position=position,
                head=snapshot.position,
            )


def _anew(snapshot: Snapshot, kept: Columns, positions: NDArray[np.int64]) -> Scores:
    """As `without`, where the policies that apply to the whole history are others."""
    policy = evidence.policy(kept)
    n = snapshot.scores.n
    accumulators = empty(policy)
    accumulators.grow(n)
    rows = evidence.rows_of(snapshot.columns)
    accumulators.fold(evidence.located(rows, snapshot.day, left_out=positions)[1])
    standing = _standing(kept, n)
    return score(accumulators, snapshot.day, standing=standing, model=snapshot.model)


def _standing(kept: Columns, n: int) -> NDArray[np.float64]:
    """Standing by member number; 0 for those who were never inducted."""
    roll = evidence.Roll()
    roll.read(kept)
    standing = np.zeros(n)
    joined = np.unique(kept.giver[kept.effect == Effect.JOIN])
    standing[joined] = roll.standing()[joined]
    return standing
