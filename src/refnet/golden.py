"""A golden file against both implementations of the score model, to the last bit (section 2)."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from refnet import _reference
from refnet.accumulators import NOBODY, Accumulators, Events, Kind
from refnet.decay import decay_table
from refnet.errors import InvalidRequest
from refnet.scoring import ARRAYS, MODEL, digest, score

_N = range(1 << 31)
_DAYS = range(1 << 31)
_AMOUNTS = range(-(10**12), 10**12 + 1)
_RATINGS = range(-1000, 1001)
_HALF_LIVES = frozenset(map(str, range(1, 10_000)))
_JSON = {int: "whole number", list: "array", dict: "object"}

_ROW = ("day", "kind", "a", "b", "x", "y")
_KINDS = range(7)
_OF_TWO = {0, 2, 3, 4}
"""Kinds of rows of two different members."""

_JOIN_WEIGHT = 1000
_OUTCOMES = {0: (Kind.JUNK,), 1: (Kind.ACCEPTED,), 2: (Kind.WON, Kind.CLOSED), 3: (Kind.LOST,)}


@dataclass(frozen=True, slots=True)
class ArrayCheck:
    """How many of the n values of one array differ in any bit from the file's."""

    name: str
    n: int
    kernel_differs: int
    reference_differs: int


@dataclass(frozen=True, slots=True)
class GoldenReport:
    """What a golden file says of kernel and reference; digests are hex SHA-256 of section 2.

    tables: the half-lives in days whose decay table has another hash than the file names.
    """

    model: str
    n: int
    day: int
    arrays: tuple[ArrayCheck, ...]
    tables: tuple[int, ...]
    expected_digest: str
    kernel_digest: str
    reference_digest: str

    @property
    def ok(self) -> bool:
        """Whether every bit is as expected."""
        return not self.tables and all(
            check.kernel_differs == check.reference_differs == 0 for check in self.arrays
        )


def check(golden: Mapping[str, Any], *, threads: int = 1) -> GoldenReport:
    """Compute the scores of a golden file twice and compare both with what it expects.

    Raises InvalidRequest, naming what is wrong, if the file is not a golden file. What neither
    implementation would look at is refused as well: nobody may take it for checked.
    """
    n, day = _whole(golden, "n", _N), _whole(golden, "T", _DAYS)
    _check_joins(_get(golden, "join_day", list), n, day)
    _check_events(_get(golden, "events", list), n, day)
    expected = _expected(_get(golden, "expected", dict), n)
    hashes = _hashes(golden)
    try:
        seen = Accumulators(n)
        seen.fold(golden_events(golden))
        kernel = score(seen, day, threads=threads)
        reference = _reference.score(n, _reference.events_from_golden(dict(golden)), day)
    except (ValueError, OverflowError) as fault:
        raise _refusal("events", f"cannot be scored: {fault}") from fault
    return GoldenReport(
        model=MODEL,
        n=n,
        day=day,
        arrays=tuple(
            ArrayCheck(
                name,
                n,
                _differing(kernel.arrays[name].tolist(), expected[name]),
                _differing(reference[name], expected[name]),
            )
            for name in ARRAYS
        ),
        tables=tuple(life for life, text in hashes.items() if text != _table_hash(life)),
        expected_digest=digest({name: np.array(values) for name, values in expected.items()}),
        kernel_digest=kernel.digest(),
        reference_digest=_reference.digest(reference),
    )


def golden_events(golden: Mapping[str, Any]) -> Events:
    """The model events of a golden file: JOINs in order of ids, then its rows in log order."""
    rows = [
        (int(day), int(Kind.JOIN), member, NOBODY, _JOIN_WEIGHT)
        for member, day in enumerate(golden["join_day"])
    ]
    for row in golden["events"]:
        rows += _of_row(*(int(value) for value in row))
    return Events.of(rows)


def _of_row(
    day: int, kind: int, a: int, b: int, x: int, y: int
) -> Sequence[tuple[int, int, int, int, int]]:
    match kind:
        case 0:
            return [(day, Kind.MEETING, a, b, 100)]
        case 1:
            return [(day, Kind.ATTENDANCE, a, NOBODY, 1000)]
        case 2:
            return []  # a giver's own claim counts for nothing
        case 3:
            return [(day, of, a, b, y if of is Kind.CLOSED else 0) for of in _OUTCOMES[x]]
        case 4:
            return [(day, Kind.TESTIMONIAL, a, b, x)]
        case 5:
            return [(day, Kind.CLIENT, a, b, x)]
        case 6:
            return [(day, Kind.SIGNAL, b, NOBODY, 1000)]
        case _:
            raise ValueError(f"a golden row has kind {kind}")


def _refusal(field: str, fault: str) -> InvalidRequest:
    return InvalidRequest(
        f"not a golden file of the score model: {field} {fault};"
        " give one with n, T, join_day, events and expected",
        field=field,
    )


def _get(golden: Mapping[str, Any], field: str, kind: type) -> Any:
    if field not in golden:
        raise _refusal(field, "is missing")
    if not isinstance(golden[field], kind):
        raise _refusal(field, f"is no {_JSON[kind]}")
    return golden[field]


def _whole(golden: Mapping[str, Any], field: str, allowed: range) -> int:
    value = _get(golden, field, int)
    _check_whole(value, allowed, field)
    return int(value)


def _check_whole(value: object, allowed: range, field: str) -> None:
    # A bool is an int to Python, and 2.0 is in a range.
    if type(value) is not int or value not in allowed:
        raise _refusal(field, f"is no whole number from {allowed.start} to {allowed.stop - 1}")


def _check_joins(days: Sequence[object], n: int, last: int) -> None:
    if len(days) != n:
        raise _refusal("join_day", f"holds {len(days)} days for {n} members")
    for member, day in enumerate(days):
        _check_whole(day, range(last + 1), f"join_day[{member}]")


def _check_events(rows: Sequence[Any], n: int, last: int) -> None:
    for place, row in enumerate(rows):
        field = f"events[{place}]"
        if not isinstance(row, list) or len(row) != len(_ROW):
            raise _refusal(field, f"is no row of {', '.join(_ROW)}")
        _check_whole(row[1], _KINDS, f"{field}.kind")
        ranges = (range(last + 1), _KINDS, *_ranges(row[1], n))
        for name, value, allowed in zip(_ROW, row, ranges, strict=True):
            _check_whole(value, allowed, f"{field}.{name}")
        if row[1] in _OF_TWO and row[2] == row[3]:
            raise _refusal(field, f"is of member {row[2]} alone, and takes two")


def _ranges(kind: int, n: int) -> tuple[range, range, range, range]:
    """What a, b, x and y of a row may be. What the model does not read may be any number."""
    member, anybody = range(n), range(-1, n)
    match kind:
        case 1:
            return member, anybody, _AMOUNTS, _AMOUNTS
        case 3:
            return member, member, range(len(_OUTCOMES)), range(_AMOUNTS.stop)
        case 4:
            return member, member, _RATINGS, _AMOUNTS
        case 5:
            return anybody, member, _RATINGS, _AMOUNTS
        case 6:
            return anybody, member, _AMOUNTS, _AMOUNTS
        case _:
            return member, member, _AMOUNTS, _AMOUNTS


def _expected(arrays: Mapping[str, Any], n: int) -> dict[str, list[float]]:
    for name in arrays:
        if name not in ARRAYS:
            raise _refusal(f"expected.{name}", "is no array of the model, and would not be checked")
    found = {}
    for name in ARRAYS:
        field = f"expected.{name}"
        if name not in arrays:
            raise _refusal(field, "is missing")
        if not isinstance(arrays[name], list) or len(arrays[name]) != n:
            raise _refusal(field, f"is no array of {n} values")
        found[name] = [
            _double(text, f"{field}[{place}]") for place, text in enumerate(arrays[name])
        ]
    return found


def _double(text: object, field: str) -> float:
    try:
        return float.fromhex(text)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        raise _refusal(field, "is no hexadecimal double such as 0x1.8p+1") from None


def _hashes(golden: Mapping[str, Any]) -> dict[int, str]:
    """SHA-256 of decay tables by half-life, as far as the file names any."""
    told = _get(golden, "g_sha256", dict) if "g_sha256" in golden else {}
    for life, text in told.items():
        if life not in _HALF_LIVES or not isinstance(text, str):
            raise _refusal(f"g_sha256.{life}", "is no hash of a table of 1 to 9999 days")
    lives = {int(life): text for life, text in told.items()}
    named = _get(golden, "half_lives", list) if "half_lives" in golden else list(lives)
    if sorted(map(repr, named)) != sorted(map(repr, lives)):
        raise _refusal("half_lives", "are not those that g_sha256 has hashes of")
    return lives


def _differing(values: Sequence[float], expected: Sequence[float]) -> int:
    """Compared as bytes: == would take -0.0 for 0.0, and no NaN for another."""
    pairs = zip(values, expected, strict=True)
    return sum(struct.pack("<d", value) != struct.pack("<d", other) for value, other in pairs)


def _table_hash(half_life: int) -> str:
    entries = decay_table(half_life)
    return hashlib.sha256(struct.pack(f"<{len(entries)}q", *entries)).hexdigest()
