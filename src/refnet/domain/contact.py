"""Contacts: clients, prospects and visitors, who are parties but not members."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from refnet.domain import rights
from refnet.domain.decisions import Context, Noun, World, command, get
from refnet.domain.facts import Columns, Recorded, fact, pii, pseudonym
from refnet.domain.values import ContactId, MemberId, Personal
from refnet.errors import SelfDealing, WrongState


@fact("refnet.contact-registered.v1", Columns(40, giver="registered_by"))
class ContactRegistered:
    """Somebody outside the network becomes known to it."""

    registered_by: MemberId | None = pseudonym()
    name: Personal = pii("stream")
    email: Personal | None = pii("stream")
    phone: Personal | None = pii("stream")


@fact("refnet.contact-merged.v1", Columns(41))
class ContactMerged:
    """This contact and `into` are the same person; `into` goes on."""

    into: ContactId = pseudonym()


@command()
class RegisterContact:
    """Register a client, prospect or visitor."""

    name: str
    email: str | None = None
    phone: str | None = None
    registered_by: MemberId | None = None


@command(target="contact")
class MergeContact:
    """Declare two contacts the same person."""

    contact: ContactId
    into: ContactId


@dataclass(frozen=True, slots=True)
class Contact:
    """State of a contact. merged_into: the contact that goes on, if any.

    name_at, email_at, phone_at: version of the fact of this stream that holds the newest value of
    that personal field, 0 if none does.
    """

    id: ContactId
    registered_by: MemberId | None
    merged_into: ContactId | None
    position: int
    name_at: int
    email_at: int
    phone_at: int


def _register(asked: RegisterContact, ctx: Context, state: None, world: World) -> list[Any]:
    if asked.registered_by is not None:
        get(world, "member", asked.registered_by, field="registered_by")
    return [
        ContactRegistered(
            registered_by=asked.registered_by,
            name=asked.name,
            email=asked.email,
            phone=asked.phone,
        )
    ]


def _merge(asked: MergeContact, ctx: Context, state: Contact, world: World) -> list[Any]:
    if asked.into == asked.contact:
        raise SelfDealing(
            "a contact cannot be merged into itself; name the contact that goes on",
            field="into",
            contact=asked.contact,
        )
    get_current(world, asked.contact, field="contact")
    get_current(world, asked.into, field="into")
    return [ContactMerged(into=asked.into)]


def get_current(world: World, contact: ContactId, *, field: str) -> Contact:
    """The contact, if it was not merged away. Raises NotFound or WrongState."""
    found: Contact = get(world, "contact", contact, field=field)
    if found.merged_into is not None:
        raise WrongState(
            f"contact {contact} was merged into {found.merged_into}; use that one",
            field=field,
            contact=contact,
            merged_into=found.merged_into,
        )
    return found


def merged_into(world: World, contact: ContactId) -> tuple[ContactId, ...]:
    """The contact and all that were merged into it, directly or through others."""
    return (contact, *world.index(rights.MERGED).get(contact, ()))


def resolve(world: World, contact: ContactId) -> ContactId:
    """The contact that goes on for one that may have been merged, however often."""
    while True:
        found: Contact = get(world, "contact", contact, field="contact")
        if found.merged_into is None:
            return contact
        contact = found.merged_into


def _erase(asked: rights.EraseContact, ctx: Context, state: Contact, world: World) -> list[Any]:
    """All that were merged are one person, and are erased together, by the one that goes on."""
    if state.merged_into is not None:
        goes_on = resolve(world, asked.contact)
        raise WrongState(
            f"contact {asked.contact} was merged into contact {goes_on} and is the same person; "
            "erase that one, and both are",
            field="contact",
            contact=asked.contact,
            also=goes_on,
        )
    return [rights.ContactErased(strict=asked.strict)]


def _rectify(asked: rights.RectifyContact, ctx: Context, state: Contact, world: World) -> list[Any]:
    return [rights.ContactRectified(**rights.details(asked))]


def _restrict(
    asked: rights.RestrictContact, ctx: Context, state: Contact, world: World
) -> list[Any]:
    rights.check_restricted(world, asked.contact, field="contact", wanted=False)
    return [rights.ContactRestricted()]


def _unrestrict(
    asked: rights.UnrestrictContact, ctx: Context, state: Contact, world: World
) -> list[Any]:
    rights.check_restricted(world, asked.contact, field="contact", wanted=True)
    return [rights.ContactRestrictionLifted()]


def profiled(state: Contact, happened: rights.ContactRectified, version: int) -> Contact:
    """The contact after new personal details in the fact of that version."""
    return replace(
        state,
        name_at=state.name_at if happened.name is None else version,
        email_at=state.email_at if happened.email is None else version,
        phone_at=state.phone_at if happened.phone is None else version,
    )


def _evolve(state: Contact | None, happened: Any, recorded: Recorded) -> Contact:
    match happened:
        case ContactRegistered():
            return Contact(
                ContactId(recorded.stream),
                happened.registered_by,
                None,
                recorded.position,
                name_at=recorded.version,
                email_at=0 if happened.email is None else recorded.version,
                phone_at=0 if happened.phone is None else recorded.version,
            )
        case ContactMerged():
            assert state is not None
            return replace(state, merged_into=happened.into)
        case rights.ContactRectified():
            assert state is not None
            return profiled(state, happened, recorded.version)
        case _ if isinstance(happened, rights.CONTACT_FACTS):
            assert state is not None
            return state
        case _:
            raise TypeError(f"contact cannot hold {happened!r}")


def _index(
    tables: Any, old: Contact | None, new: Contact, happened: Any, recorded: Recorded
) -> None:
    """Keeps MERGED and GOES_ON."""
    if isinstance(happened, ContactMerged):
        merged = tables[rights.MERGED]
        gone = (new.id, *merged.get(new.id, ()))
        for each in gone:
            tables[rights.GOES_ON][each] = happened.into
        merged[happened.into] = (*merged.get(happened.into, ()), *gone)
    rights.index_rights(tables, happened, recorded)


NOUN = Noun(
    name="contact",
    plural="contacts",
    id_type=ContactId,
    facts=(ContactRegistered, ContactMerged, *rights.CONTACT_FACTS),
    commands={
        RegisterContact: _register,
        MergeContact: _merge,
        rights.EraseContact: _erase,
        rights.RectifyContact: _rectify,
        rights.RestrictContact: _restrict,
        rights.UnrestrictContact: _unrestrict,
    },
    evolve=_evolve,
    resident=True,
    timed_ids=False,
    index=_index,
)
