"""Invariant 16 of the score model: what one event is worth, on its day and a half-life later."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from refnet.accumulators import NOBODY, Accumulators, Events, Kind
from refnet.scoring import work_out

some = settings(max_examples=40)

HALF_LIVES = {"RG": 60, "GV": 180, "TP": 180, "MT": 180, "GL": 720}
HALF_LIVES |= dict.fromkeys(("GB", "CP", "CN", "TN"), 360)
CARRIERS: dict[str, tuple[Kind, int]] = {
    "TP": (Kind.TESTIMONIAL, 1000),
    "TN": (Kind.TESTIMONIAL, -1000),
    "CP": (Kind.CLIENT, 1000),
    "CN": (Kind.CLIENT, -1000),
    "GB": (Kind.JUNK, 500),
    "MT": (Kind.MEETING, 1000),
    "GV": (Kind.ACCEPTED, 400),
    "RG": (Kind.ACCEPTED, 400),
    "GL": (Kind.ACCEPTED, 400),
}


@pytest.mark.parametrize("field", CARRIERS)
@given(day=st.integers(0, 5000), periods=st.integers(1, 20))
@some
def test_a_mass_halves_after_exactly_its_half_life(field: str, day: int, periods: int) -> None:
    """16. Its weight at age 0 but for the floor, then half of it, and half of that."""
    kind, amount = CARRIERS[field]
    weight, life = abs(amount) / 1000, HALF_LIVES[field]
    made = Accumulators(2)
    made.fold(Events.of([(day, int(kind), 0, 1, amount if kind in RATED else abs(amount))]))

    def mass(age: int) -> float:
        read: float = made.masses(field, [0], [1], day + age)[0]
        return read

    assert abs(mass(0) - weight) < 1e-9
    left = weight / 2**periods
    assert abs(mass(periods * life) - left) < max(left, 1.0) * 2.0**-29
    assert mass(1) < mass(0)
    assert mass(life - 1) > mass(life)
    assert mass(63 * life) == 0.0


RATED = {Kind.TESTIMONIAL, Kind.CLIENT, Kind.MEETING}


@pytest.mark.parametrize(
    ("field", "kind", "life"),
    [
        ("welcome", Kind.JOIN, 180),
        ("attended", Kind.ATTENDANCE, 180),
        ("signalled", Kind.SIGNAL, 360),
    ],
)
@given(day=st.integers(0, 5000), periods=st.integers(1, 20))
@some
def test_what_is_known_of_a_member_alone_halves_too(
    field: str, kind: Kind, life: int, day: int, periods: int
) -> None:
    """16. Attendance shows in the pretrust, AT / (AT + 6)."""
    made = Accumulators(1)
    made.fold(Events.of([(day, int(kind), 0, -1, 1000)]))

    def mass(age: int) -> float:
        scores, workings = work_out(made, day + age)
        if field == "attended":
            p = float(scores.p[0])
            return 6.0 * p / (1.0 - p)
        return float(workings.people[field][0])

    assert abs(mass(0) - 1.0) < 1e-9
    assert abs(mass(periods * life) - 0.5**periods) < 1e-8
    assert mass(life - 1) > mass(life)


@pytest.mark.parametrize(("rating", "spoken"), [(1000, "good"), (-1000, "bad")])
def test_clients_nobody_introduced_fade_by_half_in_a_year(rating: int, spoken: str) -> None:
    """Of these only component C tells: of a mass m, m / (m + 0.5) with a voice of 0.25."""
    for age, mass in ((0, 1.0), (180, 0.5**0.5), (360, 0.5), (720, 0.25)):
        made = Accumulators(1)
        joined = (age, int(Kind.JOIN), 0, -1, 1000)
        made.fold(Events.of([(0, int(Kind.CLIENT), NOBODY, 0, rating), joined]))
        heard = 0.25 * (mass / (mass + 0.5))
        good, bad = (heard, 0.0) if spoken == "good" else (0.0, 3.0 * heard)

        expected = (good + 0.3 * 0.8) / (good + bad + 0.8)
        assert expected == pytest.approx(float(work_out(made, age)[0].C[0]), rel=1e-8)
