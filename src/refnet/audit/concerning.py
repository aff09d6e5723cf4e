"""Which facts between two positions concern a member, the heaviest first."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

import numpy as np

from refnet.accumulators import Kind
from refnet.audit.opinions import Kernel, Moment
from refnet.domain.facts import Effect
from refnet.heaviest import heaviest
from refnet.standings import Snapshot

TRIED_MAX = 64
"""How many facts are tried to find the heaviest: each scores the whole network once."""

_OF_ALL = (Effect.POLICY, Effect.STANDING)


@dataclass(frozen=True)
class Concerning:
    """A fact. gone: its position and what in its stream depends on it."""

    position: int
    gone: tuple[int, ...]


@dataclass(frozen=True)
class Chosen:
    """The heaviest facts. candidates: how many concern the member; tried: how many were weighed."""

    facts: tuple[Concerning, ...]
    candidates: int
    tried: int


def concerning(kernel: Kernel, after: Moment, at: Moment, member: UUID, count: int) -> Chosen:
    """At most `count` facts that concern a member's score at a moment, and did not count before.

    after: a moment before, by position: what was recorded since, or has happened since by then.
    Those that name the member, policies of the network, and the standing of the member's chapter.
    Heaviest is who moves the score most if it had never happened; of equal ones the lower position.
    One that goes with a heavier one is not named again. If there are more than TRIED_MAX, only
    those are tried that are guessed to be the heaviest (`refnet.heaviest`).
    """
    snapshot = kernel.snapshot(at)
    number = snapshot.numbers.get(member)
    if number is None or count == 0:
        return Chosen((), 0, 0)
    positions = naming(snapshot, number, after, at)
    tried = _weightiest(snapshot, number, positions)
    score = snapshot.scores.score.item(number)
    weighed = []
    for position in tried:
        gone = kernel.gone_with(at, [position])
        cost = abs(score - kernel.without(at, gone)[number])
        weighed.append((-cost, position, gone))
    found: list[Concerning] = []
    covered: set[int] = set()
    for _, position, gone in sorted(weighed):
        if len(found) < count and position not in covered:
            found.append(Concerning(position, gone))
            covered.update(gone)
    return Chosen(tuple(found), len(positions), len(tried))


def naming(snapshot: Snapshot, number: int, after: Moment, at: Moment) -> list[int]:
    """Positions, rising, of all facts that concern a member at a moment, and did not before.

    snapshot: of that moment or a later one; who is in which chapter is taken from there.
    """
    rows = snapshot.columns.slice(0, at.position)
    named = (rows.giver == number) | (rows.receiver == number)
    home = snapshot.roll.home().item(number)
    others = (rows.effect == Effect.STANDING) & (rows.chapter == home)
    others |= rows.effect == Effect.POLICY
    # Charters open their streams (reference 0): everything hangs on them, they cannot be left out.
    chosen = (named & (rows.effect != Effect.NONE) & ~np.isin(rows.effect, _OF_ALL)) | (
        others & (rows.reference != 0)
    )
    since = np.arange(len(rows)) >= after.position
    since |= (rows.day > after.day) & (rows.day <= at.day)
    positions: list[int] = (np.flatnonzero(chosen & since) + 1).tolist()
    return positions


def _weightiest(snapshot: Snapshot, number: int, positions: list[int]) -> list[int]:
    """Those to try: what takes something back, then what is guessed to carry most points.

    Attendance comes last: it gives a voice to what one says of others, and hardly moves one's own.
    """
    if len(positions) <= TRIED_MAX:
        return positions
    guessed = heaviest(snapshot, number)
    own = {fact.position for fact in guessed if fact.kind == Kind.ATTENDANCE}
    place = {fact.position: at for at, fact in reversed([*enumerate(guessed)])}
    order = sorted(positions, key=lambda at: (at in own, place.get(at, -1), at))
    return sorted(order[:TRIED_MAX])
