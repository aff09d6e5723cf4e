"""A history beside reading each of its points alone; both must say the same of a member.

Of a simulated network, by the ends of weeks; and of real ratings, day by day. The ratings were
recorded all at once, so of them there is only what happened.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.conftest import Compare
from benchmarks.network import Network
from benchmarks.ratio import Comparison, Side
from refnet.domain.network import Pretrust
from refnet.domain.values import MICROS_PER_DAY, utc_day
from refnet.history import Point, Seen, beginning, days, history
from refnet.imports.ratings import RatingsImport
from refnet.imports.rejects import Rejects
from refnet.scoring import ARRAYS
from refnet.standings import Snapshot, snapshot_at
from refnet.wiring import open_engine

MEMBER = 0
DAYS = 100

_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


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


@pytest.fixture(scope="module")
def rated(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    """The newest scores of the network of ratings."""
    file = Path(os.environ.get("REFNET_TEST_DATA", _DATA)) / "otc_network.csv.gz"
    if not file.is_file():
        pytest.skip(f"no {file.name} in the shared data; name its folder in REFNET_TEST_DATA")
    with open_engine(tmp_path_factory.mktemp("rated"), warn=lambda _: None) as engine:
        rejects = Rejects(engine.data, file)
        RatingsImport(engine, rejects, pretrust=Pretrust.UNIFORM).run(file)
        rejects.close()
        return engine.scores()


def alone(snapshot: Snapshot, points: list[Point], member: int = MEMBER) -> list[Seen]:
    """Every point folded from the beginning."""
    found = []
    for point in points:
        each = snapshot_at(snapshot.ledger, *point)
        values = {name: getattr(each.scores, name).item(member) for name in ARRAYS}
        found.append(Seen(*point, each.rank.item(member), each.labels.item(member), values))
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


def test_a_hundred_days_of_who_was_rated_most(comparison: Compare, rated: Snapshot) -> None:
    """The hundred days that end when half of all was said."""
    words = rated.columns.receiver[rated.columns.receiver >= 0]
    member = int(np.bincount(words).argmax())
    end = int(np.median(rated.columns.day[rated.columns.receiver >= 0]))
    points = [Point(rated.position, end - DAYS + 1 + each) for each in range(DAYS)]
    line = Comparison(
        name=f"history of {DAYS} days, ratings",
        peer="as many full recomputes",
        goal=None,
        items=DAYS,
    )
    comparison(
        line,
        _side(lambda: history(rated, member, points)),
        _side(lambda: alone(rated, points, member)),
    )
