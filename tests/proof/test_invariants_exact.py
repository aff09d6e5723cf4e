"""Invariants of score-model section 10 that hold to the last bit, on kernel and reference."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from model_networks import Case, Row, bits, cases
from proof.towns import (
    LATEST,
    SAYS,
    Arrays,
    Says,
    integers,
    kernel,
    most_of,
    reference,
    town,
    towns,
    with_rows,
)
from refnet import _reference
from refnet.accumulators import NOBODY, Accumulators, Events, Kind
from refnet.scoring import ARRAYS, MODELS, work_out

EACH = pytest.mark.parametrize("says", SAYS.values(), ids=SAYS)
some = settings(max_examples=40)


def packed(arrays: Arrays, first: int = 0, n: int | None = None) -> dict[str, bytes]:
    """The bits of members first .. first + n - 1."""
    stop = None if n is None else first + n
    return {name: bits(arrays[name][first:stop]) for name in ARRAYS}


def state(made: Accumulators) -> tuple[bytes, ...]:
    arrays = (made.keys, made.pair_totals, made.pair_periods)
    return tuple(a.tobytes() for a in (*arrays, made.member_totals, made.member_periods))


# --- 1: two implementations ------------------------------------------------------------------


@pytest.mark.parametrize("model", MODELS)
@given(case=towns(12, least=1))
def test_kernel_and_reference_agree_on_rich_networks(model: str, case: Case) -> None:
    """1. To the last bit."""
    assert packed(reference(case, model)) == packed(kernel(case, model))


@given(cases())
def test_accumulators_hold_the_same_integers(case: Case) -> None:
    """1. Also what came so late, or lies so far back, that no score shows it."""
    slow, fast = integers(case)
    assert slow == fast


# --- 2, 3: order and partial folds -----------------------------------------------------------


@EACH
@given(data=st.data())
@some
def test_the_order_inside_one_day_or_one_half_life_period_changes_no_bit(
    says: Says, data: st.DataObject
) -> None:
    """2. Sixty days from a common multiple of all half-lives on are one period of each of them."""
    case = data.draw(towns(most_of(says), late=False))
    stretch = data.draw(st.sampled_from((1, 60)))
    early = [(720 + row[0] % stretch, *row[1:]) for row in case.rows]
    one = Case(case.n, early, case.day, case.standing, case.policies)
    joined, rest = early[: case.n], early[case.n :]
    order = np.random.default_rng(data.draw(st.integers(0, 99))).permutation(len(rest))
    other = Case(case.n, [*joined, *(rest[at] for at in order)], *vars_of(case))

    assert packed(says(one)) == packed(says(other))


def vars_of(case: Case) -> tuple[int, list[float], dict[str, Any]]:
    return case.day, case.standing, case.policies


@given(towns(16), st.data())
@some
def test_any_tree_of_partial_folds_merges_to_the_whole(case: Case, data: st.DataObject) -> None:
    """3. Inside a period, merged by shift-and-add: here each part waits in a period of its own."""
    rows = [(1440 + row[0] % 60, *row[1:]) for row in case.rows]
    everyone = [(a, b) for a in range(case.n) for b in range(case.n) if a != b]
    blank = [(0, int(Kind.MEETING), a, b, 0) for a, b in everyone]  # the same slots in every part

    def part(chosen: list[Row]) -> Accumulators:
        made = Accumulators(case.n, **case.policies)
        made.fold(Events.of([*blank, *chosen]))
        return made

    def merged(chosen: list[Row], depth: int) -> tuple[np.ndarray[Any, Any], ...]:
        if depth == 0 or len(chosen) < 2:
            made = part(chosen)
            return made.pair_totals, made.pair_periods, made.member_totals, made.member_periods
        cut = data.draw(st.integers(0, len(chosen)))
        left, right = merged(chosen[:cut], depth - 1), merged(chosen[cut:], depth - 1)
        pairs = (left[0] + right[0], np.maximum(left[1], right[1]))
        return *pairs, left[2] + right[2], np.maximum(left[3], right[3])

    whole = part(rows)
    pair_totals, pair_periods, member_totals, member_periods = merged(rows, 3)
    assert np.array_equal(whole.pair_totals, pair_totals)
    assert np.array_equal(whole.pair_periods, pair_periods)
    assert np.array_equal(whole.member_totals, member_totals)
    assert np.array_equal(whole.member_periods, member_periods)


@given(towns(16, late=False, decay=True), st.data())
@some
def test_shifting_early_or_late_leaves_the_same_mass(case: Case, data: st.DataObject) -> None:
    """3. An event of weight 0 moves an accumulator into its day's period, and adds nothing."""
    lazy = case.accumulators()
    pairs = [divmod(int(key), 2**32) for key in lazy.keys]
    assume(pairs)
    day = data.draw(st.integers(0, LATEST))
    touch: list[Row] = [
        row
        for a, b in pairs
        for row in ((day, int(Kind.MEETING), a, b, 0), (day, int(Kind.CLOSED), a, b, 0))
    ]
    touch += [
        (day, int(kind), member, -1, 0)
        for member in range(case.n)
        for kind in (Kind.ATTENDANCE, Kind.SIGNAL)
    ]
    rows = sorted([*case.rows[case.n :], *touch], key=lambda row: row[0])
    joins = case.rows[: case.n]
    eager = case.accumulators([*joins, *rows])
    folded = _reference.Accumulators(case.n, [*joins, *rows], **case.policies)

    source, target = (list(ends) for ends in zip(*pairs, strict=True))
    for later in (LATEST, LATEST + 700):
        for field in ("GV", "RG", "GL", "MT"):
            masses = lazy.masses(field, source, target, later)
            assert bits(masses) == bits(eager.masses(field, source, target, later))
            slow = [folded.mass(field, a, b, later) for a, b in pairs]
            assert bits(slow) == bits(masses)
        standing = np.ones(case.n)
        before = work_out(lazy, later, standing=standing)[1].people
        after = work_out(eager, later, standing=standing)[1].people
        assert before["signalled"].tolist() == after["signalled"].tolist()


# --- 4, 8, 9: what concerns others -----------------------------------------------------------


@EACH
@given(data=st.data())
@some
def test_a_disjoint_group_changes_no_existing_bit(says: Says, data: st.DataObject) -> None:
    """4. Wherever its events stand in the log, and whichever ids it has."""
    most = most_of(says) // 2
    ours, theirs = (data.draw(towns(most, least=1, uniform=False, decay=True)) for _ in "ab")
    policies = ours.policies
    alone = Case(theirs.n, theirs.rows, LATEST, theirs.standing, policies)
    shift = ours.n

    def moved(row: Row) -> Row:
        day, kind, a, b, x = row
        return day, kind, a + shift if a >= 0 else a, b + shift if b >= 0 else b, x

    dice = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    logs = [iter(ours.rows[ours.n :]), map(moved, theirs.rows[theirs.n :])]
    turns = np.repeat([0, 1], [len(ours.rows) - ours.n, len(theirs.rows) - theirs.n])
    mixed = [next(logs[turn]) for turn in dice.permutation(turns)]
    joins = [*ours.rows[: ours.n], *map(moved, theirs.rows[: theirs.n])]
    standing = [*ours.standing, *theirs.standing]
    both = says(Case(ours.n + theirs.n, [*joins, *mixed], LATEST, standing, policies))

    assert packed(says(ours)) == packed(both, n=ours.n)
    assert packed(says(alone)) == packed(both, first=ours.n)


def outsiders(case: Case, count: int) -> Case:
    """The same network with more members, of full standing, who never attended."""
    joins = [(0, int(Kind.JOIN), case.n + who, -1, 1000) for who in range(count)]
    rows = [*case.rows[: case.n], *joins, *case.rows[case.n :]]
    standing = [*case.standing, *[1.0] * count]
    return Case(case.n + count, rows, case.day, standing, case.policies)


@EACH
@given(data=st.data())
@some
def test_what_accounts_without_a_voice_write_changes_no_bit(
    says: Says, data: st.DataObject
) -> None:
    """8. Praise, slander, introduced clients, and praise of one another, in any number."""
    inside = data.draw(towns(most_of(says) - 3, uniform=False))
    case = outsiders(inside, 3)
    dice = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    written: list[Row] = []
    for _ in range(data.draw(st.integers(1, 60))):
        a, b = inside.n + int(dice.integers(3)), int(dice.integers(case.n))
        kind = dice.choice([Kind.TESTIMONIAL, Kind.CLIENT])
        if a != b:
            day = int(dice.integers(LATEST + 1))
            written.append((day, int(kind), a, b, int(dice.integers(-1000, 1001))))
    before, after = says(case), says(with_rows(case, *written))

    assert packed(before, n=inside.n) == packed(after, n=inside.n)


# --- 13, 18: ranges --------------------------------------------------------------------------


@EACH
@given(data=st.data())
@some
def test_every_number_stays_in_its_range(says: Says, data: st.DataObject) -> None:
    """13."""
    case = data.draw(towns(most_of(says), least=1))
    arrays = says(case)

    for name in ("V", "T", "C", "R", "P", "bal", "bil", "D", "N", "O", "F"):
        assert all(0.0 <= value <= 1.0 for value in arrays[name]), name
    for name in ("score", "raw"):
        assert all(0.0 <= value <= 100.0 for value in arrays[name]), name
    for name in ("x", "xn", "give", "take"):
        assert all(value >= 0.0 for value in arrays[name]), name
    assert all(0.0 <= p < 1.0 or case.policies["uniform"] for p in arrays["p"])


@given(towns(40), st.booleans())
@some
def test_nobody_passes_on_more_than_one_tenth_to_one_or_all_to_everyone(
    case: Case,
    crowded: bool,  # noqa: FBT001 - drawn
) -> None:
    """13. A row's sum of C may be rounded up; ROUNDED is how far, see docs/design/scores.md."""
    rows: list[Row] = []
    if crowded:  # member 0 praises everybody, and so spends all there is
        rows = [(LATEST, int(Kind.TESTIMONIAL), 0, k, 1000) for k in range(1, case.n)] * 3
    made = with_rows(case, *rows).accumulators()
    workings = work_out(made, case.day, standing=np.array(case.standing))[1]
    offsets, edges = workings.network.offsets.tolist(), workings.edges

    for name in ("trust", "distrust"):
        assert all(0.0 <= share < 0.1 for share in edges[name].tolist())
        for i in range(case.n):
            total = 0.0
            for share in edges[name][offsets[i] : offsets[i + 1]].tolist():
                total += share
            assert total <= 1.0 + ROUNDED


ROUNDED = 64 * 2.0**-53


def test_a_row_of_shares_may_be_rounded_to_a_little_more_than_one() -> None:
    """13, a finding: SHARES equal words, each share rounded up to a double."""
    made = Accumulators(SHARES + 1)
    made.fold(Events.of([(0, int(Kind.TESTIMONIAL), 0, k, 1000) for k in range(1, SHARES + 1)]))
    workings = work_out(made, 0)[1]
    total = 0.0
    for share in workings.edges["trust"][:SHARES].tolist():
        total += share

    assert 1.0 < total <= 1.0 + ROUNDED


SHARES = 11


@EACH
@given(data=st.data())
@some
def test_without_standing_only_welcome_unknown_introducers_and_signals_count(
    says: Says, data: st.DataObject
) -> None:
    """18."""
    drawn = data.draw(towns(most_of(says), uniform=False))
    mute = Case(drawn.n, drawn.rows, drawn.day, [0.0] * drawn.n, drawn.policies)
    kept = [
        row
        for row in drawn.rows
        if row[1] in {Kind.JOIN, Kind.SIGNAL}
        or (row[1] == Kind.CLIENT and row[2] in {NOBODY, row[3]})
    ]
    arrays = says(mute)

    for name in ("p", "x", "xn", "give", "take"):
        assert [0.0] * drawn.n == arrays[name]
    assert packed(says(Case(drawn.n, kept, *vars_of(mute)))) == packed(arrays)


# --- 15: reading -------------------------------------------------------------------------


@given(towns(24), st.integers(0, 2000), st.integers(0, 2000), st.integers(1, 4))
@some
def test_reads_do_not_write(case: Case, wait: int, more: int, threads: int) -> None:
    """15."""
    read_twice, read_once = case.accumulators(), case.accumulators()
    standing = np.array(case.standing)
    first, second = case.day + wait, case.day + wait + more
    work_out(read_twice, first, standing=standing, threads=threads)

    assert state(read_once) == state(read_twice)
    twice = work_out(read_twice, second, standing=standing)[0]
    assert twice.digest() == work_out(read_once, second, standing=standing)[0].digest()


def test_the_networks_of_these_proofs_are_rich() -> None:
    """Or else the properties would say little: each kind of evidence, and some of it late."""
    case = town(1, 32, bustle=15.0)
    seen = {row[1] for row in case.rows}
    days = [row[0] for row in case.rows[case.n :]]
    arrays = kernel(case)

    assert set(Kind) == {Kind(kind) for kind in seen}
    assert days != sorted(days)
    assert 0.0 in arrays["p"]
    for name in ("V", "T", "C", "R", "P", "give", "take", "D", "N", "O", "F", "x", "xn"):
        assert len(set(arrays[name])) > 3, name
