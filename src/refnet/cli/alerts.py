"""`refnet alerts`: what may be collusion, for officers to look into."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import click

from refnet.alerts import Alert, AlertKind, Between, Figure, alerts_in, sentence
from refnet.cli.asof import AsOf, as_of, basis, resource, title
from refnet.cli.chapters import find_chapter
from refnet.cli.command import opened, store_command
from refnet.cli.moments import date_of
from refnet.cli.output import Output
from refnet.cli.people import find_member
from refnet.cli.scores import name_of
from refnet.engine import Engine
from refnet.standings import Snapshot

_POSITIONS = 3
"""How many of an alert's facts people are shown."""


@store_command(
    name="alerts",
    examples="""
    refnet alerts
    refnet alerts --kind pair --top 5
    refnet alerts --member '#12' --at 2024-09-01 --json
    """,
)
@click.option(
    "--kind",
    type=click.Choice([str(kind) for kind in AlertKind]),
    help="Only pairs, cliques, rings or bursts.",
)
@click.option("--member", help="Only about this one: an id, an external id, or #NUMBER.")
@click.option("--chapter", metavar="ID", help="Only about anybody of this chapter.")
@click.option("--top", type=click.IntRange(min=1), default=20, help="Only so many. [20]")
@as_of()
def alerts_(
    kind: str | None,
    member: str | None,
    chapter: str | None,
    top: int,
    asked: AsOf,
    data: Path,
    output: Output,
) -> None:
    """List what may be collusion, with its evidence, for an officer to look into and decide.

    Pairs and groups who vouch for each other far more than is usual, and weeks with far more facts.
    An alert proves nothing, and no score depends on it; docs/design/ties.md says what raises one
    and how many are false.
    """
    with opened(data, output, read_only=True) as engine:
        snapshot = asked.scores(engine, output)
        found = alerts_in(
            snapshot,
            kind=None if kind is None else AlertKind(kind),
            member=None
            if member is None
            else find_member(engine, snapshot, member, field="--member"),
            chapter=None if chapter is None else find_chapter(snapshot, chapter, field="--chapter"),
        )
        if output.as_json:
            shown = [_entry(engine, snapshot, alert, output) for alert in found[:top]]
            output.result({**basis(snapshot), "alert_count": len(found), "alerts": shown})
            return
        _table(engine, snapshot, found, top, output)


def _table(
    engine: Engine, snapshot: Snapshot, found: list[Alert], top: int, output: Output
) -> None:
    if not found:
        output.line(f"no alerts: nothing stands out; {title(snapshot)}")
        return
    name = partial(_named, engine, snapshot, output)
    rows = [
        [
            str(alert.kind),
            ", ".join(map(name, alert.members)),
            f"{alert.strength:.2f}",
            str(len(alert.pairs)),
            str(len(alert.facts)),
        ]
        for alert in found[:top]
    ]
    output.table(title(snapshot), ("kind", "members", "strength", "pairs", "facts"), rows)
    for alert in found[:top]:
        newest = ", ".join(map(str, alert.facts[::-1][:_POSITIONS]))
        output.line(f"- {sentence(alert, name)} Newest of {len(alert.facts)} facts: {newest}.")
    if len(found) > top:
        output.line(f"{len(found) - top} more; --top shows them")
    output.line("an alert proves nothing; look into it before you decide")


def _named(engine: Engine, snapshot: Snapshot, output: Output, number: int) -> str:
    return name_of(engine, snapshot, number, output)


def _entry(engine: Engine, snapshot: Snapshot, alert: Alert, output: Output) -> dict[str, object]:
    name = partial(_named, engine, snapshot, output)
    entry: dict[str, object] = {
        "kind": str(alert.kind),
        "members": [resource(snapshot, number) for number in alert.members],
        "numbers": list(alert.members),
        "strength": alert.strength,
        "figures": [_figure(figure) for figure in alert.figures],
        "pairs": [_pair(snapshot, pair) for pair in alert.pairs],
        "facts": list(alert.facts),
        "sentence": sentence(alert, name),
    }
    if alert.first_day is not None and alert.last_day is not None:
        entry |= {"from": date_of(alert.first_day), "to": date_of(alert.last_day)}
    return entry


def _figure(figure: Figure) -> dict[str, object]:
    own = {} if figure.own is None else {"own": figure.own}
    return {"measure": str(figure.measure), "found": figure.found, "usual": figure.usual, **own}


def _pair(snapshot: Snapshot, pair: Between) -> dict[str, object]:
    return {
        "one": resource(snapshot, pair.one),
        "two": resource(snapshot, pair.two),
        "said": pair.said,
        "heard": pair.heard,
    }
