"""Baselines against small cases worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from refnet.accumulators import Accumulators, Events, Kind
from refnet.evaluate import baselines
from refnet.evaluate.opinions import Opinions, of_evidence, of_words


def opinions(n: int, *edges: tuple[int, int, float]) -> Opinions:
    source, target, weight = zip(*edges, strict=True)
    return Opinions(n, np.array(source), np.array(target), np.array(weight, float))


def test_pagerank_of_two_who_trust_the_third() -> None:
    # 2 trusts nobody, so a walk starts anew from it: v = (v, v, w), 2 v + w = 1,
    # v = .15/3 + .85 w/3, w = .15/3 + .85 (w/3 + 2 v).
    found = baselines.pagerank(opinions(3, (0, 2, 1.0), (1, 2, 1.0)))

    side = 1 / (2 + (1 + 2 * 0.85))
    assert found == pytest.approx([side, side, 1 - 2 * side], abs=1e-9)


def test_pagerank_follows_weights() -> None:
    found = baselines.pagerank(opinions(3, (0, 1, 3.0), (0, 2, 1.0), (1, 0, 1.0), (2, 0, 1.0)))

    assert found[1] - 0.05 == pytest.approx(3 * (found[2] - 0.05))


def test_eigentrust_gives_strangers_to_the_pretrusted_nothing() -> None:
    trust = opinions(4, (0, 1, 1.0), (1, 0, 1.0), (2, 3, 1.0), (3, 2, 1.0))

    found = baselines.eigentrust(trust, np.array([1.0, 0.0, 0.0, 0.0]))

    # t0 = .15 + .85 t1, t1 = .85 t0
    first = 0.15 / (1 - 0.85**2)
    assert found == pytest.approx([first, 0.85 * first, 0.0, 0.0], abs=1e-9)


def test_hitting_is_the_chance_to_meet_somebody_before_starting_anew() -> None:
    # From 0 to 1 and from 1 to 0 or 2, each half of the time; starts are 1/3 each.
    found = baselines.hitting(opinions(3, (0, 1, 1.0), (1, 0, 1.0), (1, 2, 1.0)))

    meets_0 = (1 + 0.85 / 2) / 3
    meets_1 = (1 + 0.85) / 3
    back_to_1 = 0.85 / 2 * 0.85
    meets_2 = (1 + (0.85 / 2) * (1 + 0.85) / (1 - back_to_1)) / 3
    assert found == pytest.approx([meets_0, meets_1, meets_2], abs=1e-9)


def test_praising_yourself_around_a_circle_does_not_help_to_be_met() -> None:
    alone = opinions(4, (0, 1, 1.0), (2, 3, 1.0))
    circle = opinions(4, (0, 1, 1.0), (2, 3, 1.0), (1, 0, 1.0))

    assert baselines.hitting(circle)[1] == pytest.approx(baselines.hitting(alone)[1])
    assert baselines.pagerank(circle)[1] > baselines.pagerank(alone)[1]


def test_who_rates_unlike_others_is_less_fair() -> None:
    # Two rate 2 as 1, one as -1: g = (2 f - u)/3, f = 1 - (1 - g)/2, u = 1 - (1 + g)/2.
    fairness, goodness = baselines.fairness_goodness(
        opinions(4, (0, 2, 1.0), (1, 2, 1.0), (3, 2, -1.0))
    )

    # Substituted: g = ((1 + g) - (1 - g)/2)/3, so g (1 - 1/2) = 1/6.
    good = 1 / 3
    assert goodness.tolist() == pytest.approx([1, 1, good, 1])
    assert fairness.tolist() == pytest.approx([(1 + good) / 2] * 2 + [1, (1 - good) / 2])


def test_praise_by_who_always_exaggerates_is_discounted() -> None:
    # 0 rates 1 as 1, 2 rates 1 as 0.5: d = (1 (1 - b) + 0.5 (1 - c))/2 with b = (1 - d)/2 and
    # c = max(0, (0.5 - d)/2) = 0 as d > 0.5.
    found = baselines.deserve(opinions(3, (0, 1, 1.0), (2, 1, 0.5)))

    assert found.tolist() == pytest.approx([0.0, 2 / 3, 0.0])


def test_mean_and_sum_of_what_was_said() -> None:
    said = opinions(3, (0, 1, 0.5), (2, 1, -1.0))

    assert baselines.mean_rating(said).tolist() == [0.0, -0.25, 0.0]
    assert baselines.sum_of_ratings(said).tolist() == [0.0, -0.5, 0.0]


@pytest.fixture
def events() -> Events:
    """Of three members, all on day 20."""
    return Events.of(
        [
            *((20, Kind.JOIN, member, member, 1000) for member in range(3)),
            (20, Kind.TESTIMONIAL, 0, 1, 1000),
            (20, Kind.TESTIMONIAL, 0, 1, -500),
            (20, Kind.ACCEPTED, 1, 2, 0),
            (20, Kind.WON, 1, 2, 0),
            (20, Kind.ACCEPTED, 0, 2, 0),
            (20, Kind.LOST, 0, 2, 0),
            (20, Kind.LOST, 0, 1, 0),
        ]
    )


def test_counts(events: Events) -> None:
    accumulators = Accumulators()
    accumulators.fold(events)

    assert baselines.closure_rate(events, 3).tolist() == [0.0, 0.0, 0.5]
    assert baselines.referrals_given(events, 3).tolist() == [1.0, 1.0, 0.0]
    assert baselines.contacts(accumulators).tolist() == [2.0, 2.0, 2.0]


def test_opinions_are_the_mean_of_words_and_the_models_own_evidence(events: Events) -> None:
    accumulators = Accumulators()
    accumulators.fold(events)

    words = of_words(events, 3)
    assert [[0], [1], [0.25]] == [
        words.source.tolist(),
        words.target.tolist(),
        words.weight.tolist(),
    ]
    evidence = of_evidence(accumulators, 20)
    found = {
        (one, two): weight
        for one, two, weight in zip(
            evidence.source.tolist(),
            evidence.target.tolist(),
            evidence.weight.tolist(),
            strict=True,
        )
    }
    # a = TP + .25 GV + .5 GV of the other way; accepted gives .4, won .1 more.
    expected = {(0, 1): 1.0, (1, 2): 0.125, (2, 1): 0.25, (0, 2): 0.1, (2, 0): 0.2}
    assert found == pytest.approx(expected, rel=1e-8)
