"""Kernel and reference say the same to the last bit, however the events arrive."""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_networks import HEAVIEST, Case, all_bits, bits, cases
from refnet import _reference
from refnet.accumulators import Accumulators, Events, Kind
from refnet.errors import InvalidRequest
from refnet.golden import check, golden_events
from refnet.scoring import ARRAYS, MODEL, MODELS, constants, pair_balance, score

DIGEST_OF_MODEL_2 = "5f612e4f6e5f6ad7994e8dc2122682c981f704de71bbee8f6b944fcbfe70e312"
"""Of the scores of the golden file's events under model 2, which the file itself does not know."""


def scored(case: Case, threads: int = 1, model: str = MODEL) -> dict[str, bytes]:
    made, standing = case.accumulators(), np.array(case.standing)
    return all_bits(score(made, case.day, standing=standing, model=model, threads=threads))


def reference_of(case: Case, model: str = MODEL) -> dict[str, list[float]]:
    terms = {"standing": case.standing, "model": model, **case.policies}
    return _reference.score(case.n, case.rows, case.day, **terms)


@pytest.mark.parametrize("threads", [1, 2, 3, 8])
def test_the_golden_file_holds_to_the_last_bit(
    shared_data: Callable[[str], Path], threads: int
) -> None:
    golden = json.loads(shared_data("score-golden.json").read_text())
    report = check(golden, threads=threads)

    assert set() == {c for c in report.arrays if c.kernel_differs or c.reference_differs}
    assert ARRAYS == tuple(c.name for c in report.arrays)
    assert {golden["n"]} == {c.n for c in report.arrays}
    assert report.ok
    assert report.expected_digest == report.kernel_digest == report.reference_digest
    assert MODEL == report.model


def test_one_wrong_bit_in_a_golden_file_is_seen(shared_data: Callable[[str], Path]) -> None:
    golden = json.loads(shared_data("score-golden.json").read_text())
    value = float.fromhex(golden["expected"]["T"][3])
    golden["expected"]["T"][3] = float(np.nextafter(value, 2)).hex()
    golden["expected"]["D"][0] = (-0.0).hex()
    golden["g_sha256"]["60"] = golden["g_sha256"]["180"]
    report = check(golden)

    wrong = {c.name: (c.kernel_differs, c.reference_differs) for c in report.arrays}
    assert {"T": (1, 1), "D": (1, 1)} == {k: v for k, v in wrong.items() if v != (0, 0)}
    assert (60,) == report.tables
    assert not report.ok


@pytest.mark.parametrize(
    "broken",
    [
        {},
        {"T": 0},
        {"events": [[0, 9, 0, 1, 0, 0]]},
        {"events": [[0, 3, 0, 1, 7, 0]]},
        {"events": [[0, 0, 0, 0, 0, 0]]},
        {"events": [[0, 0, 0, 1]]},
        {"expected": {}},
        {"join_day": None},
    ],
)
def test_what_is_no_golden_file_is_refused(broken: dict[str, object]) -> None:
    zeros = {name: ["0x0p0"] * 2 for name in ARRAYS}
    good = {"n": 2, "T": 5, "join_day": [0, 1], "events": [], "expected": zeros}
    assert not check(good).ok

    with pytest.raises(InvalidRequest, match="not a golden file"):
        check({**good, **broken} if broken else {})


def test_golden_rows_become_the_same_events_for_kernel_and_reference() -> None:
    golden = {
        "join_day": [3, 0],
        "events": [
            [1, 0, 0, 1, 0, 0],
            [1, 1, 1, -1, 0, 0],
            [1, 2, 0, 1, 0, 0],
            *([2, 3, 0, 1, x, 700] for x in range(4)),
            [3, 4, 1, 0, -70, 0],
            [3, 5, -1, 0, 50, 0],
            [3, 6, -1, 1, 0, 0],
        ],
    }
    made = golden_events(golden)
    rows = [tuple(int(x) for x in row) for row in zip(*columns(made), strict=True)]
    alone = {Kind.JOIN, Kind.ATTENDANCE, Kind.SIGNAL}

    def comparable(row: tuple[int, ...]) -> tuple[int, ...]:
        return (*row[:3], -1 if row[1] in alone else row[3], row[4])

    expected = [comparable(tuple(row)) for row in _reference.events_from_golden(golden)]
    assert expected == [comparable(row) for row in rows]
    assert Kind.SIGNAL == rows[-1][1]
    assert 1 == rows[-1][2]


def columns(events: Events) -> list[np.ndarray]:
    return [events.day, events.kind, events.a, events.b, events.amount]


@pytest.mark.parametrize("model", MODELS)
@given(case=cases())
def test_the_kernel_says_what_the_reference_says(case: Case, model: str) -> None:
    expected = reference_of(case, model)
    standing = np.array(case.standing)
    scores = score(case.accumulators(), case.day, standing=standing, model=model)

    assert {name: bits(expected[name]) for name in ARRAYS} == all_bits(scores)
    assert _reference.digest(expected) == scores.digest()


@given(cases(most=40), st.sampled_from([2, 3, 8]), st.sampled_from(MODELS))
def test_no_thread_count_changes_a_bit(case: Case, threads: int, model: str) -> None:
    assert scored(case, 1, model) == scored(case, threads, model)


@given(cases(most=8))
def test_changed_constants_are_the_other_model_when_all_are_the_others(case: Case) -> None:
    accumulators, standing = case.accumulators(), np.array(case.standing)
    plain = score(accumulators, case.day, standing=standing, model="2")
    others = constants("2")

    assert all_bits(plain) == all_bits(
        score(accumulators, case.day, standing=standing, model="1", changed=others)
    )


def test_models_differ_and_others_are_unknown(shared_data: Callable[[str], Path]) -> None:
    golden = json.loads(shared_data("score-golden.json").read_text())
    seen = Accumulators(golden["n"])
    seen.fold(golden_events(golden))
    found = {model: score(seen, golden["T"], model=model) for model in MODELS}
    events = _reference.events_from_golden(golden)
    slow = {m: _reference.score(golden["n"], events, golden["T"], model=m) for m in MODELS}

    assert MODELS == tuple(_reference.MODELS)
    assert {m: _reference.digest(slow[m]) for m in MODELS} == {m: found[m].digest() for m in MODELS}
    assert DIGEST_OF_MODEL_2 == found["2"].digest() != found["1"].digest()
    assert all_bits(found["1"])["give"] == all_bits(found["2"])["give"]
    with pytest.raises(ValueError, match="there is no model '3'; choose one of 1, 2"):
        score(seen, golden["T"], model="3")


def big_case(seed: int, n: int = 997, count: int = 20_011) -> tuple[int, Events]:
    """Enough rows, of uneven length, that threads get work in many orders."""
    random = np.random.default_rng(seed)
    a = (n * random.random(count) ** 3).astype(np.int64)
    b = (a + 1 + random.integers(0, n - 1, count)) % n
    kind = random.integers(1, 11, count)
    rated = np.isin(kind, (Kind.TESTIMONIAL, Kind.CLIENT))
    amount = np.where(rated, random.integers(-500, 1001, count), random.integers(0, 1001, count))
    day = np.sort(random.integers(0, 900, count)) + random.integers(0, 100, count)
    columns = np.stack([day, kind, a, b, amount], axis=1).tolist()
    return n, Events.of(columns)


def test_threads_agree_on_a_network_that_keeps_them_busy() -> None:
    n, events = big_case(1)
    made = Accumulators(n)
    made.fold(events)
    runs = [score(made, 1000, threads=threads).digest() for threads in (1, 2, 3, 8) * 4]

    assert 1 == len(set(runs))


@given(cases(), st.data())
def test_no_batch_size_changes_state_or_scores(case: Case, data: st.DataObject) -> None:
    whole = case.accumulators()
    cuts = data.draw(st.lists(st.integers(0, len(case.rows)), max_size=4).map(sorted))
    parts = Accumulators(case.n, **case.policies)
    for begin, end in zip([0, *cuts], [*cuts, len(case.rows)], strict=True):
        parts.fold(Events.of(case.rows[begin:end]))

    assert state(whole) == state(parts)
    assert all_bits(score(whole, case.day)) == all_bits(score(parts, case.day))


def state(made: Accumulators) -> tuple[bytes, ...]:
    arrays = (made.keys, made.pair_totals, made.pair_periods)
    return tuple(a.tobytes() for a in (*arrays, made.member_totals, made.member_periods))


@given(cases(), st.data())
def test_events_of_one_day_may_come_in_any_order(case: Case, data: st.DataObject) -> None:
    in_order = sorted(case.rows, key=lambda row: row[0])
    shuffled = sorted(data.draw(st.permutations(case.rows)), key=lambda row: row[0])

    assert state(case.accumulators(in_order)) == state(case.accumulators(shuffled))


@given(cases(), st.data())
def test_reset_and_refold_equals_a_fresh_fold(case: Case, data: st.DataObject) -> None:
    """What a void does: its events fall out and everything they touched is folded again."""
    if case.rows[case.n :]:
        gone = data.draw(st.sets(st.integers(case.n, len(case.rows) - 1)))
    else:
        gone = set()
    kept = [row for number, row in enumerate(case.rows) if number not in gone]
    voided = Events.of(case.rows[number] for number in sorted(gone))
    paired = voided.paired
    pairs = np.stack([voided.a, voided.b], axis=1)[paired]
    members = np.where(voided.kind == Kind.CLIENT, voided.b, voided.a)[~paired]
    made = case.accumulators()
    again = Events.of(kept)
    made.reset(pairs, members)
    made.fold(again.select(again.touching(pairs, members)))
    fresh = case.accumulators(kept)

    assert all_bits(score(fresh, case.day)) == all_bits(score(made, case.day))


def test_reset_of_pairs_and_members_that_nothing_touched_changes_nothing() -> None:
    made = Accumulators(4)
    made.fold(Events.of([(5, Kind.ACCEPTED, 0, 1, 0), (5, Kind.ATTENDANCE, 0, -1, 1000)]))
    before = state(made)
    made.reset([(2, 3)], [3])

    assert before == state(made)
    with pytest.raises(ValueError, match="unknown"):
        made.reset([], [4])


@given(cases())
def test_pairs_without_evidence_change_no_bit(case: Case) -> None:
    made = case.accumulators()
    before = all_bits(score(made, case.day))
    everyone = [(a, b) for a in range(case.n) for b in range(case.n) if a != b]
    made.fold(Events.of((0, Kind.TESTIMONIAL, a, b, 0) for a, b in everyone))

    assert len(everyone) == len(made.keys)
    assert before == all_bits(score(made, case.day))


@given(cases(), st.data())
def test_a_copy_lives_its_own_life(case: Case, data: st.DataObject) -> None:
    cut = data.draw(st.integers(case.n, len(case.rows)))
    first = case.accumulators(case.rows[:cut])
    before = state(first)
    second = first.copy()
    second.fold(Events.of(case.rows[cut:]))
    second.grow(case.n + 1)

    assert before == state(first)
    third = first.copy()
    first.fold(Events.of(case.rows[cut:]))
    first.reset([], [0])
    assert before == state(third)
    second.reset([], [0])
    assert all_bits(score(second, case.day))["T"][: 8 * case.n] == bits(score(first, case.day).T)


def test_joining_members_are_numbered_in_the_order_of_the_log() -> None:
    grown, fixed = Accumulators(), Accumulators(3)
    joins = [(day, Kind.JOIN, member, -1, 1000) for member, day in enumerate((9, 4, 9))]
    for made in (grown, fixed):
        made.fold(Events.of([*joins, (9, Kind.CLOSED, 2, 0, 500)]))

    assert 3 == grown.n
    assert state(grown) == state(fixed)


@pytest.mark.parametrize("decay", [True, False])
def test_a_total_saturates_instead_of_overflowing(decay: bool) -> None:  # noqa: FBT001
    rows = [(179, Kind.ATTENDANCE, 0, -1, HEAVIEST), (179, Kind.MEETING, 0, 1, HEAVIEST)] * 9
    made = Accumulators(2, decay=decay)
    made.fold(Events.of(rows))
    expected = _reference.score(2, rows, 179, decay=decay)

    assert 2**62 == made.member_totals.max() == made.pair_totals.max()
    assert bits(expected["p"]) == bits(score(made, 179).p)


@given(cases(most=4))
def test_a_pair_balance_is_that_of_the_reference(case: Case) -> None:
    made = case.accumulators()
    folded = _reference.Accumulators(case.n, case.rows, **case.policies)
    for i in range(case.n):
        for j in range(case.n):
            if i != j:
                seen = pair_balance(made, i, j, case.day)
                assert folded.mass("RG", i, j, case.day) == seen.given
                assert folded.mass("RG", j, i, case.day) == seen.taken
                assert _reference.pair_balance(folded, case.day, i, j) == seen.balance


def test_a_pair_that_never_met_is_in_balance() -> None:
    made = Accumulators(3)
    made.fold(Events.of([(0, Kind.ACCEPTED, 0, 1, 0)]))

    assert (0.0, 0.0, 0.5) == pair_balance(made, 1, 2, 0)
    assert pair_balance(made, 0, 1, 0).balance > 0.5
    for i, j in ((0, 0), (0, 3), (-1, 0)):
        with pytest.raises(ValueError, match="two different known members"):
            pair_balance(made, i, j, 0)


def test_masses_read_any_field_of_many_pairs() -> None:
    made = Accumulators(3)
    made.fold(Events.of([(0, Kind.MEETING, 0, 1, 100), (0, Kind.TESTIMONIAL, 0, 1, -300)]))

    assert [0.1, 0.1, 0.0] == made.masses("MT", [0, 1, 2], [1, 0, 0], 0).tolist()
    assert [0.3, 0.0] == made.masses("TN", [0, 1], [1, 0], 0).tolist()
    with pytest.raises(ValueError, match="not in tuple"):
        made.masses("XY", [0], [1], 0)


def test_reading_does_not_write_and_never_reads_before_an_event() -> None:
    n, events = big_case(2, 50, 800)
    made = Accumulators(n)
    made.fold(events)
    before = state(made)
    late = score(made, 2000).digest()

    assert score(made, 1500).digest() != late == score(made, 2000).digest()
    assert before == state(made)
    day = int(events.day.max())
    score(made, day)
    with pytest.raises(ValueError, match=f"day {day - 1} lies before an event of day {day}"):
        score(made, day - 1)
    with pytest.raises(ValueError, match="lies before"):
        pair_balance(made, 0, 1, day - 1)


def test_a_network_of_nobody_has_scores_and_a_digest() -> None:
    scores = score(Accumulators(), 0)

    assert 0 == scores.n
    assert {0} == {len(array) for array in scores.arrays.values()}
    assert _reference.digest({name: [] for name in ARRAYS}) == scores.digest()


def test_scores_cannot_be_written() -> None:
    with pytest.raises(ValueError, match="read-only"):
        score(Accumulators(2), 0).score[0] = 1.0


def test_ranks_are_by_score_then_id_and_some_may_come_first() -> None:
    made = Accumulators(4)
    joins = [(0, Kind.JOIN, member, -1, 1000) for member in range(4)]
    made.fold(Events.of([*joins, (0, Kind.SIGNAL, 0, -1, 1000), (0, Kind.SIGNAL, 2, -1, 1000)]))
    scores = score(made, 0)

    assert scores.score[0] == scores.score[2] < scores.score[1] == scores.score[3]
    assert [1, 3, 0, 2] == scores.order().tolist()
    assert [3, 1, 4, 2] == scores.ranks().tolist()
    assert [0, 1, 3, 2] == scores.order(np.array([True, False, False, False])).tolist()


@pytest.mark.parametrize(
    ("column", "value"),
    [("day", 2**31), ("kind", 256), ("a", -(2**31) - 1), ("amount", 0.5), ("b", [[1]])],
)
def test_events_that_do_not_fit_their_columns_are_refused(column: str, value: object) -> None:
    good: dict[str, object] = {"day": 0, "kind": 5, "a": 0, "b": 1, "amount": 0}
    arrays = {name: np.array([entry]) for name, entry in {**good, column: value}.items()}

    with pytest.raises(ValueError, match=f"column {column} "):
        Events(**arrays)
    with pytest.raises(ValueError, match="differ in length"):
        Events(**{name: np.array([entry] * (1 + (name == column))) for name, entry in good.items()})


def test_the_digest_is_the_one_the_model_defines() -> None:
    made = Accumulators(2)
    made.fold(Events.of([(0, Kind.ACCEPTED, 0, 1, 0)]))
    scores = score(made, 3)
    text = b"refnet/scores/v1\n" + struct.pack(">Q", 2)
    for name in (
        *("score", "raw", "V", "T", "C", "R", "P", "give", "take", "bal", "bil"),
        *("D", "N", "O", "F", "x", "xn", "p"),
    ):
        text += struct.pack("<2d", *scores.arrays[name])

    assert hashlib.sha256(text).hexdigest() == scores.digest()
