"""The shortest honest way up: what a member may do, and how many points each act is worth.

Honest is what others must acknowledge and what does not ask them for words about oneself in return:
passing on a referral, asking what became of one, bringing a received one to an end, having a client
who was served say so or be checked, and attending. Testimonials of members, and anything between
two who trade, are never suggested. docs/design/explanations.md says why.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from refnet.accumulators import NOBODY, Kind
from refnet.domain.facts import Effect
from refnet.domain.referral import (
    BusinessClosed,
    ReferralAccepted,
    ReferralDeclined,
    ReferralDisputed,
    ReferralLost,
    ReferralPassed,
    ReferralVoided,
    ReferralWon,
)
from refnet.domain.testimonial import ClientTestimonialWithdrawn, ClientVerified
from refnet.standings import Snapshot
from refnet.whatif import with_events

CANDIDATES = 12
"""Partners that a referral is tried with, and received referrals that are looked at."""

_TYPICAL_BUSINESS = 1000
"""Worth of business in a network that has closed none yet, in units of its currency."""

_KIND_WORD = 800
"""A client who is content, as a rating in hundredths."""

_TAKEN_BACK = (ReferralDisputed, ReferralVoided)
"""Nothing more may come of such a referral."""

_Event = tuple[int, int, int, int, int]


class Act(StrEnum):
    """What a member may do."""

    PASS_REFERRAL = "pass_referral"  # noqa: S105 - one passes it on
    FINISH_REFERRAL = "finish_referral"
    ASK_CLIENT = "ask_client"
    ATTEND = "attend"
    ASK_RECEIVER = "ask_receiver"
    VERIFY_CLIENT = "verify_client"


@dataclass(frozen=True, slots=True)
class Action:
    """An act and what it is worth.

    partner: member number of who receives the referral, gave it, or introduced the client; None for
    nobody. position: of the fact that opened the referral to go on with, or the client's word; 0
    for none. gain: points of the member's score if it succeeds: the referral is accepted, won and
    closed for `value`, one passed before comes a step further, a received one is won, the client is
    content.
    """

    act: Act
    partner: int | None
    position: int
    value: int
    gain: float


def suggest(snapshot: Snapshot, number: int, count: int = 5) -> list[Action]:
    """What would raise a member's score most, each act tried alone on the day of the snapshot.

    Most points first, then in the order of `Act`, then lower partner and position; only what gains.
    Nothing for who is not active, and so may not act. Raises ValueError for an unknown number.
    """
    if not 0 <= number < snapshot.scores.n:
        raise ValueError("no member has that number")
    if not snapshot.active[number]:
        return []
    before = snapshot.scores.score.item(number)
    found = []
    for act, partner, position, value, events in _candidates(snapshot, number):
        gain = with_events(snapshot, events).score.item(number) - before
        if gain > 0.0:
            found.append(Action(act, partner, position, value, gain))
    acts = list(Act)
    found.sort(
        key=lambda a: (
            -a.gain,
            acts.index(a.act),
            -1 if a.partner is None else a.partner,
            a.position,
        )
    )
    return found[:count]


def _candidates(
    snapshot: Snapshot, j: int
) -> Iterator[tuple[Act, int | None, int, int, list[_Event]]]:
    day, value = snapshot.day, _usual_business(snapshot)
    for partner in _receivers(snapshot, j):
        kinds = ((Kind.ACCEPTED, 0), (Kind.WON, 0), (Kind.CLOSED, value))
        events = [(day, int(kind), j, partner, amount) for kind, amount in kinds]
        yield Act.PASS_REFERRAL, partner, 0, value, events
    for giver, position in _unfinished(snapshot, j):
        yield Act.FINISH_REFERRAL, giver, position, 0, [(day, Kind.WON, giver, j, 0)]
    for giver, position in _unspoken(snapshot, j):
        word = [(day, int(Kind.CLIENT), giver, j, _KIND_WORD)]
        yield Act.ASK_CLIENT, giver, position, 0, word
    yield Act.ATTEND, None, 0, 0, [(day, Kind.ATTENDANCE, j, -1, 1000)]
    for receiver, position, kind in _unanswered(snapshot, j):
        worth = value if kind is Kind.CLOSED else 0
        step = [(day, int(kind), j, receiver, worth)]
        yield Act.ASK_RECEIVER, receiver, position, worth, step
    for introducer, position, rating in _unchecked(snapshot, j):
        word = [(day, int(Kind.CLIENT), introducer, j, 100 * rating)]
        yield Act.VERIFY_CLIENT, None if introducer == NOBODY else introducer, position, 0, word


def _usual_business(snapshot: Snapshot) -> int:
    """The median of all business closed, in units of the reference currency."""
    closed = np.sort(snapshot.columns.value[snapshot.columns.effect == Effect.CLOSED])
    return int(closed[len(closed) // 2]) if len(closed) else _TYPICAL_BUSINESS


def _receivers(snapshot: Snapshot, j: int) -> list[int]:
    """Active members to pass a referral to: whoever gave j most that was not returned, then mates.

    First partners by what they gave lately less what they got, then members of j's chapter by
    pretrust; of equals the lower number.
    """
    active, p = snapshot.active, snapshot.scores.p
    network = snapshot.accumulators.network()
    row = network.targets[network.offsets[j] : network.offsets[j + 1]].astype(np.int64)
    ends = np.full(len(row), j)
    gave = snapshot.accumulators.masses("RG", row, ends, snapshot.day)
    got = snapshot.accumulators.masses("RG", ends, row, snapshot.day)
    owed = row[np.lexsort((row, -(gave - got)))]
    home = snapshot.roll.home()
    mates = np.flatnonzero((home == home[j]) & active)
    mates = mates[np.lexsort((mates, -p[mates]))]
    order = [each for each in [*owed.tolist(), *mates.tolist()] if active[each] and each != j]
    return list(dict.fromkeys(order))[:CANDIDATES]


def _unfinished(snapshot: Snapshot, j: int) -> list[tuple[int, int]]:
    """(giver, position) of referrals that j accepted and brought to no end yet; newest first."""
    columns = snapshot.columns
    at = np.flatnonzero((columns.effect == Effect.ACCEPTED) & (columns.receiver == j))[::-1]
    accepted = zip(columns.giver[at].tolist(), columns.reference[at].tolist(), strict=True)
    ended = _origins(snapshot, columns.receiver == j, ReferralWon, ReferralLost, *_TAKEN_BACK)
    return [each for each in accepted if each[1] not in ended][:CANDIDATES]


def _unspoken(snapshot: Snapshot, j: int) -> list[tuple[int, int]]:
    """(giver, position) of referrals that j won and no client spoke of; newest first."""
    columns = snapshot.columns
    words = (columns.effect == Effect.CLIENT) & (columns.receiver == j)
    heard = set(columns.reference[words].tolist())
    heard |= _origins(snapshot, columns.receiver == j, *_TAKEN_BACK)
    at = np.flatnonzero((columns.effect == Effect.WON) & (columns.receiver == j))[::-1]
    won = zip(columns.giver[at].tolist(), columns.reference[at].tolist(), strict=True)
    return [each for each in won if each[1] not in heard][:CANDIDATES]


def _unanswered(snapshot: Snapshot, j: int) -> list[tuple[int, int, Kind]]:
    """(receiver, position, next step) of referrals that j passed; newest first.

    The receiver is active and may say: accepted, then won, then what business came of it.
    """
    columns = snapshot.columns
    mine = columns.giver == j
    passed: Any = ReferralPassed
    at = np.flatnonzero(mine & (columns.kind == passed.COLUMNS.kind))[::-1]
    over = _origins(snapshot, mine, ReferralDeclined, ReferralLost, BusinessClosed, *_TAKEN_BACK)
    accepted = _origins(snapshot, mine, ReferralAccepted)
    won = _origins(snapshot, mine, ReferralWon)
    found = []
    for receiver, position in zip(columns.receiver[at].tolist(), (at + 1).tolist(), strict=True):
        if position not in over and receiver != NOBODY and snapshot.active[receiver]:
            kind = Kind.WON if position in accepted else Kind.ACCEPTED
            found.append((receiver, position, Kind.CLOSED if position in won else kind))
    return found[:CANDIDATES]


def _unchecked(snapshot: Snapshot, j: int) -> list[tuple[int, int, int]]:
    """(introducer, position, rating) of good words of clients about j that do not count yet."""
    columns = snapshot.columns
    about = columns.receiver == j
    at = np.flatnonzero(about & (columns.effect == Effect.CLIENT))[::-1]
    counts = _origins(snapshot, about, ClientVerified, ClientTestimonialWithdrawn)
    closed = _origins(snapshot, about, BusinessClosed)
    voided = _origins(snapshot, about, ReferralVoided)
    revised = np.flatnonzero(about & (columns.effect == Effect.REVISION))
    newest = dict(
        zip(columns.reference[revised].tolist(), columns.value[revised].tolist(), strict=True)
    )
    found = []
    for row in at.tolist():
        position, referral = row + 1, columns.reference.item(row)
        rating = newest.get(position, columns.value.item(row))
        made_to_count = position in counts or referral in closed - voided
        if rating > 0 and not made_to_count:
            introducer = NOBODY if referral in voided else columns.giver.item(row)
            found.append((introducer, position, rating))
    return found[:CANDIDATES]


def _origins(snapshot: Snapshot, chosen: NDArray[np.bool_], *facts: Any) -> set[int]:
    """Positions of the first facts of the streams in which one of these facts was recorded."""
    columns = snapshot.columns
    kinds = np.array([fact.COLUMNS.kind for fact in facts], np.uint8)
    found: set[int] = set(columns.reference[chosen & np.isin(columns.kind, kinds)].tolist())
    return found
