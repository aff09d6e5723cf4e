"""Referrals: from a prospect passed on to closed business, told by the one who received it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from refnet.domain import membership as rules
from refnet.domain.contact import get_current
from refnet.domain.currency import check_currency, reference_value
from refnet.domain.decisions import Context, Noun, World, command, get
from refnet.domain.facts import Columns, Effect, Recorded, fact, pii, pseudonym, public
from refnet.domain.ranges import AMOUNT_MAX, check_range
from refnet.domain.values import ContactId, MemberId, Personal, ReferralId
from refnet.errors import InvalidRequest, RateMissing, WrongState


class ProspectKind(StrEnum):
    """Who needs the business."""

    SELF = "self"
    THIRD_PARTY = "third_party"
    SPIN_OFF = "spin_off"


class DeclineReason(StrEnum):
    """Why a referral was not taken up."""

    NOT_QUALIFIED = "not_qualified"
    NO_CAPACITY = "no_capacity"
    OUT_OF_SCOPE = "out_of_scope"
    OTHER = "other"


class ValuationRule(StrEnum):
    """How the amount of closed business was found."""

    INVOICED = "invoiced"
    ESTIMATED = "estimated"
    COMMISSION = "commission"


class ReferralStatus(StrEnum):
    """How far a referral has come."""

    PASSED = "passed"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    CONTACTED = "contacted"
    WON = "won"
    LOST = "lost"
    VOIDED = "voided"


_JUNK = {reason.value: int(reason is DeclineReason.NOT_QUALIFIED) for reason in DeclineReason}

_BOTH = Columns(80, giver="giver", receiver="receiver")


@fact("refnet.referral-passed.v1", replace(_BOTH, value="heat", contact="prospect"))
class ReferralPassed:
    """The giver passes a prospect to the receiver. heat: effort made, 1 to 5."""

    giver: MemberId = pseudonym()
    receiver: MemberId = pseudonym()
    prospect: ContactId | None = pseudonym()
    prospect_name: Personal | None = pii("prospect", "giver")
    prospect_kind: ProspectKind = public()
    parent: ReferralId | None = pseudonym()
    heat: int = public()
    description: Personal | None = pii("prospect", "giver")


@fact("refnet.prospect-consented.v1", replace(_BOTH, kind=81))
class ProspectConsented:
    """The prospect agrees to be contacted."""

    giver: MemberId = pseudonym()
    receiver: MemberId = pseudonym()


@fact("refnet.referral-accepted.v1", replace(_BOTH, kind=82, effect=Effect.ACCEPTED))
class ReferralAccepted:
    """The receiver accepts it as qualified."""

    giver: MemberId = pseudonym()
    receiver: MemberId = pseudonym()


@fact(
    "refnet.referral-declined.v1",
    replace(_BOTH, kind=83, effect=Effect.JUNK_IF_ONE, value="reason", codes=_JUNK),
)
class ReferralDeclined:
    """The receiver declines."""

    giver: MemberId = pseudonym()
    receiver: MemberId = pseudonym()
    reason: DeclineReason = public()


@fact(
    "refnet.referral-contacted.v1",
    replace(_BOTH, kind=84),
    needs=("refnet.referral-accepted.v1",),
)
class ReferralContacted:
    """The receiver reached the prospect."""

    giver: MemberId = pseudonym()
    receiver: MemberId = pseudonym()


@fact(
    "refnet.referral-won.v1",
    replace(_BOTH, kind=85, effect=Effect.WON),
    needs=("refnet.referral-contacted.v1",),
)
class ReferralWon:
    """It became business."""

    giver: MemberId = pseudonym()
    receiver: MemberId = pseudonym()


@fact(
    "refnet.referral-lost.v1",
    replace(_BOTH, kind=86, effect=Effect.LOST),
    needs=("refnet.referral-contacted.v1",),
)
class ReferralLost:
    """It came to nothing."""

    giver: MemberId = pseudonym()
    receiver: MemberId = pseudonym()
    reason: Personal | None = pii("receiver")


@fact(
    "refnet.business-closed.v1",
    replace(_BOTH, kind=87, effect=Effect.CLOSED, value="value"),
    needs=("refnet.referral-won.v1",),
)
class BusinessClosed:
    """Money came of it. value: whole units of the reference currency at the rate recorded here."""

    giver: MemberId = pseudonym()
    receiver: MemberId = pseudonym()
    amount: int = public()
    currency: str = public()
    exponent: int = public()
    rate_millionths: int = public()
    value: int = public()
    repeat: bool = public()
    valuation: ValuationRule = public()


@fact(
    "refnet.referral-rated.v1",
    replace(_BOTH, kind=88, effect=Effect.JUNK_IF_ONE, value="rating"),
    needs=("refnet.referral-accepted.v1", "refnet.referral-declined.v1"),
)
class ReferralRated:
    """The receiver rates the referral, 1 to 5."""

    giver: MemberId = pseudonym()
    receiver: MemberId = pseudonym()
    rating: int = public()


@fact("refnet.referral-disputed.v1", replace(_BOTH, kind=89))
class ReferralDisputed:
    """The receiver disputes that there was such a referral; nothing more may come of it."""

    giver: MemberId = pseudonym()
    receiver: MemberId = pseudonym()
    reason: Personal | None = pii("receiver")


@fact("refnet.referral-voided.v1", replace(_BOTH, kind=90, effect=Effect.VOID))
class ReferralVoided:
    """The referral and all that came of it count as never recorded."""

    giver: MemberId = pseudonym()
    receiver: MemberId = pseudonym()
    voided_by: MemberId | None = pseudonym()
    reason: Personal | None = pii("voided_by", "giver")


@command()
class PassReferral:
    """Pass a prospect to another member. A spin-off names its parent referral."""

    giver: MemberId
    receiver: MemberId
    heat: int = 1
    prospect_kind: ProspectKind = ProspectKind.THIRD_PARTY
    prospect: ContactId | None = None
    prospect_name: str | None = None
    parent: ReferralId | None = None
    description: str | None = None


@command(target="referral")
class ConsentProspect:
    """Record the prospect's consent."""

    referral: ReferralId


@command(target="referral")
class AcceptReferral:
    """Accept; only the receiver may."""

    referral: ReferralId


@command(target="referral")
class DeclineReferral:
    """Decline; only the receiver may."""

    referral: ReferralId
    reason: DeclineReason = DeclineReason.OTHER


@command(target="referral")
class ContactProspect:
    """Record that the prospect was reached; only the receiver may."""

    referral: ReferralId


@command(target="referral")
class WinReferral:
    """Record that it became business; only the receiver may."""

    referral: ReferralId


@command(target="referral")
class LoseReferral:
    """Record that it came to nothing; only the receiver may."""

    referral: ReferralId
    reason: str | None = None


@command(target="referral")
class CloseBusiness:
    """Thank for closed business of a won referral; amount in minor units of the currency."""

    referral: ReferralId
    amount: int
    currency: str
    repeat: bool = False
    valuation: ValuationRule = ValuationRule.INVOICED


@command(target="referral")
class RateReferral:
    """Rate, 1 to 5, once; only the receiver may."""

    referral: ReferralId
    rating: int


@command(target="referral")
class DisputeReferral:
    """Dispute; only the receiver may."""

    referral: ReferralId
    reason: str | None = None


@command(target="referral")
class VoidReferral:
    """Take back; the receiver may, and the giver while it is only passed, or disputed."""

    referral: ReferralId
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Referral:
    """State of a referral.

    rating: 0 before it is rated. closed: how many businesses were. pass_time: when it was passed,
    microseconds.
    """

    id: ReferralId
    giver: MemberId
    receiver: MemberId
    status: ReferralStatus
    prospect_kind: ProspectKind
    prospect: ContactId | None
    parent: ReferralId | None
    heat: int
    rating: int
    closed: int
    consented: bool
    disputed: bool
    position: int
    pass_time: int


def _pass(asked: PassReferral, ctx: Context, state: None, world: World) -> list[Any]:
    check_range(asked.heat, 1, 5, field="heat")
    rules.check_two(asked.giver, asked.receiver, field="receiver", act="refer to")
    rules.get_active(world, asked.giver, ctx.occur_time, field="giver")
    rules.get_active(world, asked.receiver, ctx.occur_time, field="receiver")
    _check_actor(ctx, asked.giver, who="the giver")
    if asked.prospect is not None:
        get_current(world, asked.prospect, field="prospect")
    _check_parent(asked, world)
    return [
        ReferralPassed(
            giver=asked.giver,
            receiver=asked.receiver,
            prospect=asked.prospect,
            prospect_name=asked.prospect_name,
            prospect_kind=asked.prospect_kind,
            parent=asked.parent,
            heat=asked.heat,
            description=asked.description,
        )
    ]


def _check_parent(asked: PassReferral, world: World) -> None:
    is_spin_off = asked.prospect_kind is ProspectKind.SPIN_OFF
    if is_spin_off != (asked.parent is not None):
        raise InvalidRequest(
            "a spin-off, and only a spin-off, names the parent referral it came from; "
            "set prospect_kind and parent together",
            field="parent",
            prospect_kind=asked.prospect_kind,
        )
    if asked.parent is not None:
        get_in_force(world, asked.parent, field="parent")


def get_in_force(world: World, referral: ReferralId, *, field: str) -> Referral:
    """The referral, if it is neither voided nor disputed. Raises NotFound or WrongState."""
    found: Referral = get(world, "referral", referral, field=field)
    if found.disputed or found.status is ReferralStatus.VOIDED:
        state = ReferralStatus.VOIDED if found.status is ReferralStatus.VOIDED else "disputed"
        raise WrongState(
            f"{field} {referral} is {state}, so nothing may come of it; name one that is in force",
            field=field,
            referral=referral,
            state=state,
        )
    return found


def _consent(asked: ConsentProspect, ctx: Context, state: Referral, world: World) -> list[Any]:
    _check_actor(ctx, state.giver, who="the giver")
    _check_undisputed(state)
    if state.consented:
        raise WrongState(
            f"the prospect of referral {state.id} has already consented; nothing is left to do",
            field="referral",
            referral=state.id,
            state="consented",
        )
    _require(state, *(set(ReferralStatus) - {ReferralStatus.VOIDED}))
    return [ProspectConsented(giver=state.giver, receiver=state.receiver)]


def _accept(asked: AcceptReferral, ctx: Context, state: Referral, world: World) -> list[Any]:
    _check_receiver(world, ctx, state)
    _require(state, ReferralStatus.PASSED)
    return [ReferralAccepted(giver=state.giver, receiver=state.receiver)]


def _decline(asked: DeclineReferral, ctx: Context, state: Referral, world: World) -> list[Any]:
    _check_receiver(world, ctx, state)
    _require(state, ReferralStatus.PASSED)
    return [ReferralDeclined(giver=state.giver, receiver=state.receiver, reason=asked.reason)]


def _contact(asked: ContactProspect, ctx: Context, state: Referral, world: World) -> list[Any]:
    _check_receiver(world, ctx, state)
    _require(state, ReferralStatus.ACCEPTED)
    return [ReferralContacted(giver=state.giver, receiver=state.receiver)]


def _win(asked: WinReferral, ctx: Context, state: Referral, world: World) -> list[Any]:
    _check_receiver(world, ctx, state)
    _require(state, ReferralStatus.CONTACTED)
    return [ReferralWon(giver=state.giver, receiver=state.receiver)]


def _lose(asked: LoseReferral, ctx: Context, state: Referral, world: World) -> list[Any]:
    _check_receiver(world, ctx, state)
    _require(state, ReferralStatus.CONTACTED)
    return [ReferralLost(giver=state.giver, receiver=state.receiver, reason=asked.reason)]


def _close(asked: CloseBusiness, ctx: Context, state: Referral, world: World) -> list[Any]:
    check_range(asked.amount, 1, AMOUNT_MAX, field="amount")
    _check_receiver(world, ctx, state)
    _require(state, ReferralStatus.WON)
    exponent = check_currency(asked.currency, field="currency")
    rate = _rate(world, asked.currency)
    return [
        BusinessClosed(
            giver=state.giver,
            receiver=state.receiver,
            amount=asked.amount,
            currency=asked.currency,
            exponent=exponent,
            rate_millionths=rate,
            value=reference_value(asked.amount, exponent, rate),
            repeat=asked.repeat,
            valuation=asked.valuation,
        )
    ]


def _rate(world: World, currency: str) -> int:
    network = world.find("network", world.index("network")["id"])
    assert network is not None
    if currency == network.reference_currency:
        return 1_000_000
    rate: int | None = network.rates.get(currency)
    if rate is None:
        raise RateMissing(
            f"no rate from {currency} into {network.reference_currency} is set; set one, "
            f"or give the amount in {network.reference_currency}",
            field="currency",
            currency=currency,
            reference_currency=network.reference_currency,
        )
    return rate


def _rate_referral(asked: RateReferral, ctx: Context, state: Referral, world: World) -> list[Any]:
    check_range(asked.rating, 1, 5, field="rating")
    _check_receiver(world, ctx, state)
    _require(state, *(set(ReferralStatus) - {ReferralStatus.PASSED, ReferralStatus.VOIDED}))
    if state.rating:
        raise WrongState(
            f"referral {state.id} is already rated {state.rating}; a rating is given once",
            field="referral",
            referral=state.id,
            state="rated",
        )
    return [ReferralRated(giver=state.giver, receiver=state.receiver, rating=asked.rating)]


def _dispute(asked: DisputeReferral, ctx: Context, state: Referral, world: World) -> list[Any]:
    _check_actor(ctx, state.receiver, who="the receiver", required=True)
    _check_undisputed(state)
    _require(state, *(set(ReferralStatus) - {ReferralStatus.VOIDED}))
    return [ReferralDisputed(giver=state.giver, receiver=state.receiver, reason=asked.reason)]


def _void(asked: VoidReferral, ctx: Context, state: Referral, world: World) -> list[Any]:
    _check_actor(ctx, *_may_void(state), who="the receiver, or before an outcome the giver,")
    _require(state, *(set(ReferralStatus) - {ReferralStatus.VOIDED}))
    actor = ctx.acting_member
    return [
        ReferralVoided(
            giver=state.giver,
            receiver=state.receiver,
            voided_by=None if actor is None else MemberId(actor),
            reason=asked.reason,
        )
    ]


def _may_void(state: Referral) -> tuple[MemberId, ...]:
    """A giver may not take back what the receiver has judged: it would erase a bad rating."""
    judged = state.status is not ReferralStatus.PASSED and not state.disputed
    return (state.receiver,) if judged else (state.giver, state.receiver)


def _check_receiver(world: World, ctx: Context, state: Referral) -> None:
    rules.check_speaker(world, ctx, state.receiver, who="the receiver")
    rules.check_since(state.pass_time, ctx, what="the referral was passed")
    _check_undisputed(state)


def _check_undisputed(state: Referral) -> None:
    if state.disputed and state.status is not ReferralStatus.VOIDED:
        raise WrongState(
            f"referral {state.id} is disputed; void it and pass a new one",
            field="referral",
            referral=state.id,
            state="disputed",
        )


def _check_actor(ctx: Context, *allowed: MemberId, who: str, required: bool = False) -> None:
    actor = None if ctx.acting_member is None else MemberId(ctx.acting_member)
    rules.check_actor(actor, allowed, who=who, required=required)


def _require(state: Referral, *allowed: ReferralStatus) -> None:
    if state.status not in allowed:
        wanted = " or ".join(sorted(allowed))
        raise WrongState(
            f"referral {state.id} is {state.status}, and this needs {wanted}; a referral moves "
            "from passed to accepted, contacted, then won or lost",
            field="referral",
            referral=state.id,
            state=state.status,
            needed=wanted,
        )


_STATUS = {
    ReferralAccepted: ReferralStatus.ACCEPTED,
    ReferralDeclined: ReferralStatus.DECLINED,
    ReferralContacted: ReferralStatus.CONTACTED,
    ReferralWon: ReferralStatus.WON,
    ReferralLost: ReferralStatus.LOST,
    ReferralVoided: ReferralStatus.VOIDED,
}


def _evolve(state: Referral | None, happened: Any, recorded: Recorded) -> Referral:
    if isinstance(happened, ReferralPassed):
        return Referral(
            ReferralId(recorded.stream),
            happened.giver,
            happened.receiver,
            ReferralStatus.PASSED,
            happened.prospect_kind,
            happened.prospect,
            happened.parent,
            happened.heat,
            rating=0,
            closed=0,
            consented=False,
            disputed=False,
            position=recorded.position,
            pass_time=recorded.occur_time,
        )
    assert state is not None
    match happened:
        case BusinessClosed():
            return replace(state, closed=state.closed + 1)
        case ReferralRated():
            return replace(state, rating=happened.rating)
        case ProspectConsented():
            return replace(state, consented=True)
        case ReferralDisputed():
            return replace(state, disputed=True)
        case _:
            return replace(state, status=_STATUS[type(happened)])


NOUN = Noun(
    name="referral",
    plural="referrals",
    id_type=ReferralId,
    facts=(
        ReferralPassed,
        ProspectConsented,
        ReferralAccepted,
        ReferralDeclined,
        ReferralContacted,
        ReferralWon,
        ReferralLost,
        BusinessClosed,
        ReferralRated,
        ReferralDisputed,
        ReferralVoided,
    ),
    commands={
        PassReferral: _pass,
        ConsentProspect: _consent,
        AcceptReferral: _accept,
        DeclineReferral: _decline,
        ContactProspect: _contact,
        WinReferral: _win,
        LoseReferral: _lose,
        CloseBusiness: _close,
        RateReferral: _rate_referral,
        DisputeReferral: _dispute,
        VoidReferral: _void,
    },
    evolve=_evolve,
)
