"""Members as people name them on the command line, and as they are shown."""

from __future__ import annotations

from typing import assert_never
from uuid import UUID

from refnet.domain.values import Corrected, Erased, Restricted, Withheld
from refnet.engine import EXTERNAL_ID, Engine, Shown
from refnet.errors import NotFound
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


def _stream(engine: Engine, snapshot: Snapshot, text: str) -> UUID | None:
    if text.startswith("#") and text[1:].isdecimal():
        number = int(text[1:])
        return snapshot.members[number] if number < snapshot.scores.n else None
    try:
        return UUID(text.removeprefix("members/"))
    except ValueError:
        return engine.lookup(EXTERNAL_ID, text)


def word_for(withheld: Withheld) -> str:
    """Why a personal field is not shown, in one word."""
    match withheld:
        case Erased():
            return "erased"
        case Restricted():
            return "restricted"
        case Corrected():
            return "corrected"
        case _:
            assert_never(withheld)


def as_json(shown: Shown) -> str | dict[str, str] | None:
    """A personal field in JSON: its text, or an object that says why it is withheld, from whom."""
    if shown is None or isinstance(shown, str):
        return shown
    return {word_for(shown): str(shown.subject)}
