"""From a write request to the domain's request, by a plan made once per RPC."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message_factory import GetMessageClass

from refnet.domain.decisions import Noun, Request
from refnet.domain.values import MemberId
from refnet.log.draft import Receipt
from refnet.rpc.convert import NO_ID, Convert, hints_of, micros_of, reader
from refnet.rpc.naming import Names
from refnet.rpc.positions import Positions

COMMON = ("acting_member", "occur_time", "request_id")
"""Fields of every write request that say who, when and which attempt, not what."""

_Step = tuple[str, Convert | None]


@dataclass(frozen=True, slots=True)
class WritePlan:
    """How one kind of write request becomes a Request, and a Receipt its response."""

    noun: Noun
    kind: Any
    message: Any
    answer: Any
    positions: Positions
    _whole: dict[str, Any]
    _steps: dict[int, _Step]
    _common: dict[int, _Step]

    def request(self, message: Any, new_id: Callable[[Noun], UUID]) -> Request:
        """The request that a message of checked shape states. Raises InvalidRequest."""
        values = dict(self._whole)
        common: dict[str, Any] = {}
        steps, others = self._steps, self._common
        for field, value in message.ListFields():
            step = steps.get(field.number)
            if step is not None:
                name, convert = step
                values[name] = value if convert is None else convert(value)
            else:
                name, convert = others[field.number]
                common[name] = value if convert is None else convert(value)
        opens = self.kind.TARGET is None
        stream = new_id(self.noun) if opens else NO_ID
        return Request(command=self.kind(**values), new_id=stream, **common)

    def response(self, receipt: Receipt) -> Any:
        """What the RPC answers."""
        name = f"{self.noun.plural}/{receipt.stream}"
        recorded_at = self.positions.message(receipt.last)
        return self.answer(**{self.noun.name: name, "recorded_at": recorded_at})


def write_plan(
    noun: Noun,
    kind: Any,
    request: Descriptor,
    answer: Descriptor,
    names: Names,
    positions: Positions,
) -> WritePlan:
    """Match a command class with its messages. Raises TypeError for anything that does not fit."""
    hints = hints_of(kind)
    whole: dict[str, Any] = {}
    steps: dict[int, _Step] = {}
    defaults = {each.name: each.default for each in dataclasses.fields(kind)}
    for field in request.fields:
        if field.name in COMMON:
            continue
        if field.name not in hints:
            raise TypeError(f"{request.full_name}.{field.name} has no match in {kind.__name__}")
        steps[field.number] = (field.name, reader(field, hints.pop(field.name), names, positions))
        _check_presence(field, defaults[field.name])
        if defaults[field.name] is dataclasses.MISSING and not field.has_presence:
            # A zero is not sent, but it was meant: there is no default to fall back to.
            whole[field.name] = () if field.is_repeated else field.default_value
    if hints:
        raise TypeError(f"{request.full_name} leaves out {', '.join(sorted(hints))}")
    given = {field.name for field in answer.fields}
    if given != {noun.name, "recorded_at"}:
        raise TypeError(f"{answer.full_name} must have {noun.name} and recorded_at")
    return WritePlan(
        noun=noun,
        kind=kind,
        message=GetMessageClass(request),
        answer=GetMessageClass(answer),
        positions=positions,
        _whole=whole,
        _steps=steps,
        _common=_common(request, names),
    )


def _common(request: Descriptor, names: Names) -> dict[int, _Step]:
    fields = request.fields_by_name
    missing = [name for name in COMMON if name not in fields]
    if missing:
        raise TypeError(f"{request.full_name} has no {', '.join(missing)}")
    return {
        fields["acting_member"].number: (
            "acting_member",
            names.parser(MemberId, "acting_member"),
        ),
        fields["occur_time"].number: (
            "occur_time",
            lambda time: micros_of(time, field="occur_time"),
        ),
        # One id has two spellings in hexadecimal; a retry may come with the other.
        fields["request_id"].number: ("request_id", str.lower),
    }


def _check_presence(field: FieldDescriptor, default: Any) -> None:
    """Where the command's default is not the proto's zero, "unset" must be told from zero."""
    if default is dataclasses.MISSING or field.enum_type is not None or field.has_presence:
        return
    if default != field.default_value:
        raise TypeError(f"{field.full_name} must be optional: its default is {default!r}")
