"""Scores kept in step with a growing ledger are the scores made anew, to the last bit."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from random_network import CHARTERED, CODEC, DAY, HOUR, RandomNetwork
from refnet import _reference as reference
from refnet import _reference_evidence as naive
from refnet.domain import contact, meeting, member, network, referral
from refnet.domain import testimonial as word
from refnet.domain.nouns import NOUNS
from refnet.ledger.ledger import Ledger
from refnet.log.batches import Extractor
from refnet.standings import Snapshot, Standings, snapshot_at

EXTRACTOR = Extractor(NOUNS, CODEC)


def extend(ledger: Ledger, net: RandomNetwork, upto: int | None = None) -> None:
    if rows := net.rows[ledger.position : upto]:
        ledger.append(EXTRACTOR.batch(rows))


def second_opinion(net: RandomNetwork, position: int, day: int) -> dict[str, list[float]]:
    """Scores from facts alone: neither ledger nor kernel has a part in them."""
    policy = naive.policy(net.facts, position)
    return reference.score(
        len(naive.members(net.facts, position)),
        naive.events(net.facts, position, day),
        day,
        standing=naive.standing(net.facts, position),
        **policy._asdict(),
    )


def assert_same(snapshot: Snapshot, net: RandomNetwork, day: int) -> None:
    expected = second_opinion(net, snapshot.position, day)
    for name, values in snapshot.scores.arrays.items():
        assert values.tolist() == expected[name], name
    assert snapshot.digest == reference.digest(expected)
    assert snapshot.members == naive.members(net.facts, snapshot.position)
    assert snapshot.active.tolist() == naive.active(net.facts, snapshot.position)


@settings(max_examples=15)
@given(st.integers(0, 2**32), st.integers(1, 3), st.data())
def test_advanced_in_any_batches_scores_are_those_made_anew_and_of_the_second_opinion(
    seed: int, rounds: int, data: Any
) -> None:
    net, ledger = RandomNetwork(seed), Ledger()
    standings = Standings(ledger)
    for _ in range(rounds):
        net.grow(data.draw(st.sampled_from((1, 10, 60, 120))))
        size = data.draw(st.sampled_from((1, 2, 10, 200)))
        while ledger.position < net.position:
            extend(ledger, net, ledger.position + size)
            standings.advance()
            day = ledger.record_time // DAY
            anew = snapshot_at(ledger, ledger.position, day)
            assert standings.snapshot(day).digest == anew.digest
        # The day may lie ahead, and the clock may go back over midnight between two looks.
        day = net.now // DAY + data.draw(st.sampled_from((0, 0, 1, 2, 90)))
        kept = standings.snapshot(day, data.draw(st.integers(1, 2)))
        assert kept.position == net.position
        assert_same(kept, net, day)


@settings(max_examples=15)
@given(st.integers(0, 2**32), st.data())
def test_scores_at_any_position_and_day_are_those_of_the_second_opinion(
    seed: int, data: Any
) -> None:
    net, ledger = RandomNetwork(seed), Ledger()
    net.grow(150)
    extend(ledger, net)
    first, last = net.days
    for _ in range(3):
        position = data.draw(st.integers(0, net.position))
        day = data.draw(st.integers(first, last + 400))
        assert_same(snapshot_at(ledger, position, day), net, day)


def test_an_empty_ledger_has_scores_of_nobody() -> None:
    ledger = Ledger()
    standings = Standings(ledger)
    standings.advance()

    snapshot = standings.snapshot(20_000)

    assert (snapshot.position, snapshot.day, snapshot.members) == (0, 20_000, [])
    assert snapshot.digest == snapshot_at(ledger, 0, 20_000).digest
    assert snapshot.digest == reference.digest(reference.score(0, [], 20_000))


def test_a_snapshot_does_not_change_when_the_ledger_goes_on() -> None:
    net, ledger = RandomNetwork(5), Ledger()
    standings = Standings(ledger)
    net.grow(80)
    extend(ledger, net)
    standings.advance()
    day = net.now // DAY
    before = standings.snapshot(day)
    pairs = [(i, j) for i in range(before.scores.n) for j in range(before.scores.n) if i != j]
    told = [before.reciprocity(*pair) for pair in pairs]
    scores, order = before.scores.score.copy(), before.order.copy()
    net.grow(200)
    extend(ledger, net)
    standings.advance()
    standings.snapshot(net.now // DAY + 1)

    assert told == [before.reciprocity(*pair) for pair in pairs]
    assert np.array_equal(scores, before.scores.score)
    assert np.array_equal(order, before.order)


def test_ranks_list_active_members_first_then_by_score_then_by_number() -> None:
    net, ledger = RandomNetwork(11), Ledger()
    net.grow(250)
    for who in net.streams["member"][:3]:
        net.do(member.LeaveNetwork(member=who))
    for _ in range(3):
        net.enrol()  # newcomers share one score
    extend(ledger, net)
    snapshot = snapshot_at(ledger, net.position, net.now // DAY)
    active, scores = snapshot.active.tolist(), snapshot.scores.score.tolist()
    assert 0 < sum(active) < len(active)

    everybody = sorted(range(len(active)), key=lambda i: (not active[i], -scores[i], i))

    assert snapshot.order.tolist() == everybody
    assert [everybody[rank - 1] for rank in snapshot.rank] == list(range(len(active)))
    assert [snapshot.members[i] for i in snapshot.numbers.values()] == snapshot.members


class Tomorrow(RandomNetwork):
    """A chapter in Auckland, where it is tomorrow already, at 13:00 UTC of the day of charter."""

    def __init__(self) -> None:
        super().__init__(3, ("Pacific/Auckland",), CHARTERED // DAY * DAY + 13 * HOUR)
        self.home: Any = self.streams["chapter"][0]
        for name in "ab":
            self.do(member.EnrolMember(chapter=self.home, classification=name))
        self.today = self.now // DAY

    def meet(self) -> None:
        date = dt.date.fromordinal(self.today + 1 + dt.date(1970, 1, 1).toordinal())
        held: Any = self.do(meeting.HoldMeeting(chapter=self.home, date=date))
        marks = tuple(
            meeting.Attendance(member=who, mark=meeting.Mark.PRESENT)
            for who in self.streams["member"]
        )
        assert self.do(meeting.MarkAttendance(meeting=held, attendances=marks))


def test_a_meeting_of_tomorrow_counts_tomorrow() -> None:
    """In UTC the meeting's date has not begun, and the server reads scores of today."""
    net, ledger = Tomorrow(), Ledger()
    standings = Standings(ledger)
    extend(ledger, net)
    standings.advance()
    net.meet()
    extend(ledger, net)
    standings.advance()
    today = standings.snapshot(net.today)
    tomorrow = standings.snapshot(net.today + 1)
    again = standings.snapshot(net.today)  # the machine's clock was set back

    assert today.scores.p.tolist() == [0.0, 0.0]
    assert tomorrow.scores.p.tolist() == [1 / 7, 1 / 7]
    assert again.digest == today.digest
    for snapshot in (today, tomorrow, again):
        assert_same(snapshot, net, snapshot.day)


def test_yesterday_is_still_known_when_a_meeting_of_today_waits() -> None:
    net, ledger = Tomorrow(), Ledger()
    standings = Standings(ledger)
    net.meet()
    extend(ledger, net)
    standings.advance()
    net.now += 2 * DAY
    net.do(contact.RegisterContact(name="x"))  # touches no score, but the day goes on
    extend(ledger, net)
    standings.advance()

    assert_same(standings.snapshot(net.today), net, net.today)


@pytest.mark.parametrize("policy", [{}, {"decay": network.Decay.OFF}])
def test_a_meeting_of_tomorrow_counts_once_a_fact_of_tomorrow_is_recorded(
    policy: dict[str, Any],
) -> None:
    net, ledger = Tomorrow(), Ledger()
    standings = Standings(ledger)
    net.meet()
    extend(ledger, net)
    standings.advance()
    net.now += 12 * HOUR
    net.do(contact.RegisterContact(name="x"))
    if policy:
        net.do(network.ChangeNetworkPolicy(network=net.one("network"), **policy))
    extend(ledger, net)
    standings.advance()

    assert_same(standings.snapshot(net.today + 1), net, net.today + 1)


class Steps:
    """Two members who are trusted as they are; every command is folded in a batch of its own."""

    def __init__(self) -> None:
        self.net, self.ledger = Tomorrow(), Ledger()
        self.standings = Standings(self.ledger)
        self.giver, self.receiver = self.net.streams["member"]
        only, uniform = self.net.one("network"), network.Pretrust.UNIFORM
        self.do(network.ChangeNetworkPolicy(network=only, pretrust=uniform))
        self.do(member.AssignRole(member=self.giver, role=member.RoleName.PRESIDENT))

    def do(self, command: Any, actor: Any = None) -> Any:
        stream = self.net.do(command, actor=actor)
        assert stream
        extend(self.ledger, self.net)
        self.standings.advance()
        return stream

    def refer(self) -> Any:
        return self.do(referral.PassReferral(giver=self.giver, receiver=self.receiver))

    def answer(self, command: Any) -> None:
        self.do(command, actor=self.receiver)

    def client(self, rating: int, about: Any = None) -> Any:
        who = self.do(contact.RegisterContact(name="x"))
        return self.do(
            word.GiveTestimonial(client=who, subject=self.receiver, rating=rating, referral=about)
        )

    def check(self) -> None:
        assert_same(self.standings.snapshot(self.net.today), self.net, self.net.today)


def test_a_client_nobody_introduced_may_revise_in_a_later_batch() -> None:
    """The batch holds a revision without the testimonial it revises."""
    steps = Steps()
    said = steps.client(4)
    for command in (
        word.ReviseTestimonial(testimonial=said, rating=-4),
        word.VerifyClient(testimonial=said),
        word.ReviseTestimonial(testimonial=said, rating=9),
        word.WithdrawTestimonial(testimonial=said),
    ):
        is_verified = isinstance(command, word.VerifyClient)
        steps.do(command, actor=steps.giver if is_verified else None)
        steps.check()


def test_a_referral_that_was_junk_in_an_earlier_batch_is_not_junk_again() -> None:
    steps = Steps()
    good, passed = steps.refer(), steps.refer()
    steps.answer(referral.AcceptReferral(referral=good))
    reason = referral.DeclineReason.NOT_QUALIFIED
    steps.answer(referral.DeclineReferral(referral=passed, reason=reason))
    steps.answer(referral.RateReferral(referral=passed, rating=1))

    steps.check()


def test_business_closed_in_a_later_batch_makes_each_client_count() -> None:
    steps = Steps()
    several = [steps.refer() for _ in range(3)]
    for passed in several:
        steps.client(5, about=passed)
    for passed in several:
        steps.answer(referral.AcceptReferral(referral=passed))
        steps.answer(referral.ContactProspect(referral=passed))
        steps.answer(referral.WinReferral(referral=passed))
        steps.check()
        steps.answer(referral.CloseBusiness(referral=passed, amount=100, currency="EUR"))
        steps.check()
    steps.do(referral.VoidReferral(referral=several[0]))
    steps.check()


def test_what_is_found_in_a_snapshot_is_found_once_and_its_roll_stays() -> None:
    net = RandomNetwork(7)
    net.grow(60)
    ledger = Ledger()
    extend(ledger, net, 40)
    standings = Standings(ledger)
    standings.advance()
    before = standings.snapshot(net.days[1])
    homes, calls = before.roll.home().tolist(), []

    def count(snapshot: Snapshot) -> int:
        calls.append(snapshot.position)
        return len(snapshot.columns)

    found = [before.once(count), before.once(count)]
    extend(ledger, net)
    standings.advance()
    standings.snapshot(net.days[1])

    assert ([40, 40], [40]) == (found, calls)
    assert homes == before.roll.home().tolist()
    assert (before.position, before.policy) == (40, standings.snapshot(net.days[1]).policy)


def test_one_finding_may_ask_for_another() -> None:
    net = RandomNetwork(8)
    net.grow(20)
    ledger = Ledger()
    extend(ledger, net)
    snapshot = snapshot_at(ledger, ledger.position, net.days[1])

    assert ledger.position == snapshot.once(_ask_again)


def _ask_again(snapshot: Snapshot) -> int:
    return snapshot.once(lambda other: len(other.columns))
