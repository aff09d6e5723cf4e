"""How soon a write shows in the scores, in a network of 30,000 members and a million pairs.

From the moment a write over gRPC is acknowledged until a read shows it: GetScore that asks for
scores at least as fresh as the write, or one that asks for nothing and is repeated. The server is a
process of its own. Beside it stands what exact scores cost if they are made anew: scoring that
network once, with everything at hand. It is measured between the writes, on the same machine at
the same time.
"""

from __future__ import annotations

import os
import random
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import psutil
import pytest

from benchmarks.test_rpc import process
from benchmarks.write_mix import WriteMix
from refnet import v1
from refnet.client import Client
from refnet.domain.chapter import CharterChapter
from refnet.domain.decisions import Request
from refnet.domain.member import EnrolMember
from refnet.domain.network import CharterNetwork, Pretrust
from refnet.domain.testimonial import GiveTestimonial
from refnet.engine import Engine
from refnet.log.draft import Receipt
from refnet.scoring import score
from refnet.standings import Snapshot
from refnet.wiring import open_engine

SEATS = 30
PARTNERS = 17
BATCH = 512
DECKS = 2
"""Of a hundred writes each."""

ANEW_EVERY = 10
QUIET_SECONDS = 0.8
POLL_SECONDS = 0.005


class Filling:
    """Hands requests to an engine in batches."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._waiting: list[Request] = []
        self._count = 0

    def ask(self, noun: str, command: Any) -> UUID:
        """The stream that the command opens."""
        self._count += 1
        stream = self._engine.new_id(noun)
        self._waiting.append(
            Request(command=command, request_id=str(UUID(int=self._count)), new_id=stream)
        )
        if len(self._waiting) == BATCH:
            self.flush()
        return stream

    def flush(self) -> None:
        """Record what waits."""
        for outcome in self._engine.execute(self._waiting):
            assert isinstance(outcome, Receipt), outcome
        self._waiting.clear()


def fill(folder: Path, members: int) -> None:
    """Members of chapters of thirty, each of whom rates seventeen others: 33 pairs a member."""
    choose = random.Random(1)
    with open_engine(folder, warn=lambda _: None) as engine:
        town = Filling(engine)
        town.ask("network", CharterNetwork(name="n", pretrust=Pretrust.UNIFORM))
        town.flush()
        people: list[Any] = []
        chapter: Any = None
        for number in range(members):
            if number % SEATS == 0:
                chapter = town.ask(
                    "chapter",
                    CharterChapter(
                        name="c", city="c", country="DE", time_zone="UTC", currency="EUR"
                    ),
                )
            trade = f"trade {number % SEATS}"
            people.append(town.ask("member", EnrolMember(chapter=chapter, classification=trade)))
        for author in people:
            for subject in choose.sample(people, PARTNERS):
                if subject != author:
                    rating = choose.choice((-4, 3, 7, 9))
                    word = GiveTestimonial(author=author, subject=subject, rating=rating)
                    town.ask("testimonial", word)
        town.flush()


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, timed: bool) -> Path:  # noqa: FBT001
    folder = tmp_path_factory.mktemp("town")
    fill(folder, 30_000 if timed else 300)
    return folder


def read_alone(store: Path) -> Snapshot:
    """The scores of what is recorded, folded from the beginning."""
    with open_engine(store, read_only=True, warn=lambda _: None) as engine:
        return engine.scores()


@pytest.fixture(scope="module")
def bare(store: Path) -> Snapshot:
    return read_alone(store)


@dataclass(frozen=True, slots=True)
class Town:
    """A server on the store, a client, and what it is asked to write."""

    client: Client
    server: psutil.Process
    mix: WriteMix


@pytest.fixture(scope="module")
def town(store: Path, bare: Snapshot) -> Iterator[Town]:
    with process("benchmarks.rpc_server", str(store)) as server:
        assert server.stdout is not None
        address = server.stdout.readline().strip().removeprefix("listening on ")
        with Client(address, timeout=60) as client:
            members = [f"members/{member}" for member in bare.members]
            chapters = bare.ledger.fold.chapters
            home = [f"chapters/{chapters[number]}" for number in bare.roll.home().tolist()]
            keys = bare.accumulators.keys
            pairs = list(zip((keys >> 32).tolist(), (keys & 0xFFFFFFFF).tolist(), strict=True))
            mix = WriteMix(client, members, home, pairs)
            yield Town(client, psutil.Process(server.pid), mix)


@dataclass
class Taken:
    """Seconds, by the clock, and of the server's processor for all writes together."""

    shown: list[tuple[float, str]] = field(default_factory=list)
    anew: list[float] = field(default_factory=list)
    anew_processor: list[float] = field(default_factory=list)
    processor: float = 0.0

    def make_anew(self, snapshot: Snapshot) -> None:
        """Score a network once more, with as many threads as the server has."""
        begun, processor = time.perf_counter(), time.process_time()
        again = score(
            snapshot.accumulators,
            snapshot.day,
            standing=snapshot.roll.standing(),
            threads=os.cpu_count() or 1,
        )
        self.anew.append(time.perf_counter() - begun)
        self.anew_processor.append(time.process_time() - processor)
        assert again.digest() == snapshot.digest

    def line(self) -> dict[str, Any]:
        """What to print."""
        hundredths = statistics.quantiles([seconds for seconds, _ in self.shown], n=100)
        anew = statistics.quantiles(self.anew, n=100)
        return {
            "p50_s": round(hundredths[49], 3),
            "p99_s": round(hundredths[98], 3),
            "slowest": [(round(seconds, 3), kind) for seconds, kind in sorted(self.shown)[-3:]],
            "anew_p50_s": round(anew[49], 3),
            "anew_max_s": round(max(self.anew), 3),
            "anew_to_p50": round(anew[49] / hundredths[49], 2),
            "processor_s_a_write": round(self.processor / len(self.shown), 3),
            "processor_s_anew": round(statistics.median(self.anew_processor), 3),
        }


def spent(process: psutil.Process) -> float:
    """Seconds of the processor that a process has had."""
    times = process.cpu_times()
    return float(times.user + times.system)


@pytest.mark.timeout(1800)  # making the network and waiting for moments takes minutes
@pytest.mark.parametrize("asked", [True, False], ids=["asked", "unasked"])
def test_a_write_shows_in_the_scores(
    benchmark: Any,
    store: Path,
    bare: Snapshot,
    town: Town,
    timed: bool,  # noqa: FBT001 - a fixture
    asked: bool,  # noqa: FBT001
) -> None:
    """asked: by a read that names the write; else by one that takes the newest scores there are."""
    choose = random.Random(3)
    scores = town.client.stub(v1.ScoreServiceStub)
    taken, told = Taken(), v1.ScoreBasis()

    def write_all() -> None:
        kinds = [kind for _ in range(DECKS) for kind in town.mix.deck()]
        for place, kind in enumerate(kinds if timed else kinds[::10]):
            if place % ANEW_EVERY == 0:
                time.sleep(QUIET_SECONDS)  # the server comes to rest
                taken.make_anew(bare)
            request, member = town.mix.next(kind)
            time.sleep(choose.random() * 0.6)  # so that writes meet the server at any moment
            write(kind, request, member)

    def write(kind: str, request: Any, member: str) -> None:
        before = spent(town.server)
        written = town.mix.call(request).recorded_at
        acknowledged = time.perf_counter()
        consistency = v1.Consistency(at_least_as_fresh=written) if asked else None
        read = v1.GetScoreRequest(member=member, consistency=consistency)
        while True:
            told.CopyFrom(scores.GetScore(read).computed_at)
            if told.position == written:
                break
            assert not asked
            time.sleep(POLL_SECONDS)
        taken.shown.append((time.perf_counter() - acknowledged, kind))
        taken.processor += spent(town.server) - before

    benchmark.pedantic(write_all, rounds=1)
    again = read_alone(store)
    assert again.digest == told.digest
    line = {
        "members": bare.scores.n,
        "pairs": len(again.accumulators.keys),
        "facts": again.position,
        "digest": again.digest[:12],
        **taken.line(),
    }
    benchmark.extra_info.update(line)
    print(f"\nfrom a write to a score that counts it ({'asked' if asked else 'unasked'}):", line)
