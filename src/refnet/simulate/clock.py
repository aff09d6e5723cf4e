"""Simulated time and entropy, which wiring hands to the engine in place of the real ones."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from refnet.domain.ids import Entropy

Clock = Callable[[], int]
"""Microseconds since 1970, UTC."""

MINUTE = 60_000_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
WEEK = 7 * DAY

_BLOCK = 1 << 16


class SimulatedClock:
    """A clock that stands still until it is moved, and only moves forward."""

    def __init__(self, micros: int) -> None:
        self._micros = micros

    def __call__(self) -> int:
        """The simulated time in microseconds since 1970, UTC."""
        return self._micros

    def move(self, micros: int) -> None:
        """Move to a time. Raises ValueError if that lies in the past."""
        if micros < self._micros:
            raise ValueError(f"simulated time goes forward: {micros} is before {self._micros}")
        self._micros = micros


def seeded_entropy(seed: int, purpose: str = "engine") -> Entropy:
    """An endless stream of bytes made from a seed: SHAKE-256 over seed, purpose and a counter.

    For simulated stores only, whose secrets anybody who knows the seed can make again.
    """
    name = f"refnet/simulate/{purpose}/{seed}/".encode()
    block, used, number = b"", 0, 0

    def entropy(count: int) -> bytes:
        nonlocal block, used, number
        while len(block) - used < count:
            more = hashlib.shake_256(name + number.to_bytes(8)).digest(_BLOCK)
            block, used, number = block[used:] + more, 0, number + 1
        used += count
        return block[used - count : used]

    return entropy
