"""Whole numbers that mean something only within a range.

The ranges hold whichever way a command comes in, over the wire, from a file or from the simulator,
so this is the place that refuses; a proto may repeat them for its readers.
"""

from __future__ import annotations

from refnet.errors import InvalidRequest

AMOUNT_MAX = 10**15
"""Minor units in one closed business: ten trillion of a currency with two digits."""

RATE_MAX = 10**12
"""Millionths of the reference currency for one unit: a unit is worth at most a million."""

VALUE_HALF_MAX = 10**9
"""Units of the reference currency."""

VISITS_MAX = 1000
"""Visits a chapter may allow."""

POSITION_MAX = (1 << 63) - 1

DAY_MAX = 2_932_896
"""Days since 1970: the last one of the year 9999."""


def check_range(value: int, low: int, high: int, *, field: str) -> None:
    """Raises InvalidRequest unless low <= value <= high."""
    if not low <= value <= high:
        raise InvalidRequest(
            f"{field} {value} is not in {low} to {high}; choose a whole number in that range",
            field=field,
            value=value,
            low=low,
            high=high,
        )
