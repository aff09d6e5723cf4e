"""From stored rows to the ledger's batches, reading only the fields a row is made of."""

from __future__ import annotations

import dataclasses
import hashlib
import typing
from collections.abc import Sequence
from typing import Annotated, Any, Generic, TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from refnet.domain.decisions import Noun
from refnet.domain.facts import Effect
from refnet.errors import StoreDamaged
from refnet.ledger.extract import STREAM, FactBatch, dashed, needed_fields
from refnet.log._stored import ROLE_NAMES, TIME_MAX, Shape, read_rows
from refnet.log.codec import Codec
from refnet.log.reader import BareRow, Row, Streams
from refnet.log.tree import DIGEST_SIZE

T = TypeVar("T")


class Extractor:
    """Decodes rows into `FactBatch`es. Holds no state; any thread may use it.

    Two decoders: compiled code for facts of the common shapes with plain bytes, msgspec for all
    others. What the first one reads the second one reads too, which is what tests compare.
    """

    def __init__(self, nouns: Sequence[Noun], codec: Codec, *, compiled: bool = True) -> None:
        """compiled: False leaves everything to msgspec."""
        self._codec = codec
        self._types = {kind.NAME: kind for noun in nouns for kind in noun.facts}
        self._decode = {name: _decoder(kind).decode for name, kind in self._types.items()}
        shapes = {name: _shape(kind) for name, kind in self._types.items()} if compiled else {}
        self._shapes = {name: shape for name, shape in shapes.items() if shape is not None}
        plans = sorted(f"{name} {_plan(kind)}" for name, kind in self._types.items())
        self.plan = hashlib.sha256("\n".join(plans).encode()).hexdigest()
        """Changes when the declaration of a fact's row does."""

    def batch(self, rows: list[Row]) -> FactBatch:
        """The batch of consecutive rows. Raises StoreDamaged, naming the position."""
        batch = FactBatch.blank(rows[0][0] - 1 if rows else 0, [row[6] for row in rows])
        for index in read_rows(self._shapes, rows, 3, batch):
            self._read(batch, index, rows[index][1:5])
        return batch

    def bare_batch(self, after: int, rows: list[BareRow], streams: Streams) -> FactBatch:
        """As `batch`, of the rows that follow a position; `streams` is asked where needed."""
        batch = FactBatch.blank(after, [row[2] for row in rows])
        left = read_rows(self._shapes, rows, 0, batch)
        if left:
            found = streams([after + 1 + index for index in left])
            for index in left:
                topic, state, _ = rows[index]
                self._read(batch, index, (*found.get(after + 1 + index, _NO_STREAM), topic, state))
        return batch

    def _read(self, batch: FactBatch, index: int, fact: tuple[str, int, str, bytes]) -> None:
        try:
            _check_commitment(batch.commitments[index])
            self._put(batch, index, *fact)
        except _NO_FACT as error:
            raise _unreadable(batch.after + index + 1, fact[2], error) from error

    def _put(
        self, batch: FactBatch, index: int, originator: str, version: int, topic: str, state: bytes
    ) -> None:
        stream = dashed(originator)
        if UUID(stream).hex != originator:
            raise ValueError("it belongs to no stream")
        if topic not in self._types:
            # Stored under an old name: the codec lifts it to today's shape.
            position = batch.after + index + 1
            fact, recorded = self._codec.decode(position, UUID(stream), version, topic, state)
            topic, state = fact.NAME, self._codec.encode(fact, recorded)
        read = self._decode[topic](state)
        batch.put(index, self._types[topic], read.data, stream)
        if batch.opened and batch.opened[-1][0] == index:
            ZoneInfo(batch.opened[-1][2])
        batch.occur[index], batch.record[index] = read.occur_time, read.record_time
        batch.origins[index] = read.origin


_NO_STREAM = ("", 0)


def _check_commitment(commitment: object) -> None:
    if type(commitment) is not bytes or len(commitment) != DIGEST_SIZE:
        raise ValueError("it has no commitment")


_NO_FACT = (msgspec.DecodeError, TypeError, ValueError, KeyError, OverflowError, OSError)
"""What comes of bytes that make no row; the last of a time zone that is a folder."""


def _unreadable(position: int, topic: object, why: object) -> StoreDamaged:
    return StoreDamaged(
        f"the fact at position {position} ({topic}) cannot be read: {why}; "
        "restore the log from a backup",
        position=position,
        topic=topic,
    )


_Count = Annotated[int, msgspec.Meta(ge=0, le=TIME_MAX)]
"""A position or a time."""


class _State(msgspec.Struct, Generic[T], gc=False):
    data: T
    occur_time: _Count
    origin: _Count
    record_time: _Count


def _decoder(kind: Any) -> msgspec.json.Decoder[Any]:
    """Reads only the fields that a row needs."""
    hints = typing.get_type_hints(kind)
    fields = [(name, _plain(hints[name])) for name in needed_fields(kind)]
    data: Any = msgspec.defstruct(f"{kind.__name__}Row", fields, gc=False)
    state: Any = _State
    return msgspec.json.Decoder(state[data])


def _shape(kind: Any) -> Shape | None:
    """How compiled code reads a fact; None if only msgspec can, as with those that are few."""
    spec = kind.COLUMNS
    named_apart = spec.zone is not None or spec.classification is not None
    if callable(spec.value) or named_apart or spec.effect is Effect.JOIN:
        return None
    named = {role: getattr(spec, role, None) for role in ROLE_NAMES}
    if spec.codes is not None:
        named["code"], named["value"] = spec.value, None
    roles = {field: role for role, field in named.items() if field is not None}
    if STREAM in roles or len(roles) < sum(field is not None for field in named.values()):
        return None
    hints = typing.get_type_hints(kind)
    optional = {field for field in roles if type(None) in typing.get_args(hints[field])}
    return Shape(spec.kind, int(spec.effect), roles, optional, spec.codes or {})


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
