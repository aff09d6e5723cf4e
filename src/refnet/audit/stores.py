"""Two stores of one log side by side: the first position at which they differ, and what there."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from refnet.domain.nouns import NOUNS
from refnet.errors import StoreDamaged
from refnet.log.codec import Codec
from refnet.log.reader import Reader, Row, check_commitments
from refnet.log.store import view_store

_COLUMNS = ("position", "stream", "version", "name", "state", "salt", "commitment")
_CHUNK = 2048

NOTHING = "nothing"
"""What a store holds at a position that its log does not reach."""


@dataclass(frozen=True)
class Difference:
    """The first position at which two logs differ.

    what: what one and the other say, by column; of the state by field, such as data.rating.
    damaged: for one and the other, whether the row there is not what its commitment says.
    """

    position: int
    what: dict[str, tuple[str, str]]
    damaged: tuple[bool, bool]


@contextmanager
def open_rows(data: Path) -> Iterator[tuple[UUID, Reader]]:
    """The id of the log in a directory and its rows, also of one too damaged to open otherwise.

    Raises NotFound, StoreDamaged.
    """
    with closing(view_store(data)) as store, closing(store.reader(Codec(NOUNS))) as reader:
        yield store.log, reader


def first_difference(
    one: Reader, other: Reader, upto: int, advance: Callable[[int], None] = lambda _: None
) -> Difference | None:
    """The first position up to `upto` at which two logs differ; None if they are the same there.

    advance: told how many rows are the same. Raises StoreDamaged where a position is missing.
    """
    after = 0
    while after < upto:
        stop = min(after + _CHUNK, upto)
        mine, theirs = one.rows(after, stop, _CHUNK), other.rows(after, stop, _CHUNK)
        if mine != theirs:
            return _difference(after, mine, theirs)
        if not mine:
            return None  # both end here
        after = mine[-1][0]
        advance(after)
    return None


def _difference(after: int, mine: list[Row], theirs: list[Row]) -> Difference:
    for at, (row, other) in enumerate(zip(mine, theirs, strict=False)):
        if row != other:
            return Difference(after + at + 1, _what(row, other), (_bad(row), _bad(other)))
    at = min(len(mine), len(theirs))
    ends = [rows[at][3] if len(rows) > at else NOTHING for rows in (mine, theirs)]
    bad = [len(rows) > at and _bad(rows[at]) for rows in (mine, theirs)]
    return Difference(after + at + 1, {"name": (ends[0], ends[1])}, (bad[0], bad[1]))


def _what(row: Row, other: Row) -> dict[str, tuple[str, str]]:
    found: dict[str, tuple[str, str]] = {}
    for name, mine, theirs in zip(_COLUMNS, row, other, strict=True):
        if mine != theirs and name == "state":
            found |= _in_state(row[4], other[4])
        elif mine != theirs:
            found[name] = (_text(mine), _text(theirs))
    return found


def _in_state(one: bytes, other: bytes) -> dict[str, tuple[str, str]]:
    try:
        mine, theirs = (dict(_leaves("", json.loads(each))) for each in (one, other))
    except (ValueError, TypeError, RecursionError):  # no JSON any more
        return {"state": (_text(one), _text(other))}
    names = [name for name in {**mine, **theirs} if mine.get(name) != theirs.get(name)]
    # Bytes that differ while all values are the same are not canonical.
    return {name: (mine.get(name, NOTHING), theirs.get(name, NOTHING)) for name in names} or {
        "state": (_text(one), _text(other))
    }


def _leaves(path: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for name, each in value.items():
            yield from _leaves(f"{path}.{name}" if path else name, each)
    else:
        yield path, json.dumps(value)


def _text(value: object) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)


def _bad(row: Row) -> bool:
    try:
        check_commitments([row])
    except StoreDamaged:
        return True
    return False
