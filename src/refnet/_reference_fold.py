"""Sections 1 and 3 of the score model, slow and obvious: events fold into decaying masses.

The first half of `refnet._reference`, with the same rules: written from the score model alone,
exact integers until the last conversion; a caller's broken promise is a ValueError.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum
from functools import cache


class Kind(IntEnum):
    """Kinds of model events; the numbers are part of the contract with the kernel."""

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


Event = tuple[int, int, int, int, int]
"""(day, kind, a, b, amount): UTC day >= 0, Kind, members 0..n-1 or -1 for none, milli-units of
evidence, a rating -1000..1000, or a value in units of the reference currency."""

HALF_LIFE = {
    "RG": 60,
    **dict.fromkeys(("TP", "GV", "MT", "AT", "WEL"), 180),
    **dict.fromkeys(("TN", "GB", "CP", "CN", "SIG"), 360),
    "GL": 720,
}
"""Days until a mass has halved, by accumulator (section 3)."""

UNKNOWN = -1
"""The introducer nobody knows; sorts before introducer 0."""

SATURATED = 1 << 62

_ONE_MEMBER = {Kind.JOIN: "WEL", Kind.ATTENDANCE: "AT", Kind.SIGNAL: "SIG"}
_GIVEN = ("GV", "RG", "GL")


def decay_table(half_life: int) -> list[int]:
    """floor(2^(30 + f/H)) for f = 0..H-1: the integer H-th root of 2^(30*H + f), by bisection."""
    return list(_table(half_life))


@cache
def _table(half_life: int) -> tuple[int, ...]:
    return tuple(_root(1 << (30 * half_life + f), half_life) for f in range(half_life))


def _root(power: int, degree: int) -> int:
    """The largest g with g^degree <= power, known to be in 2^30..2^31 - 1."""
    low, high = 1 << 30, 1 << 31
    while high - low > 1:
        middle = (low + high) // 2
        if middle**degree <= power:
            low = middle
        else:
            high = middle
    return low


class Accumulators:
    """What the events have added up to: (field, src, dst) -> (A, K), integers only.

    A field of one member has src == dst. `uniform`, `decay` and `value_half` are the network
    policies of section 1; members are 0..n-1.
    """

    def __init__(
        self,
        n: int,
        events: Iterable[Event] = (),
        *,
        uniform: bool = False,
        decay: bool = True,
        value_half: int = 1000,
    ) -> None:
        self.n = n
        self.uniform = uniform
        self.decay = decay
        self.value_half = value_half
        self.last_day = 0
        self.cells: dict[tuple[str, int, int], tuple[int, int]] = {}
        for event in events:
            self.add(event)

    def add(self, event: Event) -> None:
        """Fold one model event (the table of section 3). Raises ValueError if it is malformed."""
        day, number, a, b, amount = event
        kind = Kind(number)
        self._check(event)
        self.last_day = max(self.last_day, day)
        match kind:
            case Kind.JOIN if self.uniform:
                pass
            case Kind.JOIN | Kind.ATTENDANCE | Kind.SIGNAL:
                self.fold(_ONE_MEMBER[kind], a, a, day, amount)
            case Kind.MEETING:
                self.fold("MT", a, b, day, amount)
                self.fold("MT", b, a, day, amount)
            case Kind.TESTIMONIAL:
                self._fold_rating(("TP", "TN"), a, b, day, amount)
            case Kind.CLIENT:
                # A member who introduces a client to himself is as good as an unknown introducer.
                self._fold_rating(("CP", "CN"), UNKNOWN if a == b else a, b, day, amount)
            case Kind.ACCEPTED:
                self._fold_given(a, b, day, 400)
            case Kind.WON:
                self._fold_given(a, b, day, 100)
                self.fold("CP", a, b, day, 400)
            case Kind.CLOSED:
                self._fold_given(a, b, day, (500 * amount) // (amount + self.value_half))
            case Kind.LOST:
                self.fold("CN", a, b, day, 200)
            case Kind.JUNK:
                self.fold("GB", a, b, day, 500)

    def fold(self, field: str, src: int, dst: int, day: int, weight: int) -> None:
        """Add a weight of one day, as written in section 3.1.

        "Empty" is read as "never folded into": a weight of 0 (business of value 0) starts the
        period like any other, and a mass that was shifted down to 0 keeps its period.
        """
        k, g = self._clock(field, day)
        c = weight * g
        big_a, big_k = self.cells.get((field, src, dst), (0, k))
        if k > big_k:
            big_a, big_k = big_a >> (k - big_k), k
        big_a += c >> (big_k - k)  # shifts only if the event is late
        self.cells[field, src, dst] = min(big_a, SATURATED), big_k

    def mass(self, field: str, src: int, dst: int, day: int) -> float:
        """The mass left on a day, in units of evidence. No event may be later than `day`."""
        if day < self.last_day:
            raise ValueError(f"day {day} is before the last event; leave out events after {day}")
        if (field, src, dst) not in self.cells:
            return 0.0
        k, g = self._clock(field, day)
        big_a, big_k = self.cells[field, src, dst]
        return float(big_a >> (k - big_k)) * (1.0 / float(1000 * g))

    def neighbours(self) -> list[list[int]]:
        """For each member the others with whom any pair exists, either way, ascending."""
        near: list[set[int]] = [set() for _ in range(self.n)]
        for _, src, dst in self.cells:
            if src not in {UNKNOWN, dst}:
                near[src].add(dst)
                near[dst].add(src)
        return [sorted(others) for others in near]

    def _clock(self, field: str, day: int) -> tuple[int, int]:
        """Half-life period of a day, and the table's entry for the day within it."""
        if not self.decay:
            return 0, 1 << 30
        k, f = divmod(day, HALF_LIFE[field])
        return k, _table(HALF_LIFE[field])[f]

    def _fold_rating(self, fields: tuple[str, str], src: int, dst: int, day: int, r: int) -> None:
        if r != 0:
            self.fold(fields[r < 0], src, dst, day, abs(r))

    def _fold_given(self, src: int, dst: int, day: int, weight: int) -> None:
        for field in _GIVEN:
            self.fold(field, src, dst, day, weight)

    def _check(self, event: Event) -> None:
        day, kind, a, b, amount = event
        single, client = kind in _ONE_MEMBER, kind == Kind.CLIENT
        if not (UNKNOWN if client else 0) <= a < self.n or not (single or 0 <= b < self.n):
            raise ValueError(f"{event}: members are 0..{self.n - 1}")
        if a == b and not (single or client):
            raise ValueError(f"{event}: a pair has two members")
        if day < 0 or (amount < 0 and kind not in {Kind.TESTIMONIAL, Kind.CLIENT}):
            raise ValueError(f"{event}: days and weights are not negative")
