"""A small simulated network, and a folder of made-up ratings in the form of the real ones."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from refnet.evaluate.networks import LABELS, RATINGS, SimulatedNetwork
from refnet.evaluate.simulated import simulated

CHAPTERS, MEMBERS, WEEKS = 3, 12, 34

ROWS = """\
1,2,5,1000000000
2,1,10,1000000001
2,3,4,1000000002
2,4,-7,1000086400
5,3,9,1000086401
5,4,-10,1000086402
1,6,-5,1000086403
5,6,-2,1000086404
3,5,6,1000172800
6,7,8,1000172801
"""
"""Two trusts people as strongly as One, the founder, trusts Two."""


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("simulated")


@pytest.fixture(scope="session")
def network(cache: Path) -> SimulatedNetwork:
    return small(3, cache)


def small(seed: int, cache: Path) -> SimulatedNetwork:
    """A network that takes a second or two to make."""
    return simulated(seed, cache, chapters=CHAPTERS, members=MEMBERS, weeks=WEEKS)


@pytest.fixture(scope="session")
def ratings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of ratings; 1, 3 and 5 are benign, 4, 6 and 7 fraudulent."""
    folder = tmp_path_factory.mktemp("ratings")
    (folder / RATINGS).write_bytes(gzip.compress(ROWS.encode()))
    (folder / LABELS).write_text("1,+1\n3,+1\n4,-1\n5,+1\n6,-1\n7,-1\n")
    return folder
