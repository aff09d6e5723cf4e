"""From stored rows to the ledger's batches, reading only the fields a row is made of."""

from __future__ import annotations

import typing
from collections.abc import Iterable, Sequence
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

    def batch(self, rows: Sequence[StoredRow]) -> FactBatch:
        """The batch of consecutive rows. Raises StoreDamaged, naming the position."""
        batch = FactBatch(rows[0][0] - 1 if rows else 0)
        occur, record, origins = batch.occur, batch.record, batch.origins
        added: dict[str, tuple[Any, Any, Any, Any]] = {}
        known = self._decode
        for index, (position, originator, version, topic, state, _, commitment) in enumerate(rows):
            try:
                adders = added.get(topic)
                if adders is None:
                    if topic not in known:
                        self._add_old(batch, index, rows[index])
                        continue
                    decode, kind = known[topic]
                    group = batch.group(kind)
                    adders = (
                        decode,
                        group.rows.append,
                        group.streams.append,
                        group.facts.append,
                    )
                    added[topic] = adders
                decode, add_row, add_stream, add_fact = adders
                read = decode(state)
            except msgspec.DecodeError as error:
                raise StoreDamaged(
                    f"the fact at position {position} ({topic}) cannot be read: {error}; "
                    "restore the log from a backup",
                    position=position,
                    topic=topic,
                ) from error
            add_row(index)
            add_stream(originator)
            add_fact(read.data)
            occur.append(read.occur_time)
            record.append(read.record_time)
            origins.append(read.origin)
            batch.commitments.append(commitment)
        return batch

    def _add_old(self, batch: FactBatch, index: int, row: StoredRow) -> None:
        """A fact stored under an old name goes through the codec, which lifts it to today's shape."""
        position, originator, version, topic, state, _, commitment = row
        fact, recorded = self._codec.decode(position, UUID(originator), version, topic, state)
        group = batch.group(type(fact))
        group.rows.append(index)
        group.streams.append(originator)
        group.facts.append(fact)
        batch.occur.append(recorded.occur_time)
        batch.record.append(recorded.record_time)
        batch.origins.append(0 if version == 1 else recorded.origin)
        batch.commitments.append(commitment)


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


def _plain(hint: Any) -> Any:
    """The JSON type of a field: ids, dates and enumerations stay text."""
    hint = getattr(hint, "__supertype__", hint)
    arguments = [each for each in typing.get_args(hint) if each is not type(None)]
    if arguments:
        return _plain(arguments[0]) | None
    return hint if hint in (int, bool) else str
