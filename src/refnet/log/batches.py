"""From stored rows to the ledger's batches, reading only the fields a row is made of."""

from __future__ import annotations

import dataclasses
import hashlib
import typing
from collections.abc import Sequence
from operator import attrgetter
from typing import Annotated, Any, Generic, TypeVar
from uuid import UUID

import msgspec

from refnet.domain.decisions import Noun
from refnet.domain.facts import Effect
from refnet.errors import StoreDamaged
from refnet.ledger.extract import OWN_ORIGIN, STREAM, FactBatch, dashed, needed_fields
from refnet.log.codec import Codec
from refnet.log.reader import BareRow, Row

T = TypeVar("T")


class Extractor:
    """Decodes rows into `FactBatch`es. Holds no state; any thread may use it."""

    def __init__(self, nouns: Sequence[Noun], codec: Codec) -> None:
        self._codec = codec
        self._types = {kind.NAME: kind for noun in nouns for kind in noun.facts}
        self._decode = {name: _decoder(kind).decode for name, kind in self._types.items()}
        self._about_stream = {name for name, kind in self._types.items() if _uses_stream(kind)}
        plans = sorted(f"{name} {_plan(kind)}" for name, kind in self._types.items())
        self.plan = hashlib.sha256("\n".join(plans).encode()).hexdigest()
        """Changes when the declaration of a fact's row does."""

    def batch(self, rows: Sequence[Row]) -> FactBatch:
        """The batch of consecutive rows. Raises StoreDamaged, naming the position."""
        return self._batch(rows[0][0] - 1 if rows else 0, rows, 1)

    def bare_batch(self, after: int, rows: Sequence[BareRow]) -> FactBatch:
        """As `batch`, of the rows that follow a position."""
        return self._batch(after, rows, 0)

    def _batch(self, after: int, rows: Sequence[tuple[Any, ...]], first: int) -> FactBatch:
        """Whole columns at a time, because steps of Python for every fact are what takes long.

        first: index of the originator_id in a row; version, topic and state come next.
        """
        decode, topic, state = self._decode, first + 2, first + 3
        names = [row[topic] for row in rows]
        try:
            read = [decode[row[topic]](row[state]) for row in rows]
        except (msgspec.DecodeError, TypeError, KeyError):
            names, read = self._read_with_care(after, [row[first : first + 4] for row in rows])
        facts = [each.data for each in read]
        batch = FactBatch(
            after=after,
            kinds=bytearray(map(_KIND, facts)),
            effects=bytearray(map(_EFFECT, facts)),
            givers=list(map(_GIVER, facts)),
            receivers=list(map(_RECEIVER, facts)),
            chapters=list(map(_CHAPTER, facts)),
            values=list(map(_VALUE, facts)),
            references=list(map(_REFERENCE, facts)),
            dates=list(map(_DAY, facts)),
            occur=[each.occur_time for each in read],
            record=[each.record_time for each in read],
            origins=[each.origin for each in read],
            commitments=[row[-1] for row in rows],
        )
        about_stream = self._about_stream
        for index in [at for at, name in enumerate(names) if name in about_stream]:
            self._put_stream(
                batch, index, self._types[names[index]], facts[index], rows[index][first]
            )
        return batch

    def _put_stream(
        self, batch: FactBatch, index: int, kind: Any, fact: Any, originator: str
    ) -> None:
        """Complete a row that says something of the stream the fact belongs to."""
        spec = kind.COLUMNS
        stream = dashed(originator)
        if spec.giver == STREAM:
            batch.givers[index] = stream
        if spec.receiver == STREAM:
            batch.receivers[index] = stream
        if spec.chapter == STREAM:
            batch.chapters[index] = stream
        batch.introduce(index, fact, kind, stream)

    def _read_with_care(
        self, after: int, rows: list[tuple[Any, ...]]
    ) -> tuple[list[str], list[Any]]:
        """Today's names and what is read, for rows of which some are not as expected."""
        names, read = [], []
        for position, (originator, version, topic, state) in enumerate(rows, after + 1):
            name, today = topic, state
            if topic not in self._types:
                # Stored under an old name: the codec lifts it to today's shape.
                stream = UUID(originator)
                fact, recorded = self._codec.decode(position, stream, version, topic, state)
                name, today = fact.NAME, self._codec.encode(fact, recorded)
            names.append(name)
            try:
                read.append(self._decode[name](today))
            except (msgspec.DecodeError, TypeError) as error:
                raise StoreDamaged(
                    f"the fact at position {position} ({topic}) cannot be read: {error}; "
                    "restore the log from a backup",
                    position=position,
                    topic=topic,
                ) from error
        return names, read


_KIND = attrgetter("row_kind")
_EFFECT = attrgetter("row_effect")
_GIVER = attrgetter("row_giver")
_RECEIVER = attrgetter("row_receiver")
_CHAPTER = attrgetter("row_chapter")
_VALUE = attrgetter("row_value")
_REFERENCE = attrgetter("row_reference")
_DAY = attrgetter("row_day")

_ROLES: dict[str, Any] = {
    "giver": None,
    "receiver": None,
    "chapter": None,
    "value": 0,
    "reference": OWN_ORIGIN,
    "day": None,
}
"""What stands in a row for which the fact's declaration names no field."""

_Count = Annotated[int, msgspec.Meta(ge=0, le=253_402_214_400_000_000)]
"""A position or a time, up to the year 9999: later ones have no calendar."""


class _State(msgspec.Struct, Generic[T], gc=False):
    data: T
    occur_time: _Count
    origin: _Count
    record_time: _Count


def _decoder(kind: Any) -> msgspec.json.Decoder[Any]:
    """Reads only the fields that a row needs, and lets each be asked for by its role in the row."""
    hints = typing.get_type_hints(kind)
    fields = [(name, _plain(hints[name])) for name in needed_fields(kind)]
    data: Any = msgspec.defstruct(f"{kind.__name__}Row", fields, gc=False)
    data.row_kind, data.row_effect = kind.COLUMNS.kind, int(kind.COLUMNS.effect)
    for role, absent in _ROLES.items():
        named = getattr(kind.COLUMNS, role)
        if callable(named):
            found: Any = property(named)
        elif named is None or named == STREAM:
            found = absent
        else:
            found = data.__dict__[named]
        setattr(data, f"row_{role}", found)
    state: Any = _State
    return msgspec.json.Decoder(state[data])


def _uses_stream(kind: Any) -> bool:
    spec = kind.COLUMNS
    introduces = spec.zone is not None or spec.effect is Effect.JOIN
    return introduces or STREAM in (spec.giver, spec.receiver, spec.chapter)


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
