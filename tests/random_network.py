"""Random but lawful networks: real commands through the real rules, in memory, from a seed.

Everything that can take back, revise, delay or move something happens often, among few people, so
that facts meet each other. What the rules refuse is left out.
"""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from refnet.domain import chapter, contact, meeting, member, network, one_to_one
from refnet.domain import referral as ref
from refnet.domain import testimonial as word
from refnet.domain.decisions import Request, decide
from refnet.domain.facts import Recorded
from refnet.domain.ids import uuid4, uuid7
from refnet.domain.nouns import BY_COMMAND, NOUNS
from refnet.domain.state import State
from refnet.domain.values import MICROS_PER_DAY, Sealed
from refnet.errors import RefnetError
from refnet.log.codec import Codec
from refnet.log.reader import Row
from refnet.log.tree import SALT_SIZE, commitment

MINUTE = 60 * 1_000_000
HOUR = 60 * MINUTE
DAY = MICROS_PER_DAY
CODEC = Codec(NOUNS)
EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
ZONES = ("Pacific/Auckland", "Europe/Berlin", "America/St_Johns", "America/Los_Angeles", "UTC")
CHARTERED = 1_600_000_000_000_000


class RandomNetwork:
    """A log in memory that grows by `grow`.

    facts: decoded, with what the log added. rows: as stored. A request is only a way to call the
    rules; how a server keeps requests is the business of other tests.
    """

    def __init__(self, seed: int, zones: tuple[str, ...] = ZONES, start: int = CHARTERED) -> None:
        self.random = random.Random(seed)
        self.state = State(NOUNS, lambda _noun, _stream: None)
        self.facts: list[tuple[Any, Recorded]] = []
        self.rows: list[Row] = []
        self.streams: dict[str, list[Any]] = {noun.name: [] for noun in NOUNS}
        self.start = self.now = start
        self.refused = 0
        self._tails: dict[UUID, tuple[int, int]] = {}
        self.do(network.CharterNetwork(name="n"), at=start)
        only = self.one("network")
        self.do(network.SetRate(network=only, currency="USD", rate_millionths=933_333))
        for zone in zones:
            self.charter(zone)

    @property
    def position(self) -> int:
        return len(self.facts)

    @property
    def days(self) -> tuple[int, int]:
        """The first and the last UTC day of record."""
        return self.start // DAY, self.now // DAY

    def do(self, command: Any, *, actor: UUID | None = None, at: int | None = None) -> Any:
        """The stream of an accepted command, None for a refused one."""
        noun = BY_COMMAND[type(command)]
        entropy = self.random.randbytes
        new_id = uuid7(self.now, entropy) if noun.timed_ids else uuid4(entropy)
        request = Request(
            command=command, request_id="r", new_id=new_id, acting_member=actor, occur_time=at
        )
        world = self.state.begin()
        try:
            decision = decide(noun, request, self.now, world)
        except RefnetError:
            self.refused += 1
            return None
        for fact in decision.facts:
            world.apply(noun, *self._append(fact, decision.stream, request))
        world.commit()
        if type(command).TARGET is None:
            self.streams[noun.name].append(decision.stream)
        return decision.stream

    def _append(self, fact: Any, stream: UUID, request: Request) -> tuple[Any, Recorded]:
        version, origin = self._tails.get(stream, (0, self.position + 1))
        self._tails[stream] = version + 1, origin
        occurred = self.now if request.occur_time is None else request.occur_time
        recorded = Recorded(
            stream,
            version + 1,
            self.position + 1,
            origin,
            occurred,
            self.now,
            request.principal,
            request.acting_member,
            request.request_id,
        )
        personal = {name: Sealed(stream, 0, "ab" * 32) for name in fact.SEALED}
        fact = replace(fact, **personal)
        state = CODEC.encode(fact, recorded)
        salt = self.random.randbytes(SALT_SIZE)
        told = commitment(salt, stream.bytes, version + 1, fact.NAME, state)
        self.rows.append((recorded.position, stream.hex, version + 1, fact.NAME, state, salt, told))
        self.facts.append((fact, recorded))
        return fact, recorded

    def padded_rows(self, count: int) -> list[Row]:
        """The log, then one fact again and again: what a chapter says of its policies."""
        self.do(chapter.ChangeChapterPolicy(chapter=self.one("chapter"), standing_millionths=7))
        last = self.rows[-1]
        places = range(self.position + 1, count + 1)
        return [*self.rows, *((position, *last[1:]) for position in places)]

    # What may happen

    def charter(self, zone: str, **policies: Any) -> Any:
        return self.do(
            chapter.CharterChapter(
                name=zone, city="c", country="de", time_zone=zone, currency="EUR", **policies
            ),
            at=self.start,
        )

    def one(self, noun: str) -> Any:
        """Some stream of a noun, rather a new one."""
        streams = self.streams[noun]
        recent = streams[-12:] if self.random.random() < 0.8 else streams
        return self.random.choice(recent)

    def look(self, noun: str, stream: Any) -> Any:
        """The state of a stream that is known to exist."""
        state = self.state.find(noun, stream)
        assert state is not None
        return state

    def two(self) -> tuple[Any, Any]:
        """Two members, mostly from a small circle."""
        circle = self.streams["member"][:6] if self.random.random() < 0.6 else None
        return tuple(self.random.sample(circle or self.streams["member"], 2))

    def when(self) -> int | None:
        """Mostly now; often late; sometimes a little ahead of the server's clock."""
        dice = self.random.random()
        if dice < 0.6:
            return None
        if dice < 0.7:
            return self.now + self.random.randrange(290) * 1_000_000
        late = self.random.choice((HOUR, 2 * DAY, 70 * DAY, 400 * DAY))
        return max(self.start, self.now - self.random.randrange(late))

    def grow(self, steps: int) -> None:
        """Let things happen."""
        if not self.streams["member"]:
            for _ in range(6):
                self.enrol()
        acts, weights = zip(*ACTS, strict=True)
        for _ in range(steps):
            self.now += self.random.choice((0, 0, 1, MINUTE, HOUR, 5 * HOUR, DAY))
            if self.random.random() < 0.01:
                self.now += 75 * DAY
            act: Callable[[RandomNetwork], object] = self.random.choices(acts, weights)[0]
            act(self)

    def enrol(self) -> None:
        early = self.random.choice((self.start, self.start, self.now))
        homes = self.streams["chapter"]
        home = homes[0] if self.random.random() < 0.5 else self.random.choice(homes)
        asked: dict[str, Any] = {"chapter": home, "classification": self.trade()}
        if self.random.random() < 0.5:
            self.do(member.EnrolMember(**asked), at=early)
            return
        # Before the induction this person has no number yet, and all the same leaves traces.
        person: Any = self.do(member.ApplyForMembership(**asked), at=early)
        self.do(contact.RegisterContact(name="x", registered_by=person), at=early)
        self.do(member.ChangeProfile(member=person, name="y"), at=early)
        self.do(member.DecideApplication(member=person, admitted=True), at=early)
        self.do(member.InductMember(member=person), at=early)

    def trade(self) -> str:
        """A profession that nobody has yet."""
        return f"c{self.position}"

    def leave(self) -> None:
        who = self.one("member")
        self.do(member.LeaveNetwork(member=who), at=self.when())
        if self.random.random() < 0.5:
            again = member.Reapply(member=who, chapter=self.one("chapter"), classification="z")
            self.do(again)
            self.do(member.DecideApplication(member=who, admitted=True))
            self.do(member.InductMember(member=who))

    def pause(self) -> None:
        kind = self.random.choice((member.SuspendMember, member.ReinstateMember))
        self.do(kind(member=self.one("member")), at=self.when())

    def transfer(self) -> None:
        moved = member.TransferMember(member=self.one("member"), chapter=self.one("chapter"))
        self.do(moved, at=self.when())

    def take_office(self) -> None:
        role = member.RoleName.PRESIDENT
        self.do(member.AssignRole(member=self.one("member"), role=role, from_time=self.start))

    def change_policy(self) -> None:
        """Seldom: whoever folds everything again then forgets old mistakes."""
        if self.random.random() < 0.7:
            return
        pick = self.random.choice
        self.do(
            network.ChangeNetworkPolicy(
                network=self.one("network"),
                pretrust=pick((None, *network.Pretrust)),
                decay=pick((None, *network.Decay)),
                value_half=pick((None, 10, 1000, 54_321)),
            )
        )

    def change_standing(self) -> None:
        level = self.random.choice((0, 333_333, 1_000_000))
        where = self.one("chapter")
        self.do(chapter.ChangeChapterPolicy(chapter=where, standing_millionths=level))

    def meet(self) -> None:
        """A meeting on some recent local date, which may lie ahead of the UTC day."""
        where = self.one("chapter")
        zone = ZoneInfo(self.state.resident("chapter")[where].time_zone)
        today = (EPOCH + dt.timedelta(microseconds=self.now)).astimezone(zone).date()
        date = today - dt.timedelta(days=self.random.choice((0, 0, 0, 1, 7, 60)))
        self.do(meeting.HoldMeeting(chapter=where, date=date))
        for who in self.streams["member"]:
            self.mark(meeting.Mark.PRESENT, who)

    def mark(self, mark: meeting.Mark | None = None, who: UUID | None = None) -> None:
        if self.streams["meeting"]:
            said = mark or self.random.choice(list(meeting.Mark))
            chosen: Any = who or self.one("member")
            person = meeting.Attendance(member=chosen, mark=said)
            at = self.streams["meeting"][-1]
            self.do(meeting.MarkAttendance(meeting=at, attendances=(person,)), at=self.when())

    def correct(self) -> None:
        if self.streams["meeting"]:
            mark = self.random.choice(list(meeting.Mark))
            which = self.one("meeting")
            state = self.look("meeting", which)
            who = self.random.choice([*state.marks, self.one("member")])
            corrected = meeting.CorrectAttendance(meeting=which, member=who, mark=mark)
            self.do(corrected, at=self.when())

    def hold(self) -> None:
        first, second = self.two()
        self.do(one_to_one.HoldOneToOne(initiator=first, partner=second), at=self.when())

    def answer_one_to_one(self) -> None:
        if self.streams["one_to_one"]:
            held = self.one("one_to_one")
            state = self.look("one_to_one", held)
            kind = self.random.choice(
                (
                    one_to_one.ConfirmOneToOne,
                    one_to_one.ConfirmOneToOne,
                    one_to_one.DisputeOneToOne,
                    one_to_one.VoidOneToOne,
                )
            )
            self.do(kind(one_to_one=held), actor=state.partner, at=self.when())

    def refer(self) -> None:
        giver, receiver = self.two()
        self.do(ref.PassReferral(giver=giver, receiver=receiver), at=self.when())

    def answer_referral(self) -> None:
        """Mostly the next step along the way; sometimes a rating, a dispute, a void."""
        if not self.streams["referral"]:
            return
        which = self.one("referral")
        state = self.look("referral", which)
        pick = self.random.choice
        forward: dict[Any, Any] = {
            ref.ReferralStatus.PASSED: pick(
                (ref.AcceptReferral, ref.AcceptReferral, ref.DeclineReferral)
            ),
            ref.ReferralStatus.ACCEPTED: ref.ContactProspect,
            ref.ReferralStatus.CONTACTED: pick((ref.WinReferral,) * 2 + (ref.LoseReferral,)),
        }
        options: dict[str, Any] = {}
        kind = forward.get(state.status, ref.CloseBusiness)
        if self.random.random() < 0.2:
            kind = pick((ref.RateReferral, ref.RateReferral, ref.VoidReferral))
        elif self.random.random() < 0.03:
            kind = ref.DisputeReferral
        if kind is ref.DeclineReferral:
            options["reason"] = pick((*ref.DeclineReason, ref.DeclineReason.NOT_QUALIFIED))
        if kind is ref.RateReferral:
            options["rating"] = pick((1, 1, 1, 5))
        if kind is ref.CloseBusiness:
            options["amount"] = pick((1, 99, 123_456, 10**15))
            options["currency"] = pick(("EUR", "USD", "JPY"))
        self.do(kind(referral=which, **options), actor=state.receiver, at=self.when())

    def succeed(self) -> None:
        """The newest referral goes all the way, as far as the rules let it."""
        if self.streams["referral"]:
            which: Any = self.streams["referral"][-1]
            receiver = self.look("referral", which).receiver
            for kind in (ref.AcceptReferral, ref.ContactProspect, ref.WinReferral):
                self.do(kind(referral=which), actor=receiver, at=self.when())
            closed = ref.CloseBusiness(referral=which, amount=50_000, currency="EUR")
            self.do(closed, actor=receiver, at=self.when())

    def testify(self) -> None:
        author, subject = self.two()
        rating = self.random.choice((-10, -1, 1, 7, 10))
        said = word.GiveTestimonial(author=author, subject=subject, rating=rating)
        self.do(said, at=self.when())

    def testify_as_client(self) -> None:
        client: Any = self.do(contact.RegisterContact(name="x"))
        subject, about = self.one("member"), None
        if self.streams["referral"] and self.random.random() < 0.7:
            about = self.one("referral")
            subject = self.look("referral", about).receiver
        rating = self.random.choice((-10, 3, 10))
        said = word.GiveTestimonial(client=client, subject=subject, rating=rating, referral=about)
        self.do(said, at=self.when())

    def change_word(self) -> None:
        if not self.streams["testimonial"]:
            return
        which = self.one("testimonial")
        state = self.look("testimonial", which)
        dice = self.random.random()
        if state.client is not None and not state.verified and dice < 0.6:
            self.verify(which, state.subject)
        elif dice < 0.8:
            rating = self.random.choice((-7, 2, 9))
            self.do(word.ReviseTestimonial(testimonial=which, rating=rating), at=self.when())
        else:
            self.do(word.WithdrawTestimonial(testimonial=which), at=self.when())

    def verify(self, which: Any, subject: UUID) -> None:
        people = self.state.resident("member")
        home = people[subject].home
        members = [each for each in people.values() if each.home == home]
        officers = [each.id for each in members if each.roles]
        for candidate in () if officers else members:
            role = member.RoleName.PRESIDENT
            self.do(member.AssignRole(member=candidate.id, role=role, from_time=self.start))
        self.do(word.VerifyClient(testimonial=which), actor=officers[0] if officers else None)


ACTS: tuple[tuple[Callable[[RandomNetwork], object], int], ...] = (
    (RandomNetwork.enrol, 3),
    (RandomNetwork.leave, 2),
    (RandomNetwork.pause, 2),
    (RandomNetwork.transfer, 2),
    (RandomNetwork.take_office, 3),
    (RandomNetwork.change_policy, 1),
    (RandomNetwork.change_standing, 1),
    (RandomNetwork.meet, 4),
    (RandomNetwork.mark, 4),
    (RandomNetwork.correct, 6),
    (RandomNetwork.hold, 8),
    (RandomNetwork.answer_one_to_one, 12),
    (RandomNetwork.refer, 14),
    (RandomNetwork.answer_referral, 40),
    (RandomNetwork.succeed, 8),
    (RandomNetwork.testify, 8),
    (RandomNetwork.testify_as_client, 10),
    (RandomNetwork.change_word, 18),
)
