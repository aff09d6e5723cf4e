"""A history beside reading each of its points alone; both must say the same of a member."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import pytest

from benchmarks.conftest import Compare
from benchmarks.network import Network
from benchmarks.ratio import Comparison, Side
from refnet.domain.values import MICROS_PER_DAY, utc_day
from refnet.history import Point, Seen, beginning, days, history
from refnet.scoring import ARRAYS
from refnet.standings import Snapshot, snapshot_at
from refnet.wiring import open_engine

MEMBER = 0


@pytest.fixture(scope="module")
def told(network: Network) -> tuple[Snapshot, list[Point], list[Point]]:
    """The scores of now, the ends of weeks as they were known, and as they are known now."""
    with open_engine(network.folder, read_only=True, warn=lambda _: None) as engine:
        snapshot = engine.scores()
        last = utc_day(engine.head()[1])
        chosen = days(beginning(snapshot, MEMBER, last, 7), last, 7)
        ends = [engine.position_at((day + 1) * MICROS_PER_DAY - 1) for day in chosen]
    known = [Point(*each) for each in zip(ends, chosen, strict=True)]
    return snapshot, known, [Point(snapshot.position, day) for day in chosen]


def alone(snapshot: Snapshot, points: list[Point]) -> list[Seen]:
    """Every point folded from the beginning."""
    found = []
    for point in points:
        each = snapshot_at(snapshot.ledger, *point)
        values = {name: getattr(each.scores, name).item(MEMBER) for name in ARRAYS}
        found.append(Seen(*point, each.rank.item(MEMBER), each.labels.item(MEMBER), values))
    return found


def _side(work: Callable[[], list[Seen]]) -> Side:
    def digest(_: Any, found: list[Seen]) -> str:
        return hashlib.sha256(repr(found).encode()).hexdigest()

    return Side(prepare=lambda: None, work=lambda _: work(), digest=digest)


@pytest.mark.parametrize("by", ["recorded", "happened"])
def test_history_of_a_member(
    comparison: Compare, told: tuple[Snapshot, list[Point], list[Point]], by: str
) -> None:
    snapshot = told[0]
    points = told[1] if by == "recorded" else told[2]
    line = Comparison(
        name=f"history by {by}",
        peer="each point alone",
        goal=None,
        items=len(points),
    )
    comparison(
        line,
        _side(lambda: history(snapshot, MEMBER, points)),
        _side(lambda: alone(snapshot, points)),
    )
