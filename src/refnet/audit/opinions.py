"""Scores by either implementation, in one shape: the slow reference, and the kernel beside it.

The reference shares the stored facts with the kernel and nothing else. Where both are asked, their
digests must be the same; the audit says so where they are not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol, TypeVar
from uuid import UUID

import numpy as np

from refnet import _reference, _reference_evidence
from refnet.audit.told import Told
from refnet.engine import left_out, snapshot_of
from refnet.errors import StoreDamaged
from refnet.scoring import ARRAYS, MODEL, score
from refnet.standings import Snapshot
from refnet.whatif import without

SECONDS_A_FACT = 100e-6
"""About what the reference takes for each fact of the log, before it was seen at work here."""

KEPT = 16
"""How many answers an opinion remembers."""

K = TypeVar("K")
V = TypeVar("V")


@dataclass(frozen=True, order=True)
class Moment:
    """What scores are made from: so many facts, read on a UTC day, by a version of the model."""

    position: int
    day: int
    model: str = MODEL


@dataclass(frozen=True)
class Scored:
    """Scores of everybody at a moment. arrays: those of ARRAYS, by name, by member number."""

    at: Moment
    members: Sequence[UUID]
    active: Sequence[bool]
    arrays: Mapping[str, Sequence[float]]
    digest: str

    @cached_property
    def numbers(self) -> dict[UUID, int]:
        """Member number by id."""
        return {member: number for number, member in enumerate(self.members)}

    @cached_property
    def ranks(self) -> list[int]:
        """1-based rank by number: active first, then score descending, then lower number."""
        scores, active = self.arrays["score"], self.active
        order = sorted(range(len(scores)), key=lambda j: (not active[j], -scores[j], j))
        found = [0] * len(order)
        for rank, number in enumerate(order, 1):
            found[number] = rank
        return found

    def score(self, member: UUID) -> float:
        """The score of a member; 0 for somebody who had none yet."""
        number = self.numbers.get(member)
        return 0.0 if number is None else self.arrays["score"][number]


class Opinion(Protocol):
    """Who scores."""

    name: str

    def scores(self, at: Moment) -> Scored:
        """The scores at a moment; made once, then remembered."""

    def aged(self, at: Moment, day: int) -> Sequence[float]:
        """Every score by member number, of what counts at a moment, on the same day or later."""

    def without(self, at: Moment, gone: tuple[int, ...]) -> Sequence[float]:
        """Every score by member number, if the facts at these positions had never happened."""


def _quiet() -> None:
    pass


def _keep(found: dict[K, V], key: K, value: V) -> None:
    """Remember the newest few: those of a whole history would fill the memory."""
    while len(found) >= KEPT:
        del found[next(iter(found))]
    found[key] = value


@dataclass
class Kernel:
    """The compiled kernel, on a ledger folded anew from rows that were checked."""

    told: Told
    changed: Mapping[str, float] = field(default_factory=dict)
    done: Callable[[], None] = _quiet
    name: str = "kernel"
    _snapshots: dict[Moment, Snapshot] = field(default_factory=dict)
    _scored: dict[Moment, Scored] = field(default_factory=dict)

    def snapshot(self, at: Moment) -> Snapshot:
        """Everything behind the scores at a moment, of a model as it is."""
        if at not in self._snapshots:
            found = snapshot_of(self.told.ledger, at.position, at.day, model=at.model)
            _keep(self._snapshots, at, found)
        return self._snapshots[at]

    def scores(self, at: Moment) -> Scored:
        """See `Opinion.scores`; with `changed`, of no model that there is."""
        if at not in self._scored:
            seen = self.snapshot(at)
            scores = seen.scores
            if self.changed:
                scores = score(
                    seen.accumulators,
                    at.day,
                    standing=seen.roll.standing(),
                    model=at.model,
                    changed=self.changed,
                )
            arrays = {name: each.tolist() for name, each in scores.arrays.items()}
            active = seen.active.tolist()
            _keep(self._scored, at, Scored(at, seen.members, active, arrays, scores.digest()))
            self.done()
        return self._scored[at]

    def aged(self, at: Moment, day: int) -> list[float]:
        """See `Opinion.aged`."""
        seen = self.snapshot(at)
        standing = seen.roll.standing()
        scores = score(seen.accumulators, day, standing=standing, model=at.model)
        self.done()
        found: list[float] = scores.score.tolist()
        return found

    def without(self, at: Moment, gone: tuple[int, ...]) -> list[float]:
        """See `Opinion.without`."""
        found: list[float] = without(self.snapshot(at), np.array(gone, np.int64)).score.tolist()
        self.done()
        return found

    def gone_with(self, at: Moment, positions: Sequence[int]) -> tuple[int, ...]:
        """These positions and what in their streams depends on them, rising."""
        found = left_out(self.told.reader, self.snapshot(at), positions)
        return tuple(found.tolist())


@dataclass
class Reference:
    """The slow reference, on the decoded facts. It remembers all it was asked."""

    told: Told
    done: Callable[[], None] = _quiet
    name: str = "reference"
    _scored: dict[Moment, Scored] = field(default_factory=dict)
    _others: dict[tuple[Moment, int, tuple[int, ...]], list[float]] = field(default_factory=dict)

    def scores(self, at: Moment) -> Scored:
        """See `Opinion.scores`."""
        if at not in self._scored:
            facts = self.told.facts[: at.position]
            members = _reference_evidence.members(facts, at.position)
            arrays = self._score(at, at.day, (), members)
            active = _reference_evidence.active(facts, at.position)
            digest = _reference.digest(arrays)
            _keep(self._scored, at, Scored(at, members, active, arrays, digest))
            self.done()
        return self._scored[at]

    def aged(self, at: Moment, day: int) -> list[float]:
        """See `Opinion.aged`."""
        return self._once(at, day, ())

    def without(self, at: Moment, gone: tuple[int, ...]) -> list[float]:
        """See `Opinion.without`."""
        return self._once(at, at.day, gone)

    def _once(self, at: Moment, day: int, gone: tuple[int, ...]) -> list[float]:
        key = at, day, gone
        if day == at.day and not gone:
            return [*self.scores(at).arrays["score"]]
        if key not in self._others:
            members = _reference_evidence.members(self.told.facts[: at.position], at.position)
            _keep(self._others, key, self._score(at, day, gone, members)["score"])
            self.done()
        return self._others[key]

    def _score(
        self, at: Moment, day: int, gone: tuple[int, ...], members: Sequence[UUID]
    ) -> dict[str, list[float]]:
        """What counts at a moment, without some facts, read on a day."""
        left = set(gone)
        facts = [told for told in self.told.facts[: at.position] if told[1].position not in left]
        policy = _reference_evidence.policy(facts, at.position)
        return _reference.score(
            len(members),
            _reference_evidence.events(facts, at.position, at.day, members),
            day,
            standing=_reference_evidence.standing(facts, at.position, members),
            uniform=policy.uniform,
            decay=policy.decay,
            value_half=policy.value_half,
            model=at.model,
        )


def disagreement(one: Scored, other: Scored) -> str | None:
    """What two opinions of one moment do not agree on; None where they are the same bits."""
    if one.digest == other.digest and list(one.members) == list(other.members):
        return None
    if list(one.members) != list(other.members):
        return "they do not know the same members"
    for number, member in enumerate(one.members):
        for name in ARRAYS:
            mine, theirs = one.arrays[name][number], other.arrays[name][number]
            if mine != theirs:
                return (
                    f"{name} of members/{member} is {mine!r} for one and {theirs!r} for the other"
                )
    raise StoreDamaged("two digests of the same numbers differ; the hash is broken")
