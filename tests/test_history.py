"""A history says at each point what a read of that point alone says, to the last bit."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import reference_ranking as reference
from random_network import CODEC, DAY, RandomNetwork
from refnet import _reference_evidence as naive
from refnet.domain import contact, meeting, member, network, referral, testimonial
from refnet.domain.nouns import NOUNS
from refnet.history import Point, Seen, beginning, days, history, walk
from refnet.ledger.ledger import Ledger
from refnet.log.batches import Extractor
from refnet.scoring import ARRAYS
from refnet.standings import Snapshot, snapshot_at

EXTRACTOR = Extractor(NOUNS, CODEC)


class Late(RandomNetwork):
    """Years pass, and half of what is told happened long ago: many half-lives late, bits differ."""

    def trust_everyone(self) -> None:
        """So that evidence between members shows in scores, whoever attends."""
        policy = network.ChangeNetworkPolicy(
            network=self.one("network"), pretrust=network.Pretrust.UNIFORM
        )
        assert self.do(policy)

    def people(self, count: int) -> list[Any]:
        """Members of one chapter, there from the start."""
        home = self.streams["chapter"][0]
        for _ in range(count):
            asked = member.EnrolMember(chapter=home, classification=self.trade())
            assert self.do(asked, at=self.start)
        return self.streams["member"]

    def grow(self, steps: int) -> None:
        for _ in range(steps):
            super().grow(1)
            self.now += self.random.choice((0, 0, 0, 5, 40)) * DAY

    def when(self) -> int | None:
        if self.random.random() < 0.5:
            return None
        return max(self.start, self.now - self.random.randrange(900 * DAY))


def ledger_of(net: RandomNetwork) -> Ledger:
    ledger = Ledger()
    ledger.append(EXTRACTOR.batch(net.rows))
    return ledger


def told(snapshot: Snapshot) -> tuple[Any, ...]:
    """Everything a snapshot says of its members."""
    return (
        (snapshot.position, snapshot.day, snapshot.digest, snapshot.policy),
        snapshot.members,
        snapshot.rank.tolist(),
        snapshot.labels.tolist(),
        snapshot.roll.home().tolist(),
    )


def assert_walked(ledger: Ledger, points: list[Point]) -> None:
    walked = [told(each) for each in walk(ledger, points)]
    alone = [told(snapshot_at(ledger, *point)) for point in points]
    assert alone == walked


@settings(max_examples=25)
@given(st.integers(0, 2**32), st.integers(0, 300), st.data())
def test_rising_positions_and_days_are_those_read_alone(seed: int, steps: int, data: Any) -> None:
    """Days may lie before facts that are recorded by then, as in networks that were imported."""
    net = RandomNetwork(seed)
    net.grow(steps)
    first, last = net.days
    many = st.lists(st.integers(0, net.position), max_size=8)
    positions = sorted(data.draw(many))
    chosen = st.integers(first - 1, last + 400)
    when = sorted(data.draw(st.lists(chosen, min_size=len(positions), max_size=len(positions))))

    assert_walked(ledger_of(net), [Point(*each) for each in zip(positions, when, strict=True)])


@settings(max_examples=40)
@given(st.integers(0, 2**32), st.integers(0, 300), st.data())
def test_the_days_of_one_position_are_those_read_alone(seed: int, steps: int, data: Any) -> None:
    net = RandomNetwork(seed)
    net.grow(steps)
    first, last = net.days
    position = data.draw(st.sampled_from((net.position, net.position * 2 // 3)))
    when = sorted(data.draw(st.lists(st.integers(first - 1, last + 90), max_size=12)))

    assert_walked(ledger_of(net), [Point(position, day) for day in when])


@pytest.mark.parametrize("seed", range(6))
def test_days_of_what_was_told_years_late_are_those_read_alone(seed: int) -> None:
    net = Late(seed)
    if seed % 3:
        net.trust_everyone()
    net.grow(300)
    first, last = net.days
    ledger = ledger_of(net)

    assert_walked(ledger, [Point(net.position, day) for day in range(first, last + 3, 37)])
    positions = [net.position * place // 20 for place in range(21)]
    when = [net.facts[max(each, 1) - 1][1].record_time // DAY for each in positions]
    assert_walked(ledger, [Point(*each) for each in zip(positions, when, strict=True)])


def test_words_of_clients_nobody_introduced_are_folded_in_log_order() -> None:
    """The newest is verified first, then several of years ago, whose sum loses other bits."""
    net = Late(5)
    subject, officer = net.people(2)
    net.do(member.AssignRole(member=officer, role=member.RoleName.PRESIDENT, from_time=net.start))
    said = []
    for rating in (7, 3, 9, 1, 3, 7):
        client: Any = net.do(contact.RegisterContact(name="x"))
        word = testimonial.GiveTestimonial(client=client, subject=subject, rating=rating)
        said.append(net.do(word))
    net.now += 4000 * DAY
    for late, each in enumerate(said):
        at = net.start + late * 101 * DAY if late else None
        assert net.do(testimonial.VerifyClient(testimonial=each), actor=officer, at=at)
    first, last = net.days
    ledger = ledger_of(net)
    days_apart = [*range(first, first + 600, 7), last]

    assert_walked(ledger, [Point(net.position, day) for day in days_apart])


def test_referrals_accepted_years_late_are_folded_in_log_order() -> None:
    net = Late(7)
    net.trust_everyone()
    giver, receiver = net.people(2)
    passed = [net.do(referral.PassReferral(giver=giver, receiver=receiver)) for _ in range(6)]
    net.now += 1500 * DAY
    for late, each in enumerate(passed):
        at = net.start + late * 101 * DAY if late else None
        assert net.do(referral.AcceptReferral(referral=each), actor=receiver, at=at)
    first, last = net.days
    ledger = ledger_of(net)

    assert_walked(
        ledger, [Point(net.position, day) for day in [*range(first, first + 600, 7), last]]
    )


def test_the_word_of_a_client_moves_to_the_day_of_business_that_was_recorded_first() -> None:
    net = Late(8)
    net.trust_everyone()
    giver, receiver, officer = net.people(3)
    net.do(member.AssignRole(member=officer, role=member.RoleName.PRESIDENT, from_time=net.start))
    passed = net.do(referral.PassReferral(giver=giver, receiver=receiver))
    for step in (referral.AcceptReferral, referral.ContactProspect, referral.WinReferral):
        assert net.do(step(referral=passed), actor=receiver)
    client: Any = net.do(contact.RegisterContact(name="x"))
    said = net.do(
        testimonial.GiveTestimonial(client=client, subject=receiver, rating=7, referral=passed)
    )
    first = net.days[0]
    net.now += 600 * DAY
    closed = referral.CloseBusiness(referral=passed, amount=50_000, currency="EUR")
    assert net.do(closed, actor=receiver, at=net.start + 500 * DAY)
    verified = testimonial.VerifyClient(testimonial=said)
    assert net.do(verified, actor=officer, at=net.start + 100 * DAY)
    ledger = ledger_of(net)
    when = [first + later for later in (99, 100, 300, 499, 500, 700)]

    assert_walked(ledger, [Point(net.position, day) for day in when])
    masses = [
        each.accumulators.masses("CP", 0, 1, each.day).item()
        for each in walk(ledger, [Point(net.position, day) for day in when])
    ]
    clients = [
        round(mass - 0.4 * 0.5 ** ((day - first) / 360), 6)  # what closing it said by itself
        for mass, day in zip(masses, when, strict=True)
    ]
    aged = [0.0, *(round(0.7 * 0.5 ** (age / 360), 6) for age in (0, 200, 399, 0, 200))]
    assert aged == clients


def test_attendance_marked_years_late_is_folded_in_log_order() -> None:
    net = Late(6)
    (who,) = net.people(1)
    home = net.look("member", who).chapter
    today = dt.date.fromordinal(719_163 + net.days[0])
    dates = [today + dt.timedelta(days=later) for later in (3000, 1, 102, 203, 304)]
    net.now += 3001 * DAY
    for date in dates:
        at: Any = net.do(meeting.HoldMeeting(chapter=home, date=date))
        person = meeting.Attendance(member=who, mark=meeting.Mark.SUBSTITUTE)
        assert net.do(meeting.MarkAttendance(meeting=at, attendances=(person,)))
    first, last = net.days
    ledger = ledger_of(net)

    assert_walked(
        ledger, [Point(net.position, day) for day in [*range(first, first + 400, 5), last]]
    )


@settings(max_examples=10)
@given(st.integers(0, 2**32))
def test_a_member_at_the_end_of_each_day_is_what_a_server_of_that_day_said(seed: int) -> None:
    net = RandomNetwork(seed)
    net.grow(120)
    ledger = ledger_of(net)
    first, last = net.days
    points = []
    for day in days(first, last, 3):
        by_then = [told for _, told in net.facts if told.record_time < (day + 1) * DAY]
        points.append(Point(len(by_then), day))
    snapshot = snapshot_at(ledger, net.position, last)
    found = {each.position: each for each in history(snapshot, 2, points)}
    for position, day in dict(points).items():
        alone = snapshot_at(ledger, position, day)
        if len(naive.members(net.facts, position)) <= 2:
            assert position not in found
            continue
        expected = {name: getattr(alone.scores, name).item(2) for name in ARRAYS}
        place = reference.place(
            alone.scores.score.tolist(),
            naive.active(net.facts, position),
            [0] * alone.scores.n,
            2,
        )
        seen = found[position]
        assert (expected, place[0]) == (seen.values, seen.rank)
        assert (position, day) == (seen.position, seen.day)


def test_a_history_ends_where_nobody_waits_for_it() -> None:
    net = RandomNetwork(1)
    net.grow(40)
    ledger = ledger_of(net)
    last = net.days[1]
    points = [Point(net.position, last + later) for later in range(50)]
    asked: list[int] = []

    def goes_on() -> bool:
        asked.append(1)
        return len(asked) < 5

    found = history(snapshot_at(ledger, net.position, last), 0, points, goes_on=goes_on)

    assert ([last, last + 1, last + 2, last + 3, last + 4], 5) == (
        [each.day for each in found],
        len(asked),
    )


def test_a_history_begins_with_the_first_fact_about_a_member_or_as_far_back_as_points_go() -> None:
    net = Late(9)
    one, _, _ = net.people(3)
    net.now += 100 * DAY
    for _ in range(2):
        word = testimonial.GiveTestimonial(author=one, subject=net.streams["member"][1], rating=1)
        assert net.do(word)
        net.now += 50 * DAY
    assert net.do(member.SuspendMember(member=net.streams["member"][2]))
    snapshot = snapshot_at(ledger_of(net), net.position, net.days[1])
    first, last = net.days

    begins = [beginning(snapshot, number, last, 1) for number in range(3)]
    assert [first + 100, first + 100, first] == begins
    assert first + 20 == beginning(snapshot, 0, first + 20, 1)
    assert last + 900 - 519 == beginning(snapshot, 0, last + 900, 1)
    assert first + 100 == beginning(snapshot, 0, last + 900, 7)


def test_points_that_fall_are_refused() -> None:
    ledger = ledger_of(RandomNetwork(1))
    for wrong in ([Point(2, 9), Point(1, 9)], [Point(1, 9), Point(2, 8)]):
        with pytest.raises(ValueError, match="rise"):
            list(walk(ledger, wrong))
    assert list(walk(ledger, [])) == []


@pytest.mark.parametrize(
    ("span", "expected"),
    [((3, 3, 7), [3]), ((3, 17, 7), [3, 10, 17]), ((3, 18, 7), [3, 10, 17, 18]), ((4, 3, 1), [])],
)
def test_days_of_a_history_end_with_the_last_one(
    span: tuple[int, int, int], expected: list[int]
) -> None:
    assert expected == days(*span)


def test_a_history_leaves_the_snapshot_it_began_at_alone() -> None:
    net = RandomNetwork(4)
    net.grow(200)
    first, last = net.days
    snapshot = snapshot_at(ledger_of(net), net.position, last)
    before = told(snapshot), snapshot.accumulators.pair_totals.copy()
    found = history(snapshot, 0, [Point(net.position, day) for day in days(first, last, 30)])

    assert isinstance(found[0], Seen)
    assert before[0] == told(snapshot)
    assert np.array_equal(before[1], snapshot.accumulators.pair_totals)
