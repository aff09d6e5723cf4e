"""The two sides of `refnet audit diff`: from what was asked for to scores and their changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from refnet.audit.diff import Because, Change, because, change_of, changes
from refnet.audit.opinions import Kernel, Moment, Scored
from refnet.audit.stores import NOTHING, Difference, first_difference, open_rows
from refnet.cli import moments
from refnet.cli.audit_scores import Audit, audited, moment_at
from refnet.cli.command import opened
from refnet.cli.output import Output
from refnet.cli.people import find_member
from refnet.consistency import check_in_log
from refnet.errors import InvalidRequest
from refnet.explain import COMPONENTS
from refnet.log.reader import Reader
from refnet.scoring import constants


@dataclass(frozen=True)
class Asked:
    """One side as it was asked for; None is the newest position, and its day."""

    moment: moments.Moment | None
    day: int | None
    model: str
    tried: Mapping[str, float]


@dataclass(frozen=True)
class Side:
    """One side with what it is read from."""

    store: Path
    audit: Audit
    at: Moment
    tried: Mapping[str, float]

    def scores(self) -> Scored:
        """Its scores."""
        if self.tried:
            return Kernel(self.audit.told, self.tried).scores(self.at)
        return self.audit.opinion.scores(self.at)

    def weights(self) -> dict[str, float]:
        """Those of its components, by letter."""
        fixed = constants(self.at.model, self.tried)
        return {letter: fixed[f"w_{letter.lower()}"] for letter in COMPONENTS}


Pair = tuple[Side, Side]


@dataclass(frozen=True)
class Found:
    """What differs: everybody of whom any number does, whom to show of them, and why, if asked."""

    scored: tuple[Scored, Scored]
    all: list[Change]
    shown: list[Change]
    why: list[Because]
    opinions: dict[str, object]
    agree: bool


def compare_rows(
    data: Path, other: Path, asked: tuple[Asked, Asked], output: Output
) -> Difference | None:
    """The first row in which two stores differ, as far as both are asked for.

    Raises InvalidRequest for stores of two logs.
    """
    with open_rows(data) as (log, mine), open_rows(other) as (its_log, theirs):
        if log != its_log:
            raise InvalidRequest(
                f"{other} holds log {its_log} and {data} log {log}: nothing in two logs is the "
                "same; name a copy of the same log",
                field="--other",
                log=log,
                other=its_log,
            )
        ends = [_reached(mine, asked[0]), _reached(theirs, asked[1])]
        everything = asked[0].moment is None and asked[1].moment is None
        upto = max(ends) if everything else min(ends)
        with output.progress("comparing the logs", upto) as advance:
            return first_difference(mine, theirs, upto, advance)


def forked(differs: Difference | None) -> bool:
    """Whether two logs say different things, not only one more than the other."""
    return differs is not None and NOTHING not in differs.what.get("name", ())


def open_pair(
    stack: ExitStack,
    data: Path,
    other: Path | None,
    asked: tuple[Asked, Asked],
    scorer: str,
    output: Output,
) -> Pair:
    """Both sides, read from their rows; open as long as the stack."""
    engine = stack.enter_context(opened(data, output, read_only=True))
    its = engine if other is None else stack.enter_context(opened(other, output, read_only=True))
    one, two = (
        moment_at(each, side.moment, side.day, side.model, output)
        for each, side in zip((engine, its), asked, strict=True)
    )
    if other is None:
        last = max(one.position, two.position)
        mine = theirs = stack.enter_context(audited(engine, last, scorer, output))
    else:
        mine = stack.enter_context(audited(engine, one.position, scorer, output))
        theirs = stack.enter_context(audited(its, two.position, scorer, output))
    return Side(data, mine, one, {}), Side(other or data, theirs, two, asked[1].tried)


def find(
    pair: Pair, members: Sequence[str], top: int, facts: int, output: Output, *, priced: bool
) -> Found:
    """What differs between two sides.

    members: whom to show; else the `top` who changed most. facts: to price for each. priced: say
    why too, which two histories that have forked do not allow.
    """
    one, two = pair
    last = one if two.at < one.at else two
    priced = priced and not two.tried and one.at != two.at
    weights = one.weights(), two.weights()
    with last.audit.scoring(2):
        scored = one.scores(), two.scores()
    found = changes(*scored, weights)
    named = [_find(last, each) for each in members]
    shown = [change_of(*scored, each, weights) for each in named] or found[:top]
    why = []
    if priced:
        opinion, kernel = last.audit.opinion, last.audit.kernel
        with last.audit.scoring(2 + len(shown) * (facts + 1)):
            why = [because(opinion, kernel, one.at, two.at, each.member, facts) for each in shown]
    said = [side.audit.second_opinion(side.at) for side in pair]
    agree = all(each for _, each in said)
    opinions = next((each for each, same in said if not same), said[0][0])
    return Found(scored, found, shown, why, opinions, agree)


def _find(last: Side, text: str) -> UUID:
    snapshot = last.audit.kernel.snapshot(last.at)
    return snapshot.members[find_member(last.audit.engine, snapshot, text, field="--member")]


def _reached(reader: Reader, asked: Asked) -> int:
    """The position asked for, of rows that may be damaged."""
    if asked.moment is None:
        return reader.position()
    if asked.moment.position is None:
        assert asked.moment.record_time is not None
        return reader.position_at(asked.moment.record_time)
    check_in_log(asked.moment.position, reader.position())
    return asked.moment.position
