"""Retention: personal data that nobody has needed for a while are erased.

A policy says for each class of people how many days they are kept after the last fact that names
them. Whoever is due is erased like anybody who asks for it, by the same facts. Free text about
people expires so many days after it was recorded, all of it by one fact.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

from refnet.domain.decisions import ERASED, EXPIRED, TEXTS
from refnet.domain.membership import Member, MemberStatus
from refnet.domain.network import ExpireTexts
from refnet.domain.read import PersonalDataRead
from refnet.domain.rights import (
    DETAILS,
    EraseContact,
    EraseMember,
    all_restricted,
    restricting,
    same_person,
)
from refnet.domain.values import MICROS_PER_DAY, ContactId, MemberId, NetworkId, utc_day
from refnet.engine import Engine
from refnet.errors import InvalidRequest

DAYS_MAX = 36_500
CLASSES = {
    "contacts": "contacts",
    "refused-applications": "people whose application was refused",
    "left-members": "members who left",
    "texts": "free texts",
}
"""What may go by age, and what it is called."""

_ID = re.compile(rb'"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"')
_READ = PersonalDataRead.NAME  # type: ignore[attr-defined]
_STATUSES = {
    MemberStatus.REFUSED: "refused-applications",
    MemberStatus.LEFT: "left-members",
}


class Due(NamedTuple):
    """Somebody whose data were kept long enough.

    day: of the last fact that names them, or a contact that was merged into them.
    """

    kind: str
    noun: str
    stream: UUID
    day: int


@dataclass(frozen=True, slots=True)
class Review:
    """What a policy comes to. restricted: how many are due, but restricted, and so are kept.

    texts: how many texts are due, and before which time they were recorded, microseconds.
    """

    due: list[Due]
    restricted: int
    texts: tuple[int, int]


def read_policy(path: Path) -> dict[str, int]:
    """Class -> days, from a TOML file. Raises InvalidRequest, naming what is wrong in it."""
    try:
        policy = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidRequest(
            f"{path} is no TOML: {error}; write lines such as contacts = 730 below [retention]",
            field="policy",
            path=path,
        ) from error
    found = policy.get("retention")
    if not isinstance(found, dict) or not found or len(policy) > 1:
        raise InvalidRequest(
            f"{path} must hold one table, [retention], with lines such as contacts = 730",
            field="policy",
            path=path,
        )
    for name, days in found.items():
        _check(path, name, days)
    return found


def _check(path: Path, name: str, days: object) -> None:
    if name not in CLASSES:
        raise InvalidRequest(
            f"{path}: {name!r} is no class of personal data; choose among {', '.join(CLASSES)}",
            field=f"retention.{name}",
            value=name,
        )
    if type(days) is not int or not 1 <= days <= DAYS_MAX:
        raise InvalidRequest(
            f"{path}: {name} = {days!r} is no number of days; give a whole one, 1 to {DAYS_MAX}",
            field=f"retention.{name}",
            value=days,
        )


def review(engine: Engine, policy: Mapping[str, int], today: int) -> Review:
    """Who is to be erased on a day (since 1970, UTC).

    Reads the whole log. Being read is no use of data, so it does not prolong how long they are
    kept. Raises StoreDamaged.
    """
    people = {who: kind for who, kind in _candidates(engine) if kind in policy}
    last = _last_days(engine, people)
    world = engine.state
    due, restricted = [], 0
    for who, kind in people.items():
        noun = "contact" if kind == "contacts" else "member"
        same = same_person(world.index, who)
        if who != same[0]:
            continue  # who was merged goes with the one that goes on
        day = max(last[each] for each in same if each in last)
        if today - day < policy[kind]:
            continue
        if restricting(world.index, who) is not None:
            restricted += 1
        else:
            due.append(Due(kind, noun, who, day))
    texts = _texts(engine, today - policy["texts"]) if "texts" in policy else (0, 0)
    return Review(due, restricted, texts)


def _texts(engine: Engine, day: int) -> tuple[int, int]:
    """How many texts were recorded before a UTC day that have not expired, and when it begins."""
    begins = max(day, 0) * MICROS_PER_DAY
    expired = engine.state.index(EXPIRED).get(TEXTS, 0)
    erased, restricted = engine.state.index(ERASED), all_restricted(engine.state.index)
    number = 0
    for fact, recorded in engine.facts(engine.position_at(expired - 1) if expired else 0):
        if recorded.record_time >= begins:
            break
        for field in fact.SEALED.keys() - set(DETAILS):
            sealed = getattr(fact, field)
            kept = sealed is None or sealed.subject in erased or sealed.subject in restricted
            number += not kept
    return number, begins


def command_for(due: Due, *, strict: bool) -> EraseMember | EraseContact:
    """What erases somebody."""
    if due.noun == "contact":
        return EraseContact(contact=ContactId(due.stream), strict=strict)
    return EraseMember(member=MemberId(due.stream), strict=strict)


def expiry_for(engine: Engine, found: Review) -> ExpireTexts | None:
    """What destroys the texts that are due, if any are."""
    number, begins = found.texts
    (network,) = engine.state.resident("network")
    return ExpireTexts(network=NetworkId(network), before_time=begins) if number else None


def _candidates(engine: Engine) -> Iterator[tuple[UUID, str]]:
    erased = engine.state.index(ERASED)
    for who in engine.state.resident("contact"):
        if who not in erased:
            yield who, "contacts"
    members: Mapping[UUID, Member] = engine.state.resident("member")
    for who, member in members.items():
        if member.status in _STATUSES:
            yield who, _STATUSES[member.status]


def _last_days(engine: Engine, people: Mapping[UUID, Any]) -> dict[UUID, int]:
    """The UTC day of the last fact that names each of them, or is of their stream."""
    by_text = {str(who).encode(): who for who in people}
    last: dict[UUID, int] = {}
    for row in engine.rows():
        if row.topic == _READ:
            continue
        named = [by_text[text] for text in _ID.findall(row.state) if text in by_text]
        if row.stream in people:
            named.append(row.stream)
        if named:
            day = utc_day(engine.codec.record_time(row.position, row.state))
            last.update(dict.fromkeys(named, day))
    return last


def in_batches(due: Iterable[Due], size: int) -> Iterator[list[Due]]:
    """The same in parts that are recorded and destroyed together."""
    batch: list[Due] = []
    for each in due:
        batch.append(each)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch
