"""`refnet explain`: why a score is what it is, and honest ways up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from refnet import actions, explain
from refnet.accumulators import Kind
from refnet.cli.asof import AsOf, as_of, bar, basis, resource, title
from refnet.cli.command import opened, store_command
from refnet.cli.moments import date_of
from refnet.cli.output import Output
from refnet.cli.people import find_member
from refnet.cli.scores import COMPONENTS, name_of
from refnet.engine import Engine
from refnet.heaviest import heaviest, partner_of
from refnet.standings import Snapshot

_ACTS = {
    actions.Act.PASS_REFERRAL: "pass a referral to {}",
    actions.Act.FINISH_REFERRAL: "bring the referral from {} to an end (if won)",
    actions.Act.ASK_CLIENT: "have the client of the referral from {} speak",
    actions.Act.ATTEND: "attend a meeting",
    actions.Act.ASK_RECEIVER: "ask {} what became of your referral",
    actions.Act.VERIFY_CLIENT: "have the client's word checked, introduced by {}",
}
_SOURCES = {
    explain.Source.UNKNOWN: "clients nobody introduced",
    explain.Source.WELCOME: "welcome",
    explain.Source.ECHO: "own trust that came back",
    explain.Source.AGAINST: "distrust or bad words",
}

_Priced = tuple[explain.Carrying, list[int], float]
"""A fact, positions that go with it if it is left out, and what that costs."""


@store_command(
    name="explain",
    examples="""
    refnet explain 35
    refnet explain '#0' --top 10 --acts 0
    refnet explain 35 --at 2024-07-01 --json
    """,
)
@click.argument("member", metavar="MEMBER")
@click.option("--top", type=click.IntRange(0, 20), default=5, help="Partners, and facts. [5]")
@click.option("--acts", type=click.IntRange(0, 20), default=3, help="Ways up to show. [3]")
@as_of()
def explain_(
    member: str,
    top: int,
    acts: int,
    asked: AsOf,
    data: Path,
    output: Output,
) -> None:
    """Take a score apart: components, partners, facts, and honest ways up.

    The parts add up to the score, and what rounding leaves is named. "Costs" is how many points the
    score would lose if it had never happened: the network is scored again without it.
    """
    with opened(data, output, read_only=True) as engine:
        snapshot = asked.scores(engine, output)
        number = find_member(engine, snapshot, member, field="MEMBER")
        whole, chosen = explain.with_facts(snapshot, number, partners=top, facts=0)
        priced = _priced(engine, snapshot, number, heaviest(snapshot, number, top))
        found = actions.suggest(snapshot, number, acts) if acts else []
        if output.as_json:
            output.result(_document(snapshot, whole, chosen, priced, found))
            return
        show_parts(engine, snapshot, whole, output)
        _show_partners(engine, snapshot, chosen, output)
        _show_facts(engine, snapshot, number, priced, output)
        _show_acts(engine, snapshot, found, output)


def _priced(
    engine: Engine, snapshot: Snapshot, number: int, facts: list[explain.Carrying]
) -> list[_Priced]:
    """The facts with what goes with them and what that costs; most costly first."""
    found = []
    for fact in facts:
        gone = engine.left_out(snapshot, [fact.position])
        found.append((fact, gone.tolist(), explain.cost(snapshot, number, gone)))
    return sorted(found, key=lambda each: (-abs(each[2]), each[0].position))


def show_parts(
    engine: Engine, snapshot: Snapshot, whole: explain.Explanation, output: Output
) -> None:
    """A table of the components of a score, what opportunism takes off, and rounding."""
    rows = []
    for name, letter in COMPONENTS.items():
        points = whole.points(letter)
        drawn = bar(points, 50.0)
        rows.append([f"{points:.3f}", f"{name} {drawn}", f"{whole.values[letter]:.4f}"])
        rows += [
            [f"{part.points:+.3f}", f"   of that {_SOURCES[part.source]}", ""]
            for part in whole.parts
            if part.component == letter and part.partner is None
        ]
    rows.append([f"{whole.taken:.3f}", "opportunism", f"{snapshot.scores.O[whole.number]:.4f}"])
    rows.append([f"{whole.remainder:.0e}", "rounding", ""])
    rows.append([f"{whole.score:.3f}", "score", ""])
    who = name_of(engine, snapshot, whole.number, output)
    output.table(f"{who} at {title(snapshot)}", ("points", "part", "value"), rows)


def _show_partners(
    engine: Engine, snapshot: Snapshot, chosen: list[explain.Partner], output: Output
) -> None:
    rows = []
    most = max((abs(each.points) for each in chosen), default=0.0)
    for each in chosen:
        who = name_of(engine, snapshot, each.number, output)
        drawn = bar(abs(each.points), most) if most else ""
        rows.append([f"{each.points:+.3f}", who, f"{each.cost:+.3f}", str(len(each.all)), drawn])
    if rows:
        columns = ("points", "partner", "costs", "facts", "")
        output.table("who carries it, and what it would cost without them", columns, rows)


def _show_facts(
    engine: Engine, snapshot: Snapshot, number: int, priced: list[_Priced], output: Output
) -> None:
    rows = []
    for fact, gone, cost in priced:
        partner = partner_of(fact, number)
        who = "" if partner is None else f" {name_of(engine, snapshot, partner, output)}"
        what = f"{Kind(fact.kind).name.lower()}{who}"
        more = "" if len(gone) == 1 else f"and {len(gone) - 1} that follow"
        rows.append(
            [f"{cost:+.3f}", what, str(fact.position), date_of(fact.day), f"{fact.mass:.3f}", more]
        )
    if rows:
        columns = ("costs", "fact", "position", "day", "mass left", "with it")
        output.table("what it would cost if it had never happened", columns, rows)


def _show_acts(
    engine: Engine, snapshot: Snapshot, found: list[actions.Action], output: Output
) -> None:
    rows = []
    for each in found:
        who = "nobody" if each.partner is None else name_of(engine, snapshot, each.partner, output)
        rows.append([f"{each.gain:+.3f}", _ACTS[each.act].format(who)])
    if rows:
        output.table("honest ways up, each tried alone", ("points", "act"), rows)


def whole_of(snapshot: Snapshot, whole: explain.Explanation) -> dict[str, object]:
    """A score and its parts, which add up to it, for programs."""
    letters = {letter: name for name, letter in COMPONENTS.items()}
    return {
        **basis(snapshot),
        "member": resource(snapshot, whole.number),
        "score": whole.score,
        "raw": whole.raw,
        "components": {
            name: {
                "value": whole.values[letter],
                "weight": whole.weights[letter],
                "points": whole.points(letter),
            }
            for name, letter in COMPONENTS.items()
        },
        "parts": [
            {
                "component": letters[part.component],
                "source": part.source,
                "partner": resource(snapshot, part.partner),
                "points": part.points,
            }
            for part in whole.parts
        ],
        "taken": whole.taken,
        "remainder": whole.remainder,
    }


def _document(
    snapshot: Snapshot,
    whole: explain.Explanation,
    chosen: list[explain.Partner],
    priced: list[_Priced],
    found: list[actions.Action],
) -> dict[str, object]:
    return {
        **whole_of(snapshot, whole),
        "partners": [
            {
                "partner": resource(snapshot, each.number),
                "points": each.points,
                "cost": each.cost,
                "fact_count": len(each.all),
            }
            for each in chosen
        ],
        "facts": [
            {
                "position": fact.position,
                "kind": Kind(fact.kind).name.lower(),
                "partner": resource(snapshot, partner_of(fact, whole.number)),
                "day": fact.day,
                "left": fact.left,
                "masses": fact.masses,
                "left_out": gone,
                "cost": cost,
            }
            for fact, gone, cost in priced
        ],
        "actions": [_action(snapshot, each) for each in found],
    }


def _action(snapshot: Snapshot, action: actions.Action) -> dict[str, Any]:
    return {
        "act": action.act,
        "partner": resource(snapshot, action.partner),
        "position": action.position or None,
        "value": action.value or None,
        "gain": action.gain,
    }
