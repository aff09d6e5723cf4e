"""`refnet golden`: the score model against files of known results."""

from __future__ import annotations

import json
from pathlib import Path

import click

from refnet.cli.command import store_command
from refnet.cli.output import Output
from refnet.errors import InvalidRequest
from refnet.golden import GoldenReport, check


@click.group("golden")
def golden() -> None:
    """Check the score model against files of known results."""


@store_command(
    golden,
    "check",
    examples="""
    refnet golden check score-golden.json
    refnet golden check score-golden.json --json
    """,
)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--threads", type=click.IntRange(1, 1024), default=1, help="Changes no bit.")
def check_file(file: Path, threads: int, data: Path, output: Output) -> None:
    """Run a golden file through the kernel and the reference, array by array.

    Says how many values differ in any bit; exit code 0 only if none does. No store is opened.
    """
    report = check(_read(file), threads=threads)
    if output.as_json:
        output.result(_document(report))
    else:
        rows = [
            (str(place), each.name, str(each.kernel_differs), str(each.reference_differs))
            for place, each in enumerate(report.arrays, 1)
        ]
        title = f"values of {report.n} that differ, model {report.model}"
        output.table(title, ("", "array", "kernel", "reference"), rows)
        output.line(f"expected  {report.expected_digest}")
        output.line(f"kernel    {report.kernel_digest}")
        output.line(f"reference {report.reference_digest}")
        for half_life in report.tables:
            output.line(f"the decay table of {half_life} days differs")
    if not report.ok:
        raise click.exceptions.Exit(1)


def _read(file: Path) -> dict[str, object]:
    try:
        found = json.loads(file.read_bytes())
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise InvalidRequest(f"{file.name} is no JSON object; give a golden file", field="file")
    return found


def _document(report: GoldenReport) -> dict[str, object]:
    return {
        "ok": report.ok,
        "model": report.model,
        "n": report.n,
        "day": report.day,
        "arrays": {
            each.name: {
                "values": each.n,
                "kernel_differs": each.kernel_differs,
                "reference_differs": each.reference_differs,
            }
            for each in report.arrays
        },
        "decay_tables_that_differ": list(report.tables),
        "expected_digest": report.expected_digest,
        "kernel_digest": report.kernel_digest,
        "reference_digest": report.reference_digest,
    }
