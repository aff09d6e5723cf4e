"""Members: from application to leaving and return. A person's identity survives both."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from typing import Any, ClassVar

from refnet.domain import membership as rules
from refnet.domain import rights, seats
from refnet.domain.chapter import get_open
from refnet.domain.decisions import Context, Noun, World, command
from refnet.domain.facts import Columns, Effect, Recorded, fact, pii, pseudonym, public
from refnet.domain.membership import Member, MemberStatus, Role
from refnet.domain.values import ChapterId, MemberId, Personal
from refnet.errors import InvalidRequest, WrongState


@fact(
    "refnet.member-applied.v1",
    Columns(20, chapter="chapter"),
    needs=("refnet.member-left.v1", "refnet.application-decided.v1"),  # once it is not the first
)
class MemberApplied:
    """A person applies for a seat. external_id: the id of another system this person came from."""

    chapter: ChapterId = public()
    classification: str = public()
    sponsor: MemberId | None = pseudonym()
    name: Personal | None = pii("stream")
    email: Personal | None = pii("stream")
    phone: Personal | None = pii("stream")
    external_id: Personal | None = pii("stream")


@fact("refnet.application-decided.v1", Columns(21), needs=("refnet.member-applied.v1",))
class ApplicationDecided:
    """The membership committee admits or refuses."""

    admitted: bool = public()


@fact(
    "refnet.member-inducted.v1",
    Columns(22, Effect.JOIN, giver="stream", chapter="chapter", classification="classification"),
    needs=("refnet.application-decided.v1",),
)
class MemberInducted:
    """The member takes the seat. The first time, the member joins the network."""

    chapter: ChapterId = public()
    classification: str = public()


@fact(
    "refnet.member-suspended.v1",
    Columns(23, Effect.STOPPED, giver="stream"),
    needs=("refnet.member-inducted.v1",),
)
class MemberSuspended:
    """The member may not act for a time."""

    reason: Personal | None = pii("stream")


@fact(
    "refnet.member-reinstated.v1",
    Columns(24, Effect.RESUMED, giver="stream"),
    needs=("refnet.member-suspended.v1",),
)
class MemberReinstated:
    """The suspension ends."""


@fact(
    "refnet.member-left.v1",
    Columns(25, Effect.STOPPED, giver="stream"),
    needs=("refnet.member-inducted.v1",),
)
class MemberLeft:
    """The member gives up the seat."""

    reason: Personal | None = pii("stream")


@fact(
    "refnet.member-transferred.v1",
    Columns(
        26, Effect.MEMBERSHIP, giver="stream", chapter="chapter", classification="classification"
    ),
    needs=("refnet.member-inducted.v1",),
)
class MemberTransferred:
    """The member takes a seat in another chapter."""

    chapter: ChapterId = public()
    classification: str = public()


class RoleName(StrEnum):
    """Offices of a chapter."""

    PRESIDENT = "president"
    VICE_PRESIDENT = "vice_president"
    SECRETARY_TREASURER = "secretary_treasurer"
    MEMBERSHIP_COMMITTEE = "membership_committee"
    VISITOR_HOST = "visitor_host"
    EDUCATION_COORDINATOR = "education_coordinator"
    MENTOR_COORDINATOR = "mentor_coordinator"
    GROWTH_COORDINATOR = "growth_coordinator"


@fact(
    "refnet.role-assigned.v1",
    Columns(27, giver="stream", chapter="chapter"),
    needs=("refnet.member-inducted.v1",),
)
class RoleAssigned:
    """The member holds an office of the chapter, from from_time until until_time, microseconds."""

    role: RoleName = public()
    chapter: ChapterId = public()
    from_time: int = public()
    until_time: int | None = public()


@fact("refnet.role-ended.v1", Columns(28, giver="stream"), needs=("refnet.role-assigned.v1",))
class RoleEnded:
    """The member gives up the office."""

    role: RoleName = public()


@fact("refnet.profile-changed.v1", Columns(29, giver="stream"))
class ProfileChanged:
    """New personal details; what is None stays."""

    name: Personal | None = pii("stream")
    email: Personal | None = pii("stream")
    phone: Personal | None = pii("stream")


@command()
class ApplyForMembership:
    """Apply for a seat."""

    LOOKUP: ClassVar[str] = "external_id"

    chapter: ChapterId
    classification: str
    name: str | None = None
    email: str | None = None
    phone: str | None = None
    sponsor: MemberId | None = None
    external_id: str | None = None


@command()
class EnrolMember(ApplyForMembership):
    """Apply, admit and induct in one step, for chapters that decided before they came to refnet."""


@command(target="member")
class Reapply:
    """Apply again after leaving or a refusal; the identity and its history are kept."""

    member: MemberId
    chapter: ChapterId
    classification: str
    sponsor: MemberId | None = None


@command(target="member")
class DecideApplication:
    """Admit or refuse an applicant; an admission may be taken back before the induction."""

    member: MemberId
    admitted: bool


@command(target="member")
class InductMember:
    """Give an admitted applicant the seat."""

    member: MemberId


@command(target="member")
class SuspendMember:
    """Suspend an active member."""

    member: MemberId
    reason: str | None = None


@command(target="member")
class ReinstateMember:
    """End a suspension."""

    member: MemberId


@command(target="member")
class LeaveNetwork:
    """Give up the seat."""

    member: MemberId
    reason: str | None = None


@command(target="member")
class TransferMember:
    """Move to another chapter; classification None keeps the present one."""

    member: MemberId
    chapter: ChapterId
    classification: str | None = None


@command(target="member")
class AssignRole:
    """Give an office. from_time None: from the time the fact occurs."""

    member: MemberId
    role: RoleName
    from_time: int | None = None
    until_time: int | None = None


@command(target="member")
class EndRole:
    """Take back an office."""

    member: MemberId
    role: RoleName


@command(target="member")
class ChangeProfile:
    """Change personal details; what is None stays."""

    member: MemberId
    name: str | None = None
    email: str | None = None
    phone: str | None = None


def _apply(
    asked: ApplyForMembership | Reapply, ctx: Context, state: Member | None, world: World
) -> list[Any]:
    if state is not None:
        rules.require(state, MemberStatus.LEFT, MemberStatus.REFUSED)
    seats.check_classification(asked.classification)
    get_open(world, asked.chapter, field="chapter")
    if asked.sponsor is not None:
        rules.check_two(asked.sponsor, MemberId(ctx.stream), field="sponsor", act="sponsor")
        rules.get_active(world, asked.sponsor, ctx.occur_time, field="sponsor")
    personal = {} if isinstance(asked, Reapply) else _personal(asked)
    return [
        MemberApplied(
            chapter=asked.chapter,
            classification=asked.classification,
            sponsor=asked.sponsor,
            name=personal.get("name"),
            email=personal.get("email"),
            phone=personal.get("phone"),
            external_id=personal.get("external_id"),
        )
    ]


def _personal(asked: ApplyForMembership) -> dict[str, str | None]:
    return {name: getattr(asked, name) for name in ("name", "email", "phone", "external_id")}


def _enrol(asked: EnrolMember, ctx: Context, state: None, world: World) -> list[Any]:
    applied = _apply(asked, ctx, None, world)
    seats.check_seat(world, asked.chapter, asked.classification, ctx.stream, ctx.occur_time)
    return [
        *applied,
        ApplicationDecided(admitted=True),
        MemberInducted(chapter=asked.chapter, classification=asked.classification),
    ]


def _decide(asked: DecideApplication, ctx: Context, state: Member, world: World) -> list[Any]:
    also = () if asked.admitted else (MemberStatus.ADMITTED,)
    rules.require(state, MemberStatus.APPLICANT, *also)
    return [ApplicationDecided(admitted=asked.admitted)]


def _induct(asked: InductMember, ctx: Context, state: Member, world: World) -> list[Any]:
    rules.require(state, MemberStatus.ADMITTED)
    rules.check_after_last_change(state, ctx.occur_time)
    get_open(world, state.chapter, field="member")
    seats.check_seat(world, state.chapter, state.classification, state.id, ctx.occur_time)
    return [MemberInducted(chapter=state.chapter, classification=state.classification)]


def _suspend(asked: SuspendMember, ctx: Context, state: Member, world: World) -> list[Any]:
    rules.require(state, MemberStatus.ACTIVE)
    rules.check_after_last_change(state, ctx.occur_time)
    return [MemberSuspended(reason=asked.reason)]


def _reinstate(asked: ReinstateMember, ctx: Context, state: Member, world: World) -> list[Any]:
    rules.require(state, MemberStatus.SUSPENDED)
    rules.check_after_last_change(state, ctx.occur_time)
    return [MemberReinstated()]


def _leave(asked: LeaveNetwork, ctx: Context, state: Member, world: World) -> list[Any]:
    rules.require(state, MemberStatus.ACTIVE, MemberStatus.SUSPENDED)
    rules.check_after_last_change(state, ctx.occur_time)
    return [MemberLeft(reason=asked.reason)]


def _transfer(asked: TransferMember, ctx: Context, state: Member, world: World) -> list[Any]:
    rules.require(state, MemberStatus.ACTIVE)
    rules.check_after_last_change(state, ctx.occur_time)
    if asked.chapter == state.chapter:
        raise WrongState(
            f"member {state.id} already belongs to chapter {asked.chapter}; name another chapter",
            field="chapter",
            member=state.id,
            chapter=asked.chapter,
        )
    classification = state.classification if asked.classification is None else asked.classification
    seats.check_classification(classification)
    get_open(world, asked.chapter, field="chapter")
    seats.check_seat(world, asked.chapter, classification, state.id, ctx.occur_time)
    return [MemberTransferred(chapter=asked.chapter, classification=classification)]


def _assign_role(asked: AssignRole, ctx: Context, state: Member, world: World) -> list[Any]:
    rules.require(state, MemberStatus.ACTIVE)
    start = ctx.occur_time if asked.from_time is None else asked.from_time
    rules.check_term(start, asked.until_time)
    return [
        RoleAssigned(
            role=asked.role, chapter=state.chapter, from_time=start, until_time=asked.until_time
        )
    ]


def _end_role(asked: EndRole, ctx: Context, state: Member, world: World) -> list[Any]:
    if all(held.name != asked.role for held in state.roles):
        raise WrongState(
            f"member {state.id} does not hold the role {asked.role}; assign it first",
            field="role",
            member=state.id,
            role=asked.role,
        )
    return [RoleEnded(role=asked.role)]


def _change_profile(asked: ChangeProfile, ctx: Context, state: Member, world: World) -> list[Any]:
    if asked.name is None and asked.email is None and asked.phone is None:
        raise InvalidRequest(
            "nothing is to be changed; give a name, an email or a phone", field="name"
        )
    return [ProfileChanged(name=asked.name, email=asked.email, phone=asked.phone)]


def _erase(asked: rights.EraseMember, ctx: Context, state: Member, world: World) -> list[Any]:
    """Leaving is a fact of its own, so that the erasure has no effect on any score or rank."""
    left: list[Any] = []
    if state.status in (MemberStatus.ACTIVE, MemberStatus.SUSPENDED):
        rules.check_after_last_change(state, ctx.occur_time)
        left = [MemberLeft(reason=None)]
    return [*left, rights.MemberErased(strict=asked.strict)]


def _rectify(asked: rights.RectifyMember, ctx: Context, state: Member, world: World) -> list[Any]:
    return [rights.MemberRectified(**rights.details(asked))]


def _restrict(asked: rights.RestrictMember, ctx: Context, state: Member, world: World) -> list[Any]:
    rights.check_restricted(world, asked.member, field="member", wanted=False)
    return [rights.MemberRestricted()]


def _unrestrict(
    asked: rights.UnrestrictMember, ctx: Context, state: Member, world: World
) -> list[Any]:
    rights.check_restricted(world, asked.member, field="member", wanted=True)
    return [rights.MemberRestrictionLifted()]


def _index(tables: Any, old: Member | None, new: Member, happened: Any, recorded: Recorded) -> None:
    seats.index_seats(tables, old, new, happened, recorded)
    rights.index_rights(tables, happened, recorded)


def _evolve(state: Member | None, happened: Any, recorded: Recorded) -> Member:
    time = recorded.occur_time
    if isinstance(happened, MemberApplied):
        return rules.applied(state, happened, recorded)
    assert state is not None
    if isinstance(happened, rights.MEMBER_FACTS):
        return rights.of_member(state, happened, recorded)
    match happened:
        case ApplicationDecided():
            status = MemberStatus.ADMITTED if happened.admitted else MemberStatus.REFUSED
            return replace(state, status=status)
        case MemberInducted():
            return rules.inducted(state, happened, recorded)
        case MemberSuspended():
            return rules.stopped(state, MemberStatus.SUSPENDED, time)
        case MemberReinstated():
            return rules.resumed(state, time)
        case MemberLeft():
            return replace(rules.stopped(state, MemberStatus.LEFT, time), roles=())
        case MemberTransferred():
            return rules.transferred(state, happened, time)
        case RoleAssigned():
            role = Role(happened.role, happened.chapter, happened.from_time, happened.until_time)
            kept = tuple(held for held in state.roles if held.name != role.name)
            return replace(state, roles=(*kept, role))
        case RoleEnded():
            kept = tuple(held for held in state.roles if held.name != happened.role)
            return replace(state, roles=kept)
        case ProfileChanged():
            return rules.profiled(state, happened, recorded.version)
        case _:
            raise TypeError(f"member cannot hold {happened!r}")


NOUN = Noun(
    name="member",
    plural="members",
    id_type=MemberId,
    facts=(
        MemberApplied,
        ApplicationDecided,
        MemberInducted,
        MemberSuspended,
        MemberReinstated,
        MemberLeft,
        MemberTransferred,
        RoleAssigned,
        RoleEnded,
        ProfileChanged,
        *rights.MEMBER_FACTS,
    ),
    commands={
        ApplyForMembership: _apply,
        EnrolMember: _enrol,
        Reapply: _apply,
        DecideApplication: _decide,
        InductMember: _induct,
        SuspendMember: _suspend,
        ReinstateMember: _reinstate,
        LeaveNetwork: _leave,
        TransferMember: _transfer,
        AssignRole: _assign_role,
        EndRole: _end_role,
        ChangeProfile: _change_profile,
        rights.EraseMember: _erase,
        rights.RectifyMember: _rectify,
        rights.RestrictMember: _restrict,
        rights.UnrestrictMember: _unrestrict,
    },
    evolve=_evolve,
    resident=True,
    timed_ids=False,
    index=_index,
)
