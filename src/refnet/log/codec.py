"""Facts to canonical bytes and back.

The stored state of a fact is frozen:

    {"acting_member":"<uuid>"|null,"data":{fields},"occur_time":int,"origin":int,"principal":str,
     "record_time":int,"request_id":str}

as canonical JSON: UTF-8, keys sorted, no spaces, integers only, strings escaped as little as JSON
allows. `origin` is the position of the stream's first fact, and 0 in that fact itself. Stream,
version, topic and position are columns and not repeated. A personal field that is set is stored as
{"epoch":int,"sha256":hex,"subject":"<uuid>"}; its text never comes here.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import Any, Generic, TypeVar
from uuid import UUID

import msgspec

from refnet.domain.decisions import Noun
from refnet.domain.facts import Recorded
from refnet.domain.values import Sealed
from refnet.errors import InvalidRequest, StoreDamaged

Upcast = Callable[[dict[str, Any]], dict[str, Any]]
Upcasts = Mapping[str, tuple[str, Upcast]]

UPCASTS: Upcasts = {}
"""Old fact name -> (next name, pure function from the old `data`, as plain JSON, to the new one).

Applied at the door, one step at a time, so that the rest of refnet knows only today's facts. The
stored bytes stay as they are. A personal field may not be renamed: its name is sealed in with the
text.
"""

T = TypeVar("T")

_ANY = 1 << 63
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, TypeError)


class _State(msgspec.Struct, Generic[T], frozen=True, forbid_unknown_fields=True):
    acting_member: UUID | None
    data: T
    occur_time: int
    origin: int
    principal: str
    record_time: int
    request_id: str


class _RecordTime(msgspec.Struct, frozen=True):
    record_time: int


class _Asked(msgspec.Struct, frozen=True):
    principal: str
    request_id: str


class Codec:
    """Knows every fact by its name. Holds no state; any thread may use it."""

    def __init__(self, nouns: Sequence[Noun], upcasts: Upcasts = UPCASTS) -> None:
        """Raises TypeError for facts that cannot be stored exactly, or share a name."""
        self._encoder = msgspec.json.Encoder(order="sorted")
        self._plain = msgspec.json.Decoder(_State[dict[str, Any]])
        self._time = msgspec.json.Decoder(_RecordTime)
        self._asked = msgspec.json.Decoder(_Asked)
        self._decoders: dict[str, msgspec.json.Decoder[Any]] = {}
        self._sealed: dict[str, tuple[str, ...]] = {}
        self._types: dict[str, type[Any]] = {}
        for noun in nouns:
            for kind in noun.facts:
                if kind.NAME in self._decoders:
                    raise TypeError(f"two facts are named {kind.NAME}")
                _check_storable(kind, kind.NAME)
                state: Any = _State
                self._decoders[kind.NAME] = msgspec.json.Decoder(state[kind])
                self._sealed[kind.NAME] = tuple(kind.SEALED)
                self._types[kind.NAME] = kind
        self._upcasts = upcasts
        for old, (new, _) in upcasts.items():
            if old in self._decoders or (new not in self._decoders and new not in upcasts):
                raise TypeError(
                    f"upcast {old} -> {new} leads nowhere, or its start is a fact of today"
                )

    def encode(self, fact: Any, recorded: Recorded) -> bytes:
        """The stored state. Raises TypeError, always, if a personal field still holds text.

        Raises InvalidRequest for text that is not Unicode.
        """
        self._assert_sealed(fact.NAME, fact)
        first = recorded.origin == recorded.position
        try:
            state = self._encoder.encode(
                _State(
                    recorded.acting_member,
                    fact,
                    recorded.occur_time,
                    0 if first else recorded.origin,
                    recorded.principal,
                    recorded.record_time,
                    recorded.request_id,
                )
            )
        except UnicodeEncodeError as error:
            raise InvalidRequest(
                "a text holds half a surrogate pair; send valid Unicode"
            ) from error
        # Types are hints: a float or a wrong class must be caught before it is kept for ever.
        self._decoders[fact.NAME].decode(state)
        return state

    def decode(
        self, position: int, stream: UUID, version: int, topic: str, state: bytes
    ) -> tuple[Any, Recorded]:
        """The fact and what the log added to it. Raises StoreDamaged, naming the position.

        position: 0 if not known; the answer says 0 then, and as origin what is stored.
        """
        try:
            if topic in self._decoders:
                read = self._decoders[topic].decode(state)
                canonical = self._encoder.encode(read)
            else:
                plain = self._plain.decode(state)
                canonical = self._encoder.encode(plain)
                read = self._upcast(topic, plain)
            self._assert_sealed(read.data.NAME, read.data)
        except (*_UNREADABLE, KeyError) as error:
            raise _damaged(position, topic, error) from error
        if canonical != state:
            raise _damaged(position, topic, "its bytes are not canonical")
        if (read.origin == 0) != (version == 1) or not 0 <= read.origin < (position or _ANY):
            raise _damaged(position, topic, f"version {version} cannot have origin {read.origin}")
        return read.data, Recorded(
            stream,
            version,
            position,
            read.origin or position,
            read.occur_time,
            read.record_time,
            read.principal,
            read.acting_member,
            read.request_id,
        )

    def record_time(self, position: int, state: bytes) -> int:
        """Only the record time of a stored state, in microseconds. Raises StoreDamaged."""
        try:
            return self._time.decode(state).record_time
        except _UNREADABLE as error:
            raise _damaged(position, "?", error) from error

    def asked(self, state: bytes) -> tuple[str, str]:
        """Only (principal, request id) of a stored state. Raises StoreDamaged."""
        try:
            found = self._asked.decode(state)
        except _UNREADABLE as error:
            raise _damaged(0, "?", error) from error
        return found.principal, found.request_id

    def topics(self, nouns: Sequence[Noun]) -> tuple[str, ...]:
        """Every name, also old ones, under which facts of these nouns may be stored."""
        names = {kind.NAME for noun in nouns for kind in noun.facts}
        return tuple(sorted(names | {old for old in self._upcasts if self._today(old) in names}))

    def _today(self, topic: str) -> str:
        while topic in self._upcasts:
            topic = self._upcasts[topic][0]
        return topic

    def _upcast(self, topic: str, plain: _State[dict[str, Any]]) -> Any:
        if topic not in self._upcasts:
            raise KeyError(f"no fact is named {topic!r}; was it written by a newer refnet?")
        data = plain.data
        while topic in self._upcasts:
            topic, step = self._upcasts[topic]
            data = step(data)
        return msgspec.structs.replace(
            plain, data=msgspec.convert(data, self._types[topic], str_keys=True)
        )

    def _assert_sealed(self, name: str, fact: Any) -> None:
        for field in self._sealed[name]:
            value = getattr(fact, field)
            if value is not None and not isinstance(value, Sealed):
                raise TypeError(f"{name}: field {field!r} is personal and is not sealed")


def _damaged(position: int, topic: str, why: object) -> StoreDamaged:
    return StoreDamaged(
        f"the fact at position {position} ({topic}) cannot be read: {why}; "
        "restore the log from a backup",
        position=position,
        topic=topic,
    )


_EXACT = (str, int, bool, UUID, dt.date, types.NoneType)


def _check_storable(hint: Any, where: str) -> None:
    """Raises TypeError unless every value of this type has one and only one canonical form."""
    hint = getattr(hint, "__supertype__", hint)
    parts = typing.get_args(hint)
    if parts:
        origin = typing.get_origin(hint)
        if origin not in (tuple, typing.Union, types.UnionType):
            raise TypeError(f"{where}: {hint} has no canonical form; use a tuple or a dataclass")
        for part in parts:
            if part is not Ellipsis:
                _check_storable(part, where)
    elif dataclasses.is_dataclass(hint):
        hints = typing.get_type_hints(hint)
        for field in dataclasses.fields(hint):
            _check_storable(hints[field.name], f"{where}.{field.name}")
    elif hint not in _EXACT and not (isinstance(hint, type) and issubclass(hint, StrEnum)):
        raise TypeError(f"{where}: {hint} cannot be stored exactly; use an integer or text")
