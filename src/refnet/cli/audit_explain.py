"""`refnet audit explain`: a score down to the facts, each with its proof."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from refnet.audit.concerning import concerning
from refnet.audit.opinions import Moment
from refnet.audit.proved import Leaf, covered, leaf_at, write_proofs
from refnet.cli.asof import AsOf, as_of, resource
from refnet.cli.audit_diff_shown import signed
from refnet.cli.audit_scores import Audit, audited, moment_at, scores_option
from refnet.cli.command import opened, store_command
from refnet.cli.explain import show_parts, whole_of
from refnet.cli.moments import date_of
from refnet.cli.output import Output
from refnet.cli.people import find_member
from refnet.cli.scores import COMPONENTS, name_of
from refnet.explain import Explanation, explain, facts_about
from refnet.heaviest import partner_of
from refnet.publishing import FOLDER
from refnet.standings import Snapshot
from refnet.tlog.published import Published

_NOT_PUBLISHED = (
    "the log is not published, so nothing proves to others what it holds: refnet audit init makes "
    "its key, refnet audit publish its first checkpoint"
)


_BEFORE_ALL = Moment(0, -1)


@dataclass(frozen=True)
class _Fact:
    """A fact, what goes with it, what it costs, and its place in the tree. mass: what is left."""

    position: int
    day: int
    mass: float
    gone: tuple[int, ...]
    cost: float
    leaf: Leaf


@dataclass(frozen=True)
class _Edge:
    """What one partner carries. points: by letter of the component. facts: how many in force."""

    partner: int
    points: dict[str, float]
    facts: int


@store_command(
    name="explain",
    examples="""
    refnet audit explain 35
    refnet audit explain '#0' --at 2024-07-01 --facts 20 --json
    refnet audit explain 35 --proofs ./proofs
    """,
)
@click.argument("member", metavar="MEMBER")
@click.option("--edges", type=click.IntRange(0, 1000), default=10, help="Partners to show. [10]")
@click.option("--facts", type=click.IntRange(0, 100), default=5, help="To price and prove. [5]")
@click.option(
    "--proofs",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Write a proof of each fact shown into this folder.",
)
@as_of()
@scores_option
def explain_(
    member: str,
    edges: int,
    facts: int,
    proofs: Path | None,
    asked: AsOf,
    scorer: str,
    data: Path,
    output: Output,
) -> None:
    """Take a score apart down to components, partners and facts, each fact with its proof.

    The parts are the kernel's and add up to the score, which the slow reference is asked for too;
    what a fact costs is exact. A fact's index in the tree and its commitment are what a proof is
    about; --proofs writes the proof files from what is published.
    """
    with opened(data, output, read_only=True) as engine:
        at = moment_at(engine, asked.moment, asked.day, asked.model, output)
        with audited(engine, at.position, scorer, output) as audit:
            snapshot = audit.kernel.snapshot(at)
            number = find_member(engine, snapshot, member, field="MEMBER")
            with audit.scoring(facts + 1):
                opinions, agree = audit.second_opinion(at)
                chosen = _facts(audit, at, number, facts)
            published = Published(data / FOLDER)
            leaves = [each.leaf for each in chosen]
            files = {} if proofs is None else write_proofs(published, leaves, proofs)
            whole = explain(snapshot, number)
            found = _edges(snapshot, whole)[:edges]
            reach = covered(published)
            if output.as_json:
                document = _document(audit, snapshot, whole, found, chosen, files)
                output.result({**document, **opinions, "published": reach})
            else:
                show_parts(engine, snapshot, whole, output)
                _show_edges(audit, snapshot, found, output)
                _show_facts(audit, at, number, chosen, output)
                _show_proofs(audit, files, reach, output)
    if not agree:
        raise click.exceptions.Exit(1)


def _facts(audit: Audit, at: Moment, number: int, count: int) -> list[_Fact]:
    """The heaviest facts, priced by who scores; most costly first."""
    snapshot = audit.kernel.snapshot(at)
    score = audit.opinion.scores(at).arrays["score"][number]
    chosen = concerning(audit.kernel, _BEFORE_ALL, at, snapshot.members[number], count)
    left: dict[int, float] = {}
    for fact in facts_about(snapshot, number):
        left[fact.position] = left.get(fact.position, 0.0) + fact.mass
    found = []
    for each in chosen.facts:
        cost = score - audit.opinion.without(at, each.gone)[number]
        day = snapshot.columns.day.item(each.position - 1)
        leaf = leaf_at(audit.told.reader, each.position)
        found.append(_Fact(each.position, day, left.get(each.position, 0.0), each.gone, cost, leaf))
    return sorted(found, key=lambda each: (-abs(each.cost), each.position))


def _edges(snapshot: Snapshot, whole: Explanation) -> list[_Edge]:
    """All partners: most points either way first, then lower number."""
    points: dict[int, dict[str, list[float]]] = {}
    for part in whole.parts:
        if part.partner is not None:
            of = points.setdefault(part.partner, {})
            of.setdefault(part.component, []).append(part.points)
    facts: dict[int | None, int] = {}
    for fact in facts_about(snapshot, whole.number):
        partner = partner_of(fact, whole.number)
        facts[partner] = facts.get(partner, 0) + 1
    return [
        _Edge(
            partner,
            {letter: math.fsum(each) for letter, each in points[partner].items()},
            facts.get(partner, 0),
        )
        for partner, _ in whole.by_partner()
    ]


def _show_edges(audit: Audit, snapshot: Snapshot, edges: list[_Edge], output: Output) -> None:
    rows = [
        [
            f"{math.fsum(each.points.values()):+.4f}",
            name_of(audit.engine, snapshot, each.partner, output),
            *(
                f"{each.points[letter]:+.4f}" if letter in each.points else ""
                for letter in COMPONENTS.values()
            ),
            str(each.facts),
        ]
        for each in edges
    ]
    if rows:
        output.table("edges", ("points", "partner", *COMPONENTS, "facts"), rows)


def _show_facts(audit: Audit, at: Moment, number: int, facts: list[_Fact], output: Output) -> None:
    rows = [
        [
            signed(each.cost),
            audit.fact(at, each.position, number),
            str(each.position),
            date_of(each.day),
            f"{each.mass:.3f}",
            str(each.leaf.index),
            each.leaf.commitment.hex()[:16],
            "" if len(each.gone) == 1 else f"and {len(each.gone) - 1} that follow",
        ]
        for each in facts
    ]
    columns = ("costs", "fact", "position", "day", "mass", "index", "commitment", "with it")
    if rows:
        output.table("facts: what each costs, and its leaf in the tree", columns, rows)


def _show_proofs(
    audit: Audit, files: Mapping[int, Path], reach: int | None, output: Output
) -> None:
    for position, path in sorted(files.items()):
        output.line(f"the proof of position {position} is {path}")
    if reach is None:
        output.line(_NOT_PUBLISHED)
    elif not files:
        output.line(f"published up to position {reach}; --proofs DIR writes a proof of each fact")
    if audit.opinion is audit.kernel:
        output.line("scored by the kernel alone")


def _document(
    audit: Audit,
    snapshot: Snapshot,
    whole: Explanation,
    edges: list[_Edge],
    facts: list[_Fact],
    files: Mapping[int, Path],
) -> dict[str, object]:
    letters = {letter: name for name, letter in COMPONENTS.items()}
    return {
        **whole_of(snapshot, whole),
        "edges": [
            {
                "partner": resource(snapshot, each.partner),
                "points": {letters[letter]: points for letter, points in each.points.items()},
                "fact_count": each.facts,
            }
            for each in edges
        ],
        "facts": [
            _fact(snapshot, audit.partner(each.position, whole.number), each, files)
            for each in facts
        ],
    }


def _fact(
    snapshot: Snapshot, partner: int | None, fact: _Fact, files: Mapping[int, Path]
) -> dict[str, Any]:
    leaf = fact.leaf
    proof = files.get(fact.position)
    return {
        "position": fact.position,
        "name": leaf.name,
        "partner": resource(snapshot, partner),
        "day": fact.day,
        "mass": fact.mass,
        "left_out": [*fact.gone],
        "cost": fact.cost,
        "index": leaf.index,
        "commitment": leaf.commitment.hex(),
        "proof": None if proof is None else str(proof),
    }
