"""The tree of RFC 6962 by its recursive definition, for comparison: slow, and sharing no line."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256


def head(leaves: Sequence[bytes]) -> bytes:
    """MTH (section 2.1)."""
    if not leaves:
        return sha256().digest()
    if len(leaves) == 1:
        return sha256(b"\x00" + leaves[0]).digest()
    k = power_below(len(leaves))
    return sha256(b"\x01" + head(leaves[:k]) + head(leaves[k:])).digest()


def path(m: int, leaves: Sequence[bytes]) -> list[bytes]:
    """PATH (section 2.1.1)."""
    if len(leaves) == 1:
        return []
    k = power_below(len(leaves))
    if m < k:
        return [*path(m, leaves[:k]), head(leaves[k:])]
    return [*path(m - k, leaves[k:]), head(leaves[:k])]


def proof(
    m: int,
    leaves: Sequence[bytes],
    whole: bool = True,  # noqa: FBT001, FBT002
) -> list[bytes]:
    """SUBPROOF (section 2.1.2)."""
    if m == len(leaves):
        return [] if whole else [head(leaves)]
    k = power_below(len(leaves))
    if m <= k:
        return [*proof(m, leaves[:k], whole), head(leaves[k:])]
    return [*proof(m - k, leaves[k:], whole=False), head(leaves[:k])]


def power_below(n: int) -> int:
    k = 1
    while 2 * k < n:
        k *= 2
    return k
