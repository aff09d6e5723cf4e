"""Ranks, percentiles and labels, slow and obvious: one member beside all others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

TENURE_DAYS_MIN = 84


def place(
    scores: Sequence[float], active: Sequence[bool], groups: Sequence[Any], number: int
) -> tuple[int, int, int, float | None]:
    """Rank, members, active members and percentile of a member in its group."""
    mates = [each for each in range(len(scores)) if groups[each] == groups[number]]
    ahead = [each for each in mates if _before(scores, active, each, number)]
    peers = [each for each in mates if active[each]]
    percentile = None
    if active[number]:
        less = sum(scores[each] < scores[number] for each in peers)
        same = sum(scores[each] == scores[number] for each in peers)
        percentile = 100 * (2 * less + same) / (2 * len(peers))
    return len(ahead) + 1, len(mates), len(peers), percentile


def label(give: float, take: float, balance: float, tenure: int) -> str:
    """A word for the balance of giving and taking, for a member of so many days."""
    if tenure < TENURE_DAYS_MIN or give + take < 1.5:
        return "INSUFFICIENT"
    if balance < 0.30:
        return "TAKER"
    return "GENEROUS" if balance > 0.65 else "BALANCED"


def _before(scores: Sequence[float], active: Sequence[bool], one: int, other: int) -> bool:
    """Whether one member is listed before another."""
    if active[one] != active[other]:
        return active[one]
    if scores[one] != scores[other]:
        return scores[one] > scores[other]
    return one < other
