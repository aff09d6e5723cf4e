"""Scores of the whole network at a position and a day: in step with the ledger, or anew."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from threading import RLock
from typing import Any, TypeVar
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from refnet import evidence
from refnet.accumulators import Accumulators
from refnet.domain.facts import Effect
from refnet.domain.network import PublishScores
from refnet.domain.values import NetworkId, utc_day
from refnet.errors import InvalidRequest
from refnet.labels import labels_of
from refnet.ledger.columns import NOBODY, Columns
from refnet.ledger.ledger import Ledger
from refnet.rescoring import Rescoring
from refnet.scoring import ARRAYS, MODEL, Scores, pair_balance, score

_REFOLDED = (
    Effect.VOID,
    Effect.REVISION,
    Effect.VERIFIED,
    Effect.CLIENT,
    Effect.ATTENDANCE_CORRECTED,
)
"""Effects whose meaning depends on other facts of their stream: what they touch is folded again."""

_PAIR_BYTES = 8 + len(Accumulators.PAIR_FIELDS) * (8 + 4) + 8
"""Key, totals and periods, and its part in the network."""

_MEMBER_BYTES = len(Accumulators.MEMBER_FIELDS) * (8 + 4) + len(ARRAYS) * 8 + 64


T = TypeVar("T")


@dataclass(frozen=True)
class Snapshot:
    """Scores and what they were made of. Never changes.

    position, day, model, digest name the ingredients. members: UUIDs by number. order: numbers by
    rank; rank: 1-based ranks by number. Active members come first, then score descending, then
    lower number. columns: the ledger's rows up to position. roll: who belongs where then. policy:
    of the network. accumulators: the evidence behind the scores; to read only, copy before folding.
    ledger: where the rows are from; it may have grown since.
    """

    position: int
    day: int
    scores: Scores
    members: list[UUID]
    active: NDArray[np.bool_]
    columns: Columns
    roll: evidence.Roll
    policy: evidence.Policy
    accumulators: Accumulators
    model: str
    ledger: Ledger
    _found: dict[Any, Any] = field(default_factory=dict, repr=False)
    _finding: RLock = field(default_factory=RLock, repr=False)  # one finding asks for another

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

    @cached_property
    def labels(self) -> NDArray[np.uint8]:
        """The Label of each member, by number."""
        return labels_of(self.scores, self.day - self.roll.joined().astype(np.int64))

    def once(self, find: Callable[[Snapshot], T]) -> T:
        """What a function finds in this snapshot; found once, kept as long as the snapshot.

        find: a function of a module, so that the next caller asks with the same one.
        """
        with self._finding:
            if find not in self._found:
                self._found[find] = find(self)
            found: T = self._found[find]
            return found

    @property
    def nbytes(self) -> int:
        """About how much memory it holds, if it shares nothing."""
        pairs = len(self.accumulators.keys)
        return pairs * _PAIR_BYTES + self.scores.n * _MEMBER_BYTES

    def reciprocity(self, giver: int, receiver: int) -> tuple[float, float, float]:
        """(given, taken, balance) of an ordered pair of numbers (score-model section 4.4)."""
        return pair_balance(self.accumulators, giver, receiver, self.day)


class Standings:
    """Accumulators in step with a ledger, advanced as it grows. Not for concurrent use.

    Facts of days after that of the last record (a meeting's date may be tomorrow's in UTC) wait
    until a snapshot of their day is asked for.
    """

    def __init__(self, ledger: Ledger, model: str = MODEL) -> None:
        """model: one of `refnet.scoring.MODELS`; what is accumulated is the same for all."""
        self._ledger = ledger
        self._model = model
        self._policy = evidence.Policy()
        self._accumulators = empty(self._policy)
        self._rescoring = Rescoring(model)
        self._roll = evidence.Roll()
        self._awaited = np.empty(0, np.int64)
        self._day = -1
        self._ahead = _NOTHING
        self.position = 0

    def advance(self, upto: int | None = None, day: int | None = None) -> None:
        """Fold the rows after those of the last call.

        upto: a position, not before that of the last call; None: all there are. day: facts of later
        days wait, until a snapshot of theirs is asked for; None: the day of the last record.
        """
        columns = self._ledger.columns(upto)
        after = self.position
        if after == len(columns):
            return
        self._day = max(self._day, utc_day(self._ledger.record_time) if day is None else day)
        new = evidence.rows_of(columns, after)
        joined = self._roll.members
        self._roll.read(new.columns)
        self._remember(new.columns)
        policy = evidence.policy(new.columns, self._policy)
        if after == 0 or policy != self._policy:
            self._policy = policy
            self._accumulators = empty(policy)
            self._accumulators.grow(self._roll.members)
            self._fold(evidence.rows_of(columns))
        else:
            self._accumulators.grow(self._roll.members)
            self._fold_new(columns, new, joined)
        self.position = len(columns)

    def snapshot(self, day: int, threads: int = 1) -> Snapshot:
        """The scores of a day; quick unless that lies before a day already reached."""
        seen = self.look(day, threads)
        return replace(seen, accumulators=seen.accumulators.copy(), roll=seen.roll.copy())

    def look(self, day: int, threads: int = 1) -> Snapshot:
        """As `snapshot`, but true only until the next call of any method: nothing is copied."""
        if day < self._day:
            return snapshot_at(self._ledger, self.position, day, threads, self._model)
        columns = self._ledger.columns(self.position)
        self._day = max(self._day, day)
        refold(self._accumulators, columns, self._day, *touched(self._due()))
        scores = self._rescoring.score(self._accumulators, day, self._roll.standing(), threads)
        found = (self._accumulators, self._roll, self._policy)
        return scored(self._ledger, columns, *found, scores, self._model)

    def _fold(self, whole: evidence.Rows) -> None:
        """Fold everything at once, so that nothing folded earlier can be touched."""
        self._ahead = _NOTHING
        self._note_ahead(whole.columns)
        self._accumulators.fold(evidence.events(whole, self._day))

    def _fold_new(self, columns: Columns, new: evidence.Rows, joined: int) -> None:
        late = self._reaches_back(new.columns)
        self._note_ahead(new.columns)
        at = np.flatnonzero(~late)
        rows = evidence.Rows(new.position[at], new.columns.take(at))
        self._accumulators.fold(evidence.events(rows, self._day, joined))
        refold(self._accumulators, columns, self._day, *touched(ends(new.columns, late)))

    def _reaches_back(self, new: Columns) -> NDArray[np.bool_]:
        """Which new rows may change what earlier facts say: what they touch is folded again."""
        late = np.isin(new.effect, _REFOLDED)
        late |= (new.effect == Effect.JUNK_IF_ONE) & (new.value == 1)
        late |= (new.effect == Effect.CLOSED) & np.isin(new.reference, self._awaited)
        return late

    def _remember(self, new: Columns) -> None:
        """Referrals whose closed business would make a client's word count."""
        named = new.reference[(new.effect == Effect.CLIENT) & (new.reference != 0)]
        if len(named):
            self._awaited = np.union1d(self._awaited, named)

    def _note_ahead(self, new: Columns) -> None:
        ahead = new.day > self._day
        if ahead.any():
            self._ahead = np.concatenate([self._ahead, ends(new, ahead)])

    def _due(self) -> NDArray[np.int64]:
        """What lay ahead and does no more."""
        due = self._ahead[:, 2] <= self._day
        found, self._ahead = self._ahead[due], self._ahead[~due]
        return found


_NOTHING = np.empty((0, 3), np.int64)


def snapshot_at(
    ledger: Ledger, position: int, day: int, threads: int = 1, model: str = MODEL
) -> Snapshot:
    """The scores at any position and day, folded from the beginning."""
    columns = ledger.columns(position)
    policy = evidence.policy(columns)
    accumulators = empty(policy)
    roll = evidence.Roll()
    roll.read(columns)
    accumulators.grow(roll.members)
    accumulators.fold(evidence.events(evidence.rows_of(columns), day))
    scores = score(accumulators, day, standing=roll.standing(), model=model, threads=threads)
    return scored(ledger, columns, accumulators, roll, policy, scores, model)


def claim_of(snapshot: Snapshot, network: UUID) -> PublishScores:
    """What states in the log that the scores are these."""
    return PublishScores(
        network=NetworkId(network),
        position=snapshot.position,
        day=snapshot.day,
        model=snapshot.model,
        digest=snapshot.digest,
    )


def check_claim(snapshot: Snapshot, model: str, digest: str) -> None:
    """Raises InvalidRequest unless a snapshot is of that model and has that digest."""
    made = {"model": (model, snapshot.model), "digest": (digest, snapshot.digest)}
    for name, (claimed, found) in made.items():
        if claimed != found:
            raise InvalidRequest(
                f"at position {snapshot.position} and day {snapshot.day} the {name} of the scores "
                f"is {found}, not {claimed}; read the scores again and state what they say",
                field=name,
                position=snapshot.position,
                day=snapshot.day,
                found=found,
                claimed=claimed,
            )


def scored(
    ledger: Ledger,
    columns: Columns,
    accumulators: Accumulators,
    roll: evidence.Roll,
    policy: evidence.Policy,
    scores: Scores,
    model: str,
) -> Snapshot:
    """What goes with scores of evidence that was folded from rows of a ledger."""
    return Snapshot(
        position=len(columns),
        day=scores.day,
        scores=scores,
        members=ledger.fold.members[: roll.members],
        active=roll.active(),
        columns=columns,
        roll=roll,
        policy=policy,
        accumulators=accumulators,
        model=model,
        ledger=ledger,
    )


def empty(policy: evidence.Policy) -> Accumulators:
    """Accumulators of nobody, under a network's policies."""
    return Accumulators(decay=policy.decay, uniform=policy.uniform, value_half=policy.value_half)


def refold(
    accumulators: Accumulators,
    columns: Columns,
    day: int,
    pairs: NDArray[np.int64],
    members: NDArray[np.int64],
    left_out: NDArray[np.int64] = evidence.NO_POSITIONS,
) -> None:
    """Fold what `touched` names again, from the beginning of these rows up to a day.

    left_out: positions of facts that shall never have happened (`evidence.located`).
    """
    if len(members) == 0:
        return
    rows = evidence.rows_on(columns, pairs, members, accumulators.n)
    _, again = evidence.located(rows, day, left_out=left_out)
    accumulators.reset(pairs, members)
    accumulators.fold(again.select(again.touching(pairs, members)))


def ends(columns: Columns, chosen: NDArray[np.bool_] | NDArray[np.int64]) -> NDArray[np.int64]:
    """Giver, receiver and day of rows chosen by mask or index, int64[rows, 3]."""
    found = (columns.giver[chosen], columns.receiver[chosen], columns.day[chosen])
    return np.stack(found, axis=1).astype(np.int64)


def touched(rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Unordered pairs, int64[pairs, 2], and members in whose accumulators such rows are."""
    people = rows[:, :2]
    pairs = np.unique(np.sort(people[(people != NOBODY).all(axis=1)], axis=1), axis=0)
    members = np.unique(people)
    return pairs, members[members != NOBODY]
