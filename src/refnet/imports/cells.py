"""What the cells of a file mean. Each function refuses with InvalidRequest naming the column.

The refusals never repeat what a cell says about a person: they may end up in a file or a log.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from decimal import ROUND_FLOOR, Decimal, localcontext

from refnet.domain.values import MICROS_PER_SECOND
from refnet.errors import InvalidRequest

NAME_MAX = 128
"""Characters an id may have, as over the API."""

TEXT_MAX = 4096
"""Bytes of UTF-8 a text may have, as over the API."""

# Stricter than Decimal(), which also takes "nan", "1_000" and digits of other scripts.
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")
_LARGEST = Decimal(10) ** 15
_NOT_OF_A_LINE = frozenset({"Cc", "Zl", "Zp"})
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def parse_name(text: str, column: str) -> str:
    """An id that another system gave, without the blanks around it."""
    name = text.strip()
    if not name:
        raise InvalidRequest(f"{column} is empty; give an id", field=column)
    if any(unicodedata.category(sign) in _NOT_OF_A_LINE for sign in name):
        raise InvalidRequest(
            f"{column} holds a line break or another control character; write it in one line",
            field=column,
        )
    return _checked(name, column, NAME_MAX, len(name), "characters")


def parse_text(text: str, column: str) -> str | None:
    """A free text, or None if there is none."""
    stripped = text.strip()
    size = len(stripped.encode(errors="replace"))
    return _checked(stripped, column, TEXT_MAX, size, "bytes") if stripped else None


def parse_number(text: str, column: str) -> Decimal:
    """A plain decimal number below 10^15, exactly as written."""
    stripped = text.strip()
    if not _NUMBER.fullmatch(stripped):
        raise InvalidRequest(
            f"{column} is no number; write digits with a point for decimals", field=column
        )
    number = Decimal(stripped)
    if not -_LARGEST < number < _LARGEST:
        raise InvalidRequest(f"{column} is beyond 10^15; give a smaller number", field=column)
    return number


def parse_whole(text: str, column: str) -> int:
    """A whole number; 7.0 is one, 7.5 is not."""
    number = parse_number(text, column)
    if number != int(number):
        raise InvalidRequest(f"{column} is not a whole number; round it", field=column)
    return int(number)


def parse_unix_time(text: str, column: str) -> int:
    """Seconds since 1970 with any number of decimals, as microseconds; what is finer is cut off."""
    seconds = parse_number(text, column)
    with localcontext(prec=50):
        return int((seconds * MICROS_PER_SECOND).to_integral_value(ROUND_FLOOR))


def parse_when(text: str, column: str) -> int:
    """An ISO 8601 date or date-time, as microseconds since 1970.

    A date means its first moment in UTC, and a time without a zone is taken as UTC.
    """
    try:
        moment = dt.datetime.fromisoformat(text.strip())
    except ValueError:
        raise InvalidRequest(
            f"{column} is no date; write 2024-03-05 or 2024-03-05T18:30:00Z", field=column
        ) from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=dt.UTC)
    return (moment - _EPOCH) // dt.timedelta(microseconds=1)


def parse_date(text: str, column: str) -> dt.date:
    """The calendar date of an ISO 8601 date or date-time, as written."""
    parse_when(text, column)
    return dt.datetime.fromisoformat(text.strip()).date()


def parse_minor_units(text: str, column: str, exponent: int) -> int:
    """An amount such as 1250.50 in minor units of a currency with that many minor digits."""
    with localcontext(prec=50):
        amount = parse_number(text, column).scaleb(exponent)
        if amount != amount.to_integral_value() or amount <= 0:
            raise InvalidRequest(
                f"{column} is no positive amount with at most {exponent} decimals; correct it",
                field=column,
            )
        return int(amount)


def _checked(text: str, column: str, limit: int, size: int, unit: str) -> str:
    if size > limit:
        raise InvalidRequest(f"{column} is longer than {limit} {unit}; shorten it", field=column)
    if any(sign == "\0" or "\ud800" <= sign <= "\udfff" for sign in text):
        raise InvalidRequest(f"{column} is not readable; save the file as UTF-8", field=column)
    return text
