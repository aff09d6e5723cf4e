"""Model events and the exact accumulators they fold into (score-model section 3).

Folding in any batches leaves the same state; a void is never subtracted: `reset` clears what it
touched and the caller folds those events again, in log order.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable
from dataclasses import dataclass, fields
from enum import IntEnum
from functools import lru_cache
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from refnet import _scoring
from refnet.decay import decay_table
from refnet.rows import offsets_of, sources_of

NOBODY = -1
_PAIRS_MAX = int(np.iinfo(np.int32).max)
"""A slot is an int32 in `Network.reverse`."""


class Kind(IntEnum):
    """Kinds of model events. JOIN, ATTENDANCE and SIGNAL concern member a alone."""

    JOIN = 0
    ATTENDANCE = 1
    MEETING = 2
    TESTIMONIAL = 3
    CLIENT = 4
    ACCEPTED = 5
    WON = 6
    CLOSED = 7
    LOST = 8
    JUNK = 9
    SIGNAL = 10


@dataclass(frozen=True, slots=True, eq=False)
class Events:
    """Model events in log order, one array element each.

    day: int32, UTC day number >= 0. kind: uint8, a Kind. a, b: int32 member ids; b counts only
    where two members take part; a is -1 for a client whose introducer is unknown. amount: int64, by
    kind: JOIN, ATTENDANCE, MEETING, SIGNAL a weight 0 .. 2^30 in thousandths of a unit of evidence;
    TESTIMONIAL, CLIENT a rating -1000 .. 1000; CLOSED a value 0 .. 10^12 in units of the reference
    currency; else 0. Raises ValueError if columns differ in length or do not fit their type.
    """

    day: NDArray[np.int32]
    kind: NDArray[np.uint8]
    a: NDArray[np.int32]
    b: NDArray[np.int32]
    amount: NDArray[np.int64]

    def __post_init__(self) -> None:
        types: list[Any] = [np.int32, np.uint8, np.int32, np.int32, np.int64]
        for column, dtype in zip(fields(self), types, strict=True):
            values = _column(getattr(self, column.name), dtype, column.name)
            object.__setattr__(self, column.name, values)
        if len({len(getattr(self, column.name)) for column in fields(self)}) != 1:
            raise ValueError("the columns of events differ in length")

    @classmethod
    def of(cls, rows: Iterable[tuple[int, int, int, int, int]]) -> Self:
        """Events from rows (day, kind, a, b, amount)."""
        columns: Any = np.array(list(rows), np.int64).reshape(-1, 5).T
        return cls(*(column.copy() for column in columns))

    def __len__(self) -> int:
        return len(self.day)

    def select(self, chosen: slice | NDArray[np.bool_] | NDArray[np.intp]) -> Events:
        """The events of a slice, a mask or an array of indices."""
        return Events(*(getattr(self, column.name)[chosen] for column in fields(self)))

    @property
    def paired(self) -> NDArray[np.bool_]:
        """Which events fall on a pair; the others fall on one member.

        A client introduced by nobody, or by the very member he speaks about, falls on member b.
        """
        alone = np.isin(self.kind, (Kind.JOIN, Kind.ATTENDANCE, Kind.SIGNAL))
        alone |= (self.kind == Kind.CLIENT) & ((self.a == NOBODY) | (self.a == self.b))
        return ~alone

    def touching(self, pairs: ArrayLike, members: ArrayLike) -> NDArray[np.bool_]:
        """Which events fold into what `Accumulators.reset(pairs, members)` clears."""
        ends = _ends(pairs)
        paired = self.paired
        key = _keys(np.minimum(self.a, self.b), np.maximum(self.a, self.b))
        wanted = _keys(np.minimum(*ends), np.maximum(*ends))
        on = np.where(self.kind == Kind.CLIENT, self.b, self.a)
        return np.where(paired, np.isin(key, wanted), np.isin(on, np.asarray(members, np.int64)))


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """The pairs of n members: slot s in offsets[i] .. offsets[i + 1] - 1 is (i, targets[s]).

    offsets: int64[n + 1]. targets: int32[pairs], rising in a row. reverse: int32[pairs], the slot
    of (targets[s], i).
    """

    offsets: NDArray[np.int64]
    targets: NDArray[np.int32]
    reverse: NDArray[np.int32]

    @property
    def sources(self) -> NDArray[np.int64]:
        """The member whose row each slot is in."""
        return sources_of(self.offsets)


class Changes(NamedTuple):
    """What changed in accumulators.

    members: rising, in whose own evidence or pairs something changed, and who is new. gaps: for
    each time that pairs appeared, their slots among those there were then; int64, rising.
    """

    members: NDArray[np.intp]
    gaps: tuple[NDArray[np.int64], ...]


class Accumulators:
    """All evidence between and about n members, decaying exactly. Not for concurrent use.

    decay: off means evidence never fades. uniform: pretrust 1 for everyone and no welcome on JOIN.
    value_half: value of business, in units of the reference currency, that counts half; 1 .. 10^12.

    Public arrays, to read only: keys, int64[pairs], source << 32 | target, sorted, each with its
    reverse; pair_totals int64[9, pairs] and member_totals int64[5, n] with periods int32 of the
    same shapes, in the order of PAIR_FIELDS and MEMBER_FIELDS; last_day, the latest day folded, -1
    before any.
    """

    PAIR_FIELDS = _scoring.PAIR_FIELD_NAMES
    MEMBER_FIELDS = _scoring.MEMBER_FIELD_NAMES
    HALF_LIVES: ClassVar[dict[str, int]] = dict(
        zip(
            (*_scoring.MEMBER_FIELD_NAMES, *_scoring.PAIR_FIELD_NAMES),
            (*_scoring.MEMBER_HALF_LIVES, *_scoring.PAIR_HALF_LIVES),
            strict=True,
        )
    )
    """Days until half is left, by field; CP and CN fade alike on a pair and on a member."""

    def __init__(
        self, n: int = 0, *, decay: bool = True, uniform: bool = False, value_half: int = 1000
    ) -> None:
        if not 1 <= value_half <= _scoring.CLOSED_MAX:
            raise ValueError("value_half must be 1 to 10^12")
        self.decay, self.uniform, self.value_half = decay, uniform, value_half
        self.last_day = -1
        self.keys: NDArray[np.int64] = np.empty(0, np.int64)
        self.pair_totals, self.pair_periods = _empty(len(self.PAIR_FIELDS), 0)
        self.member_totals, self.member_periods = _empty(len(self.MEMBER_FIELDS), 0)
        self._network: Network | None = None
        self._gaps: list[NDArray[np.int64]] | None = None
        self._changed = np.empty(0, bool)
        self._pairs_shared = self._members_shared = False
        self.grow(n)

    @property
    def n(self) -> int:
        """Number of members."""
        return int(self.member_totals.shape[1])

    @property
    def tables(self) -> NDArray[np.int64]:
        """The decay tables of all half-lives, one after the other."""
        return _tables(self.decay)

    def grow(self, n: int) -> None:
        """Make room for members 0 .. n - 1; members are never removed."""
        if n <= self.n:
            return
        totals, periods = _empty(len(self.MEMBER_FIELDS), n)
        totals[:, : self.n] = self.member_totals
        periods[:, : self.n] = self.member_periods
        self.member_totals, self.member_periods = totals, periods
        self._changed = np.append(self._changed, np.ones(n - len(self._changed), bool))
        self._members_shared = False
        self._network = None

    def fold(self, events: Events) -> None:
        """Fold events in log order, after all events folded before.

        A JOIN of member n adds a member. Pairs that appear, and the first change after `copy`, cost
        a copy of all pairs, so fold in batches. Raises ValueError, and changes nothing, if an event
        breaks a bound of `Events` or names a member who has not joined.
        """
        if len(events) == 0:
            return
        columns = (events.day, events.kind, events.a, events.b, events.amount)
        self.grow(_scoring.admit(*columns, self.n))
        slot, back = self._slots_of_events(events)
        self._own()
        _scoring.fold(
            *columns,
            slot,
            back,
            self.pair_totals,
            self.pair_periods,
            self.member_totals,
            self.member_periods,
            self.tables,
            self.decay,
            self.uniform,
            self.value_half,
        )
        self.last_day = max(self.last_day, int(events.day.max()))
        for members in (events.a, events.b):
            self._changed[members[members != NOBODY]] = True

    def reset(self, pairs: ArrayLike, members: ArrayLike) -> None:
        """Clear all fields of these pairs (rows of two ids; both directions) and these members.

        Fold again, in log order, the events that `Events.touching` says. `last_day` stays.
        """
        first, second = _ends(pairs)
        slots = self.slots(np.concatenate([first, second]), np.concatenate([second, first]))
        slots = slots[slots >= 0]
        chosen = np.asarray(members, np.int64).reshape(-1)
        if len(chosen) and not 0 <= chosen.min() <= chosen.max() < self.n:
            raise ValueError("a member to reset is unknown")
        self._own()
        self.pair_totals[:, slots], self.pair_periods[:, slots] = 0, -1
        self.member_totals[:, chosen], self.member_periods[:, chosen] = 0, -1
        for cleared in (first, second, chosen):
            self._changed[cleared] = True

    def take_changes(self) -> Changes:
        """What changed since the last call, for one who keeps something in step.

        At first, and in a copy, that is everybody, and no gaps are told.
        """
        found = Changes(np.flatnonzero(self._changed), tuple(self._gaps or ()))
        self._changed = np.zeros(self.n, bool)
        self._gaps = []
        return found

    def copy(self) -> Accumulators:
        """A copy that lives its own life; arrays are shared until one of the two changes."""
        self._pairs_shared = self._members_shared = True
        other: Accumulators = copy.copy(self)
        other._begin_changes()
        return other

    def slots(self, source: ArrayLike, target: ArrayLike) -> NDArray[np.int64]:
        """Slots of ordered pairs, -1 where the pair has never met."""
        return _find(self.keys, _keys(np.asarray(source), np.asarray(target)))

    def masses(self, field: str, source: ArrayLike, target: ArrayLike, day: int) -> NDArray[Any]:
        """Evidence of one of PAIR_FIELDS on a day: float64, units; 0 for a pair that never met."""
        slots = np.atleast_1d(self.slots(source, target))
        out = np.empty(len(slots), np.float64)
        _scoring.read_pairs(
            self.pair_totals,
            self.pair_periods,
            slots,
            self.PAIR_FIELDS.index(field),
            day,
            self.tables,
            self.decay,
            out,
        )
        return out

    def member_masses(self, field: str, day: int) -> NDArray[np.float64]:
        """Evidence of one of MEMBER_FIELDS on a day: float64[n], units."""
        out = np.empty(self.n)
        _scoring.read_members(
            self.member_totals,
            self.member_periods,
            self.MEMBER_FIELDS.index(field),
            day,
            self.tables,
            self.decay,
            out,
        )
        return out

    def network(self) -> Network:
        """The pairs as rows; derived anew only when pairs or members were added."""
        if self._network is None:
            source = self.keys >> 32
            offsets = offsets_of(source, self.n)
            targets = self.keys.astype(np.int32)  # the low half; ids are not negative
            reverse = np.empty(len(targets), np.int32)
            _scoring.reverse_slots(offsets, targets, np.empty(self.n, np.int64), reverse)
            self._network = Network(offsets, targets, reverse)
        return self._network

    def _begin_changes(self) -> None:
        """Nobody has asked yet what changed."""
        self._gaps = None
        self._changed = np.ones(self.n, bool)

    def _slots_of_events(self, events: Events) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Slots of a->b and of b->a, -1 for events on one member; adds pairs that appear."""
        at = np.flatnonzero(events.paired)
        slot = np.full(len(events), -1, np.int64)
        back = slot.copy()
        source, target = events.a[at], events.b[at]
        pairs, which = np.unique(_keys(source, target), return_inverse=True)
        reverse = _keys(pairs & 0xFFFFFFFF, pairs >> 32)
        both = np.sort(np.concatenate([pairs, reverse]))  # np.unique would hash, ten times slower
        self._include(both[np.diff(both, prepend=-1) != 0])
        slot[at] = np.searchsorted(self.keys, pairs)[which]
        back[at] = np.searchsorted(self.keys, reverse)[which]
        return slot, back

    def _include(self, keys: NDArray[np.int64]) -> None:
        """Add the pairs of these sorted keys that are not there yet, with empty accumulators."""
        new = keys[_find(self.keys, keys) < 0]
        if len(new) == 0:
            return
        count = len(self.keys) + len(new)
        if count > _PAIRS_MAX:
            raise ValueError("more than 2^31 - 1 ordered pairs")
        gaps = np.searchsorted(self.keys, new) + np.arange(len(new))
        self.keys = with_room(self.keys, gaps)
        self.keys[gaps] = new
        self.pair_totals = with_room(self.pair_totals, gaps)
        self.pair_periods = with_room(self.pair_periods, gaps, filler=0xFF)  # -1
        if self._gaps is not None:
            self._gaps.append(gaps)
        self._pairs_shared = False
        self._network = None

    def _own(self) -> None:
        """Stop sharing arrays with a copy, before writing into them."""
        if self._pairs_shared:
            self.pair_totals, self.pair_periods = self.pair_totals.copy(), self.pair_periods.copy()
        if self._members_shared:
            self.member_totals = self.member_totals.copy()
            self.member_periods = self.member_periods.copy()
        self._pairs_shared = self._members_shared = False


def with_room(values: NDArray[Any], gaps: NDArray[np.int64], *, filler: int = 0) -> NDArray[Any]:
    """A copy along the last axis with new items at `gaps`, rising, made of bytes `filler`."""
    count = values.shape[-1]
    made = np.empty((*values.shape[:-1], count + len(gaps)), values.dtype)
    old, new = (np.atleast_2d(each).view(np.uint8) for each in (values, made))
    _scoring.make_room(old, new, gaps, count, values.itemsize, filler)
    return made


def _empty(rows: int, columns: int) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    return np.zeros((rows, columns), np.int64), np.full((rows, columns), -1, np.int32)


def _keys(source: NDArray[Any], target: NDArray[Any]) -> NDArray[np.int64]:
    return (source.astype(np.int64) << 32) | target.astype(np.int64)


def _ends(pairs: ArrayLike) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    rows = np.asarray(pairs, np.int64).reshape(-1, 2)
    return rows[:, 0], rows[:, 1]


def _find(keys: NDArray[np.int64], wanted: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where each wanted key is in the sorted keys, -1 if it is not."""
    if len(keys) == 0:
        return np.full(wanted.shape, -1, np.int64)
    at = np.searchsorted(keys, wanted)
    found = keys[np.minimum(at, len(keys) - 1)] == wanted
    return np.where(found, at, -1)


def _column(values: Any, dtype: type[np.integer[Any]], name: str) -> NDArray[Any]:
    given = np.asarray(values)
    column = np.ascontiguousarray(given, dtype)
    if column.ndim != 1 or not np.array_equal(column, given):
        raise ValueError(f"column {name} of events must be whole numbers of {np.dtype(dtype)}")
    return column


@lru_cache(maxsize=2)
def _tables(decay: bool) -> NDArray[np.int64]:  # noqa: FBT001 - a cache key
    tables = np.array([g for life in _scoring.HALF_LIVES for g in decay_table(life)], np.int64)
    if not decay:
        tables[:] = tables[0]
    tables.flags.writeable = False
    return tables
