"""`refnet audit state`: what the log says of a member, a referral, or anything else in it."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any
from uuid import UUID

import click

from refnet import _reference_evidence
from refnet.audit.state import Held, Step, noun_of, plain, state_at
from refnet.cli.audit_scores import short
from refnet.cli.command import opened, store_command
from refnet.cli.moments import TIME_HELP, Moment, MomentType
from refnet.cli.output import Output
from refnet.domain.decisions import Noun
from refnet.engine import EXTERNAL_ID, Engine
from refnet.errors import InvalidRequest, NotFound

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


@store_command(
    name="state",
    examples="""
    refnet audit state network
    refnet audit state member 35 --at 2024-07-01
    refnet audit state referral 018f3c5e-7b1a-7c3d-9e2f-5a4b3c2d1e0f --at 1200 --json
    """,
)
@click.argument("kind", metavar="KIND")
@click.argument("name", metavar="[ID]", required=False)
@click.option("--at", "moment", type=MomentType(), help=f"As of a position or {TIME_HELP}")
def state(kind: str, name: str | None, moment: Moment | None, data: Path, output: Output) -> None:
    """Show the state of KIND ID as of a position or time, and the facts that made it.

    KIND is member, chapter, referral or any other noun; ID its id, also as members/ID, and of a
    member # and a number, or the id in another system. It is folded from the rows of the log, each
    checked against its commitment. Personal data stay sealed: --json shows the hash of what is.
    """
    noun = noun_of(kind)
    with opened(data, output, read_only=True) as engine:
        position = engine.head()[0] if moment is None else moment.resolve(engine, output.warn)
        reader = engine.reader()
        try:
            held = state_at(reader, noun, _stream(engine, noun, name, position), position)
        finally:
            reader.close()
    if output.as_json:
        output.result(_document(held))
        return
    title = f"{noun.name} {held.stream} at position {position}"
    output.table(title, ("field", "value"), _lines(plain(held.state)))
    rows = [
        [
            *(str(each.position), short(each.name), str(each.version)),
            *_when(each),
            ", ".join(each.sealed),
        ]
        for each in held.steps
    ]
    columns = ("position", "fact", "version", "recorded", "happened", "sealed")
    output.table("made by these facts", columns, rows)
    if any(each.sealed for each in held.steps):
        output.line("personal data stay sealed; the log holds only their hashes")


def _stream(engine: Engine, noun: Noun, name: str | None, position: int) -> UUID:
    if name is None:
        if noun.name != "network":
            raise InvalidRequest(
                f"which {noun.name}? Only the network needs no ID; add that of the {noun.name}",
                field="ID",
            )
        for row in engine.rows(0, min(1, engine.head()[0])):
            return row.stream
        raise NotFound("the log holds no network yet; charter one first", field="ID")
    try:
        return UUID(name.removeprefix(f"{noun.plural}/"))
    except ValueError:
        found = _member(engine, name, position) if noun.name == "member" else None
    if found is None:
        raise NotFound(
            f"ID {name!r} is no {noun.name}; give an id such as {noun.plural}/UUID"
            + (", # and a number, or an external id" if noun.name == "member" else ""),
            field="ID",
            noun=noun.name,
            value=name,
        )
    return found


def _member(engine: Engine, name: str, position: int) -> UUID | None:
    """A member by number, in order of induction, or by the id in another system."""
    if name.startswith("#") and name[1:].isdecimal():
        upto = min(position, engine.head()[0])  # whether it lies ahead is said elsewhere
        members = _reference_evidence.members(engine.facts(0, upto), upto)
        number = int(name[1:])
        return members[number] if number < len(members) else None
    return engine.lookup(EXTERNAL_ID, name)


def _document(held: Held) -> dict[str, object]:
    return {
        "position": held.position,
        "kind": held.noun.name,
        "name": f"{held.noun.plural}/{held.stream}",
        "state": plain(held.state),
        "facts": [_fact(each) for each in held.steps],
        "personal_data": "sealed",
    }


def _fact(step: Step) -> dict[str, Any]:
    return {
        "position": step.position,
        "version": step.version,
        "name": step.name,
        "record_time": step.record_time,
        "occur_time": step.occur_time,
        "commitment": step.commitment.hex(),
        "sealed": list(step.sealed),
        "data": plain(step.fact),
    }


def _lines(value: Any, path: str = "") -> list[tuple[str, str]]:
    """The leaves of a state, each with the way to it."""
    if isinstance(value, dict) and "sealed" in value and "epoch" in value:
        return [(path, f"sealed {value['sealed'][:16]}...")]
    if isinstance(value, dict) and value:
        named = value.items()
    elif isinstance(value, list) and value and isinstance(value[0], dict | list):
        named = {str(place): each for place, each in enumerate(value)}.items()
    else:
        return [(path, _leaf(path.rpartition(".")[2], value))]
    return [
        line for name, each in named for line in _lines(each, f"{path}.{name}" if path else name)
    ]


def _leaf(name: str, value: Any) -> str:
    """A value for people: a time as a time, and where a personal field was set."""
    if name.endswith("_time") and isinstance(value, int):
        return _time(value)
    if name.endswith("_at") and isinstance(value, int):
        return f"sealed, of version {value}" if value else "none"
    return value if isinstance(value, str) else json.dumps(value)


def _time(micros: int) -> str:
    return (_EPOCH + dt.timedelta(microseconds=micros)).strftime("%Y-%m-%d %H:%M:%S")


def _when(step: Step) -> tuple[str, str]:
    return _time(step.record_time), _time(step.occur_time)
