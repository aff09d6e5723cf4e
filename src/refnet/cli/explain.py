"""`refnet explain`, `whatif` and `forecast`: why a score is what it is, would be and will be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import numpy as np

from refnet import actions, explain, forecast, whatif
from refnet.accumulators import Kind
from refnet.cli.command import opened, store_command
from refnet.cli.model import model_option
from refnet.cli.moments import TIME_HELP, DayType, Moment, MomentType, date_of
from refnet.cli.output import Output
from refnet.cli.people import find_member
from refnet.cli.scores import COMPONENTS, name_of
from refnet.engine import Engine
from refnet.standings import Snapshot

_BAR = 30
_FLAG = 0.5
_ACTS = {
    actions.Act.PASS_REFERRAL: "pass a referral to {}",
    actions.Act.FINISH_REFERRAL: "bring the referral from {} to an end (if won)",
    actions.Act.ASK_CLIENT: "have the client of the referral from {} speak",
    actions.Act.ATTEND: "attend a meeting",
}
_SOURCES = {
    explain.Source.UNKNOWN: "clients nobody introduced",
    explain.Source.WELCOME: "welcome",
    explain.Source.ECHO: "own trust that came back",
    explain.Source.AGAINST: "distrust or bad words",
}


@store_command(
    name="explain",
    examples="""
    refnet explain 35
    refnet explain '#0' --top 3 --facts 10
    refnet explain 35 --at 2024-07-01 --json
    """,
)
@click.argument("member", metavar="MEMBER")
@click.option("--top", type=click.IntRange(0, 20), default=5, help="Partners to work out. [5]")
@click.option("--facts", type=click.IntRange(0, 50), default=5, help="Facts to work out. [5]")
@click.option("--acts", type=click.IntRange(0, 20), default=3, help="Ways up to show. [3]")
@click.option("--at", "moment", type=MomentType(), help=f"As of a position or {TIME_HELP}")
@click.option("--day", type=DayType(), help="UTC date to which evidence fades. [of --at]")
@model_option
def explain_(
    member: str,
    top: int,
    facts: int,
    acts: int,
    moment: Moment | None,
    day: int | None,
    model: str,
    data: Path,
    output: Output,
) -> None:
    """Take a score apart: components, partners, facts, and honest ways up.

    The parts add up to the score, and what rounding leaves is named. "Costs" is how many points the
    score would lose if it had never happened: the network is scored again without it.
    """
    with opened(data, output, read_only=True) as engine:
        snapshot = _snapshot(engine, moment, day, model, output)
        number = find_member(engine, snapshot, member, field="MEMBER")
        whole, chosen = explain.with_facts(snapshot, number, partners=top, facts=facts)
        costs = [_cost(engine, snapshot, number, list(each.all)) for each in chosen]
        of_facts = [[_cost(engine, snapshot, number, [f]) for f in each.shown] for each in chosen]
        found = actions.suggest(snapshot, number, acts) if acts else []
        if output.as_json:
            output.result(_document(snapshot, whole, chosen, costs, of_facts, found))
            return
        _show(engine, snapshot, whole, output)
        _show_partners(engine, snapshot, chosen, costs, of_facts, output)
        _show_acts(engine, snapshot, found, output)


@store_command(
    name="whatif",
    examples="""
    refnet whatif 20836
    refnet whatif 9 20836 --member 35 --json
    """,
)
@click.argument("positions", metavar="POSITION...", type=click.IntRange(min=1), nargs=-1)
@click.option("--member", "members", multiple=True, help="Whose score to show; may be repeated.")
@click.option("--top", type=click.IntRange(1, 1000), default=10, help="Else those changed most.")
@click.option("--at", "moment", type=MomentType(), help=f"As of a position or {TIME_HELP}")
@click.option("--day", type=DayType(), help="UTC date to which evidence fades. [of --at]")
@model_option
def what_if(
    positions: tuple[int, ...],
    members: tuple[str, ...],
    top: int,
    moment: Moment | None,
    day: int | None,
    model: str,
    data: Path,
    output: Output,
) -> None:
    """Score the network as if the facts at these positions had never happened.

    What depends on them in their stream goes too; nothing is decided again; members keep their
    numbers. Positions are those of `refnet export facts`.
    """
    if not positions:
        raise click.UsageError("name at least one POSITION")
    with opened(data, output, read_only=True) as engine:
        snapshot = _snapshot(engine, moment, day, model, output)
        named = [find_member(engine, snapshot, each, field="--member") for each in members]
        gone = engine.left_out(snapshot, positions)
        after = whatif.without(snapshot, gone)
        before = snapshot.scores.score
        change = np.abs(after.score - before)
        changed = np.flatnonzero(change > 0.0)
        most = changed[np.lexsort((changed, -change[changed]))][:top].tolist()
        shown = [(each, before.item(each), after.score.item(each)) for each in named or most]
        if output.as_json:
            output.result(
                {
                    **_basis(snapshot),
                    "left_out": gone.tolist(),
                    "change_count": len(changed),
                    "digest_without": after.digest(),
                    "changes": [
                        {"member": _name(snapshot, each), "before": was, "after": would}
                        for each, was, would in shown
                    ],
                }
            )
            return
        title = f"without {len(gone)} facts {len(changed)} scores change"
        names = [name_of(engine, snapshot, each, output) for each, _, _ in shown]
        rows = [
            [f"{would - was:+.4f}", name, f"{was:.4f}", f"{would:.4f}"]
            for name, (_, was, would) in zip(names, shown, strict=True)
        ]
        output.table(title, ("change", "member", "before", "after"), rows)
        output.line(f"digest {after.digest()}")


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
@click.option("--at", "moment", type=MomentType(), help=f"As of a position or {TIME_HELP}")
@click.option("--day", type=DayType(), help="UTC date to begin with. [of --at]")
@model_option
def forecast_(
    member: str,
    days: int,
    points: int,
    moment: Moment | None,
    day: int | None,
    model: str,
    data: Path,
    output: Output,
) -> None:
    """Show what a score becomes if nothing more happens, and which partners' parts fade."""
    with opened(data, output, read_only=True) as engine:
        snapshot = _snapshot(engine, moment, day, model, output)
        number = find_member(engine, snapshot, member, field="MEMBER")
        coming = forecast.days_ahead(snapshot.day, days, points)
        outlooks = forecast.forecast(snapshot, number, coming)
        fading = explain.fading(snapshot, number, coming[-1])[:5]
        flips = forecast.first_change(outlooks, "O", _FLAG)
        if output.as_json:
            output.result(
                {
                    **_basis(snapshot),
                    "member": _name(snapshot, number),
                    "outlooks": [{"day": each.day, **each.values} for each in outlooks],
                    "flag_changes_day": flips,
                    "fading": [
                        {"partner": _name(snapshot, each), "now": now, "then": then}
                        for each, now, then in fading
                    ],
                }
            )
            return
        columns = ("score", "day", *COMPONENTS, "opportunism")
        rows = [
            [
                f"{each.values['score']:.2f}",
                f"{date_of(each.day)} {'█' * round(each.values['score'] / 100 * _BAR)}",
                *(f"{each.values[letter]:.3f}" for letter in (*COMPONENTS.values(), "O")),
            ]
            for each in outlooks
        ]
        output.table(
            f"{name_of(engine, snapshot, number, output)}, if nothing happens", columns, rows
        )
        for each, now, then in fading:
            who = name_of(engine, snapshot, each, output)
            output.line(f"{now:8.2f} -> {then:6.2f} points of {who}")
        if flips is not None:
            output.line(f"opportunism crosses {_FLAG} by {date_of(flips)}")


def _snapshot(
    engine: Engine, moment: Moment | None, day: int | None, model: str, output: Output
) -> Snapshot:
    position = None if moment is None else moment.resolve(engine, output.warn)
    return engine.scores(position=position, day=day, model=model)


def _cost(engine: Engine, snapshot: Snapshot, number: int, facts: list[explain.Carrying]) -> float:
    gone = engine.left_out(snapshot, [fact.position for fact in facts])
    return explain.cost(snapshot, number, gone)


def _show(engine: Engine, snapshot: Snapshot, whole: explain.Explanation, output: Output) -> None:
    rows = []
    for name, letter in COMPONENTS.items():
        points = whole.points(letter)
        bar = "█" * round(points / 100 * 2 * _BAR)
        rows.append([f"{points:.3f}", f"{name} {bar}", f"{whole.values[letter]:.4f}"])
        rows += [
            [f"{part.points:+.3f}", f"   of that {_SOURCES[part.source]}", ""]
            for part in whole.parts
            if part.component == letter and part.partner is None
        ]
    rows.append([f"{whole.taken:.3f}", "opportunism", f"{snapshot.scores.O[whole.number]:.4f}"])
    rows.append([f"{whole.remainder:.0e}", "rounding", ""])
    rows.append([f"{whole.score:.3f}", "score", ""])
    title = (
        f"{name_of(engine, snapshot, whole.number, output)} at position {snapshot.position}, "
        f"{date_of(snapshot.day)}, model {snapshot.model}"
    )
    output.table(title, ("points", "part", "value"), rows)


def _show_partners(
    engine: Engine,
    snapshot: Snapshot,
    chosen: list[explain.Partner],
    costs: list[float],
    of_facts: list[list[float]],
    output: Output,
) -> None:
    rows = []
    for each, cost, facts in zip(chosen, costs, of_facts, strict=True):
        who = name_of(engine, snapshot, each.number, output)
        rows.append([f"{each.points:.3f}", who, f"{cost:.3f}", str(len(each.all)), "", ""])
        for fact, price in zip(each.shown, facts, strict=True):
            what = f"   {Kind(fact.kind).name.lower()}, {date_of(fact.day)}"
            rows.append(["", what, f"{price:.3f}", "", str(fact.position), f"{fact.left:.2f}"])
    if rows:
        columns = ("points", "partner", "costs", "facts", "position", "left")
        output.table("who carries it, and what it would cost without", columns, rows)


def _show_acts(
    engine: Engine, snapshot: Snapshot, found: list[actions.Action], output: Output
) -> None:
    rows = []
    for each in found:
        who = "" if each.partner is None else name_of(engine, snapshot, each.partner, output)
        rows.append([f"{each.gain:+.3f}", _ACTS[each.act].format(who)])
    if rows:
        output.table("honest ways up, each tried alone", ("points", "act"), rows)


def _basis(snapshot: Snapshot) -> dict[str, object]:
    return {
        "position": snapshot.position,
        "day": snapshot.day,
        "date": date_of(snapshot.day),
        "model": snapshot.model,
        "digest": snapshot.digest,
    }


def _document(
    snapshot: Snapshot,
    whole: explain.Explanation,
    chosen: list[explain.Partner],
    costs: list[float],
    of_facts: list[list[float]],
    found: list[actions.Action],
) -> dict[str, object]:
    letters = {letter: name for name, letter in COMPONENTS.items()}
    return {
        **_basis(snapshot),
        "member": _name(snapshot, whole.number),
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
                "partner": _name(snapshot, part.partner),
                "points": part.points,
            }
            for part in whole.parts
        ],
        "taken": whole.taken,
        "remainder": whole.remainder,
        "partners": [
            {
                "partner": _name(snapshot, each.number),
                "points": each.points,
                "cost": cost,
                "fact_count": len(each.all),
                "facts": [
                    {"position": fact.position, "day": fact.day, "left": fact.left, "cost": price}
                    for fact, price in zip(each.shown, facts, strict=True)
                ],
            }
            for each, cost, facts in zip(chosen, costs, of_facts, strict=True)
        ],
        "actions": [_action(snapshot, each) for each in found],
    }


def _action(snapshot: Snapshot, action: actions.Action) -> dict[str, Any]:
    return {
        "act": action.act,
        "partner": _name(snapshot, action.partner),
        "position": action.position or None,
        "value": action.value or None,
        "gain": action.gain,
    }


def _name(snapshot: Snapshot, number: int | None) -> str | None:
    return None if number is None else f"members/{snapshot.members[number]}"
