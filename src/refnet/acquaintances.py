"""Whom paths may lead to: seats for a profession, and who knows a contact; as of a snapshot."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from refnet.domain.contact import Contact, ContactMerged
from refnet.domain.facts import Effect
from refnet.domain.meeting import VisitorCame
from refnet.domain.referral import ReferralDisputed, ReferralPassed
from refnet.domain.rights import MERGED
from refnet.domain.state import State
from refnet.domain.testimonial import ClientTestimonialGiven
from refnet.errors import NotFound
from refnet.ledger.columns import NOBODY, Columns, contact_key
from refnet.ranking import listed
from refnet.standings import Snapshot


class Known(StrEnum):
    """How a member came to know a contact."""

    REGISTERED = "registered"
    """The member registered them."""
    INVITED = "invited"
    """The member brought them to a meeting as a visitor."""
    PASSED_ON = "passed_on"
    """The member passed them on in a referral, neither voided nor disputed."""
    WON = "won"
    """The member won business with them, from such a referral."""
    PRAISED_BY = "praised_by"
    """They spoke well of the member: a testimonial above 0, not withdrawn."""


def _kind(fact: Any) -> int:
    kind: int = fact.COLUMNS.kind
    return kind


_SAYS = {
    _kind(VisitorCame): ("giver", Known.INVITED),
    _kind(ReferralPassed): ("giver", Known.PASSED_ON),
    _kind(ClientTestimonialGiven): ("receiver", Known.PRAISED_BY),
}
"""By kind of a row that names a contact: whose number in it knows them, and how."""


@dataclass(frozen=True, slots=True)
class Acquaintance:
    """A member who knows a contact. evidence: (how, positions of its facts, rising), by `Known`."""

    member: int
    evidence: tuple[tuple[Known, tuple[int, ...]], ...]


def seated(snapshot: Snapshot, classification: str, chapter: int | None = None) -> list[int]:
    """Active members with a seat for a classification, however it is written; numbers, by rank.

    chapter: its number, for only its seats; None: any.
    """
    names = snapshot.ledger.fold
    found = listed(snapshot, chapter, names.classification_number(classification))
    seats: list[int] = found[snapshot.active[found]].tolist()
    return seats


def acquainted(snapshot: Snapshot, state: State, contact: UUID) -> list[Acquaintance]:
    """Active members who know a contact, or one that was the same person by then; by number.

    state: of the log at the snapshot's position or later. Raises NotFound for a contact that was
    not registered at the snapshot's position.
    """
    same = _same_person(snapshot, state, contact)
    known = [*_registered(snapshot, same), *_told(snapshot.columns, [each.id for each in same])]
    order = list(Known)
    rows = sorted(
        (member, order.index(how), position)
        for member, how, position in known
        if member != NOBODY and snapshot.active[member]
    )
    return [
        Acquaintance(
            member,
            tuple(
                (order[how], tuple(position for *_, position in facts))
                for how, facts in groupby(mine, key=lambda row: row[1])
            ),
        )
        for member, mine in groupby(rows, key=lambda row: row[0])
    ]


def _same_person(snapshot: Snapshot, state: State, contact: UUID) -> list[Contact]:
    """The contact and all that had been merged with it by the snapshot's position."""
    contacts = state.resident("contact")
    asked = contacts.get(contact)
    if asked is None or asked.position > snapshot.position:
        raise NotFound(
            f"no contact {contact} at position {snapshot.position}; check contact, or ask for a "
            "position at which it was registered",
            field="contact",
            noun="contact",
            id=contact,
        )
    columns = snapshot.columns
    # A merge is a fact of the contact that does not go on, and refers to its registration.
    merged = columns.reference[columns.kind == _kind(ContactMerged)]
    gone = set(merged.tolist())

    def goes_on_as(each: Contact) -> Contact:
        while each.merged_into is not None and each.position in gone:
            each = contacts[each.merged_into]
        return each

    goes_on = goes_on_as(asked)
    others = state.index(MERGED).get(goes_on.id, ())  # by now, which may be more than by then
    return [goes_on, *(c for c in (contacts[each] for each in others) if goes_on_as(c) is goes_on)]


def _registered(snapshot: Snapshot, same: list[Contact]) -> Iterator[tuple[int, Known, int]]:
    for each in same:
        if each.registered_by is not None:
            member = snapshot.numbers.get(each.registered_by, NOBODY)
            yield member, Known.REGISTERED, each.position


def _told(columns: Columns, contacts: list[UUID]) -> Iterator[tuple[int, Known, int]]:
    """What rows that name one of the contacts say, and those that followed from them."""
    named = np.zeros(len(columns), bool)
    for contact in contacts:
        named |= columns.contact == contact_key(contact)
    positions = np.flatnonzero(named) + 1
    # Later facts of their streams refer to the first; so may others, of which none is read here.
    later = np.flatnonzero(np.isin(columns.reference, positions))
    ends = (columns.effect == Effect.VOID) | (columns.kind == _kind(ReferralDisputed))
    ended = set(columns.reference[later[ends[later]]].tolist())
    rating = _ratings(columns, positions, later)
    for position in positions.tolist():
        kind = columns.kind.item(position - 1)
        if position in ended or kind not in _SAYS:
            continue
        who, how = _SAYS[kind]
        if how is not Known.PRAISED_BY or rating[position] > 0:
            yield getattr(columns, who).item(position - 1), how, position
    for row in later[columns.effect[later] == Effect.WON].tolist():
        if columns.reference.item(row) not in ended:
            yield columns.receiver.item(row), Known.WON, row + 1


def _ratings(
    columns: Columns, positions: NDArray[np.int64], later: NDArray[np.int64]
) -> dict[int, int]:
    """By position, the value of the fact there, or of its last revision."""
    revised = later[columns.effect[later] == Effect.REVISION]
    told = np.concatenate([positions, columns.reference[revised]])
    value = np.concatenate([columns.value[positions - 1], columns.value[revised]])
    return dict(zip(told.tolist(), value.tolist(), strict=True))
