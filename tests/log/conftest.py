"""Logs for tests, closed afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from log.rig import Rig


@pytest.fixture
def open_log(tmp_path: Path) -> Iterator[Callable[..., Rig]]:
    """Opens logs in the test's directory; each must be closed before the next is opened."""
    opened: list[Rig] = []

    def make(**options: Any) -> Rig:
        rig = Rig(options.pop("directory", tmp_path), **options)
        opened.append(rig)
        return rig

    yield make
    for rig in opened:
        rig.close()


@pytest.fixture
def log(open_log: Callable[..., Rig]) -> Rig:
    """A log whose network is chartered: one fact, at position 1."""
    rig = open_log()
    rig.charter()
    return rig
