"""Positions, times and days as people type them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

import click

from refnet.engine import Engine

TIME_HELP = "a record TIME (of the log, not of events); a date means its first moment, UTC."

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


@dataclass(frozen=True, slots=True)
class Moment:
    """A place in the log: a position, or a record_time in microseconds."""

    position: int | None = None
    record_time: int | None = None

    def resolve(self, engine: Engine, warn: Callable[[str], None]) -> int:
        """The position: for a time, the last one recorded at or before it.

        warn: told if that is before the log begins. An answer about nothing looks like any other.
        """
        if self.position is not None:
            return self.position
        assert self.record_time is not None
        position = engine.position_at(self.record_time)
        if position == 0:
            first = "holds no facts yet"
            if engine.head()[0]:
                first = (
                    f"holds nothing: its first fact was recorded at {_time(engine.record_time(1))}"
                )
            warn(f"at {_time(self.record_time)} the log {first}")
        return position


class MomentType(click.ParamType[Moment]):
    """POSITION|TIME: digits are a position; a date is its first moment in UTC."""

    name = "POSITION|TIME"

    def convert(
        self, value: str | Moment, param: click.Parameter | None, ctx: click.Context | None
    ) -> Moment:
        """Parse, or tell what is accepted."""
        if isinstance(value, Moment):
            return value
        if value.isascii() and value.isdigit():
            return Moment(position=int(value))
        try:
            time = dt.datetime.fromisoformat(value)
        except ValueError:
            self.fail(
                f"{value!r} is neither a position nor a time such as 2024-03-05T18:30Z", param, ctx
            )
        if time.tzinfo is None:
            time = time.replace(tzinfo=dt.UTC)
        return Moment(record_time=(time - _EPOCH) // dt.timedelta(microseconds=1))


class DayType(click.ParamType[int]):
    """DATE: an ISO date, as a UTC day number."""

    name = "DATE"

    def convert(
        self, value: str | int, param: click.Parameter | None, ctx: click.Context | None
    ) -> int:
        """Parse, or tell what is accepted."""
        if isinstance(value, int):
            return value
        try:
            date = dt.date.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is no date such as 2024-03-05", param, ctx)
        if date < _EPOCH.date():
            self.fail(f"{value} lies before 1970-01-01", param, ctx)
        return (date - _EPOCH.date()).days


def _time(micros: int) -> str:
    return (_EPOCH + dt.timedelta(microseconds=micros)).isoformat().replace("+00:00", "Z")


def date_of(day: int) -> str:
    """The ISO date of a UTC day number."""
    return (_EPOCH.date() + dt.timedelta(days=day)).isoformat()
