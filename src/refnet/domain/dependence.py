"""What could not have happened without something else: the rule by which facts are left out."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from refnet.domain.facts import Recorded


def with_dependents(facts: Iterable[tuple[Any, Recorded]], left_out: Collection[int]) -> list[int]:
    """Positions, rising: those to leave out of a stream, and what depends on them there.

    facts: all of one stream, in order. A fact depends on the stream's first one, on the last of
    those it needs (`NEEDS`) that came before it, and on the one of the same stream that its
    `reference` column names. Nothing is decided again.
    """
    gone: list[int] = []
    last: dict[str, int] = {}
    own: set[int] = set()
    origin = 0
    for happened, recorded in facts:
        kind, position = type(happened), recorded.position
        origin = origin or position
        needed = [last[name] for name in kind.NEEDS if name in last]
        depends = {origin, max(needed, default=origin)} - {position}
        if kind.COLUMNS.reference is not None:
            depends |= {getattr(happened, kind.COLUMNS.reference)} & own
        if position in left_out or not depends.isdisjoint(gone):
            gone.append(position)
        last[kind.NAME] = position
        own.add(position)
    return gone
