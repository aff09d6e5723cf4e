"""One-to-ones: two members meet; the other side confirms or disputes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from refnet.domain import membership as rules
from refnet.domain.decisions import Context, Noun, World, command
from refnet.domain.facts import Columns, Effect, Recorded, fact, pii, pseudonym
from refnet.domain.values import MemberId, OneToOneId, Personal
from refnet.errors import WrongState


class OneToOneStatus(StrEnum):
    """What both sides have said."""

    HELD = "held"
    CONFIRMED = "confirmed"
    DISPUTED = "disputed"
    VOIDED = "voided"


_BOTH = Columns(70, Effect.MEETING_HELD, giver="initiator", receiver="partner")


@fact("refnet.one-to-one-held.v1", _BOTH)
class OneToOneHeld:
    """The initiator says they met."""

    initiator: MemberId = pseudonym()
    partner: MemberId = pseudonym()
    place: Personal | None = pii("initiator")
    topics: Personal | None = pii("initiator")


@fact("refnet.one-to-one-confirmed.v1", replace(_BOTH, kind=71, effect=Effect.MEETING_CONFIRMED))
class OneToOneConfirmed:
    """The partner agrees."""

    initiator: MemberId = pseudonym()
    partner: MemberId = pseudonym()


@fact("refnet.one-to-one-disputed.v1", replace(_BOTH, kind=72, effect=Effect.VOID))
class OneToOneDisputed:
    """The partner says they did not meet; the meeting counts no more."""

    initiator: MemberId = pseudonym()
    partner: MemberId = pseudonym()
    reason: Personal | None = pii("partner")


@fact("refnet.one-to-one-voided.v1", replace(_BOTH, kind=73, effect=Effect.VOID))
class OneToOneVoided:
    """One of them takes it back."""

    initiator: MemberId = pseudonym()
    partner: MemberId = pseudonym()
    voided_by: MemberId | None = pseudonym()
    reason: Personal | None = pii("voided_by", "initiator")


@command()
class HoldOneToOne:
    """Record a one-to-one; it occurred at occur_time. The initiator may."""

    initiator: MemberId
    partner: MemberId
    place: str | None = None
    topics: str | None = None


@command(target="one_to_one")
class ConfirmOneToOne:
    """Confirm; only the partner may."""

    one_to_one: OneToOneId


@command(target="one_to_one")
class DisputeOneToOne:
    """Dispute; only the partner may."""

    one_to_one: OneToOneId
    reason: str | None = None


@command(target="one_to_one")
class VoidOneToOne:
    """Take back; either side may."""

    one_to_one: OneToOneId
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class OneToOne:
    """State of a one-to-one. hold_time: when it was held, microseconds."""

    id: OneToOneId
    initiator: MemberId
    partner: MemberId
    status: OneToOneStatus
    position: int
    hold_time: int


def _hold(asked: HoldOneToOne, ctx: Context, state: None, world: World) -> list[Any]:
    rules.check_two(asked.initiator, asked.partner, field="partner", act="meet")
    rules.get_active(world, asked.initiator, ctx.occur_time, field="initiator")
    rules.get_active(world, asked.partner, ctx.occur_time, field="partner")
    # Not the partner: whoever records could then confirm their own word.
    _check_actor(ctx, asked.initiator, who="the initiator")
    return [
        OneToOneHeld(
            initiator=asked.initiator,
            partner=asked.partner,
            place=asked.place,
            topics=asked.topics,
        )
    ]


def _confirm(asked: ConfirmOneToOne, ctx: Context, state: OneToOne, world: World) -> list[Any]:
    rules.check_speaker(world, ctx, state.partner, who="the partner")
    _require(state, OneToOneStatus.HELD)
    rules.check_since(state.hold_time, ctx, what="the one-to-one was held")
    return [OneToOneConfirmed(initiator=state.initiator, partner=state.partner)]


def _dispute(asked: DisputeOneToOne, ctx: Context, state: OneToOne, world: World) -> list[Any]:
    _check_actor(ctx, state.partner, who="the partner", required=True)
    _require(state, OneToOneStatus.HELD)
    return [OneToOneDisputed(initiator=state.initiator, partner=state.partner, reason=asked.reason)]


def _void(asked: VoidOneToOne, ctx: Context, state: OneToOne, world: World) -> list[Any]:
    _check_actor(ctx, state.initiator, state.partner, who="one of the two")
    _require(state, OneToOneStatus.HELD, OneToOneStatus.CONFIRMED)
    actor = ctx.acting_member
    return [
        OneToOneVoided(
            initiator=state.initiator,
            partner=state.partner,
            voided_by=None if actor is None else MemberId(actor),
            reason=asked.reason,
        )
    ]


def _check_actor(ctx: Context, *allowed: MemberId, who: str, required: bool = False) -> None:
    actor = None if ctx.acting_member is None else MemberId(ctx.acting_member)
    rules.check_actor(actor, allowed, who=who, required=required)


def _require(state: OneToOne, *allowed: OneToOneStatus) -> None:
    if state.status not in allowed:
        wanted = " or ".join(allowed)
        raise WrongState(
            f"one-to-one {state.id} is {state.status}, and this needs {wanted}; "
            "record a new one-to-one instead",
            field="one_to_one",
            one_to_one=state.id,
            state=state.status,
            needed=wanted,
        )


_STATUS = {
    OneToOneConfirmed: OneToOneStatus.CONFIRMED,
    OneToOneDisputed: OneToOneStatus.DISPUTED,
    OneToOneVoided: OneToOneStatus.VOIDED,
}


def _evolve(state: OneToOne | None, happened: Any, recorded: Recorded) -> OneToOne:
    if isinstance(happened, OneToOneHeld):
        return OneToOne(
            OneToOneId(recorded.stream),
            happened.initiator,
            happened.partner,
            OneToOneStatus.HELD,
            recorded.position,
            recorded.occur_time,
        )
    assert state is not None
    return replace(state, status=_STATUS[type(happened)])


NOUN = Noun(
    name="one_to_one",
    plural="oneToOnes",
    id_type=OneToOneId,
    facts=(OneToOneHeld, OneToOneConfirmed, OneToOneDisputed, OneToOneVoided),
    commands={
        HoldOneToOne: _hold,
        ConfirmOneToOne: _confirm,
        DisputeOneToOne: _dispute,
        VoidOneToOne: _void,
    },
    evolve=_evolve,
)
