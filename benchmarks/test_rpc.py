"""RPCs of a whole server, against a handler that does nothing in the same server.

Server and load generator are processes of their own, on loopback. Floor and method share the
process, the interceptor and the requests, so the ratio is what refnet itself adds to a call. The
column `cpu` compares the processor time of the server.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import grpc
import numpy as np
import psutil
import pytest

from benchmarks.conftest import Compare
from benchmarks.network import simulated
from benchmarks.ratio import Comparison, Side, Times
from benchmarks.rpc_load import read, write
from refnet import v1
from refnet.app import App
from refnet.domain.nouns import NOUNS
from refnet.log.codec import Codec
from refnet.log.reader import Reader
from refnet.log.store import FILE
from refnet.rpc.paging import Pages
from refnet.rpc.positions import Positions
from refnet.rpc.score_table import FIELDS
from refnet.rpc.scores import ScoreReads
from refnet.standings import Snapshot
from refnet.wiring import open_engine

ROOT = Path(__file__).resolve().parents[1]
FLOOR = "empty handler, same interceptor"
IN_FLIGHT = 64
BATCH = 1000


@contextmanager
def process(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A Python process with pipes, ended on the way out. Its log lines go nowhere."""
    started = subprocess.Popen(
        [sys.executable, "-m", *arguments],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        yield started
    finally:
        started.terminate()
        started.communicate(timeout=30)


@dataclass
class Load:
    """A server that runs, and a load generator that is connected to it."""

    address: str
    server: psutil.Process
    pipes: subprocess.Popen[str]
    folder: Path

    def take(self, requests: list[bytes]) -> list[bytes]:
        """Hand over what is to be sent."""
        file = self.folder / "requests"
        write(file, requests)
        self._tell(f"load {file}")
        return requests

    def go(self, method: str, requests: list[bytes], in_flight: int = IN_FLIGHT) -> None:
        """Send all, wait for all answers. Raises AssertionError unless every call ended with OK."""
        ends = self._tell(f"go {method} {in_flight}")["ends"]
        assert ends == {"OK": len(requests)}, f"{method}: calls ended {ends}"

    def answers(self) -> list[bytes]:
        """The answers, in the order of the requests."""
        file = self.folder / "answers"
        self._tell(f"save {file}")
        return read(file)

    def _tell(self, command: str) -> dict[str, Any]:
        assert self.pipes.stdin is not None
        assert self.pipes.stdout is not None
        print(command, file=self.pipes.stdin, flush=True)
        found: dict[str, Any] = json.loads(self.pipes.stdout.readline())
        return found


@dataclass(slots=True)
class ServerTimes(Times):
    """Times whose processor time is that of the server."""

    server: psutil.Process = field(kw_only=True)

    def run(self, work: Callable[[Any], Any], prepared: Any) -> Any:
        before = self.server.cpu_times()
        result = Times.run(self, work, prepared)
        after = self.server.cpu_times()
        self.processor[-1] = after.user + after.system - before.user - before.system
        return result


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, timed: bool) -> Path:  # noqa: FBT001
    """A network of a thousand members that takes writes; of sixty where times do not count."""
    folder = tmp_path_factory.mktemp("store")
    simulated(folder, chapters=35 if timed else 2, weeks=4 if timed else 2, marked=False)
    return folder


@pytest.fixture(scope="module")
def load(store: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Load]:
    """The store, served."""
    with ExitStack() as stack:
        server = stack.enter_context(process("benchmarks.rpc_server", str(store)))
        assert server.stdout is not None
        address = server.stdout.readline().strip().removeprefix("listening on ")
        pipes = stack.enter_context(process("benchmarks.rpc_load", address))
        yield Load(address, psutil.Process(server.pid), pipes, tmp_path_factory.mktemp("load"))


@pytest.fixture(scope="module")
def served(store: Path, load: Load) -> Snapshot:
    """What the server's scores must be: replayed from the log at the position and day it names."""
    with grpc.insecure_channel(load.address) as channel:
        request = v1.ListScoresRequest(consistency=v1.Consistency(fully_consistent=True))
        basis = v1.ScoreServiceStub(channel).ListScores(request).computed_at
    with open_engine(store, read_only=True) as engine:
        position = Positions(engine.log_id).read(basis.position, field="position")
        snapshot = engine.replay(position=position, day=basis.day).snapshot
    assert snapshot.digest == basis.digest
    return snapshot


def line(load: Load, name: str, goal: float | None, items: int, **more: Any) -> Comparison:
    """A line of the table."""
    made = Comparison(name, FLOOR, goal, items, **more)
    made.ours, made.theirs = ServerTimes(server=load.server), ServerTimes(server=load.server)
    return made


def sha256(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def names(snapshot: Snapshot) -> list[str]:
    return [f"members/{member}" for member in snapshot.members]


def bits(columns: Any) -> str:
    """The doubles of Score messages or ScoreColumns, column by column, as a digest."""
    return sha256([np.asarray(each, "<f8").tobytes() for each in columns])


def expected_bits(snapshot: Snapshot, numbers: Any) -> str:
    return bits([getattr(snapshot.scores, array)[numbers] for array in FIELDS.values()])


def test_get_score(
    comparison: Compare,
    load: Load,
    served: Snapshot,
    timed: bool,  # noqa: FBT001
) -> None:
    """One member a call, 64 in flight; the digest is over all doubles of all answers."""
    count = 5000 if timed else 200
    numbers = np.random.default_rng(1).integers(0, len(served.members), count)
    members = names(served)
    requests = [v1.GetScoreRequest(member=members[at]).SerializeToString() for at in numbers]

    def digest(_: Any, __: Any) -> str:
        answers = [v1.GetScoreResponse.FromString(each) for each in load.answers()]
        assert {each.computed_at.digest for each in answers} == {served.digest}
        return bits([[getattr(each.score, name) for each in answers] for name in FIELDS])

    comparison(
        line(load, "GetScore, 64 in flight", 0.85, count),
        Side(
            prepare=lambda: load.take(requests),
            work=partial(load.go, "/refnet.v1.ScoreService/GetScore"),
            digest=digest,
        ),
        Side(
            prepare=lambda: load.take(requests),
            work=partial(load.go, "/refnet.v1.Bench/GetScore"),
            digest=lambda _, __: expected_bits(served, numbers),
        ),
    )


def test_batch_get_scores(
    comparison: Compare,
    load: Load,
    served: Snapshot,
    timed: bool,  # noqa: FBT001
) -> None:
    """A thousand members a call, by number, 8 in flight; the floor sends as many bytes."""
    calls = 400 if timed else 4
    numbers = np.random.default_rng(1).integers(0, len(served.members), (calls, BATCH))
    requests = [v1.BatchGetScoresRequest(numbers=each).SerializeToString() for each in numbers]

    def digest(_: Any, __: Any) -> str:
        found = [v1.BatchGetScoresResponse.FromString(each) for each in load.answers()]
        assert {(each.computed_at.digest, len(each.missing)) for each in found} == {
            (served.digest, 0)
        }
        return sha256([bits([getattr(each.columns, name) for name in FIELDS]) for each in found])

    expected = sha256([expected_bits(served, each) for each in numbers])
    compared = line(load, "BatchGetScores, 1,000 a call", None, calls * BATCH, rate_goal=2e6)
    comparison(
        compared,
        Side(
            prepare=lambda: load.take(requests),
            work=lambda given: load.go("/refnet.v1.ScoreService/BatchGetScores", given, 8),
            digest=digest,
        ),
        Side(
            prepare=lambda: load.take(requests),
            work=lambda given: load.go("/refnet.v1.Bench/BatchGetScores", given, 8),
            digest=lambda _, __: expected,
        ),
    )
    for whose, times in (("refnet", compared.ours), ("floor", compared.theirs)):
        rate = calls * BATCH / max(statistics.median(times.processor), 0.01)  # the clock's tick
        print(f"{whose}: {rate / 1e6:.2f} M members a second of the server's processor time")


class _Context:
    """Of a call without a deadline."""

    def time_remaining(self) -> None:
        return None


def test_batch_get_scores_without_the_wire(
    comparison: Compare,
    tmp_path: Path,
    timed: bool,  # noqa: FBT001
) -> None:
    """From a request's bytes to an answer's in one process, against taking the numbers alone."""
    simulated(tmp_path / "data", chapters=35 if timed else 2, weeks=2, marked=False)
    calls = 400 if timed else 4
    with asyncio.Runner() as runner:
        app = App(open_engine(tmp_path / "data", warn=lambda _: None))
        runner.run(app.start())
        reads = ScoreReads(app, Positions(app.log_id), Pages(app.log_id))
        snapshot = app.latest()
        assert snapshot is not None
        columns = [getattr(snapshot.scores, array) for array in FIELDS.values()]
        given = np.random.default_rng(1).integers(0, len(snapshot.members), (calls, BATCH))
        requests = [v1.BatchGetScoresRequest(numbers=each).SerializeToString() for each in given]

        async def answer(data: list[bytes]) -> list[bytes]:
            parse, context = v1.BatchGetScoresRequest.FromString, _Context()
            return [await reads._batch(parse(each), context) for each in data]

        def digest(_: Any, found: list[bytes]) -> str:
            read = [v1.BatchGetScoresResponse.FromString(each).columns for each in found]
            return sha256([bits([getattr(each, name) for name in FIELDS]) for each in read])

        def take(data: Any) -> list[list[bytes]]:
            return [[column[each].tobytes() for column in columns] for each in data]

        try:
            comparison(
                Comparison(
                    "BatchGetScores, no wire",
                    "numpy takes and copies",
                    None,
                    calls * BATCH,
                    rate_goal=2e6,
                ),
                Side(lambda: requests, lambda data: runner.run(answer(data)), digest),
                Side(lambda: given, take, lambda _, made: sha256([sha256(each) for each in made])),
            )
        finally:
            runner.run(app.close())


def test_unary_writes_acknowledged(
    comparison: Compare,
    load: Load,
    served: Snapshot,
    store: Path,
    timed: bool,  # noqa: FBT001
) -> None:
    """PassReferral, 64 in flight. Every answer's stream must hold the referral asked for.

    In the end, a replay of the log must come to the head and to the scores of the server.
    """
    count = 5000 if timed else 200
    active = [str(served.members[at]) for at in np.flatnonzero(served.active)]
    generator = np.random.default_rng(1)
    pairs = [generator.choice(len(active), 2, replace=False) for _ in range(count)]
    asked = [(active[one], active[other], 3) for one, other in pairs]
    reader = Reader(store / FILE, Codec(NOUNS))
    seen = reader.position()

    def draw() -> list[bytes]:
        messages = (
            v1.PassReferralRequest(
                giver=f"members/{giver}",
                receiver=f"members/{receiver}",
                heat=heat,
                request_id=str(uuid4()),
            )
            for giver, receiver, heat in asked
        )
        return load.take([message.SerializeToString() for message in messages])

    def digest(requests: list[bytes], _: Any) -> str:
        nonlocal seen
        found = {recorded.request_id: (fact, recorded) for fact, recorded in reader.facts(seen)}
        seen, before = reader.position(), seen
        assert len(found) == seen - before
        written = []
        for request, answer in zip(requests, load.answers(), strict=True):
            fact, recorded = found.pop(v1.PassReferralRequest.FromString(request).request_id)
            acknowledged = v1.PassReferralResponse.FromString(answer).referral
            assert acknowledged == f"referrals/{recorded.stream}"
            written.append((str(fact.giver), str(fact.receiver), fact.heat))
        assert found == {}
        return sha256(written)

    with closing(reader):
        comparison(
            line(load, "unary write, 64 in flight", 0.5, count, writes=True),
            Side(draw, partial(load.go, "/refnet.v1.ReferralService/PassReferral"), digest),
            Side(draw, partial(load.go, "/refnet.v1.Bench/PassReferral"), lambda *_: sha256(asked)),
        )
    compare_with_replay(load, store)


def compare_with_replay(load: Load, store: Path) -> None:
    """What the log alone says must be what the server says: head, and scores at that head."""
    with grpc.insecure_channel(load.address) as channel:
        request = v1.ListScoresRequest(consistency=v1.Consistency(fully_consistent=True))
        basis = v1.ScoreServiceStub(channel).ListScores(request).computed_at
        head = v1.LogServiceStub(channel).GetHead(v1.GetHeadRequest())
    with open_engine(store, read_only=True) as engine:
        replay = engine.replay(day=basis.day)
    print(f"{replay.position} facts, head {replay.head}, scores {replay.snapshot.digest}")
    assert head.root == replay.head
    assert basis.digest == replay.snapshot.digest
