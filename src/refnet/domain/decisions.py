"""How a command becomes facts: the frame every noun's rules run in.

A noun brings a `decide` function per command and one `evolve`. `decide` may refuse; `evolve` may
not. Neither reads a clock, a random number or the environment: time and new ids come in with the
request.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, TypeVar, dataclass_transform
from uuid import UUID

from refnet.domain.facts import Recorded
from refnet.domain.values import MICROS_PER_SECOND
from refnet.errors import (
    InvalidRequest,
    NetworkMissing,
    NotFound,
    OccurTimeBeforeCharter,
    OccurTimeInFuture,
    SubjectErased,
)

FUTURE_SKEW = 300 * MICROS_PER_SECOND
"""How far ahead of the server's clock a caller's clock may run."""

LOCAL = "local"
"""The principal of all who reach a store or a server directly, until callers are authenticated."""

T = TypeVar("T")


@dataclass_transform(frozen_default=True, kw_only_default=True)
def command(target: str | None = None) -> Callable[[type[T]], type[T]]:
    """Declare a command.

    `target` names the field that holds the stream's id; None: the command opens a stream.
    """

    def declare(cls: type[T]) -> type[T]:
        record: Any = dataclass(frozen=True, slots=True, kw_only=True)(cls)
        record.TARGET = target
        return record  # type: ignore[no-any-return]

    return declare


class Command(Protocol):
    """The shape `@command` gives a class."""

    TARGET: ClassVar[str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A command with who asks for it.

    request_id: the caller's key of idempotency. occur_time: microseconds, or None for "now".
    new_id: the id of the stream that the command opens, if it opens one.
    """

    command: Any
    request_id: str
    new_id: UUID
    principal: str = LOCAL
    acting_member: UUID | None = None
    occur_time: int | None = None


@dataclass(frozen=True, slots=True)
class Context:
    """What a decision may know besides the command and the state.

    now: the `record_time` the facts will carry. stream: the stream they are appended to.
    """

    now: int
    occur_time: int
    stream: UUID
    acting_member: UUID | None


class World(Protocol):
    """The state at the head of the log, as decisions see it."""

    def find(self, noun: str, stream: UUID) -> Any | None:
        """The state of a stream, or None if no such stream exists."""

    def index(self, name: str) -> Mapping[Any, Any]:
        """A look-up table that a noun keeps over its streams."""


Decide = Callable[[Any, Context, Any, World], list[Any]]


@dataclass(frozen=True, slots=True)
class Noun:
    """One row of the table of nouns: everything refnet needs to know about a kind of stream.

    plural: the collection in resource names, `referrals` in `referrals/{uuid}`.
    id_type: the NewType that marks ids of this noun in commands and facts.
    facts: classes declared with `@fact`.
    resident: its states are all held in memory (members, chapters), not read when needed.
    timed_ids: ids are UUIDv7, for activity; people get UUIDv4, which tell nothing.
    index: keeps this noun's look-up tables; called with the tables, old and new state, fact and
    recorded.
    served: whether callers may send its commands; False for what only refnet itself records.
    """

    name: str
    plural: str
    id_type: Any
    facts: tuple[Any, ...]
    commands: Mapping[type, Decide]
    evolve: Callable[[Any, Any, Recorded], Any]
    resident: bool = False
    timed_ids: bool = True
    index: Callable[[dict[str, dict[Any, Any]], Any, Any, Any, Recorded], None] | None = None
    served: bool = True


@dataclass(frozen=True, slots=True)
class Decision:
    """Facts to append, in order, to one stream."""

    noun: str
    stream: UUID
    facts: tuple[Any, ...]


def decide(noun: Noun, request: Request, now: int, world: World) -> Decision:
    """Turn a request into facts, or refuse it.

    now: the `record_time` of the batch, microseconds. Raises a `refnet.errors.RefnetError` that
    names the rule; the network is unchanged then.
    """
    asked = request.command
    occur_time = now if request.occur_time is None else request.occur_time
    _check_time(noun, asked, occur_time, now, world)
    if request.acting_member is not None:
        get(world, "member", request.acting_member, field="acting_member")
    if asked.TARGET is None:
        stream, state = request.new_id, None
    else:
        stream = getattr(asked, asked.TARGET)
        state = get(world, noun.name, stream, field=asked.TARGET)
    context = Context(now, occur_time, stream, request.acting_member)
    facts = noun.commands[type(asked)](asked, context, state, world)
    return Decision(noun.name, stream, tuple(facts))


ERASED = "erased"
"""The index of people who were erased: id -> Erasure."""


EXPIRED = "expired"
"""The index of what expired: TEXTS -> the record time in microseconds before which they did."""

TEXTS = "texts"


@dataclass(frozen=True, slots=True)
class Erasure:
    """A person was erased, by the fact at a position; strict: the ciphertexts go too."""

    position: int
    strict: bool


def check_not_erased(world: World, subject: UUID, *, field: str) -> None:
    """Raises SubjectErased, naming the request's field, for a person who was erased."""
    erasure: Erasure | None = world.index(ERASED).get(subject)
    if erasure is not None:
        raise SubjectErased(
            f"{subject}, whom {field} is about, was erased by the fact at position "
            f"{erasure.position}, and nothing more is recorded about them; name somebody else",
            field=field,
            subject=subject,
            position=erasure.position,
        )


def get(world: World, noun: str, stream: UUID, *, field: str) -> Any:
    """The state of a stream.

    Raises NotFound, or SubjectErased for a person who was erased, naming the request's field.
    """
    state = world.find(noun, stream)
    if state is None:
        raise NotFound(
            f"no {noun} {stream}; check {field}, or record the {noun} first",
            field=field,
            noun=noun,
            id=stream,
        )
    check_not_erased(world, stream, field=field)
    return state


def _check_time(noun: Noun, asked: Any, occur_time: int, now: int, world: World) -> None:
    if occur_time < 0:
        raise InvalidRequest(
            f"occur_time {occur_time} lies before 1970; give microseconds since then",
            field="occur_time",
            occur_time=occur_time,
        )
    if occur_time > now + FUTURE_SKEW:
        raise OccurTimeInFuture(
            f"occur_time {occur_time} is more than {FUTURE_SKEW // MICROS_PER_SECOND} s ahead of "
            f"the server's {now}; set the caller's clock, or leave occur_time out",
            field="occur_time",
            occur_time=occur_time,
            now=now,
            skew_seconds=FUTURE_SKEW // MICROS_PER_SECOND,
        )
    if noun.name == "network" and asked.TARGET is None:
        return  # this is what charters it
    chartered = world.index("network").get("chartered")
    if chartered is None:
        raise NetworkMissing("the log holds no network yet; charter one first")
    if occur_time < chartered:
        raise OccurTimeBeforeCharter(
            f"occur_time {occur_time} lies before the network's charter {chartered}; "
            "give a time after it, or charter the network with an earlier occur_time",
            field="occur_time",
            occur_time=occur_time,
            chartered=chartered,
        )
