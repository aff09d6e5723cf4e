"""Which facts are in force, and what the score model reads in them (score-model section 1).

Vectorised over ledger rows. Nothing is ever subtracted: a fact that was voided, withdrawn or
corrected simply yields no event, and whoever keeps accumulators refolds those it touched.
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

_MAY_FALL_ON_RECEIVER = (Effect.CLIENT, Effect.SIGNAL)

_ROLL = (Effect.JOIN, Effect.MEMBERSHIP, Effect.STOPPED, Effect.RESUMED, Effect.STANDING)

NO_POSITIONS = np.empty(0, np.int64)

_SPARSE = 16
"""Of fewer than one position in so many, positions are numbered among themselves."""


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


def rows_between(columns: Columns, one: int, two: int) -> Rows:
    """All rows that name these two members, whichever gives; whole streams, as `rows_about`."""
    giver, receiver = columns.giver, columns.receiver
    both = ((giver == one) & (receiver == two)) | ((giver == two) & (receiver == one))
    at = np.flatnonzero(both)
    return Rows(at.astype(np.int64) + 1, columns.take(at))


def rows_on(
    columns: Columns, pairs: NDArray[np.int64], members: NDArray[np.int64], count: int
) -> Rows:
    """Rows that yield all events that fall on these pairs or members, whole streams only.

    pairs: int64[pairs, 2], in any order. Fewer than `rows_about`: of what is between a member and
    somebody else only that which may fall on the member alone, such as the word of a client.
    """
    about = rows_about(columns, members, count)
    rows = about.columns
    wanted = np.zeros(count + 1, bool)
    wanted[members] = True
    between = (rows.giver != NOBODY) & (rows.receiver != NOBODY)
    key = _pair_keys(rows.giver, rows.receiver)
    alone = between & np.isin(rows.effect, _MAY_FALL_ON_RECEIVER) & wanted[rows.receiver]
    keys = np.unique(np.concatenate([_pair_keys(pairs[:, 0], pairs[:, 1]), key[alone]]))
    at = np.flatnonzero(~between | np.isin(key, keys))
    return Rows(about.position[at], rows.take(at))


def _pair_keys(one: NDArray[Any], other: NDArray[Any]) -> NDArray[np.int64]:
    """A number for each unordered pair."""
    low, high = (end(one, other).astype(np.int64) for end in (np.minimum, np.maximum))
    keys: NDArray[np.int64] = (low << 32) | high
    return keys


def events(rows: Rows, day: int, joined: int = 0) -> Events:
    """As `located`, without the positions."""
    return located(rows, day, joined)[1]


def located(
    rows: Rows, day: int, joined: int = 0, left_out: NDArray[np.int64] = NO_POSITIONS
) -> tuple[NDArray[np.int64], Events]:
    """Positions, rising, and the model events of facts in force, in log order, of days up to `day`.

    rows: whole streams, and with a client's word the referral it names. joined: members numbered
    below this have joined before these rows, so that another induction of theirs is a return. A
    fact takes effect at the position and day of the fact that makes it count; taking back works by
    position alone, whatever the day. left_out: positions of facts that shall never have happened,
    with all that depends on them; a referral among them has introduced nobody.
    """
    if len(left_out):
        kept = np.flatnonzero(~np.isin(rows.position, left_out))
        rows = Rows(rows.position[kept], rows.columns.take(kept))
    return _Force(rows, day, joined, left_out).located()


class _Force:
    """One pass over rows: first what was taken back, then what the rest says.

    Tables by position are as long as the log, unless the rows are few: then positions are numbered
    among themselves, so that a handful of new rows costs no more than a handful.
    """

    def __init__(self, rows: Rows, day: int, joined: int, left_out: NDArray[np.int64]) -> None:
        self.at = rows.position
        self.joined = joined
        self.rows = rows.columns
        effect = self.rows.effect
        self.in_time = self.rows.day <= day
        columns = (self.at, self.rows.reference, left_out)
        (self.key, self.reference, absent), self.size = _numbered(*columns)
        self.is_open = np.isin(effect, _STREAM_OPENS)
        self.origin = np.where(self.is_open, self.key, self.reference)
        gone = np.zeros(self.size, bool)
        gone[self.reference[effect == Effect.VOID]] = True
        gone[absent] = True
        self.stream_gone = gone
        marks = np.isin(effect, (Effect.ATTENDANCE, Effect.ATTENDANCE_CORRECTED))
        replaced = np.zeros(self.size, bool)
        replaced[self.reference[effect == Effect.ATTENDANCE_CORRECTED]] = True
        self.stands = np.where(marks, ~replaced[self.key], ~gone[self.origin])
        self.counts = self.stands & self.in_time
        self._out: list[tuple[NDArray[np.int64], ...]] = []

    def located(self) -> tuple[NDArray[np.int64], Events]:
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
        positions, days, kinds, first, second, amount = (column[order] for column in columns)
        return positions, Events(
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
        newest = np.zeros(self.size, np.int64)
        np.maximum.at(newest, self.origin[words], self.at[words])
        rows = np.flatnonzero(words & self.stands & (newest[self.origin] == self.at))
        clients = np.zeros(self.size, bool)
        clients[self.key[effect == Effect.CLIENT]] = True
        by_client = clients[self.origin[rows]]
        plain = rows[~by_client]
        plain = plain[self.in_time[plain]]
        self._emit(plain, Kind.TESTIMONIAL, self.rows.value[plain] * _RATING_UNIT)
        self._clients(rows[by_client])

    def _clients(self, rows: NDArray[np.intp]) -> None:
        """A client's word counts from the fact that first verified it or closed its business."""
        referral_of = np.zeros(self.size, np.int64)
        opens = self.rows.effect == Effect.CLIENT
        referral_of[self.key[opens]] = self.reference[opens]
        referral = referral_of[self.origin[rows]]
        verified = self._first(Effect.VERIFIED)[self.origin[rows]]
        closed = np.where(referral > 0, self._first(Effect.CLOSED)[referral], _NEVER)
        made = np.minimum(verified, closed)
        effective = np.maximum(made, self.at[rows])
        known = (made != _NEVER) & self.in_time[rows]
        rows, effective, referral = rows[known], effective[known], referral[known]
        where = np.searchsorted(self.at, effective)
        introducer = np.where(self.stream_gone[referral], NOBODY, self.rows.giver[rows])
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
        first = np.full(self.size, _NEVER, np.int64)
        rows = self._chosen(effect)
        np.minimum.at(first, self.origin[rows], self.at[rows])
        return first


def _numbered(
    positions: NDArray[np.int64], *others: NDArray[np.int64]
) -> tuple[list[NDArray[np.int64]], int]:
    """Keys for positions and others, the same for the same position, and how many there can be.

    The key of "none", 0, is 0.
    """
    columns = [positions, *others]
    last = max(int(column.max(initial=0)) for column in columns)
    if _SPARSE * len(positions) > last:
        return columns, last + 1
    names = np.unique(np.concatenate([[0], *columns]))
    return [np.searchsorted(names, column) for column in columns], len(names)


@dataclass(frozen=True, slots=True)
class Policy:
    """The network's policies at a position; they apply to the whole history."""

    uniform: bool = False
    decay: bool = True
    value_half: int = 1000


_UNSAID = Policy()


def policy(columns: Columns, before: Policy = _UNSAID) -> Policy:
    """The policies after these rows, given those before them."""
    rows = np.flatnonzero(columns.effect == Effect.POLICY)
    if len(rows) == 0:
        return before
    uniform, decay, value_half = unpack_policy(int(columns.value[rows[-1]]))
    return Policy(uniform, decay, value_half)


class Roll:
    """Who belongs where, since when, in which standing, and who is active; read along the log."""

    def __init__(self) -> None:
        self._home = np.empty(0, np.int32)
        self._classification = np.empty(0, np.int64)
        self._joined = np.empty(0, np.int32)
        self._active = np.empty(0, bool)
        self._level = np.empty(0, np.int64)

    @property
    def members(self) -> int:
        """How many have joined."""
        return len(self._home)

    def read(self, columns: Columns) -> None:
        """Take in the rows that follow those read before."""
        rows = columns.take(np.flatnonzero(np.isin(columns.effect, _ROLL)))
        joins, chapters = rows.effect == Effect.JOIN, rows.effect == Effect.STANDING
        moves = joins | (rows.effect == Effect.MEMBERSHIP)
        people = joins | np.isin(rows.effect, (Effect.STOPPED, Effect.RESUMED))
        known = len(self._joined)
        self._home = _grown(self._home, rows.giver[joins])
        self._classification = _grown(self._classification, rows.giver[joins])
        self._joined = _grown(self._joined, rows.giver[joins])
        self._active = _grown(self._active, rows.giver[joins])
        self._level = _grown(self._level, rows.chapter[chapters])
        _last(self._home, rows.giver[moves], rows.chapter[moves])
        _last(self._classification, rows.giver[moves], rows.value[moves])
        first = joins & (rows.giver >= known)  # whoever comes back joined long ago
        _last(self._joined, rows.giver[first][::-1], rows.day[first][::-1])
        _last(self._active, rows.giver[people], rows.effect[people] != Effect.STOPPED)
        _last(self._level, rows.chapter[chapters], rows.value[chapters])

    def copy(self) -> Roll:
        """A copy that later rows do not reach."""
        other = Roll()
        other._home, other._active = self._home.copy(), self._active.copy()
        other._classification, other._joined = self._classification.copy(), self._joined.copy()
        other._level = self._level.copy()
        return other

    def home(self) -> NDArray[np.int32]:
        """The chapter of each member, or the last one, by chapter number; int32."""
        return self._home.copy()

    def classification(self) -> NDArray[np.int64]:
        """The profession of each member's seat, or of the last one, by its number; int64."""
        return self._classification.copy()

    def joined(self) -> NDArray[np.int32]:
        """The UTC day of each member's first induction; int32."""
        return self._joined.copy()

    def standing(self) -> NDArray[np.float64]:
        """Standing of each member's chapter, or of the last one; float64 in [0, 1]."""
        level = np.append(self._level, FULL_STANDING)  # the last one is for NOBODY
        return level[self._home] / np.float64(FULL_STANDING)

    def active(self) -> NDArray[np.bool_]:
        """Who is an active member."""
        return self._active.copy()


def _grown(table: NDArray[Any], numbers: NDArray[np.int32]) -> NDArray[Any]:
    """The table, long enough for these numbers."""
    more = int(numbers.max(initial=NOBODY)) + 1 - len(table)
    return np.concatenate([table, np.zeros(more, table.dtype)]) if more > 0 else table


def _last(out: NDArray[Any], index: NDArray[Any], value: NDArray[Any]) -> None:
    """out[index] = value, where of equal indices the last one wins by construction."""
    unique, newest = np.unique(index[::-1], return_index=True)
    out[unique] = value[::-1][newest]
