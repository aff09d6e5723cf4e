"""Who scores for the audit: the slow reference beside the kernel, or the kernel alone."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass

import click

from refnet.audit.opinions import SECONDS_A_FACT, Kernel, Moment, Reference, disagreement
from refnet.audit.told import Told
from refnet.cli import moments
from refnet.cli.output import Output
from refnet.cli.scores import name_of
from refnet.consistency import check_in_log
from refnet.domain.values import utc_day
from refnet.engine import Engine
from refnet.ledger.columns import NOBODY
from refnet.log.reader import Reader

REFERENCE, KERNEL = "reference", "kernel"
_LONG_SECONDS = 20

scores_option = click.option(
    "--scores",
    "scorer",
    type=click.Choice((REFERENCE, KERNEL)),
    default=REFERENCE,
    show_default=True,
    help="Who scores: the slow reference, held against the kernel, or the kernel alone.",
)


@dataclass
class Audit:
    """A log read anew from its rows, and who scores it."""

    engine: Engine
    told: Told
    kernel: Kernel
    opinion: Kernel | Reference
    output: Output

    @contextmanager
    def scoring(self, times: int) -> Iterator[None]:
        """Around so many scorings at most: a bar, and a word ahead where they will take long."""
        slow = isinstance(self.opinion, Reference)
        told = slow and self._tell(times * self.told.position * SECONDS_A_FACT, times)
        first, done = 0.0, 0
        with self.output.progress(f"scoring with the {self.opinion.name}", times) as advance:

            def another() -> None:
                nonlocal first, done, told
                done += 1
                advance(min(done, times))
                if done == 1:
                    first = time.monotonic()  # and the tables of decay are there
                elif slow and not told:  # how long one takes is known by now
                    each = (time.monotonic() - first) / (done - 1)
                    told = self._tell(each * (times - done), times)

            self.opinion.done = another
            yield
            advance(times)

    def _tell(self, seconds: float, times: int) -> bool:
        """Say that the reference will take so long, if that is long; whether it was said."""
        if seconds < _LONG_SECONDS:
            return False
        took = f"{seconds:.0f} s" if seconds < 120 else f"{math.ceil(seconds / 60)} minutes"
        self.output.note(
            f"the slow reference scores the network up to {times} times, which takes about {took}; "
            "--scores kernel takes seconds"
        )
        return True

    def second_opinion(self, *moments: Moment) -> tuple[dict[str, object], bool]:
        """Whether kernel and reference have the same scores, for --json, and as a bool.

        Says so to people where they do not.
        """
        if self.opinion is self.kernel:
            return {"scores": KERNEL}, True
        why = None
        for at in dict.fromkeys(moments):
            why = why or disagreement(self.opinion.scores(at), self.kernel.scores(at))
        if why is not None:
            self.output.warn(
                f"the slow reference and the kernel do NOT agree: {why}; "
                "one of them is wrong, please report this"
            )
        return {"scores": REFERENCE, "kernel_agrees": why is None}, why is None

    def fact(self, at: Moment, position: int, number: int) -> str:
        """The name of a fact, and the other member it names, for people."""
        (row,) = self.told.reader.rows(position - 1, position, 1)
        name = short(row[3])
        partner = self.partner(position, number)
        snapshot = self.kernel.snapshot(at)
        if partner is None or partner >= snapshot.scores.n:
            return name
        who = name_of(self.engine, snapshot, partner, self.output)
        gives = self.told.ledger.columns(position).giver.item(position - 1) == partner
        return f"{name} {'from' if gives else 'to'} {who}"

    def partner(self, position: int, number: int) -> int | None:
        """The number of the other member that a fact names, if it names one."""
        row = self.told.ledger.columns(position)
        ends = {int(row.giver[position - 1]), int(row.receiver[position - 1])} - {NOBODY, number}
        return next(iter(ends), None)


def short(name: str) -> str:
    """The name of a fact without what all names have."""
    return name.removeprefix("refnet.").rpartition(".")[0]


@contextmanager
def audited(engine: Engine, position: int, scorer: str, output: Output) -> Iterator[Audit]:
    """The log up to a position, every row checked. Raises PositionAhead, StoreDamaged."""
    with closing(engine.reader()) as reader:
        told = read_rows(reader, engine, position, output, decoded=scorer == REFERENCE)
        kernel = Kernel(told)
        opinion: Kernel | Reference = kernel if scorer == KERNEL else Reference(told)
        yield Audit(engine, told, kernel, opinion, output)


def moment_at(
    engine: Engine, asked: moments.Moment | None, day: int | None, model: str, output: Output
) -> Moment:
    """The moment asked for; without a position the newest, without a day that of its record.

    Raises PositionAhead.
    """
    position = engine.head()[0] if asked is None else asked.resolve(engine, output.warn)
    with closing(engine.reader()) as reader:
        check_in_log(position, reader.position())
    return Moment(position, utc_day(engine.record_time(position)) if day is None else day, model)


def read_rows(
    reader: Reader, engine: Engine, position: int, output: Output, *, decoded: bool
) -> Told:
    """Read and check a log, with a bar."""
    with output.progress("checking the log", position) as advance:
        return Told(reader, engine.extractor, position, decoded=decoded, advance=advance)
