"""A whole network, simulated week by week through the real command path."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from refnet.errors import InvalidRequest, NetworkExists
from refnet.simulate.careers import plan_careers
from refnet.simulate.chance import Chance
from refnet.simulate.clock import HOUR, WEEK, SimulatedClock, seeded_entropy
from refnet.simulate.collusion import plan_collusion
from refnet.simulate.desk import Desk, Engine, EngineFactory
from refnet.simulate.encounters import plan_encounters
from refnet.simulate.founding import found
from refnet.simulate.meetings import plan_meetings
from refnet.simulate.plant import Group, Plant, draw_groups
from refnet.simulate.referrals import plan_referrals
from refnet.simulate.scene import Scene, micros_of

FIRST_MONDAY = dt.date(2024, 1, 1)
"""Where simulations begin, unless they are told when to end."""

_MAXIMA = {"chapters": 10_000, "weeks": 1040, "members_per_chapter": 500}

Progress = Callable[[int, int], None]
"""Told after each week: weeks done, weeks in all."""


@dataclass(frozen=True, slots=True)
class Simulation:
    """What was made. facts: how many of each name, by name. position: of the last fact."""

    position: int
    requests: int
    facts: dict[str, int]
    plant: Plant


def simulate(
    engine_factory: EngineFactory,
    *,
    chapters: int,
    weeks: int,
    seed: int,
    members_per_chapter: int = 30,
    end: dt.date | None = None,
    progress: Progress | None = None,
) -> Simulation:
    """Write a realistic network into a new simulated store.

    engine_factory: opens the store with the clock and entropy it is given; it is closed before this
    returns. end: the Monday after the last week; by default 2024-01-01 plus the weeks. The same
    arguments give the same log, to the byte. Raises InvalidRequest for arguments out of range, and
    NetworkExists if the store already holds anything.
    """
    numbers = {"chapters": chapters, "weeks": weeks, "members_per_chapter": members_per_chapter}
    start = _check(numbers, end)
    clock = SimulatedClock(start + HOUR)
    with engine_factory(clock=clock, entropy=seeded_entropy(seed)) as engine:
        _check_new(engine)
        desk = Desk(engine, clock, seeded_entropy(seed, "requests"))
        scene = Scene(desk, Chance(seed), start, weeks)
        found(scene, chapters, members_per_chapter)
        groups = draw_groups(scene.chance, scene.people, weeks)
        _live(scene, groups, progress)
        position, _ = engine.head()
        facts = Counter(row.topic for row in engine.rows())
    plant = Plant(seed, weeks, tuple(scene.people), tuple(groups))
    return Simulation(position, desk.accepted, dict(sorted(facts.items())), plant)


def _live(scene: Scene, groups: list[Group], progress: Progress | None) -> None:
    for week in range(scene.weeks):
        plan_meetings(scene)
        plan_encounters(scene)
        plan_referrals(scene)
        plan_careers(scene)
        plan_collusion(scene, groups)
        scene.run(scene.start + (week + 1) * WEEK)
        if progress is not None:
            progress(week + 1, scene.weeks)
    scene.desk.flush()


def _check_new(engine: Engine) -> None:
    position, _ = engine.head()
    if position:
        raise NetworkExists(
            f"the store already holds {position} facts; simulate into a new directory",
            position=position,
        )


def _check(numbers: dict[str, int], end: dt.date | None) -> int:
    """When the simulation starts, microseconds. Raises InvalidRequest."""
    for name, value in numbers.items():
        if not 1 <= value <= _MAXIMA[name]:
            raise InvalidRequest(
                f"{name} is {value}; give a number from 1 to {_MAXIMA[name]}",
                field=name,
                value=value,
            )
    length = dt.timedelta(weeks=numbers["weeks"])
    first = FIRST_MONDAY if end is None else end - length
    if first.weekday() or first.year < 1971:
        raise InvalidRequest(
            f"the simulation would begin on {first}; give an end that is a Monday, "
            "with its weeks after 1970",
            field="end",
            value=end,
        )
    return micros_of(dt.datetime.combine(first, dt.time(), dt.UTC))
