"""What the ledger wants to know of facts, and the batch in which it is handed over.

The log decodes stored bytes into `FactBatch`es; `batch_of` builds the same from facts in memory.
Both follow the plan that a fact's own `COLUMNS` declares, so a new kind of fact needs no edit here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from refnet.domain.facts import Effect, Recorded
from refnet.ledger.calendar import day_number

STREAM = "stream"
OWN_ORIGIN = -1
"""Stands in `FactBatch.references` for the first fact of the row's own stream."""
NO_DAY = int(np.iinfo(np.int32).min)
"""Stands in `FactBatch.days` for "the day on which it occurred"."""


@dataclass(slots=True)
class FactBatch:
    """Consecutive facts: equally long columns, a fact to a row, in log order.

    after: position before the first. kinds, effects: uint8. givers, receivers, chapters: UUIDs as
    canonical text, or None. values: int64. references: int64 positions, or OWN_ORIGIN. days: int32,
    of the fact's own date, or NO_DAY. occur, record: int64 microseconds. origins: int64 position of
    the stream's first fact, 0 in that fact itself. commitments: 32 bytes each.
    joined: (row, member) of inductions; opened: (row, chapter, time zone) of charters.
    seated: (row, classification) of whoever takes a seat. named: (row, contact) of facts about one.
    """

    after: int
    kinds: NDArray[np.uint8]
    effects: NDArray[np.uint8]
    givers: list[str | None]
    receivers: list[str | None]
    chapters: list[str | None]
    values: NDArray[np.int64]
    references: NDArray[np.int64]
    days: NDArray[np.int32]
    occur: NDArray[np.int64]
    record: NDArray[np.int64]
    origins: NDArray[np.int64]
    commitments: list[bytes]
    joined: list[tuple[int, str]]
    opened: list[tuple[int, str, str]]
    seated: list[tuple[int, str]]
    named: list[tuple[int, str]]

    @classmethod
    def blank(cls, after: int, commitments: list[bytes]) -> FactBatch:
        """A batch with a row for every commitment, which `put` fills."""
        rows = len(commitments)
        values, occur, record, origins = np.zeros((4, rows), np.int64)
        return cls(
            after=after,
            kinds=np.zeros(rows, np.uint8),
            effects=np.zeros(rows, np.uint8),
            givers=[None] * rows,
            receivers=[None] * rows,
            chapters=[None] * rows,
            values=values,
            references=np.full(rows, OWN_ORIGIN, np.int64),
            days=np.full(rows, NO_DAY, np.int32),
            occur=occur,
            record=record,
            origins=origins,
            commitments=commitments,
            joined=[],
            opened=[],
            seated=[],
            named=[],
        )

    def __len__(self) -> int:
        return len(self.kinds)

    def put(self, row: int, kind: Any, fact: Any, stream: str) -> None:
        """Fill a row from a fact's fields, by attribute; times and origin are the caller's to fill.

        kind: the fact's class. fact: an instance, or anything with the `needed_fields`, in which
        ids and dates may be text. stream: canonical text. Raises KeyError, ValueError,
        OverflowError or TypeError for a fact that makes no row.
        """
        spec = kind.COLUMNS
        self.kinds[row], self.effects[row] = spec.kind, spec.effect
        self.givers[row] = _id(fact, spec.giver, stream)
        self.receivers[row] = _id(fact, spec.receiver, stream)
        self.chapters[row] = _id(fact, spec.chapter, stream)
        self.values[row] = spec.value_of(fact)
        if spec.reference is not None:
            self.references[row] = getattr(fact, spec.reference)
        if spec.day is not None:
            self.days[row] = day_number(getattr(fact, spec.day))
        if spec.zone is not None:
            self.opened.append((row, stream, getattr(fact, spec.zone)))
        elif spec.effect is Effect.JOIN:
            self.joined.append((row, stream))
        if spec.classification is not None:
            self.seated.append((row, getattr(fact, spec.classification)))
        contact = _id(fact, spec.contact, stream)
        if contact is not None:
            self.named.append((row, contact))


def needed_fields(fact_type: Any) -> tuple[str, ...]:
    """Fields that a fact's row is made of; all unsealed ones if it needs a function."""
    spec = fact_type.COLUMNS
    named = {spec.giver, spec.receiver, spec.chapter, spec.day, spec.reference, spec.zone}
    named |= {spec.classification, spec.contact}
    if callable(spec.value):
        named |= set(fact_type.__dataclass_fields__) - set(fact_type.SEALED)
    else:
        named.add(spec.value)
    return tuple(sorted(name for name in named if name not in (None, STREAM)))


def dashed(stream: str) -> str:
    """The canonical text of a UUID given as 32 hex digits."""
    return f"{stream[:8]}-{stream[8:12]}-{stream[12:16]}-{stream[16:20]}-{stream[20:]}"


def batch_of(facts: Iterable[tuple[Any, Recorded, bytes]]) -> FactBatch:
    """A batch from (fact, recorded, commitment) in log order; slow twin of the log's decoder."""
    given = list(facts)
    after = given[0][1].position - 1 if given else 0
    batch = FactBatch.blank(after, [commitment for _, _, commitment in given])
    for row, (fact, recorded, _) in enumerate(given):
        batch.put(row, fact, fact, str(recorded.stream))
        batch.occur[row] = recorded.occur_time
        batch.record[row] = recorded.record_time
        batch.origins[row] = 0 if recorded.version == 1 else recorded.origin
    return batch


def _id(fact: Any, name: str | None, stream: str) -> str | None:
    if name is None:
        return None
    found: UUID | str | None = stream if name == STREAM else getattr(fact, name)
    return None if found is None else str(found)
