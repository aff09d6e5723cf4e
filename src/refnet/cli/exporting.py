"""`refnet export`: what the log holds, for other programs."""

from __future__ import annotations

import json
from pathlib import Path

import click

from refnet.audit.lines import as_json
from refnet.cli.command import opened, store_command
from refnet.cli.output import Output
from refnet.consistency import check_in_log
from refnet.engine import Row
from refnet.errors import StoreDamaged


@click.group("export")
def export() -> None:
    """Export what a store holds."""


@store_command(
    export,
    "facts",
    examples="""
    refnet export facts --json > facts.jsonl
    refnet export facts --after 1000 --upto 2000 --json
    """,
)
@click.option("--after", type=click.IntRange(min=0), default=0, help="Begin behind this position.")
@click.option("--upto", type=click.IntRange(min=0), help="End with this position. [the last]")
def facts(after: int, upto: int | None, data: Path, output: Output) -> None:
    """Print the facts in log order, with --json one JSON object a line.

    Each has position, stream, version and name, then the stored state as it was committed to
    (acting_member, data, occur_time, origin, principal, record_time, request_id; times in
    microseconds), then salt and commitment in hex. Personal data stay sealed.
    """
    with opened(data, output, read_only=True) as engine:
        head = engine.head()[0]
        for name, position in (("after", after), ("upto", upto or 0)):
            check_in_log(position, head, field=name)
        end = head if upto is None else upto
        with output.progress("exporting", end - after) as advance:
            for row in engine.rows(after, end):
                output.write(as_json(row) if output.as_json else as_text(row))
                if row.position % 10_000 == 0:
                    advance(row.position - after)


def as_text(row: Row) -> bytes:
    """A fact as one line for people."""
    try:
        data = json.loads(row.state)["data"]
    except (ValueError, KeyError, TypeError) as error:
        raise StoreDamaged(
            f"the fact at position {row.position} is no JSON; restore the log from a backup",
            position=row.position,
        ) from error
    return f"{row.position:>9}  {row.topic:<36} {row.stream}  {json.dumps(data)}\n".encode()
