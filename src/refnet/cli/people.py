"""Members as people name them on the command line, and as they are shown."""

from __future__ import annotations

from typing import NamedTuple, assert_never
from uuid import UUID

from refnet.domain.values import Corrected, Erased, Expired, Restricted, Sealed, Withheld
from refnet.engine import EXTERNAL_ID, Engine
from refnet.errors import NotFound
from refnet.log.disclosure import Shown
from refnet.standings import Snapshot


def find_member(engine: Engine, snapshot: Snapshot, text: str, *, field: str) -> int:
    """The number of a member given as id, `members/ID`, number with `#`, or external id.

    Raises NotFound naming the field if nobody of that name was inducted at the snapshot's position.
    """
    stream = _stream(engine, snapshot, text)
    number = None if stream is None else snapshot.numbers.get(stream)
    if number is None:
        raise NotFound(
            f"{field} {text!r} is no member at position {snapshot.position}; give an id, an "
            "external id, or # and the number of a member who was inducted by then",
            field=field,
            noun="member",
            value=text,
        )
    return number


class Person(NamedTuple):
    """Whose data a command is about. noun: "member" or "contact"."""

    noun: str
    stream: UUID


def find_person(engine: Engine, text: str) -> Person:
    """The member or contact given as id, `members/ID`, `contacts/ID`, or a member's external id.

    Also who was never inducted, and who was erased. Raises NotFound.
    """
    try:
        stream: UUID | None = UUID(text.removeprefix("members/").removeprefix("contacts/"))
    except ValueError:
        stream = engine.lookup(EXTERNAL_ID, text)
    for noun in ("member", "contact"):
        if stream is not None and stream in engine.state.resident(noun):
            return Person(noun, stream)
    raise NotFound(
        f"{text!r} is no member and no contact; give members/ID, contacts/ID or an external id",
        field="person",
        value=text,
    )


def _stream(engine: Engine, snapshot: Snapshot, text: str) -> UUID | None:
    if text.startswith("#") and text[1:].isdecimal():
        number = int(text[1:])
        return snapshot.members[number] if number < snapshot.scores.n else None
    try:
        return UUID(text.removeprefix("members/"))
    except ValueError:
        return engine.lookup(EXTERNAL_ID, text)


def word_for(withheld: Withheld | Sealed) -> str:
    """Why a personal field is not shown, in one word."""
    match withheld:
        case Erased():
            return "erased"
        case Restricted():
            return "restricted"
        case Corrected():
            return "corrected"
        case Expired():
            return "expired"
        case Sealed():
            return "sealed"
        case _:
            assert_never(withheld)


def as_json(shown: Shown | Sealed) -> str | dict[str, str] | None:
    """A personal field in JSON: its text, or an object that says why it is not shown, and whose."""
    if shown is None or isinstance(shown, str):
        return shown
    return {word_for(shown): str(shown.subject)}
