"""Ways up are honest, possible, and worth exactly what they say."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explaining import grown, scored
from random_network import RandomNetwork
from refnet.accumulators import Kind
from refnet.actions import Act, Action, suggest
from refnet.domain import contact, member, network, referral
from refnet.domain import testimonial as word
from refnet.whatif import with_events


class Town:
    """Six members who are trusted as they are; ann and bob are the first two."""

    def __init__(self) -> None:
        self.net: RandomNetwork = grown(41, 0)
        only, everyone = self.net.one("network"), network.Pretrust.UNIFORM
        self.do(network.ChangeNetworkPolicy(network=only, pretrust=everyone))
        self.ann, self.bob = self.net.streams["member"][:2]

    def do(self, command: Any, actor: UUID | None = None) -> Any:
        done = self.net.do(command, actor=actor)
        assert done, command
        return done

    def passed(self) -> Any:
        return self.do(referral.PassReferral(giver=self.ann, receiver=self.bob))

    def answered(self, which: Any, *steps: Any) -> Any:
        for step in steps:
            self.do(step(referral=which), self.bob)
        return which

    def found(self, who: UUID, act: Act) -> list[Action]:
        snapshot = scored(self.net)
        found = suggest(snapshot, snapshot.numbers[who], 1000)
        return [each for each in found if each.act is act]

    def score(self, who: UUID) -> float:
        snapshot = scored(self.net)
        return snapshot.scores.score.item(snapshot.numbers[who])

    def origin(self, stream: Any) -> int:
        return next(told.position for _, told in self.net.facts if told.stream == stream)


WON = (referral.AcceptReferral, referral.ContactProspect, referral.WinReferral)


def test_a_receiver_is_asked_for_the_next_step_and_the_gain_comes_true() -> None:
    town = Town()
    which = town.passed()
    for steps in (WON[:1], WON[1:]):
        (asked,) = town.found(town.ann, Act.ASK_RECEIVER)
        before = town.score(town.ann)
        assert (1, town.origin(which), 0) == (asked.partner, asked.position, asked.value)
        town.answered(which, *steps)
        assert asked.gain == town.score(town.ann) - before > 0.0
    (asked,) = town.found(town.ann, Act.ASK_RECEIVER)
    before = town.score(town.ann)
    closed = referral.CloseBusiness(referral=which, amount=asked.value * 100, currency="EUR")
    town.do(closed, town.bob)
    assert asked.gain == town.score(town.ann) - before > 0.0
    assert [] == town.found(town.ann, Act.ASK_RECEIVER)


@pytest.mark.parametrize(
    "ending", [referral.DisputeReferral, referral.VoidReferral, referral.DeclineReferral]
)
def test_of_a_referral_that_is_over_nobody_is_asked(ending: Any) -> None:
    town = Town()
    town.answered(town.passed(), ending)

    assert [] == town.found(town.ann, Act.ASK_RECEIVER)


def test_of_a_disputed_referral_nothing_more_may_come() -> None:
    town = Town()
    open_, won = town.passed(), town.passed()
    town.answered(open_, *WON[:1])
    town.answered(won, *WON)
    assert 1 == len(town.found(town.bob, Act.FINISH_REFERRAL))
    assert 1 == len(town.found(town.bob, Act.ASK_CLIENT))
    town.answered(open_, referral.DisputeReferral)
    town.answered(won, referral.DisputeReferral)

    assert [] == town.found(town.bob, Act.FINISH_REFERRAL)
    assert [] == town.found(town.bob, Act.ASK_CLIENT)


def test_a_client_s_good_word_is_checked_and_the_gain_comes_true() -> None:
    town = Town()
    client: Any = town.do(contact.RegisterContact(name="x"))
    give = {"client": client, "subject": town.bob}
    bad = town.do(word.GiveTestimonial(**give, rating=-4))
    good = town.do(word.GiveTestimonial(**give, rating=3))
    town.do(word.ReviseTestimonial(testimonial=good, rating=8))
    (asked,) = town.found(town.bob, Act.VERIFY_CLIENT)
    before = town.score(town.bob)
    town.net.verify(good, town.bob)  # an officer is found
    town.net.verify(good, town.bob)

    assert (None, town.origin(good)) == (asked.partner, asked.position)
    assert asked.gain == town.score(town.bob) - before > 0.0
    assert [] == town.found(town.bob, Act.VERIFY_CLIENT)
    assert not town.net.look("testimonial", bad).verified


def test_who_is_not_active_is_suggested_nothing_and_asked_nothing() -> None:
    town = Town()
    town.passed()
    town.do(member.LeaveNetwork(member=town.bob))

    assert [] == [each for act in Act for each in town.found(town.bob, act)]
    assert [] == town.found(town.ann, Act.ASK_RECEIVER)
    assert 1 not in {each.partner for each in town.found(town.ann, Act.PASS_REFERRAL)}


@settings(max_examples=10)
@given(st.integers(0, 2**32))
def test_acts_are_by_gain_and_none_is_a_word_for_oneself(seed: int) -> None:
    snapshot = scored(grown(seed, 200))
    for number in range(min(4, snapshot.scores.n)):
        found = suggest(snapshot, number, 1000)
        order = [(-each.gain, [*Act].index(each.act), each.partner or -1) for each in found]
        assert sorted(order) == order
        assert found[:2] == suggest(snapshot, number, 2)
        assert all(each.gain > 0.0 and each.partner != number for each in found)
        asked = {Act.PASS_REFERRAL, Act.ASK_RECEIVER}
        partners = {each.partner for each in found if each.act in asked} - {None}
        assert all(snapshot.active[partner] for partner in partners)
        for each in found:
            if each.act is Act.PASS_REFERRAL:
                assert each.partner is not None
                steps = ((Kind.ACCEPTED, 0), (Kind.WON, 0), (Kind.CLOSED, each.value))
                rows = [(snapshot.day, int(k), number, each.partner, v) for k, v in steps]
                after = with_events(snapshot, rows).score[number]
                assert each.gain == after - snapshot.scores.score[number]


def test_nobody_is_no_member() -> None:
    snapshot = scored(grown(1, 20))
    with pytest.raises(ValueError, match="no member has that number"):
        suggest(snapshot, snapshot.scores.n)
