"""From facts to rows: numbers members and chapters, and knows who belonged where."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from refnet.domain.facts import Effect
from refnet.domain.values import MICROS_PER_DAY
from refnet.ledger.calendar import Calendar, day_number
from refnet.ledger.columns import NOBODY, Columns, allocate
from refnet.ledger.extract import STREAM, FactBatch, Group

_MEMBERSHIPS = (Effect.JOIN, Effect.MEMBERSHIP)


class Fold:
    """Turns batches of facts, in log order, into rows.

    members, chapters: UUIDs by number. Members are numbered in order of their first induction,
    chapters in order of charter (score-model section 3).
    """

    def __init__(self) -> None:
        self.members: list[UUID] = []
        self.chapters: list[UUID] = []
        self.zones: list[str] = []
        self._numbers: dict[str | None, int] = {None: NOBODY}
        self._chapter_numbers: dict[str | None, int] = {None: NOBODY}
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

    def move(self, rows: Columns) -> None:
        """Learn from rows of the past who belongs to which chapter."""
        self._move(rows.giver, rows.chapter, rows.effect)

    def rows(self, batch: FactBatch) -> Columns:
        """The rows of a batch. Ids that no earlier fact introduced become NOBODY."""
        self._introduce(batch)
        out = allocate(len(batch))
        occur = np.array(batch.occur, np.int64)
        record = np.array(batch.record, np.int64)
        out.reference[:] = batch.origins
        has_date = np.zeros(len(batch), bool)
        for group in batch.groups.values():
            at = np.array(group.rows, np.intp)
            self._fill(group, at, out)
            if group.fact_type.COLUMNS.day is not None:
                has_date[at] = True
        self._home_chapters(out)
        # The earlier time decides (score-model section 1), so that nobody post-dates evidence.
        times = np.minimum(occur, record)
        undated = ~has_date
        out.day[undated] = (times[undated] // MICROS_PER_DAY).astype(np.int32)
        out.chapter_day[undated] = self._calendar.days(times[undated], out.chapter[undated])
        return out

    def _introduce(self, batch: FactBatch) -> None:
        for group in batch.groups.values():
            zone = group.fact_type.COLUMNS.zone
            if zone is not None:
                for stream, name in zip(group.streams, _read(group, zone), strict=True):
                    self.add_chapter(_dashed(stream), name)
            elif group.fact_type.COLUMNS.effect is Effect.JOIN:
                for stream in group.streams:
                    self.add_member(_dashed(stream))

    def _fill(self, group: Group, at: NDArray[np.intp], out: Columns) -> None:
        spec = group.fact_type.COLUMNS
        out.kind[at] = spec.kind
        out.effect[at] = spec.effect
        out.giver[at] = _numbers(self._numbers, group, spec.giver)
        out.receiver[at] = _numbers(self._numbers, group, spec.receiver)
        out.chapter[at] = _numbers(self._chapter_numbers, group, spec.chapter)
        if callable(spec.value):
            out.value[at] = [spec.value(fact) for fact in group.facts]
        elif spec.value is not None:
            out.value[at] = _read(group, spec.value)
        if spec.reference is not None:
            out.reference[at] = _read(group, spec.reference)
        if spec.day is not None:
            days = [day_number(date) for date in _read(group, spec.day)]
            out.day[at] = days
            out.chapter_day[at] = days

    def _home_chapters(self, out: Columns) -> None:
        """Rows without a chapter of their own get the giver's, as of that row."""
        moves = np.flatnonzero(np.isin(out.effect, _MEMBERSHIPS))
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
        moves = np.flatnonzero(np.isin(effect, _MEMBERSHIPS))
        for row in moves.tolist():
            self._home[giver[row]] = chapter[row]


def _numbers(numbers: dict[str | None, int], group: Group, name: str | None) -> Any:
    if name is None:
        return NOBODY
    if name == STREAM:
        return [numbers.get(_dashed(stream), NOBODY) for stream in group.streams]
    return [numbers.get(_text(value), NOBODY) for value in _read(group, name)]


def _dashed(stream: str) -> str:
    """The canonical text of a UUID given as 32 hex digits."""
    return f"{stream[:8]}-{stream[8:12]}-{stream[12:16]}-{stream[16:20]}-{stream[20:]}"


def _text(value: object) -> str | None:
    return value if value is None or isinstance(value, str) else str(value)


def _read(group: Group, name: str) -> list[Any]:
    return [getattr(fact, name) for fact in group.facts]
