"""The slow reference against the golden vector and against numbers worked out by hand."""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from refnet import _reference as reference
from refnet._reference import ARRAYS, Accumulators, Event, Kind, score


def joins(n: int, day: int = 0) -> list[Event]:
    return [(day, Kind.JOIN, member, -1, 1000) for member in range(n)]


def attends(member: int, times: int, day: int = 0) -> list[Event]:
    return [(day, Kind.ATTENDANCE, member, -1, 1000)] * times


@pytest.fixture(scope="module")
def golden(shared_data: Callable[[str], Path]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(shared_data("score-golden.json").read_text())
    return found


# --- the golden vector and the tables --------------------------------------------------------


def test_the_reference_says_what_the_golden_vector_says(golden: dict[str, Any]) -> None:
    actual = score(golden["n"], reference.events_from_golden(golden), golden["T"])

    expected = {name: [float.fromhex(h) for h in golden["expected"][name]] for name in ARRAYS}
    assert set(ARRAYS) == set(golden["expected"])
    assert expected == actual
    assert reference.digest(expected) == reference.digest(actual)  # tells 0.0 from -0.0


def test_the_golden_vector_was_made_with_the_same_tables(golden: dict[str, Any]) -> None:
    actual = {
        str(half_life): hashlib.sha256(
            struct.pack(f"<{half_life}q", *reference.decay_table(half_life))
        ).hexdigest()
        for half_life in golden["half_lives"]
    }

    assert [60, 180, 360, 720] == golden["half_lives"]
    assert golden["g_sha256"] == actual


def test_golden_rows_become_model_events() -> None:
    golden = {
        "join_day": [3, 9],
        "events": [
            [4, 0, 0, 1, 0, 0],
            [4, 1, 1, -1, 0, 0],
            [5, 2, 0, 1, 0, 7],
            [5, 3, 0, 1, 0, 0],
            [5, 3, 0, 1, 1, 0],
            [6, 3, 0, 1, 2, 2500],
            [6, 3, 1, 0, 3, 0],
            [7, 4, 1, 0, -370, 0],
            [8, 5, -1, 1, 739, 1],
            [9, 6, -1, 1, 0, 0],
        ],
    }

    assert reference.events_from_golden(golden) == [
        (3, Kind.JOIN, 0, -1, 1000),
        (9, Kind.JOIN, 1, -1, 1000),
        (4, Kind.MEETING, 0, 1, 100),
        (4, Kind.ATTENDANCE, 1, -1, 1000),
        (5, Kind.JUNK, 0, 1, 0),
        (5, Kind.ACCEPTED, 0, 1, 0),
        (6, Kind.WON, 0, 1, 0),
        (6, Kind.CLOSED, 0, 1, 2500),
        (6, Kind.LOST, 1, 0, 0),
        (7, Kind.TESTIMONIAL, 1, 0, -370),
        (8, Kind.CLIENT, -1, 1, 739),
        (9, Kind.SIGNAL, 1, -1, 1000),
    ]


def test_the_digest_hashes_name_size_and_arrays_in_order() -> None:
    order = ["score", "raw", *"VTCRP", "give", "take", "bal", "bil", *"DNOF", "x", "xn", "p"]
    arrays = {name: [float(place), -1.5] for place, name in enumerate(order)}
    doubles = b"".join(struct.pack("<dd", place, -1.5) for place in range(18))
    expected = hashlib.sha256(b"refnet/scores/v1\n" + bytes(7) + b"\x02" + doubles).hexdigest()

    assert expected == reference.digest(arrays)
    assert expected == reference.digest(dict(reversed(arrays.items())))


def test_a_referral_passed_changes_nothing(golden: dict[str, Any]) -> None:
    rows = [row for row in golden["events"] if row[1] != 2]
    assert len(rows) < len(golden["events"])

    silent = reference.events_from_golden({**golden, "events": rows})
    assert silent == reference.events_from_golden(golden)


# --- formulas, by hand -----------------------------------------------------------------------


def test_a_member_without_events_scores_30() -> None:
    for day in (0, 1, 179, 1000):
        actual = score(3, joins(3, day), day)
        for name in ("V", "T", "C", "R", "P"):
            assert pytest.approx([0.3] * 3, rel=1e-15) == actual[name]
        assert pytest.approx([30.0] * 3, rel=1e-15) == actual["score"]
        assert [0.0] * 3 == actual["O"] == actual["D"] == actual["N"]
        assert [1.0] * 3 == actual["F"] == actual["bil"]
        assert [0.5] * 3 == actual["bal"]
    assert pytest.approx([15.0] * 3, abs=1e-7) == score(3, joins(3), 180)["score"]


def test_uniform_pretrust_gives_everybody_a_voice_and_no_welcome() -> None:
    actual = score(2, joins(2), 0, uniform=True, standing=[0.0, 0.5])

    assert [1.0, 1.0] == actual["p"]
    assert [0.0, 0.0] == actual["score"]


def test_standing_scales_the_pretrust() -> None:
    actual = score(2, [*attends(0, 6), *attends(1, 6)], 0, standing=[1.0, 0.25], decay=False)

    assert pytest.approx([0.5, 0.125]) == actual["p"]


def test_a_testimonial_carries_trust_one_way() -> None:
    events = [*joins(3), *attends(0, 6), (0, Kind.TESTIMONIAL, 0, 1, 1000)]
    actual = score(3, [*events, (0, Kind.TESTIMONIAL, 1, 2, 1000)], 0)

    first = 0.7 * (1 / 1.1 / 10) * 0.5
    assert pytest.approx([0.0, first, first * 0.7 / 11]) == actual["x"]
    assert pytest.approx((first + 0.15) / (first + 0.5)) == actual["T"][1]
    assert [0.0] * 3 == actual["xn"] == actual["give"] == actual["take"]


def test_own_vote_and_echo_are_taken_out_of_trust() -> None:
    """Two members praise each other, one has a voice: six pulls run round a cycle of two."""
    praise: list[Event] = [(0, Kind.TESTIMONIAL, i, 1 - i, 1000) for i in (0, 1)]
    actual = score(2, [*attends(0, 6), *praise], 0)

    c = 1 / 1.1 / 10
    f2 = 0.49 * c * c
    round_trips = [(0.7 * c) ** (2 * trip) for trip in range(4)]
    v0 = 0.5 * sum(round_trips)  # starts at 0, is home after pulls 2, 4 and 6
    v1 = 0.5 * (0.7 * c) * sum(round_trips[:3])  # at the other after pulls 1, 3 and 5
    assert v0 > 0.5 > v0 * (1 - f2)
    assert 0.0 == actual["x"][0]
    assert pytest.approx(v1 * (1 - f2)) == actual["x"][1]


def test_a_bad_testimonial_makes_distrust_but_no_opportunist() -> None:
    events = [*joins(2), *attends(0, 6), (0, Kind.TESTIMONIAL, 0, 1, -1000)]
    actual = score(2, events, 0)

    xn = 0.7 * (1 / 1.5 / 10) * 0.5
    assert pytest.approx(xn) == actual["xn"][1]
    assert pytest.approx(0.15 / (6 * xn + 0.5)) == actual["T"][1]
    assert pytest.approx(xn / (xn + 0.5)) == actual["N"][1]
    assert pytest.approx(0.6 * xn / (xn + 0.5)) == actual["O"][1]
    assert 1.0 == actual["F"][1]


def test_an_accepted_referral_credits_the_giver() -> None:
    events = [*joins(2), *attends(1, 6), (0, Kind.ACCEPTED, 0, 1, 0)]
    actual = score(2, events, 0)

    assert pytest.approx((1 / 3 + 0.75) / (1 / 3 + 2.5)) == actual["V"][0]
    lasting = 10 * 0.5 * (0.4 / 0.9) / 10
    assert pytest.approx((lasting + 0.75) / (lasting + 2.5)) == actual["R"][0]
    assert pytest.approx([0.5, 0.0]) == actual["give"]
    assert pytest.approx([0.0, 0.0]) == actual["take"]  # the giver's own voice is 0
    assert pytest.approx([1.5 / 2.5, 0.5]) == actual["bal"]
    x = 0.7 * ((0.5 * 0.4) / (0.5 * 0.4 + 0.1) / 10) * 0.5
    assert pytest.approx(x) == actual["x"][0]  # who received speaks


def test_junk_dilutes_the_credit() -> None:
    events = [*attends(1, 6), (0, Kind.ACCEPTED, 0, 1, 0), (0, Kind.JUNK, 0, 1, 0)]

    thanks = 10 * 0.5 * (0.4 / (0.4 + 0.5 + 0.2)) / 10
    assert pytest.approx(thanks / (thanks + 2.5)) == score(2, events, 0)["V"][0]


def test_partner_quality_is_a_mean_over_mutual_partners() -> None:
    events: list[Event] = [*joins(2), *attends(0, 6), *attends(1, 6)]
    events += [(0, Kind.ACCEPTED, 0, 1, 0), (0, Kind.ACCEPTED, 1, 0, 0)]
    actual = score(2, events, 0)

    e, x = 0.5 * (0.4 / 0.6), actual["x"][1]
    assert x > 0
    assert pytest.approx((e * x / (x + 0.5) + 0.15) / (e + 0.5)) == actual["P"][0]
    assert pytest.approx([1.0, 1.0]) == actual["bil"]  # all that was received went back


def test_who_only_takes_is_an_opportunist() -> None:
    n = 9
    events = [event for k in range(1, n) for event in attends(k, 54)]
    events += [(0, Kind.ACCEPTED, k, 0, 0) for k in range(1, n)]
    actual = score(n, [*joins(n), *events], 0)

    take = 8 * 0.9
    assert pytest.approx(take) == actual["take"][0]
    assert pytest.approx(1 / (take + 2)) == actual["bal"][0]
    back = 0.25 / 0.65
    assert pytest.approx((take * back + 1) / (take + 1)) == actual["bil"][0]
    d = (take - 1) / (take + 0.5 + 0.8)
    assert pytest.approx(d) == actual["D"][0] == actual["O"][0]
    z = (d - 0.35) / 0.4
    assert pytest.approx(1 - 0.9 * z * z * (3 - 2 * z)) == actual["F"][0]
    assert pytest.approx(actual["raw"][0] * actual["F"][0]) == actual["score"][0]
    assert [0.0] * 8 == actual["O"][1:]


def test_clients_speak_through_their_introducer() -> None:
    events = [*joins(3), *attends(0, 6)]
    unknown = score(3, [*events, (0, Kind.CLIENT, -1, 1, 1000)], 0)
    known = score(3, [*events, (0, Kind.CLIENT, 0, 1, 1000)], 0)
    angry = score(3, [*events, (0, Kind.CLIENT, 0, 1, -1000)], 0)

    assert pytest.approx((0.25 / 1.5 + 0.24) / (0.25 / 1.5 + 0.8)) == unknown["C"][1]
    assert pytest.approx((0.5 / 1.5 + 0.24) / (0.5 / 1.5 + 0.8)) == known["C"][1]
    assert pytest.approx(0.24 / (3 * 0.5 / 1.5 + 0.8)) == angry["C"][1]


@pytest.mark.parametrize(("rating", "name"), [(1000, "x"), (-1000, "xn")])
def test_an_endorsers_trust_and_distrust_are_finite(rating: int, name: str) -> None:
    """25 equal judgements share one budget: 1/25 each."""
    n = 26
    events = [*attends(0, 6), *((0, Kind.TESTIMONIAL, 0, j, rating) for j in range(1, n))]

    assert pytest.approx([0.0] + [0.7 / 25 * 0.5] * 25) == score(n, events, 0)[name]


def test_a_receivers_gratitude_is_finite() -> None:
    n = 26
    events = [*attends(0, 6), *((0, Kind.ACCEPTED, j, 0, 0) for j in range(1, n))]
    actual = score(n, events, 0)

    thanks = 10 * 0.5 / 25
    assert pytest.approx([thanks / (thanks + 2.5)] * 25) == actual["V"][1:]
    lasting = 10 * 0.5 * (1 / 25)  # 25 * 0.4 / 0.9 is above 10 as well
    assert pytest.approx([lasting / (lasting + 2.5)] * 25) == actual["R"][1:]


def test_an_introducers_credibility_is_finite() -> None:
    n = 26
    events: list[Event] = [*attends(0, 6), *((0, Kind.CLIENT, 0, j, 1000) for j in range(1, n))]
    praise = 0.5 * 8 / (25 / 1.5) / 1.5

    assert pytest.approx([praise / (praise + 0.8)] * 25) == score(n, events, 0)["C"][1:]


def test_a_fresh_signal_costs_four_fifths() -> None:
    calm = score(1, joins(1), 0)
    signalled = score(1, [*joins(1), (0, Kind.SIGNAL, 0, -1, 1000)], 0)

    assert pytest.approx(2 / 3) == signalled["O"][0]
    assert pytest.approx(0.2009, abs=1e-4) == signalled["score"][0] / calm["score"][0]


def test_the_view_of_one_pair() -> None:
    events: list[Event] = [(0, Kind.ACCEPTED, 0, 1, 0), (0, Kind.MEETING, 0, 1, 100)]
    folded = Accumulators(3, [*events, (0, Kind.TESTIMONIAL, 1, 0, -500)])

    assert pytest.approx(0.65 / 0.9) == reference.pair_balance(folded, 0, 0, 1)
    assert pytest.approx(0.25 / 0.9) == reference.pair_balance(folded, 0, 1, 0)
    assert 0.5 == reference.pair_balance(folded, 0, 0, 2)
    giver, receiver = 0.25 * 0.4 + 0.3 * 0.1, 0.5 * 0.4 + 0.3 * 0.1
    assert pytest.approx(giver / (giver + 0.5)) == reference.direct_trust(folded, 0, 0, 1)
    assert pytest.approx(receiver / (receiver + 1.5)) == reference.direct_trust(folded, 0, 1, 0)
    assert 0.0 == reference.direct_trust(folded, 0, 1, 2)


def test_sums_run_from_left_to_right_without_compensation() -> None:
    """The built-in sum answers 1.0 here from Python 3.12 on; the kernel's loop does not."""
    assert 0.0 == reference._sum([1e16, 1.0, -1e16])
