"""A chapter's days, whatever its zone does with its clocks."""

from __future__ import annotations

import datetime as dt
import random
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refnet.ledger.calendar import Calendar, day_number

SECOND = 1_000_000
ZONES = (
    "Europe/Berlin",
    "America/St_Johns",  # until 2011 clocks changed at one past midnight
    "Pacific/Apia",  # had no 30 December 2011
    "Asia/Kathmandu",  # 5:45 ahead
    "Australia/Lord_Howe",  # half an hour of daylight saving
    "Africa/Monrovia",  # 44:30 behind until 1972
    "America/Los_Angeles",
    "UTC",
)
EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def local_day(micros: int, zone: str) -> int:
    """The day by the book, one at a time."""
    moment = EPOCH + dt.timedelta(microseconds=micros)
    return day_number(moment.astimezone(ZoneInfo(zone)).date())


def days(times: list[int], zones: list[str]) -> list[int]:
    """Days of each time in each zone; zone "" stands for no chapter."""
    calendar = Calendar()
    for zone in ZONES:
        calendar.add(zone)
    chapters = [ZONES.index(zone) if zone else -1 for zone in zones]
    found = calendar.days(np.array(times, np.int64), np.array(chapters, np.int32))
    assert found.dtype == np.int32
    return found.tolist()  # type: ignore[no-any-return]


@given(
    st.lists(st.tuples(st.integers(0, 2_500_000_000 * SECOND), st.sampled_from(ZONES)), max_size=30)
)
def test_days_are_those_of_zoneinfo(asked: list[tuple[int, str]]) -> None:
    times, zones = [time for time, _ in asked], [zone for _, zone in asked]

    assert days(times, zones) == [local_day(*each) for each in asked]


@pytest.mark.parametrize("zone", ZONES)
def test_days_around_midnight_and_every_change_of_clocks(zone: str) -> None:
    """Every minute of a night and a morning, for some days of each year and all with a change."""
    chance = random.Random(1)
    where = ZoneInfo(zone)
    offsets = [
        (EPOCH + dt.timedelta(days=day)).astimezone(where).utcoffset() for day in range(20_500)
    ]
    changed = [day for day in range(20_499) if offsets[day] != offsets[day + 1]]
    some = chance.sample(changed, min(6, len(changed)))
    chosen = sorted({*chance.sample(range(20_500), 5), *some})
    times = [
        (day * 86_400 + minute * 60 + second) * SECOND - (second == 0)
        for day in chosen
        for minute in range(1440)
        for second in (0, 31)
        if minute % 15 < 2 or chance.random() < 0.05
    ]

    assert days(times, [zone] * len(times)) == [local_day(time, zone) for time in times]


def test_known_changes_of_the_clocks() -> None:
    def moment(text: str) -> int:
        return round(dt.datetime.fromisoformat(text).timestamp()) * SECOND

    # At 00:01 of 1 November 2009 clocks in St. John's went back to 23:01 of 31 October.
    october, november = (day_number(day) for day in ("2009-10-31", "2009-11-01"))
    times = ["2009-11-01T02:30:30+00:00", "2009-11-01T02:31:00+00:00", "2009-11-01T03:30:00+00:00"]
    found = days([moment(time) for time in times], ["America/St_Johns"] * 3)
    assert found == [november, october, november]

    # Samoa went to bed on Thursday the 29th and got up on Saturday the 31st.
    times = ["2011-12-30T09:59:59+00:00", "2011-12-30T10:00:00+00:00"]
    found = days([moment(time) for time in times], ["Pacific/Apia"] * 2)
    assert found == [day_number("2011-12-29"), day_number("2011-12-31")]


def test_without_a_chapter_days_are_utc() -> None:
    assert days([0, 86_400 * SECOND - 1, 86_400 * SECOND], ["", "", ""]) == [0, 0, 1]


def test_nothing_has_no_days() -> None:
    assert days([], []) == []


def test_day_numbers() -> None:
    assert day_number(dt.date(1970, 1, 1)) == day_number("1970-01-01") == 0
    assert day_number("2000-03-01") == 11_017
