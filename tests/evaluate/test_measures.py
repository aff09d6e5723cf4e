"""Measures against counting by hand and against other implementations."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refnet.evaluate.measures import (
    NEVER,
    Waiting,
    auc,
    auc_difference,
    auc_interval,
    average_precision,
    flagging,
    percentile,
    share,
    spearman,
    waiting,
)

NOBODY = np.zeros(3, bool)


@given(
    st.lists(st.integers(0, 5), min_size=1, max_size=12),
    st.lists(st.integers(0, 5), min_size=1, max_size=12),
)
def test_auc_is_the_share_of_pairs_in_order_and_a_tie_counts_half(
    high: list[int], low: list[int]
) -> None:
    pairs = [(one > two) + (one == two) / 2 for one, two in itertools.product(high, low)]
    positive = np.array([True] * len(high) + [False] * len(low))

    found = auc(positive, np.array([*high, *low], float))

    assert found == pytest.approx(sum(pairs) / len(pairs), abs=1e-12)


def test_the_interval_is_delongs() -> None:
    # Placements by hand: positives 1, 1, 3/4, 1/2; negatives 1, 1, 3/4, 1/2.
    positive = np.array([1, 1, 1, 1, 0, 0, 0, 0], bool)
    score = np.array([9.0, 8.0, 6.0, 4.0, 7.0, 5.0, 2.0, 1.0])
    variance = 2 * (np.var([1, 1, 0.75, 0.5], ddof=1) / 4)

    found = auc_interval(positive, score)

    half = 1.959963984540054 * math.sqrt(variance)
    assert found.auc == 0.8125
    assert found.low == pytest.approx(0.8125 - half)
    assert found.high == 1.0 < 0.8125 + half


def test_a_score_is_as_good_as_itself_and_better_than_its_opposite() -> None:
    positive = np.array([1, 1, 1, 0, 0, 0], bool)
    score = np.array([6.0, 5.0, 2.0, 4.0, 3.0, 1.0])

    assert auc_difference(positive, score, score) == (0.0, 0.0, 0.0)
    ahead = auc_difference(positive, score, -score)
    assert ahead.auc == pytest.approx(2 * auc(positive, score) - 1)
    assert ahead.low < ahead.auc < ahead.high


def test_average_precision_of_three_steps() -> None:
    positive = np.array([1, 0, 1, 0, 1], bool)
    score = np.array([5.0, 4.0, 3.0, 2.0, 1.0])

    assert average_precision(positive, score) == pytest.approx((1 + 2 / 3 + 3 / 5) / 3)


def test_spearman_takes_ties_by_mid_rank() -> None:
    one, two = np.array([1.0, 2.0, 2.0, 4.0]), np.array([1.0, 3.0, 2.0, 4.0])

    expected = np.corrcoef([1, 2.5, 2.5, 4], [1, 3, 2, 4])[0, 1]

    assert spearman(one, two) == pytest.approx(expected)


def test_what_has_no_answer_is_not_a_number() -> None:
    assert math.isnan(auc(np.ones(3, bool), np.arange(3.0)))
    assert math.isnan(average_precision(NOBODY, np.arange(3.0)))
    assert math.isnan(spearman(np.ones(3), np.arange(3.0)))
    assert math.isnan(share(np.ones(3, bool), NOBODY))
    assert math.isnan(Waiting(np.empty(0), np.empty(0, bool)).unflagged)


def test_a_flag_has_precision_recall_and_false_positives() -> None:
    flagged = np.array([1, 1, 1, 0, 0, 0], bool)
    truth = np.array([1, 1, 0, 1, 0, 0], bool)

    assert flagging(flagged, truth) == (2 / 3, 2 / 3, 1 / 3)


def test_a_percentile_is_among_the_others() -> None:
    score, among = np.array([1.0, 2.0, 2.0, 3.0, 99.0]), np.array([1, 1, 1, 1, 0], bool)

    assert percentile(score, among, 1) == (1 + 0.5) / 3
    assert percentile(score, among, 4) == 1.0


def test_waiting_counts_from_since_and_ignores_what_was_before_or_after() -> None:
    flagged = np.zeros((6, 4), bool)
    flagged[0, 0] = True  # before it counts
    flagged[3, 0] = True
    flagged[2, 1] = True  # in the very week
    flagged[5, 3] = True  # gone by then

    found = waiting(flagged, np.array([1, 2, 0, 0]), np.array([5, 5, 5, 4]))

    assert found.weeks.tolist() == [2, 0, 5, 4]
    assert found.seen.tolist() == [True, True, False, False]
    assert found.unflagged == 0.5


def test_whoever_is_lost_from_sight_counts_for_as_long_as_seen() -> None:
    # Kaplan and Meier by hand: at 2 one of four, at 4 one of the two that are left.
    lost = Waiting(np.array([2.0, 3.0, 4.0, 9.0]), np.array([True, False, True, False]))

    assert lost.quantile(0.25) == 2.0
    assert lost.quantile(0.5) == 4.0
    assert lost.curve()[1].tolist() == pytest.approx([0.25, 0.25, 0.625, 0.625])
    assert lost.quantile(0.75) == NEVER
