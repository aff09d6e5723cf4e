"""`refnet bridges`: who connects circles that would otherwise be apart."""

from __future__ import annotations

from pathlib import Path

import click
import numpy as np

from refnet import bridges
from refnet.cli.asof import AsOf, as_of, basis, resource, title
from refnet.cli.chapters import find_chapter
from refnet.cli.command import opened, store_command
from refnet.cli.output import Output
from refnet.cli.people import find_member
from refnet.cli.scores import name_of
from refnet.engine import Engine
from refnet.standings import Snapshot
from refnet.ties import Bridging, bridging


@store_command(
    name="bridges",
    examples="""
    refnet bridges --top 10
    refnet bridges --chapter 0c1d... --json
    refnet bridges --member '#12'
    """,
)
@click.option("--chapter", metavar="ID", help="Only its members, and what ties it to others.")
@click.option("--member", help="Whom the others would lose: an id, an external id, or #NUMBER.")
@click.option("--top", type=click.IntRange(min=1), default=20, help="Only so many. [20]")
@as_of()
def bridges_(
    chapter: str | None,
    member: str | None,
    top: int,
    asked: AsOf,
    data: Path,
    output: Output,
) -> None:
    """List the members who hold circles together, those first without whom most would be cut off.

    Two active members are tied if one trusts the other at least 0.2. Efficiency is Burt's: high
    where ties lead to people who do not know each other. "Cuts off" counts those who would lose all
    ways to the largest rest.
    """
    if chapter is not None and member is not None:
        raise click.UsageError("name a --chapter or a --member, not both")
    with opened(data, output, read_only=True) as engine:
        snapshot = asked.scores(engine, output)
        if member is not None:
            number = find_member(engine, snapshot, member, field="--member")
            _without(engine, snapshot, number, output)
            return
        where = None if chapter is None else find_chapter(snapshot, chapter, field="--chapter")
        among = np.flatnonzero(snapshot.active)
        if where is not None:
            among = among[snapshot.roll.home()[among] == where]
        _members(engine, snapshot, bridging(snapshot).order(among)[:top], where, output)


def _members(
    engine: Engine,
    snapshot: Snapshot,
    members: np.ndarray[tuple[int], np.dtype[np.intp]],
    chapter: int | None,
    output: Output,
) -> None:
    found = bridging(snapshot)
    hold = next((each for each in bridges.chapters(snapshot) if each.chapter == chapter), None)
    if output.as_json:
        document: dict[str, object] = {
            **basis(snapshot),
            "members": [_entry(snapshot, found, number) for number in members.tolist()],
        }
        if hold is not None:
            document["chapter"] = {
                "ties": hold.ties,
                "share_of_first_carrier": hold.share,
                "carriers": [resource(snapshot, each.member) for each in hold.carriers],
                "cut_off_by": [resource(snapshot, each) for each in hold.cut_off_by],
            }
        output.result(document)
        return
    columns = ("cuts off", "member", "efficiency", "ties", "local", "crossing", "weak")
    rows = [
        [
            str(found.cut_off.item(number)),
            name_of(engine, snapshot, number, output),
            f"{found.efficiency.item(number):.3f}",
            str(found.degree.item(number)),
            *(
                f"{share.item(number):.2f}"
                for share in (found.local_bridges, found.crossing, found.weak)
            ),
        ]
        for number in members.tolist()
    ]
    output.table(title(snapshot), columns, rows)
    if hold is not None and hold.carriers:
        first = name_of(engine, snapshot, hold.carriers[0].member, output)
        output.line(
            f"{hold.ties} ties to other chapters by {len(hold.carriers)} members, "
            f"{hold.share:.0%} of them {first}'s"
        )


def _without(engine: Engine, snapshot: Snapshot, number: int, output: Output) -> None:
    parts = [part.members for part in bridges.parts_without(snapshot, number)]
    if output.as_json:
        output.result(
            {
                **basis(snapshot),
                "member": _entry(snapshot, bridging(snapshot), number),
                "parts": [[resource(snapshot, each) for each in part] for part in parts],
            }
        )
        return
    who = name_of(engine, snapshot, number, output)
    if not parts:
        output.line(f"without {who} all others would stay together")
    for part in parts:
        names = ", ".join(name_of(engine, snapshot, each, output) for each in part[:10])
        more = ", ..." if len(part) > 10 else ""
        output.line(f"without {who} {len(part)} would be cut off: {names}{more}")
    output.line(title(snapshot))


def _entry(snapshot: Snapshot, found: Bridging, number: int) -> dict[str, object]:
    return {
        "member": resource(snapshot, number),
        "cut_off": found.cut_off.item(number),
        "efficiency": found.efficiency.item(number),
        "effective_size": found.effective.item(number),
        "ties": found.degree.item(number),
        "local_bridges": found.local_bridges.item(number),
        "crossing": found.crossing.item(number),
        "weak": found.weak.item(number),
    }
