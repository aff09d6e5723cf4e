"""Where a member stands among all, in the home chapter and in the profession."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from refnet.standings import Snapshot


@dataclass(frozen=True, slots=True)
class Place:
    """A member's place in a group.

    rank: from 1, in the order of the whole network: active members first, then score descending,
    then lower number. members: how many the group has, everyone ever inducted whose seat, or last
    one, is there. active: how many of them are active. percentile: of an active member, the share
    of the active members who score less, in percent, those with the very same score (the member
    too) counted half; above 0 and below 100, 50 for who is alone. None for who is not active.
    """

    rank: int
    members: int
    active: int
    percentile: float | None


@dataclass(frozen=True, slots=True)
class Standing:
    """A member's places. chapter, classification: numbers of the ledger."""

    network: Place
    in_chapter: Place
    in_classification: Place
    chapter: int
    classification: int


@dataclass(frozen=True, slots=True, eq=False)
class _Ranks:
    """Of each member by number; every array is int64[n].

    group, rank in it, members and active ones that it has; of an active member, how many active
    ones score less, and how many the same.
    """

    group: NDArray[np.int64]
    rank: NDArray[np.int64]
    members: NDArray[np.int64]
    active: NDArray[np.int64]
    less: NDArray[np.int64]
    same: NDArray[np.int64]

    def place(self, number: int) -> Place:
        """The place of one member."""
        active, same = self.active.item(number), self.same.item(number)
        percentile = None
        if same:  # whole numbers up to the one division
            percentile = 100 * (2 * self.less.item(number) + same) / (2 * active)
        return Place(self.rank.item(number), self.members.item(number), active, percentile)


def standing_of(snapshot: Snapshot, number: int) -> Standing:
    """Where a member stands. Raises ValueError for an unknown number."""
    if not 0 <= number < snapshot.scores.n:
        raise ValueError("no member has that number")
    network, chapter, classification = snapshot.once(_ranked)
    return Standing(
        network=network.place(number),
        in_chapter=chapter.place(number),
        in_classification=classification.place(number),
        chapter=chapter.group.item(number),
        classification=classification.group.item(number),
    )


def listed(
    snapshot: Snapshot, chapter: int | None = None, classification: int | None = None
) -> NDArray[np.intp]:
    """Member numbers by rank of those whose seat, or last one, is there; None: no matter where."""
    order = snapshot.order
    if chapter is not None:
        order = order[snapshot.roll.home()[order] == chapter]
    if classification is not None:
        order = order[snapshot.roll.classification()[order] == classification]
    return order


def _ranked(snapshot: Snapshot) -> tuple[_Ranks, _Ranks, _Ranks]:
    everyone = np.zeros(snapshot.scores.n, np.int64)
    return (
        _ranks(snapshot, everyone),
        _ranks(snapshot, snapshot.roll.home().astype(np.int64)),
        _ranks(snapshot, snapshot.roll.classification()),
    )


def _ranks(snapshot: Snapshot, group: NDArray[np.int64]) -> _Ranks:
    _, inner = np.unique(group, return_inverse=True)
    order = snapshot.order
    order = order[np.argsort(inner[order], kind="stable")]
    rank = np.empty(len(group), np.int64)
    rank[order] = _since(_begins(inner[order])) + 1
    active = np.flatnonzero(snapshot.active)
    score = snapshot.scores.score
    rising = active[np.lexsort((score[active], inner[active]))]
    new_group = _begins(inner[rising])
    new_score = new_group | _begins(score[rising])
    less, same = np.zeros((2, len(group)), np.int64)
    less[rising] = _since(new_group) - _since(new_score)
    run = np.cumsum(new_score) - 1
    same[rising] = np.bincount(run)[run]
    counts = np.bincount(inner), np.bincount(inner[active], minlength=len(group))
    return _Ranks(group, rank, counts[0][inner], counts[1][inner], less, same)


def _begins(values: NDArray[np.generic]) -> NDArray[np.bool_]:
    """Where a value differs from the one before; the first one does."""
    begins = np.ones(len(values), bool)
    begins[1:] = values[1:] != values[:-1]
    return begins


def _since(begins: NDArray[np.bool_]) -> NDArray[np.int64]:
    """How many places ago the last run began."""
    places = np.arange(len(begins))
    return places - np.maximum.accumulate(np.where(begins, places, 0))
