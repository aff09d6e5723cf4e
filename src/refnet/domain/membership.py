"""The state of a member and the rules that other nouns ask about: active, seated, in office."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from refnet.domain.decisions import FUTURE_SKEW, Context, World, get
from refnet.domain.facts import Recorded
from refnet.domain.values import ChapterId, MemberId
from refnet.errors import (
    InvalidRequest,
    MemberNotActive,
    NotPermitted,
    SelfDealing,
    WrongState,
)

OFFICERS = frozenset({"president", "vice_president", "secretary_treasurer"})
"""The offices that speak for a chapter."""


class MemberStatus(StrEnum):
    """Where a person stands. `late` and `lapsed` come with dues."""

    APPLICANT = "applicant"
    ADMITTED = "admitted"
    REFUSED = "refused"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    LEFT = "left"
    ERASED = "erased"


@dataclass(frozen=True, slots=True)
class Term:
    """A stretch of activity in one chapter.

    from_time included, until_time (or None) excluded, microseconds.
    """

    from_time: int
    until_time: int | None
    chapter: ChapterId

    def covers(self, time: int) -> bool:
        """Whether `time` lies within."""
        return _covers(self.from_time, self.until_time, time)

    def meets(self, start: int, end: int) -> bool:
        """Whether it has a moment in common with [start, end)."""
        return self.from_time < end and (self.until_time is None or start < self.until_time)


@dataclass(frozen=True, slots=True)
class Role:
    """An office held in a chapter, from_time included, until_time (or None) excluded."""

    name: str
    chapter: ChapterId
    from_time: int
    until_time: int | None

    def covers(self, time: int) -> bool:
        """Whether it is held at a time in microseconds."""
        return _covers(self.from_time, self.until_time, time)


def _covers(from_time: int, until_time: int | None, time: int) -> bool:
    return from_time <= time and (until_time is None or time < until_time)


@dataclass(frozen=True, slots=True)
class Member:
    """State of a member.

    chapter, classification: the seat held, or else applied for.
    terms: when and where the member was active, in order.
    name_at, email_at, phone_at, external_id_at: version of the fact of this stream that holds the
    newest value of that personal field, 0 if none does.
    joined: position of the first induction, 0 before it.
    changed_time: when activity or seat last changed, microseconds; None before the first induction.
    """

    id: MemberId
    chapter: ChapterId
    classification: str
    status: MemberStatus
    sponsor: MemberId | None
    terms: tuple[Term, ...]
    roles: tuple[Role, ...]
    position: int
    joined: int
    name_at: int
    email_at: int
    phone_at: int
    external_id_at: int
    changed_time: int | None = None

    @property
    def home(self) -> ChapterId:
        """The chapter of the seat held now or last; before the first, the one applied to."""
        return self.terms[-1].chapter if self.terms else self.chapter

    def active_at(self, time: int) -> bool:
        """Whether the member was active at a time in microseconds."""
        return any(term.covers(time) for term in reversed(self.terms))

    def active_between(self, start: int, end: int) -> bool:
        """Whether the member was active at some time in [start, end)."""
        return any(term.meets(start, end) for term in self.terms)

    def chapters_between(self, start: int, end: int) -> list[ChapterId]:
        """The chapters the member was active in at some time in [start, end), in order."""
        return [term.chapter for term in self.terms if term.meets(start, end)]


def require(member: Member, *allowed: MemberStatus) -> None:
    """Raises WrongState unless the member has one of the statuses."""
    if member.status not in allowed:
        wanted = " or ".join(allowed)
        raise WrongState(
            f"member {member.id} is {member.status}, and this needs {wanted}; "
            "take the steps of the member's life in order",
            field="member",
            member=member.id,
            state=member.status,
            needed=wanted,
        )


def get_active(world: World, member: MemberId, time: int, *, field: str) -> Member:
    """The member, if active at a time in microseconds. Raises NotFound or MemberNotActive."""
    found: Member = get(world, "member", member, field=field)
    if not found.active_at(time):
        raise MemberNotActive(
            f"{field} {member} was not active at {time} (now {found.status}); "
            "give an occur_time within the membership, or induct or reinstate the member",
            field=field,
            member=member,
            status=found.status,
            occur_time=time,
        )
    return found


def check_two(first: MemberId, second: MemberId, *, field: str, act: str) -> None:
    """Raises SelfDealing if both are the same member."""
    if first == second:
        raise SelfDealing(
            f"a member cannot {act} themselves; name another member in {field}",
            field=field,
            member=first,
        )


def check_actor(
    actor: MemberId | None, allowed: tuple[MemberId, ...], *, who: str, required: bool
) -> None:
    """Raises NotPermitted unless the acting member is one of those allowed.

    required: whether an acting member must be named at all; if not, none means the principal.
    """
    if actor is None and not required:
        return
    if actor not in allowed:
        raise NotPermitted(
            f"only {who} may do this, and acting_member is {actor}; let {who} do it",
            field="acting_member",
            acting_member=actor,
            allowed=who,
        )


def check_speaker(world: World, ctx: Context, speaker: MemberId, *, who: str) -> None:
    """Raises NotPermitted unless `speaker` acts, MemberNotActive if they were not active then.

    Then is when it occurred: who left can still tell what happened before.
    """
    actor = None if ctx.acting_member is None else MemberId(ctx.acting_member)
    check_actor(actor, (speaker,), who=who, required=True)
    get_active(world, speaker, ctx.occur_time, field="acting_member")


def check_officer(world: World, ctx: Context, chapter: ChapterId) -> MemberId:
    """The acting member. Raises NotPermitted unless they are an officer of the chapter.

    The office is held both now and when the fact occurred: nobody approves by back-dating, before
    taking office or after.
    """
    actor = None if ctx.acting_member is None else MemberId(ctx.acting_member)
    member = None if actor is None else world.find("member", actor)
    if actor is not None and member is not None and member.status is MemberStatus.ACTIVE:
        for role in member.roles:
            mine = role.name in OFFICERS and role.chapter == chapter
            if mine and role.covers(ctx.occur_time) and role.covers(ctx.now):
                return actor
    raise NotPermitted(
        f"only an officer of chapter {chapter} may do this, and acting_member is {actor}; "
        "let the president, vice president or secretary-treasurer do it",
        field="acting_member",
        acting_member=actor,
        allowed="officer",
        chapter=chapter,
    )


def check_after_last_change(member: Member, time: int) -> None:
    """Raises WrongState if a change of activity or seat would lie before the last one."""
    if member.changed_time is not None and time < member.changed_time:
        raise WrongState(
            f"occur_time {time} lies before the member's last change of status at "
            f"{member.changed_time}; changes of status are recorded in order",
            field="occur_time",
            occur_time=time,
            changed=member.changed_time,
        )


def check_since(opened: int, ctx: Context, *, what: str) -> None:
    """Raises InvalidRequest for what would have come of something before that began.

    opened: when it began, microseconds. The clocks of two callers may differ.
    """
    if ctx.occur_time < opened - FUTURE_SKEW:
        raise InvalidRequest(
            f"occur_time {ctx.occur_time} lies before {what} at {opened}; give a later time",
            field="occur_time",
            occur_time=ctx.occur_time,
            opened=opened,
        )


def check_term(from_time: int, until_time: int | None) -> None:
    """Raises InvalidRequest for an office that ends before it begins."""
    if until_time is not None and until_time <= from_time:
        raise InvalidRequest(
            f"until_time {until_time} is not after from_time {from_time}; give a later end",
            field="until_time",
            from_time=from_time,
            until_time=until_time,
        )


def applied(state: Member | None, happened: Any, recorded: Recorded) -> Member:
    """The member after an application, the first or a later one."""
    if state is not None:
        return replace(
            state,
            chapter=happened.chapter,
            classification=happened.classification,
            sponsor=happened.sponsor,
            status=MemberStatus.APPLICANT,
        )

    def at(value: object) -> int:
        return 0 if value is None else recorded.version

    return Member(
        MemberId(recorded.stream),
        happened.chapter,
        happened.classification,
        MemberStatus.APPLICANT,
        happened.sponsor,
        terms=(),
        roles=(),
        position=recorded.position,
        joined=0,
        name_at=at(happened.name),
        email_at=at(happened.email),
        phone_at=at(happened.phone),
        external_id_at=at(happened.external_id),
    )


def inducted(state: Member, happened: Any, recorded: Recorded) -> Member:
    """The member after taking a seat."""
    return replace(
        state,
        chapter=happened.chapter,
        classification=happened.classification,
        status=MemberStatus.ACTIVE,
        terms=(*state.terms, Term(recorded.occur_time, None, happened.chapter)),
        joined=state.joined or recorded.position,
        changed_time=recorded.occur_time,
    )


def stopped(state: Member, status: MemberStatus, time: int) -> Member:
    """The member after activity ends at `time`, if it has not ended yet."""
    return replace(state, status=status, terms=_ended(state.terms, time), changed_time=time)


def resumed(state: Member, time: int) -> Member:
    """The member active again in the same seat."""
    terms = (*state.terms, Term(time, None, state.chapter))
    return replace(state, status=MemberStatus.ACTIVE, terms=terms, changed_time=time)


def transferred(state: Member, happened: Any, time: int) -> Member:
    """The member in a seat of another chapter; offices stay behind."""
    return replace(
        state,
        chapter=happened.chapter,
        classification=happened.classification,
        terms=(*_ended(state.terms, time), Term(time, None, happened.chapter)),
        roles=(),
        changed_time=time,
    )


def _ended(terms: tuple[Term, ...], time: int) -> tuple[Term, ...]:
    *before, last = terms
    return terms if last.until_time is not None else (*before, replace(last, until_time=time))


def profiled(state: Member, happened: Any, version: int) -> Member:
    """The member after new personal details in the fact of that version."""
    return replace(
        state,
        name_at=state.name_at if happened.name is None else version,
        email_at=state.email_at if happened.email is None else version,
        phone_at=state.phone_at if happened.phone is None else version,
    )
