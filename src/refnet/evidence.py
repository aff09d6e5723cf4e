"""Which facts are in force, and what the score model reads in them (score-model section 1).

Vectorised over ledger rows. Nothing is ever subtracted: a fact that was voided, withdrawn or corrected
simply yields no event, and whoever keeps accumulators refolds those it touched.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from refnet.accumulators import Events, Kind
from refnet.domain.chapter import FULL_STANDING
from refnet.domain.facts import Effect
from refnet.domain.meeting import MARKS
from refnet.domain.network import unpack_policy
from refnet.ledger.columns import NOBODY, Columns

_ATTENDANCE_WEIGHTS = np.array([{"P": 1000, "L": 1000, "S": 500}.get(mark, 0) for mark in MARKS])
_HELD, _CONFIRMED = 30, 70
_RATING_UNIT = 100
_NEVER = np.iinfo(np.int64).max

_PLAIN = {
    Effect.MEETING_HELD: Kind.MEETING,
    Effect.MEETING_CONFIRMED: Kind.MEETING,
    Effect.ACCEPTED: Kind.ACCEPTED,
    Effect.WON: Kind.WON,
    Effect.CLOSED: Kind.CLOSED,
    Effect.LOST: Kind.LOST,
}
"""Effects that yield one event as long as their stream stands."""

_STREAM_OPENS = (Effect.MEETING_HELD, Effect.TESTIMONIAL, Effect.CLIENT)
"""Effects of facts that open a stream, whose `reference` is therefore not the stream's origin."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Ledger rows with their positions, ascending."""

    position: NDArray[np.int64]
    columns: Columns


def rows_of(columns: Columns, after: int = 0) -> Rows:
    """Rows of positions after + 1 and on that have any effect; `columns` begins at position 1."""
    at = np.flatnonzero(columns.effect[after:]) + after
    return Rows(at.astype(np.int64) + 1, columns.take(at))


def rows_about(columns: Columns, members: NDArray[np.int64], count: int) -> Rows:
    """All rows with an effect in which one of the members gives or receives; `count` members exist.

    Facts of one stream name the same two members, so the result holds whole streams only.
    """
    wanted = np.zeros(count + 1, bool)  # index -1, nobody, is the last and stays False
    wanted[members] = True
    chosen = (wanted[columns.giver] | wanted[columns.receiver]) & (columns.effect != 0)
    at = np.flatnonzero(chosen)
    return Rows(at.astype(np.int64) + 1, columns.take(at))


def events(rows: Rows, day: int, size: int, joined: int = 0) -> Events:
    """The model events of facts in force, in log order, of days up to `day`.

    rows: whole streams. size: positions go up to this. joined: members numbered below this have joined
    before these rows, so that another induction of theirs is a return. A fact takes effect at the position and day of the
    fact that makes it count; taking back works by position alone, whatever the day.
    """
    return _Force(rows, day, size, joined).events()


class _Force:
    """One pass over rows: first what was taken back, then what the rest says."""

    def __init__(self, rows: Rows, day: int, size: int, joined: int) -> None:
        self.at = rows.position
        self.joined = joined
        self.rows = rows.columns
        self.size = size
        effect = self.rows.effect
        self.in_time = self.rows.day <= day
        self.is_open = np.isin(effect, _STREAM_OPENS)
        self.origin = np.where(self.is_open, self.at, self.rows.reference)
        gone = np.zeros(size + 1, bool)
        gone[self.rows.reference[effect == Effect.VOID]] = True
        self.stream_gone = gone
        marks = np.isin(effect, (Effect.ATTENDANCE, Effect.ATTENDANCE_CORRECTED))
        replaced = np.zeros(size + 1, bool)
        replaced[self.rows.reference[effect == Effect.ATTENDANCE_CORRECTED]] = True
        self.stands = np.where(marks, ~replaced[self.at], ~gone[self.origin])
        self.counts = self.stands & self.in_time
        self._out: list[tuple[NDArray[np.int64], ...]] = []

    def events(self) -> Events:
        """All events, merged into log order by the position at which they count."""
        self._joins()
        self._attendance()
        for effect, kind in _PLAIN.items():
            self._plain(effect, kind)
        self._junk()
        self._testimonials()
        self._signals()
        columns = [np.concatenate(parts) for parts in zip(*self._out, strict=True)]
        order = np.argsort(columns[0], kind="stable")
        _, days, kinds, first, second, amount = (column[order] for column in columns)
        return Events(
            day=days.astype(np.int32),
            kind=kinds.astype(np.uint8),
            a=first.astype(np.int32),
            b=second.astype(np.int32),
            amount=amount.astype(np.int64),
        )

    def _chosen(self, effect: Effect) -> NDArray[np.intp]:
        return np.flatnonzero(self.counts & (self.rows.effect == effect))

    def _emit(
        self,
        rows: NDArray[np.intp],
        kind: Kind,
        amount: NDArray[np.int64] | int,
        first: NDArray[np.int32] | None = None,
    ) -> None:
        given = self.rows.giver[rows] if first is None else first
        self._out.append(
            (
                self.at[rows],
                self.rows.day[rows].astype(np.int64),
                np.full(len(rows), int(kind), np.int64),
                given.astype(np.int64),
                self.rows.receiver[rows].astype(np.int64),
                np.broadcast_to(np.asarray(amount, np.int64), (len(rows),)),
            )
        )

    def _joins(self) -> None:
        rows = self._chosen(Effect.JOIN)
        rows = rows[self.rows.giver[rows] >= self.joined]
        _, firsts = np.unique(self.rows.giver[rows], return_index=True)
        self._emit(rows[np.sort(firsts)], Kind.JOIN, 1000)

    def _attendance(self) -> None:
        marked = self._chosen(Effect.ATTENDANCE)
        rows = np.sort(np.concatenate([marked, self._chosen(Effect.ATTENDANCE_CORRECTED)]))
        weight = _ATTENDANCE_WEIGHTS[self.rows.value[rows]]
        self._emit(rows[weight > 0], Kind.ATTENDANCE, weight[weight > 0])

    def _plain(self, effect: Effect, kind: Kind) -> None:
        rows = self._chosen(effect)
        amount: NDArray[np.int64] | int = {
            Effect.MEETING_HELD: _HELD,
            Effect.MEETING_CONFIRMED: _CONFIRMED,
        }.get(effect, 0)
        if effect is Effect.CLOSED:
            amount = self.rows.value[rows]
        self._emit(rows, kind, amount)

    def _junk(self) -> None:
        rows = self._chosen(Effect.JUNK_IF_ONE)
        rows = rows[self.rows.value[rows] == 1]
        _, firsts = np.unique(self.origin[rows], return_index=True)
        self._emit(rows[np.sort(firsts)], Kind.JUNK, 0)

    def _signals(self) -> None:
        rows = self._chosen(Effect.SIGNAL)
        self._emit(rows, Kind.SIGNAL, 1000, first=self.rows.receiver[rows])

    def _testimonials(self) -> None:
        effect = self.rows.effect
        words = np.isin(effect, (Effect.TESTIMONIAL, Effect.CLIENT, Effect.REVISION))
        newest = np.zeros(self.size + 1, np.int64)
        np.maximum.at(newest, self.origin[words], self.at[words])
        rows = np.flatnonzero(words & self.stands & (newest[self.origin] == self.at))
        opened = np.zeros(self.size + 1, np.uint8)
        opened[self.at[self.is_open]] = effect[self.is_open]
        by_client = opened[self.origin[rows]] == Effect.CLIENT
        plain = rows[~by_client]
        plain = plain[self.in_time[plain]]
        self._emit(plain, Kind.TESTIMONIAL, self.rows.value[plain] * _RATING_UNIT)
        self._clients(rows[by_client])

    def _clients(self, rows: NDArray[np.intp]) -> None:
        """A client's word counts from the fact that first verified it or closed its business."""
        referral_of = np.zeros(self.size + 1, np.int64)
        opens = self.rows.effect == Effect.CLIENT
        referral_of[self.at[opens]] = self.rows.reference[opens]
        referral = referral_of[self.origin[rows]]
        verified = self._first(Effect.VERIFIED)[self.origin[rows]]
        closed = np.where(referral > 0, self._first(Effect.CLOSED)[referral], _NEVER)
        made = np.minimum(verified, closed)
        effective = np.maximum(made, self.at[rows])
        known = (made != _NEVER) & self.in_time[rows]
        rows, effective, referral = rows[known], effective[known], referral[known]
        where = np.searchsorted(self.at, effective)
        voided = (referral > 0) & self.stream_gone[referral]
        introducer = np.where(voided, NOBODY, self.rows.giver[rows])
        self._out.append(
            (
                effective,
                self.rows.day[where].astype(np.int64),
                np.full(len(rows), int(Kind.CLIENT), np.int64),
                introducer.astype(np.int64),
                self.rows.receiver[rows].astype(np.int64),
                self.rows.value[rows] * _RATING_UNIT,
            )
        )

    def _first(self, effect: Effect) -> NDArray[np.int64]:
        """Position of the first such fact in force, by origin; never where there is none."""
        first = np.full(self.size + 1, _NEVER, np.int64)
        rows = self._chosen(effect)
        np.minimum.at(first, self.origin[rows], self.at[rows])
        return first


@dataclass(frozen=True, slots=True)
class Policy:
    """The network's policies at a position; they apply to the whole history."""

    uniform: bool = False
    decay: bool = True
    value_half: int = 1000


def policy(columns: Columns) -> Policy:
    """The policies after these rows."""
    rows = np.flatnonzero(columns.effect == Effect.POLICY)
    if len(rows) == 0:
        return Policy()
    uniform, decay, value_half = unpack_policy(int(columns.value[rows[-1]]))
    return Policy(uniform, decay, value_half)


def standing(columns: Columns, members: int, chapters: int) -> NDArray[np.float64]:
    """Standing of each member's chapter, or of the last one, after these rows; float64 in [0, 1]."""
    home = np.full(members, NOBODY, np.int32)
    moves = np.isin(columns.effect, (Effect.JOIN, Effect.MEMBERSHIP))
    _last(home, columns.giver[moves], columns.chapter[moves])
    level = np.full(chapters + 1, FULL_STANDING, np.int64)  # the last one is for NOBODY
    changes = columns.effect == Effect.STANDING
    _last(level, columns.chapter[changes], columns.value[changes])
    return level[home] / np.float64(FULL_STANDING)


def _last(out: NDArray[Any], index: NDArray[Any], value: NDArray[Any]) -> None:
    """out[index] = value, where of equal indices the last one wins by construction."""
    unique, newest = np.unique(index[::-1], return_index=True)
    out[unique] = value[::-1][newest]


def active(columns: Columns, members: int) -> NDArray[np.bool_]:
    """Who is an active member after these rows."""
    changes = np.isin(columns.effect, (Effect.JOIN, Effect.STOPPED, Effect.RESUMED))
    is_active = np.zeros(members, bool)
    _last(is_active, columns.giver[changes], columns.effect[changes] != Effect.STOPPED)
    return is_active
