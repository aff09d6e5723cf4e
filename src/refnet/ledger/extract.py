"""What the ledger wants to know of a fact, and the batch in which it is handed over.

The log decodes stored bytes into `FactBatch`es; `batch_of` builds the same from facts in memory.
Both use the plan that a fact's own `COLUMNS` declares, so a new kind of fact needs no edit here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from refnet.domain.facts import Recorded

STREAM = "stream"


@dataclass(slots=True)
class Group:
    """Facts of one kind in a batch, and the rows of the batch at which they stand."""

    fact_type: Any
    rows: list[int] = field(default_factory=list)
    streams: list[str] = field(default_factory=list)
    facts: list[Any] = field(default_factory=list)


@dataclass(slots=True)
class FactBatch:
    """Consecutive facts, grouped by kind.

    after: position before the first. occur, record: microseconds. origins: position of the stream's
    first fact, 0 in that fact itself. commitments: 32 bytes each. Streams are 32 hex digits; other
    ids are UUIDs or their canonical text alike.
    """

    after: int
    occur: list[int] = field(default_factory=list)
    record: list[int] = field(default_factory=list)
    origins: list[int] = field(default_factory=list)
    commitments: list[bytes] = field(default_factory=list)
    groups: dict[str, Group] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.occur)

    def group(self, fact_type: Any) -> Group:
        """The group of a kind, made when it is first asked for."""
        found = self.groups.get(fact_type.NAME)
        if found is None:
            found = self.groups[fact_type.NAME] = Group(fact_type)
        return found


def needed_fields(fact_type: Any) -> tuple[str, ...]:
    """Fields that a fact's ledger row is made of; a value function may ask for any unsealed."""
    spec = fact_type.COLUMNS
    named = {spec.giver, spec.receiver, spec.chapter, spec.day, spec.reference, spec.zone}
    if callable(spec.value):
        named |= set(fact_type.__dataclass_fields__) - set(fact_type.SEALED)
    else:
        named.add(spec.value)
    return tuple(sorted(name for name in named if name not in (None, STREAM)))


def batch_of(facts: Iterable[tuple[Any, Recorded, bytes]]) -> FactBatch:
    """A batch from (fact, recorded, commitment) in log order: the decoder's slow twin."""
    batch: FactBatch | None = None
    for fact, recorded, commitment in facts:
        if batch is None:
            batch = FactBatch(recorded.position - 1)
        group = batch.group(type(fact))
        group.rows.append(len(batch))
        group.streams.append(recorded.stream.hex)
        group.facts.append(fact)
        batch.occur.append(recorded.occur_time)
        batch.record.append(recorded.record_time)
        batch.origins.append(0 if recorded.version == 1 else recorded.origin)
        batch.commitments.append(commitment)
    return FactBatch(0) if batch is None else batch
