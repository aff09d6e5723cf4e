"""What `refnet golden check` takes for a golden file: what it checks, and nothing else."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from refnet.accumulators import Accumulators
from refnet.errors import InvalidRequest
from refnet.golden import check, golden_events
from refnet.scoring import ARRAYS, score

EVENTS = [
    [19, 0, 0, 1, 0, 0],
    [20, 1, 1, -1, 0, 0],
    [20, 2, 0, 1, 0, 7],
    [21, 3, 0, 1, 2, 700],
    [22, 4, 1, 0, -70, 0],
    [23, 5, -1, 0, 50, 3],
    [24, 6, -1, 1, 0, 0],
]


@pytest.fixture
def golden() -> dict[str, Any]:
    """A file that both implementations agree with."""
    made: dict[str, Any] = {"n": 3, "T": 30, "join_day": [0, 9, 30], "events": EVENTS}
    seen = Accumulators(3)
    seen.fold(golden_events(made))
    found = score(seen, 30).arrays
    expected = {name: [float(value).hex() for value in found[name]] for name in ARRAYS}
    return copy.deepcopy({**made, "expected": expected})


def test_a_good_file_is_ok(golden: dict[str, Any]) -> None:
    assert check(golden).ok


@pytest.mark.parametrize("field", ["n", "T", "join_day", "events", "expected", "expected.score"])
def test_a_missing_field_is_named(golden: dict[str, Any], field: str) -> None:
    place = golden
    *path, last = field.split(".")
    for each in path:
        place = place[each]
    del place[last]

    refusal = refused(golden, field)

    assert f"{field} is missing; give one with n, T, " in refusal.message


def refused(golden: dict[str, Any], field: str) -> InvalidRequest:
    with pytest.raises(InvalidRequest, match="not a golden file") as caught:
        check(golden)
    assert field == caught.value.field
    for name in ("Error", "Traceback", "invalid literal", "NoneType"):
        assert name not in caught.value.message
    return caught.value


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("n", 3.0),
        ("n", "3"),
        ("n", True),
        ("n", -1),
        ("n", 4),
        ("T", 30.5),
        ("T", -1),
        ("T", None),
        ("join_day", {}),
        ("events", None),
        ("expected", []),
        ("g_sha256", []),
        ("g_sha256", {"0": ""}),
        ("g_sha256", {"x": ""}),
        ("g_sha256", {"60": 1}),
        ("half_lives", [60]),
        ("half_lives", 60),
    ],
)
def test_a_field_of_another_form_is_refused(
    golden: dict[str, Any], field: str, wrong: object
) -> None:
    golden[field] = wrong
    told = {"n": "join_day"} if wrong == 4 else {}
    if field == "g_sha256" and isinstance(wrong, dict):
        told = {"g_sha256": f"g_sha256.{next(iter(wrong))}"}

    refused(golden, told.get(field, field))


@pytest.mark.parametrize("wrong", [-1, 31, 1.0, "1", None, True, 1 << 70])
def test_a_join_day_that_is_none_is_refused(golden: dict[str, Any], wrong: object) -> None:
    golden["join_day"][1] = wrong

    refused(golden, "join_day[1]")


@pytest.mark.parametrize("row", range(len(EVENTS)))
@pytest.mark.parametrize("column", range(6))
@pytest.mark.parametrize("wrong", [0.5, 1.0, "1", None, True, [1], 1 << 70, -(1 << 70)])
def test_an_event_value_that_is_no_whole_number_in_its_range_is_refused(
    golden: dict[str, Any], row: int, column: int, wrong: object
) -> None:
    golden["events"][row][column] = wrong
    name = ("day", "kind", "a", "b", "x", "y")[column]

    refused(golden, f"events[{row}].{name}")


@pytest.mark.parametrize(
    ("row", "field"),
    [
        ([31, 0, 0, 1, 0, 0], ".day"),
        ([-1, 0, 0, 1, 0, 0], ".day"),
        ([1, 7, 0, 1, 0, 0], ".kind"),
        ([1, 0, -1, 1, 0, 0], ".a"),
        ([1, 0, 3, 1, 0, 0], ".a"),
        ([1, 1, -1, 0, 0, 0], ".a"),
        ([1, 1, 0, 3, 0, 0], ".b"),
        ([1, 2, 0, 3, 0, 0], ".b"),
        ([1, 2, 0, -1, 0, 0], ".b"),
        ([1, 3, 0, 1, 4, 0], ".x"),
        ([1, 3, 0, 1, 2, -1], ".y"),
        ([1, 4, 0, 1, 1001, 0], ".x"),
        ([1, 5, -2, 1, 0, 0], ".a"),
        ([1, 5, -1, 1, -1001, 0], ".x"),
        ([1, 6, 0, -1, 0, 0], ".b"),
        ([1, 0, 1, 1, 0, 0], ""),
        ([1, 2, 1, 1, 0, 0], ""),
        ([1, 0, 0, 1, 0], ""),
        ([1, 0, 0, 1, 0, 0, 0], ""),
        ({}, ""),
    ],
)
def test_a_row_that_the_model_does_not_know_is_refused(
    golden: dict[str, Any], row: object, field: str
) -> None:
    golden["events"].append(row)

    refused(golden, f"events[{len(EVENTS)}]{field}")


@pytest.mark.parametrize(
    ("name", "wrong", "field"),
    [
        ("karma", ["0x0p0"] * 3, "expected.karma"),
        ("V", ["0x0p0"] * 2, "expected.V"),
        ("V", "0x0p0", "expected.V"),
        ("V", ["0x0p0", "half", "0x0p0"], "expected.V[1]"),
        ("V", ["0x0p0", 0.5, "0x0p0"], "expected.V[1]"),
    ],
)
def test_expected_arrays_are_those_of_the_model(
    golden: dict[str, Any], name: str, wrong: object, field: str
) -> None:
    golden["expected"][name] = wrong

    refused(golden, field)


def test_a_value_that_is_no_number_counts_as_a_difference(golden: dict[str, Any]) -> None:
    golden["expected"]["score"][1] = "nan"

    (found,) = [each for each in check(golden).arrays if each.kernel_differs]

    assert ("score", 1, 1) == (found.name, found.kernel_differs, found.reference_differs)


def test_hashes_of_decay_tables_are_checked(golden: dict[str, Any]) -> None:
    golden["g_sha256"] = {"60": "0" * 64}
    golden["half_lives"] = [60]

    assert (60,) == check(golden).tables
