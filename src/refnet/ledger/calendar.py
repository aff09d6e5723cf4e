"""Days in a chapter's time zone, for whole columns at a time."""

from __future__ import annotations

import datetime as dt
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from refnet.domain.values import MICROS_PER_DAY, MICROS_PER_SECOND

_EPOCH_ORDINAL = dt.date(1970, 1, 1).toordinal()
_SECOND = dt.timedelta(seconds=1)
_DAY_SECONDS = 86_400
_LOOK_SECONDS = 4 * _DAY_SECONDS
_BLOCK_DAYS = 512
_BLOCK_SECONDS = _BLOCK_DAYS * _DAY_SECONDS
_ZONE_SHIFT = 44  # more bits than an int64 of microseconds has seconds


@lru_cache(maxsize=4096)
def day_number(date: object) -> int:
    """Days since 1970 of a `datetime.date` or its ISO text."""
    if isinstance(date, str):
        date = dt.date.fromisoformat(date)
    assert isinstance(date, dt.date)
    return date.toordinal() - _EPOCH_ORDINAL


class Calendar:
    """Local days by chapter. Each zone's changes of offset are found once for every 512 days."""

    def __init__(self) -> None:
        self._zones: list[dt.tzinfo] = [dt.UTC]
        self._zone_numbers: dict[str, int] = {}
        self._zone_of: list[int] = []  # by chapter
        self._known: set[int] = set()
        # Zone and second from which an offset holds, in one number and sorted; the offset.
        self._since = np.empty(0, np.int64)
        self._ahead = np.empty(0, np.int64)

    def add(self, time_zone: str) -> None:
        """The next chapter's time zone, an IANA name."""
        number = self._zone_numbers.get(time_zone)
        if number is None:
            number = self._zone_numbers[time_zone] = len(self._zones)
            self._zones.append(ZoneInfo(time_zone))
        self._zone_of.append(number)

    def days(self, micros: NDArray[np.int64], chapters: NDArray[np.int32]) -> NDArray[np.int32]:
        """Day numbers of times in microseconds, each in its chapter's zone; -1 means UTC."""
        zones = np.array([*self._zone_of, 0], np.int64)[chapters]  # the last is chapter -1's, UTC
        seconds = micros // MICROS_PER_SECOND
        keys = (zones << _ZONE_SHIFT) + seconds
        blocks = (zones << _ZONE_SHIFT) + seconds // _BLOCK_SECONDS
        unknown = set(blocks.tolist()) - self._known
        if unknown:
            self._learn(sorted(unknown))
        # Every block begins with an entry, so the last one not after a time is of its own block.
        ahead = self._ahead[np.searchsorted(self._since, keys, side="right") - 1]
        return ((micros + ahead) // MICROS_PER_DAY).astype(np.int32)

    def _learn(self, blocks: list[int]) -> None:
        since, ahead = self._since.tolist(), self._ahead.tolist()
        for key in blocks:
            zone, block = key >> _ZONE_SHIFT, key & ((1 << _ZONE_SHIFT) - 1)
            for second, offset in _changes(self._zones[zone], block * _BLOCK_DAYS, _BLOCK_DAYS):
                since.append((zone << _ZONE_SHIFT) + second)
                ahead.append(offset * MICROS_PER_SECOND)
        order = np.argsort(np.array(since, np.int64), kind="stable")
        self._since = np.array(since, np.int64)[order]
        self._ahead = np.array(ahead, np.int64)[order]
        self._known.update(blocks)


def _changes(zone: dt.tzinfo, first_day: int, days: int) -> list[tuple[int, int]]:
    """(second since 1970, offset from then on) of these UTC days, the first at their beginning.

    Looks every few days and, where the offset has changed since the last look, finds the second by
    bisection: zones change at any second (America/St_Johns did at one past midnight). Since 1970 no
    zone has changed twice, and so perhaps back, in fewer than six days.
    """
    low, end = first_day * _DAY_SECONDS, (first_day + days) * _DAY_SECONDS
    found = [(low, _offset(zone, low))]
    for high in range(low + _LOOK_SECONDS, end + _LOOK_SECONDS, _LOOK_SECONDS):
        after = _offset(zone, high)
        if after != found[-1][1]:
            found.append((_bisect(zone, low, high, after), after))
        low = high
    return found


def _bisect(zone: dt.tzinfo, low: int, high: int, after: int) -> int:
    """The second, after `low` and up to `high`, from which on the offset is `after`."""
    while high - low > 1:
        middle = (low + high) // 2
        if _offset(zone, middle) == after:
            high = middle
        else:
            low = middle
    return high


def _offset(zone: dt.tzinfo, second: int) -> int:
    """Seconds by which local time is ahead of UTC."""
    delta = dt.datetime.fromtimestamp(second, zone).utcoffset()
    assert delta is not None
    return delta // _SECOND
