"""What the ledger wants to know of facts, and the batch in which it is handed over.

The log decodes stored bytes into `FactBatch`es; `batch_of` builds the same from facts in memory.
Both follow the plan that a fact's own `COLUMNS` declares, so a new kind of fact needs no edit here.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from refnet.domain.facts import Effect, Recorded

STREAM = "stream"
OWN_ORIGIN = -1
"""Stands in `FactBatch.references` for the first fact of the row's own stream."""


@dataclass(slots=True)
class FactBatch:
    """Consecutive facts: equally long sequences, a fact to a row, in log order.

    after: position before the first. kinds, effects: numbers. givers, receivers, chapters: UUIDs as
    canonical text, or None. references: positions, or OWN_ORIGIN. dates: of the fact itself, as ISO
    text or `datetime.date`, or None. occur, record: microseconds. origins: position of the stream's
    first fact, 0 in that fact itself. commitments: 32 bytes each.
    joined: (row, member) of inductions; opened: (row, chapter, time zone) of charters.
    """

    after: int
    kinds: bytearray = field(default_factory=bytearray)
    effects: bytearray = field(default_factory=bytearray)
    givers: list[str | None] = field(default_factory=list)
    receivers: list[str | None] = field(default_factory=list)
    chapters: list[str | None] = field(default_factory=list)
    values: list[int] = field(default_factory=list)
    references: list[int] = field(default_factory=list)
    dates: list[str | dt.date | None] = field(default_factory=list)
    occur: list[int] = field(default_factory=list)
    record: list[int] = field(default_factory=list)
    origins: list[int] = field(default_factory=list)
    commitments: list[bytes] = field(default_factory=list)
    joined: list[tuple[int, str]] = field(default_factory=list)
    opened: list[tuple[int, str, str]] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.kinds)

    def introduce(self, row: int, fact: Any, fact_type: Any, stream: str) -> None:
        """Note whom a row's fact makes known, if anybody. stream: canonical text."""
        spec = fact_type.COLUMNS
        if spec.zone is not None:
            self.opened.append((row, stream, getattr(fact, spec.zone)))
        elif spec.effect is Effect.JOIN:
            self.joined.append((row, stream))


def needed_fields(fact_type: Any) -> tuple[str, ...]:
    """Fields that a fact's row is made of; all unsealed ones if it needs a function."""
    spec = fact_type.COLUMNS
    named = {spec.giver, spec.receiver, spec.chapter, spec.day, spec.reference, spec.zone}
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
    batch: FactBatch | None = None
    for fact, recorded, commitment in facts:
        if batch is None:
            batch = FactBatch(recorded.position - 1)
        spec = fact.COLUMNS
        batch.introduce(len(batch), fact, fact, str(recorded.stream))
        batch.kinds.append(spec.kind)
        batch.effects.append(spec.effect)
        batch.givers.append(_id(fact, spec.giver, recorded.stream))
        batch.receivers.append(_id(fact, spec.receiver, recorded.stream))
        batch.chapters.append(_id(fact, spec.chapter, recorded.stream))
        batch.values.append(_value(fact))
        batch.references.append(
            OWN_ORIGIN if spec.reference is None else getattr(fact, spec.reference)
        )
        batch.dates.append(None if spec.day is None else getattr(fact, spec.day))
        batch.occur.append(recorded.occur_time)
        batch.record.append(recorded.record_time)
        batch.origins.append(0 if recorded.version == 1 else recorded.origin)
        batch.commitments.append(commitment)
    return FactBatch(0) if batch is None else batch


def _id(fact: Any, name: str | None, stream: UUID) -> str | None:
    if name is None:
        return None
    found = stream if name == STREAM else getattr(fact, name)
    return None if found is None else str(found)


def _value(fact: Any) -> int:
    value = fact.COLUMNS.value
    if value is None:
        return 0
    found: int = value(fact) if callable(value) else getattr(fact, value)
    return found
