"""Commands that look at scores as of a moment and a day."""

from __future__ import annotations

from refnet.cli.moments import Moment, date_of
from refnet.cli.output import Output
from refnet.engine import Engine
from refnet.standings import Snapshot

BAR = 30
"""How many blocks a bar of full length has."""


def snapshot_of(
    engine: Engine, moment: Moment | None, day: int | None, model: str, output: Output
) -> Snapshot:
    """The scores that --at, --day and --model ask for."""
    position = None if moment is None else moment.resolve(engine, output.warn)
    return engine.scores(position=position, day=day, model=model)


def basis(snapshot: Snapshot) -> dict[str, object]:
    """What they were made of, as in every --json document."""
    return {
        "position": snapshot.position,
        "day": snapshot.day,
        "date": date_of(snapshot.day),
        "model": snapshot.model,
        "digest": snapshot.digest,
    }


def resource(snapshot: Snapshot, number: int | None) -> str | None:
    """The resource name of a member."""
    return None if number is None else f"members/{snapshot.members[number]}"


def bar(value: float, whole: float) -> str:
    """A bar of blocks, so long as a value is of a whole; nothing below 0."""
    return "█" * round(max(0.0, value) / whole * BAR)
