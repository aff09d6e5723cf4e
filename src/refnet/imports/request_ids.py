"""Request ids made of what a row says, so that the same row is never taken twice."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from uuid import UUID

Fingerprint = Callable[[str, bytes], bytes]
"""HMAC-SHA-256 under the store's own key: (label, content) -> 32 bytes."""

_VERSION_8 = 8 << 76
_VARIANT = 0b10 << 62
_FREE = ((1 << 128) - 1) & ~(0xF << 76) & ~(0b11 << 62)


class RequestIds:
    """Makes the request ids of one format.

    An HMAC and not a hash: who sees a request id must not be able to try out which row made it.
    """

    def __init__(self, form: str, fingerprint: Fingerprint) -> None:
        """form: the name of the file format; equal rows of other formats get other ids."""
        self._label = f"refnet/import/{form}/v1"
        self._fingerprint = fingerprint

    def of(self, *content: object) -> str:
        """The request id of these values, a UUID (version 8: made in a way of our own)."""
        digest = self._fingerprint(self._label, _pack(content))
        number = int.from_bytes(digest[:16])
        return str(UUID(int=number & _FREE | _VERSION_8 | _VARIANT))


class Repeats:
    """Counts identical rows: two equal rows of a file are two facts, the same row again is none."""

    def __init__(self) -> None:
        """Nothing was seen yet."""
        # Most rows come once: a set of 64-bit digests holds those in a third of a dict's memory.
        self._once: set[int] = set()
        self._often: dict[int, int] = {}

    def before(self, *content: object) -> int:
        """How many identical rows came before this one."""
        key = int.from_bytes(hashlib.blake2b(_pack(content), digest_size=8).digest())
        if key not in self._once:
            self._once.add(key)
            return 0
        count = self._often.get(key, 1)
        self._often[key] = count + 1
        return count


def _pack(content: tuple[object, ...]) -> bytes:
    """Unambiguous bytes: each value's text, preceded by its length."""
    texts = [str(value).encode() for value in content]
    return b"".join(len(text).to_bytes(4) + text for text in texts)
