"""A network of the size of the largest there is: 350,000 members, 9 million ordered pairs.

Chapters of 30 whose members know each other, and acquaintances anywhere; every pair has some
evidence. Model events, not facts: what is measured on it is the kernel.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from refnet.accumulators import Accumulators, Events, Kind

CHAPTER = 30
DAYS = 720
_MATES, _STRANGERS = 11, 6
"""Whom a member has evidence about, on average, before the reverse is counted."""


def big_accumulators(members: int, seed: int = 1) -> Accumulators:
    """Evidence among so many members; about 27 pairs a member."""
    random = np.random.default_rng(seed)
    source = np.repeat(np.arange(members), _MATES + _STRANGERS)
    home = source // CHAPTER * CHAPTER
    mate = np.minimum(home + random.integers(0, CHAPTER, len(source)), members - 1)
    stranger = random.integers(0, members, len(source))
    is_mate = np.tile(np.arange(_MATES + _STRANGERS) < _MATES, members)
    target = np.where(is_mate, mate, stranger)
    keep = source != target
    source, target = source[keep], target[keep]
    kinds = (Kind.TESTIMONIAL, Kind.ACCEPTED, Kind.WON, Kind.CLOSED, Kind.MEETING)
    kind = random.choice(kinds, len(source), p=(0.3, 0.3, 0.1, 0.1, 0.2)).astype(np.uint8)
    amount = np.select(
        [kind == Kind.TESTIMONIAL, kind == Kind.MEETING, kind == Kind.CLOSED],
        [random.integers(-200, 1001, len(source)), 100, random.integers(1, 20_000, len(source))],
        0,
    )
    found = Accumulators(members)
    everyone = np.arange(members, dtype=np.int32)
    for attended in range(12):
        found.fold(_on_members(Kind.JOIN if attended == 0 else Kind.ATTENDANCE, attended, everyone))
    day = np.sort(random.integers(12, DAYS, len(source))).astype(np.int32)
    found.fold(Events(day, kind, source.astype(np.int32), target.astype(np.int32), amount))
    return found


def _on_members(kind: Kind, day: int, members: NDArray[np.int32]) -> Events:
    count = len(members)
    return Events(
        np.full(count, day, np.int32),
        np.full(count, kind, np.uint8),
        members,
        np.full(count, -1, np.int32),
        np.full(count, 1000, np.int64),
    )
