"""Leaving facts out gives what folding the rest of the export gives, to the last bit."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from explaining import grown, scored, stream_in
from random_network import RandomNetwork
from refnet import _reference as reference
from refnet import _reference_evidence as naive
from refnet.accumulators import Kind
from refnet.domain import chapter, member, network, referral
from refnet.errors import InvalidRequest, PositionAhead
from refnet.scoring import Scores
from refnet.standings import Snapshot
from refnet.whatif import left_out, with_events, without


def fallen(net: RandomNetwork, snapshot: Snapshot, chosen: set[int]) -> NDArray[np.int64]:
    """What is left out with those chosen; charters cannot be chosen."""
    return left_out(snapshot, chosen, stream_in(net))


def choosable(net: RandomNetwork) -> list[int]:
    charters = (network.NetworkChartered, chapter.ChapterChartered)
    return [told.position for fact, told in net.facts if not isinstance(fact, charters)]


def second_opinion(net: RandomNetwork, gone: set[int], day: int) -> dict[str, list[float]]:
    """A fold of the facts that are left, by the slow reference; only the numbers are kept."""
    roster = naive.members(net.facts, net.position)
    rest = [each for each in net.facts if each[1].position not in gone]
    return reference.score(
        len(roster),
        naive.events(rest, net.position, day, roster),
        day,
        standing=naive.standing(rest, net.position, roster),
        **naive.policy(rest, net.position)._asdict(),
    )


def assert_same(found: Scores, expected: dict[str, list[float]]) -> None:
    for name, values in found.arrays.items():
        assert expected[name] == values.tolist(), name
    assert reference.digest(expected) == found.digest()


@settings(max_examples=40)
@given(st.integers(0, 2**32), st.data())
def test_without_facts_scores_are_those_of_the_rest(seed: int, data: Any) -> None:
    net = grown(seed, data.draw(st.sampled_from((40, 150, 300))))
    day = net.days[1] - data.draw(st.sampled_from((0, 0, 1, 90)))
    snapshot = scored(net, day)
    for _ in range(3):
        chosen = data.draw(st.sets(st.sampled_from(choosable(net)), max_size=4))
        gone = fallen(net, snapshot, chosen)

        assert chosen <= set(gone.tolist())
        assert_same(without(snapshot, gone), second_opinion(net, set(gone.tolist()), day))


@settings(max_examples=10)
@given(st.integers(0, 2**32))
def test_without_each_kind_of_fact_scores_are_those_of_the_rest(seed: int) -> None:
    net = grown(seed, 200)
    snapshot = scored(net)
    possible = set(choosable(net))
    last = {type(fact): told.position for fact, told in net.facts if told.position in possible}
    assert len(last) > 20
    for position in last.values():
        gone = fallen(net, snapshot, {position})
        expected = second_opinion(net, set(gone.tolist()), snapshot.day)

        assert_same(without(snapshot, gone), expected)


def test_leaving_out_nothing_changes_nothing_and_something_changes_no_snapshot() -> None:
    net = grown(8, 250)
    snapshot = scored(net)
    some = without(snapshot, fallen(net, snapshot, {60, 61, 130}))

    assert snapshot.digest == without(snapshot, fallen(net, snapshot, set())).digest()
    assert some.digest() != snapshot.digest
    assert snapshot.scores.digest() == scored(net).digest


def test_leaving_out_a_void_brings_back_what_was_voided() -> None:
    net = grown(3, 0)
    everyone = network.Pretrust.UNIFORM
    net.do(network.ChangeNetworkPolicy(network=net.one("network"), pretrust=everyone))
    giver, receiver = net.streams["member"][:2]
    passed: Any = net.do(referral.PassReferral(giver=giver, receiver=receiver))
    assert net.do(referral.AcceptReferral(referral=passed), actor=receiver)
    before = scored(net)
    assert net.do(referral.VoidReferral(referral=passed), actor=receiver)
    snapshot = scored(net)
    gone = fallen(net, snapshot, {net.position})

    assert [net.position] == gone.tolist()
    assert before.digest == without(snapshot, gone).digest() != snapshot.digest


def test_who_was_never_inducted_keeps_the_number_and_has_no_voice() -> None:
    net = grown(21, 200)
    snapshot = scored(net)
    number = int(np.argmax(snapshot.scores.p))
    stream: UUID = snapshot.members[number]
    joined = [
        told.position
        for fact, told in net.facts
        if told.stream == stream and isinstance(fact, member.MemberInducted)
    ]
    gone = fallen(net, snapshot, {joined[0]})
    found = without(snapshot, gone)

    assert set(joined) <= set(gone.tolist())
    assert snapshot.scores.p[number] > 0.0 == found.p[number]
    assert snapshot.scores.n == found.n
    assert_same(found, second_opinion(net, set(gone.tolist()), snapshot.day))


def test_without_a_change_of_policy_everything_is_folded_under_the_one_before() -> None:
    net = grown(4, 120)
    off = network.ChangeNetworkPolicy(
        network=net.one("network"), decay=network.Decay.OFF, value_half=7
    )
    assert net.do(off)
    snapshot = scored(net)
    gone = fallen(net, snapshot, {net.position})
    found = without(snapshot, gone)

    assert snapshot.digest != found.digest()
    assert_same(found, second_opinion(net, {net.position}, snapshot.day))


def test_events_more_are_folded_after_the_others_and_change_no_snapshot() -> None:
    net = grown(9, 120)
    snapshot = scored(net)
    digest, day = snapshot.digest, snapshot.day
    more = [(day, int(Kind.ACCEPTED), 0, 1, 0), (day, int(Kind.ATTENDANCE), 0, -1, 1000)]
    expected = reference.score(
        snapshot.scores.n,
        [*naive.events(net.facts, net.position, day), *more],
        day,
        standing=naive.standing(net.facts, net.position),
        **naive.policy(net.facts, net.position)._asdict(),
    )

    assert_same(with_events(snapshot, more), expected)
    assert digest == scored(net).digest == snapshot.scores.digest()


def test_charters_and_positions_that_are_not_there_are_refused_with_a_way_out() -> None:
    net = grown(1, 20)
    snapshot = scored(net)
    charters = set(range(1, net.position + 1)) - set(choosable(net))
    assert len(charters) == 6
    for position in charters:
        with pytest.raises(InvalidRequest, match="leave out what happened afterwards"):
            fallen(net, snapshot, {position})
    with pytest.raises(InvalidRequest, match="the first fact is at 1"):
        fallen(net, snapshot, {0})
    with pytest.raises(PositionAhead, match="ask for later ones"):
        fallen(net, snapshot, {net.position + 1})
