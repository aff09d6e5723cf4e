"""Positions, times and days as people type them."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import click

from refnet.engine import Engine

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


@dataclass(frozen=True, slots=True)
class Moment:
    """A place in the log: a position, or a record_time in microseconds."""

    position: int | None = None
    record_time: int | None = None

    def resolve(self, engine: Engine) -> int:
        """The position: for a time, the last one recorded at or before it."""
        if self.position is not None:
            return self.position
        assert self.record_time is not None
        return engine.position_at(self.record_time)


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


def date_of(day: int) -> str:
    """The ISO date of a UTC day number."""
    return (_EPOCH.date() + dt.timedelta(days=day)).isoformat()
