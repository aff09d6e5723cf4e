"""Ids that mean nothing, made from entropy that is handed in (RFC 9562)."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

Entropy = Callable[[int], bytes]
"""Returns that many random bytes."""

_VARIANT = 0b10 << 62


def uuid4(entropy: Entropy) -> UUID:
    """A random id, for people: it tells nothing, not even when it was made."""
    return UUID(bytes=entropy(16), version=4)


def uuid7(micros: int, entropy: Entropy) -> UUID:
    """An id that sorts by the time it was made, for activity, whose time is public anyway."""
    random = int.from_bytes(entropy(10))
    millis = (micros // 1000) & ((1 << 48) - 1)
    high = (millis << 16) | (7 << 12) | (random >> 68)
    return UUID(int=(high << 64) | _VARIANT | (random & ((1 << 62) - 1)))
