"""What is left of single facts on a day, by the fields of evidence they went into."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from refnet import evidence
from refnet.accumulators import NOBODY, Accumulators, Events, Kind


def masses_left(events: Events, day: int, policy: evidence.Policy) -> list[dict[str, float]]:
    """The mass of each event on a day, in units of evidence, by field from a to b; none of them 0.

    Each is folded into accumulators of its own and read by the kernel. All of a field add up to
    what the pair or member has in it, but for what exact decay cuts off (2^-30 of a fact). Raises
    ValueError for an event after the day.
    """
    count = len(events)
    alone = Accumulators(
        2 * count, decay=policy.decay, uniform=policy.uniform, value_half=policy.value_half
    )
    one = 2 * np.arange(count, dtype=np.int32)
    other = one + np.int32(1)
    nobody = ~events.paired & (events.kind == Kind.CLIENT)
    first = np.where(nobody, np.int32(NOBODY), one).astype(np.int32)
    second = np.where(nobody, one, other).astype(np.int32)
    alone.fold(Events(events.day, events.kind, first, second, events.amount))
    found: list[dict[str, float]] = [{} for _ in range(count)]
    for field in alone.PAIR_FIELDS:
        _put(found, field, alone.masses(field, one, other, day))
    for field in alone.MEMBER_FIELDS:
        _put(found, field, alone.member_masses(field, day)[one])
    return found


def _put(found: list[dict[str, float]], field: str, masses: NDArray[np.float64]) -> None:
    for at in np.flatnonzero(masses).tolist():
        found[at][field] = masses.item(at)


def half_days(events: Events, day: int, policy: evidence.Policy) -> list[int | None]:
    """For each event the first day on which no more than half of its mass of `day` is left.

    All fields together; each is halved by its half-life. None if nothing fades or is left.
    """
    if not policy.decay:
        return [None] * len(events)
    now = _totals(events, day, policy)
    low = np.full(len(events), day)
    high = low + max(Accumulators.HALF_LIVES.values())
    while (high - low > 1).any():
        middle = (low + high) // 2
        for at in np.flatnonzero(high - low > 1).tolist():
            alone = events.select(np.array([at]))
            left = _totals(alone, middle.item(at), policy)[0]
            (high if 2.0 * left <= now[at] else low)[at] = middle[at]
    return [half if mass > 0.0 else None for half, mass in zip(high.tolist(), now, strict=True)]


def _totals(events: Events, day: int, policy: evidence.Policy) -> list[float]:
    return [math.fsum(masses.values()) for masses in masses_left(events, day, policy)]
