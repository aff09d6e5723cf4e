"""What the benchmarks share: the network they run on, and the table at the end."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmarks.network import Network, simulated
from benchmarks.ratio import Comparison, Side, compare, fdatasync_seconds, table

_LINES = pytest.StashKey[list[Comparison]]()

Compare = Callable[[Comparison, Side, Side], None]


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_LINES] = []


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    lines = config.stash[_LINES]
    if lines:
        terminalreporter.section(
            "ratios: medians of runs in turns, above 1 is faster than the peer"
        )
        for text in table(lines):
            terminalreporter.write_line(text)


@pytest.fixture(scope="session")
def timed(request: pytest.FixtureRequest) -> bool:
    """Whether times count; with --benchmark-disable everything runs once, and small."""
    return not request.config.getoption("--benchmark-disable")


@pytest.fixture(scope="session")
def network(tmp_path_factory: pytest.TempPathFactory, timed: bool) -> Network:  # noqa: FBT001
    """A simulated network of 100,000 facts and more; of some thousand where times do not count."""
    folder = tmp_path_factory.mktemp("network")
    return simulated(folder, chapters=20 if timed else 2, weeks=40 if timed else 6)


@pytest.fixture
def comparison(benchmark: Any, request: pytest.FixtureRequest, tmp_path: Path) -> Compare:
    """Compare two sides, print the line and keep it for the table."""

    def run(line: Comparison, ours: Side, peer: Side) -> None:
        if line.writes:
            line.fdatasync_seconds = fdatasync_seconds(tmp_path)
        compare(benchmark, line, ours, peer)
        request.config.stash[_LINES].append(line)
        print("\n".join(table([line])))

    return run
