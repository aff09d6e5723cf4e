"""Seats: one active member per classification of a chapter, and who held it before."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from refnet.domain.decisions import World, get
from refnet.domain.facts import Recorded
from refnet.domain.membership import Member, MemberStatus
from refnet.domain.values import ChapterId, MemberId
from refnet.errors import InvalidRequest, SeatTaken


@dataclass(frozen=True, slots=True)
class Seat:
    """One classification of a chapter, and who holds it.

    mixed: the exclusive or of the holders' ids. Of one holder it is the id, and where seats are off
    and thousands share a classification it still costs one number.
    """

    holders: int
    mixed: int

    def changed(self, member: MemberId, by: int) -> Seat:
        """The seat after the member took it (by 1) or gave it up (by -1)."""
        return Seat(self.holders + by, self.mixed ^ member.int)

    @property
    def holder(self) -> MemberId | None:
        """Who holds it, if it is one member."""
        return MemberId(UUID(int=self.mixed)) if self.holders == 1 else None


def check_seat(
    world: World, chapter: ChapterId, classification: str, member: Any, time: int
) -> None:
    """Raises SeatTaken if another member holds the seat, or did at `time` or later.

    A suspended member keeps the seat.
    """
    if not get(world, "chapter", chapter, field="chapter").seats:
        return
    key = (chapter, fold_classification(classification))
    seat: Seat | None = world.index("seats").get(key)
    if seat is not None and seat.holders and seat.holder != member:
        raise SeatTaken(
            f"the seat for {classification!r} in chapter {chapter} is held by "
            f"{seat.holder or 'several members'}; choose another classification or chapter",
            field="classification",
            chapter=chapter,
            classification=classification,
            holder=seat.holder or "",
        )
    until, last = world.index("vacated").get(key, (0, member))
    if time < until and last != member:
        raise SeatTaken(
            f"the seat for {classification!r} in chapter {chapter} was held by {last} until "
            f"{until}; give an occur_time from then on, or choose another classification",
            field="occur_time",
            chapter=chapter,
            classification=classification,
            holder=last,
            until=until,
        )


def fold_classification(classification: str) -> str:
    """What is compared: neither case, spacing nor characters without a form of their own count.

    Letters of another alphabet that look alike do: a chapter sees who applies.
    """
    seen = (each for each in classification if unicodedata.category(each) != "Cf")
    return " ".join(unicodedata.normalize("NFKC", "".join(seen)).casefold().split())


def check_classification(classification: str) -> None:
    """Raises InvalidRequest for a classification of nothing but space."""
    if not fold_classification(classification):
        raise InvalidRequest(
            "classification is blank; name the profession the seat is for",
            field="classification",
        )


def index_seats(
    tables: Any, old: Member | None, new: Member, happened: Any, recorded: Recorded
) -> None:
    """Keeps three tables, the first two by (chapter, classification folded).

    `seats`: who holds it, a Seat. `vacated`: when it was last given up, and by whom.
    `crowded`: chapter -> how many of its classifications are held by more than one member.
    """
    before, after = _seat_of(old), _seat_of(new)
    if before == after:
        return
    if before is not None:
        until, _ = tables["vacated"].get(before, (0, new.id))
        if recorded.occur_time >= until:
            tables["vacated"][before] = (recorded.occur_time, new.id)
    for key, by in ((before, -1), (after, 1)):
        if key is not None:
            was = tables["seats"].get(key, Seat(0, 0))
            now = was.changed(new.id, by)
            tables["seats"][key] = now
            crowd = (now.holders > 1) - (was.holders > 1)
            if crowd:
                crowded = tables["crowded"]
                crowded[key[0]] = crowded.get(key[0], 0) + crowd


def _seat_of(member: Member | None) -> tuple[ChapterId, str] | None:
    seated = (MemberStatus.ACTIVE, MemberStatus.SUSPENDED)
    if member is None or member.status not in seated:
        return None
    return member.chapter, fold_classification(member.classification)
