"""One simulated network on a real store, made once for the tests that only read it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from refnet.engine import Engine
from refnet.simulate import Simulation, simulate
from refnet.wiring import open_engine

CHAPTERS, WEEKS = 4, 40


def quiet(_: str) -> None:
    """The key lies beside the data; nobody in it is real."""


@dataclass(frozen=True)
class Town:
    """A simulated store and what its simulation returned."""

    data: Path
    simulation: Simulation

    def open(self) -> Engine:
        return open_engine(self.data, read_only=True, warn=quiet)

    def mentioned(self, *texts: str) -> list[str]:
        """Those of the texts that stand in the bytes of any fact."""
        with self.open() as engine:
            whole = b"\n".join(row.state for row in engine.rows())
        return [text for text in texts if text.encode() in whole]


Build = Callable[..., Simulation]


@pytest.fixture(scope="session")
def build() -> Build:
    """Simulate into a directory; three chapters of a month unless told otherwise."""

    def simulated(data: Path, *, chapters: int = 3, weeks: int = 4, seed: int = 1) -> Simulation:
        factory = partial(open_engine, data, simulated=True, warn=quiet)
        return simulate(factory, chapters=chapters, weeks=weeks, seed=seed)

    return simulated


@pytest.fixture(scope="session")
def town(tmp_path_factory: pytest.TempPathFactory, build: Build) -> Town:
    data = tmp_path_factory.mktemp("town") / "data"
    return Town(data, build(data, chapters=CHAPTERS, weeks=WEEKS, seed=11))
