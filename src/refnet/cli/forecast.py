"""`refnet forecast`: what a score becomes if nothing more happens."""

from __future__ import annotations

from pathlib import Path

import click

from refnet import forecast
from refnet.accumulators import Kind
from refnet.cli.asof import AsOf, as_of, bar, basis, resource
from refnet.cli.command import opened, store_command
from refnet.cli.moments import date_of
from refnet.cli.output import Output
from refnet.cli.people import find_member
from refnet.cli.scores import COMPONENTS, name_of
from refnet.engine import Engine
from refnet.heaviest import partner_of
from refnet.outlook import Ahead, look_ahead
from refnet.standings import Snapshot

_SHOWN = 5


@store_command(
    name="forecast",
    examples="""
    refnet forecast 35
    refnet forecast '#0' --days 360 --points 12 --json
    """,
)
@click.argument("member", metavar="MEMBER")
@click.option("--days", type=click.IntRange(1, 3650), default=90, help="How far to look. [90]")
@click.option("--points", type=click.IntRange(1, 60), default=6, help="On how many days. [6]")
@as_of("UTC date to begin with. [of --at]")
def forecast_(
    member: str,
    days: int,
    points: int,
    asked: AsOf,
    data: Path,
    output: Output,
) -> None:
    """Show what a score becomes if nothing more happens, and which partners' parts fade."""
    with opened(data, output, read_only=True) as engine:
        snapshot = asked.scores(engine, output)
        number = find_member(engine, snapshot, member, field="MEMBER")
        coming = forecast.days_ahead(snapshot.day, days, points)
        ahead = look_ahead(snapshot, number, coming)
        if output.as_json:
            output.result(_document(snapshot, number, ahead))
            return
        _show_days(engine, snapshot, number, ahead, output)
        _show_turns(ahead, output)
        _show_fading(engine, snapshot, number, ahead, output)


def _show_days(
    engine: Engine, snapshot: Snapshot, number: int, ahead: Ahead, output: Output
) -> None:
    columns = ("score", "day", *COMPONENTS, "opportunism", "label")
    rows = [
        [
            f"{each.values['score']:.2f}",
            f"{date_of(each.day)} {bar(each.values['score'], 100.0)}".rstrip(),
            *(f"{each.values[letter]:.3f}" for letter in (*COMPONENTS.values(), "O")),
            each.label.name.lower(),
        ]
        for each in ahead.outlooks
    ]
    who = name_of(engine, snapshot, number, output)
    output.table(f"{who}, if nothing more happens", columns, rows)


def _show_turns(ahead: Ahead, output: Output) -> None:
    for day, label in ahead.turns.labels:
        output.line(f"from {date_of(day)} on the label is {label.name.lower()}")
    for day, flagged in ahead.turns.flags:
        output.line(f"from {date_of(day)} on {'flagged' if flagged else 'no longer flagged'}")


def _show_fading(
    engine: Engine, snapshot: Snapshot, number: int, ahead: Ahead, output: Output
) -> None:
    half = ahead.turns.half_way
    rows = [
        _points(name, ahead.now.points(letter), ahead.then.points(letter), half[letter])
        for name, letter in COMPONENTS.items()
    ]
    for partner, now, then in ahead.fading[:_SHOWN]:
        who = name_of(engine, snapshot, partner, output)
        rows.append(_points(f"   {who}", now, then, None))
    output.table("what fades, in points", ("change", "of", "now", "then", "half of it by"), rows)
    masses = []
    for each in ahead.facts[:_SHOWN]:
        other = partner_of(each.fact, number)
        who = "" if other is None else f" {name_of(engine, snapshot, other, output)}"
        what = f"{Kind(each.fact.kind).name.lower()}{who}"
        by = "" if each.half_day is None else date_of(each.half_day)
        place = str(each.fact.position)
        masses.append([f"{each.fact.mass:.3f}", what, f"{each.then:.3f}", by, place])
    if masses:
        columns = ("mass now", "fact", "then", "half by", "position")
        output.table("what is left of the heaviest facts", columns, masses)


def _points(name: str, now: float, then: float, half: int | None) -> list[str]:
    by = "" if half is None else date_of(half)
    return [f"{then - now:+.3f}", name, f"{now:.3f}", f"{then:.3f}", by]


def _document(snapshot: Snapshot, number: int, ahead: Ahead) -> dict[str, object]:
    half = ahead.turns.half_way
    return {
        **basis(snapshot),
        "member": resource(snapshot, number),
        "outlooks": [
            {"day": each.day, "label": each.label.name.lower(), **each.values}
            for each in ahead.outlooks
        ],
        "half_day": half["score"],
        "flag_changes_day": next((day for day, _ in ahead.turns.flags), None),
        "label_changes": [
            {"day": day, "label": label.name.lower()} for day, label in ahead.turns.labels
        ],
        "components": {
            name: {
                "now": ahead.now.points(letter),
                "then": ahead.then.points(letter),
                "half_day": half[letter],
            }
            for name, letter in COMPONENTS.items()
        },
        "fading": [
            {"partner": resource(snapshot, each), "now": now, "then": then}
            for each, now, then in ahead.fading
        ],
        "facts": [
            {
                "position": each.fact.position,
                "kind": Kind(each.fact.kind).name.lower(),
                "partner": resource(snapshot, partner_of(each.fact, number)),
                "now": each.fact.mass,
                "then": each.then,
                "half_day": each.half_day,
            }
            for each in ahead.facts
        ],
    }
