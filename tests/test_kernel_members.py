"""Reading what a member alone has: the kernel, and the formula of score-model section 3.1."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from refnet import _scoring
from refnet.accumulators import Accumulators, Events, Kind
from refnet.decay import decay_table


def test_members_are_read_as_they_are_one_by_one() -> None:
    """Each field of each member fades by its own half-life."""
    rows = [(0, int(Kind.JOIN), who, -1, 1000) for who in range(3)]
    rows += [(day, int(Kind.ATTENDANCE), day % 3, -1, 1000) for day in range(3, 300, 7)]
    rows += [(11, int(Kind.SIGNAL), 1, -1, 1000), (13, int(Kind.CLIENT), -1, 2, -700)]
    acc = Accumulators(3)
    acc.fold(Events.of(sorted(rows)))
    masses = np.empty(3)
    for name, half_life in zip(acc.MEMBER_FIELDS, _scoring.MEMBER_HALF_LIVES, strict=True):
        field = acc.MEMBER_FIELDS.index(name)
        given = (acc.member_totals, acc.member_periods, field)
        table = decay_table(half_life)
        for day in (300, 366, 1027):
            _scoring.read_members(*given, day, acc.tables, True, masses)
            period, age = divmod(day, half_life)
            expected = [
                float(int(total) >> min(period - int(last), 63)) * (1.0 / (1000 * table[age]))
                for total, last in zip(
                    acc.member_totals[field], acc.member_periods[field], strict=True
                )
            ]
            assert expected == masses.tolist()
            assert any(expected) == (name != "CP")


@pytest.mark.parametrize(
    ("text", "change"),
    [
        ("the arrays", {"totals": np.zeros((9, 3), np.int64)}),
        ("the arrays", {"periods": np.zeros((9, 3), np.int32)}),
        ("the arrays", {"periods": np.zeros((5, 2), np.int32)}),
        ("the arrays", {"totals": np.zeros((5, 2), np.int64)}),
        ("the arrays", {"field": 5}),
        ("the arrays", {"field": -1}),
        ("the arrays", {"masses": np.empty(2)}),
        ("a day number", {"day": -1}),
        ("the day to read", {"periods": np.ones((5, 3), np.int32)}),
        ("a decay table", {"tables": np.full(1320, 2**31)}),
    ],
)
def test_reading_members_checks_what_it_is_handed(text: str, change: dict[str, Any]) -> None:
    acc = Accumulators(3)
    given: dict[str, Any] = {
        "totals": acc.member_totals,
        "periods": acc.member_periods,
        "field": 0,
        "day": 0,
        "tables": acc.tables,
        "decay": True,
        "masses": np.empty(3),
    }
    _scoring.read_members(**given)

    with pytest.raises(ValueError, match=text):
        _scoring.read_members(**{**given, **change})
