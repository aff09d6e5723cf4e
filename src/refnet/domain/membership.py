"""The state of a member and the rules that other nouns ask about: active, seated, in office."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from refnet.domain.decisions import World, get
from refnet.domain.facts import Recorded
from refnet.domain.values import ChapterId, MemberId
from refnet.errors import (
    InvalidRequest,
    MemberNotActive,
    NotPermitted,
    SeatTaken,
    SelfDealing,
    WrongState,
)

OFFICERS = frozenset({"president", "vice_president", "secretary_treasurer"})
"""The offices that speak for a chapter."""


class MemberStatus(StrEnum):
    """Where a person stands. `late`, `lapsed` and `erased` come with dues and privacy."""

    APPLICANT = "applicant"
    ADMITTED = "admitted"
    REFUSED = "refused"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    LEFT = "left"


@dataclass(frozen=True, slots=True)
class Term:
    """A stretch of activity: from_time included, until_time (or None) excluded, microseconds."""

    from_time: int
    until_time: int | None

    def covers(self, time: int) -> bool:
        """Whether `time` lies within."""
        return self.from_time <= time and (self.until_time is None or time < self.until_time)


@dataclass(frozen=True, slots=True)
class Role:
    """An office held in a chapter."""

    name: str
    chapter: ChapterId
    from_time: int
    until_time: int | None


@dataclass(frozen=True, slots=True)
class Member:
    """State of a member.

    terms: when the member was active, in order. name_at, email_at, phone_at: version of the fact of this
    stream that holds the newest value of that personal field, 0 if none does.
    joined: position of the first induction, 0 before it.
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

    def active_at(self, time: int) -> bool:
        """Whether the member was active at a time in microseconds."""
        return any(term.covers(time) for term in reversed(self.terms))

    def active_between(self, start: int, end: int) -> bool:
        """Whether the member was active at some time in [start, end)."""
        return any(
            term.from_time < end and (term.until_time is None or start < term.until_time)
            for term in self.terms
        )


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

    required: whether an acting member must be named at all; if not, none means the principal itself.
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


def check_officer(world: World, actor: MemberId | None, chapter: ChapterId, time: int) -> None:
    """Raises NotPermitted unless the acting member holds an office of the chapter at that time."""
    member = None if actor is None else world.find("member", actor)
    held = () if member is None else member.roles
    for role in held:
        within = Term(role.from_time, role.until_time).covers(time)
        if role.name in OFFICERS and role.chapter == chapter and within:
            return
    raise NotPermitted(
        f"only an officer of chapter {chapter} may do this, and acting_member is {actor}; "
        "let the president, vice president or secretary-treasurer do it",
        field="acting_member",
        acting_member=actor,
        allowed="officer",
        chapter=chapter,
    )


def check_seat(world: World, chapter: ChapterId, classification: str, member: Any) -> None:
    """Raises SeatTaken if another active member holds the chapter's seat for the classification."""
    if not get(world, "chapter", chapter, field="chapter").seats:
        return
    holder = world.index("seats").get((chapter, classification.casefold()))
    if holder is not None and holder != member:
        raise SeatTaken(
            f"the seat for {classification!r} in chapter {chapter} is held by member {holder}; "
            "choose another classification or chapter",
            field="classification",
            chapter=chapter,
            classification=classification,
            holder=holder,
        )


def check_after_last_change(member: Member, time: int) -> None:
    """Raises WrongState if a change of status would lie before the last one."""
    if not member.terms:
        return
    last = member.terms[-1]
    changed = last.from_time if last.until_time is None else last.until_time
    if time < changed:
        raise WrongState(
            f"occur_time {time} lies before the member's last change of status at {changed}; "
            "changes of status are recorded in order",
            field="occur_time",
            occur_time=time,
            changed=changed,
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
        terms=(*state.terms, Term(recorded.occur_time, None)),
        joined=state.joined or recorded.position,
    )


def stopped(state: Member, status: MemberStatus, time: int) -> Member:
    """The member after activity ends at `time`."""
    *before, last = state.terms
    if last.until_time is not None:
        return replace(state, status=status)
    return replace(state, status=status, terms=(*before, Term(last.from_time, time)))


def profiled(state: Member, happened: Any, version: int) -> Member:
    """The member after new personal details in the fact of that version."""
    return replace(
        state,
        name_at=state.name_at if happened.name is None else version,
        email_at=state.email_at if happened.email is None else version,
        phone_at=state.phone_at if happened.phone is None else version,
    )


def index_seats(tables: Any, old: Member | None, new: Member, happened: Any, _: Recorded) -> None:
    """Keeps `seats`: (chapter, classification folded to lower case) -> member holding it, or None."""
    before, after = _seat(old), _seat(new)
    if before == after:
        return
    seats = tables["seats"]
    if before is not None and seats.get(before) == new.id:
        seats[before] = None
    if after is not None:
        seats[after] = new.id


def _seat(member: Member | None) -> tuple[ChapterId, str] | None:
    seated = (MemberStatus.ACTIVE, MemberStatus.SUSPENDED)
    if member is None or member.status not in seated:
        return None
    return member.chapter, member.classification.casefold()
