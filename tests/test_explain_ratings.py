"""Explanations, what-ifs and forecasts of the real network of ratings."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from refnet import _reference as reference
from refnet import _reference_evidence as naive
from refnet.accumulators import Accumulators, Events
from refnet.domain.facts import Recorded
from refnet.domain.network import Pretrust
from refnet.domain.testimonial import TestimonialGiven as Given
from refnet.engine import Engine
from refnet.explain import explain
from refnet.forecast import forecast
from refnet.imports.ratings import RatingsImport
from refnet.imports.rejects import Rejects
from refnet.scoring import score
from refnet.standings import Snapshot
from refnet.whatif import without
from refnet.wiring import open_engine

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("explain_ratings")]

MEMBERS = 100
BY_REFERENCE = 2
"""How many what-ifs the slow reference scores too: it takes some seconds for each."""


@dataclass
class Real:
    """The network, its facts, and a hundred of its members."""

    engine: Engine
    snapshot: Snapshot
    facts: list[tuple[Any, Recorded]]
    numbers: list[int]


@pytest.fixture(scope="module")
def real(
    shared_data: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Real]:
    file = shared_data("otc_network.csv.gz")
    data = tmp_path_factory.mktemp("otc") / "store"
    with open_engine(data, warn=lambda _: None) as engine:
        rejects = Rejects(engine.data, file)
        RatingsImport(engine, rejects, pretrust=Pretrust.UNIFORM).run(file)
        rejects.close()
        facts = list(engine.facts())
        day = max(naive.day_of(*told) for told in facts if isinstance(told[0], Given))
        snapshot = engine.scores(day=day)
        numbers = random.Random(2024).sample(range(snapshot.scores.n), MEMBERS)
        yield Real(engine, snapshot, facts, numbers)


def test_parts_add_up_to_the_score(real: Real) -> None:
    for number in real.numbers:
        told = explain(real.snapshot, number)
        parts = [part.points for part in told.parts]
        assert math.fsum([*parts, told.taken, told.remainder]) == told.score
        assert told.score == real.snapshot.scores.score[number]
        assert abs(told.remainder) < 1e-11


def test_without_a_fact_every_score_is_that_of_the_rest(real: Real) -> None:
    snapshot, chance = real.snapshot, random.Random(7)
    day, n = snapshot.day, snapshot.scores.n
    roster = naive.members(real.facts, snapshot.position)
    standing = naive.standing(real.facts, snapshot.position)
    policy = naive.policy(real.facts, snapshot.position)
    about: dict[int, list[int]] = {number: [] for number in real.numbers}
    for fact, told in real.facts:
        if isinstance(fact, Given) and snapshot.numbers[fact.subject] in about:
            about[snapshot.numbers[fact.subject]].append(told.position)
    for place, positions in enumerate(about.values()):
        gone = real.engine.left_out(snapshot, [chance.choice(positions)] if positions else [])
        rest = [told for told in real.facts if told[1].position not in gone]
        events = naive.events(rest, snapshot.position, day, roster)
        folded = Accumulators(n, **policy._asdict())
        folded.fold(Events.of(events))
        expected = score(folded, day, standing=np.array(standing))

        assert expected.digest() == without(snapshot, gone).digest()
        if place < BY_REFERENCE:
            slow = reference.score(n, events, day, standing=standing, **policy._asdict())
            assert reference.digest(slow) == expected.digest()


def test_a_forecast_is_the_score_of_that_day(real: Real) -> None:
    snapshot = real.snapshot
    days = [snapshot.day, snapshot.day + 1, snapshot.day + 59, snapshot.day + 365]
    read = [real.engine.scores(day=day).scores.arrays for day in days]
    for number in real.numbers:
        for told, arrays in zip(forecast(snapshot, number, days), read, strict=True):
            assert {name: values[number] for name, values in arrays.items()} == told.values
