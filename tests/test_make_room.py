"""Room for new items among old ones, made by the kernel where they lie."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from refnet import _scoring


@pytest.mark.parametrize(
    ("text", "change"),
    [
        ("the arrays", {"new": np.zeros((2, 13), np.uint8)}),
        ("the arrays", {"new": np.zeros((1, 14), np.uint8)}),
        ("the arrays", {"count": 6}),
        ("the arrays", {"count": -1}),
        ("the arrays", {"size": 0}),
        ("a slot", {"gaps": np.array([-1, 3])}),
        ("a slot", {"gaps": np.array([3, 3])}),
        ("a slot", {"gaps": np.array([1, 7])}),
    ],
)
def test_make_room_checks_what_it_is_handed(text: str, change: dict[str, Any]) -> None:
    rows: dict[str, Any] = {name: np.zeros((2, 14), np.uint8) for name in ("old", "new")}
    given: dict[str, Any] = {"gaps": np.array([1, 6]), "count": 5, "size": 2, "filler": 0}
    _scoring.make_room(**rows, **given)

    with pytest.raises(ValueError, match=text):
        _scoring.make_room(**{**rows, **given, **change})


@pytest.mark.parametrize("gaps", [[], [0], [5], [0, 1, 2], [2, 3, 7], [0, 3, 6], [5, 6, 7, 8]])
@pytest.mark.parametrize("in_place", [True, False])
def test_make_room_leaves_gaps_and_keeps_the_order(
    gaps: list[int],
    in_place: bool,  # noqa: FBT001
) -> None:
    count, total = 5, 5 + len(gaps)
    old = np.zeros((2, 9), np.int32)
    old[:, :count] = [[1, 2, 3, 4, 5], [6, 7, 8, 9, 10]]
    expected = old[:, :count].copy()
    for gap in gaps:
        expected = np.insert(expected, gap, -1, axis=1)
    new = old if in_place else np.zeros((2, 9), np.int32)
    _scoring.make_room(old.view(np.uint8), new.view(np.uint8), np.array(gaps, int), 5, 4, 0xFF)

    assert expected.tolist() == new[:, :total].tolist()
