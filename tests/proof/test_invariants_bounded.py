"""Invariants of score-model section 10 that say in which direction a score moves, and how far.

The bounds are those of the section. Where a network was found beyond one, the network is here by
name, docs/design/scores.md tells of it, and the property keeps the bound that has held so far.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model_networks import Case, Row
from proof.towns import (
    FIRST,
    LATEST,
    SAYS,
    Says,
    kernel,
    most_of,
    reference,
    town,
    towns,
    with_rows,
)
from refnet.accumulators import Kind
from refnet.scoring import work_out

BOTH = pytest.mark.parametrize("says", FIRST.values(), ids=FIRST)
EACH = pytest.mark.parametrize("says", SAYS.values(), ids=SAYS)
some = settings(max_examples=60)

PRAISE = int(Kind.TESTIMONIAL)

ROUNDING = 1e-6  # 5 and 6
ECHO_FALL = {"x": ROUNDING, "T": 5e-4, "score": 0.02}  # 5: 1e-6; seen .0016, model 2 .0044
P_FALL = 1.2e-3  # 5: T'_k of a partner k may change
OTHERS_RISE = 2.0  # 5: the section says .35 at n = 80; seen .76 there, .79 at n = 10
ECHO = 0.087  # 7, of V_j
OWN_WORDS = 1.0  # 7: the section says .2 points; seen .40
GIVER_O, GIVER_SCORE = 2e-3, 2.0  # 10: the section says .1; seen .14, under model 2 .79
TAKER_O = 0.03  # 10: the section says 3e-3; seen 6.2e-3 for one fact, 9.2e-3 for a whole deal


def two(data: st.DataObject, case: Case) -> tuple[int, int]:
    first = data.draw(st.integers(0, case.n - 1))
    second = data.draw(st.integers(0, case.n - 2))
    return first, second + (second >= first)


def word(data: st.DataObject, a: int, b: int, rating: int) -> Row:
    day = data.draw(st.sampled_from((LATEST, 1, 800)))
    return day, int(Kind.TESTIMONIAL), a, b, rating


def deal(a: int, b: int, day: int = LATEST, value: int = 1000) -> list[Row]:
    """What the receiver b of a referral by a says of it in the best case."""
    worth = {Kind.ACCEPTED: 0, Kind.WON: 0, Kind.CLOSED: value}
    return [(day, int(kind), a, b, amount) for kind, amount in worth.items()]


# --- 5, 6, 7: words --------------------------------------------------------------------------


@EACH
@given(data=st.data())
@some
def test_praise_never_harms_whom_it_praises(says: Says, data: st.DataObject) -> None:
    """5."""
    case = data.draw(towns(most_of(says)))
    i, j = two(data, case)
    said = word(data, i, j, data.draw(st.integers(1, 1000)))
    before = says(case)
    after = says(with_rows(case, *[said] * data.draw(st.sampled_from((1, 7)))))

    for name, fall in ECHO_FALL.items():
        assert after[name][j] >= before[name][j] - fall, name
    assert after["P"][j] >= before["P"][j] - P_FALL
    others = [after["score"][k] - before["score"][k] for k in range(case.n) if k != j]
    assert max(others) <= OTHERS_RISE


@given(st.integers(0, 2**32), st.integers(0, 4), st.data())
@some
def test_in_a_network_of_80_praise_of_one_hardly_raises_another(
    seed: int, mood: int, data: st.DataObject
) -> None:
    """5."""
    case = town(seed, 80, mood=mood)
    i, j = two(data, case)
    before, after = kernel(case), kernel(with_rows(case, word(data, i, j, 1000)))

    rises = [after["score"][k] - before["score"][k] for k in range(80) if k != j]
    assert max(rises) <= OTHERS_RISE


@EACH
@given(data=st.data())
@some
def test_slander_never_helps_whom_it_slanders(says: Says, data: st.DataObject) -> None:
    """6."""
    case = data.draw(towns(most_of(says)))
    i, j = two(data, case)
    said = word(data, i, j, -data.draw(st.integers(1, 1000)))
    before = says(case)
    after = says(with_rows(case, *[said] * data.draw(st.sampled_from((1, 7)))))

    for name in ("T", "x", "score"):
        assert after[name][j] <= before[name][j] + ROUNDING, name
    assert after["O"][j] >= before["O"][j] - ROUNDING


@given(towns(32), st.data())
@some
def test_own_words_hardly_help_whoever_says_them(case: Case, data: st.DataObject) -> None:
    """7. Any number of words, praise or not, about anybody."""
    j = data.draw(st.integers(0, case.n - 1))
    about = data.draw(st.sets(st.integers(0, case.n - 1).filter(lambda k: k != j), min_size=1))
    ratings = data.draw(st.sampled_from(((1000,), (-1000,), (1000, -1000, 300))))
    said = [word(data, j, k, ratings[place % len(ratings)]) for place, k in enumerate(about)]
    scores, workings = work_out(case.accumulators(), case.day, standing=np.array(case.standing))
    after = kernel(with_rows(case, *said))

    reach = float(workings.people["reach"][j])
    assert after["x"][j] - float(scores.x[j]) <= ECHO * reach + ROUNDING
    assert after["score"][j] - float(scores.score[j]) <= OWN_WORDS


@given(towns(9), st.data())
@some
def test_own_words_hardly_help_in_the_reference_either(case: Case, data: st.DataObject) -> None:
    """7."""
    j = data.draw(st.integers(0, case.n - 1))
    said = [word(data, j, k, 1000) for k in range(case.n) if k != j]
    before, after = reference(case), reference(with_rows(case, *said))

    # V_j >= p_j + x_j, for the echo is taken out of x_j.
    assert after["x"][j] - before["x"][j] <= ECHO * (before["p"][j] + before["x"][j]) + ROUNDING
    assert after["score"][j] - before["score"][j] <= OWN_WORDS


# --- 8: outcomes that outsiders report -------------------------------------------------------


@EACH
@given(data=st.data())
@some
def test_outcomes_that_outsiders_report_move_scores_little(says: Says, data: st.DataObject) -> None:
    """8. They spend the giver's budget of endorsement. Measured: docs/design/scores.md."""
    case = data.draw(towns(most_of(says) - 2, uniform=False))
    joins: list[Row] = [(0, int(Kind.JOIN), case.n + k, -1, 1000) for k in (0, 1)]
    rows = [*case.rows[: case.n], *joins, *case.rows[case.n :]]
    full = Case(case.n + 2, rows, case.day, [*case.standing, 1.0, 1.0], case.policies)
    i = data.draw(st.integers(0, case.n - 1))
    told = [row for outsider in (case.n, case.n + 1) for row in deal(i, outsider)]
    before, after = says(full), says(with_rows(full, *told))

    moved = [abs(after["score"][k] - before["score"][k]) for k in range(case.n)]
    assert max(moved) <= OUTSIDERS


OUTSIDERS = 1.0  # points; seen .16


# --- 10, 11, 12: deals and signals -----------------------------------------------------------


@EACH
@given(data=st.data())
@some
def test_giving_never_harms_the_giver_and_taking_never_excuses_the_taker(
    says: Says, data: st.DataObject
) -> None:
    """10."""
    case = data.draw(towns(most_of(says)))
    giver, taker = two(data, case)
    whole = deal(
        giver,
        taker,
        data.draw(st.sampled_from((LATEST, 1, 800))),
        data.draw(st.sampled_from((0, 1000, 10**12))),
    )
    facts = data.draw(st.sampled_from((whole, whole[:1], whole[1:2], whole[2:])))
    before, after = says(case), says(with_rows(case, *facts))

    assert after["O"][giver] <= before["O"][giver] + GIVER_O
    assert after["score"][giver] >= before["score"][giver] - GIVER_SCORE
    assert after["D"][taker] >= before["D"][taker]
    assert after["O"][taker] >= before["O"][taker] - TAKER_O


@EACH
@given(data=st.data())
@some
def test_a_pure_giver_is_no_opportunist(says: Says, data: st.DataObject) -> None:
    """11. Nobody gives to member 0, or says or signals anything bad of him."""
    drawn = data.draw(towns(most_of(says)))
    receivers = {Kind.ACCEPTED, Kind.WON, Kind.CLOSED}
    bad = {Kind.TESTIMONIAL, Kind.CLIENT}
    kept = [
        row
        for row in drawn.rows
        if not (row[1] in receivers and row[3] == 0)
        and not (row[1] in bad and row[3] == 0 and row[4] < 0)
        and not (row[1] == Kind.SIGNAL and row[2] == 0)
    ]
    arrays = says(Case(drawn.n, kept, drawn.day, drawn.standing, drawn.policies))

    assert 0.0 == arrays["take"][0] == arrays["D"][0] == arrays["N"][0] == arrays["O"][0]
    assert 1.0 == arrays["F"][0]
    assert arrays["raw"][0] == arrays["score"][0]


@EACH
@given(data=st.data())
@some
def test_who_did_nothing_since_joining_scores_30_and_fades(says: Says, data: st.DataObject) -> None:
    """11. In whatever network."""
    case = data.draw(towns(most_of(says) - 1, uniform=False))
    day = data.draw(st.integers(0, case.day))
    rows = [*case.rows[: case.n], (day, int(Kind.JOIN), case.n, -1, 1000), *case.rows[case.n :]]
    level = [*case.standing, data.draw(st.sampled_from((0.0, 0.5, 1.0)))]
    arrays = says(Case(case.n + 1, rows, case.day, level, case.policies))

    welcome = 0.5 ** ((case.day - day) / 180) if case.policies["decay"] else 1.0
    for name in ("V", "T", "C", "R", "P"):
        assert 0.3 * welcome == pytest.approx(arrays[name][case.n], abs=1e-8)
    assert 30.0 * welcome == pytest.approx(arrays["score"][case.n], abs=1e-6)
    assert 0.0 == arrays["O"][case.n]
    assert 1.0 == arrays["F"][case.n]


@EACH
@given(data=st.data())
@some
def test_a_signal_never_raises_the_score_and_a_fresh_one_costs_four_fifths(
    says: Says, data: st.DataObject
) -> None:
    """12. .20 of the score stays where nothing else spoke against the member, less elsewhere."""
    case = data.draw(towns(most_of(says)))
    j = data.draw(st.integers(0, case.n - 1))
    signal = (LATEST, int(Kind.SIGNAL), j, -1, 1000)
    before, after = says(case), says(with_rows(case, signal))

    assert after["raw"] == before["raw"]
    assert after["score"][j] <= 0.201 * before["raw"][j]
    assert after["score"][:j] + after["score"][j + 1 :] == (
        before["score"][:j] + before["score"][j + 1 :]
    )
    if before["O"][j] == 0.0:
        assert 0.2009 * before["raw"][j] == pytest.approx(after["score"][j], rel=1e-3)


# --- 14: silence -----------------------------------------------------------------------------


def bad_of(case: Case) -> set[int]:
    """Members about whom anything bad was ever recorded."""
    found = set()
    for _, kind, a, b, amount in case.rows:
        if kind in {Kind.TESTIMONIAL, Kind.CLIENT} and amount < 0:
            found.add(b)
        if kind in {Kind.JUNK, Kind.LOST, Kind.SIGNAL}:
            found.add(a)
        if kind == Kind.LOST:
            found.add(b)
    return found


@EACH
@given(data=st.data())
@some
def test_silence_raises_no_score_of_members_in_good_repute(says: Says, data: st.DataObject) -> None:
    """14. Not a law: `loud_and_many` below is a network in which silence does raise one."""
    case = data.draw(towns(most_of(says), decay=True))
    silence = data.draw(st.sampled_from((1, 30, 90, 180, 360, 720)))
    before, after = says(case), says(with_rows(case, day=case.day + silence))

    for j in set(range(case.n)) - bad_of(case):
        if before["F"][j] == 1.0:
            assert after["score"][j] <= before["score"][j] + ROUNDING


def loud_and_many(*, uniform: bool) -> Case:
    """Member 0 praised member 1 fifty times and thirty others once: more than the budget of ten."""
    n = 32
    rows: list[Row] = [(0, int(Kind.JOIN), i, -1, 1000) for i in range(n)]
    rows += [(LATEST, int(Kind.ATTENDANCE), 0, -1, 1000)] * 54
    rows += [(LATEST, int(Kind.TESTIMONIAL), 0, 1, 1000)] * 50
    rows += [(LATEST, int(Kind.TESTIMONIAL), 0, k, 300) for k in range(2, n)]
    return Case(n, rows, LATEST, [1.0] * n, {"uniform": uniform, "decay": True})


@BOTH
@pytest.mark.parametrize(("uniform", "rise"), [(True, 1.05), (False, 0.355)])
def test_silence_raises_who_was_praised_loudest_among_many(
    says: Says,
    uniform: bool,  # noqa: FBT001 - a case
    rise: float,
) -> None:
    """14, a finding: faint words fade first, and leave their share of the budget to the loud."""
    case = loud_and_many(uniform=uniform)
    before, after = says(case), says(with_rows(case, day=LATEST + 360))

    assert 1.0 == before["F"][1]
    assert rise == pytest.approx(after["score"][1] - before["score"][1], abs=0.005)


def test_the_mean_score_falls_in_silence() -> None:
    """14."""
    case = town(3, 80, bustle=15.0)
    means = [
        float(np.mean(kernel(with_rows(case, day=LATEST + wait))["score"]))
        for wait in (0, 30, 90, 180, 360, 720)
    ]

    assert sorted(means, reverse=True) == means


# --- networks beyond the section's bounds ----------------------------------------------------


@BOTH
def test_in_some_network_of_80_praise_raises_another_by_three_quarters_of_a_point(
    says: Says,
) -> None:
    """5, a finding: beyond .35."""
    case = town(12128, 80, bustle=5.0, mood=3, uniform=True, decay=False)
    before, after = says(case), says(with_rows(case, (LATEST, PRAISE, 32, 57, 1000)))

    rises = [after["score"][k] - before["score"][k] for k in range(80) if k != 57]
    assert 0.764 == pytest.approx(max(rises), abs=5e-4)


@BOTH
def test_in_some_network_own_praise_of_everybody_gains_two_fifths_of_a_point(says: Says) -> None:
    """7, a finding: beyond .2. The better his partners stand, the better is his P."""
    case = town(872, 11, bustle=15.0, mood=3, voices=0.3, uniform=True)
    said = [(LATEST, PRAISE, 0, k, 1000) for k in range(1, 11)]
    before, after = says(case), says(with_rows(case, *said))

    gain = {name: after[name][0] - before[name][0] for name in ("score", "T", "P")}
    assert 0.4007 == pytest.approx(gain["score"], abs=5e-5)
    assert 0.1 * gain["P"] > 0.3 * gain["T"]


@BOTH
def test_in_some_network_taking_lowers_the_opportunism_of_the_slandered(says: Says) -> None:
    """10, a finding: beyond 3e-3. Taking is trusting; the taker answers for it with more trust."""
    case = town(7116, 10, bustle=15.0, mood=1, voices=1.0, uniform=True, decay=False)
    before, after = says(case), says(with_rows(case, deal(0, 7)[0]))

    assert 6.17e-3 == pytest.approx(before["O"][7] - after["O"][7], abs=5e-6)
    assert after["D"][7] == before["D"][7]
    assert after["N"][7] < before["N"][7]


@pytest.mark.parametrize(("model", "fall"), [("1", 0.1425), ("2", 0.7946)])
def test_giving_to_a_slanderer_lends_him_the_givers_voice(model: str, fall: float) -> None:
    """10, a finding: beyond .1. Nobody heard him before the one he slandered trusted him."""
    rows = [(0, int(Kind.JOIN), who, -1, 1000) for who in (0, 1)]
    rows += [(0, int(Kind.ATTENDANCE), 1, -1, 1000)] * 22
    rows += [(0, PRAISE, 0, 1, -1000)]
    case = Case(2, rows, 0, [1.0, 1.0], {"decay": False})
    for says in (kernel, reference):
        before, after = says(case, model), says(with_rows(case, *deal(1, 0, 0)), model)

        assert 0.0 == before["p"][0] == before["xn"][1] < after["xn"][1]
        assert fall == pytest.approx(before["score"][1] - after["score"][1], abs=5e-4)


@pytest.mark.parametrize(("model", "fall"), [("1", 1.648e-3), ("2", 4.378e-3)])
def test_praise_that_is_ones_own_echo_lends_ones_voice_to_a_slanderer(
    model: str, fall: float
) -> None:
    """5, a finding: beyond 1e-6. All the trust that 0 has is from 1, whom 2 slanders unheard."""
    rows = [(0, int(Kind.JOIN), who, -1, 1000) for who in range(3)]
    rows += [(0, int(Kind.ATTENDANCE), 1, -1, 1000)] * 40
    rows += [(0, PRAISE, 1, 0, 1000)]
    rows += [(0, PRAISE, 1, 2, 1000), (0, PRAISE, 2, 1, -1000)] * 20
    case = Case(3, rows, 0, [1.0, 1.0, 1.0], {"decay": False})
    for says in (kernel, reference):
        before, after = says(case, model), says(with_rows(case, (0, PRAISE, 0, 1, 1000)), model)

        assert before["x"][1] == after["x"][1] == 0.0 < before["xn"][1] < after["xn"][1]
        assert fall == pytest.approx(before["score"][1] - after["score"][1], abs=1e-6)
