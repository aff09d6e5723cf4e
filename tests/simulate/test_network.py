"""What a simulated network is like: lawful, varied, timely and sealed."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from functools import partial
from pathlib import Path
from statistics import median
from types import SimpleNamespace
from typing import Any

import pytest

from refnet.domain.facts import Act
from refnet.domain.nouns import FACTS
from refnet.domain.values import MICROS_PER_DAY
from refnet.errors import InvalidRequest, StoreSealed
from refnet.simulate import simulate
from refnet.simulate.chance import Chance
from refnet.simulate.clock import DAY, MINUTE, SimulatedClock, seeded_entropy
from refnet.simulate.desk import Desk
from refnet.simulate.scene import Scene
from refnet.wiring import open_engine

NEVER_SIMULATED = {
    # Nothing reopens a chapter, and another policy would change the scores of the whole history.
    "refnet.chapter-suspended.v1",
    "refnet.chapter-closed.v1",
    "refnet.network-policy-changed.v1",
    "refnet.scores-published.v1",  # the simulator keeps no scores
    "refnet.personal-data-read.v1",  # nor has it readers, or people who demand their rights
    *(name for name, kind in FACTS.items() if kind.ACT is not Act.NONE),
}
MONDAY = dt.date(2024, 1, 1)


def day_number(date: dt.date) -> int:
    return (date - dt.date(1970, 1, 1)).days


def test_every_kind_of_fact_happens(town: Any) -> None:
    assert set(FACTS) - NEVER_SIMULATED == set(town.simulation.facts)


def test_the_counts_are_those_of_the_log(town: Any) -> None:
    with town.open() as engine:
        counted = Counter(fact.NAME for fact, _ in engine.facts())
        assert engine.head()[0] == town.simulation.position

    assert counted == town.simulation.facts
    assert counted.total() == town.simulation.position


def test_slips_are_recorded_within_days_and_never_ahead_of_time(town: Any) -> None:
    with town.open() as engine:
        times = [(each.occur_time, each.record_time) for _, each in engine.facts()]
    lags = sorted(recorded - occurred for occurred, recorded in times)
    last_day = times[-1][1] // MICROS_PER_DAY

    assert 0 <= lags[0]
    assert lags[len(lags) // 2] < MICROS_PER_DAY
    assert 2 * MICROS_PER_DAY < lags[-1] < 6 * MICROS_PER_DAY
    assert day_number(MONDAY) == times[0][1] // MICROS_PER_DAY
    assert day_number(MONDAY) + 7 * town.simulation.plant.weeks - 3 <= last_day
    assert last_day < day_number(MONDAY) + 7 * town.simulation.plant.weeks


def test_meetings_are_held_on_the_chapters_weekday(town: Any) -> None:
    with town.open() as engine:
        chapters = engine.state.resident("chapter")
        held = [f for f, _ in engine.facts() if f.NAME == "refnet.meeting-held.v1"]

    assert len(held) == len(chapters) * town.simulation.plant.weeks
    for each in held:
        assert chapters[each.chapter].meeting_weekday == f"{each.date:%A}".lower()


def test_business_has_a_median_of_about_a_thousand_and_several_currencies(town: Any) -> None:
    with town.open() as engine:
        closed = [f for f, _ in engine.facts() if f.NAME == "refnet.business-closed.v1"]
    honest = [each.value for each in closed if each.value < 5000]

    assert 500 < median(honest) < 1500
    assert {"EUR", "CHF"} == {each.currency for each in closed}


def test_personal_data_is_sealed(town: Any) -> None:
    """Names reach the log, but not in clear; who may read them can."""
    with town.open() as engine:
        person = town.simulation.plant.people[0].id
        member = engine.state.resident("member")[person]
        shown = engine.personal(person, {"name": member.name_at, "email": member.email_at})

    assert shown["email"].endswith("@mail.example")
    clear = ("mail.example", "+999 555", shown["name"], shown["email"])
    assert [str(person)] == town.mentioned(str(person), *clear)


def test_other_writers_are_refused(town: Any) -> None:
    with pytest.raises(StoreSealed):
        open_engine(town.data, warn=lambda _: None).close()


@pytest.mark.parametrize(
    ("field", "changed"),
    [
        ("chapters", {"chapters": 0}),
        ("weeks", {"weeks": 0}),
        ("members_per_chapter", {"members_per_chapter": 0}),
        ("weeks", {"weeks": 100_000}),
        ("end", {"end": dt.date(2026, 1, 6)}),
    ],
)
def test_arguments_out_of_range_are_refused_before_a_store_is_made(
    tmp_path: Path, field: str, changed: dict[str, Any]
) -> None:
    factory = partial(open_engine, tmp_path / "data", simulated=True, warn=lambda _: None)
    arguments: dict[str, Any] = {"chapters": 1, "weeks": 1, "seed": 1, **changed}

    with pytest.raises(InvalidRequest) as refused:
        simulate(factory, **arguments)

    assert field == refused.value.field
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("size", [1, 2, 90])
def test_chapters_of_any_size_live(tmp_path: Path, size: int) -> None:
    """Also when there are more members than professions to choose from."""
    weeks: list[tuple[int, int]] = []
    made = simulate(
        partial(open_engine, tmp_path, simulated=True, warn=lambda _: None),
        chapters=1,
        weeks=3,
        seed=size,
        members_per_chapter=size,
        end=dt.date(2026, 1, 5),
        progress=lambda done, total: weeks.append((done, total)),
    )

    assert [(1, 3), (2, 3), (3, 3)] == weeks
    assert size <= len(made.plant.people)
    assert 3 == made.facts["refnet.meeting-held.v1"]
    with open_engine(tmp_path, read_only=True, warn=lambda _: None) as engine:
        last = engine.head()[1] // MICROS_PER_DAY
    assert day_number(dt.date(2025, 12, 29)) <= last < day_number(dt.date(2026, 1, 5))


def test_who_has_just_become_active_did_nothing_before() -> None:
    """Minutes after a reinstatement an answer must not be dated before it."""
    nobody_hands_in: Any = None
    desk = Desk(nobody_hands_in, SimulatedClock(DAY), seeded_entropy(1))
    scene = Scene(desk, Chance(1), 0, 1)
    someone: Any = SimpleNamespace(since=DAY - 3 * MINUTE)
    moments = [scene.just_now(someone) for _ in range(200)]

    assert min(moments) == DAY - 3 * MINUTE
    assert len(set(moments)) > 10
    someone.since = 0
    assert min(scene.just_now(someone) for _ in range(200)) < DAY - 15 * MINUTE
