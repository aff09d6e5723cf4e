"""Scenarios as text: one command a line, and what comes of it.

    [NAME =] [ACTOR:] Command field=value ... [@DAY]   -> FactName ...
                                                       -> REASON [field at fault]

A value is read by the command's type hint: a name for an id, `yes`/`no`, whole numbers, `20d` for
noon of day 20, a date, an enum's value; `_` in text stands for a space. A name before `=` is given
to the stream that the command opens; a name nobody gave is the id of nothing. `@20` sets occur_time
to day 20; without it the fact occurs "now", on day 100. What follows `#` is a remark.
"""

from __future__ import annotations

import datetime as dt
import re
import types
import typing
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, fields
from enum import StrEnum
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from domain.sandbox import Sandbox, day
from refnet.domain.decisions import Noun
from refnet.domain.meeting import Attendance, Mark
from refnet.domain.nouns import NOUNS
from refnet.domain.values import ContactId, MemberId
from refnet.errors import RefnetError

FOLDER = Path(__file__).parent / "scenarios"

_TOLD = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|(?<![-\w.])-?\d{2,}(?![-\w.])")
"""Ids and numbers in a sentence: a program reads them from the facts beside it."""

_LINE = re.compile(
    r"(?:(?P<name>\w+) = )?(?:(?P<actor>\w+): )?(?P<command>\w+)(?P<fields>(?: \w+=\S*)*)"
    r"(?: @(?P<day>-?\d+))?"
)


@dataclass(frozen=True)
class Scenario:
    """A titled list of lines, which begins in the town of `town.txt`."""

    file: str
    title: str
    lines: tuple[str, ...]


def scenarios(file: str) -> Iterator[Scenario]:
    """The scenarios of a file, each under a `== title`."""
    for part in re.split(r"^== ", (FOLDER / file).read_text(), flags=re.MULTILINE)[1:]:
        title, *lines = part.splitlines()
        kept = (re.sub(r" *#.*", "", line).strip() for line in lines)
        yield Scenario(file, title.strip(), tuple(line for line in kept if line))


class Stage:
    """Where a scenario plays: a sandbox, and names for ids."""

    def __init__(self, nouns: tuple[Noun, ...] = NOUNS) -> None:
        self.sandbox = Sandbox(nouns)
        self.names: dict[str, UUID] = {}
        self._commands = {kind.__name__: kind for noun in nouns for kind in noun.commands}
        self._ids = {noun.id_type for noun in nouns}

    def play(self, *lines: str) -> None:
        """Do each line and compare the outcome."""
        for line in lines:
            asked, _, expected = line.partition(" -> ")
            got = self.outcome(asked.strip())
            if got.split() != expected.split():
                pytest.fail(f"{line}\nbut it was: {got}", pytrace=False)

    def outcome(self, line: str) -> str:
        """What comes of a line: names of facts, or reason and field of a refusal."""
        found = _LINE.fullmatch(line)
        assert found is not None, f"cannot read {line!r}"
        try:
            facts = self.sandbox.do(
                self.command(found["command"], found["fields"].split()),
                actor=None if found["actor"] is None else self.id(found["actor"]),
                occurred=None if found["day"] is None else day(int(found["day"])),
            )
        except RefnetError as refusal:
            if not re.search("[;?] ", refusal.message):
                pytest.fail(f"no way out in: {refusal}", pytrace=False)
            untold = set(_TOLD.findall(refusal.message)) - set(refusal.facts.values())
            if untold - {"1970", "4217"}:
                pytest.fail(f"{refusal} does not repeat as facts: {untold}", pytrace=False)
            return f"{refusal.reason} {refusal.field}"
        if found["name"]:
            self.names[found["name"]] = self.sandbox.last
        return " ".join(type(fact).__name__ for fact in facts)

    def command(self, name: str, pairs: list[str]) -> Any:
        """A command from its name and `field=value` pairs."""
        kind = self._commands[name]
        hints = typing.get_type_hints(kind)
        known = {each.name for each in fields(kind)}
        values = {}
        for pair in pairs:
            field, _, text = pair.partition("=")
            assert field in known, f"{name} has no field {field}"
            values[field] = self._value(hints[field], text)
        return kind(**values)

    def id(self, name: str) -> UUID:
        """The id behind a name; the same one each time for a name that nobody gave."""
        return self.names.get(name) or uuid.uuid5(uuid.NAMESPACE_OID, name)

    def _value(self, hint: Any, text: str) -> Any:
        if typing.get_origin(hint) in (types.UnionType, typing.Union):
            hint = next(each for each in typing.get_args(hint) if each is not types.NoneType)
        if hint in self._ids:
            return self.id(text)
        if typing.get_origin(hint) is tuple:
            return tuple(self._attendance(each) for each in text.split(",") if each)
        if hint is bool:
            return {"yes": True, "no": False}[text]
        if hint is int:
            return day(int(text[:-1])) if text.endswith("d") else int(text)
        if hint is dt.date:
            return dt.date.fromisoformat(text)
        if issubclass(hint, StrEnum):
            return hint(text)
        assert hint is str
        return text.replace("_", " ")

    def _attendance(self, text: str) -> Attendance:
        """`ann:P`, or with a substitute `ann:S/dan` (member) or `ann:S/+vic` (contact)."""
        member, _, rest = text.partition(":")
        mark, _, substitute = rest.partition("/")
        contact = substitute.startswith("+")
        return Attendance(
            member=MemberId(self.id(member)),
            mark=Mark(mark),
            substitute_member=None if contact or not substitute else MemberId(self.id(substitute)),
            substitute_contact=ContactId(self.id(substitute[1:])) if contact else None,
        )


def town() -> Stage:
    """The town in which scenarios begin."""
    stage = Stage()
    (begin,) = scenarios("town.txt")
    stage.play(*begin.lines)
    return stage
