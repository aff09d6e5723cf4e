"""Testimonials: a member's word, or a client's, about a member."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from refnet.domain import membership as rules
from refnet.domain.contact import get_current, resolve
from refnet.domain.decisions import Context, Noun, World, command, get
from refnet.domain.facts import Columns, Effect, Recorded, fact, pii, pseudonym, public
from refnet.domain.referral import get_in_force
from refnet.domain.values import (
    ChapterId,
    ContactId,
    MemberId,
    Personal,
    ReferralId,
    TestimonialId,
)
from refnet.errors import InvalidRequest, WrongState


class TestimonialStatus(StrEnum):
    """Whether a testimonial stands."""

    __test__ = False

    GIVEN = "given"
    WITHDRAWN = "withdrawn"


_MEMBER = Columns(100, Effect.TESTIMONIAL, giver="author", receiver="subject", value="rating")
_CLIENT = Columns(
    105,
    Effect.CLIENT,
    giver="introducer",
    receiver="subject",
    value="rating",
    reference="referral_position",
)


@fact("refnet.testimonial-given.v1", _MEMBER)
class TestimonialGiven:
    """A member about another; rating -10 to 10 without 0."""

    __test__ = False

    author: MemberId = pseudonym()
    subject: MemberId = pseudonym()
    rating: int = public()
    referral: ReferralId | None = pseudonym()
    text: Personal | None = pii("subject")


@fact("refnet.testimonial-revised.v1", replace(_MEMBER, kind=101, effect=Effect.REVISION))
class TestimonialRevised:
    """The author changes rating and text."""

    __test__ = False

    author: MemberId = pseudonym()
    subject: MemberId = pseudonym()
    rating: int = public()
    text: Personal | None = pii("subject")


@fact(
    "refnet.testimonial-withdrawn.v1",
    replace(_MEMBER, kind=102, effect=Effect.VOID, value=None),
)
class TestimonialWithdrawn:
    """The author takes it back."""

    __test__ = False

    author: MemberId = pseudonym()
    subject: MemberId = pseudonym()


@fact("refnet.client-testimonial-given.v1", replace(_CLIENT, contact="author"))
class ClientTestimonialGiven:
    """A client about a member.

    introducer: who referred the client. referral_position: of the referral's first fact, or 0.
    """

    author: ContactId = pseudonym()
    subject: MemberId = pseudonym()
    introducer: MemberId | None = pseudonym()
    rating: int = public()
    referral: ReferralId | None = pseudonym()
    referral_position: int = public()
    text: Personal | None = pii("subject")


@fact(
    "refnet.client-testimonial-revised.v1",
    replace(_CLIENT, kind=106, effect=Effect.REVISION, reference=None),
)
class ClientTestimonialRevised:
    """The client changes rating and text."""

    author: ContactId = pseudonym()
    subject: MemberId = pseudonym()
    introducer: MemberId | None = pseudonym()
    rating: int = public()
    text: Personal | None = pii("subject")


@fact(
    "refnet.client-testimonial-withdrawn.v1",
    replace(_CLIENT, kind=107, effect=Effect.VOID, value=None, reference=None),
)
class ClientTestimonialWithdrawn:
    """The client takes it back."""

    author: ContactId = pseudonym()
    subject: MemberId = pseudonym()
    introducer: MemberId | None = pseudonym()


@fact(
    "refnet.client-verified.v1",
    replace(_CLIENT, kind=108, effect=Effect.VERIFIED, value=None, reference=None),
)
class ClientVerified:
    """An officer of the subject's chapter checked that the client is real."""

    author: ContactId = pseudonym()
    subject: MemberId = pseudonym()
    introducer: MemberId | None = pseudonym()
    chapter: ChapterId = public()
    verified_by: MemberId = pseudonym()


@command()
class GiveTestimonial:
    """Testify for a member, as a member (author) or as a client (client)."""

    subject: MemberId
    rating: int
    author: MemberId | None = None
    client: ContactId | None = None
    referral: ReferralId | None = None
    text: str | None = None


@command(target="testimonial")
class ReviseTestimonial:
    """Change rating and text."""

    testimonial: TestimonialId
    rating: int
    text: str | None = None


@command(target="testimonial")
class WithdrawTestimonial:
    """Take back."""

    testimonial: TestimonialId


@command(target="testimonial")
class VerifyClient:
    """Declare the client of a testimonial real; an officer of the subject's chapter must act."""

    testimonial: TestimonialId


@dataclass(frozen=True, slots=True)
class Testimonial:
    """State of a testimonial; `author` is set for a member's, `client` for a client's.

    give_time: when it was given, microseconds.
    text_at: version of the fact of this stream that holds the newest text.
    """

    __test__ = False

    id: TestimonialId
    author: MemberId | None
    client: ContactId | None
    subject: MemberId
    introducer: MemberId | None
    referral: ReferralId | None
    rating: int
    status: TestimonialStatus
    verified: bool
    position: int
    give_time: int
    text_at: int


def _give(asked: GiveTestimonial, ctx: Context, state: None, world: World) -> list[Any]:
    _check_rating(asked.rating)
    if (asked.author is None) == (asked.client is None):
        raise InvalidRequest(
            "a testimonial has one author; set either author (a member) or client (a contact)",
            field="author",
        )
    rules.get_active(world, asked.subject, ctx.occur_time, field="subject")
    if asked.author is not None:
        return [_by_member(asked, asked.author, ctx, world)]
    assert asked.client is not None
    if ctx.acting_member is not None:
        actor = MemberId(ctx.acting_member)
        rules.check_two(actor, asked.subject, field="acting_member", act="testify for")
    return [_by_client(asked, asked.client, world)]


def _by_member(
    asked: GiveTestimonial, author: MemberId, ctx: Context, world: World
) -> TestimonialGiven:
    rules.check_two(author, asked.subject, field="subject", act="testify for")
    rules.get_active(world, author, ctx.occur_time, field="author")
    _check_actor(ctx, author, who="the author")
    if asked.referral is not None:
        referral = get_in_force(world, asked.referral, field="referral")
        if {referral.giver, referral.receiver} != {author, asked.subject}:
            raise InvalidRequest(
                f"referral {referral.id} is not between author and subject; "
                "name one that is, or leave it out",
                field="referral",
                referral=referral.id,
            )
    return TestimonialGiven(
        author=author,
        subject=asked.subject,
        rating=asked.rating,
        referral=asked.referral,
        text=asked.text,
    )


def _by_client(asked: GiveTestimonial, client: ContactId, world: World) -> ClientTestimonialGiven:
    get_current(world, client, field="client")
    introducer, position = None, 0
    if asked.referral is not None:
        referral = get_in_force(world, asked.referral, field="referral")
        if referral.receiver != asked.subject:
            raise InvalidRequest(
                f"referral {referral.id} was not passed to the subject; "
                "name the one that brought the client, or leave it out",
                field="referral",
                referral=referral.id,
            )
        if referral.prospect is not None and resolve(world, referral.prospect) != client:
            raise InvalidRequest(
                f"referral {referral.id} was about another contact than this client; "
                "name the one that brought the client, or leave it out",
                field="referral",
                referral=referral.id,
            )
        introducer, position = referral.giver, referral.position
    return ClientTestimonialGiven(
        author=client,
        subject=asked.subject,
        introducer=introducer,
        rating=asked.rating,
        referral=asked.referral,
        referral_position=position,
        text=asked.text,
    )


def _check_rating(rating: int) -> None:
    if rating == 0 or not -10 <= rating <= 10:
        raise InvalidRequest(
            f"rating {rating} is not in -10 to 10 without 0; choose a whole number in that range",
            field="rating",
            value=rating,
            low=-10,
            high=10,
        )


def _check_actor(ctx: Context, *allowed: MemberId, who: str) -> None:
    actor = None if ctx.acting_member is None else MemberId(ctx.acting_member)
    rules.check_actor(actor, allowed, who=who, required=False)


def _check_author(ctx: Context, state: Testimonial) -> None:
    """A member speaks for itself; for a client, who has no login, the principal speaks."""
    _check_actor(ctx, *(() if state.author is None else (state.author,)), who="the author")


def _require_given(state: Testimonial) -> None:
    if state.status is not TestimonialStatus.GIVEN:
        raise WrongState(
            f"testimonial {state.id} is {state.status}; give a new one",
            field="testimonial",
            testimonial=state.id,
            state=state.status,
        )


def _revise(asked: ReviseTestimonial, ctx: Context, state: Testimonial, world: World) -> list[Any]:
    _check_rating(asked.rating)
    _check_author(ctx, state)
    _require_given(state)
    rules.check_since(state.give_time, ctx, what="the testimonial was given")
    if state.author is not None:
        rules.get_active(world, state.author, ctx.occur_time, field="testimonial")
        return [
            TestimonialRevised(
                author=state.author, subject=state.subject, rating=asked.rating, text=asked.text
            )
        ]
    return [
        ClientTestimonialRevised(
            author=_client(state),
            subject=state.subject,
            introducer=state.introducer,
            rating=asked.rating,
            text=asked.text,
        )
    ]


def _withdraw(
    asked: WithdrawTestimonial, ctx: Context, state: Testimonial, world: World
) -> list[Any]:
    _check_author(ctx, state)
    _require_given(state)
    if state.author is not None:
        return [TestimonialWithdrawn(author=state.author, subject=state.subject)]
    return [
        ClientTestimonialWithdrawn(
            author=_client(state), subject=state.subject, introducer=state.introducer
        )
    ]


def _verify(asked: VerifyClient, ctx: Context, state: Testimonial, world: World) -> list[Any]:
    subject: rules.Member = get(world, "member", state.subject, field="testimonial")
    officer = rules.check_officer(world, ctx, subject.home)
    _require_given(state)
    if state.client is None or state.verified:
        raise WrongState(
            f"testimonial {state.id} has no client left to verify; "
            "only a client's testimonial is verified, and once",
            field="testimonial",
            testimonial=state.id,
            state="verified" if state.verified else "by a member",
        )
    rules.check_two(officer, state.subject, field="acting_member", act="verify a client of")
    rules.check_since(state.give_time, ctx, what="the testimonial was given")
    return [
        ClientVerified(
            author=state.client,
            subject=state.subject,
            introducer=state.introducer,
            chapter=subject.home,
            verified_by=officer,
        )
    ]


def _client(state: Testimonial) -> ContactId:
    assert state.client is not None
    return state.client


def _evolve(state: Testimonial | None, happened: Any, recorded: Recorded) -> Testimonial:
    match happened:
        case TestimonialGiven():
            return _given(happened, recorded, author=happened.author)
        case ClientTestimonialGiven():
            given = _given(happened, recorded, client=happened.author)
            return replace(given, introducer=happened.introducer)
        case _:
            pass
    assert state is not None
    match happened:
        case TestimonialRevised() | ClientTestimonialRevised():
            return replace(state, rating=happened.rating, text_at=recorded.version)
        case TestimonialWithdrawn() | ClientTestimonialWithdrawn():
            return replace(state, status=TestimonialStatus.WITHDRAWN)
        case ClientVerified():
            return replace(state, verified=True)
        case _:
            raise TypeError(f"testimonial cannot hold {happened!r}")


def _given(
    happened: TestimonialGiven | ClientTestimonialGiven,
    recorded: Recorded,
    *,
    author: MemberId | None = None,
    client: ContactId | None = None,
) -> Testimonial:
    return Testimonial(
        TestimonialId(recorded.stream),
        author=author,
        client=client,
        subject=happened.subject,
        introducer=None,
        referral=happened.referral,
        rating=happened.rating,
        status=TestimonialStatus.GIVEN,
        verified=False,
        position=recorded.position,
        give_time=recorded.occur_time,
        text_at=recorded.version,
    )


NOUN = Noun(
    name="testimonial",
    plural="testimonials",
    id_type=TestimonialId,
    facts=(
        TestimonialGiven,
        TestimonialRevised,
        TestimonialWithdrawn,
        ClientTestimonialGiven,
        ClientTestimonialRevised,
        ClientTestimonialWithdrawn,
        ClientVerified,
    ),
    commands={
        GiveTestimonial: _give,
        ReviseTestimonial: _revise,
        WithdrawTestimonial: _withdraw,
        VerifyClient: _verify,
    },
    evolve=_evolve,
)
