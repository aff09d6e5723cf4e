"""Storage that fails under a running server: a full disk is weather, any other error the end.

The disk is `faulty_disk.c`, preloaded into `refnet serve`: the system's answers are made up, and
everything above them is real.
"""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from refnet import v1
from refnet.client import Client, RefnetCallError, Retry
from refnet.wiring import open_engine

EXIT_SECONDS = 2.0
SLACK_SECONDS = 0.5  # of a busy machine, and of Python's own way out
RESUME_SECONDS = 5.0


@pytest.fixture(scope="session")
def faulty_disk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The library to preload."""
    library = tmp_path_factory.mktemp("faults") / "faulty_disk.so"
    compiler = shlex.split(sysconfig.get_config_var("CC") or "cc")[:1]
    source = Path(__file__).with_name("faulty_disk.c")
    subprocess.run(
        [*compiler, "-shared", "-fPIC", "-O1", "-o", str(library), str(source), "-ldl"], check=True
    )
    return library


class Served:
    """`refnet serve` on a disk that can be made to fail, with one chapter and one member."""

    def __init__(self, folder: Path, library: Path) -> None:
        self.data = folder / "data"
        self.data.mkdir()
        self._fault = folder / "fault"
        self._library = library
        self.acknowledged: list[str] = []
        self.start()
        self.call(v1.NetworkServiceStub, v1.CharterNetworkRequest(name="Net"))
        made = self.call(
            v1.ChapterServiceStub,
            v1.CharterChapterRequest(
                name="One", city="Berlin", country="DE", time_zone="Europe/Berlin", currency="EUR"
            ),
        )
        self.chapter = made.chapter
        self.member = self.write().member

    def start(self) -> None:
        """Serve; the log lines go to the same disk."""
        with (self.data / "lines").open("a") as lines:
            self.process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "refnet", "serve", "--json"),
                    *("--data", str(self.data), "--listen", "127.0.0.1:0"),
                ],
                stdout=subprocess.PIPE,
                stderr=lines,
                text=True,
                env={
                    **os.environ,
                    "LD_PRELOAD": str(self._library),
                    "REFNET_FAULT_DIR": str(self.data),
                    "REFNET_FAULT_FILE": str(self._fault),
                },
            )
        assert self.process.stdout is not None
        said = self.process.stdout.readline()
        assert said, self.lines()
        self.address = json.loads(said)["listening"]
        self._client = Client(self.address, retry=Retry(attempts=1), timeout=5)

    def end(self, how: signal.Signals | None = None) -> int:
        """The exit code, after a signal or by itself."""
        if how is not None:
            self.process.send_signal(how)
        try:
            return self.process.wait(30)
        finally:
            self._client.close()
            self.process.kill()
            self.process.wait()
            assert self.process.stdout is not None
            self.process.stdout.close()

    def lines(self) -> str:
        """What it wrote to its log."""
        return (self.data / "lines").read_text()

    def fail(self, how: str) -> None:
        """From now on the disk fails; see faulty_disk.c."""
        self._fault.write_text(how)

    def heal(self) -> None:
        """The disk is well again."""
        self._fault.unlink()

    def call(self, service: Any, request: Any) -> Any:
        """Call the method whose request this is."""
        name = type(request).__name__.removesuffix("Request")
        return getattr(self._client.stub(service), name)(request)

    def write(self) -> Any:
        """Enrol a member; what is acknowledged is remembered."""
        request = v1.EnrolMemberRequest(
            chapter=self.chapter, classification=f"trade {time.monotonic_ns()}", name="A. Person"
        )
        answer = self.call(v1.MemberServiceStub, request)
        self.acknowledged.append(answer.member)
        return answer

    def write_until_refused(self) -> RefnetCallError:
        """What the refusal says; there is room for some more in the files as they are."""
        for _ in range(1000):
            try:
                self.write()
            except RefnetCallError as refusal:
                return refusal
        pytest.fail("a thousand writes went through")


@pytest.fixture
def served(tmp_path: Path, faulty_disk: Path) -> Iterator[Served]:
    server = Served(tmp_path, faulty_disk)
    yield server
    if server.process.poll() is None:
        server.end(signal.SIGKILL)


def serving(address: str) -> Any:
    """What the health service says."""
    with grpc.insecure_channel(address) as channel:
        check: Any = health_pb2_grpc.HealthStub(channel).Check  # type: ignore[attr-defined]
        return check(health_pb2.HealthCheckRequest(), timeout=5).status


def read_everything(served: Served) -> dict[str, object]:
    """One answer of every kind of read."""
    member = v1.GetMemberRequest(member=served.member)
    score = v1.GetScoreRequest(member=served.member)
    score.consistency.fully_consistent = True
    exact = v1.GetScoreRequest(member=served.member)
    answers = {
        "member": served.call(v1.MemberServiceStub, member).member.member,
        "score": served.call(v1.ScoreServiceStub, score).score.member,
        "facts": served.call(v1.LogServiceStub, v1.ListFactsRequest(page_size=3)).facts[2].number,
        "head": served.call(v1.LogServiceStub, v1.GetHeadRequest()).number,
        "serving": serving(served.address),
    }
    exact.consistency.exactly_at.position.CopyFrom(
        served.call(v1.LogServiceStub, v1.ListFactsRequest(page_size=5)).facts[4].position
    )
    answers["past"] = served.call(v1.ScoreServiceStub, exact).score.member
    return answers


def expected_reads(served: Served) -> dict[str, object]:
    return {
        "member": served.member,
        "score": served.member,
        "facts": 3,
        "head": 2 + 3 * len(served.acknowledged),
        "serving": health_pb2.HealthCheckResponse.SERVING,
        "past": served.member,
    }


def check_kept(served: Served) -> None:
    """What was acknowledged is in the log, and ledger and log say the same."""
    with open_engine(served.data, warn=lambda _: None) as engine:
        members = {f"members/{stream}" for stream in engine.state.resident("member")}
        assert set(served.acknowledged) <= members
        replay = engine.replay()
        assert replay.snapshot.digest == engine.scores(day=replay.day).digest


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
def test_on_a_full_disk_reads_go_on_and_writes_resume(served: Served, end: signal.Signals) -> None:
    for _ in range(5):
        served.write()
    served.fail("FULL")
    refusal = served.write_until_refused()
    assert refusal.reason == "ERROR_REASON_STORAGE_FULL"
    assert refusal.code is grpc.StatusCode.RESOURCE_EXHAUSTED
    for _ in range(20):
        with pytest.raises(RefnetCallError, match="STORAGE_FULL"):
            served.write()
    assert expected_reads(served) == read_everything(served)

    if end is signal.SIGKILL:
        served.end(end)
        served.heal()
        check_kept(served)
        return
    served.heal()
    deadline = time.monotonic() + RESUME_SECONDS
    written = None
    while written is None:
        try:
            written = served.write()
        except RefnetCallError:
            assert time.monotonic() < deadline
            time.sleep(0.1)
    request = v1.GetScoreRequest(member=written.member)
    request.consistency.at_least_as_fresh.CopyFrom(written.recorded_at)
    assert served.call(v1.ScoreServiceStub, request).score.number == len(served.acknowledged) - 1
    assert served.end(end) == 0
    check_kept(served)


@pytest.mark.parametrize("how", ["WRITE", "SYNC", "HANG"])
def test_after_another_storage_error_the_server_leaves_at_once(served: Served, how: str) -> None:
    for _ in range(5):
        served.write()
    served.fail(how)
    with pytest.raises(RefnetCallError, match="STORE_DAMAGED"):
        served.write()
    failed = time.monotonic()
    # Nothing is acknowledged any more, whatever the disk would say now; health says so, if there
    # is still somebody to say it.
    with suppress(grpc.RpcError):
        assert serving(served.address) == health_pb2.HealthCheckResponse.NOT_SERVING
    with pytest.raises(RefnetCallError):
        served.write()
    assert served.end() == 1
    assert time.monotonic() - failed < EXIT_SECONDS + SLACK_SECONDS
    served.heal()
    check_kept(served)


def test_a_page_that_cannot_be_read_ends_the_server(served: Served) -> None:
    for _ in range(5):
        served.write()
    assert served.end(signal.SIGTERM) == 0
    served.start()
    database = served.data / "log.db"
    content = database.read_bytes()
    page = 4096
    database.write_bytes(content[:page] + b"\xff" * (len(content) - page))
    # Another reader of the server's may have met the page before, and ended it.
    with pytest.raises(RefnetCallError, match=r"STORE_DAMAGED|Connection refused"):
        served.call(v1.LogServiceStub, v1.ListFactsRequest())
    failed = time.monotonic()
    assert served.end() == 1
    assert time.monotonic() - failed < EXIT_SECONDS + SLACK_SECONDS
    assert "the store failed: database disk image is malformed" in served.lines()
    database.write_bytes(content)
    check_kept(served)
