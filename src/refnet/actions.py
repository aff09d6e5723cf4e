"""The shortest honest way up: what a member may do, and how many points each act is worth.

Honest is what others must acknowledge and what does not ask them for words about oneself in return:
passing on a referral, bringing a received one to an end, having a client who was served say so, and
attending. Testimonials of members, and anything between two who trade, are never suggested.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from refnet.accumulators import Kind
from refnet.domain.facts import Effect
from refnet.standings import Snapshot
from refnet.whatif import with_events

CANDIDATES = 12
"""Partners that a referral is tried with, and received referrals that are looked at."""

_TYPICAL_BUSINESS = 1000
"""Worth of business in a network that has closed none yet, in units of its currency."""

_KIND_WORD = 800
"""A client who is content, as a rating in hundredths."""

_Event = tuple[int, int, int, int, int]


class Act(StrEnum):
    """What a member may do."""

    PASS_REFERRAL = "pass_referral"  # noqa: S105 - one passes it on
    FINISH_REFERRAL = "finish_referral"
    ASK_CLIENT = "ask_client"
    ATTEND = "attend"


@dataclass(frozen=True, slots=True)
class Action:
    """An act and what it is worth.

    partner: member number of who receives the referral, or gave it; None for attending. position:
    of the fact that opened the referral to go on with, 0 for none. gain: points of the member's
    score if it succeeds: the referral is accepted, won and closed for `value`, a received one is
    won, the client is content.
    """

    act: Act
    partner: int | None
    position: int
    value: int
    gain: float


def suggest(snapshot: Snapshot, number: int, count: int = 5) -> list[Action]:
    """What would raise a member's score most, each act tried alone on the day of the snapshot.

    Most points first, then in the order of `Act`, then lower partner and position; only what gains.
    Raises ValueError for an unknown number.
    """
    if not 0 <= number < snapshot.scores.n:
        raise ValueError("no member has that number")
    before = snapshot.scores.score.item(number)
    found = []
    for act, partner, position, value, events in _candidates(snapshot, number):
        gain = with_events(snapshot, events).score.item(number) - before
        if gain > 0.0:
            found.append(Action(act, partner, position, value, gain))
    acts = list(Act)
    found.sort(key=lambda a: (-a.gain, acts.index(a.act), a.partner or 0, a.position))
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
    accepted = _of(snapshot, j, Effect.ACCEPTED)
    ended = {position for _, position in _of(snapshot, j, Effect.WON)}
    ended |= {position for _, position in _of(snapshot, j, Effect.LOST)}
    ended |= {position for _, position in _of(snapshot, j, Effect.VOID)}
    return [each for each in accepted if each[1] not in ended][:CANDIDATES]


def _unspoken(snapshot: Snapshot, j: int) -> list[tuple[int, int]]:
    """(giver, position) of referrals that j won and no client spoke of; newest first."""
    columns = snapshot.columns
    words = (columns.effect == Effect.CLIENT) & (columns.receiver == j)
    heard = set(columns.reference[words].tolist())
    heard |= {position for _, position in _of(snapshot, j, Effect.VOID)}
    return [each for each in _of(snapshot, j, Effect.WON) if each[1] not in heard][:CANDIDATES]


def _of(snapshot: Snapshot, j: int, effect: Effect) -> list[tuple[int, int]]:
    """(giver, position of the stream's first fact) of facts about what j received; newest first."""
    columns = snapshot.columns
    at: NDArray[np.intp] = np.flatnonzero((columns.effect == effect) & (columns.receiver == j))
    givers, origins = columns.giver[at].tolist(), columns.reference[at].tolist()
    return list(zip(givers, origins, strict=True))[::-1]
