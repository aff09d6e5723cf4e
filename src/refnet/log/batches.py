"""From stored rows to the ledger's batches, reading only the fields a row is made of."""

from __future__ import annotations

import dataclasses
import hashlib
import typing
from collections import defaultdict
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec

from refnet.domain.decisions import Noun
from refnet.errors import StoreDamaged
from refnet.ledger.extract import FactBatch, needed_fields
from refnet.log.codec import Codec

StoredRow = tuple[int, str, int, str, bytes, bytes, bytes]
"""position, originator_id as 32 hex digits, version, topic, state, salt, commitment."""


class Extractor:
    """Decodes rows into `FactBatch`es. Holds no state; any thread may use it."""

    def __init__(self, nouns: Sequence[Noun], codec: Codec) -> None:
        self._codec = codec
        self._decode: dict[str, tuple[Any, Any]] = {}
        for noun in nouns:
            for kind in noun.facts:
                self._decode[kind.NAME] = (_decoder(kind).decode, kind)
        plans = sorted(f"{name} {_plan(kind)}" for name, (_, kind) in self._decode.items())
        self.plan = hashlib.sha256("\n".join(plans).encode()).hexdigest()
        """Changes when a fact gets another row. Not with the inside of a function that makes a value."""

    def batch(self, rows: Sequence[StoredRow]) -> FactBatch:
        """The batch of consecutive rows. Raises StoreDamaged, naming the position."""
        batch = FactBatch(rows[0][0] - 1 if rows else 0)
        self.add(batch, rows)
        return batch

    def add(self, batch: FactBatch, rows: Sequence[StoredRow]) -> None:
        """Put the rows that follow into a batch. Raises StoreDamaged; the batch is lost then.

        Few at a time is faster: what was read is still in the processor's cache when it is decoded.
        """
        start = len(batch)
        places: defaultdict[str, list[int]] = defaultdict(list)
        for index, row in enumerate(rows):
            places[row[3]].append(index)
        for topic, indices in places.items():
            chosen = [rows[index] for index in indices]
            at = [start + index for index in indices]
            if topic in self._decode:
                self._add(batch, at, topic, chosen)
            else:
                self._add_old(batch, at, chosen)
        batch.commitments += [row[6] for row in rows]

    def _add(self, batch: FactBatch, at: list[int], topic: str, rows: list[StoredRow]) -> None:
        """Add rows of one kind: only the fields of the ledger are read, no domain object is made."""
        decode, kind = self._decode[topic]
        try:
            read = [decode(row[4]) for row in rows]
        except (msgspec.DecodeError, TypeError) as error:
            raise _unreadable(decode, rows) from error
        group = batch.group(kind)
        group.rows += at
        group.streams += [row[1] for row in rows]
        group.facts += [each.data for each in read]
        group.occur += [each.occur_time for each in read]
        group.record += [each.record_time for each in read]
        group.origins += [each.origin for each in read]

    def _add_old(self, batch: FactBatch, at: list[int], rows: list[StoredRow]) -> None:
        """Add facts stored under an old name: the codec lifts them to today's shape."""
        for index, row in zip(at, rows, strict=True):
            position, originator, version, topic, state, _, _ = row
            stream = UUID(originator)
            batch.add(index, *self._codec.decode(position, stream, version, topic, state))


def _unreadable(decode: Any, rows: Sequence[StoredRow]) -> StoreDamaged:
    """What is wrong with the first of the rows that cannot be decoded."""
    for position, _, _, topic, state, _, _ in rows:
        try:
            decode(state)
        except (msgspec.DecodeError, TypeError) as error:
            return StoreDamaged(
                f"the fact at position {position} ({topic}) cannot be read: {error}; "
                "restore the log from a backup",
                position=position,
                topic=topic,
            )
    raise AssertionError("every row can be decoded")


def _decoder(kind: Any) -> msgspec.json.Decoder[Any]:
    hints = typing.get_type_hints(kind)
    fields = [(name, _plain(hints[name])) for name in needed_fields(kind)]
    data: Any = msgspec.defstruct(f"{kind.__name__}Row", fields, gc=False)
    state: Any = msgspec.defstruct(
        "StoredState",
        [("data", data), ("occur_time", int), ("origin", int), ("record_time", int)],
        gc=False,
    )
    return msgspec.json.Decoder(state)


def _plan(kind: Any) -> list[tuple[str, Any]]:
    columns = dataclasses.asdict(kind.COLUMNS)
    return [(name, getattr(what, "__name__", what)) for name, what in columns.items()]


def _plain(hint: Any) -> Any:
    """The JSON type of a field: ids, dates and enumerations stay text."""
    hint = getattr(hint, "__supertype__", hint)
    arguments = [each for each in typing.get_args(hint) if each is not type(None)]
    if arguments:
        return _plain(arguments[0]) | None
    return hint if hint in (int, bool) else str
