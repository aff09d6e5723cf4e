"""`refnet replay`: the scores once more, from the log alone."""

from __future__ import annotations

from pathlib import Path

import click

from refnet.cli.asof import basis
from refnet.cli.command import opened, store_command
from refnet.cli.compare import fetch
from refnet.cli.model import model_option
from refnet.cli.moments import TIME_HELP, DayType, Moment, MomentType
from refnet.cli.output import Output
from refnet.cli.scores import print_table
from refnet.engine import Engine
from refnet.second_opinion import digest_of
from refnet.standings import Snapshot

_ROWS_SHOWN = 10


@store_command(
    name="replay",
    examples="""
    refnet replay
    refnet replay --until 2024-07-01 --threads 2 --json
    refnet replay --compare localhost:50051
    refnet replay --second-opinion
    refnet replay --model 2 --json
    """,
)
@click.option("--until", type=MomentType(), help=f"Replay to a position or {TIME_HELP} [the end]")
@click.option("--day", type=DayType(), help="UTC date to which evidence fades. [of --until]")
@model_option
@click.option("--threads", type=click.IntRange(1, 1024), default=1, help="Changes no bit.")
@click.option("--batch", type=click.IntRange(min=1), default=512, help="Changes no bit.")
@click.option("--top", type=click.IntRange(min=0), default=_ROWS_SHOWN, help="Rows of the table.")
@click.option(
    "--second-opinion", is_flag=True, help="Score again with the slow reference, and compare."
)
@click.option("--compare", metavar="HOST:PORT", help="Are a running server's scores the same?")
def replay(
    until: Moment | None,
    day: int | None,
    model: str,
    threads: int,
    batch: int,
    top: int,
    *,
    second_opinion: bool,
    compare: str | None,
    data: Path,
    output: Output,
) -> None:
    """Rebuild everything from the log and print head, digest and scores.

    Every fact is checked against its commitment; no other file of the store is read but the keys,
    for the names in the table, and without these it goes on. The head is the RFC 6962 root over
    the facts replayed. With --compare or --second-opinion the exit code is 1 unless their scores
    at that position and day are the same, bit for bit.
    """
    with opened(data, output, read_only=True) as engine:
        position = None if until is None else until.resolve(engine, output.warn)
        with output.progress("replaying", engine.head()[0]) as advance:
            replayed = engine.replay(
                position=position,
                day=day,
                model=model,
                threads=threads,
                batch=batch,
                progress=lambda done, _: advance(done),
            )
        snapshot = replayed.snapshot
        found: dict[str, object] = {
            **basis(snapshot),
            "head": replayed.head,
        }
        if not output.as_json:
            numbers = [int(number) for number in snapshot.order[:top]]
            print_table(snapshot, numbers, engine, output)
            output.line(f"head   {replayed.head}")
        same = not second_opinion or _ask_reference(engine, snapshot, found, output)
        if compare is not None:
            same = _compare(compare, engine, snapshot, found, output) and same
    if output.as_json:
        output.result(found)
    if not same:
        raise click.exceptions.Exit(1)


def _ask_reference(
    engine: Engine, snapshot: Snapshot, found: dict[str, object], output: Output
) -> bool:
    """Score the same facts with the reference, and say whether that gives the same bytes."""
    facts = engine.facts(0, snapshot.position)
    digest = digest_of(facts, snapshot.position, snapshot.day, snapshot.model)
    same = digest == snapshot.digest
    found["second_opinion"] = {"same": same, "digest": digest}
    if not output.as_json:
        output.line(f"the reference has {'the same' if same else 'OTHER'} scores, {digest}")
    return same


def _compare(
    target: str, engine: Engine, snapshot: Snapshot, found: dict[str, object], output: Output
) -> bool:
    """Ask the server, and say whether its scores are the same bytes."""
    served = fetch(target, engine.log_id, snapshot)
    same = served.digest == served.stated_digest == snapshot.digest
    same = same and served.model == snapshot.model
    found["compare"] = {
        "server": target,
        "same": same,
        "model": served.model,
        "stated_digest": served.stated_digest,
        "digest": served.digest,
    }
    if not output.as_json:
        output.line(f"server {served.digest or 'has not all members'}")
        if served.stated_digest != served.digest:
            output.line(f"but states {served.stated_digest}")
        output.line(f"{target} has {'the same scores, bit for bit' if same else 'OTHER scores'}")
    return same
