"""A small log to test with: the network and one made-up noun that uses every feature of the log."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar
from uuid import UUID

from refnet.domain import network
from refnet.domain.decisions import Context, Noun, Request, World, command
from refnet.domain.facts import Columns, Recorded, fact, pii, pseudonym, public
from refnet.domain.ids import Entropy, uuid4, uuid7
from refnet.domain.values import Personal
from refnet.errors import WrongState
from refnet.log.codec import UPCASTS, Codec, Upcasts
from refnet.log.disclosure import Disclosure
from refnet.log.live import LiveState
from refnet.log.sequencer import Sequencer
from refnet.log.store import open_store
from refnet.log.unlock import open_keys

START = 1_700_000_000_000_000


@fact("refnet.note-opened.v1", Columns(250))
class NoteOpened:
    """Text about the stream itself, and about somebody else if there is one."""

    about: UUID | None = pseudonym()
    text: Personal | None = pii("stream")
    gossip: Personal | None = pii("about", "stream")
    marks: tuple[int, ...] = public()


@fact("refnet.note-counted.v1", Columns(251))
class NoteCounted:
    """The count went up."""

    by: int = public()


@command()
class OpenNote:
    """Open a note; `times` counts follow in the same request."""

    LOOKUP: ClassVar[str] = "external_id"

    text: str | None = None
    gossip: str | None = None
    about: UUID | None = None
    times: int = 0
    external_id: str | None = None


@command(target="note")
class CountNote:
    """Count; zero changes nothing, a negative number is refused, 13 is a mistake in the domain."""

    note: UUID
    by: int = 1


@dataclass(frozen=True, slots=True)
class Note:
    """The state of a note."""

    total: int
    text: Any


def _open(asked: OpenNote, ctx: Context, state: None, world: World) -> list[Any]:
    opened = NoteOpened(about=asked.about, text=asked.text, gossip=asked.gossip, marks=(1, 2))
    return [opened, *(NoteCounted(by=1) for _ in range(asked.times))]


def _count(asked: CountNote, ctx: Context, state: Note, world: World) -> list[Any]:
    if asked.by < 0:
        raise WrongState(f"the note stands at {state.total}", total=state.total)
    if asked.by == 13:
        raise ZeroDivisionError
    return [NoteCounted(by=asked.by)] if asked.by else []


def _evolve(state: Note | None, happened: Any, recorded: Recorded) -> Note:
    if isinstance(happened, NoteOpened):
        return Note(0, happened.text)
    assert state is not None
    return Note(state.total + happened.by, state.text)


def _index(tables: Any, old: Any, new: Note, happened: Any, recorded: Recorded) -> None:
    tables["notes"]["total"] = (
        (tables["notes"].get("total") or 0) + new.total - (old.total if old else 0)
    )


NOTE = Noun(
    name="note",
    plural="notes",
    id_type=UUID,
    facts=(NoteOpened, NoteCounted),
    commands={OpenNote: _open, CountNote: _count},
    evolve=_evolve,
    index=_index,
)

NOUNS = (network.NOUN, NOTE)


def seeded(seed: int) -> Entropy:
    """Bytes that are the same in every run."""
    return random.Random(seed).randbytes


class Ticking:
    """A clock that a test sets; it stands still otherwise."""

    def __init__(self, now: int = START) -> None:
        self.now = now

    def __call__(self) -> int:
        return self.now


@dataclass
class Rig:
    """A log in a directory, opened as wiring opens one."""

    directory: Path
    entropy: Entropy = field(default_factory=lambda: seeded(1))
    nouns: tuple[Noun, ...] = NOUNS
    upcasts: Upcasts = field(default_factory=lambda: UPCASTS)
    clock: Ticking = field(default_factory=Ticking)

    def __post_init__(self) -> None:
        self.store = open_store(self.directory, self.entropy)
        try:
            self.keys = open_keys(self.store, None, self.entropy, lambda _: None)
        except BaseException:
            self.store.close()
            raise
        self.codec = Codec(self.nouns, self.upcasts)
        self.reader = self.store.reader(self.codec)
        self.live = LiveState(self.store.reader(self.codec), self.nouns)
        self.live.start()
        self.sequencer = Sequencer(
            self.store,
            self.codec,
            self.keys,
            self.live,
            nouns=self.nouns,
            clock=self.clock,
            entropy=self.entropy,
        )
        self.disclosure = Disclosure(self.reader, self.keys)
        self.ids = seeded(99)
        self.asked = self.reader.position()

    def request(self, asked: Any, request_id: str | None = None, **options: Any) -> Request:
        """A request with a fresh id."""
        self.asked += 1
        options.setdefault("new_id", uuid7(self.clock.now, self.ids))
        return Request(command=asked, request_id=request_id or f"r{self.asked}", **options)

    def do(self, asked: Any, request_id: str | None = None, **options: Any) -> Any:
        """Execute one request: its receipt, or what refused it."""
        return self.sequencer.execute([self.request(asked, request_id, **options)])[0]

    def total(self, note: UUID) -> int:
        """What a note stands at, as decisions see it."""
        state = self.live.state.find("note", note)
        assert isinstance(state, Note)
        return state.total

    def charter(self) -> Any:
        """Begin the network."""
        return self.do(network.CharterNetwork(name="n"), "charter", new_id=uuid4(self.ids))

    def close(self) -> None:
        """Let go of everything, as at the end of a process."""
        self.live.close()
        self.reader.close()
        self.keys.close()
        self.store.close()
