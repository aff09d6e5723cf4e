"""From facts to rows: numbers members and chapters, and knows who belonged where."""

from __future__ import annotations

from itertools import repeat
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from refnet.domain.facts import Effect
from refnet.domain.seats import fold_classification
from refnet.domain.values import MICROS_PER_DAY
from refnet.ledger.calendar import Calendar
from refnet.ledger.columns import NO_CONTACT, NOBODY, Columns, contact_key
from refnet.ledger.extract import NO_DAY, OWN_ORIGIN, FactBatch

_MOVES = np.zeros(256, bool)
_MOVES[[Effect.JOIN, Effect.MEMBERSHIP]] = True
"""By effect: whether the giver belongs to the row's chapter from then on."""


class Fold:
    """Turns batches of facts, in log order, into rows.

    members, chapters: UUIDs by number. Members are numbered in order of their first induction,
    chapters in order of charter (score-model section 3). classifications: what professions are
    compared by, by number, in the order in which seats for them were first taken.
    """

    def __init__(self) -> None:
        self.members: list[UUID] = []
        self.chapters: list[UUID] = []
        self.zones: list[str] = []
        self.classifications: list[str] = []
        self._numbers: dict[str | None, int] = {None: NOBODY}
        self._chapter_numbers: dict[str | None, int] = {None: NOBODY}
        self._classification_numbers: dict[str, int] = {}
        self._home = np.full(1024, NOBODY, np.int32)
        self._calendar = Calendar()

    def add_member(self, member: str) -> None:
        """Number a member, if it is new."""
        if member in self._numbers:
            return
        number = len(self.members)
        self._numbers[member] = number
        self.members.append(UUID(member))
        if number == len(self._home):
            self._home = np.concatenate([self._home, np.full(number, NOBODY, np.int32)])

    def add_chapter(self, chapter: str, zone: str) -> None:
        """Number a chapter."""
        self._chapter_numbers[chapter] = len(self.chapters)
        self.chapters.append(UUID(chapter))
        self.zones.append(zone)
        self._calendar.add(zone)

    def add_classification(self, classification: str) -> int:
        """The number of a profession, given as it is compared; a new one if it had none yet."""
        number = self._classification_numbers.setdefault(classification, len(self.classifications))
        if number == len(self.classifications):
            self.classifications.append(classification)
        return number

    def chapter_number(self, chapter: UUID) -> int:
        """The number of a chapter, or NOBODY. Any thread may ask."""
        return self._chapter_numbers.get(str(chapter), NOBODY)

    def classification_number(self, classification: str) -> int:
        """The number of a profession, however it is written, or NOBODY. Any thread may ask."""
        return self._classification_numbers.get(fold_classification(classification), NOBODY)

    def move(self, rows: Columns) -> None:
        """Learn from rows of the past who belongs to which chapter."""
        self._move(rows.giver, rows.chapter, rows.effect)

    def rows(self, batch: FactBatch) -> Columns:
        """The rows of a batch. Ids that no earlier fact introduced become NOBODY."""
        known = len(self.members)
        for _, member in batch.joined:
            self.add_member(member)
        for _, chapter, zone in batch.opened:
            self.add_chapter(chapter, zone)
        out = self._undated(batch)
        for row, classification in batch.seated:
            out.value[row] = self.add_classification(fold_classification(classification))
        for row, contact in batch.named:
            out.contact[row] = _contact(contact)
        self._forget_future(out, known)
        self._home_chapters(out)
        self._date(batch, out)
        return out

    def _undated(self, batch: FactBatch) -> Columns:
        """The columns of a batch, but for the days."""
        size, references = len(batch), batch.references
        return Columns(
            day=np.empty(size, np.int32),
            chapter_day=np.empty(size, np.int32),
            kind=batch.kinds,
            effect=batch.effects,
            giver=_numbers(self._numbers, batch.givers),
            receiver=_numbers(self._numbers, batch.receivers),
            chapter=_numbers(self._chapter_numbers, batch.chapters),
            value=batch.values,
            reference=np.where(references == OWN_ORIGIN, batch.origins, references),
            contact=np.full(size, NO_CONTACT, np.int64),
        )

    def _date(self, batch: FactBatch, out: Columns) -> None:
        """A fact's own date, else the earlier of its two times (score-model section 1).

        So nobody post-dates evidence.
        """
        times = np.minimum(batch.occur, batch.record)
        dated = batch.days != NO_DAY
        out.day[:] = np.where(dated, batch.days, times // MICROS_PER_DAY)
        out.chapter_day[:] = np.where(dated, batch.days, self._calendar.days(times, out.chapter))

    def _forget_future(self, out: Columns, known: int) -> None:
        """Before their induction applicants have no number, wherever a batch ends."""
        if len(self.members) == known:
            return
        joins = np.flatnonzero(out.effect == Effect.JOIN)
        joined = np.full(len(self.members), -1, np.int64)
        joined[known:] = len(out)
        np.minimum.at(joined, out.giver[joins], joins)
        for column in (out.giver, out.receiver):
            early = (column != NOBODY) & (joined[column] > np.arange(len(out)))
            column[early] = NOBODY

    def _home_chapters(self, out: Columns) -> None:
        """Rows without a chapter of their own get the giver's, as of that row."""
        moves = np.flatnonzero(_MOVES[out.effect])
        start = 0
        for stop in [*moves.tolist(), len(out)]:
            span = slice(start, stop)
            empty = (out.chapter[span] == NOBODY) & (out.giver[span] != NOBODY)
            out.chapter[span][empty] = self._home[out.giver[span][empty]]
            if stop < len(out):
                self._home[out.giver[stop]] = out.chapter[stop]
            start = stop

    def _move(
        self, giver: NDArray[np.int32], chapter: NDArray[np.int32], effect: NDArray[np.uint8]
    ) -> None:
        moves = np.flatnonzero(_MOVES[effect])
        for row in moves.tolist():
            self._home[giver[row]] = chapter[row]


def _contact(contact: str) -> int:
    """The key of a contact; as members that nothing introduced, what is no id is nobody."""
    try:
        return contact_key(UUID(contact))
    except ValueError:
        return NO_CONTACT


def _numbers(numbers: dict[str | None, int], ids: list[str | None]) -> NDArray[np.int32]:
    return np.fromiter(map(numbers.get, ids, repeat(NOBODY)), np.int32, len(ids))
