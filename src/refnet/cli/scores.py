"""`refnet scores`: who stands where, at any position and day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import click

from refnet.cli.asof import basis, title
from refnet.cli.command import opened, store_command
from refnet.cli.model import model_option
from refnet.cli.moments import TIME_HELP, DayType, Moment, MomentType
from refnet.cli.output import Output
from refnet.cli.people import as_json, word_for
from refnet.domain.membership import Member
from refnet.engine import Engine
from refnet.errors import StoreDamaged, StoreSealed
from refnet.labels import Label
from refnet.log.disclosure import Shown
from refnet.standings import Snapshot

COMPONENTS = {"value": "V", "trust": "T", "clients": "C", "referrals": "R", "partners": "P"}
"""Names of the components, and their letters in the score model."""

OTHERS = {
    "opportunism": "O",
    "taking": "D",
    "distrust": "N",
    "factor": "F",
    "balance": "bal",
    "give_back": "bil",
    "give": "give",
    "take": "take",
}
"""Names of other numbers about a member, and what the score model calls them."""


@store_command(
    name="scores",
    examples="""
    refnet scores --top 10
    refnet scores --at 2024-07-01 --json
    refnet scores --at 53237 --day 2016-02-01
    """,
)
@click.option("--at", "moment", type=MomentType(), help=f"As of a position or {TIME_HELP}")
@click.option("--day", type=DayType(), help="UTC date to which evidence fades. [of --at]")
@click.option("--top", type=click.IntRange(min=1), help="Only so many, best first.")
@model_option
@click.option("--threads", type=click.IntRange(1, 1024), default=1, help="Changes no bit.")
def scores(
    moment: Moment | None,
    day: int | None,
    top: int | None,
    model: str,
    threads: int,
    data: Path,
    output: Output,
) -> None:
    """Print the members by rank, with the parts of their scores.

    Scores and raw scores are 0 to 100; components, opportunism and balance 0 to 1. The digest is
    the same wherever the same log, position, day and model are.
    """
    with opened(data, output, read_only=True) as engine:
        position = None if moment is None else moment.resolve(engine, output.warn)
        snapshot = engine.scores(position=position, day=day, model=model, threads=threads)
        numbers = [int(number) for number in snapshot.order[:top]]
        if output.as_json:
            output.result(_document(snapshot, numbers, engine, output))
        else:
            print_table(snapshot, numbers, engine, output)


def print_table(snapshot: Snapshot, numbers: Sequence[int], engine: Engine, output: Output) -> None:
    """A table of the members with these numbers; scores are rounded here and only here."""
    columns = ["rank", "member", "score", *COMPONENTS, "opportunism", "balance", "label"]
    letters = [*COMPONENTS.values(), "O", "bal"]
    values = {letter: getattr(snapshot.scores, letter) for letter in letters}
    rows = [
        [
            str(int(snapshot.rank[number])),
            name_of(engine, snapshot, number, output),
            f"{snapshot.scores.score[number]:.2f}",
            *(f"{values[letter][number]:.3f}" for letter in letters),
            Label(snapshot.labels.item(number)).name.lower(),
        ]
        for number in numbers
    ]
    if rows:
        output.table(title(snapshot), columns, rows)
    else:
        output.line(title(snapshot))
    output.line(f"digest {snapshot.digest}")


def name_of(engine: Engine, snapshot: Snapshot, number: int, output: Output) -> str:
    """A member's name, else the id from another system, else the id of ours."""
    stream = snapshot.members[number]
    member = _member(engine, stream)
    wanted = {"name": member.name_at, "external_id": member.external_id_at}
    for text in _told(engine, stream, wanted, output).values():
        if text is not None:
            return text if isinstance(text, str) else f"({word_for(text)}) {str(stream)[:8]}"
    return str(stream)


def _told(
    engine: Engine, stream: UUID, versions: Mapping[str, int], output: Output
) -> Mapping[str, Shown]:
    """Personal fields; with a warning, nothing where keys or sealed fields are lost.

    Scores need neither, and who has only the log shall see them.
    """
    try:
        return engine.personal(stream, versions)
    except (StoreSealed, StoreDamaged) as refusal:
        output.warn(f"names and external ids are left out: {refusal.message}")
        return dict.fromkeys(versions)


def _member(engine: Engine, stream: UUID) -> Member:
    """A member's state. Whoever a writer beside us inducted meanwhile is read from the log."""
    found: Member | None = engine.state.resident("member").get(stream)
    if found is None:
        (noun,) = (noun for noun in engine.nouns if noun.name == "member")
        found = engine.load(noun, stream)
    assert found is not None, "scores are of members of the log"
    return found


def _document(
    snapshot: Snapshot, numbers: Sequence[int], engine: Engine, output: Output
) -> dict[str, object]:
    arrays = {
        letter: getattr(snapshot.scores, letter).tolist()
        for letter in ("score", "raw", *COMPONENTS.values(), *OTHERS.values())
    }

    def entry(number: int) -> dict[str, Any]:
        stream = snapshot.members[number]
        wanted = {"external_id": _member(engine, stream).external_id_at}
        external_id = _told(engine, stream, wanted, output)["external_id"]
        return {
            "member": f"members/{stream}",
            "external_id": as_json(external_id),
            "rank": int(snapshot.rank[number]),
            "score": arrays["score"][number],
            "raw": arrays["raw"][number],
            "label": Label(snapshot.labels.item(number)).name.lower(),
            "components": {name: arrays[letter][number] for name, letter in COMPONENTS.items()},
            **{name: arrays[letter][number] for name, letter in OTHERS.items()},
        }

    return {
        **basis(snapshot),
        "members": [entry(number) for number in numbers],
    }
