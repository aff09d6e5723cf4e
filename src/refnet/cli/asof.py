"""Commands that look at scores as of a moment, a day and a version of the model."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import click

from refnet.cli.model import model_option
from refnet.cli.moments import TIME_HELP, DayType, Moment, MomentType, date_of
from refnet.cli.output import Output
from refnet.engine import Engine
from refnet.standings import Snapshot

BAR = 30
"""How many blocks a bar of full length has."""


@dataclass(frozen=True, slots=True)
class AsOf:
    """What --at, --day and --model ask for; None is the newest position, and its day."""

    moment: Moment | None
    day: int | None
    model: str

    def scores(self, engine: Engine, output: Output) -> Snapshot:
        """The scores asked for."""
        position = None if self.moment is None else self.moment.resolve(engine, output.warn)
        return engine.scores(position=position, day=self.day, model=self.model)


def as_of(
    day_help: str = "UTC date to which evidence fades. [of --at]",
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command --at, --day and --model; its function takes them as `asked`, an AsOf."""
    options = (
        click.option("--at", "moment", type=MomentType(), help=f"As of a position or {TIME_HELP}"),
        click.option("--day", type=DayType(), help=day_help),
        model_option,
    )

    def declare(function: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(function)
        def run(
            *args: Any, moment: Moment | None, day: int | None, model: str, **others: Any
        ) -> None:
            function(*args, asked=AsOf(moment, day, model), **others)

        for option in reversed(options):  # click lists the option that was added last first
            run = option(run)
        return run

    return declare


def basis(snapshot: Snapshot) -> dict[str, object]:
    """What they were made of, as in every --json document."""
    return {
        "position": snapshot.position,
        "day": snapshot.day,
        "date": date_of(snapshot.day),
        "model": snapshot.model,
        "digest": snapshot.digest,
    }


def title(snapshot: Snapshot) -> str:
    """What they were made of, for people."""
    return f"position {snapshot.position}, {date_of(snapshot.day)}, model {snapshot.model}"


def resource(snapshot: Snapshot, number: int | None) -> str | None:
    """The resource name of a member."""
    return None if number is None else f"members/{snapshot.members[number]}"


def bar(value: float, whole: float) -> str:
    """A bar of blocks, so long as a value is of a whole; nothing below 0."""
    return "█" * round(max(0.0, value) / whole * BAR)
