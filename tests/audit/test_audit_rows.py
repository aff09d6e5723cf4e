"""Rows that agree with their commitments and yet cannot follow from those before them.

Whoever can write to a log that nobody signed can make commitments too.
"""

from __future__ import annotations

import json
import random
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from audit.stores import check, sign, simulated, told
from audit.tampering import Row, Store, copied, recommitted
from refnet.audit.scores import disagreement

AT = 300
_UPDATE = """
UPDATE stored_events SET originator_id = ?, originator_version = ?, topic = ?, state = ?, salt = ?,
    commitment = ? WHERE rowid = ?
"""


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int]:
    data = tmp_path_factory.mktemp("network") / "store"
    return data, simulated(data)


@pytest.fixture
def store(network: tuple[Path, int], tmp_path: Path) -> Store:
    data, head = network
    return copied(data, tmp_path / "store", random.Random(1), head)


def forge(store: Store, row: Row) -> None:
    """Put a row in the place of the one at its position, with a commitment of its own."""
    row[6] = recommitted(row)
    store.change(
        (
            _UPDATE,
            (*row[1:], row[0]),
        )
    )


def with_state(**changes: Any) -> Callable[[Row], None]:
    def change(row: Row) -> None:
        state = json.loads(row[4]) | changes
        row[4] = json.dumps(state, sort_keys=True, separators=(",", ":")).encode()

    return change


def with_bytes(old: bytes, new: bytes) -> Callable[[Row], None]:
    def change(row: Row) -> None:
        assert old in row[4]
        row[4] = row[4].replace(old, new, 1)

    return change


def with_column(at: int, value: Any) -> Callable[[Row], None]:
    def change(row: Row) -> None:
        row[at] = value

    return change


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (with_state(record_time=1), "record_time"),
        (with_state(origin=7), "origin"),
        (with_state(origin=0), "state"),
        (with_state(origin=AT), "origin"),
        (with_state(more=1), "state"),
        (with_state(data={}), "state"),
        (with_state(occur_time=1.5), "state"),
        (with_bytes(b'{"acting_member":', b'{ "acting_member":'), "state"),
        (with_bytes(b'"principal":"local"', b'"principal":"l\\u006fcal"'), "state"),
        (with_column(4, b"[" * 100_000), "state"),
        (with_column(4, b"\xff"), "state"),
        (with_column(3, "refnet.never-heard-of.v1"), "topic"),
        (with_column(2, 40), "version"),
        (with_column(1, uuid.UUID(int=1).hex), "version"),
    ],
    ids=[
        *("earlier", "another origin", "no origin", "a later origin", "one more field"),
        *("no fields", "a fraction", "a space", "an escape", "too deep", "no text"),
        *("unknown name", "later version", "another stream"),
    ],
)
def test_a_forged_fact_is_named(store: Store, change: Callable[[Row], None], what: str) -> None:
    rows = store.rows()
    row = next(row for row in rows[AT:] if row[2] > 1)
    change(row)

    forge(store, row)

    found = told(check(store.data))["rows"]
    assert (what, row[0] - 1) == (found.what, found.index)


def test_a_stream_that_begins_twice_is_named(store: Store) -> None:
    first = store.row(1)
    end = store.covered + 1
    row = [end, first[1], 99, *first[3:]]
    row[6] = recommitted(row)
    places = ", ".join("?" * 7)
    columns = "rowid, originator_id, originator_version, topic, state, salt, commitment"
    store.change((f"INSERT INTO stored_events ({columns}) VALUES ({places})", tuple(row)))

    found = told(check(store.data))["rows"]

    assert ("version", end - 1) == (found.what, found.index)


def test_a_log_with_nothing_but_rows_before_its_first_position_is_named(store: Store) -> None:
    store.change(("UPDATE stored_events SET rowid = -rowid", ()))

    report = check(store.data)

    found = told(report)
    assert ("position", -store.covered - 1) == (found["rows"].what, found["rows"].index)
    assert 0 == report.position


def test_the_first_member_on_whom_two_opinions_differ_is_named() -> None:
    slow = {"score": [1.0, 2.0, 3.0], "raw": [0.0, 0.0, 0.0]}
    fast = {"score": [1.0, 2.0, 3.5], "raw": [0.0, -0.0, 0.0]}

    assert disagreement(slow, slow) is None
    assert (1, "raw") == disagreement(slow, fast)
    assert (2, "score") == disagreement(slow, fast | {"raw": slow["raw"]})


def test_what_was_never_signed_says_so(store: Store) -> None:
    report = check(store.data, [sign(store.data, [0])])

    assert ([], 0) == (report.findings, report.covered)
