"""Random model events for hypothesis: all kinds, late days, heavy weights, every policy."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from refnet.accumulators import Accumulators, Events, Kind
from refnet.scoring import ARRAYS, Scores

Row = tuple[int, int, int, int, int]

ALONE = (Kind.ATTENDANCE, Kind.SIGNAL)
RATED = (Kind.TESTIMONIAL, Kind.CLIENT)
HEAVIEST = 2**30


@dataclass(frozen=True)
class Case:
    """Events on n members, what the network's policies are, and the day to read."""

    n: int
    rows: list[Row]
    day: int
    standing: list[float]
    policies: dict[str, Any]

    def accumulators(self, rows: list[Row] | None = None) -> Accumulators:
        made = Accumulators(self.n, **self.policies)
        made.fold(Events.of(self.rows if rows is None else rows))
        return made


@st.composite
def rows_of(draw: st.DrawFn, n: int, last_day: int) -> Row:
    kind = draw(st.sampled_from([k for k in Kind if n > 1 or k in {Kind.JOIN, *ALONE}]))
    # Few days far apart: many late events, and events of one day.
    day = draw(st.sampled_from([0, 1, 59, 60, 179, 181, 400, 719, 5000, last_day]))
    a = draw(st.integers(-1 if kind is Kind.CLIENT else 0, n - 1))
    b = draw(st.integers(0, n - 1))
    if a == b and kind is not Kind.CLIENT:
        b = (a + 1) % n
    if kind in RATED:
        amount = draw(st.integers(-1000, 1000))
    elif kind is Kind.CLOSED:
        amount = draw(st.sampled_from([0, 1, 999, 1000, 123_456, 10**12]))
    elif kind in {Kind.MEETING, Kind.JOIN, *ALONE}:
        amount = draw(st.sampled_from([0, 30, 70, 500, 1000, HEAVIEST]))
    else:
        amount = 0
    return min(day, last_day), int(kind), a, b, amount


@st.composite
def cases(draw: st.DrawFn, most: int = 12) -> Case:
    n = draw(st.integers(1, most))
    day = draw(st.sampled_from([0, 59, 60, 200, 719, 720, 3000, 60_000]))
    rows = draw(st.lists(rows_of(n, day), max_size=8 * n))
    joined = [(0, int(Kind.JOIN), member, -1, 1000) for member in range(n)]
    standing = draw(
        st.lists(st.sampled_from([0.0, 0.1, 1 / 3, 1.0]) | st.floats(0, 1), min_size=n, max_size=n)
    )
    policies = {
        "decay": draw(st.booleans()),
        "uniform": draw(st.booleans()),
        "value_half": draw(st.sampled_from([1, 10, 1000, 10**12])),
    }
    return Case(n, [*joined, *rows], day, standing, policies)


def bits(values: Any) -> bytes:
    """Doubles as bytes: == would take -0.0 for 0.0."""
    return struct.pack(f"<{len(values)}d", *values)


def all_bits(scores: Scores) -> dict[str, bytes]:
    return {name: bits(scores.arrays[name]) for name in ARRAYS}
