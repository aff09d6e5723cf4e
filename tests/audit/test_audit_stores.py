"""Two copies of a log are compared row by row, and the first difference is named."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from audit.audited_logs import log_of
from explaining import grown
from refnet.audit.stores import NOTHING, Difference, first_difference
from refnet.log.reader import Row
from refnet.log.tree import commitment

COLUMNS = ("stream", "version", "name", "state", "salt", "commitment")


def compared(mine: list[Row], theirs: list[Row], upto: int | None = None) -> Difference | None:
    with (
        TemporaryDirectory() as folder,
        log_of(mine, Path(folder) / "one") as one,
        log_of(theirs, Path(folder) / "two") as two,
    ):
        return first_difference(one, two, max(len(mine), len(theirs)) if upto is None else upto)


def flipped(value: Any, chance: Any) -> Any:
    """A value of the same type with one bit, letter or unit changed."""
    if isinstance(value, int):
        return value + 1000
    at = chance.draw(st.integers(0, len(value) - 1))
    if isinstance(value, str):
        other = "0" if value[at] != "0" else "1"
        return value[:at] + other + value[at + 1 :]
    return value[:at] + bytes([value[at] ^ (1 << chance.draw(st.integers(0, 7)))]) + value[at + 1 :]


@settings(max_examples=30)
@given(st.data())
def test_a_flipped_row_is_named_and_told_to_be_damaged(data: Any) -> None:
    rows = grown(4, 60).rows
    at = data.draw(st.integers(0, len(rows) - 1))
    column = data.draw(st.sampled_from(range(1, 7)))
    row = list(rows[at])
    row[column] = flipped(row[column], data)
    changed = [*rows[:at], tuple(row), *rows[at + 1 :]]
    found = compared(rows, changed)

    assert found is not None
    assert (at + 1, (False, True)) == (found.position, found.damaged)
    name = COLUMNS[column - 1]
    if name != "state":
        assert [name] == list(found.what)
    else:
        assert found.what
        assert not set(COLUMNS[:3] + COLUMNS[4:]) & set(found.what)
    assert compared(rows, changed, at) is None


def test_equal_logs_do_not_differ() -> None:
    rows = grown(4, 60).rows

    assert compared(rows, list(rows)) is None
    assert compared([], []) is None
    assert compared(rows, list(rows), len(rows) + 9) is None


def test_a_log_that_ends_holds_nothing_where_the_other_goes_on() -> None:
    rows = grown(4, 60).rows
    found = compared(rows, rows[:-5])

    assert found is not None
    assert len(rows) - 4 == found.position
    assert {"name": (rows[-5][3], NOTHING)} == found.what
    assert (False, False) == found.damaged
    assert compared(rows, rows[:-5], len(rows) - 5) is None


def test_what_somebody_wrote_anew_names_the_field() -> None:
    """A history that was rewritten with care, commitments and all."""
    rows = list(grown(4, 200).rows)
    at = next(place for place, row in enumerate(rows) if row[3] == "refnet.testimonial-given.v1")
    position, stream, version, topic, state, salt, _ = rows[at]
    said = json.loads(state)
    was, said["data"]["rating"] = said["data"]["rating"], 10 if said["data"]["rating"] < 10 else 9
    anew = json.dumps(said, separators=(",", ":"), ensure_ascii=False).encode()
    told = commitment(salt, bytes.fromhex(stream), version, topic, anew)
    forged = [*rows]
    forged[at] = (position, stream, version, topic, anew, salt, told)
    found = compared(rows, forged)

    assert found is not None
    assert (position, (False, False)) == (found.position, found.damaged)
    assert {"data.rating", "commitment"} == set(found.what)
    assert (str(was), str(said["data"]["rating"])) == found.what["data.rating"]


def test_bytes_that_are_no_json_are_shown_as_they_are() -> None:
    rows = list(grown(4, 40).rows)
    last = rows[-1]
    broken = [*rows[:-1], (*last[:4], b"{", *last[5:])]
    found = compared(rows, broken)

    assert found is not None
    assert {"state": (last[4].hex(), b"{".hex())} == found.what
