"""An import that dies, or is stopped, goes on; the end is as if nothing had happened."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from cli.running import COMMAND, Ran, Run
from refnet.log.store import FILE

PEOPLE, ROWS = 300, 8000
DAY = ("--day", "2020-01-01")
PATIENCE_SECONDS = 60


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Ratings in no order, some of them more than once, some of them wrong."""
    chance = random.Random(3)
    path = tmp_path / "ratings.csv"
    with path.open("w") as out:
        for _ in range(ROWS):
            source, target = chance.randrange(PEOPLE), chance.randrange(PEOPLE)
            out.write(f"{source},{target},{chance.randrange(-10, 11)},{chance.randrange(9)}e7\n")
    return path


def start(*arguments: object, data: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*COMMAND, *map(str, arguments), "--data", str(data)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def position(data: Path) -> int:
    """How far the log has come, also while it is just being made."""
    try:
        with closing(sqlite3.connect(f"file:{data / FILE}?mode=ro", uri=True)) as log:
            (head,) = log.execute("SELECT coalesce(max(rowid), 0) FROM stored_events").fetchone()
    except sqlite3.OperationalError:
        return 0
    return int(head)


def wait_for(condition: Callable[[], Any], process: subprocess.Popen[str]) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < end, "nothing happens"
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)


@pytest.fixture
def undisturbed(run: Run, file: Path, tmp_path: Path) -> dict[str, Any]:
    """What an import that nobody disturbs leaves: counts and scores."""
    store = tmp_path / "undisturbed"
    counts = run("import", "ratings", file, "--json", store=store).json
    return {**counts, "digest": digest(run, store)}


def digest(run: Run, store: Path) -> str:
    scores, replay = (
        run(command, *DAY, "--json", store=store).json["digest"] for command in ("scores", "replay")
    )
    assert scores == replay
    return str(scores)


@pytest.mark.parametrize("facts", [1500, 4500])
def test_a_killed_import_goes_on(
    run: Run, file: Path, data: Path, undisturbed: dict[str, Any], facts: int
) -> None:
    process = start("import", "ratings", file, data=data)
    wait_for(lambda: position(data) > facts, process)
    process.kill()
    process.communicate()
    reached = position(data)
    assert facts < reached < undisturbed["position"]

    counts = run("import", "ratings", file, "--json").json

    assert counts["duplicates"] > 0
    assert undisturbed["accepted"] == counts["accepted"] + counts["duplicates"]
    assert undisturbed["rejected"] == counts["rejected"]
    assert undisturbed["position"] == counts["position"]
    assert undisturbed["digest"] == digest(run, data)


def test_ctrl_c_keeps_what_went_in_and_says_how_to_go_on(
    run: Run, file: Path, data: Path, undisturbed: dict[str, Any]
) -> None:
    process = start("import", "ratings", file, "--json", data=data)
    wait_for(lambda: position(data) > 1500, process)
    os.kill(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=PATIENCE_SECONDS)
    stopped = Ran(process.returncode, out, err)

    assert (130, "INTERRUPTED") == (stopped.code, stopped.json["error"]["reason"])
    assert "Run the same command again" in stopped.err
    assert "Traceback" not in stopped.err
    assert 1500 < position(data) < undisturbed["position"]
    assert undisturbed["position"] == run("import", "ratings", file, "--json").json["position"]
    assert undisturbed["digest"] == digest(run, data)


@pytest.mark.slow
def test_the_otc_network_goes_in_and_is_the_same_however_it_went(
    run: Run, data: Path, tmp_path: Path, shared_data: Callable[[str], Path]
) -> None:
    file = shared_data("otc_network.csv.gz")
    policies = ("--pretrust", "uniform", "--decay", "off", "--json")
    whole = tmp_path / "whole"
    first = run("import", "ratings", file, *policies, store=whole).json
    assert (35_592, 0, 0) == (first["accepted"], first["duplicates"], first["rejected"])
    again = run("import", "ratings", file, *policies, store=whole).json
    assert (0, 35_592, first["position"]) == (
        again["accepted"],
        again["duplicates"],
        again["position"],
    )
    assert 5881 == len(run("scores", "--json", store=whole).json["members"])

    process = start("import", "ratings", file, *policies, data=data)
    wait_for(lambda: position(data) > first["position"] // 2, process)
    process.kill()
    process.communicate()
    resumed = run("import", "ratings", file, *policies).json

    assert first["position"] == resumed["position"]
    assert digest(run, whole) == digest(run, data)
