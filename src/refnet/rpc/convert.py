"""Single values between proto fields and the domain's types, chosen once per field.

`reader` and `writer` look at a field's descriptor and at the type hint on the other side, and
return a function that does nothing but convert. A pair that does not fit is a TypeError at
start-up, so proto and domain cannot drift apart unnoticed.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
import types
import typing
from collections.abc import Callable
from enum import StrEnum
from typing import Any
from uuid import UUID

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from google.protobuf.message_factory import GetMessageClass
from google.protobuf.timestamp_pb2 import Timestamp

from refnet.domain.values import MICROS_PER_SECOND
from refnet.errors import InvalidRequest
from refnet.rpc.naming import Names
from refnet.rpc.positions import Positions

Convert = Callable[[Any], Any]

_NANOS_PER_SECOND = 1_000_000_000
_TIMESTAMP = "google.protobuf.Timestamp"
_POSITION = "refnet.v1.LogPosition"
_PLAIN = {
    FieldDescriptor.TYPE_STRING: str,
    FieldDescriptor.TYPE_BOOL: bool,
    FieldDescriptor.TYPE_INT32: int,
    FieldDescriptor.TYPE_INT64: int,
    FieldDescriptor.TYPE_UINT32: int,
    FieldDescriptor.TYPE_UINT64: int,
}


def micros_of(time: Timestamp, *, field: str) -> int:
    """Microseconds since 1970; finer digits are dropped. Raises InvalidRequest."""
    nanos = time.nanos
    if not 0 <= nanos < _NANOS_PER_SECOND:
        raise InvalidRequest(
            f"{field}.nanos {nanos} is not in 0 to 999999999; count seconds in seconds",
            field=field,
            value=nanos,
        )
    return time.seconds * MICROS_PER_SECOND + nanos // 1000


def timestamp_of(micros: int) -> Timestamp:
    """A time in microseconds since 1970 as it travels."""
    seconds, rest = divmod(micros, MICROS_PER_SECOND)
    return Timestamp(seconds=seconds, nanos=rest * 1000)


def hints_of(kind: Any) -> dict[str, Any]:
    """Type hints of a dataclass's fields, without `| None`."""
    hints = typing.get_type_hints(kind)
    return {each.name: _some(hints[each.name]) for each in dataclasses.fields(kind)}


def reader(field: FieldDescriptor, hint: Any, names: Names, positions: Positions) -> Convert | None:
    """From a field's value to what a command holds; None: it is the same. Raises TypeError."""
    if field.is_repeated:
        (item,) = {each for each in typing.get_args(hint) if each is not ...}
        convert = _nested(field, item, names, positions)
        return lambda values: tuple(convert(value) for value in values)
    if field.enum_type is not None:
        return _enum_members(field.enum_type, hint).__getitem__
    if names.is_id(hint):
        return names.parser(hint, field.name)
    if hint is dt.date:
        return lambda text: _date(text, field.name)
    if _message(field) == _TIMESTAMP and hint is int:
        return lambda time: micros_of(time, field=field.name)
    if _message(field) == _POSITION and hint is int:
        return lambda position: positions.read(position, field=field.name)
    if _PLAIN.get(field.type) is hint:
        return None
    raise _mismatch(field, hint)


def writer(field: FieldDescriptor, hint: Any, names: Names, positions: Positions) -> Convert:
    """From what a state holds to a field's value; both may be None. Raises TypeError."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    convert: Convert
    entry = _map_entry(field)
    if entry is not None:
        key, value = entry.fields
        of_key, of_value = (
            writer(part, argument, names, positions)
            for part, argument in zip((key, value), arguments, strict=True)
        )
        return lambda table: {of_key(one): of_value(other) for one, other in table.items()}
    if field.is_repeated:
        convert = _item_writer(field, arguments[0], names, positions)
        if origin is frozenset:  # sorted, because a set has no order that could be promised
            return lambda values: sorted(convert(value) for value in values)
        return lambda values: [convert(value) for value in values]
    convert = _item_writer(field, hint, names, positions)
    return lambda value: None if value is None else convert(value)


def _item_writer(field: FieldDescriptor, hint: Any, names: Names, positions: Positions) -> Convert:
    if field.enum_type is not None:
        return _enum_numbers(field.enum_type, hint).__getitem__
    if names.is_id(hint):
        return names.formatter(hint)
    if hint is dt.date:
        return dt.date.isoformat
    message = _message(field)
    if message == _TIMESTAMP and hint is int:
        return timestamp_of
    if message == _POSITION and hint is int:
        return lambda position: positions.message(position) if position else None
    if message is not None and dataclasses.is_dataclass(hint):
        return writers(field.message_type, hint, names, positions)
    if _PLAIN.get(field.type) is hint:
        return lambda value: value
    raise _mismatch(field, hint)


def writers(descriptor: Any, kind: Any, names: Names, positions: Positions) -> Convert:
    """From a dataclass to a message whose fields are named as `attribute_of` says."""
    hints = hints_of(kind)
    plan: list[tuple[str, str, Convert]] = []
    for field in descriptor.fields:
        attribute = attribute_of(field)
        if attribute not in hints:
            raise TypeError(f"{descriptor.full_name}.{field.name} has no match in {kind.__name__}")
        convert = writer(field, hints.pop(attribute), names, positions)
        plan.append((field.name, attribute, convert))
    if hints:
        raise TypeError(f"{descriptor.full_name} leaves out {', '.join(sorted(hints))}")
    message = GetMessageClass(descriptor)
    return lambda state: message(
        **{field: convert(getattr(state, attribute)) for field, attribute, convert in plan}
    )


def attribute_of(field: FieldDescriptor) -> str:
    """The attribute that a field shows: its name, but a position x is called `x_at`.

    `position`, where the stream began, is called `recorded_at`.
    """
    if _message(field) == _POSITION:
        return "position" if field.name == "recorded_at" else field.name.removesuffix("_at")
    return field.name


def _nested(field: FieldDescriptor, kind: Any, names: Names, positions: Positions) -> Convert:
    """Messages within a request: what is unset falls back to the dataclass's default."""
    descriptor = field.message_type
    if descriptor is None or not isinstance(kind, type) or not dataclasses.is_dataclass(kind):
        raise _mismatch(field, kind)
    hints = hints_of(kind)
    plan = {
        each.number: (each.name, reader(each, hints.pop(each.name), names, positions))
        for each in descriptor.fields
    }
    if hints:
        raise TypeError(f"{descriptor.full_name} leaves out {', '.join(sorted(hints))}")

    def convert(message: Any) -> Any:
        values = {}
        for descriptor, value in message.ListFields():
            name, change = plan[descriptor.number]
            values[name] = value if change is None else change(value)
        return kind(**values)

    return convert


def _enum_members(enum: EnumDescriptor, kind: Any) -> dict[int, StrEnum]:
    if not (isinstance(kind, type) and issubclass(kind, StrEnum)):
        raise TypeError(f"{enum.full_name} needs a StrEnum, not {kind}")
    start = _prefix(enum)
    members = {start + member.name: member for member in kind}
    numbers = {value.name: value.number for value in enum.values if value.number}
    if members.keys() != numbers.keys():
        differ = sorted(members.keys() ^ numbers.keys())
        raise TypeError(f"{enum.full_name} and {kind.__name__} differ in {', '.join(differ)}")
    return {number: members[name] for name, number in numbers.items()}


def _enum_numbers(enum: EnumDescriptor, kind: Any) -> dict[str, int]:
    if kind is str:  # a domain module may not import the enum's; its values are the names then
        start = _prefix(enum)
        return {value.name.removeprefix(start).lower(): value.number for value in enum.values}
    return {member: number for number, member in _enum_members(enum, kind).items()}


def _prefix(enum: EnumDescriptor) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", enum.name).upper() + "_"


def _date(text: str, field: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise InvalidRequest(
            f"{field} {text} is not in the calendar; write YYYY-MM-DD", field=field, value=text
        ) from None


def _some(hint: Any) -> Any:
    """The type without None."""
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        kept = [each for each in typing.get_args(hint) if each is not types.NoneType]
        return kept[0] if len(kept) == 1 else hint
    return hint


def _message(field: FieldDescriptor) -> str | None:
    return None if field.message_type is None else str(field.message_type.full_name)


def _map_entry(field: FieldDescriptor) -> Descriptor | None:
    entry = field.message_type
    return entry if entry is not None and entry.GetOptions().map_entry else None


def _mismatch(field: FieldDescriptor, hint: Any) -> TypeError:
    return TypeError(f"{field.full_name} cannot be converted from or to {hint}")


NO_ID = UUID(int=0)
"""Stands where a request opens no stream and so needs no id."""
