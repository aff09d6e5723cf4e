"""The ledger's columns: one row a fact, 46 bytes, row index = position - 1."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

NOBODY = -1
"""Stands in giver, receiver and chapter for "none"."""

NO_CONTACT = 0

_KEY_BITS = (1 << 63) - 1


@dataclass(frozen=True, slots=True)
class Columns:
    """Equally long columns.

    day, chapter_day: int32 days since 1970, UTC and in the chapter's time zone.
    kind: uint8, the fact's number. effect: uint8, what the score model reads in it.
    giver, receiver: int32 member numbers in order of joining; chapter: int32 in order of charter.
    value: int64, meaning depends on kind. reference: int64 position, 0 for none.
    contact: int64, `contact_key` of the contact that the fact names, 0 for none.
    """

    day: NDArray[np.int32]
    chapter_day: NDArray[np.int32]
    kind: NDArray[np.uint8]
    effect: NDArray[np.uint8]
    giver: NDArray[np.int32]
    receiver: NDArray[np.int32]
    chapter: NDArray[np.int32]
    value: NDArray[np.int64]
    reference: NDArray[np.int64]
    contact: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.day)

    def __iter__(self) -> Iterator[NDArray[np.generic]]:
        for name in DTYPES:
            yield getattr(self, name)

    def slice(self, start: int, stop: int) -> Columns:
        """Rows start..stop as views."""
        return columns_of(column[start:stop] for column in self)

    def take(self, rows: NDArray[np.intp]) -> Columns:
        """Chosen rows as copies."""
        return columns_of(column[rows] for column in self)


DTYPES: dict[str, np.dtype[np.generic]] = {
    "day": np.dtype("<i4"),
    "chapter_day": np.dtype("<i4"),
    "kind": np.dtype("u1"),
    "effect": np.dtype("u1"),
    "giver": np.dtype("<i4"),
    "receiver": np.dtype("<i4"),
    "chapter": np.dtype("<i4"),
    "value": np.dtype("<i8"),
    "reference": np.dtype("<i8"),
    "contact": np.dtype("<i8"),
}
"""Column name -> type, in the order in which rows are hashed and kept."""

ROW_BYTES = sum(kind.itemsize for kind in DTYPES.values())

assert [each.name for each in fields(Columns)] == list(DTYPES)


def contact_key(contact: UUID) -> int:
    """What stands for a contact in its column: 63 bits of the id, 62 of them random.

    So no list of contacts, which are many, has to be kept, saved and loaded with the ledger.
    """
    return contact.int & _KEY_BITS


def allocate(rows: int) -> Columns:
    """Columns for that many rows, zeroed."""
    return columns_of(np.zeros(rows, kind) for kind in DTYPES.values())


def columns_of(arrays: Iterable[Any]) -> Columns:
    """Columns from arrays in the order of DTYPES."""
    return Columns(*arrays)
