"""`refnet simulate`: a made-up network through the real command path."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable
from pathlib import Path

import click

from refnet import simulate as simulator
from refnet.cli.command import store_command
from refnet.cli.output import Output
from refnet.cli.unfinished import refuse_unfinished
from refnet.domain.ids import Entropy
from refnet.engine import Engine
from refnet.errors import InvalidRequest, StoreSealed
from refnet.log.sequencer import Clock
from refnet.wiring import open_engine


@store_command(
    name="simulate",
    resume="the store holds a part of a network; delete it before the next try",
    examples="""
    refnet simulate --chapters 3 --weeks 12 --seed 1 --data ./made-up
    refnet simulate --chapters 20 --weeks 104 --seed 7 --plant plant.json --data ./made-up --json
    """,
)
@click.option("--chapters", type=click.IntRange(1, 10_000), required=True, help="How many.")
@click.option("--weeks", type=click.IntRange(1, 1040), required=True, help="How long.")
@click.option("--seed", type=int, required=True, help="The same seed gives the same log.")
@click.option("--members", type=click.IntRange(1, 500), default=30, help="A chapter has. [30]")
@click.option(
    "--plant",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="Write who was made a taker, a colluder and so on to this file.",
)
def simulate(
    chapters: int,
    weeks: int,
    seed: int,
    members: int,
    plant: Path | None,
    data: Path,
    output: Output,
) -> None:
    """Write a realistic network into an empty store.

    Meetings, one-to-ones, referrals with outcomes and amounts, testimonials, newcomers and leavers,
    and a share of takers, colluding pairs and rings, and inactive members. Such a store is marked
    as simulated and takes no other facts.
    """
    refuse_unfinished(data)
    if plant is not None:
        _check_writable(plant)
    with output.progress("simulating", weeks) as advance:
        made = simulator.simulate(
            Factory(data, output, simulated=True),
            chapters=chapters,
            weeks=weeks,
            seed=seed,
            members_per_chapter=members,
            progress=lambda done, _: advance(done),
        )
    if plant is not None:
        simulator.write_plant(made.plant, plant)
    if output.as_json:
        counts = {"position": made.position, "requests": made.requests, "facts": made.facts}
        output.result({**counts, "seed": seed, "people": len(made.plant.people)})
        return
    rows = [(str(count), name) for name, count in made.facts.items()]
    output.table(f"{made.position} facts, seed {seed}", ("count", "fact"), rows)


class Factory:
    """Opens the store a simulation writes, if it is empty."""

    def __init__(
        self,
        data: Path,
        output: Output,
        *,
        simulated: bool,
        begin: Callable[[], None] | None = None,
    ) -> None:
        """simulated: whether the store is marked, and its secrets come from the seed.

        begin: called when the store is found empty, and locked against others who would write.
        """
        self._data = data
        self._output = output
        self._simulated = simulated
        self._begin = begin

    def __call__(self, *, clock: Clock, entropy: Entropy) -> Engine:
        """Raises StoreSealed if there are facts in the store."""
        engine = open_engine(
            self._data,
            clock=clock,
            entropy=entropy if self._simulated else os.urandom,
            simulated=self._simulated,
            warn=_quiet if self._simulated else self._output.note,
        )
        if engine.head()[0]:
            engine.close()
            raise StoreSealed(
                f"{self._data} holds facts already; simulate into an empty directory",
                path=self._data,
            )
        if self._begin is not None:
            self._begin()
        return engine


def _check_writable(path: Path) -> None:
    """Raises InvalidRequest for a file that cannot be written, before a long simulation."""
    existed = path.exists()
    try:
        with path.open("ab"):
            pass
    except OSError as error:
        raise InvalidRequest(
            f"{path} cannot be written ({error.strerror}); name a file in a directory that exists",
            field="plant",
        ) from error
    if not existed:
        path.unlink()


def last_monday(now: int) -> dt.date:
    """The Monday, UTC, with which the week of a time in microseconds began."""
    today = dt.datetime.fromtimestamp(now / 1_000_000, dt.UTC).date()
    return today - dt.timedelta(days=today.weekday())


def _quiet(text: str) -> None:
    """Made-up people need no advice about keys."""
