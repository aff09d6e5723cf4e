"""Who is in the simulated network, and what is planted in them."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID
from zoneinfo import ZoneInfo

from refnet.domain.member import RoleName
from refnet.domain.values import ChapterId, MemberId
from refnet.simulate.chance import Chance
from refnet.simulate.words import CLASSIFICATIONS, City

NEVER = 1 << 30
"""A week that does not come."""


class Kind(StrEnum):
    """What a person is in the plant."""

    NORMAL = "normal"
    GIVER = "giver"  # gives much and unconditionally
    TAKER = "taker"  # receives and does not give
    TURNCOAT = "turncoat"  # normal at first, a taker later
    INACTIVE = "inactive"  # normal at first, fades later


SHARES = {Kind.GIVER: 0.08, Kind.TAKER: 0.06, Kind.TURNCOAT: 0.03, Kind.INACTIVE: 0.06}
"""Planted shares of the founding members; the others are normal."""


# No repr: people know people, and a traceback that shows one would show the town over and over.


@dataclass(slots=True, eq=False, repr=False)
class Home:
    """A chapter. members: those with a seat, suspended ones too. taken: seated or promised."""

    id: ChapterId
    city: City
    zone: ZoneInfo
    weekday: int
    time: dt.time
    target: int
    members: list[Person] = field(default_factory=list)
    taken: set[str] = field(default_factory=set)
    officers: dict[RoleName, tuple[Person, int]] = field(default_factory=dict)
    returning: list[UUID] = field(default_factory=list)

    def active(self) -> list[Person]:
        """Members who may act, in order of arrival."""
        return [person for person in self.members if person.active]


@dataclass(slots=True, eq=False, repr=False)
class Person:
    """A member with planted traits, all in [0, 1].

    turn: the week from which a turncoat takes or an inactive one fades. since: when the present
    time of activity began, microseconds. circle: whom this person knows well, longest known first.
    thanks: numbers of those who passed a referral to this person.
    """

    id: MemberId
    number: int
    kind: Kind
    quality: float
    generosity: float
    attendance: float
    turn: int
    joined: int
    home: Home
    classification: str
    since: int = 0
    active: bool = False
    left: int | None = None
    colludes: bool = False
    circle: list[Person] = field(default_factory=list)
    thanks: set[int] = field(default_factory=set)

    def takes(self, week: int) -> bool:
        """Whether this person lives on others' referrals that week."""
        return self.kind is Kind.TAKER or (self.kind is Kind.TURNCOAT and week >= self.turn)

    def fades(self, week: int) -> bool:
        """Whether this person is hardly there any more."""
        return self.kind is Kind.INACTIVE and week >= self.turn

    def energy(self, week: int) -> float:
        """How much of a usual week's activity this person has."""
        return 0.06 if self.fades(week) else 1.0

    def giving(self, week: int) -> float:
        """Referrals passed a week, on average."""
        if self.takes(week):
            return 0.04
        return self.energy(week) * (0.1 + 0.9 * self.generosity)

    def pull(self, week: int) -> float:
        """How readily others think of this person when they hear of a need."""
        if self.fades(week):
            return 0.15
        lobbying = 1.6 if self.takes(week) else 1.0
        return lobbying * (0.4 + self.quality)

    def meet(self, other: Person) -> None:
        """Get to know each other well."""
        for one, two in ((self, other), (other, self)):
            if two not in one.circle:
                one.circle.append(two)
                if len(one.circle) > 14:
                    one.circle.pop(0)


def draw_kinds(chance: Chance, count: int) -> list[Kind]:
    """Kinds of the founding members in random order; each share is met to the nearest person."""
    kinds = [kind for kind, share in SHARES.items() for _ in range(round(share * count))]
    return chance.shuffled(kinds + [Kind.NORMAL] * (count - len(kinds)))


def draw_kind(chance: Chance) -> Kind:
    """The kind of a newcomer."""
    rest = 1.0 - sum(SHARES.values())
    return chance.weighted((Kind.NORMAL, *SHARES), (rest, *SHARES.values()))


def draw_generosity(chance: Chance, kind: Kind) -> float:
    """How freely somebody of that kind gives."""
    if kind is Kind.GIVER:
        return chance.around(0.92, 0.08)
    if kind is Kind.TAKER:
        return chance.around(0.08, 0.08)
    return chance.around(0.55, 0.4)


def draw_turn(chance: Chance, kind: Kind, joined: int, weeks: int) -> int:
    """When somebody turns or fades: after a fifth to half of the weeks that are left."""
    if kind not in (Kind.TURNCOAT, Kind.INACTIVE):
        return NEVER
    left = weeks - joined
    return joined + chance.between(left // 5, left // 2 + 1)


def draw_seat(chance: Chance, home: Home) -> str:
    """A classification nobody holds in that chapter, marked as taken."""
    free = [name for name in CLASSIFICATIONS if name not in home.taken]
    number = 1
    while f"Trade {number}" in home.taken:
        number += 1
    seat = chance.pick(free) if free else f"Trade {number}"
    home.taken.add(seat)
    return seat
