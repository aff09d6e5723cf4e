"""Scores of the whole network at a position and a day: kept in step with the ledger, or made anew."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from refnet import evidence
from refnet.accumulators import Accumulators
from refnet.domain.facts import Effect
from refnet.ledger.columns import NOBODY, Columns
from refnet.ledger.ledger import Ledger
from refnet.scoring import MODEL, Scores, pair_balance, score

_REFOLDED = (
    Effect.VOID,
    Effect.REVISION,
    Effect.VERIFIED,
    Effect.CLIENT,
    Effect.ATTENDANCE_CORRECTED,
)
"""Effects whose meaning depends on other facts of their stream: what they touch is folded again."""


@dataclass(frozen=True)
class Snapshot:
    """Scores and what they were made of. Never changes.

    position, day, model, digest name the ingredients. members: UUIDs by number. order: numbers by rank;
    rank: 1-based ranks by number. Active members come first, then score descending, then lower number.
    """

    position: int
    day: int
    scores: Scores
    members: list[UUID]
    active: NDArray[np.bool_]
    _accumulators: Accumulators
    model: str = MODEL

    @cached_property
    def digest(self) -> str:
        """Hex SHA-256 of score-model section 2."""
        return self.scores.digest()

    @cached_property
    def numbers(self) -> dict[UUID, int]:
        """Member number by UUID."""
        return {member: number for number, member in enumerate(self.members)}

    @cached_property
    def order(self) -> NDArray[np.intp]:
        """Member numbers from first to last rank."""
        return self.scores.order(self.active)

    @cached_property
    def rank(self) -> NDArray[np.int64]:
        """1-based rank by member number."""
        ranks = np.empty(self.scores.n, np.int64)
        ranks[self.order] = np.arange(1, self.scores.n + 1)
        return ranks

    def reciprocity(self, giver: int, receiver: int) -> tuple[float, float, float]:
        """(given, taken, balance) of an ordered pair by member numbers (score-model section 4.4)."""
        return pair_balance(self._accumulators, giver, receiver, self.day)


class Standings:
    """Accumulators in step with a ledger, advanced as it grows. Not for concurrent use."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._policy = evidence.Policy()
        self._accumulators = _empty(self._policy)
        self._awaited: set[int] = set()
        self._joined = 0
        self.position = 0

    def advance(self) -> None:
        """Fold the rows that were appended since the last call."""
        columns = self._ledger.columns()
        after, size = self.position, len(columns)
        if after == size:
            return
        new = evidence.rows_of(columns, after)
        policy = evidence.policy(new.columns) if _has_policy(new.columns) else self._policy
        joined = self._joined
        self._joined = max(joined, _members(new.columns))
        if after == 0 or policy != self._policy:
            # Everything is folded at once, so nothing folded earlier can be touched.
            self._policy = policy
            self._accumulators = _empty(policy)
            self._accumulators.grow(self._joined)
            whole = evidence.rows_of(columns)
            self._remember(whole.columns)
            self._accumulators.fold(evidence.events(whole, _ANY_DAY, size))
        else:
            self._accumulators.grow(self._joined)
            self._fold_new(columns, new, size, joined)
        self.position = size

    def snapshot(self, day: int, threads: int = 1) -> Snapshot:
        """The scores of a day.

        Attendance has its meeting's date, which east of us may be tomorrow's; then the day's facts are
        folded apart, for accumulators cannot be read before what is in them.
        """
        if self._accumulators.last_day > day:
            return snapshot_at(self._ledger, self.position, day, threads)
        columns = self._ledger.columns(self.position)
        return _snapshot(self._ledger, columns, self._accumulators.copy(), day, threads)

    def _fold_new(self, columns: Columns, new: evidence.Rows, size: int, joined: int) -> None:
        pairs, members = self._touched(new.columns)
        plain = evidence.events(new, _ANY_DAY, size, joined)
        if len(pairs) == 0 and len(members) == 0:
            self._accumulators.fold(plain)
            return
        about = np.unique(np.concatenate([pairs.reshape(-1), members]))
        rows = evidence.rows_about(columns, about, self._joined)
        again = evidence.events(rows, _ANY_DAY, size)
        self._accumulators.reset(pairs, members)
        self._accumulators.fold(plain.select(~plain.touching(pairs, members)))
        self._accumulators.fold(again.select(again.touching(pairs, members)))

    def _touched(self, new: Columns) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Unordered pairs (rows of two) and members whose accumulators the new rows may change back."""
        self._remember(new)
        complex_rows = np.isin(new.effect, _REFOLDED)
        complex_rows |= (new.effect == Effect.JUNK_IF_ONE) & (new.value == 1)
        if self._awaited:
            awaited = np.fromiter(self._awaited, np.int64, len(self._awaited))
            complex_rows |= (new.effect == Effect.CLOSED) & np.isin(new.reference, awaited)
        giver = new.giver[complex_rows].astype(np.int64)
        receiver = new.receiver[complex_rows].astype(np.int64)
        both = (giver != NOBODY) & (receiver != NOBODY)
        pairs = np.stack([giver[both], receiver[both]], axis=1)
        members = np.unique(np.concatenate([giver, receiver]))
        return np.unique(np.sort(pairs, axis=1), axis=0), members[members != NOBODY]

    def _remember(self, new: Columns) -> None:
        """Referrals whose closed business would make a client's word count."""
        self._awaited.update(new.reference[new.effect == Effect.CLIENT].tolist())
        self._awaited.discard(0)


_ANY_DAY = np.iinfo(np.int32).max


def snapshot_at(ledger: Ledger, position: int, day: int, threads: int = 1) -> Snapshot:
    """The scores at any position and day, folded from the beginning."""
    columns = ledger.columns(position)
    rows = evidence.rows_of(columns)
    accumulators = _empty(evidence.policy(columns))
    accumulators.grow(_members(columns))
    accumulators.fold(evidence.events(rows, day, position))
    return _snapshot(ledger, columns, accumulators, day, threads)


def _snapshot(
    ledger: Ledger, columns: Columns, accumulators: Accumulators, day: int, threads: int
) -> Snapshot:
    count = _members(columns)
    levels = evidence.standing(columns, count, len(ledger.fold.chapters))
    return Snapshot(
        position=len(columns),
        day=day,
        scores=score(accumulators, day, standing=levels, threads=threads),
        members=ledger.fold.members[:count],
        active=evidence.active(columns, count),
        _accumulators=accumulators,
    )


def _members(columns: Columns) -> int:
    joined = columns.giver[columns.effect == Effect.JOIN]
    return int(joined.max()) + 1 if len(joined) else 0


def _has_policy(columns: Columns) -> bool:
    return bool(np.any(columns.effect == Effect.POLICY))


def _empty(policy: evidence.Policy) -> Accumulators:
    return Accumulators(decay=policy.decay, uniform=policy.uniform, value_half=policy.value_half)
