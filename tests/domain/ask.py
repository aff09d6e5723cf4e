"""Asks: whom a member wants to meet. Shown whole in docs/design/adding-a-noun.md."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, NewType
from uuid import UUID

from refnet.domain import membership as rules
from refnet.domain.decisions import Context, Noun, World, command
from refnet.domain.facts import Columns, Recorded, fact, pii, pseudonym, public
from refnet.domain.referral import get_in_force
from refnet.domain.seats import check_classification
from refnet.domain.values import MemberId, Personal, ReferralId
from refnet.errors import InvalidRequest, WrongState

AskId = NewType("AskId", UUID)


class AskStatus(StrEnum):
    """What became of an ask."""

    OPEN = "open"
    WITHDRAWN = "withdrawn"
    FULFILLED = "fulfilled"


@fact("refnet.ask-posted.v1", Columns(120, giver="member"))
class AskPosted:
    """A member says whom they want to meet, until when (microseconds)."""

    member: MemberId = pseudonym()
    classification: str = public()
    until_time: int | None = public()
    target: Personal | None = pii("member")
    reason: Personal | None = pii("member")


@fact("refnet.ask-withdrawn.v1", Columns(121, giver="member"))
class AskWithdrawn:
    """The member no longer asks."""

    member: MemberId = pseudonym()


@fact("refnet.ask-fulfilled.v1", Columns(122, giver="giver", receiver="member"))
class AskFulfilled:
    """A referral brought what was asked for."""

    member: MemberId = pseudonym()
    giver: MemberId = pseudonym()
    referral: ReferralId = pseudonym()


@command()
class PostAsk:
    """Ask to meet somebody."""

    member: MemberId
    classification: str
    until_time: int | None = None
    target: str | None = None
    reason: str | None = None


@command(target="ask")
class WithdrawAsk:
    """Take back; only who asked may."""

    ask: AskId


@command(target="ask")
class FulfilAsk:
    """Name the referral that fulfilled it; only who asked may."""

    ask: AskId
    referral: ReferralId


@dataclass(frozen=True, slots=True)
class Ask:
    """State of an ask."""

    id: AskId
    member: MemberId
    classification: str
    until_time: int | None
    status: AskStatus
    referral: ReferralId | None
    position: int


def _post(asked: PostAsk, ctx: Context, state: None, world: World) -> list[Any]:
    rules.get_active(world, asked.member, ctx.occur_time, field="member")
    check_classification(asked.classification)
    rules.check_term(ctx.occur_time, asked.until_time)
    return [
        AskPosted(
            member=asked.member,
            classification=asked.classification,
            until_time=asked.until_time,
            target=asked.target,
            reason=asked.reason,
        )
    ]


def _withdraw(asked: WithdrawAsk, ctx: Context, state: Ask, world: World) -> list[Any]:
    rules.check_speaker(world, ctx, state.member, who="who asked")
    _require_open(state)
    return [AskWithdrawn(member=state.member)]


def _fulfil(asked: FulfilAsk, ctx: Context, state: Ask, world: World) -> list[Any]:
    rules.check_speaker(world, ctx, state.member, who="who asked")
    _require_open(state)
    referral = get_in_force(world, asked.referral, field="referral")
    if referral.receiver != state.member:
        raise InvalidRequest(
            f"referral {referral.id} was not passed to who asked; name one that was",
            field="referral",
            referral=referral.id,
        )
    return [AskFulfilled(member=state.member, giver=referral.giver, referral=referral.id)]


def _require_open(state: Ask) -> None:
    if state.status is not AskStatus.OPEN:
        raise WrongState(
            f"ask {state.id} is {state.status}; post a new one",
            field="ask",
            ask=state.id,
            state=state.status,
        )


def _evolve(state: Ask | None, happened: Any, recorded: Recorded) -> Ask:
    if isinstance(happened, AskPosted):
        return Ask(
            AskId(recorded.stream),
            happened.member,
            happened.classification,
            happened.until_time,
            AskStatus.OPEN,
            referral=None,
            position=recorded.position,
        )
    assert state is not None
    match happened:
        case AskWithdrawn():
            return replace(state, status=AskStatus.WITHDRAWN)
        case AskFulfilled():
            return replace(state, status=AskStatus.FULFILLED, referral=happened.referral)
        case _:
            raise TypeError(f"ask cannot hold {happened!r}")


NOUN = Noun(
    name="ask",
    plural="asks",
    id_type=AskId,
    facts=(AskPosted, AskWithdrawn, AskFulfilled),
    commands={PostAsk: _post, WithdrawAsk: _withdraw, FulfilAsk: _fulfil},
    evolve=_evolve,
)
