"""Section 1 of the score model a second time, slow and obvious: facts become model events.

Written from the score model alone, on facts as the domain declares them, never on ledger rows;
used by the audit and by tests. Feed the events to `refnet._reference.score`, and the whole chain
from facts to digest has a second opinion.

Where the score model leaves a question open, here is the question with the answer both opinions
give:

- *Does a revision take back the older rating before its own day?* Yes. Taking back (void,
  dispute, withdrawal, correction, revision) works by position alone. So on a day before the
  revision's, asked at a position after it, the testimonial is silent; asked at a position before
  it, the old rating speaks.
- *Which fact makes a client's word count?* The first, by position, of its ClientVerified and the
  BusinessClosed of the referral it names, among those in force whose day is not after T; but if
  the word itself (the latest of Given and Revised) came later, the word. The event has the
  position and day of that fact, and both the word and the fact that makes it count must be of
  days up to T.
- *Is the introducer known before the day of the referral?* Yes: who referred the client is part
  of the testimonial, and only a void of the referral (by position) makes it unknown.
- *Does a confirmation count on a day before that of the meeting held?* Yes, each fact has its own
  day; the same goes for whatever else happens to a referral.
- *Which of two reasons makes a referral junk?* The first by position, of those of days up to T.
- *Does disputing a referral take anything back?* No; the score model says so of one-to-ones only.
- *In which order do events of one position fold?* What the fact itself says, then the clients'
  words it makes count, in the order of those words. No order of them changes a bit: they share a
  day.
- *Whose standing has a member who never belonged to a chapter?* There is none: induction names
  one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from refnet._reference_fold import UNKNOWN, Event, Kind
from refnet.domain import chapter, meeting, member, network, one_to_one, referral, testimonial
from refnet.domain.facts import Recorded
from refnet.domain.seats import fold_classification

Told = tuple[Any, Recorded]
"""A fact and what the log added to it."""

_DAY = 86_400 * 1_000_000
_VALUE_MAX = 10**12

_TAKEN_BACK = (
    one_to_one.OneToOneDisputed,
    one_to_one.OneToOneVoided,
    referral.ReferralVoided,
    testimonial.TestimonialWithdrawn,
    testimonial.ClientTestimonialWithdrawn,
)
"""Facts after which nothing in their stream was ever recorded."""

_MARKS = (meeting.AttendanceMarked, meeting.AttendanceCorrected)
_MEMBER_WORDS = (testimonial.TestimonialGiven, testimonial.TestimonialRevised)
_CLIENT_WORDS = (testimonial.ClientTestimonialGiven, testimonial.ClientTestimonialRevised)


class Policy(NamedTuple):
    """Network policies, as keywords of `refnet._reference.score`."""

    uniform: bool = False
    decay: bool = True
    value_half: int = 1000


def events(
    facts: Iterable[Told], position: int, day: int, roster: Sequence[UUID] | None = None
) -> list[Event]:
    """The model events of the facts in force at a position and a UTC day, in folding order.

    facts: all facts of the log, decoded, in log order, at least up to `position`; or, with a
    `roster` of the members by number, what is left of them where some were left out.
    """
    return _Reading(facts, position, day, roster).events()


def members(facts: Iterable[Told], position: int) -> list[UUID]:
    """Everyone ever inducted, in order of the first induction; the index is the member's number."""
    found: dict[UUID, None] = {}
    for fact, recorded in _upto(facts, position):
        if isinstance(fact, member.MemberInducted):
            found.setdefault(recorded.stream)
    return list(found)


def policy(facts: Iterable[Told], position: int) -> Policy:
    """The network's policies at a position, which apply to the whole history."""
    found = Policy()
    for fact, _ in _upto(facts, position):
        if isinstance(fact, network.NetworkChartered | network.NetworkPolicyChanged):
            found = Policy(fact.pretrust == "uniform", fact.decay == "on", fact.value_half)
    return found


def standing(
    facts: Iterable[Told], position: int, roster: Sequence[UUID] | None = None
) -> list[float]:
    """Standing, 0 to 1, of each member's chapter at the position or of the last, by number.

    Of a roster's members who were never inducted 0.
    """
    home: dict[UUID, UUID] = {}
    level: dict[UUID, int] = {}
    for fact, recorded in _upto(facts, position):
        if isinstance(fact, member.MemberInducted | member.MemberTransferred):
            home[recorded.stream] = fact.chapter
        elif isinstance(fact, chapter.ChapterChartered | chapter.ChapterPolicyChanged):
            level[recorded.stream] = fact.standing_millionths
    everyone = members(facts, position) if roster is None else roster
    return [level[home[each]] / 1_000_000 if each in home else 0.0 for each in everyone]


def seats(facts: Iterable[Told], position: int) -> list[tuple[UUID, str]]:
    """Chapter and classification, folded, of each member's seat or the last one, by number."""
    seat: dict[UUID, tuple[UUID, str]] = {}
    for fact, recorded in _upto(facts, position):
        if isinstance(fact, member.MemberInducted | member.MemberTransferred):
            seat[recorded.stream] = fact.chapter, fold_classification(fact.classification)
    return [seat[each] for each in members(facts, position)]


def joined(facts: Iterable[Told], position: int) -> list[int]:
    """The UTC day of each member's first induction, by member number."""
    first: dict[UUID, int] = {}
    for fact, recorded in _upto(facts, position):
        if isinstance(fact, member.MemberInducted):
            first.setdefault(recorded.stream, day_of(fact, recorded))
    return [first[each] for each in members(facts, position)]


def active(facts: Iterable[Told], position: int) -> list[bool]:
    """Who is an active member at the position, by member number."""
    now: dict[UUID, bool] = {}
    for fact, recorded in _upto(facts, position):
        if isinstance(fact, member.MemberInducted | member.MemberReinstated):
            now[recorded.stream] = True
        elif isinstance(fact, member.MemberSuspended | member.MemberLeft):
            now[recorded.stream] = False
    return [now[each] for each in members(facts, position)]


def day_of(fact: Any, recorded: Recorded) -> int:
    """The UTC day of a fact; attendance has its meeting's date."""
    if isinstance(fact, _MARKS):
        return fact.date.toordinal() - 719_163  # 1970-01-01
    return min(recorded.occur_time, recorded.record_time) // _DAY


def _upto(facts: Iterable[Told], position: int) -> list[Told]:
    return [(fact, recorded) for fact, recorded in facts if recorded.position <= position]


class _Reading:
    """Facts up to a position, read on a day."""

    def __init__(
        self, facts: Iterable[Told], position: int, day: int, roster: Sequence[UUID] | None
    ) -> None:
        self.facts = _upto(facts, position)
        self.day = day
        known = members(self.facts, position) if roster is None else roster
        self.number = {each: i for i, each in enumerate(known)}
        self.gone: set[UUID] = set()
        self.corrected: set[int] = set()
        self.latest: dict[UUID, int] = {}
        self.streams: dict[UUID, list[Told]] = {}
        for fact, recorded in self.facts:
            self.streams.setdefault(recorded.stream, []).append((fact, recorded))
            if isinstance(fact, _TAKEN_BACK):
                self.gone.add(recorded.stream)
            if isinstance(fact, meeting.AttendanceCorrected):
                self.corrected.add(fact.corrects)
            if isinstance(fact, _MEMBER_WORDS + _CLIENT_WORDS):
                self.latest[recorded.stream] = recorded.position
        self.in_force = [told for told in self.facts if self._stands(*told)]
        self.joined: set[UUID] = set()
        self.junk: set[UUID] = set()

    def events(self) -> list[Event]:
        found: list[tuple[int, Event]] = []
        for fact, recorded in self.in_force:
            for kind, a, b, amount in self._said(fact, recorded):
                event = (day_of(fact, recorded), kind, a, b, amount)
                found.append((recorded.position, event))
        found += self._clients()
        found.sort(key=lambda each: each[0])  # stable: clients' words come after the fact's own
        return [event for _, event in found]

    def _stands(self, fact: Any, recorded: Recorded) -> bool:
        """Whether a fact is in force and its day has come."""
        if isinstance(fact, _MARKS):
            taken_back = recorded.position in self.corrected
        elif isinstance(fact, _MEMBER_WORDS + _CLIENT_WORDS):
            superseded = self.latest[recorded.stream] != recorded.position
            taken_back = superseded or recorded.stream in self.gone
        else:
            taken_back = recorded.stream in self.gone
        return not taken_back and day_of(fact, recorded) <= self.day

    def _said(self, fact: Any, recorded: Recorded) -> list[tuple[int, int, int, int]]:
        """(kind, a, b, amount) of the events a fact in force is by itself."""
        if isinstance(fact, member.MemberInducted):
            return self._first(recorded.stream)
        if isinstance(fact, _MARKS):
            weight = {"P": 1000, "L": 1000, "S": 500}.get(fact.mark, 0)
            return [(Kind.ATTENDANCE, self.number[fact.member], -1, weight)] if weight else []
        if isinstance(fact, _MEMBER_WORDS):
            pair = self.number[fact.author], self.number[fact.subject]
            return [(Kind.TESTIMONIAL, *pair, 100 * fact.rating)]
        if isinstance(fact, one_to_one.OneToOneHeld | one_to_one.OneToOneConfirmed):
            pair = self.number[fact.initiator], self.number[fact.partner]
            weight = 30 if isinstance(fact, one_to_one.OneToOneHeld) else 70
            return [(Kind.MEETING, *pair, weight)]
        return self._of_referral(fact, recorded.stream)

    def _first(self, stream: UUID) -> list[tuple[int, int, int, int]]:
        if stream in self.joined:
            return []
        self.joined.add(stream)
        return [(Kind.JOIN, self.number[stream], -1, 1000)]

    def _of_referral(self, fact: Any, stream: UUID) -> list[tuple[int, int, int, int]]:
        kind, amount = None, 0
        match fact:
            case referral.ReferralAccepted():
                kind = Kind.ACCEPTED
            case referral.ReferralWon():
                kind = Kind.WON
            case referral.ReferralLost():
                kind = Kind.LOST
            case referral.BusinessClosed():
                kind = Kind.CLOSED
                value = (fact.amount * fact.rate_millionths) // (10**fact.exponent * 10**6)
                amount = min(value, _VALUE_MAX)
            case referral.ReferralDeclined() if fact.reason == "not_qualified":
                kind = Kind.JUNK
            case referral.ReferralRated() if fact.rating == 1:
                kind = Kind.JUNK
        if kind is None or (kind is Kind.JUNK and stream in self.junk):
            return []
        if kind is Kind.JUNK:
            self.junk.add(stream)
        return [(kind, self.number[fact.giver], self.number[fact.receiver], amount)]

    def _clients(self) -> list[tuple[int, Event]]:
        """What clients said, each at the position of the fact that makes it count."""
        found: list[tuple[int, Event]] = []
        for word, recorded in self.in_force:
            if not isinstance(word, _CLIENT_WORDS):
                continue
            named = self._referral_named_in(recorded.stream)
            makers = self._made_to_count(recorded.stream, named)
            if not makers:
                continue
            counts = max(min(makers), (recorded.position, day_of(word, recorded)))
            who = self._introducer(named), self.number[word.subject]
            event = (counts[1], Kind.CLIENT, *who, 100 * word.rating)
            found.append((counts[0], event))
        return found

    def _referral_named_in(self, stream: UUID) -> UUID | None:
        for fact, _ in self.streams[stream]:
            if isinstance(fact, testimonial.ClientTestimonialGiven):
                return fact.referral
        raise AssertionError("a client's testimonial begins with what was given")

    def _made_to_count(self, stream: UUID, named: UUID | None) -> list[tuple[int, int]]:
        """(position, day) of the facts in force that make a client's word count."""
        business = [] if named is None else self.streams.get(named, [])
        told = [
            each for each in self.streams[stream] if isinstance(each[0], testimonial.ClientVerified)
        ]
        told += [each for each in business if isinstance(each[0], referral.BusinessClosed)]
        return [(each[1].position, day_of(*each)) for each in told if self._stands(*each)]

    def _introducer(self, named: UUID | None) -> int:
        if named is None or named in self.gone:
            return UNKNOWN
        for fact, _ in self.streams.get(named, []):
            if isinstance(fact, referral.ReferralPassed):
                return self.number[fact.giver]
        return UNKNOWN
