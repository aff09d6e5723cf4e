"""The same arguments give the same log, to the byte, in any process."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from refnet.errors import NetworkExists
from refnet.simulate import SimulatedClock, Simulation, seeded_entropy, simulate
from refnet.simulate.chance import Chance
from refnet.wiring import open_engine

Build = Callable[..., Simulation]

ELSEWHERE = """
import sys
from functools import partial
from pathlib import Path
from refnet.simulate import simulate
from refnet.wiring import open_engine
data = Path(sys.argv[1])
factory = partial(open_engine, data, simulated=True, warn=lambda _: None)
simulate(factory, chapters=3, weeks=4, seed=1)
with open_engine(data, read_only=True, warn=lambda _: None) as engine:
    print(engine.replay().head)
"""


def quiet(_: str) -> None:
    """The key lies beside the data; nobody in it is real."""


def head_of(data: Path) -> str:
    with open_engine(data, read_only=True, warn=quiet) as engine:
        return engine.replay().head


def test_the_same_seed_gives_the_same_log_and_another_seed_another(
    tmp_path: Path, build: Build
) -> None:
    first, again = build(tmp_path / "first"), build(tmp_path / "again")
    other = build(tmp_path / "other", seed=2)

    assert first.facts == again.facts
    assert head_of(tmp_path / "first") == head_of(tmp_path / "again")
    assert first.position == again.position != other.position
    assert head_of(tmp_path / "first") != head_of(tmp_path / "other")


def test_no_order_of_a_set_decides_anything(tmp_path: Path, build: Build) -> None:
    build(tmp_path / "here")
    heads = {head_of(tmp_path / "here")}
    for salt in ("1", "424242"):
        done = subprocess.run(
            [sys.executable, "-c", ELSEWHERE, str(tmp_path / salt)],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "PYTHONHASHSEED": salt},
        )
        assert 0 == done.returncode, done.stderr
        heads.add(done.stdout.strip())

    assert 1 == len(heads)


def test_a_store_is_simulated_once(tmp_path: Path, build: Build) -> None:
    """The second run refuses before it adds anything, whatever its seed."""
    position = build(tmp_path).position
    factory = partial(open_engine, tmp_path, simulated=True, warn=quiet)

    for seed in (1, 2):
        with pytest.raises(NetworkExists):
            simulate(factory, chapters=3, weeks=4, seed=seed)

    with open_engine(tmp_path, read_only=True, warn=quiet) as engine:
        assert position == engine.head()[0]


def test_entropy_is_one_stream_however_it_is_cut() -> None:
    whole = seeded_entropy(5)(200_000)
    cut = seeded_entropy(5)
    pieces = [cut(size) for size in (0, 1, 65_535, 1, 70_000, 32, 64_431)]

    assert whole == b"".join(pieces)
    assert whole != seeded_entropy(6)(200_000)
    assert whole != seeded_entropy(5, "requests")(200_000)


def test_simulated_time_goes_forward_only() -> None:
    clock = SimulatedClock(10)
    clock.move(10)
    clock.move(12)

    assert 12 == clock()
    with pytest.raises(ValueError, match="forward"):
        clock.move(11)


def test_chance_does_not_depend_on_the_version_of_python() -> None:
    """Fixed numbers: a change here changes every simulated log."""
    chance = Chance(-1)

    assert [877, 396, 922, 407, 361, 259] == [chance.between(0, 1000) for _ in range(6)]


def test_chance_keeps_to_what_it_says() -> None:
    chance = Chance(7)

    assert list(range(20)) == sorted(chance.shuffled(range(20))) != chance.shuffled(range(20))
    assert {"b"} == {chance.weighted("ab", (0.0, 1.0)) for _ in range(100)}
    assert all(0 <= chance.around(0.9, 0.5) <= 1 for _ in range(1000))
    assert 900 < sum(chance.count(1.0) for _ in range(1000)) < 1100
    amounts = sorted(chance.lognormal(1000.0, 1.2) for _ in range(2001))
    assert 850 < amounts[1000] < 1150
