"""A score is the sum of its parts, and each part is what the slow reference says."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explaining import Slow, grown, scored, stream_in
from random_network import RandomNetwork
from refnet import _reference as reference
from refnet import _reference_evidence as naive
from refnet._reference_fold import Accumulators as SlowAccumulators
from refnet.accumulators import Events, Kind
from refnet.domain import contact, network, referral
from refnet.domain import testimonial as word
from refnet.explain import COMPONENTS, Source, cost, explain, facts_about, with_facts
from refnet.fading import half_days, masses_left
from refnet.heaviest import heaviest, partner_of
from refnet.scoring import MODELS
from refnet.standings import Snapshot
from refnet.whatif import between, left_out

EXACT = 1e-9


def pictures(net: RandomNetwork, data: Any) -> tuple[Snapshot, str, int]:
    model = data.draw(st.sampled_from(MODELS))
    day = net.days[1] - data.draw(st.sampled_from((0, 0, 30)))
    return scored(net, day, model), model, day


@settings(max_examples=25)
@given(st.integers(0, 2**32), st.data())
def test_parts_add_up_to_the_score_and_the_remainder_is_rounding(seed: int, data: Any) -> None:
    net = grown(seed, data.draw(st.sampled_from((0, 60, 250))))
    snapshot, _, _ = pictures(net, data)
    for number in range(snapshot.scores.n):
        told = explain(snapshot, number)
        parts = [part.points for part in told.parts]

        assert abs(told.remainder) < EXACT
        assert math.fsum([*parts, told.taken, told.remainder]) == told.score
        assert told.score == snapshot.scores.score[number]
        assert told.taken == told.score - told.raw <= 0.0
        for name in COMPONENTS:
            points = math.fsum(each.points for each in told.parts if each.component == name)
            value = 100.0 * told.weights[name] * told.values[name]
            assert abs(points - value) < EXACT, name


@settings(max_examples=25)
@given(st.integers(0, 2**32), st.data())
def test_each_part_is_that_of_the_slow_reference(seed: int, data: Any) -> None:
    net = grown(seed, data.draw(st.sampled_from((60, 250))))
    snapshot, model, day = pictures(net, data)
    slow = Slow(net, day, model)
    for number in range(snapshot.scores.n):
        expected = slow.terms(number)
        found = {
            (part.component, part.source.value, part.partner): part.points
            for part in explain(snapshot, number).parts
        }
        rest = [key for key in expected.keys() | found.keys() if key[1:] == ("against", None)]
        for key in rest:  # what no member said, told from what members said by a difference
            assert abs(expected.pop(key, 0.0) - found.pop(key, 0.0)) < EXACT
        assert expected == found


def test_the_facts_of_a_pair_carry_all_its_evidence_and_no_more() -> None:
    net = grown(77, 250)
    snapshot = scored(net)
    made = snapshot.accumulators
    seen = 0
    for number in range(snapshot.scores.n):
        for partner in range(snapshot.scores.n):
            facts = facts_about(snapshot, number, partner) if partner != number else []
            for field in made.PAIR_FIELDS:
                whole = made.masses(field, number, partner, snapshot.day).item()
                # Of a one-to-one both sides hold the same.
                given = [f for f in facts if f.giver == number or field == "MT"]
                parts = math.fsum(fact.masses.get(field, 0.0) for fact in given)
                assert abs(whole - parts) < 1e-6, (field, number, partner)
                seen += whole > 0.0
    assert seen > 20


def test_the_mass_of_a_single_fact_is_that_of_the_slow_reference() -> None:
    net = grown(5, 200)
    snapshot = scored(net)
    policy = snapshot.policy
    checked = 0
    for number in range(snapshot.scores.n):
        for fact in facts_about(snapshot, number):
            ends = (fact.giver, fact.receiver)
            alone = SlowAccumulators(
                snapshot.scores.n,
                [(fact.day, fact.kind, *ends, fact.amount)],
                decay=policy.decay,
                uniform=policy.uniform,
                value_half=policy.value_half,
            )
            for field, src, dst in alone.cells:
                # Of a pair from giver to receiver; of one member it stands alone.
                if fact.kind == Kind.MEETING and src != fact.giver:
                    continue
                expected = alone.mass(field, src, dst, snapshot.day)
                assert expected == fact.masses.get(field, 0.0), (fact, field)
                checked += 1
    assert checked > 50


@settings(max_examples=8)
@given(st.integers(0, 2**32))
def test_the_cost_of_a_partner_is_the_score_as_if_nothing_had_been_between_the_two(
    seed: int,
) -> None:
    net = grown(seed, 200)
    snapshot = scored(net)
    day = snapshot.day
    roster = naive.members(net.facts, net.position)
    _, partners = with_facts(snapshot, 0, partners=3, facts=5)
    for partner in partners:
        gone = between(snapshot, 0, partner.number)
        rest = [told for told in net.facts if told[1].position not in gone]
        expected = reference.score(
            len(roster),
            naive.events(rest, net.position, day, roster),
            day,
            standing=naive.standing(rest, net.position, roster),
            **naive.policy(rest, net.position)._asdict(),
        )
        assert snapshot.scores.score[0] - expected["score"][0] == partner.cost
        told = {each.position for each in partner.all}
        assert told <= set(gone.tolist())
    points = [(-abs(each.points), each.number) for each in partners]
    assert sorted(points) == points


def test_a_client_whom_two_facts_vouch_for_is_not_left_over_when_a_partner_goes() -> None:
    """Of the two facts one is in force; without it alone the other would vouch."""
    net = grown(41, 0)
    everyone = network.Pretrust.UNIFORM
    net.do(network.ChangeNetworkPolicy(network=net.one("network"), pretrust=everyone))
    giver, receiver = net.streams["member"][:2]
    before = scored(net)
    passed: Any = net.do(referral.PassReferral(giver=giver, receiver=receiver))
    for step in (referral.AcceptReferral, referral.ContactProspect, referral.WinReferral):
        assert net.do(step(referral=passed), actor=receiver)
    client: Any = net.do(contact.RegisterContact(name="x"))
    said: Any = net.do(
        word.GiveTestimonial(client=client, subject=receiver, rating=9, referral=passed)
    )
    closed = referral.CloseBusiness(referral=passed, amount=99, currency="EUR")
    assert net.do(closed, actor=receiver)
    net.verify(said, receiver)
    net.verify(said, receiver)
    assert net.look("testimonial", said).verified
    snapshot = scored(net)
    _, (partner,) = with_facts(snapshot, 1, partners=1, facts=0)

    assert snapshot.scores.score[1] > before.scores.score[1]
    assert snapshot.scores.score[1] - before.scores.score[1] == partner.cost


@pytest.mark.parametrize("model", MODELS)
def test_blame_by_clients_whom_nobody_introduced_is_a_part_beside_that_of_partners(
    model: str,
) -> None:
    """Praise is there to be lost, partly for a deal that a partner's client did not make."""
    net = grown(41, 0)
    everyone = network.Pretrust.UNIFORM
    net.do(network.ChangeNetworkPolicy(network=net.one("network"), pretrust=everyone))
    giver, receiver = net.streams["member"][:2]
    passed: Any = net.do(referral.PassReferral(giver=giver, receiver=receiver))
    for step in (referral.AcceptReferral, referral.ContactProspect, referral.LoseReferral):
        assert net.do(step(referral=passed), actor=receiver)
    for name, rating in (("x", 9), ("y", -9)):
        client: Any = net.do(contact.RegisterContact(name=name))
        said: Any = net.do(word.GiveTestimonial(client=client, subject=receiver, rating=rating))
        net.verify(said, receiver)
        net.verify(said, receiver)
        assert net.look("testimonial", said).verified
    told = explain(scored(net, model=model), 1)
    against = {
        part.partner: part.points
        for part in told.parts
        if part.component == "C" and part.source is Source.AGAINST
    }

    assert against.keys() == {0, None}
    assert max(against.values()) < 0.0
    assert abs(told.remainder) < EXACT


def test_what_was_recorded_between_two_falls_whole() -> None:
    """Else the cost of a partner would rest on facts that rest on nothing."""
    net = grown(12, 250)
    snapshot = scored(net)
    for one in range(3):
        for two in range(one + 1, 5):
            both = between(snapshot, one, two)
            assert both.tolist() == left_out(snapshot, both, stream_in(net)).tolist()
            for position in both.tolist():
                (fact, _) = net.facts[position - 1]
                ends = {fact.COLUMNS.giver, fact.COLUMNS.receiver}
                numbers = {snapshot.numbers[getattr(fact, end)] for end in ends if end}
                assert {one, two} == numbers


def test_the_heaviest_facts_come_first_and_are_all_there_are() -> None:
    net = grown(77, 250)
    snapshot = scored(net)
    facts = facts_about(snapshot, 0)
    found = heaviest(snapshot, 0, len(facts) + 5)

    assert found[:3] == heaviest(snapshot, 0, 3)
    assert sorted(facts, key=repr) == sorted(found, key=repr)
    assert {None, 0} >= {partner_of(fact, 0) for fact in found if fact.kind == Kind.ATTENDANCE}
    costs = [
        abs(cost(snapshot, 0, left_out(snapshot, [fact.position], stream_in(net))))
        for fact in found
    ]
    top = sum(costs[: len(costs) // 2])
    assert top > sum(costs) / 2  # a guess, but no bad one
    with pytest.raises(ValueError, match="no member has that number"):
        heaviest(snapshot, snapshot.scores.n, 1)


def test_what_a_fact_has_left_is_halved_on_its_half_day() -> None:
    net = grown(77, 250)
    on = network.ChangeNetworkPolicy(network=net.one("network"), decay=network.Decay.ON)
    assert net.do(on)
    snapshot = scored(net)
    facts = facts_about(snapshot, 1)
    events = Events.of((f.day, f.kind, f.giver, f.receiver, f.amount) for f in facts)
    halves = half_days(events, snapshot.day, snapshot.policy)
    assert snapshot.policy.decay
    for at, (fact, half) in enumerate(zip(facts, halves, strict=True)):
        alone = events.select(np.array([at]))
        if half is None:
            assert fact.mass == 0.0
            continue
        (before,), (then,) = (masses_left(alone, day, snapshot.policy) for day in (half - 1, half))
        assert math.fsum(then.values()) * 2.0 <= fact.mass < math.fsum(before.values()) * 2.0
    off = replace(snapshot.policy, decay=False)
    assert [None] * len(facts) == half_days(events, snapshot.day, off)
