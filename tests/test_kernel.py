"""The kernel's door: what it refuses, what it may know, and that it is there at all."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import pytest

from kernel_doors import BAD_TILES, STATUSES, message, tile_arguments
from refnet import _scoring
from refnet.accumulators import Accumulators, Events, Kind
from refnet.decay import decay_table
from refnet.scoring import ARRAYS, Scores

HASHES = {
    60: "4fd48f2eb4620e29ef2a4c0ca6874b95b6adfc85e3140f5977abc97a796d95bb",
    180: "c10f69070f3d2e724cc3a78dada9a5a5d1c5b0b970a0cbbaa05a95b0ec6dbf93",
    360: "b5e94ec875a1f21a5ae82859185c7a9a51229067c32e20c0ec3cdabd0a050a36",
    720: "4023eb89ef2e100429df3ff7171cbba7fd8963de3d815924ba06951e4f8dbbb0",
}


def arguments() -> dict[str, Any]:
    """What `score` takes for three members, of whom 0 and 1 have met; all in order."""
    acc = Accumulators(3)
    acc.fold(Events.of([(0, Kind.ACCEPTED, 0, 1, 0), (0, Kind.ATTENDANCE, 0, -1, 1000)]))
    network = acc.network()
    return {
        "offsets": network.offsets.copy(),
        "targets": network.targets.copy(),
        "reverse": network.reverse.copy(),
        "pair_totals": acc.pair_totals,
        "pair_periods": acc.pair_periods,
        "member_totals": acc.member_totals,
        "member_periods": acc.member_periods,
        "standing": np.ones(3),
        "day": 0,
        "tables": acc.tables.copy(),
        "decay": True,
        "uniform": False,
        "rows": np.arange(3, dtype=np.int32),
        "near": np.arange(3, dtype=np.int32),
        "edges": np.empty((2, len(_scoring.EDGE_NAMES))),
        "flows": np.empty((len(_scoring.FLOW_NAMES), 2)),
        "people": np.empty((len(_scoring.PERSON_NAMES), 3)),
        "out": np.empty((len(ARRAYS), 3)),
        **tile_arguments(3, 2),
        "model": _scoring.constants(0),
        "threads": 1,
    }


def fold_arguments(row: tuple[int, int, int, int, int]) -> dict[str, Any]:
    """What `fold` takes for one event between 0 and 1 of three members."""
    events = Events.of([row])
    acc = Accumulators(3)
    acc.fold(Events.of([(0, Kind.ACCEPTED, 0, 1, 0)]))
    return {
        **{name: getattr(events, name) for name in ("day", "kind", "a", "b", "amount")},
        "slot": np.zeros(1, np.int64),
        "back": np.ones(1, np.int64),
        "pair_totals": acc.pair_totals,
        "pair_periods": acc.pair_periods,
        "member_totals": acc.member_totals,
        "member_periods": acc.member_periods,
        "tables": acc.tables,
        "decay": True,
        "uniform": False,
        "value_half": 1000,
    }


@pytest.mark.parametrize("status", STATUSES)
def test_every_status_raises_its_own_message(status: int) -> None:
    with pytest.raises(ValueError) as raised:
        _scoring.raise_for(status)
    with pytest.raises(ValueError) as at_event:
        _scoring.raise_for(status, 7)

    assert STATUSES[status] == str(raised.value)
    assert f"event 7: {STATUSES[status]}" == str(at_event.value)


def test_messages_differ_and_status_zero_is_silent() -> None:
    _scoring.raise_for(0)

    assert "" == _scoring.MESSAGES[0]
    assert len(_scoring.MESSAGES) == len(set(_scoring.MESSAGES))


@pytest.mark.parametrize("status", [-1, len(_scoring.MESSAGES)])
def test_a_number_that_is_no_status_is_an_error_too(status: int) -> None:
    with pytest.raises(ValueError, match="is not one of the kernel's"):
        _scoring.raise_for(status)


BAD_EVENTS = {
    "a day number": (-1, Kind.ACCEPTED, 0, 1, 0),
    "the kind of event": (0, 11, 0, 1, 0),
    "a member id": (0, Kind.ACCEPTED, 0, 3, 0),
    "both members": (0, Kind.MEETING, 1, 1, 100),
    "an amount": (0, Kind.TESTIMONIAL, 0, 1, 1001),
}
MORE_BAD_EVENTS = [
    ("a member id", (0, Kind.ACCEPTED, 3, 0, 0)),
    ("a member id", (0, Kind.ACCEPTED, -1, 0, 0)),
    ("a member id", (0, Kind.ACCEPTED, 0, -1, 0)),
    ("a member id", (0, Kind.CLIENT, -2, 0, 1)),
    ("a member id", (0, Kind.CLIENT, -1, -1, 1)),
    ("a member id", (0, Kind.JOIN, 4, -1, 1000)),
    ("a member id", (0, Kind.SIGNAL, 3, -1, 1000)),
    ("an amount", (0, Kind.CLIENT, 0, 1, -1001)),
    ("an amount", (0, Kind.ATTENDANCE, 0, -1, -1)),
    ("an amount", (0, Kind.MEETING, 0, 1, 2**30 + 1)),
    ("an amount", (0, Kind.CLOSED, 0, 1, -1)),
    ("an amount", (0, Kind.CLOSED, 0, 1, 10**12 + 1)),
]


@pytest.mark.parametrize(("text", "row"), [*BAD_EVENTS.items(), *MORE_BAD_EVENTS])
def test_a_bad_event_is_refused_by_its_place_and_changes_nothing(
    text: str, row: tuple[int, int, int, int, int]
) -> None:
    acc = Accumulators(3)
    good = (5, Kind.ACCEPTED, 0, 1, 0)

    with pytest.raises(ValueError, match=f"event 1: {message(text)}"):
        acc.fold(Events.of([good, row]))

    assert (3, 0, -1) == (acc.n, len(acc.keys), acc.last_day)
    with pytest.raises(ValueError, match=message(text)):
        _scoring.fold(**fold_arguments(row))


BAD_FOLDS: list[tuple[str, dict[str, Any]]] = [
    ("value_half", {"value_half": 0}),
    ("value_half", {"value_half": 10**12 + 1}),
    ("a slot", {"slot": np.array([2])}),
    ("a slot", {"slot": np.array([-1])}),
    ("a slot", {"back": np.array([-1])}),
    ("a slot", {"back": np.array([2])}),
    ("a decay table", {"tables": np.zeros(1320, np.int64)}),
    ("the arrays", {"tables": np.zeros(1, np.int64)}),
    ("the arrays", {"slot": np.zeros(2, np.int64)}),
    ("the arrays", {"amount": np.zeros(2, np.int64)}),
    ("the arrays", {"pair_totals": np.zeros((8, 2), np.int64)}),
    ("the arrays", {"pair_periods": np.zeros((9, 3), np.int32)}),
    ("the arrays", {"member_periods": np.zeros((4, 3), np.int32)}),
]


@pytest.mark.parametrize(("text", "change"), BAD_FOLDS)
def test_fold_checks_what_it_is_handed(text: str, change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=message(text).replace("^", r"\^")):
        _scoring.fold(**{**fold_arguments((0, Kind.MEETING, 0, 1, 100)), **change})


def test_fold_admits_no_new_member() -> None:
    with pytest.raises(ValueError, match=message("a member id")):
        _scoring.fold(**fold_arguments((0, Kind.JOIN, 3, -1, 1000)))


BAD_SCORES: list[tuple[str, dict[str, Any]]] = [
    ("the number of threads", {"threads": 0}),
    ("the number of threads", {"threads": 1025}),
    ("a day number", {"day": -1}),
    ("the day to read", {"pair_periods": np.ones((9, 2), np.int32)}),
    ("the day to read", {"member_periods": np.ones((5, 3), np.int32)}),
    ("a standing", {"standing": np.array([1.0, 1.5, 1.0])}),
    ("a standing", {"standing": np.array([1.0, -0.5, 1.0])}),
    ("a standing", {"standing": np.array([1.0, np.nan, 1.0])}),
    ("offsets", {"offsets": np.array([0, 1, 2, 3])}),
    ("offsets", {"offsets": np.array([1, 1, 2, 2])}),
    ("offsets", {"offsets": np.array([0, 2, 1, 2])}),
    ("the targets", {"targets": np.array([0, 1], np.int32)}),
    ("the targets", {"targets": np.array([1, -1], np.int32)}),
    ("a member id", {"targets": np.array([3, 0], np.int32)}),
    ("a pair lacks", {"targets": np.array([2, 0], np.int32)}),
    ("a pair lacks", {"reverse": np.array([0, 1], np.int32)}),
    ("a pair lacks", {"reverse": np.array([-1, 0], np.int32)}),
    ("a decay table", {"tables": np.full(1320, 2**31)}),
    ("the arrays", {"standing": np.ones(2)}),
    ("the arrays", {"offsets": np.array([0, 1, 2])}),
    ("the arrays", {"reverse": np.array([1], np.int32)}),
    ("the arrays", {"pair_totals": np.zeros((9, 3), np.int64)}),
    ("the arrays", {"pair_periods": np.zeros((9, 3), np.int32)}),
    ("the arrays", {"member_totals": np.zeros((4, 3), np.int64)}),
    ("the arrays", {"member_periods": np.zeros((5, 2), np.int32)}),
    ("the arrays", {"edges": np.empty((2, 1))}),
    ("the arrays", {"flows": np.empty((len(_scoring.FLOW_NAMES), 1))}),
    ("the arrays", {"people": np.empty((1, 3))}),
    ("the arrays", {"out": np.empty((17, 3))}),
    *BAD_TILES,
    ("a member id", {"rows": np.array([3], np.int32)}),
    ("a member id", {"rows": np.array([1, 1], np.int32)}),
    ("a member id", {"near": np.array([-1, 0, 1, 2], np.int32)}),
    ("a member id", {"near": np.array([0, 1], np.int32)}),
    ("a member id", {"near": np.array([0, 1, 1, 2], np.int32)}),
]


@pytest.mark.parametrize(("text", "change"), BAD_SCORES)
def test_score_checks_what_it_is_handed(text: str, change: dict[str, Any]) -> None:
    _scoring.score(**arguments())

    with pytest.raises(ValueError, match=message(text).replace("^", r"\^")):
        _scoring.score(**{**arguments(), **change})


def test_every_status_is_met_at_a_door() -> None:
    """A status that nothing returns is dead; one that no test provokes is a guess."""
    met = {*BAD_EVENTS, *(text for text, _ in [*BAD_FOLDS, *BAD_SCORES]), "the model"}

    assert set(STATUSES.values()) == {message(text) for text in met}


@pytest.mark.parametrize(
    ("offsets", "targets", "text"),
    [
        ([0, 1, 1], [1], "a pair lacks"),
        ([0, 1, 2], [1, 1], "the targets"),
        ([0, 2, 2], [1, 1], "the targets"),
        ([0, 1, 1], [2], "a member id"),
        ([0, 1, 2, 3], [1, 2, 0], "a pair lacks"),
        ([0, 1, 3], [1, 0], "offsets"),
    ],
)
def test_reverse_slots_wants_sorted_symmetric_pairs(
    offsets: list[int], targets: list[int], text: str
) -> None:
    with pytest.raises(ValueError, match=message(text)):
        _scoring.reverse_slots(
            np.array(offsets),
            np.array(targets, np.int32),
            np.empty(len(offsets) - 1, np.int64),
            np.empty(len(targets), np.int32),
        )


@pytest.mark.parametrize(
    ("text", "change"),
    [
        ("a slot", {"slots": np.array([2])}),
        ("a slot", {"slots": np.array([-2])}),
        ("the arrays", {"field": 9}),
        ("the arrays", {"masses": np.empty(3)}),
        ("a day number", {"day": -1}),
        ("the day to read", {"periods": np.ones((9, 2), np.int32)}),
    ],
)
def test_read_pairs_checks_what_it_is_handed(text: str, change: dict[str, Any]) -> None:
    given = arguments()
    good = {
        "totals": given["pair_totals"],
        "periods": given["pair_periods"],
        "slots": np.array([0]),
        "field": 1,
        "day": 0,
        "tables": given["tables"],
        "decay": True,
        "masses": np.empty(1),
    }
    _scoring.read_pairs(**good)

    assert 0.4 == good["masses"][0]
    with pytest.raises(ValueError, match=message(text)):
        _scoring.read_pairs(**{**good, **change})


def test_the_decay_tables_are_those_of_the_model() -> None:
    assert tuple(HASHES) == _scoring.HALF_LIVES
    for half_life, expected in HASHES.items():
        table = np.array(decay_table(half_life), "<i8")
        assert expected == hashlib.sha256(table.tobytes()).hexdigest()


def test_names_and_numbers_agree_on_both_sides_of_the_waist() -> None:
    half_lives = dict(zip(_scoring.PAIR_FIELD_NAMES, _scoring.PAIR_HALF_LIVES, strict=True))
    of_members = dict(zip(_scoring.MEMBER_FIELD_NAMES, _scoring.MEMBER_HALF_LIVES, strict=True))

    assert tuple(kind.name for kind in Kind) == _scoring.KINDS_BY_NUMBER
    assert tuple(Kind) == tuple(range(len(Kind)))
    assert tuple(Scores.__dataclass_fields__)[2:] == _scoring.ARRAY_NAMES
    assert {**dict.fromkeys(("TP", "GV", "MT"), 180), "RG": 60, "GL": 720} == {
        name: days for name, days in half_lives.items() if days != 360
    }
    assert {"CP": 360, "CN": 360, "AT": 180, "WEL": 180, "SIG": 360} == of_members


def test_the_kernel_wants_every_constant_of_a_model() -> None:
    for model in (-1, len(_scoring.MODEL_NAMES)):
        with pytest.raises(ValueError, match=message("the model")):
            _scoring.constants(model)
    some = {name: value for name, value in _scoring.constants(0).items() if name != "damping"}
    with pytest.raises(ValueError, match="damping"):
        _scoring.score(**{**arguments(), "model": some})
