"""All candidates beside each other, by everything that is measured."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from refnet.evaluate.candidates import CANDIDATES, Candidate
from refnet.evaluate.failures import failure_table
from refnet.evaluate.gather import Order, Watch, gather, networks_for
from refnet.evaluate.goals import goals
from refnet.evaluate.on_attacks import OURS, gain
from refnet.evaluate.report import Evidence
from refnet.evaluate.table import Cell, Table

Compared = Sequence[tuple[Candidate, Evidence]]


def compare(order: Order, watch: Watch, candidates: Sequence[Candidate] = CANDIDATES) -> Compared:
    """Measure every candidate as ordered, on the same networks, under the same attacks."""
    networks = networks_for(order, watch)
    with watch("candidates", len(candidates)) as done:
        found = []
        for number, each in enumerate(candidates, 1):
            found.append((each, gather(replace(order, model=each.name), _unwatched, networks)))
            done(number)
    return found


def tables(compared: Compared) -> list[Table]:
    """Who they are; goals, gains and failure cases with a column for each."""
    names = [each.name for each, _ in compared]
    who: list[list[Cell]] = [[each.name, each.base, each.what] for each, _ in compared]
    found = [Table("Candidates", ("candidate", "changes model", "what"), who)]
    reached = [
        {goal.what: goal for goal in goals(one.ratings, one.measured, one.collusions)}
        for _, one in compared
    ]
    rows: list[list[Cell]] = [
        [
            what,
            f"{'>=' if goal.least else '<='} {goal.bound:.{goal.digits}f}",
            *(f"{each[what].figure:.{goal.digits}f}" for each in reached),
        ]
        for what, goal in reached[0].items()
    ]
    rows.append(["goals met", None, *(sum(g.met for g in each.values()) for each in reached)])
    found.append(Table("Goals by candidate", ("goal", "wanted", *names), rows))
    kinds = list(compared[0][1].collusions.get(OURS, ()))
    gains: list[list[Cell]] = [
        [kind, *(gain(one.collusions[OURS], kind) for _, one in compared)] for kind in kinds
    ]
    found.append(Table("Gain in score by attack and candidate", ("attack", *names), gains))
    weak = [failure_table(one.measured, one.collusions, one.misuse) for _, one in compared]
    cases: list[list[Cell]] = [
        [row[0], row[2], *(_figure(table, row[0]) for table in weak)] for row in weak[0].rows
    ]
    found.append(Table("Failure cases by candidate", ("case", "better is", *names), cases))
    return [table for table in found if table.rows]


def write(compared: Compared, order: Order, folder: Path, name: str) -> Path:
    """Write NAME.md; returns its path. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.md"
    lines = ["# Candidates for score model 2", "", _HEAD, "", f"```\n{order.made_by}\n```", ""]
    seeds = ", ".join(map(str, order.seeds))
    lines += [f"{order.size}; seeds {seeds}, of which the first three are attacked.", ""]
    lines += [table.markdown() for table in tables(compared)]
    path.write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")
    return path


def _figure(table: Table, case: Cell) -> Cell:
    return next((row[1] for row in table.rows if row[0] == case), None)


@contextmanager
def _unwatched(title: str, total: int) -> Iterator[Callable[[int], None]]:
    """Watches nothing: one bar is enough."""
    yield lambda _: None


_HEAD = """\
Everything that was tried on the way to model 2, what failed too, measured on networks on which
constants may be chosen. Made by the command below. What the shipped models are worth on networks
that played no part in it is in [evidence.md](evidence.md) and
[evidence-model-2.md](evidence-model-2.md); what was learnt, in
[design/model-2.md](design/model-2.md)."""
