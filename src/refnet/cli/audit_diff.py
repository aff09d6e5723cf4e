"""`refnet audit diff`: whose scores differ between two moments, stores or models, and why."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click

from refnet.cli import moments
from refnet.cli.audit_diff_shown import show, show_unscored
from refnet.cli.audit_diff_sides import Asked, compare_rows, find, forked, open_pair
from refnet.cli.audit_scores import KERNEL, scores_option
from refnet.cli.command import store_command
from refnet.cli.moments import DayType, MomentType
from refnet.cli.output import Output
from refnet.scoring import MODEL, MODELS, constants

_DIFFERENT = 1


class _Constant(click.ParamType[tuple[str, float]]):
    """NAME=VALUE."""

    name = "NAME=VALUE"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, float]:
        """Parse, or tell what is accepted."""
        if isinstance(value, tuple):
            return value[0], value[1]
        name, _, number = str(value).partition("=")
        try:
            constants(MODEL, {name: float(number)})
        except ValueError as wrong:
            self.fail(f"{value!r}: {wrong}", param, ctx)
        return name, float(number)


@store_command(
    name="diff",
    refused=2,
    examples="""
    refnet audit diff 1200 1500
    refnet audit diff 2024-07-01 2024-08-01 --member 35 --facts 10 --json
    refnet audit diff --other ./a-copy
    refnet audit diff --other-model 2 --top 20
    refnet audit diff --try newcomer=0.5 --scores kernel
    """,
)
@click.argument("one", metavar="[A]", type=MomentType(), required=False)
@click.argument("two", metavar="[B]", type=MomentType(), required=False)
@click.option("--day", type=DayType(), help="UTC date to which evidence fades at A. [of A]")
@click.option("--other-day", type=DayType(), help="The same at B. [of B]")
@click.option("--model", type=click.Choice(MODELS), default=MODEL, show_default=True, help="At A.")
@click.option("--other-model", type=click.Choice(MODELS), help="Version of the model at B. [at A]")
@click.option("--try", "tried", type=_Constant(), multiple=True, help="A constant to try at B.")
@click.option(
    "--other",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="B is in this store, another copy of the log.",
)
@click.option("--member", "members", multiple=True, help="Whom to show; may be repeated.")
@click.option("--top", type=click.IntRange(0, 1000), default=5, help="Else those changed most. [5]")
@click.option("--facts", type=click.IntRange(0, 20), default=3, help="Priced for each member. [3]")
@scores_option
def diff(
    one: moments.Moment | None,
    two: moments.Moment | None,
    day: int | None,
    other_day: int | None,
    model: str,
    other_model: str | None,
    tried: tuple[tuple[str, float], ...],
    other: Path | None,
    members: tuple[str, ...],
    top: int,
    facts: int,
    scorer: str,
    data: Path,
    output: Output,
) -> None:
    """Tell whose scores differ between A and B, by how much, and because of what.

    A and B are positions or record TIMEs: the newest one without them, and B as A without it. The
    parts of a change add up to it: a version of the model, the passing of time, the facts named,
    what they do only together, all other facts, rounding. What a fact costs is exact: the network
    is scored again without it. The exit code is 0 if nothing differs, 1 if anything does, and 2 if
    it cannot be told.
    """
    if two is None and other is None and other_model is None and other_day is None and not tried:
        raise click.UsageError(
            "name two positions or times, A and B, or what else is to differ: "
            "--other, --other-model, --other-day, --try"
        )
    if tried and (scorer != KERNEL or two is not None or other is not None):
        raise click.UsageError(
            "--try compares at one moment of one store, and only the kernel knows all constants; "
            "leave out B and --other, and add --scores kernel"
        )
    asked = (
        Asked(one, day, model, {}),
        Asked(one if two is None else two, other_day, other_model or model, dict(tried)),
    )
    same = True
    with ExitStack() as stack:
        differs = None if other is None else compare_rows(data, other, asked, output)
        if differs is not None and any(differs.damaged):
            show_unscored(differs, (data, other or data), output)
            raise click.exceptions.Exit(_DIFFERENT)
        pair = open_pair(stack, data, other, asked, scorer, output)
        found = find(pair, members, top, facts, output, priced=not forked(differs))
        same = show(pair, found, differs, output)
    if not same:
        raise click.exceptions.Exit(_DIFFERENT)
