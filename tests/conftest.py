"""Fixtures that every room's tests share, and the settings of hypothesis."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings

ROOT = Path(__file__).resolve().parents[1]

# Same examples in every CI run, so that red means a change; at home new ones each time. No
# deadline: the machine may be busy, and slowness is the business of the benchmarks.
settings.register_profile(
    "ci", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
# For tests/mutants: a failure is all that is asked for, not the smallest one.
settings.register_profile(
    "mutants", parent=settings.get_profile("ci"), phases=(Phase.explicit, Phase.generate)
)
settings.register_profile("home", parent=settings.get_profile("default"), deadline=None)
settings.load_profile("ci" if os.environ.get("CI") else "home")


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return ROOT


@pytest.fixture(scope="session")
def shared_data() -> Callable[[str], Path]:
    """Path of a file of the shared test data by name; the test skips where it does not exist.

    The data lies in REFNET_TEST_DATA, else in ../shared/data beside the checkout.
    """
    folder = Path(os.environ.get("REFNET_TEST_DATA", ROOT.parent / "shared" / "data"))

    def find(name: str) -> Path:
        path = folder / name
        if not path.exists():
            pytest.skip(f"no {name} in the shared data; name its folder in REFNET_TEST_DATA")
        return path

    return find
