"""Writes as a referral network makes them: kinds in the shares of a simulated year, from a seed.

Half of what may happen between strangers does, so that pairs appear. Of every kind the last request
is what touches a score; whatever must be recorded before it, is.
"""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable
from typing import Any

from refnet import v1
from refnet.client import Client

SHARES = {
    "accepted": 20,
    "won": 9,
    "closed": 9,
    "lost": 8,
    "met": 18,
    "confirmed": 16,
    "praised": 8,
    "attended": 2,
    "client": 2,
    "revised": 3,
    "withdrawn": 3,
    "voided": 2,
}
"""Of a hundred writes."""

_SERVICES = (
    v1.ContactServiceStub,
    v1.MeetingServiceStub,
    v1.MemberServiceStub,
    v1.OneToOneServiceStub,
    v1.ReferralServiceStub,
    v1.TestimonialServiceStub,
)


class WriteMix:
    """Requests by kind for a network whose first chapter has an officer."""

    def __init__(
        self, client: Client, members: list[str], home: list[str], pairs: list[tuple[int, int]]
    ) -> None:
        """members: names by number. home: names of chapters by member. pairs: who know each other.

        Makes the first member an officer.
        """
        stubs = [client.stub(service) for service in _SERVICES]
        self._methods = {
            name: method
            for stub in stubs
            for name, method in vars(stub).items()
            if name[0].isupper()
        }
        self._members, self._home, self._pairs = members, home, pairs
        self._choose = random.Random(2)
        self._chapters = sorted(set(home))
        self._choose.shuffle(self._chapters)
        self._makers: dict[str, Callable[[], tuple[Any, str]]] = {
            kind: getattr(self, f"_{kind}") for kind in SHARES
        }
        office = v1.ROLE_NAME_PRESIDENT
        self.call(v1.AssignRoleRequest(member=members[0], role=office))

    def deck(self) -> list[str]:
        """A hundred kinds, shuffled."""
        kinds = [kind for kind, share in SHARES.items() for _ in range(share)]
        self._choose.shuffle(kinds)
        return kinds

    def next(self, kind: str) -> tuple[Any, str]:
        """A request of a kind, to be called, and a member about whom it says something."""
        return self._makers[kind]()

    def call(self, request: Any) -> Any:
        """The answer to a request."""
        name = type(request).__name__.removesuffix("Request")
        return self._methods[name](request)

    def _two(self) -> tuple[str, str]:
        """Two members, who know each other every other time."""
        if self._choose.random() < 0.5:
            one, two = self._choose.choice(self._pairs)
            return self._members[one], self._members[two]
        first, second = self._choose.sample(self._members, 2)
        return first, second

    def _passed(self) -> tuple[str, str, str]:
        giver, receiver = self._two()
        passed = self.call(v1.PassReferralRequest(giver=giver, receiver=receiver))
        return passed.referral, giver, receiver

    def _accepted(self) -> tuple[Any, str]:
        referral, giver, receiver = self._passed()
        return v1.AcceptReferralRequest(referral=referral, acting_member=receiver), giver

    def _contacted(self) -> tuple[str, str, str]:
        referral, giver, receiver = self._passed()
        self.call(v1.AcceptReferralRequest(referral=referral, acting_member=receiver))
        self.call(v1.ContactProspectRequest(referral=referral, acting_member=receiver))
        return referral, giver, receiver

    def _won(self) -> tuple[Any, str]:
        referral, giver, receiver = self._contacted()
        return v1.WinReferralRequest(referral=referral, acting_member=receiver), giver

    def _lost(self) -> tuple[Any, str]:
        referral, giver, receiver = self._contacted()
        return v1.LoseReferralRequest(referral=referral, acting_member=receiver), giver

    def _closed(self) -> tuple[Any, str]:
        referral, giver, receiver = self._contacted()
        self.call(v1.WinReferralRequest(referral=referral, acting_member=receiver))
        amount = self._choose.randrange(100_00, 50_000_00)
        request = v1.CloseBusinessRequest(
            referral=referral, acting_member=receiver, amount=amount, currency="EUR"
        )
        return request, giver

    def _voided(self) -> tuple[Any, str]:
        request, giver = self._closed()
        self.call(request)
        return v1.VoidReferralRequest(referral=request.referral), giver

    def _met(self) -> tuple[Any, str]:
        one, two = self._two()
        return v1.HoldOneToOneRequest(initiator=one, partner=two), two

    def _confirmed(self) -> tuple[Any, str]:
        request, partner = self._met()
        held = self.call(request).one_to_one
        return v1.ConfirmOneToOneRequest(one_to_one=held, acting_member=partner), partner

    def _praised(self) -> tuple[Any, str]:
        author, subject = self._two()
        rating = self._choose.choice((-4, 3, 7, 9))
        return v1.GiveTestimonialRequest(author=author, subject=subject, rating=rating), subject

    def _revised(self) -> tuple[Any, str]:
        request, subject = self._praised()
        said = self.call(request).testimonial
        return v1.ReviseTestimonialRequest(testimonial=said, rating=-request.rating), subject

    def _withdrawn(self) -> tuple[Any, str]:
        request, subject = self._praised()
        said = self.call(request).testimonial
        return v1.WithdrawTestimonialRequest(testimonial=said), subject

    def _client(self) -> tuple[Any, str]:
        """A word of a client about a member of the first chapter, which its officer verifies."""
        officer, subject = self._members[0], self._members[1 + self._choose.randrange(20)]
        who = self.call(v1.RegisterContactRequest(name="A. Client")).contact
        word = v1.GiveTestimonialRequest(client=who, subject=subject, rating=8)
        said = self.call(word).testimonial
        return v1.VerifyClientRequest(testimonial=said, acting_member=officer), subject

    def _attended(self) -> tuple[Any, str]:
        """The meeting of a chapter that has not met yet, marked whole."""
        chapter = self._chapters.pop()
        date = dt.datetime.now(dt.UTC).date().isoformat()
        held = self.call(v1.HoldMeetingRequest(chapter=chapter, date=date)).meeting
        there = [
            member
            for member, home in zip(self._members, self._home, strict=True)
            if home == chapter
        ]
        marks = [v1.Attendance(member=member, mark=v1.MARK_PRESENT) for member in there]
        return v1.MarkAttendanceRequest(meeting=held, attendances=marks), there[0]
