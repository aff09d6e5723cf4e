"""`refnet history`: how a member's score came about over time."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from refnet.cli.asof import basis, resource, title
from refnet.cli.command import opened, store_command
from refnet.cli.model import model_option
from refnet.cli.moments import TIME_HELP, DayType, Moment, MomentType, date_of
from refnet.cli.output import Output
from refnet.cli.people import find_member
from refnet.cli.scores import COMPONENTS, OTHERS, name_of
from refnet.domain.values import MICROS_PER_DAY
from refnet.engine import Engine
from refnet.history import POINTS_MAX, Point, Seen, beginning, days, walk_of
from refnet.labels import Label
from refnet.standings import Snapshot

_BAR = 25
"""Columns for 100 points."""

_LEVELS = "▁▂▃▄▅▆▇█"
_STEP_DAYS = {"day": 1, "week": 7, "month": 28}
"""Days between points; of a month, the least."""

_DAY_ZERO = dt.date(1970, 1, 1)


_SPAN = (
    click.option("--from", "first", type=DayType(), help="First day. [of MEMBER's first fact]"),
    click.option("--to", "last", type=DayType(), help="Last day. [of --at]"),
    click.option(
        "--step",
        type=click.Choice(("day", "week", "month")),
        default="week",
        help="How far points lie apart; a month's is its first day. [week]",
    ),
    click.option(
        "--by",
        type=click.Choice(("recorded", "happened")),
        default="recorded",
        help="Count what was recorded by then, or all that is known now and had happened. "
        "[recorded]",
    ),
    click.option("--at", "moment", type=MomentType(), help=f"As of a position or {TIME_HELP}"),
)


def span_options(function: Callable[..., None]) -> Callable[..., None]:
    """Give a command --from, --to, --step, --by and --at."""
    for option in reversed(_SPAN):  # click lists the option that was added last first
        function = option(function)
    return function


@store_command(
    name="history",
    examples="""
    refnet history 35 --step month
    refnet history '#0' --from 2024-03-01 --to 2024-06-30 --by happened
    refnet history 35 --svg history.svg --json
    """,
)
@click.argument("member", metavar="MEMBER")
@span_options
@click.option(
    "--svg", type=click.Path(dir_okay=False, path_type=Path), help="Write the table as SVG too."
)
@model_option
def history(
    member: str,
    first: int | None,
    last: int | None,
    step: str,
    by: str,
    moment: Moment | None,
    svg: Path | None,
    model: str,
    data: Path,
    output: Output,
) -> None:
    """Show the score of MEMBER over time, with rank and components.

    Each point is what `refnet scores` says at its position and day. Of a network whose facts were
    imported all at once, --by happened shows the years before. At most 520 points.
    """
    with opened(data, output, read_only=True) as engine:
        position = None if moment is None else moment.resolve(engine, output.warn)
        snapshot = engine.scores(position=position, model=model)
        number = find_member(engine, snapshot, member, field="MEMBER")
        chosen = days_of(snapshot, number, first, last, step)
        points = points_of(engine, snapshot, chosen, by)
        with output.progress("scoring", len(points)) as advance:
            found = _seen(snapshot, number, points, advance)
        heading = f"{name_of(engine, snapshot, number, output)}, {title(snapshot)}"
        if output.as_json:
            output.result(_document(snapshot, number, by, found))
        elif found:
            output.table(heading, *_table(found))
            output.line(f"{spark(found)}  score, lowest to highest")
        else:
            output.line(f"{heading}: no point at which there was a score")
        if svg is not None:
            output.drawing(svg, heading, *_table(found))


def days_of(
    snapshot: Snapshot, number: int, first: int | None, last: int | None, step: str
) -> list[int]:
    """The days of a history as asked for. Raises click.BadParameter for those that make none."""
    end = snapshot.day if last is None else last
    if end > snapshot.day:
        raise click.BadParameter(
            f"{date_of(end)} lies after {date_of(snapshot.day)}, the day of the scores; "
            "ask `refnet forecast` what comes",
            param_hint="--to",
        )
    start = beginning(snapshot, number, end, _STEP_DAYS[step]) if first is None else first
    if start > end:
        raise click.BadParameter(
            f"{date_of(start)} lies after the last day, {date_of(end)}", param_hint="--from"
        )
    chosen = days(start, end, _STEP_DAYS[step]) if step != "month" else _months(start, end)
    if len(chosen) > POINTS_MAX:
        raise click.BadParameter(
            f"{len(chosen)} points are more than {POINTS_MAX}; "
            "choose a longer --step or a later --from",
            param_hint="--step",
        )
    return chosen


def _months(first: int, last: int) -> list[int]:
    """The first day, the first of every month after it, and the last day."""
    date, found = _DAY_ZERO + dt.timedelta(days=first), [first]
    while True:
        date = (date.replace(day=1) + dt.timedelta(days=32)).replace(day=1)
        day = (date - _DAY_ZERO).days
        if day >= last:
            return [*found, last] if last > first else found
        found.append(day)


def points_of(engine: Engine, snapshot: Snapshot, chosen: Sequence[int], by: str) -> list[Point]:
    """Where in the log those days are: what was recorded by then, or all there is."""
    if by == "happened":
        return [Point(snapshot.position, day) for day in chosen]
    ends = [engine.position_at((day + 1) * MICROS_PER_DAY - 1) for day in chosen]
    return [Point(min(end, snapshot.position), day) for end, day in zip(ends, chosen, strict=True)]


def _seen(
    snapshot: Snapshot, number: int, points: Sequence[Point], advance: Callable[[int], None]
) -> list[Seen]:
    found = []
    for place, seen in enumerate(walk_of(snapshot, number, points), 1):
        advance(place)
        if seen is not None:
            found.append(seen)
    return found


def _table(found: Sequence[Seen]) -> tuple[list[str], list[list[str]]]:
    columns = ["date", "of 100", "score", "rank", *COMPONENTS, "opportunism", "label"]
    letters = [*COMPONENTS.values(), "O"]
    rows = [
        [
            date_of(seen.day),
            "█" * round(seen.values["score"] * _BAR / 100),
            f"{seen.values['score']:.2f}",
            str(seen.rank),
            *(f"{seen.values[letter]:.3f}" for letter in letters),
            Label(seen.label).name.lower(),
        ]
        for seen in found
    ]
    return columns, rows


def spark(found: Sequence[Seen]) -> str:
    """The scores as one line of bars, from the lowest of them to the highest."""
    scores = [seen.values["score"] for seen in found]
    low, high = min(scores), max(scores)
    steps = len(_LEVELS) - 1
    return "".join(
        _LEVELS[round((score - low) / (high - low) * steps) if high > low else 0]
        for score in scores
    )


def _document(snapshot: Snapshot, number: int, by: str, found: Sequence[Seen]) -> dict[str, object]:
    def point(seen: Seen) -> dict[str, Any]:
        return {
            "position": seen.position,
            "day": seen.day,
            "date": date_of(seen.day),
            "rank": seen.rank,
            "label": Label(seen.label).name.lower(),
            "score": seen.values["score"],
            "raw": seen.values["raw"],
            "components": {name: seen.values[letter] for name, letter in COMPONENTS.items()},
            **{name: seen.values[letter] for name, letter in OTHERS.items()},
        }

    return {
        **basis(snapshot),
        "member": resource(snapshot, number),
        "by": by,
        "points": [point(seen) for seen in found],
    }
