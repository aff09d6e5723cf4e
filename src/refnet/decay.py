"""The tables of exact forward decay (score-model section 3.1)."""

from __future__ import annotations

from functools import lru_cache

DECAY_BITS = 30
"""An entry at age 0 is 2**DECAY_BITS; entries stay below twice that."""


@lru_cache(maxsize=8)
def decay_table(half_life: int) -> tuple[int, ...]:
    """floor(2 ** (30 + f / half_life)) for f = 0 .. half_life - 1, half_life in days, at least 1.

    Exact: a guess in floating point is corrected against whole numbers, so that no platform's pow()
    reaches the result.
    """
    return tuple(_root(DECAY_BITS * half_life + age, half_life) for age in range(half_life))


def _root(bits: int, degree: int) -> int:
    """The greatest whole number whose power of that degree is at most 2**bits."""
    power = 1 << bits
    root = int(2.0 ** (bits / degree))
    while root**degree > power:
        root -= 1
    while (root + 1) ** degree <= power:
        root += 1
    return root
