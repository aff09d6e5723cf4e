"""Days in a chapter's time zone, for whole columns at a time."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from refnet.domain.values import MICROS_PER_DAY, MICROS_PER_SECOND

_QUARTER = 900 * MICROS_PER_SECOND
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_EPOCH_ORDINAL = dt.date(1970, 1, 1).toordinal()


def day_number(date: object) -> int:
    """Days since 1970 of a `datetime.date` or its ISO text."""
    if isinstance(date, str):
        date = dt.date.fromisoformat(date)
    assert isinstance(date, dt.date)
    return date.toordinal() - _EPOCH_ORDINAL


class Calendar:
    """Local days by time zone. Offsets change on quarter hours: one look-up serves each."""

    def __init__(self) -> None:
        self._zones: list[ZoneInfo] = []
        self._offsets: dict[tuple[int, int], int] = {}

    def add(self, time_zone: str) -> None:
        """The next chapter's time zone, an IANA name."""
        self._zones.append(ZoneInfo(time_zone))

    def days(self, micros: NDArray[np.int64], chapters: NDArray[np.int32]) -> NDArray[np.int32]:
        """Day numbers of times in microseconds, each in its chapter's zone; -1 means UTC."""
        quarters = micros // _QUARTER
        keys = np.stack([chapters.astype(np.int64), quarters])
        unique, inverse = np.unique(keys, axis=1, return_inverse=True)
        offsets = np.array(
            [self._offset(int(chapter), int(quarter)) for chapter, quarter in unique.T], np.int64
        )
        local = micros + offsets[inverse.reshape(-1)] if len(micros) else micros
        return (local // MICROS_PER_DAY).astype(np.int32)

    def _offset(self, chapter: int, quarter: int) -> int:
        if chapter < 0:
            return 0
        found = self._offsets.get((chapter, quarter))
        if found is None:
            moment = _EPOCH + dt.timedelta(microseconds=quarter * _QUARTER)
            delta = moment.astimezone(self._zones[chapter]).utcoffset()
            assert delta is not None
            found = self._offsets[chapter, quarter] = delta // dt.timedelta(microseconds=1)
        return found
