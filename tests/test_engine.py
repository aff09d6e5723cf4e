"""The whole way from a request to a score, on a real store."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from refnet.domain.chapter import CharterChapter
from refnet.domain.decisions import Request
from refnet.domain.member import EnrolMember, LeaveNetwork
from refnet.domain.network import CharterNetwork, Pretrust
from refnet.domain.referral import (
    AcceptReferral,
    CloseBusiness,
    ContactProspect,
    PassReferral,
    VoidReferral,
    WinReferral,
)
from refnet.domain.testimonial import GiveTestimonial
from refnet.domain.values import ChapterId, MemberId, ReferralId
from refnet.engine import Engine
from refnet.errors import PositionAhead, RefnetError, StoreDamaged, StoreSealed
from refnet.log.draft import Receipt
from refnet.wiring import open_engine


def quiet(_: str) -> None:
    """Key-file warnings are not what these tests are about."""


def do(engine: Engine, noun: str, command: object, actor: UUID | None = None) -> Receipt:
    """Execute one command that must be accepted."""
    request = Request(
        command=command,
        request_id=str(uuid4()),
        new_id=engine.new_id(noun),
        acting_member=actor,
        occur_time=0 if isinstance(command, CharterNetwork) else None,
    )
    (outcome,) = engine.execute([request])
    assert isinstance(outcome, Receipt), outcome
    return outcome


def enrol(engine: Engine, count: int) -> list[MemberId]:
    """A network of one chapter with that many members."""
    do(engine, "network", CharterNetwork(name="Net", pretrust=Pretrust.UNIFORM))
    chapter = do(
        engine,
        "chapter",
        CharterChapter(
            name="One", city="Berlin", country="DE", time_zone="Europe/Berlin", currency="EUR"
        ),
    ).stream
    return [
        MemberId(
            do(
                engine,
                "member",
                EnrolMember(
                    chapter=ChapterId(chapter),
                    classification=f"c{n}",
                    name=f"Name {n}",
                    external_id=f"x{n}",
                ),
            ).stream
        )
        for n in range(count)
    ]


def refer(engine: Engine, giver: MemberId, receiver: MemberId, amount: int) -> ReferralId:
    """A referral from passed to closed business."""
    passed = do(engine, "referral", PassReferral(giver=giver, receiver=receiver))
    referral = ReferralId(passed.stream)
    for step in (AcceptReferral, ContactProspect, WinReferral):
        do(engine, "referral", step(referral=referral), receiver)
    do(
        engine,
        "referral",
        CloseBusiness(referral=referral, amount=amount, currency="EUR"),
        receiver,
    )
    return referral


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    with open_engine(tmp_path / "data", warn=quiet) as opened:
        yield opened


def test_evidence_moves_scores_and_a_void_takes_it_back(engine: Engine) -> None:
    ann, bob, _cyd = enrol(engine, 3)
    before = engine.scores()
    referral = refer(engine, ann, bob, 150_000)
    do(engine, "testimonial", GiveTestimonial(author=bob, subject=ann, rating=9))
    after = engine.scores()
    assert before.scores.n == after.scores.n == 3
    assert after.reciprocity(0, 1)[0] > 0
    assert after.digest != before.digest

    do(engine, "referral", VoidReferral(referral=referral))
    voided = engine.scores()
    assert voided.reciprocity(0, 1)[0] == 0
    assert engine.scores(position=after.position).digest == after.digest


def test_replay_says_what_the_ledger_says_whatever_threads_and_batches(engine: Engine) -> None:
    ann, bob, cyd = enrol(engine, 3)
    refer(engine, ann, bob, 150_000)
    refer(engine, cyd, ann, 99)
    expected = engine.scores()
    for threads in (1, 2):
        for batch in (1, 7, 1000):
            replay = engine.replay(threads=threads, batch=batch)
            assert (replay.position, replay.day) == (expected.position, expected.day)
            assert replay.snapshot.digest == expected.digest


def test_another_process_with_another_hash_seed_replays_the_same(tmp_path: Path) -> None:
    with open_engine(tmp_path, warn=quiet) as engine:
        ann, bob = enrol(engine, 2)
        refer(engine, ann, bob, 500)
        replay = engine.replay()
    program = (
        "import sys, pathlib; from refnet.wiring import open_engine\n"
        "engine = open_engine(pathlib.Path(sys.argv[1]), read_only=True)\n"
        "replay = engine.replay(); print(replay.head, replay.snapshot.digest); engine.close()"
    )
    for seed in ("0", "1", "4242"):
        said = subprocess.run(
            [sys.executable, "-c", program, str(tmp_path)],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split()
        assert said == [replay.head, replay.snapshot.digest]


def test_a_restart_goes_on_where_the_ledger_was_saved(tmp_path: Path) -> None:
    with open_engine(tmp_path, warn=quiet) as engine:
        ann, bob = enrol(engine, 2)
        refer(engine, ann, bob, 500)
        expected = engine.scores()
    with open_engine(tmp_path, warn=quiet) as engine:
        assert engine.projection().position == expected.position
        assert engine.scores().digest == expected.digest


@pytest.mark.parametrize("harm", ["flip", "cut", "lose"])
def test_a_damaged_ledger_is_rebuilt_by_itself(tmp_path: Path, harm: str) -> None:
    with open_engine(tmp_path, warn=quiet) as engine:
        ann, bob = enrol(engine, 2)
        refer(engine, ann, bob, 500)
        expected = engine.scores()
    column = tmp_path / "ledger" / "giver.col"
    if harm == "flip":
        content = bytearray(column.read_bytes())
        content[5] ^= 1
        column.write_bytes(content)
    elif harm == "cut":
        column.write_bytes(column.read_bytes()[:7])
    else:
        (tmp_path / "ledger" / "ledger.json").unlink()
    with open_engine(tmp_path, warn=quiet) as engine:
        assert engine.projection().position == 0
        assert engine.scores().digest == expected.digest


def test_a_reader_works_beside_the_writer_and_may_not_write(engine: Engine) -> None:
    ann, bob = enrol(engine, 2)
    with open_engine(engine.data, read_only=True) as reader:
        assert reader.scores().digest == engine.scores().digest
        assert reader.external_ids() == {ann: "x0", bob: "x1"}
        with pytest.raises(StoreSealed, match="opened to read"):
            reader.execute([])
    with pytest.raises(StoreSealed, match=str(os.getpid())):
        open_engine(engine.data)


def tampered(data: Path, position: int) -> None:
    """Another principal in a fact, which is canonical and can be read."""
    raw = sqlite3.connect(data / "log.db")
    raw.execute("DROP TRIGGER stored_events_no_update")
    raw.execute(
        "UPDATE stored_events SET state = CAST(replace(state, 'local', 'lokal') AS BLOB)"
        " WHERE rowid = ?",
        (position,),
    )
    raw.commit()
    raw.close()


@pytest.mark.parametrize("read_only", [True, False])
@pytest.mark.parametrize("position", [1, 7, 8])
def test_the_end_of_the_log_is_verified_when_it_is_opened(
    tmp_path: Path, position: int, *, read_only: bool
) -> None:
    """Promise: what was changed lately is found at the next start, not at the next audit."""
    with open_engine(tmp_path, warn=quiet) as engine:
        enrol(engine, 2)
        assert engine.position == 8
    tampered(tmp_path, position)

    with pytest.raises(StoreDamaged, match="committed to") as refused:
        open_engine(tmp_path, read_only=read_only, warn=quiet)
    assert refused.value.facts["position"] == str(position)


def test_the_tail_that_is_verified_has_an_end(engine: Engine) -> None:
    enrol(engine, 2)
    tampered(engine.data, 5)
    reader = engine.reader()
    reader.verify_tail(3)
    with pytest.raises(StoreDamaged, match="position 5"):
        reader.verify_tail(4)
    reader.close()


def test_a_simulated_store_refuses_other_writers(tmp_path: Path) -> None:
    open_engine(tmp_path, simulated=True, warn=quiet).close()
    with pytest.raises(StoreSealed, match="simulated"):
        open_engine(tmp_path)
    open_engine(tmp_path, read_only=True).close()


def test_a_position_the_log_has_not_reached_is_refused(engine: Engine) -> None:
    enrol(engine, 1)
    with pytest.raises(PositionAhead, match="999"):
        engine.scores(position=999)


def test_a_mistake_in_a_batch_refuses_alone(engine: Engine) -> None:
    ann, bob = enrol(engine, 2)
    good = PassReferral(giver=ann, receiver=bob)
    bad = PassReferral(giver=ann, receiver=ann)
    outcomes = engine.execute(
        [
            Request(command=command, request_id=str(uuid4()), new_id=engine.new_id("referral"))
            for command in (good, bad, good)
        ]
    )
    assert [isinstance(each, RefnetError) for each in outcomes] == [False, True, False]


def test_those_who_left_rank_behind_the_active(engine: Engine) -> None:
    ann, _bob, _cyd = enrol(engine, 3)
    do(engine, "member", LeaveNetwork(member=ann))
    snapshot = engine.scores()
    assert snapshot.order.tolist() == [1, 2, 0]
    assert snapshot.rank.tolist() == [3, 1, 2]
