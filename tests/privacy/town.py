"""A store of many members with things said about them, and what lies on its disk."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from refnet.domain.chapter import CharterChapter
from refnet.domain.contact import RegisterContact
from refnet.domain.decisions import Request
from refnet.domain.member import EnrolMember
from refnet.domain.network import CharterNetwork
from refnet.domain.nouns import BY_COMMAND
from refnet.domain.referral import AcceptReferral, PassReferral
from refnet.domain.testimonial import GiveTestimonial
from refnet.domain.values import MICROS_PER_DAY
from refnet.engine import Engine
from refnet.errors import RefnetError
from refnet.wiring import open_engine

FIELDS = ("name", "email", "phone", "external_id")


START = 20_000 * MICROS_PER_DAY


class Clock:
    """Time that stands still until a test moves it. now: microseconds."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> int:
        return self.now


@dataclass
class Town:
    """An open store. words: every text planted about a person, by person."""

    engine: Engine
    chapter: Any = None
    members: list[Any] = field(default_factory=list)
    contacts: list[Any] = field(default_factory=list)
    words: dict[UUID, list[str]] = field(default_factory=dict)

    def ask(self, command: Any, actor: UUID | None = None, **given: Any) -> Any:
        """The receipt of a command, or its refusal."""
        noun = BY_COMMAND[type(command)].name
        options: dict[str, Any] = {
            "request_id": str(uuid4()),
            "new_id": self.engine.new_id(noun),
        } | given
        if isinstance(command, CharterNetwork):
            options["occur_time"] = 0
        (outcome,) = self.engine.execute([Request(command=command, acting_member=actor, **options)])
        return outcome

    def do(self, command: Any, actor: UUID | None = None, **options: Any) -> Any:
        """The receipt of a command that must not be refused."""
        outcome = self.ask(command, actor, **options)
        if isinstance(outcome, RefnetError):
            raise outcome
        return outcome

    def word(self, about: UUID, what: str) -> str:
        """A text that is nowhere else."""
        made = f"canary-{what}-{uuid4().hex}"
        self.words.setdefault(about, []).append(made)
        return made

    def enrol(self) -> Any:
        """A member with everything that can be known of one."""
        new_id: Any = self.engine.new_id("member")
        texts: dict[str, Any] = {name: self.word(new_id, name) for name in FIELDS}
        command = EnrolMember(chapter=self.chapter, classification=str(uuid4()), **texts)
        self.do(command, new_id=new_id)
        self.members.append(new_id)
        return new_id

    def enrol_nameless(self) -> Any:
        """A member of whom nothing is known."""
        command = EnrolMember(chapter=self.chapter, classification=str(uuid4()))
        return self.do(command).stream

    def register(self) -> Any:
        """A contact."""
        new_id: Any = self.engine.new_id("contact")
        texts: dict[str, Any] = {name: self.word(new_id, name) for name in FIELDS[:3]}
        self.do(RegisterContact(**texts), new_id=new_id)
        self.contacts.append(new_id)
        return new_id

    def mingle(self) -> None:
        """Each member refers to the next one and praises them."""
        for giver, receiver in zip(self.members, self.members[1:] + self.members[:1], strict=True):
            said: dict[str, Any] = {
                "prospect_name": self.word(giver, "prospect"),
                "description": self.word(giver, "description"),
            }
            referral: Any = self.do(PassReferral(giver=giver, receiver=receiver, **said)).stream
            self.do(AcceptReferral(referral=referral), receiver)
            praise = self.word(receiver, "praise")
            self.do(GiveTestimonial(subject=receiver, author=giver, rating=9, text=praise), giver)

    def show(self, member: UUID) -> dict[str, Any]:
        """What is shown of a member or contact."""
        noun = "member" if member in self.engine.state.resident("member") else "contact"
        state = self.engine.state.resident(noun)[member]
        names = FIELDS if noun == "member" else FIELDS[:3]
        return self.engine.personal(member, {name: getattr(state, f"{name}_at") for name in names})

    def scores(self) -> dict[UUID, tuple[float, ...]]:
        """Every number of every member, bit by bit."""
        snapshot = self.engine.scores(day=21_000)
        arrays = [
            getattr(snapshot.scores, name) for name in ("score", "raw", "V", "T", "C", "R", "P")
        ]
        return {
            member: tuple(array[number].hex() for array in arrays)
            for number, member in enumerate(snapshot.members)
        }


@contextmanager
def town(data: Path, members: int = 0, contacts: int = 0, **options: Any) -> Iterator[Town]:
    """A store in a directory; with members, a new one."""
    options.setdefault("warn", lambda _: None)
    with open_engine(data, **options) as engine:
        made = Town(engine)
        if members:
            made.do(CharterNetwork(name="Town"))
            chapter = CharterChapter(
                name="One", city="Berlin", country="DE", time_zone="Europe/Berlin", currency="EUR"
            )
            made.chapter = made.do(chapter).stream
            for _ in range(members):
                made.enrol()
            for _ in range(contacts):
                made.register()
        else:
            made.chapter = next(iter(engine.state.resident("chapter")), None)
        yield made


def rows(path: Path, statement: str, parameters: Iterable[object] = ()) -> list[Any]:
    """Rows of a database, read beside whoever has it open."""
    raw = sqlite3.connect(path)
    try:
        return raw.execute(statement, tuple(parameters)).fetchall()
    finally:
        raw.close()


def wrapped_keys(data: Path, subject: UUID) -> list[bytes]:
    """Every key of a person, as it lies in the key store."""
    found = rows(data / "keys.db", "SELECT wrapped FROM keys WHERE subject = ?", (subject.hex,))
    return [wrapped for (wrapped,) in found if wrapped is not None]


def ciphertexts(data: Path, subject: UUID) -> list[bytes]:
    """Every sealed text of a person, wherever it is."""
    named = f'"subject":"{subject}"}}'.encode()
    found = rows(
        data / "log.db",
        "SELECT sealed.bytes, field, state FROM sealed JOIN stored_events"
        " ON stored_events.originator_id = sealed.originator_id AND originator_version = version",
    )
    return [
        text
        for text, name, state in found
        if named in state.partition(f'"{name}":{{'.encode())[2].split(b"}")[0] + b"}"
    ]


def files_with(folder: Path, sought: Iterable[bytes]) -> list[str]:
    """Which files hold which of these bytes."""
    wanted = list(sought)
    return [
        f"{path.name}: {each[:40]!r}"
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        for content in (path.read_bytes(),)
        for each in wanted
        if each in content
    ]
