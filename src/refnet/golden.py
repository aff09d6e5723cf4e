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

    Raises InvalidRequest if the file is not a golden file.
    """
    try:
        n, day, events = int(golden["n"]), int(golden["T"]), golden_events(golden)
        expected = {name: _doubles(golden["expected"][name], n) for name in ARRAYS}
        hashes = {int(life): str(text) for life, text in golden.get("g_sha256", {}).items()}
        seen = Accumulators(n)
        seen.fold(events)
        kernel = score(seen, day, threads=threads)
        reference = _reference.score(n, _reference.events_from_golden(dict(golden)), day)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError, OverflowError) as fault:
        raise InvalidRequest(
            f"not a golden file of the score model ({type(fault).__name__}: {fault});"
            " give one with n, T, join_day, events and expected",
            field="golden",
        ) from fault
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


def _doubles(texts: Sequence[str], n: int) -> list[float]:
    values = [float.fromhex(text) for text in texts]
    if len(values) != n:
        raise ValueError(f"an expected array holds {len(values)} of {n} values")
    return values


def _differing(values: Sequence[float], expected: Sequence[float]) -> int:
    """Compared as bytes: == would take -0.0 for 0.0, and no NaN for another."""
    pairs = zip(values, expected, strict=True)
    return sum(struct.pack("<d", value) != struct.pack("<d", other) for value, other in pairs)


def _table_hash(half_life: int) -> str:
    entries = decay_table(half_life)
    return hashlib.sha256(struct.pack(f"<{len(entries)}q", *entries)).hexdigest()
