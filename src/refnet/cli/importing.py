"""`refnet import`: files of other systems."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from refnet.cli.command import opened, store_command
from refnet.cli.output import Output
from refnet.domain.network import Decay, Pretrust
from refnet.engine import Engine
from refnet.imports.loader import Tally
from refnet.imports.ratings import RatingsImport
from refnet.imports.rejects import Rejects
from refnet.imports.slip_columns import COLUMNS
from refnet.imports.slips import SlipsImport

_RESUME = "what went in before is kept. Run the same command again to go on: no row is taken twice"
_FILE = click.Path(exists=True, dir_okay=False, readable=True, path_type=Path)


@click.group("import")
def import_() -> None:
    """Import files of other systems.

    Rows that break a rule are left out, with line and reason, in a file under DIR/rejected; the
    others go in. Importing a file again adds nothing, so an interrupted import is just run again.
    """


@store_command(
    import_,
    "ratings",
    resume=_RESUME,
    examples="""
    refnet import ratings otc_network.csv.gz --pretrust uniform --decay off
    refnet import ratings ratings.csv --data ./trust --json
    """,
)
@click.argument("file", type=_FILE)
@click.option(
    "--pretrust",
    type=click.Choice(Pretrust, case_sensitive=False),
    help="Where trust starts: in everyone alike, or in attendance. [new store: attendance]",
)
@click.option(
    "--decay",
    type=click.Choice(Decay, case_sensitive=False),
    help="Whether evidence fades with time. [new store: on]",
)
def ratings(
    file: Path, pretrust: Pretrust | None, decay: Decay | None, data: Path, output: Output
) -> None:
    """Import who trusts whom: lines of source,target,rating,unix time.

    People become members of one chapter without seats, in order of first appearance; ratings, -10
    to 10 without 0, become testimonials. Lines need no order, a header is passed over, and .gz is
    known by its suffix. --pretrust and --decay make a new store; with another they must agree.
    """
    with opened(data, output, make=True) as engine:
        rejects = Rejects(data, file)
        run = RatingsImport(engine, rejects, pretrust=pretrust, decay=decay)
        _run(run, file, rejects, engine, output)


def _column_help() -> str:
    width = max(len(column.name) for column in COLUMNS) + 2
    return "\n".join(f"{column.name:<{width}}{column.meaning}" for column in COLUMNS)


@store_command(
    import_,
    "slips",
    resume=_RESUME,
    examples=f"""
    refnet import slips march.xlsx --enrol
    refnet import slips slips.csv --data ./network --json

    Columns, in any order, their headings in any case:
    {_column_help()}
    """,
)
@click.argument("file", type=_FILE)
@click.option("--enrol", is_flag=True, help="Make members, chapters and network if missing.")
def slips(file: Path, *, enrol: bool, data: Path, output: Output) -> None:
    """Import referrals, one-to-ones, closed business and attendance from CSV or XLSX.

    The first line names the columns (below); each line is one slip. Closed business names the
    `slip` of its referral, and stands for the steps up to it. See docs/slips.md.
    """
    with opened(data, output, make=True) as engine:
        rejects = Rejects(data, file)
        _run(SlipsImport(engine, rejects, enrol=enrol), file, rejects, engine, output)


def _run(
    run: RatingsImport | SlipsImport, file: Path, rejects: Rejects, engine: Engine, output: Output
) -> None:
    try:
        with output.progress(f"importing {file.name}", file.stat().st_size) as advance:
            tally = run.run(file, advance)
    finally:
        rejects.close()
    _report(tally, rejects, engine.head()[0], output)


def _report(tally: Tally, rejects: Rejects, position: int, output: Output) -> None:
    if output.as_json:
        found: dict[str, Any] = {
            "accepted": tally.accepted,
            "duplicates": tally.duplicates,
            "rejected": tally.rejected,
            "position": position,
        }
        if tally.rejected:
            found["rejects_file"] = str(rejects.path)
        output.result(found)
        return
    output.line(
        f"{tally.accepted} rows accepted, {tally.duplicates} were there before, "
        f"{tally.rejected} rejected; the log is at position {position}"
    )
    if tally.rejected:
        output.line(f"lines and reasons of the rejected rows: {rejects.path}")
