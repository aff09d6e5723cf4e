"""`refnet audit history`: a score over time, and the facts that moved it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import UUID

import click

from refnet.audit.concerning import naming
from refnet.audit.diff import Because, Cause, because
from refnet.audit.opinions import Moment, Scored
from refnet.cli import moments
from refnet.cli.asof import basis, resource, title
from refnet.cli.audit_diff_shown import part_document, show_why, signed
from refnet.cli.audit_plot import Mark, write_png, write_svg
from refnet.cli.audit_scores import Audit, audited, moment_at, scores_option
from refnet.cli.command import opened, store_command
from refnet.cli.history import days_of, points_of, span_options, spark
from refnet.cli.model import model_option
from refnet.cli.moments import date_of
from refnet.cli.output import Output
from refnet.cli.people import find_member
from refnet.cli.scores import name_of
from refnet.history import Seen, walk_of
from refnet.labels import Label
from refnet.scoring import ARRAYS
from refnet.standings import Snapshot

_BAR = 25
"""Columns for 100 points."""

_FILE = click.Path(dir_okay=False, path_type=Path)


@dataclass(frozen=True)
class _Step:
    """What happened from one point to the next. facts: how many concern the member."""

    seen: Seen
    change: float | None
    facts: int


@dataclass(frozen=True)
class _Move:
    """One of the largest steps, taken apart. at: its place among the points."""

    at: int
    before: Moment
    after: Moment
    because: Because


@store_command(
    name="history",
    examples="""
    refnet audit history 35 --step month
    refnet audit history '#0' --from 2024-03-01 --to 2024-06-30 --by happened --svg history.svg
    refnet audit history 35 --moves 10 --facts 5 --scores kernel --json
    """,
)
@click.argument("member", metavar="MEMBER")
@span_options
@click.option("--moves", type=click.IntRange(0, 50), default=3, help="Steps taken apart. [3]")
@click.option("--facts", type=click.IntRange(0, 20), default=3, help="Priced for each. [3]")
@click.option("--svg", type=_FILE, help="Draw the curve into this file.")
@click.option("--png", type=_FILE, help="The same; needs the `evaluate` extra.")
@model_option
@scores_option
def history(
    member: str,
    first: int | None,
    last: int | None,
    step: str,
    by: str,
    moment: moments.Moment | None,
    moves: int,
    facts: int,
    svg: Path | None,
    png: Path | None,
    model: str,
    scorer: str,
    data: Path,
    output: Output,
) -> None:
    """Show the score of MEMBER over time, with the facts that moved it.

    As `refnet history`, folded anew from the log's rows and scored by the slow reference too at
    every point. The largest steps are taken apart as `refnet audit diff` does. At most 520 points.
    """
    with opened(data, output, read_only=True) as engine:
        at = moment_at(engine, moment, None, model, output)
        with audited(engine, at.position, scorer, output) as audit:
            snapshot = audit.kernel.snapshot(at)
            number = find_member(engine, snapshot, member, field="MEMBER")
            points = points_of(engine, snapshot, days_of(snapshot, number, first, last, step), by)
            with audit.scoring(len(points) + moves * (facts + 4)):
                walked = walk_of(snapshot, number, points)
                seen = [each for each in walked if each is not None]
                differs = _disagreement(audit, snapshot.members[number], seen, model)
                steps = _steps(snapshot, number, seen, model)
                moved = _moves(audit, snapshot.members[number], steps, model, (moves, facts))
            _show(audit, snapshot, number, steps, moved, output)
            heading = f"{name_of(engine, snapshot, number, output)}, {title(snapshot)}"
            marks = [Mark(each.at, _words(audit, number, each)) for each in moved]
            if svg is not None:
                write_svg(svg, heading, seen, marks)
            if png is not None:
                write_png(png, heading, seen, marks)
            if output.as_json:
                found = [_point(each) for each in steps]
                by_whom = {"scores": scorer, "kernel_agrees": differs is None}
                output.result(
                    {
                        **basis(snapshot),
                        "member": resource(snapshot, number),
                        "by": by,
                        **(by_whom if audit.opinion is not audit.kernel else {"scores": scorer}),
                        "points": found,
                        "moves": [_move(each) for each in moved],
                    }
                )
    if differs is not None:
        raise click.exceptions.Exit(1)


def _disagreement(audit: Audit, member: UUID, seen: list[Seen], model: str) -> str | None:
    """Where the reference says otherwise than the kernel's walk; tells people. None if nowhere."""
    if audit.opinion is audit.kernel:
        return None
    for each in seen:
        scored = audit.opinion.scores(Moment(each.position, each.day, model))
        if not _same(scored, member, each):
            why = f"at position {each.position} on {date_of(each.day)}"
            audit.output.warn(
                f"the slow reference and the kernel do NOT agree {why}; "
                "one of them is wrong, please report this"
            )
            return why
    return None


def _same(scored: Scored, member: UUID, seen: Seen) -> bool:
    number = scored.numbers[member]
    values = {name: scored.arrays[name][number] for name in ARRAYS}
    return values == seen.values and scored.ranks[number] == seen.rank


def _steps(snapshot: Snapshot, number: int, seen: list[Seen], model: str) -> list[_Step]:
    found = [_Step(each, None, 0) for each in seen[:1]]
    for one, two in pairwise(seen):
        before, after = (Moment(each.position, each.day, model) for each in (one, two))
        facts = naming(snapshot, number, before, after)
        found.append(_Step(two, two.values["score"] - one.values["score"], len(facts)))
    return found


def _moves(
    audit: Audit, member: UUID, steps: list[_Step], model: str, counts: tuple[int, int]
) -> list[_Move]:
    """The largest steps in order of time, each with what it is due to."""
    changed = [at for at, each in enumerate(steps) if each.change]
    largest = sorted(changed, key=lambda at: (-abs(steps[at].change or 0.0), at))[: counts[0]]
    found = []
    for at in sorted(largest):
        before, after = (
            Moment(each.seen.position, each.seen.day, model) for each in steps[at - 1 : at + 1]
        )
        why = because(audit.opinion, audit.kernel, before, after, member, counts[1])
        found.append(_Move(at, before, after, why))
    return found


def _words(audit: Audit, number: int, move: _Move) -> str:
    """What moved a score most at a step."""
    facts = [part for part in move.because.parts if part.cause is Cause.FACT]
    if not facts:
        return f"{date_of(move.after.day)} no fact of the member's own"
    most = max(facts, key=lambda part: abs(part.points))
    assert most.position is not None
    named = audit.fact(move.after, most.position, number)
    return f"{date_of(move.after.day)} {named} at position {most.position}: {signed(most.points)}"


def _show(
    audit: Audit,
    snapshot: Snapshot,
    number: int,
    steps: list[_Step],
    moved: list[_Move],
    output: Output,
) -> None:
    if output.as_json:
        return
    heading = f"{name_of(audit.engine, snapshot, number, output)}, {title(snapshot)}"
    if not steps:
        output.line(f"{heading}: no point at which there was a score")
        return
    rows = [
        [
            date_of(each.seen.day),
            "█" * round(each.seen.values["score"] * _BAR / 100),
            f"{each.seen.values['score']:.4f}",
            "" if each.change is None else signed(each.change),
            str(each.seen.rank),
            str(each.facts),
            Label(each.seen.label).name.lower(),
        ]
        for each in steps
    ]
    columns = ("date", "of 100", "score", "change", "rank", "facts", "label")
    output.table(heading, columns, rows)
    output.line(f"{spark([each.seen for each in steps])}  score, lowest to highest")
    for each in moved:
        when = f" {date_of(each.before.day)} to {date_of(each.after.day)}"
        show_why(audit, each.after, snapshot.members[number], each.because, output, when)


def _point(step: _Step) -> dict[str, Any]:
    seen = step.seen
    return {
        "position": seen.position,
        "day": seen.day,
        "date": date_of(seen.day),
        "rank": seen.rank,
        "score": seen.values["score"],
        "change": step.change,
        "fact_count": step.facts,
    }


def _move(move: _Move) -> dict[str, Any]:
    return {
        "position": move.after.position,
        "date": date_of(move.after.day),
        "since": {"position": move.before.position, "date": date_of(move.before.day)},
        "because": [part_document(part) for part in move.because.parts],
        "fact_count": move.because.candidates,
    }
