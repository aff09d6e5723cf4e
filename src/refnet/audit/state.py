"""The state of one stream as of a position, folded from its rows, and the facts that made it."""

from __future__ import annotations

import dataclasses
import datetime as dt
from dataclasses import dataclass
from enum import Enum
from typing import Any
from uuid import UUID

from refnet.consistency import check_in_log
from refnet.domain.decisions import Noun
from refnet.domain.facts import Recorded
from refnet.domain.nouns import NOUNS
from refnet.domain.values import Sealed
from refnet.errors import InvalidRequest, NotFound
from refnet.log.live import fitting
from refnet.log.reader import Reader, check_commitments

BY_WORD = {word: noun for noun in NOUNS for word in (noun.name, noun.plural)}
"""Nouns by name and plural, as resource names have them."""


@dataclass(frozen=True)
class Step:
    """A fact of a stream. sealed: names of its personal fields that are set."""

    position: int
    version: int
    name: str
    record_time: int
    occur_time: int
    commitment: bytes
    sealed: tuple[str, ...]
    fact: Any


@dataclass(frozen=True)
class Held:
    """What the log says of a stream at a position."""

    noun: Noun
    stream: UUID
    position: int
    state: Any
    steps: tuple[Step, ...]


def noun_of(kind: str) -> Noun:
    """The noun of a word. Raises InvalidRequest, naming all there are."""
    if kind not in BY_WORD:
        names = ", ".join(noun.name for noun in NOUNS)
        raise InvalidRequest(
            f"KIND {kind!r} is no kind of stream; choose one of {names}", field="KIND", value=kind
        )
    return BY_WORD[kind]


def state_at(reader: Reader, noun: Noun, stream: UUID, position: int) -> Held:
    """The state of a stream at a position.

    Raises PositionAhead, NotFound where the stream had not begun or is of another noun,
    StoreDamaged naming a position that is not what was committed to, or does not fit.
    """
    check_in_log(position, reader.position())
    rows = reader.stream_rows(stream, position)
    check_commitments(rows)
    commitments = [row[6] for row in rows]
    told = list(reader.stream(stream, position))
    if not told:
        raise _missing(reader, noun, stream, position)
    if type(told[0][0]) not in noun.facts:
        (other,) = (each for each in NOUNS if type(told[0][0]) in each.facts)
        raise NotFound(
            f"{stream} is no {noun.name} but a {other.name}; ask for that",
            field="ID",
            noun=other.name,
            id=stream,
        )
    state = None
    for fact, recorded in told:
        with fitting(fact, recorded):
            if type(fact) not in noun.facts:
                raise TypeError("it is of another noun than the stream")
            state = noun.evolve(state, fact, recorded)
    pairs = zip(told, commitments, strict=True)
    steps = tuple(_step(fact, recorded, each) for (fact, recorded), each in pairs)
    return Held(noun, stream, position, state, steps)


def plain(value: Any) -> Any:
    """A state, or a field of a fact, as JSON; what is sealed says so and shows its hash."""
    if isinstance(value, Sealed):
        return {"sealed": value.sha256, "epoch": value.epoch, "subject": str(value.subject)}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {each.name: plain(getattr(value, each.name)) for each in dataclasses.fields(value)}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, dt.date | UUID):
        return str(value)
    if isinstance(value, dict):
        return {str(plain(name)): plain(each) for name, each in value.items()}
    if isinstance(value, set | frozenset):
        return sorted((plain(each) for each in value), key=str)
    if isinstance(value, tuple | list):
        return [plain(each) for each in value]
    return value


def _step(fact: Any, recorded: Recorded, commitment: bytes) -> Step:
    sealed = tuple(name for name in fact.SEALED if getattr(fact, name) is not None)
    return Step(
        recorded.position,
        recorded.version,
        fact.NAME,
        recorded.record_time,
        recorded.occur_time,
        commitment,
        sealed,
        fact,
    )


def _missing(reader: Reader, noun: Noun, stream: UUID, position: int) -> NotFound:
    later = reader.stream_rows(stream)
    if later:
        begins = later[0][0]
        return NotFound(
            f"the {noun.name} {stream} begins at position {begins}, after {position}; "
            f"ask for it at {begins} or later",
            field="--at",
            noun=noun.name,
            id=stream,
            position=begins,
        )
    return NotFound(
        f"no {noun.name} {stream} is in the log; take an ID from `refnet export facts`",
        field="ID",
        noun=noun.name,
        id=stream,
    )
