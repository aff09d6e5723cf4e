"""What people may ask about their own data: to be erased, corrected, or left alone.

Members and contacts have the same rights, so their facts and commands stand side by side. The facts
are receipts; the log carries out what they say (`Act`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

from refnet.domain.decisions import ERASED, Erasure, World, command
from refnet.domain.facts import Act, Columns, Recorded, fact, pii, public
from refnet.domain.membership import Member, MemberStatus, profiled
from refnet.domain.values import ContactId, MemberId, Personal
from refnet.errors import InvalidRequest, WrongState

DETAILS = ("name", "email", "phone", "external_id")
"""What tells who somebody is, and does not expire. All other personal fields are free text."""

RESTRICTED = "restricted"
"""The index of people whose data are not to be used: id -> True; None once that is lifted.

Ask `restricting`: who was merged with them is the same person, and is not in it.
"""

MERGED = "merged"
"""The index of contacts: contact -> all that were merged into it, directly or through others."""

GOES_ON = "goes_on"
"""The index of contacts that were merged: contact -> the one that goes on."""

Index = Callable[[str], Mapping[Any, Any]]
"""The tables of a state: `index` of a World, for one."""


@fact("refnet.member-erased.v1", Columns(30, giver="stream"), act=Act.ERASES)
class MemberErased:
    """The member's personal data are gone for good. strict: the ciphertexts as well."""

    strict: bool = public()


@fact("refnet.member-rectified.v1", Columns(31, giver="stream"), act=Act.RECTIFIES)
class MemberRectified:
    """Personal details were wrong; what is None was not. Every earlier text of a field goes."""

    name: Personal | None = pii("stream")
    email: Personal | None = pii("stream")
    phone: Personal | None = pii("stream")


@fact("refnet.member-restricted.v1", Columns(32, giver="stream"), act=Act.RESTRICTS)
class MemberRestricted:
    """The member's personal data are kept, but not shown."""


@fact(
    "refnet.member-restriction-lifted.v1",
    Columns(33, giver="stream"),
    needs=("refnet.member-restricted.v1",),
    act=Act.LIFTS,
)
class MemberRestrictionLifted:
    """The member's personal data are shown again."""


@fact("refnet.contact-erased.v1", Columns(42), act=Act.ERASES)
class ContactErased:
    """The contact's personal data are gone for good, and those of all that were merged into it.

    strict: the ciphertexts as well.
    """

    strict: bool = public()


@fact("refnet.contact-rectified.v1", Columns(43), act=Act.RECTIFIES)
class ContactRectified:
    """Personal details were wrong; what is None was not. Every earlier text of a field goes."""

    name: Personal | None = pii("stream")
    email: Personal | None = pii("stream")
    phone: Personal | None = pii("stream")


@fact("refnet.contact-restricted.v1", Columns(44), act=Act.RESTRICTS)
class ContactRestricted:
    """The contact's personal data are kept, but not shown."""


@fact(
    "refnet.contact-restriction-lifted.v1",
    Columns(45),
    needs=("refnet.contact-restricted.v1",),
    act=Act.LIFTS,
)
class ContactRestrictionLifted:
    """The contact's personal data are shown again."""


@command(target="member")
class EraseMember:
    """Destroy a member's personal data; an active one leaves first."""

    member: MemberId
    strict: bool = False


@command(target="member")
class RectifyMember:
    """Correct personal details that were wrong; what is None was not."""

    member: MemberId
    name: str | None = None
    email: str | None = None
    phone: str | None = None


@command(target="member")
class RestrictMember:
    """Keep a member's personal data, but show them to nobody."""

    member: MemberId


@command(target="member")
class UnrestrictMember:
    """Show a member's personal data again."""

    member: MemberId


@command(target="contact")
class EraseContact:
    """Destroy the personal data of a contact and of all that were merged into it."""

    contact: ContactId
    strict: bool = False


@command(target="contact")
class RectifyContact:
    """Correct personal details that were wrong; what is None was not."""

    contact: ContactId
    name: str | None = None
    email: str | None = None
    phone: str | None = None


@command(target="contact")
class RestrictContact:
    """Keep a contact's personal data, but show them to nobody."""

    contact: ContactId


@command(target="contact")
class UnrestrictContact:
    """Show a contact's personal data again."""

    contact: ContactId


MEMBER_FACTS = (MemberErased, MemberRectified, MemberRestricted, MemberRestrictionLifted)
CONTACT_FACTS = (ContactErased, ContactRectified, ContactRestricted, ContactRestrictionLifted)


def details(asked: RectifyMember | RectifyContact) -> dict[str, str | None]:
    """The fields to correct. Raises InvalidRequest if there is none."""
    if asked.name is None and asked.email is None and asked.phone is None:
        raise InvalidRequest(
            "nothing is to be corrected; give a name, an email or a phone", field="name"
        )
    return {"name": asked.name, "email": asked.email, "phone": asked.phone}


def same_person(index: Index, subject: UUID) -> tuple[UUID, ...]:
    """Everybody who is the same person, by merges in either direction; first who goes on."""
    goes_on = index(GOES_ON).get(subject, subject)
    return (goes_on, *index(MERGED).get(goes_on, ()))


def restricting(index: Index, subject: UUID) -> UUID | None:
    """Under which id the data of a person are restricted: their own, if so; None if they are not.

    An erased one restricts nobody: nothing of theirs is left, and it could not be lifted.
    """
    restricted, erased = index(RESTRICTED), index(ERASED)
    for each in (subject, *same_person(index, subject)):
        if restricted.get(each) and each not in erased:
            return each
    return None


def all_restricted(index: Index) -> frozenset[UUID]:
    """Everybody whose data are restricted, under whatever id."""
    found = [who for who, is_so in index(RESTRICTED).items() if is_so and who not in index(ERASED)]
    return frozenset(same for who in found for same in same_person(index, who))


def check_restricted(world: World, subject: UUID, *, field: str, wanted: bool) -> None:
    """Raises WrongState unless the person's data are restricted, or are not, as wanted."""
    by = restricting(world.index, subject)
    if by is not None and by != subject:
        way_out = "lift it there" if wanted else "nothing needs to be done"
        raise WrongState(
            f"the data of {field} {subject} are restricted with {field} {by}, which is the same "
            f"person by a merge; {way_out}",
            field=field,
            subject=subject,
            restricted=by,
        )
    if (by is not None) != wanted:
        is_so = "are not restricted" if wanted else "are restricted already"
        raise WrongState(
            f"the data of {field} {subject} {is_so}; nothing needs to be done",
            field=field,
            subject=subject,
        )


def of_member(state: Member, happened: Any, recorded: Recorded) -> Member:
    """The member after one of MEMBER_FACTS."""
    match happened:
        case MemberErased():
            return replace(state, status=MemberStatus.ERASED, roles=())
        case MemberRectified():
            return profiled(state, happened, recorded.version)
        case _:
            return state


def index_rights(tables: Any, happened: Any, recorded: Recorded) -> None:
    """Keeps the tables ERASED and RESTRICTED."""
    match type(happened).ACT:
        case Act.ERASES:
            erasure = Erasure(recorded.position, happened.strict)
            for each in same_person(tables.__getitem__, recorded.stream):
                if each not in tables[ERASED]:
                    tables[ERASED][each] = erasure
        case Act.RESTRICTS:
            tables[RESTRICTED][recorded.stream] = True
        case Act.LIFTS:
            tables[RESTRICTED][recorded.stream] = None
        case _:
            pass
