"""Reads: who was shown whose personal data on which day. The server records them itself.

A stream holds what was noted at one time, one fact for each person. Reader, person and day are
recorded once, however often somebody looks and however often the server starts, because it is
decided here, under the lock of the log.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from refnet.domain.decisions import Context, Noun, World, command
from refnet.domain.facts import Columns, Recorded, fact, pseudonym, public
from refnet.domain.values import ReadId

READS = "reads"
"""The index of reads: (reader, subject) -> the last day that is recorded."""


@fact("refnet.personal-data-read.v1", Columns(110))
class PersonalDataRead:
    """reader was shown personal data of subject on a day (since 1970, UTC)."""

    subject: UUID = pseudonym()
    reader: str = pseudonym()
    day: int = public()


@command()
class RecordReads:
    """Note whose personal data a principal was shown on a day; what is known is not noted again."""

    reader: str
    day: int
    subjects: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class Read:
    """State of a stream of reads, of which there is nothing to decide."""

    id: ReadId
    position: int


def _record(asked: RecordReads, ctx: Context, state: None, world: World) -> list[Any]:
    known = world.index(READS)
    return [
        PersonalDataRead(subject=subject, reader=asked.reader, day=asked.day)
        for subject in dict.fromkeys(asked.subjects)
        if known.get((asked.reader, subject), -1) < asked.day
    ]


def _evolve(state: Read | None, happened: Any, recorded: Recorded) -> Read:
    if not isinstance(happened, PersonalDataRead):
        raise TypeError(f"read cannot hold {happened!r}")
    return Read(ReadId(recorded.stream), recorded.position) if state is None else state


def _index(tables: Any, old: Any, new: Read, happened: Any, recorded: Recorded) -> None:
    """Keeps READS."""
    tables[READS][happened.reader, happened.subject] = happened.day


NOUN = Noun(
    name="read",
    plural="reads",
    id_type=ReadId,
    facts=(PersonalDataRead,),
    commands={RecordReads: _record},
    evolve=_evolve,
    index=_index,
    served=False,
)
