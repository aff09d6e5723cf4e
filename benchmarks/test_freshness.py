"""How soon a write shows in the scores, in a network of 30,000 members and a million pairs.

From handing in a testimonial over gRPC until GetScore, at least as fresh as that write, has
answered. The server is a process of its own. Beside it stands what cannot be avoided: scoring
that network once, with everything at hand.
"""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from benchmarks.test_rpc import process
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
WRITES = 200


class Town:
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
        town = Town(engine)
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
    fill(folder, 30_000 if timed else 60)
    return folder


@pytest.fixture(scope="module")
def bare(store: Path) -> tuple[Snapshot, float]:
    """The scores, and the seconds in which they are made of evidence that is at hand."""
    with open_engine(store, read_only=True, warn=lambda _: None) as engine:
        snapshot = engine.scores()
    took = []
    for _ in range(5):
        begun = time.perf_counter()
        again = score(
            snapshot.accumulators, snapshot.day, standing=snapshot.roll.standing(), threads=2
        )
        took.append(time.perf_counter() - begun)
        assert again.digest() == snapshot.digest
    return snapshot, statistics.median(took)


@pytest.fixture(scope="module")
def client(store: Path, bare: tuple[Snapshot, float]) -> Iterator[Client]:
    assert bare[0].scores.n  # read before somebody writes
    with process("benchmarks.rpc_server", str(store)) as server:
        assert server.stdout is not None
        address = server.stdout.readline().strip().removeprefix("listening on ")
        with Client(address, timeout=60) as made:
            yield made


def test_a_write_shows_in_the_scores(
    benchmark: Any,
    bare: tuple[Snapshot, float],
    client: Client,
    timed: bool,  # noqa: FBT001 - a fixture
) -> None:
    snapshot, recompute = bare
    choose = random.Random(2)
    names = [f"members/{member}" for member in snapshot.members]
    testimonials = client.stub(v1.TestimonialServiceStub)
    scores = client.stub(v1.ScoreServiceStub)
    shown: list[float] = []

    def write_all() -> None:
        for _ in range(WRITES if timed else 3):
            write()

    def write() -> None:
        author, subject = choose.sample(names, 2)
        begun = time.perf_counter()
        written = testimonials.GiveTestimonial(
            v1.GiveTestimonialRequest(author=author, subject=subject, rating=5)
        )
        consistency = v1.Consistency(at_least_as_fresh=written.recorded_at)
        scores.GetScore(v1.GetScoreRequest(member=subject, consistency=consistency))
        shown.append(time.perf_counter() - begun)
        time.sleep(choose.random() * 0.1)  # so that writes meet the server at any moment

    benchmark.pedantic(write_all, rounds=1)
    hundredths = statistics.quantiles(shown, n=100)
    line = {
        "members": snapshot.scores.n,
        "pairs": len(snapshot.accumulators.keys),
        "facts": snapshot.position,
        "p50_s": round(hundredths[49], 3),
        "p99_s": round(hundredths[98], 3),
        "max_s": round(max(shown), 3),
        "recompute_s": round(recompute, 3),
        "recompute_to_p50": round(recompute / hundredths[49], 2),
    }
    benchmark.extra_info.update(line)
    print("\nfrom a write to a score that counts it:", line)
