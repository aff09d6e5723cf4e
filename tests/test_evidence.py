"""What the model reads in a ledger is what the slow second opinion reads in the facts."""

from __future__ import annotations

import datetime as dt
from itertools import pairwise
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from random_network import CODEC, DAY, RandomNetwork
from refnet import _reference_evidence as naive
from refnet import evidence
from refnet.accumulators import Events, Kind
from refnet.domain import chapter, contact, meeting, member, network, one_to_one, referral
from refnet.domain import testimonial as word
from refnet.domain.facts import Effect
from refnet.domain.nouns import NOUNS
from refnet.ledger.columns import Columns, allocate
from refnet.ledger.ledger import Ledger
from refnet.log.batches import Extractor

EXTRACTOR = Extractor(NOUNS, CODEC)
Row = tuple[int, ...]


def columns_of(net: RandomNetwork) -> Columns:
    ledger = Ledger()
    ledger.append(EXTRACTOR.batch(net.rows))
    return ledger.columns()


def told(events: Events) -> list[Row]:
    columns = (events.day, events.kind, events.a, events.b, events.amount)
    return list(zip(*(column.tolist() for column in columns), strict=True))


def read(net: RandomNetwork, position: int | None = None, day: int | None = None) -> list[Row]:
    """The model's events by the ledger, checked against those of the second opinion."""
    position = net.position if position is None else position
    day = net.now // DAY + 1 if day is None else day
    columns = columns_of(net).slice(0, position)
    found = told(evidence.events(evidence.rows_of(columns), day))
    assert found == naive.events(net.facts, position, day)
    return found


@settings(max_examples=40)
@given(st.integers(0, 2**32), st.integers(0, 250), st.data())
def test_events_are_those_of_the_second_opinion(seed: int, steps: int, data: Any) -> None:
    net = RandomNetwork(seed)
    net.grow(steps)
    columns = columns_of(net)
    first, last = net.days
    for _ in range(4):
        position = data.draw(st.integers(0, net.position))
        day = data.draw(st.integers(first - 1, last + 1))
        rows = columns.slice(0, position)

        expected = naive.events(net.facts, position, day)

        assert told(evidence.events(evidence.rows_of(rows), day)) == expected


@settings(max_examples=20)
@given(st.integers(0, 2**32), st.integers(0, 150), st.data())
def test_policy_standing_and_activity_are_those_of_the_second_opinion(
    seed: int, steps: int, data: Any
) -> None:
    net = RandomNetwork(seed)
    net.grow(steps)
    columns = columns_of(net)
    for position in (net.position, data.draw(st.integers(0, net.position))):
        rows = columns.slice(0, position)
        roll = evidence.Roll()
        roll.read(rows)

        assert evidence.policy(rows) == evidence.Policy(*naive.policy(net.facts, position))
        assert roll.members == len(naive.members(net.facts, position))
        assert roll.standing().tolist() == naive.standing(net.facts, position)
        assert roll.active().tolist() == naive.active(net.facts, position)
        assert roll.joined().tolist() == naive.joined(net.facts, position)


@settings(max_examples=20)
@given(st.integers(0, 2**32), st.lists(st.integers(0, 300), max_size=4))
def test_a_roll_read_in_parts_is_the_roll_read_at_once(seed: int, cuts: list[int]) -> None:
    net = RandomNetwork(seed)
    net.grow(120)
    columns = columns_of(net)
    whole, parts = evidence.Roll(), evidence.Roll()
    whole.read(columns)
    bounds = sorted({0, net.position, *(cut for cut in cuts if cut < net.position)})
    for start, stop in pairwise(bounds):
        parts.read(columns.slice(start, stop))

    assert parts.members == whole.members
    assert np.array_equal(parts.standing(), whole.standing())
    assert np.array_equal(parts.active(), whole.active())
    assert np.array_equal(parts.home(), whole.home())
    assert np.array_equal(parts.classification(), whole.classification())
    assert np.array_equal(parts.joined(), whole.joined())


@settings(max_examples=25)
@given(st.integers(0, 2**32), st.integers(0, 300), st.data())
def test_rows_on_pairs_and_members_yield_all_that_falls_on_them(
    seed: int, steps: int, data: Any
) -> None:
    """And of other members' facts they hold no more than that."""
    net = RandomNetwork(seed)
    net.grow(steps)
    columns = columns_of(net)
    count = len(naive.members(net.facts, net.position))
    someone = st.integers(0, count - 1)
    pairs = np.array(data.draw(st.lists(st.tuples(someone, someone), max_size=4)), np.int64)
    pairs = pairs.reshape(-1, 2)
    lonely = np.array(data.draw(st.lists(someone, max_size=2)), np.int64)
    members = np.unique(np.concatenate([pairs.reshape(-1), lonely]))
    day = data.draw(st.integers(net.days[0], net.days[1] + 1))
    rows = evidence.rows_on(columns, pairs, members, count)
    whole, some = (evidence.events(each, day) for each in (evidence.rows_of(columns), rows))
    expected = told(whole.select(whole.touching(pairs, members)))

    assert expected == told(some.select(some.touching(pairs, members)))
    about = evidence.rows_about(columns, members, count).position
    assert set(rows.position.tolist()) <= set(about.tolist())


class Story(RandomNetwork):
    """Only what the test says happens: two chapters, three members, one of them an officer."""

    def __init__(self) -> None:
        super().__init__(7, zones=("Pacific/Auckland", "UTC"))
        self.home, self.away = self.streams["chapter"]
        self.a, self.b, self.c = (self.enrolled(name) for name in "abc")
        office = member.AssignRole(member=self.c, role=member.RoleName.PRESIDENT)
        self.do(office, at=self.start)

    def enrolled(self, name: str) -> Any:
        return self.do(
            member.EnrolMember(chapter=self.home, classification=name),
            at=self.start,
        )

    def day(self, number: int) -> None:
        """Let `number` days have passed since the beginning."""
        self.now = self.start + number * DAY

    def at(self, number: int) -> int:
        return self.start + number * DAY

    def refer(self) -> Any:
        return self.do(referral.PassReferral(giver=self.a, receiver=self.b))

    def win(self, which: Any, *, close: bool = True) -> None:
        for kind in (referral.AcceptReferral, referral.ContactProspect, referral.WinReferral):
            assert self.do(kind(referral=which), actor=self.b)
        if close:
            assert self.do(self.closing(which), actor=self.b)

    def closing(self, which: Any) -> referral.CloseBusiness:
        return referral.CloseBusiness(referral=which, amount=150_00, currency="EUR")

    def client(self, rating: int, about: Any = None) -> Any:
        who: Any = self.do(contact.RegisterContact(name="x"))
        said = word.GiveTestimonial(client=who, subject=self.b, rating=rating, referral=about)
        return self.do(said)


@pytest.fixture
def story() -> Story:
    return Story()


def kinds(rows: list[Row], *wanted: Kind) -> list[Row]:
    return [row for row in rows if row[1] in wanted]


FIRST = 1_600_000_000_000_000 // DAY


def test_joining_counts_once_even_after_a_return(story: Story) -> None:
    story.day(3)
    assert story.do(member.LeaveNetwork(member=story.a))
    again = member.Reapply(member=story.a, chapter=story.away, classification="z")
    assert story.do(again)
    assert story.do(member.DecideApplication(member=story.a, admitted=True))
    assert story.do(member.InductMember(member=story.a))

    assert kinds(read(story), Kind.JOIN) == [(FIRST, Kind.JOIN, who, -1, 1000) for who in range(3)]


@pytest.mark.parametrize(
    ("mark", "expected"), [("P", [1000]), ("A", []), ("L", [1000]), ("M", []), ("S", [500])]
)
def test_marks_weigh(story: Story, mark: str, expected: list[int]) -> None:
    held: Any = story.do(meeting.HoldMeeting(chapter=story.home, date=dt.date(2020, 9, 14)))
    marked = (meeting.Attendance(member=story.a, mark=meeting.Mark(mark)),)
    assert story.do(meeting.MarkAttendance(meeting=held, attendances=marked))

    assert [row[4] for row in kinds(read(story), Kind.ATTENDANCE)] == expected


def test_attendance_has_its_meetings_date_and_a_correction_takes_its_place(story: Story) -> None:
    story.day(30)
    date = dt.date(2020, 9, 20)
    held: Any = story.do(meeting.HoldMeeting(chapter=story.home, date=date))
    marks = tuple(meeting.Attendance(member=m, mark=meeting.Mark.LATE) for m in (story.a, story.b))
    assert story.do(meeting.MarkAttendance(meeting=held, attendances=marks))
    before = story.position
    day = date.toordinal() - dt.date(1970, 1, 1).toordinal()
    both = [(day, Kind.ATTENDANCE, who, -1, 1000) for who in (0, 1)]
    for mark in ("A", "S"):
        corrected = meeting.CorrectAttendance(meeting=held, member=story.a, mark=meeting.Mark(mark))
        assert story.do(corrected)

    assert kinds(read(story, before), Kind.ATTENDANCE) == both
    assert kinds(read(story, before + 1), Kind.ATTENDANCE) == both[1:]
    assert kinds(read(story), Kind.ATTENDANCE) == [both[1], (day, Kind.ATTENDANCE, 0, -1, 500)]
    assert kinds(read(story, day=day - 1), Kind.ATTENDANCE) == []


@pytest.mark.parametrize("undo", [one_to_one.DisputeOneToOne, one_to_one.VoidOneToOne])
def test_a_one_to_one_weighs_more_once_confirmed_and_nothing_once_taken_back(
    story: Story, undo: Any
) -> None:
    held = [story.do(one_to_one.HoldOneToOne(initiator=story.a, partner=story.b)) for _ in range(2)]
    story.day(5)
    assert story.do(one_to_one.ConfirmOneToOne(one_to_one=held[0]), actor=story.b)
    meetings = [(FIRST, Kind.MEETING, 0, 1, 30)] * 2
    confirmed = (FIRST + 5, Kind.MEETING, 0, 1, 70)

    assert kinds(read(story), Kind.MEETING) == [*meetings, confirmed]
    assert kinds(read(story, day=FIRST + 4), Kind.MEETING) == meetings

    late = story.at(9)
    story.day(9)
    assert story.do(undo(one_to_one=held[1]), actor=story.b, at=late)
    assert kinds(read(story), Kind.MEETING) == [meetings[0], confirmed]
    # Taking back works by position, whatever the day.
    assert kinds(read(story, day=FIRST + 4), Kind.MEETING) == meetings[:1]
    assert kinds(read(story, story.position - 1), Kind.MEETING) == [*meetings, confirmed]


def test_the_latest_revision_speaks_at_its_own_day(story: Story) -> None:
    said: Any = story.do(word.GiveTestimonial(author=story.a, subject=story.b, rating=-3))
    given = story.position
    story.day(4)
    assert story.do(word.ReviseTestimonial(testimonial=said, rating=8))
    first, second = ((FIRST + day, Kind.TESTIMONIAL, 0, 1, r) for day, r in ((0, -300), (4, 800)))

    assert kinds(read(story, given), Kind.TESTIMONIAL) == [first]
    assert kinds(read(story), Kind.TESTIMONIAL) == [second]
    assert kinds(read(story, day=FIRST + 3), Kind.TESTIMONIAL) == []

    assert story.do(word.WithdrawTestimonial(testimonial=said))
    assert kinds(read(story), Kind.TESTIMONIAL) == []


def test_a_client_counts_once_verified(story: Story) -> None:
    said = story.client(6)
    assert kinds(read(story), Kind.CLIENT) == []
    story.day(2)
    assert story.do(word.VerifyClient(testimonial=said), actor=story.c)
    counted = (FIRST + 2, Kind.CLIENT, -1, 1, 600)
    assert kinds(read(story), Kind.CLIENT) == [counted]
    assert kinds(read(story, day=FIRST + 1), Kind.CLIENT) == []

    story.day(3)
    assert story.do(word.ReviseTestimonial(testimonial=said, rating=-6))
    assert kinds(read(story), Kind.CLIENT) == [(FIRST + 3, Kind.CLIENT, -1, 1, -600)]


@pytest.mark.parametrize("closed_first", [True, False])
def test_a_client_counts_once_business_of_the_named_referral_is_closed(
    story: Story, *, closed_first: bool
) -> None:
    passed = story.refer()
    story.win(passed, close=closed_first)
    story.day(2)
    said = story.client(6, about=passed)
    if not closed_first:
        assert kinds(read(story), Kind.CLIENT) == []
        story.day(4)
        assert story.do(story.closing(passed), actor=story.b)
    day = FIRST + (2 if closed_first else 4)
    assert kinds(read(story), Kind.CLIENT) == [(day, Kind.CLIENT, 0, 1, 600)]

    # Verified later: the first of the two is what makes it count.
    story.day(7)
    assert story.do(word.VerifyClient(testimonial=said), actor=story.c)
    assert kinds(read(story), Kind.CLIENT) == [(day, Kind.CLIENT, 0, 1, 600)]

    # A void of the referral leaves the verified word of a client nobody introduced.
    assert story.do(referral.VoidReferral(referral=passed))
    assert kinds(read(story), Kind.CLIENT) == [(FIRST + 7, Kind.CLIENT, -1, 1, 600)]
    assert kinds(read(story), Kind.WON, Kind.CLOSED, Kind.ACCEPTED) == []


def test_business_of_any_referral_but_the_named_one_verifies_nobody(story: Story) -> None:
    named, other = story.refer(), story.refer()
    story.client(6, about=named)
    story.win(other)

    assert kinds(read(story), Kind.CLIENT) == []


def test_the_outcomes_of_a_referral(story: Story) -> None:
    won, lost = story.refer(), story.refer()
    story.win(won)
    story.day(1)
    assert story.do(story.closing(won), actor=story.b)
    for kind in (referral.AcceptReferral, referral.ContactProspect, referral.LoseReferral):
        assert story.do(kind(referral=lost), actor=story.b)

    outcomes = (Kind.ACCEPTED, Kind.WON, Kind.CLOSED, Kind.LOST, Kind.JUNK)
    assert kinds(read(story), *outcomes) == [
        (FIRST, Kind.ACCEPTED, 0, 1, 0),
        (FIRST, Kind.WON, 0, 1, 0),
        (FIRST, Kind.CLOSED, 0, 1, 150),
        (FIRST + 1, Kind.CLOSED, 0, 1, 150),
        (FIRST + 1, Kind.ACCEPTED, 0, 1, 0),
        (FIRST + 1, Kind.LOST, 0, 1, 0),
    ]


def test_a_referral_is_junk_once(story: Story) -> None:
    declined = referral.DeclineReason.NOT_QUALIFIED
    twice, other = story.refer(), story.refer()
    assert story.do(referral.DeclineReferral(referral=twice, reason=declined), actor=story.b)
    story.day(1)
    assert story.do(referral.RateReferral(referral=twice, rating=1), actor=story.b)
    assert story.do(referral.AcceptReferral(referral=other), actor=story.b)
    assert story.do(referral.RateReferral(referral=other, rating=2), actor=story.b)
    assert kinds(read(story), Kind.JUNK) == [(FIRST, Kind.JUNK, 0, 1, 0)]

    third = story.refer()
    assert story.do(referral.DeclineReferral(referral=third), actor=story.b)
    assert kinds(read(story), Kind.JUNK) == [(FIRST, Kind.JUNK, 0, 1, 0)]
    assert story.do(referral.RateReferral(referral=third, rating=1), actor=story.b)
    assert len(kinds(read(story), Kind.JUNK)) == 2


def test_business_is_worth_its_value_in_the_reference_currency(story: Story) -> None:
    passed = story.refer()
    story.win(passed, close=False)
    for amount, currency in ((199, "EUR"), (10**15, "EUR"), (10_000, "USD"), (99, "EUR")):
        asked = referral.CloseBusiness(referral=passed, amount=amount, currency=currency)
        assert story.do(asked, actor=story.b)

    assert [row[4] for row in kinds(read(story), Kind.CLOSED)] == [1, 10**12, 93, 0]


def test_a_fact_has_the_day_of_the_earlier_time(story: Story) -> None:
    story.day(10)
    midnight = (story.now // DAY + 1) * DAY
    story.now = midnight - 60_000_000
    for at in (story.at(3), None, midnight + 60_000_000):
        said = word.GiveTestimonial(author=story.a, subject=story.b, rating=1)
        assert story.do(said, at=at)

    assert [row[0] - FIRST for row in kinds(read(story), Kind.TESTIMONIAL)] == [3, 10, 10]


def test_policies_at_the_position_and_standing_of_the_last_chapter(story: Story) -> None:
    only: Any = story.one("network")
    assert story.do(network.ChangeNetworkPolicy(network=only, decay=network.Decay.OFF))
    low = chapter.ChangeChapterPolicy(chapter=story.away, standing_millionths=250_000)
    assert story.do(low)
    assert story.do(member.TransferMember(member=story.a, chapter=story.away))
    assert story.do(member.LeaveNetwork(member=story.a))
    assert story.do(member.SuspendMember(member=story.b))
    columns = columns_of(story)
    roll = evidence.Roll()
    roll.read(columns)

    assert evidence.policy(columns) == evidence.Policy(uniform=False, decay=False, value_half=1000)
    assert evidence.policy(columns.slice(0, 1)) == evidence.Policy()
    assert roll.standing().tolist() == [0.25, 1.0, 1.0]
    assert roll.active().tolist() == [False, False, True]


def test_a_signal_of_any_noun_counts_about_the_receiver() -> None:
    """No noun of today signals; the ledger row is all the model will see of one."""
    columns = allocate(3)
    columns.effect[:] = (Effect.JOIN, Effect.JOIN, Effect.SIGNAL)
    columns.giver[:], columns.receiver[:] = (0, 1, 0), (-1, -1, 1)
    columns.day[:] = 9

    found = told(evidence.events(evidence.rows_of(columns), 9))

    assert kinds(found, Kind.SIGNAL) == [(9, Kind.SIGNAL, 1, 1, 1000)]


def test_members_are_numbered_by_their_first_induction(story: Story) -> None:
    late = member.ApplyForMembership(chapter=story.home, classification="late")
    applied: Any = story.do(late)
    fourth = story.enrolled("fourth")
    assert story.do(member.DecideApplication(member=applied, admitted=True))
    assert story.do(member.InductMember(member=applied))

    ids: list[UUID] = [story.a, story.b, story.c, fourth, applied]
    assert naive.members(story.facts, story.position) == ids


def test_a_referral_passed_says_nothing_until_its_receiver_does(story: Story) -> None:
    """Invariant 9: a giver's claim is none, and neither is a giver's answer to it."""
    before = read(story)
    passed = story.refer()
    assert read(story) == before
    assert story.do(referral.AcceptReferral(referral=passed), actor=story.a) is None
    assert read(story) == before

    assert story.do(referral.AcceptReferral(referral=passed), actor=story.b)
    assert read(story) == [*before, (FIRST, Kind.ACCEPTED, 0, 1, 0)]
