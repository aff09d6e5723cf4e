"""The simulated world between two moments: who is there, and what is going to happen when."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from heapq import heappop, heappush
from typing import Any

from refnet.domain.contact import RegisterContact
from refnet.domain.values import ContactId
from refnet.simulate.chance import Chance
from refnet.simulate.clock import DAY, HOUR, MINUTE, WEEK
from refnet.simulate.desk import Desk
from refnet.simulate.people import Home, Person
from refnet.simulate.words import draw_card

Act = Callable[..., None]

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


class Scene:
    """Chapters, people and an agenda of acts, done in order of time and then of planning."""

    def __init__(self, desk: Desk, chance: Chance, start: int, weeks: int) -> None:
        self.desk = desk
        self.chance = chance
        self.start = start
        self.weeks = weeks
        self.homes: list[Home] = []
        self.people: list[Person] = []
        self._agenda: list[tuple[int, int, Act, tuple[Any, ...]]] = []
        self._planned = 0

    @property
    def now(self) -> int:
        """The simulated time, microseconds since 1970."""
        return self.desk.now

    @property
    def week(self) -> int:
        """The number of the present week, from 0."""
        return (self.desk.now - self.start) // WEEK

    def at(self, time: int, act: Act, *args: object) -> None:
        """Plan an act; a time that has passed means now."""
        self._planned += 1
        heappush(self._agenda, (max(time, self.desk.now), self._planned, act, args))

    def after(self, low: int, high: int, act: Act, *args: object) -> None:
        """Plan an act for `low` to `high` microseconds from now."""
        self.at(self.desk.now + self.chance.between(low, high), act, *args)

    def run(self, until: int) -> None:
        """Do what is planned before a time, then move there."""
        agenda = self._agenda
        while agenda and agenda[0][0] < until:
            time, _, act, args = heappop(agenda)
            self.desk.move(time)
            act(self, *args)
        self.desk.move(until)

    def office_hour(self, home: Home) -> int:
        """Some time of this week, Monday to Friday, 8 to 18 o'clock at that chapter's place."""
        monday = self.start + self.week * WEEK
        offset = (_EPOCH + dt.timedelta(microseconds=monday)).astimezone(home.zone).utcoffset()
        ahead = 0 if offset is None else offset // dt.timedelta(microseconds=1)
        day = self.chance.between(0, 5)
        return monday + day * DAY - ahead + 8 * HOUR + self.chance.between(0, 10 * HOUR)

    def lately(self, *people: Person) -> int:
        """When what is recorded now occurred: mostly within hours, at times days ago.

        Never before one of the people became active.
        """
        reach = 2 * HOUR if self.chance.happens(0.85) else 4 * DAY
        lag = self.chance.between(MINUTE, reach)
        return max(self.desk.now - lag, *(person.since for person in people))

    def just_now(self, by: Person) -> int:
        """A moment ago; no earlier than the act before, which lies an hour back at least.

        Nor before the person became active, which may be minutes ago.
        """
        return max(self.desk.now - self.chance.between(0, 20 * MINUTE), by.since)

    def register(self, by: Person) -> tuple[ContactId, str]:
        """Register a contact; returns id and name."""
        card = draw_card(self.chance)
        command = RegisterContact(
            name=card.name,
            email=card.email if self.chance.happens(0.6) else None,
            phone=card.phone if self.chance.happens(0.4) else None,
            registered_by=by.id,
        )
        return ContactId(self.desk.open("contact", command, actor=by.id)), card.name

    def anybody(self, but: Person) -> Person | None:
        """Some active member of any chapter, or None if none is found soon."""
        for _ in range(5):
            found = self.chance.pick(self.people)
            if found.active and found is not but:
                return found
        return None

    def mate(self, of: Person) -> Person | None:
        """Some active member of the same chapter."""
        mates = [person for person in of.home.members if person.active and person is not of]
        return self.chance.pick(mates) if mates else None


def micros_of(moment: dt.datetime) -> int:
    """Microseconds since 1970 of an aware datetime, without going through floats."""
    return (moment - _EPOCH) // dt.timedelta(microseconds=1)


def date_of(micros: int) -> dt.date:
    """The UTC date of a time."""
    return (_EPOCH + dt.timedelta(microseconds=micros)).date()
