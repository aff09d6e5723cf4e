"""What a score becomes is what will be read, to the last bit, if nothing more is recorded."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explaining import grown, ledger_of, scored
from refnet.domain import network, referral
from refnet.explain import explain
from refnet.forecast import Coming, forecast
from refnet.labels import Label
from refnet.outlook import look_ahead
from refnet.standings import snapshot_at


@settings(max_examples=20)
@given(st.integers(0, 2**32), st.integers(0, 500), st.integers(0, 400))
def test_a_coming_day_is_the_score_read_on_that_day(seed: int, back: int, ahead: int) -> None:
    """Also from a past day, when much of the log still lay ahead."""
    net = grown(seed, 150)
    ledger = ledger_of(net)
    day = max(net.days[0], net.days[1] - back)
    snapshot = snapshot_at(ledger, net.position, day)
    wanted = [day, day + ahead // 3, day + ahead]
    for number in (0, snapshot.scores.n - 1):
        for told in forecast(snapshot, number, wanted):
            read = snapshot_at(ledger, net.position, told.day).scores.arrays
            assert {name: values[number] for name, values in read.items()} == told.values


@settings(max_examples=6)
@given(st.integers(0, 2**32))
def test_turns_are_found_to_the_day(seed: int) -> None:
    """With every day looked at, nothing can be missed; with few, nothing is found that is not."""
    snapshot = scored(grown(seed, 150))
    days = range(snapshot.day, snapshot.day + 130)
    for number in (0, 2):
        coming = Coming(snapshot, number)
        every = [coming.on(day) for day in days]
        labels = [(b.day, b.label) for a, b in pairwise(every) if a.label is not b.label]
        flags = [(b.day, b.flagged) for a, b in pairwise(every) if a.flagged is not b.flagged]
        turns = coming.turns(days)

        assert (labels, flags) == ([*turns.labels], [*turns.flags])
        assert {*coming.turns([*days][::43]).labels} <= {*labels}
        for name, half in turns.half_way.items():
            values = [each.values[name] for each in every]
            whole = values[-1] - values[0]  # a score may first move the other way
            way = 1 if whole > 0.0 else -1
            moved = [way * (value - values[0]) >= abs(whole) / 2 for value in values]
            first = every[moved.index(True)].day
            assert half == (None if values[0] == values[-1] else first)


def test_a_newcomer_s_label_waits_for_twelve_weeks() -> None:
    net = grown(6, 0)
    everyone = network.Pretrust.UNIFORM
    net.do(network.ChangeNetworkPolicy(network=net.one("network"), pretrust=everyone))
    giver, *receivers = net.streams["member"]
    for receiver in receivers:
        passed: Any = net.do(referral.PassReferral(giver=giver, receiver=receiver))
        assert net.do(referral.AcceptReferral(referral=passed), actor=receiver)
    snapshot = scored(net)
    number = snapshot.numbers[giver]
    start = int(snapshot.roll.joined()[number])
    days = [snapshot.day, start + 90]

    assert ((start + 84, Label.GENEROUS),) == Coming(snapshot, number).turns(days).labels


@settings(max_examples=10)
@given(st.integers(0, 2**32), st.integers(0, 300), st.integers(1, 200))
def test_what_fades_is_the_difference_of_two_explanations(seed: int, back: int, days: int) -> None:
    net = grown(seed, 150)
    ledger = ledger_of(net)
    day = max(net.days[0], net.days[1] - back)
    snapshot = snapshot_at(ledger, net.position, day)
    later = snapshot_at(ledger, net.position, day + days)
    ahead = look_ahead(snapshot, 0, [day, day + days])

    assert (explain(snapshot, 0), explain(later, 0)) == (ahead.now, ahead.then)
    assert ahead.then.score == ahead.outlooks[-1].values["score"]
    then = dict(explain(later, 0).by_partner())
    assert all(then.get(partner, 0.0) == left for partner, _, left in ahead.fading)
    for each in ahead.facts:
        assert 0.0 <= each.then <= each.fact.mass


def test_earlier_days_and_unknown_numbers_are_refused() -> None:
    snapshot = scored(grown(2, 30))
    with pytest.raises(ValueError, match="lies before that of the scores"):
        forecast(snapshot, 0, [snapshot.day - 1])
    with pytest.raises(ValueError, match="no member has that number"):
        forecast(snapshot, snapshot.scores.n, [snapshot.day])
