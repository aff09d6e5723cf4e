"""How the slow reference folds events: tables, weights, halving, lateness, saturation."""

from __future__ import annotations

import hashlib
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from refnet._reference import Accumulators, Event, Kind, decay_table, score
from refnet._reference_fold import HALF_LIFE

TABLES = {
    60: "4fd48f2eb4620e29ef2a4c0ca6874b95b6adfc85e3140f5977abc97a796d95bb",
    180: "c10f69070f3d2e724cc3a78dada9a5a5d1c5b0b970a0cbbaa05a95b0ec6dbf93",
    360: "b5e94ec875a1f21a5ae82859185c7a9a51229067c32e20c0ec3cdabd0a050a36",
    720: "4023eb89ef2e100429df3ff7171cbba7fd8963de3d815924ba06951e4f8dbbb0",
}


@pytest.mark.parametrize("half_life", TABLES)
def test_decay_tables_are_exact_roots(half_life: int) -> None:
    table = decay_table(half_life)

    packed = struct.pack(f"<{half_life}q", *table)
    assert TABLES[half_life] == hashlib.sha256(packed).hexdigest()
    for f in (0, 1, half_life // 2, half_life - 1):
        power = 2 ** (30 * half_life + f)
        assert table[f] ** half_life <= power < (table[f] + 1) ** half_life


def joins(n: int, day: int = 0) -> list[Event]:
    return [(day, Kind.JOIN, member, -1, 1000) for member in range(n)]


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ((0, Kind.JOIN, 1, -1, 1000), {"WEL 1 1": 1000}),
        ((0, Kind.ATTENDANCE, 1, -1, 500), {"AT 1 1": 500}),
        ((0, Kind.SIGNAL, 1, -1, 1000), {"SIG 1 1": 1000}),
        ((0, Kind.MEETING, 0, 1, 30), {"MT 0 1": 30, "MT 1 0": 30}),
        ((0, Kind.TESTIMONIAL, 0, 1, 700), {"TP 0 1": 700}),
        ((0, Kind.TESTIMONIAL, 0, 1, -700), {"TN 0 1": 700}),
        ((0, Kind.TESTIMONIAL, 0, 1, 0), {}),
        ((0, Kind.CLIENT, 0, 1, 900), {"CP 0 1": 900}),
        ((0, Kind.CLIENT, 0, 1, -900), {"CN 0 1": 900}),
        ((0, Kind.CLIENT, -1, 1, 900), {"CP -1 1": 900}),
        ((0, Kind.CLIENT, 1, 1, 900), {"CP -1 1": 900}),
        ((0, Kind.ACCEPTED, 0, 1, 0), {"GV 0 1": 400, "RG 0 1": 400, "GL 0 1": 400}),
        ((0, Kind.WON, 0, 1, 0), {"GV 0 1": 100, "RG 0 1": 100, "GL 0 1": 100, "CP 0 1": 400}),
        ((0, Kind.CLOSED, 0, 1, 999), {"GV 0 1": 249, "RG 0 1": 249, "GL 0 1": 249}),
        ((0, Kind.CLOSED, 0, 1, 10**12), {"GV 0 1": 499, "RG 0 1": 499, "GL 0 1": 499}),
        ((0, Kind.LOST, 0, 1, 0), {"CN 0 1": 200}),
        ((0, Kind.JUNK, 0, 1, 0), {"GB 0 1": 500}),
    ],
    ids=str,
)
def test_an_event_weighs_what_the_table_says(event: Event, expected: dict[str, int]) -> None:
    cells = Accumulators(2, [event]).cells

    actual = {f"{field} {src} {dst}": a >> 30 for (field, src, dst), (a, _) in cells.items()}
    assert expected == actual


def test_the_value_half_is_the_value_that_weighs_half() -> None:
    folded = Accumulators(2, [(0, Kind.CLOSED, 0, 1, 70)], value_half=70)

    assert 250 * 2**30 == folded.cells["GV", 0, 1][0]


@given(st.sampled_from(sorted(HALF_LIFE)), st.integers(0, 5000), st.integers(1, 1000))
def test_a_mass_is_its_weight_at_first_and_half_of_it_a_half_life_later(
    field: str, day: int, weight: int
) -> None:
    folded = Accumulators(1)
    folded.fold(field, 0, 0, day, weight)
    later = day + HALF_LIFE[field]

    assert pytest.approx(weight / 1000, abs=1e-9) == folded.mass(field, 0, 0, day)
    assert pytest.approx(weight / 2000, abs=1e-9) == folded.mass(field, 0, 0, later)
    assert pytest.approx(weight / 4000, abs=1e-9) == folded.mass(field, 0, 0, later + later - day)
    assert 0.0 == folded.mass(field, 0, 0, day + 64 * HALF_LIFE[field])


def test_a_late_event_is_shifted_to_the_period_of_its_accumulator() -> None:
    folded = Accumulators(1)
    folded.fold("RG", 0, 0, 60, 3)
    folded.fold("RG", 0, 0, 0, 7)  # one period late: half of it
    folded.fold("RG", 0, 0, 1, 1)  # the same, and an odd number of 2^-30ths loses its last bit

    g = decay_table(60)
    assert 1 == g[1] % 2
    assert (3 * 2**30 + 7 * 2**29 + g[1] // 2, 1) == folded.cells["RG", 0, 0]


def test_log_order_rules_when_a_fact_is_late() -> None:
    """In time, the old mass is floored as one; late, each event is floored alone."""
    odd = next(f for f, g in enumerate(decay_table(60)) if g % 2)
    early = [(odd, Kind.ACCEPTED, 0, 1, 0), (odd, Kind.CLOSED, 0, 1, 3)]  # weights 400 and 1
    in_time = Accumulators(2, [*early, *early, (60, Kind.ACCEPTED, 0, 1, 0)])
    late = Accumulators(2, [(60, Kind.ACCEPTED, 0, 1, 0), *early, *early])

    assert 1 == in_time.cells["RG", 0, 1][0] - late.cells["RG", 0, 1][0]


def test_an_accumulator_halves_on_entering_each_period() -> None:
    folded = Accumulators(1)
    folded.fold("RG", 0, 0, 59, 1000)
    folded.fold("RG", 0, 0, 180, 1)

    assert ((1000 * decay_table(60)[59] >> 3) + 2**30, 3) == folded.cells["RG", 0, 0]


def test_an_accumulator_saturates() -> None:
    folded = Accumulators(1)
    folded.fold("AT", 0, 0, 0, 2**32 - 1)
    assert (2**32 - 1) << 30 == folded.cells["AT", 0, 0][0]

    folded.fold("AT", 0, 0, 0, 1)
    assert 2**62 == folded.cells["AT", 0, 0][0]
    folded.fold("AT", 0, 0, 0, 1)
    assert 2**62 == folded.cells["AT", 0, 0][0]
    assert pytest.approx(2**32 / 2000) == folded.mass("AT", 0, 0, 180)


def test_an_accumulator_that_faded_to_nothing_keeps_its_period() -> None:
    folded = Accumulators(1)
    folded.fold("RG", 0, 0, 0, 1)
    folded.fold("RG", 0, 0, 60 * 70, 0)
    assert (0, 70) == folded.cells["RG", 0, 0]

    folded.fold("RG", 0, 0, 60 * 69, 2)
    assert (2**30, 70) == folded.cells["RG", 0, 0]


def test_business_of_no_value_opens_an_accumulator() -> None:
    """A reading of "empty": never folded into. It decides the last bits of a later late event."""
    folded = Accumulators(2, [(60, Kind.CLOSED, 0, 1, 0), (1, Kind.ACCEPTED, 0, 1, 0)])

    assert (400 * decay_table(60)[1] // 2, 1) == folded.cells["RG", 0, 1]


def test_without_decay_nothing_fades_and_no_day_matters() -> None:
    folded = Accumulators(
        2, [(700, Kind.ACCEPTED, 0, 1, 0), (3, Kind.ACCEPTED, 0, 1, 0)], decay=False
    )

    assert (800 << 30, 0) == folded.cells["RG", 0, 1]
    assert folded.mass("RG", 0, 1, 700) == folded.mass("RG", 0, 1, 9000)
    assert pytest.approx(0.8, abs=1e-15) == folded.mass("RG", 0, 1, 700)


@pytest.mark.parametrize(
    ("event", "complaint"),
    [
        ((0, Kind.MEETING, 1, 1, 100), "a pair has two members"),
        ((0, Kind.TESTIMONIAL, 0, 0, 5), "a pair has two members"),
        ((0, Kind.ACCEPTED, 0, 2, 0), r"members are 0\.\.1"),
        ((0, Kind.WON, -1, 1, 0), r"members are 0\.\.1"),
        ((0, Kind.CLIENT, -2, 1, 0), r"members are 0\.\.1"),
        ((0, Kind.JOIN, 2, -1, 1000), r"members are 0\.\.1"),
        ((0, Kind.CLIENT, 0, -1, 1), r"members are 0\.\.1"),
        ((-1, Kind.LOST, 0, 1, 0), "not negative"),
        ((0, Kind.CLOSED, 0, 1, -1), "not negative"),
        ((0, 11, 0, 1, 0), "11 is not a valid Kind"),
        ((6, Kind.LOST, 0, 1, 0), "day 5 is before the last event"),
    ],
    ids=str,
)
def test_a_broken_promise_is_told(event: Event, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        score(2, [*joins(2), event], 5)
