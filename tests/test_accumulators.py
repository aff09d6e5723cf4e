"""Accumulators as those see them who keep something in step with them."""

from __future__ import annotations

import numpy as np
import pytest

from refnet import accumulators
from refnet.accumulators import Accumulators, Events, Kind
from refnet.decay import decay_table


def folded() -> Accumulators:
    """Four members, of whom 0 and 1, and 1 and 2, have met; 3 has blamed himself."""
    acc = Accumulators(4)
    acc.fold(
        Events.of(
            [
                (5, int(Kind.MEETING), 0, 1, 30),
                (6, int(Kind.MEETING), 2, 1, 70),
                (7, int(Kind.SIGNAL), 3, -1, 1000),
            ]
        )
    )
    return acc


def test_clearing_a_pair_and_a_member_tells_of_all_three() -> None:
    acc = folded()
    acc.take_changes()

    acc.reset([[0, 1]], [3])

    assert acc.take_changes().members.tolist() == [0, 1, 3]
    left = _left("MT", 70, since=6, day=7)
    assert acc.masses("MT", [0, 1, 2], [1, 0, 1], 7).tolist() == [0.0, 0.0, left]
    assert acc.member_masses("SIG", 7).tolist() == [0.0] * 4


def test_evidence_of_members_is_read_with_their_tables() -> None:
    acc = folded()

    for day in (7, 8, 366):
        left = _left("SIG", 1000, since=7, day=day)
        assert acc.member_masses("SIG", day).tolist() == [0.0, 0.0, 0.0, left]


def _left(field: str, amount: int, *, since: int, day: int) -> float:
    """What is left on a day of thousandths folded on another (score-model section 3.1)."""
    half_life = Accumulators.HALF_LIVES[field]
    table = decay_table(half_life)
    period, age = divmod(day, half_life)
    total = (amount * table[since % half_life]) >> (period - since // half_life)
    return float(total * (1.0 / (1000 * table[age])))


def test_who_appears_together_for_the_first_time_is_told_as_a_gap() -> None:
    acc = folded()
    acc.take_changes()
    acc.fold(Events.of([(8, int(Kind.MEETING), 0, 2, 30)]))

    changes = acc.take_changes()

    assert changes.members.tolist() == [0, 2]
    assert [gaps.tolist() for gaps in changes.gaps] == [[1, 4]]
    assert acc.keys.tolist() == [1, 2, 1 << 32, (1 << 32) + 2, 2 << 32, (2 << 32) + 1]


def test_there_are_as_many_pairs_as_slots_can_name(monkeypatch: pytest.MonkeyPatch) -> None:
    assert accumulators._PAIRS_MAX == 2**31 - 1
    acc = folded()
    before = acc.pair_totals.tobytes(), acc.keys.tobytes()
    monkeypatch.setattr(accumulators, "_PAIRS_MAX", 5)

    with pytest.raises(ValueError, match="more than 2"):
        acc.fold(Events.of([(8, int(Kind.MEETING), 0, 2, 30)]))

    assert (acc.pair_totals.tobytes(), acc.keys.tobytes()) == before
    monkeypatch.setattr(accumulators, "_PAIRS_MAX", 6)
    acc.fold(Events.of([(8, int(Kind.MEETING), 0, 2, 30)]))
    assert len(acc.keys) == 6


def test_tables_are_shared_and_cannot_be_written() -> None:
    tables = folded().tables

    assert tables is folded().tables
    with pytest.raises(ValueError, match="read-only"):
        tables[0] = 1
    assert not np.array_equal(tables, Accumulators(decay=False).tables)
