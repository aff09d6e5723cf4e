"""The network: one per log. Its policies and exchange rates."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from refnet.domain.currency import check_currency
from refnet.domain.decisions import EXPIRED, TEXTS, Context, Noun, World, command
from refnet.domain.facts import Act, Columns, Effect, Recorded, fact, public
from refnet.domain.ranges import DAY_MAX, POSITION_MAX, RATE_MAX, VALUE_HALF_MAX, check_range
from refnet.domain.values import NetworkId
from refnet.errors import InvalidRequest, NetworkExists, WrongState


class Pretrust(StrEnum):
    """Where trust starts: in attendance, or in everyone alike (who-trusts-whom networks)."""

    ATTENDANCE = "attendance"
    UNIFORM = "uniform"


class Decay(StrEnum):
    """Whether evidence fades with time."""

    ON = "on"
    OFF = "off"


def pack_policy(policy: NetworkChartered | NetworkPolicyChanged) -> int:
    """The ledger's value of a network policy: value_half * 4 + uniform * 2 + (decay off)."""
    uniform = policy.pretrust == Pretrust.UNIFORM
    return policy.value_half << 2 | uniform << 1 | (policy.decay == Decay.OFF)


def unpack_policy(value: int) -> tuple[bool, bool, int]:
    """(uniform, decay, value_half) from `pack_policy`."""
    return bool(value & 2), not value & 1, value >> 2


@fact("refnet.network-chartered.v1", Columns(1, Effect.POLICY, value=pack_policy))
class NetworkChartered:
    """The log begins.

    value_half: units of the reference currency at which closed business earns half its credit.
    """

    name: str = public()
    reference_currency: str = public()
    pretrust: Pretrust = public()
    decay: Decay = public()
    value_half: int = public()


@fact("refnet.network-policy-changed.v1", Columns(2, Effect.POLICY, value=pack_policy))
class NetworkPolicyChanged:
    """The policies in force from here on, for the whole history."""

    pretrust: Pretrust = public()
    decay: Decay = public()
    value_half: int = public()


@fact("refnet.rate-set.v1", Columns(3, value="rate_millionths"))
class RateSet:
    """One unit of `currency` is worth rate_millionths / 10^6 units of the reference currency."""

    currency: str = public()
    rate_millionths: int = public()


@fact("refnet.scores-published.v1", Columns(4, reference="position"))
class ScoresPublished:
    """What the scores were at a position, as of a day: the network stands by that digest.

    day: days since 1970, UTC. rulebook: the version of the rulebook beside the model, None without
    one.
    """

    position: int = public()
    day: int = public()
    model: str = public()
    rulebook: str | None = public()
    digest: str = public()


@fact("refnet.texts-expired.v1", Columns(5), act=Act.EXPIRES)
class TextsExpired:
    """What was said about people, and recorded before a time in microseconds, is gone for good."""

    before_time: int = public()


@command()
class CharterNetwork:
    """Begin the network of this log."""

    name: str
    reference_currency: str = "EUR"
    pretrust: Pretrust = Pretrust.ATTENDANCE
    decay: Decay = Decay.ON
    value_half: int = 1000


@command(target="network")
class ChangeNetworkPolicy:
    """Change policies; what is None stays."""

    network: NetworkId
    pretrust: Pretrust | None = None
    decay: Decay | None = None
    value_half: int | None = None


@command(target="network")
class SetRate:
    """Set the exchange rate of a currency into the reference currency."""

    network: NetworkId
    currency: str
    rate_millionths: int


@command(target="network")
class PublishScores:
    """State what the scores are at a position, as of a day (since 1970, UTC)."""

    network: NetworkId
    position: int
    day: int
    model: str
    digest: str


@command(target="network")
class ExpireTexts:
    """Destroy free text about people that was recorded before a time in microseconds."""

    network: NetworkId
    before_time: int


@dataclass(frozen=True, slots=True)
class Network:
    """State of the network. rates: millionths by currency code.

    texts_expired_time: before it all free text has expired, microseconds; None if none has.
    """

    id: NetworkId
    name: str
    reference_currency: str
    pretrust: Pretrust
    decay: Decay
    value_half: int
    chartered_time: int
    position: int
    rates: dict[str, int] = field(default_factory=dict)
    texts_expired_time: int | None = None


def _charter(asked: CharterNetwork, ctx: Context, state: None, world: World) -> list[Any]:
    existing = world.index("network").get("id")
    if existing is not None:
        raise NetworkExists(
            f"the log already holds network {existing}; use another store for another network",
            network=existing,
        )
    check_currency(asked.reference_currency, field="reference_currency")
    check_range(asked.value_half, 1, VALUE_HALF_MAX, field="value_half")
    return [
        NetworkChartered(
            name=asked.name,
            reference_currency=asked.reference_currency,
            pretrust=asked.pretrust,
            decay=asked.decay,
            value_half=asked.value_half,
        )
    ]


def _change_policy(
    asked: ChangeNetworkPolicy, ctx: Context, state: Network, world: World
) -> list[Any]:
    value_half = state.value_half if asked.value_half is None else asked.value_half
    check_range(value_half, 1, VALUE_HALF_MAX, field="value_half")
    return [
        NetworkPolicyChanged(
            pretrust=asked.pretrust or state.pretrust,
            decay=asked.decay or state.decay,
            value_half=value_half,
        )
    ]


def _set_rate(asked: SetRate, ctx: Context, state: Network, world: World) -> list[Any]:
    check_currency(asked.currency, field="currency")
    check_range(asked.rate_millionths, 1, RATE_MAX, field="rate_millionths")
    if asked.currency == state.reference_currency:
        raise InvalidRequest(
            f"{asked.currency} is the reference currency, worth one of itself; "
            "set the rate of another currency",
            field="currency",
            value=asked.currency,
        )
    return [RateSet(currency=asked.currency, rate_millionths=asked.rate_millionths)]


def _publish(asked: PublishScores, ctx: Context, state: Network, world: World) -> list[Any]:
    """That the digest is the one of these scores is for those to see who can compute them."""
    check_range(asked.position, 1, POSITION_MAX, field="position")
    check_range(asked.day, 0, DAY_MAX, field="day")
    if _DIGEST.fullmatch(asked.digest) is None:
        raise InvalidRequest(
            f"digest {asked.digest!r} is no SHA-256; give it in lower-case hex digits",
            field="digest",
            digest=asked.digest,
        )
    return [
        ScoresPublished(
            position=asked.position,
            day=asked.day,
            model=asked.model,
            rulebook=None,
            digest=asked.digest,
        )
    ]


def _expire(asked: ExpireTexts, ctx: Context, state: Network, world: World) -> list[Any]:
    if asked.before_time > ctx.now:
        raise InvalidRequest(
            f"before_time {asked.before_time} lies after {ctx.now}, the present; texts that do not "
            "exist yet cannot expire: give an earlier time",
            field="before_time",
            before_time=asked.before_time,
            now=ctx.now,
        )
    if asked.before_time <= (state.texts_expired_time or 0):
        raise WrongState(
            f"all texts before {state.texts_expired_time} have expired already; give a time after "
            "it, or leave it at that",
            field="before_time",
            before_time=asked.before_time,
            expired=state.texts_expired_time,
        )
    return [TextsExpired(before_time=asked.before_time)]


_DIGEST = re.compile("[0-9a-f]{64}")


def _evolve(state: Network | None, happened: Any, recorded: Recorded) -> Network:
    match happened:
        case NetworkChartered():
            return Network(
                NetworkId(recorded.stream),
                happened.name,
                happened.reference_currency,
                happened.pretrust,
                happened.decay,
                happened.value_half,
                recorded.occur_time,
                recorded.position,
            )
        case NetworkPolicyChanged():
            assert state is not None
            return replace(
                state,
                pretrust=happened.pretrust,
                decay=happened.decay,
                value_half=happened.value_half,
            )
        case RateSet():
            assert state is not None
            rates = {**state.rates, happened.currency: happened.rate_millionths}
            return replace(state, rates=rates)
        case TextsExpired():
            assert state is not None
            return replace(state, texts_expired_time=happened.before_time)
        case ScoresPublished():
            assert state is not None
            return state
        case _:
            raise TypeError(f"network cannot hold {happened!r}")


def _index(tables: Any, old: Any, new: Network, happened: Any, recorded: Recorded) -> None:
    tables["network"]["id"] = new.id
    tables["network"]["chartered"] = new.chartered_time
    if isinstance(happened, TextsExpired):
        tables[EXPIRED][TEXTS] = happened.before_time


NOUN = Noun(
    name="network",
    plural="networks",
    id_type=NetworkId,
    facts=(NetworkChartered, NetworkPolicyChanged, RateSet, ScoresPublished, TextsExpired),
    commands={
        CharterNetwork: _charter,
        ChangeNetworkPolicy: _change_policy,
        SetRate: _set_rate,
        PublishScores: _publish,
        ExpireTexts: _expire,
    },
    evolve=_evolve,
    resident=True,
    timed_ids=False,
    index=_index,
)
