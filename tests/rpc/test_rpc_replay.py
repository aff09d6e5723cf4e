"""What is served of any position and day is what a replay of the log comes to, to the last bit."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import pytest

from random_network import RandomNetwork
from refnet import v1
from refnet.domain.decisions import Request
from refnet.domain.facts import Effect
from refnet.engine import Engine
from refnet.labels import Label
from refnet.log.draft import Receipt
from refnet.rpc.positions import Positions
from refnet.rpc.score_table import FIELDS
from refnet.scoring import digest
from refnet.simulate import simulate
from refnet.standings import Snapshot
from refnet.wiring import open_engine
from rpc.serving import Served, running

POINTS = 20
DAY = 86_400_000_000


def quiet(_: str) -> None:
    """Key-file warnings are not what these tests are about."""


class Requested(RandomNetwork):
    """Keeps the requests that were accepted, and when, so that a real store can be asked again."""

    def __init__(self, seed: int) -> None:
        self.asked: list[tuple[int, Request]] = []
        super().__init__(seed)

    def _append(self, fact: Any, stream: UUID, request: Request) -> Any:
        if not self.asked or self.asked[-1][1] is not request:
            self.asked.append((self.now, request))
        return super()._append(fact, stream, request)


def random_store(folder: Path) -> None:
    """Everything is voided, revised, moved and told late."""
    net = Requested(17)
    net.grow(900)
    now = net.start
    with open_engine(folder, warn=quiet, clock=lambda: now) as engine:
        for place, (now, request) in enumerate(net.asked):  # noqa: B007 - the clock reads it
            (outcome,) = engine.execute([replace(request, request_id=str(UUID(int=place)))])
            assert isinstance(outcome, Receipt), outcome
        assert engine.head()[0] == net.position
        effects = set(engine.scores().columns.effect.tolist())
    assert {Effect.VOID, Effect.REVISION, Effect.ATTENDANCE_CORRECTED, Effect.POLICY} <= effects
    late = sum(told.occur_time // DAY < told.record_time // DAY for _, told in net.facts)
    assert late > 50


def simulated_store(folder: Path) -> None:
    """Unmarked, so that it is served as any other network is."""
    simulate(partial(open_engine, folder, warn=quiet), chapters=3, weeks=12, seed=5)


async def served_columns(served: Served, position: int, day: int, n: int) -> Any:
    """Scores of all members, as they travel."""
    token = Positions(served.app.log_id).message(position)
    exact = v1.ExactPosition(position=token, day=day)
    request = v1.BatchGetScoresRequest(
        numbers=range(n), consistency=v1.Consistency(exactly_at=exact)
    )
    return await served.call(request, timeout=60)


def points(engine: Engine) -> list[tuple[int, int]]:
    """Positions that have members, with days around those on which they were recorded."""
    choose = random.Random(3)
    head = engine.head()[0]
    found: list[tuple[int, int]] = []
    while len(found) < POINTS:
        position = choose.randint(head // 20, head)
        recorded = engine.record_time(position) // DAY
        day = recorded + choose.choice((-200, -30, -1, 0, 1, 60, 400))
        found.append((position, max(0, day)))
    return found


def assert_same(columns: Any, replayed: Snapshot) -> None:
    for field, array in FIELDS.items():
        expected = getattr(replayed.scores, array)
        assert expected.tobytes() == np.array(getattr(columns, field), "<f8").tobytes(), field
    assert replayed.rank.tolist() == list(columns.rank)
    assert [*range(replayed.scores.n)] == list(columns.number)
    assert [Label(each) for each in replayed.labels.tolist()] == list(columns.label)


@pytest.mark.parametrize("build", [random_store, simulated_store], ids=lambda each: each.__name__)
async def test_twenty_positions_and_days_are_served_as_they_are_replayed(
    build: Callable[[Path], None], tmp_path: Path
) -> None:
    data = tmp_path / "data"
    build(data)
    async with running(data) as served:
        with open_engine(data, read_only=True, warn=quiet) as auditor:
            for position, day in points(auditor):
                replayed = auditor.replay(position=position, day=day).snapshot
                assert replayed.scores.n
                answer = await served_columns(served, position, day, replayed.scores.n)
                assert replayed.digest == answer.computed_at.digest
                assert (day, replayed.model) == (
                    answer.computed_at.day,
                    answer.computed_at.model,
                )
                assert_same(answer.columns, replayed)
                arrays = {
                    array: np.array(getattr(answer.columns, field), "<f8")
                    for field, array in FIELDS.items()
                }
                assert replayed.digest == digest(arrays)
