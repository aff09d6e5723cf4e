"""Attacks do what they say, to whom they say, and nothing else."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from refnet.accumulators import Kind
from refnet.evaluate import attacks, suite
from refnet.evaluate.models import judge_by, model_1
from refnet.evaluate.networks import SimulatedNetwork
from refnet.evaluate.suite import COLLUSIONS, ROTAS, Trials

GROUP = np.array([7, 3, 5, 4])


@pytest.fixture(scope="session")
def trials(network: SimulatedNetwork) -> Trials:
    return Trials(network, judge_by(model_1))


def test_shapes() -> None:
    assert list(attacks.pair(GROUP[:2], 0)) == [(7, 3), (3, 7)]
    assert list(attacks.ring(GROUP, 0)) == [(7, 3), (3, 5), (5, 4), (4, 7)]
    assert list(attacks.farm(GROUP, 0)) == [(3, 7), (5, 7), (4, 7)]
    clique = set(attacks.clique(GROUP, 0))
    assert len(clique) == 12
    rota = [edge for week in range(3) for edge in attacks.rota(GROUP, week)]
    assert set(rota) == clique
    assert len(rota) == 12
    three = set(attacks.tripartite(np.arange(6), 0))
    assert len(three) == 12
    assert not {(two, one) for one, two in three} & three


def test_the_boosted_one_is_the_giver_of_a_deal() -> None:
    rows = list(attacks.boosts([(1, 2)], 9, deals=True))

    assert rows == [
        (9, Kind.TESTIMONIAL, 1, 2, 1000),
        (9, Kind.ACCEPTED, 2, 1, 0),
        (9, Kind.WON, 2, 1, 0),
        (9, Kind.CLOSED, 2, 1, 10_000),
    ]
    assert list(attacks.boosts([(1, 2)], 9, deals=False)) == rows[:1]


def test_an_attack_adds_its_rows_and_takes_none_away(network: SimulatedNetwork) -> None:
    for attack in suite.collusions(network, deals=True, groups=1, shapes=COLLUSIONS + ROTAS):
        before = network.between(attack.start - 1, network.day)
        rows = Counter(zip(*(getattr(attack.tail, c).tolist() for c in _COLUMNS), strict=True))
        rows -= Counter(zip(*(getattr(before, c).tolist() for c in _COLUMNS), strict=True))

        assert rows.total() == len(attack.tail) - len(before)
        assert (np.diff(attack.tail.day) >= 0).all()
        added = Counter(kind for _, kind, *_ in rows.elements())
        assert added[Kind.TESTIMONIAL] == added[Kind.ACCEPTED] == added[Kind.CLOSED] > 0
        assert added[Kind.JOIN] == attack.n - network.n
        weeks = {(day - network.first_day) // 7 for day, *_ in rows}
        assert weeks == set(range(network.weeks - 26, network.weeks))


_COLUMNS = ("day", "kind", "a", "b", "amount")


def test_colluders_are_genuine_and_of_the_lower_half(network: SimulatedNetwork) -> None:
    low = set(suite.lower_half(network).tolist())
    plant = network.plant

    kinds = set()
    for attack in suite.collusions(network, deals=False, groups=2, shapes=COLLUSIONS):
        assert set(attack.members.tolist()) <= low
        kinds.add(attack.kind)
    assert "pair words" in kinds
    assert "sybil farm 50 words" in kinds
    assert "clique 30 words" not in kinds  # too few members here
    assert {"normal", "giver"} >= set(plant.kind[list(low)].tolist())
    assert not plant.colludes[list(low)].any()


def test_sybils_who_never_attend_change_no_score_with_words(
    network: SimulatedNetwork, trials: Trials
) -> None:
    farms = [shape for shape in COLLUSIONS if shape.name.startswith("sybil farm")]
    before = trials.before()["score"]

    for attack in suite.collusions(network, deals=False, groups=1, shapes=tuple(farms)):
        after = attacks.carried_out(network, attack, trials.judge)["score"]
        assert after[: network.n].tolist() == before.tolist()


def test_a_clique_gains_and_a_slandered_member_loses(
    network: SimulatedNetwork, trials: Trials
) -> None:
    clique = next(shape for shape in COLLUSIONS if shape.name == "clique 5")
    gained = trials.outcome(next(suite.collusions(network, deals=True, groups=1, shapes=(clique,))))
    slandered = trials.outcome(next(suite.slanders(network, 5, 1)))

    assert gained.gain() > 1.0 > slandered.gain()
    assert gained.percentile[1] >= gained.percentile[0]
    assert gained.members == 5


def test_who_hibernates_is_in_no_event_any_more(network: SimulatedNetwork, trials: Trials) -> None:
    members = np.array([2, 5])
    start = network.last_day(20) - 6

    attack = attacks.silencing(network, "sleep", start, members)

    assert not np.isin(attack.tail.a, members).any()
    assert not np.isin(attack.tail.b, members).any()
    before = trials.before(start - 1)["score"][members].mean()
    assert trials.outcome(attack).before["score"] == before


def test_infiltrators_join_attend_and_boost(network: SimulatedNetwork) -> None:
    attack = next(suite.infiltrations(network, 3, 1))
    new = attack.tail.select(attack.tail.a >= network.n)

    kinds = Counter(new.kind.tolist())
    assert attack.n == network.n + 3
    assert kinds == {Kind.JOIN: 3, Kind.ATTENDANCE: 36, Kind.TESTIMONIAL: 3 * 26}


def test_launderers_are_helped_by_friends_who_acknowledge(
    network: SimulatedNetwork, trials: Trials
) -> None:
    tried = list(suite.launderings(trials, 2, 1))

    assert tried
    for attack in tried:
        (taker,) = attack.members.tolist()
        assert network.plant.kind[taker] == "taker"
        assert trials.before()["O"][taker] >= 0.5
        outcome = trials.outcome(attack)
        assert outcome.flagged[0] == 1.0
        assert outcome.after["give"] > outcome.before["give"]


def test_the_same_try_draws_the_same_people(network: SimulatedNetwork) -> None:
    def drawn() -> list[list[int]]:
        found = suite.collusions(network, deals=False, groups=2, shapes=COLLUSIONS)
        return [attack.members.tolist() for attack in found]

    assert drawn() == drawn()
