"""Whom paths may lead to: seats for a profession, and who knows a contact; both as of now."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from refnet.domain.contact import merged_into, resolve
from refnet.domain.membership import MemberStatus
from refnet.domain.state import State
from refnet.domain.values import ContactId


def seated(state: State, classification: str, chapter: UUID | None = None) -> list[UUID]:
    """Active members with a seat for a classification, whatever its letters' case.

    chapter: only its seats; None: any.
    """
    wanted = classification.casefold()
    states = tuple(state.resident("member").items())  # others come while we look
    return _active(
        state,
        (
            stream
            for stream, member in states
            if member.classification.casefold() == wanted
            and (chapter is None or member.chapter == chapter)
        ),
    )


def acquainted(state: State, contact: UUID) -> list[UUID]:
    """Active members who registered a contact, or one that is the same person.

    Raises NotFound for an unknown contact.
    """
    same = merged_into(state, resolve(state, ContactId(contact)))
    contacts = state.resident("contact")
    return _active(state, sorted({contacts[each].registered_by for each in same} - {None}))


def _active(state: State, members: Iterable[UUID]) -> list[UUID]:
    states = state.resident("member")
    return [each for each in members if states[each].status is MemberStatus.ACTIVE]
