"""Killed anywhere, rolled back at any time: never a fork, never a checkpoint without its tiles."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from refnet.tlog.signer import STEPS

DRIVER = Path(__file__).with_name("crashing.py")


def driven(place: Path, times: int, rollbacks: int, seed: int) -> None:
    command = [sys.executable, str(DRIVER), str(place), *map(str, (times, rollbacks, seed))]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=280)
    told = json.loads(done.stdout) if done.stdout else done.stderr

    assert told == {
        "seed": seed,
        "crashes": dict.fromkeys(STEPS, times),
        "rollbacks": rollbacks,
        "faults": [],
    }
    sys.stdout.write(done.stdout)


def test_a_publisher_killed_at_any_step_leaves_no_fork(tmp_path: Path) -> None:
    driven(tmp_path / "log", times=2, rollbacks=6, seed=1)


@pytest.mark.slow
def test_twenty_crashes_at_every_step_and_fifty_rollbacks(tmp_path: Path) -> None:
    assert len(STEPS) >= 12
    driven(tmp_path / "log", times=20, rollbacks=50, seed=20)
