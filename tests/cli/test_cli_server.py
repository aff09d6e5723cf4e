"""`refnet simulate` and `refnet serve`: a network to look at, and a server to ask."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from grpc_health.v1.health_pb2 import HealthCheckRequest
from grpc_health.v1.health_pb2_grpc import HealthStub

from cli.running import COMMAND, Run
from refnet import v1
from refnet.client import Client, RefnetCallError
from refnet.rpc.server import GRACE_SECONDS

PATIENCE_SECONDS = 60


@contextmanager
def serving(data: Path, *options: str) -> Iterator[tuple[subprocess.Popen[str], list[str], str]]:
    """A server: its process, what it printed until it listened, and where it listens."""
    command = [*COMMAND, "serve", "--listen", "127.0.0.1:0", "--data", str(data), *options]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            printed: list[str] = []
            while not (printed and "listening" in printed[-1]):
                line = process.stdout.readline()
                assert line, process.stderr.read() if process.stderr else ""
                printed.append(line.rstrip("\n"))
            last = printed[-1]
            at = json.loads(last)["listening"] if "{" in last else last.split()[-1]
            yield process, printed, at
        finally:
            process.kill()


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store as `serve --demo` begins with, stopped again."""
    data = tmp_path_factory.mktemp("demo") / "store"
    with serving(data, "--demo") as (process, printed, at):
        assert process.stdout is not None
        ranks = [line.split()[0] for line in printed if line.strip()[:2].strip().isdigit()]
        assert [str(rank) for rank in range(1, 11)] == ranks
        assert f"listening on {at}" == printed[-1]
        assert process.stdout.readline().startswith("try")
        pasted = process.stdout.readline()
        answered = subprocess.run(
            ["bash", "-c", pasted], capture_output=True, text=True, check=False, timeout=60
        )
        assert 0 == answered.returncode, answered.stderr
        assert "rank: 1\n" in answered.stdout
        (served,) = re.findall(r"^  score: ([0-9.]+)", answered.stdout, re.MULTILINE)
        first = next(line for line in printed if line.split()[:1] == ["1"])
        assert f" {float(served):.2f} " in first
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=PATIENCE_SECONDS)
        assert (0, "stopped\n") == (process.returncode, out)
        assert "Traceback" not in err
    return data


def test_the_example_of_the_readme_ends_with_a_sentence_the_second_time(
    tmp_path: Path, root: Path
) -> None:
    (example,) = re.findall(
        r"^```python\n(.*?)^```$", (root / "README.md").read_text(), re.MULTILINE | re.DOTALL
    )
    with serving(tmp_path / "network") as (_, _, at):
        command = [sys.executable, "-c", example.replace("127.0.0.1:50051", at)]
        first, second = (
            subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
            for _ in range(2)
        )

    assert (0, "") == (first.returncode, first.stderr)
    assert (1, "") == (second.returncode, second.stdout)
    assert second.stderr.startswith("the log already holds network ")
    assert 1 == second.stderr.count("\n")


@pytest.fixture
def data(demo: Path, tmp_path: Path) -> Path:
    """A copy of the demo's store."""
    return shutil.copytree(demo, tmp_path / "store")


def test_a_server_has_the_scores_of_its_log_bit_for_bit(
    run: Run, data: Path, tmp_path: Path
) -> None:
    position = run("replay", "--json").json["position"]
    with serving(data, "--json") as (process, printed, at):
        assert 1 == len(printed)
        done = run("replay", "--compare", at, "--json")
        assert (0, True) == (done.code, done.json["compare"]["same"])
        then = run("replay", "--until", position // 2, "--compare", at, "--json")
        assert (0, True) == (then.code, then.json["compare"]["same"])
        assert done.json["digest"] != then.json["digest"]
        assert "bit for bit" in run("replay", "--compare", at).out
        refused = run("import", "ratings", __file__, "--json")
        assert (1, "STORE_SEALED") == (refused.code, refused.json["error"]["reason"])

        other = tmp_path / "other"
        run("simulate", "--chapters", 1, "--weeks", 2, "--seed", 5, "--json", store=other)
        foreign = run("replay", "--compare", at, "--json", store=other)
        assert 1 == foreign.code
        assert "FOREIGN_POSITION" == foreign.json["error"]["reason"]
        assert f"{at} serves another log" in foreign.err
        process.send_signal(signal.SIGTERM)
        assert 0 == process.wait(PATIENCE_SECONDS)

    gone = run("replay", "--compare", at, "--json")
    assert (1, "UNAVAILABLE") == (gone.code, gone.json["error"]["reason"])


@pytest.mark.parametrize("signal_", [signal.SIGINT, signal.SIGTERM])
def test_readers_are_told_of_the_end_and_do_not_hold_it_up(data: Path, signal_: int) -> None:
    ends: list[str] = []

    def read(answers: Iterator[object], opened: threading.Event) -> None:
        try:
            for _ in answers:
                opened.set()
        except RefnetCallError as error:
            ends.append(error.reason)

    with serving(data, "--json") as (process, _, at), Client(at) as refnet:
        health: Any = refnet.stub(HealthStub)
        streams: list[Any] = [
            refnet.stub(v1.LogServiceStub).FollowFacts(v1.FollowFactsRequest()),
            refnet.stub(v1.ScoreServiceStub).WatchScores(v1.WatchScoresRequest()),
            health.Watch(HealthCheckRequest()),
        ]
        opened = [threading.Event() for _ in streams]
        readers = [
            threading.Thread(target=read, args=each) for each in zip(streams, opened, strict=True)
        ]
        for reader, event in zip(readers, opened, strict=True):
            reader.start()
            assert event.wait(PATIENCE_SECONDS)
        start = time.monotonic()
        process.send_signal(signal_)
        assert 0 == process.wait(PATIENCE_SECONDS)
        took = time.monotonic() - start
        for reader in readers:
            reader.join()

    assert took < GRACE_SECONDS  # which who waits for readers takes in full, and more
    assert ["", "ERROR_REASON_SHUTTING_DOWN", "ERROR_REASON_SHUTTING_DOWN"] == sorted(ends)


def test_a_demo_on_a_store_that_has_facts_adds_none(run: Run, data: Path) -> None:
    before = run("replay", "--json").json["head"]
    with serving(data, "--demo") as (process, _, _):
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=PATIENCE_SECONDS)

    assert before == run("replay", "--json").json["head"]


@pytest.mark.parametrize("place", ["missing/plant.json", "file/plant.json"])
def test_a_plant_that_cannot_be_written_is_refused_before_anything_is_simulated(
    run: Run, tmp_path: Path, place: str
) -> None:
    (tmp_path / "file").touch()
    store = tmp_path / "new"

    done = run(
        *("simulate", "--chapters", 1, "--weeks", 1, "--seed", 4),
        *("--plant", tmp_path / place, "--json"),
        store=store,
    )

    error = done.json["error"]
    assert (1, "INVALID_REQUEST", "plant") == (done.code, error["reason"], error["field"])
    assert not store.exists()


def test_a_seed_makes_a_log(run: Run, tmp_path: Path) -> None:
    plant = tmp_path / "plant.json"
    options = ("--chapters", 1, "--weeks", 3, "--members", 12)
    made = run(
        "simulate", *options, "--seed", 4, "--plant", plant, "--json", store=tmp_path / "one"
    )
    run("simulate", *options, "--seed", 4, store=tmp_path / "two")
    run("simulate", *options, "--seed", 5, store=tmp_path / "three")

    one, two, three = (
        run("replay", "--json", store=tmp_path / name).json for name in ("one", "two", "three")
    )
    assert one == two
    assert one["head"] != three["head"]
    assert made.json["position"] == one["position"] == sum(made.json["facts"].values())
    assert made.json["people"] == len(json.loads(plant.read_text())["members"])
    refused = run("serve", "--listen", "127.0.0.1:0", "--json", store=tmp_path / "one")
    assert (1, "STORE_SEALED") == (refused.code, refused.json["error"]["reason"])
