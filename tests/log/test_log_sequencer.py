"""Requests in, facts out: what the sequencer promises."""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest

from log.rig import NOUNS, START, CountNote, NoteCounted, NoteOpened, OpenNote, Rig, seeded
from refnet.domain.network import CharterNetwork, SetRate
from refnet.domain.values import NetworkId, Sealed
from refnet.errors import (
    InvalidRequest,
    NetworkExists,
    NotFound,
    StorageFull,
    StoreDamaged,
    StoreSealed,
    WrongState,
)
from refnet.log._stored import TIME_MAX
from refnet.log.batches import Extractor
from refnet.log.draft import Receipt


def test_a_request_becomes_facts_at_the_next_positions(log: Rig) -> None:
    receipt = log.do(OpenNote(text="hello", times=2), occur_time=START)
    assert receipt == Receipt(receipt.stream, 2, 4, replayed=False)
    facts = list(log.reader.facts(1))
    assert [type(fact) for fact, _ in facts] == [NoteOpened, NoteCounted, NoteCounted]
    assert [recorded.version for _, recorded in facts] == [1, 2, 3]
    assert [recorded.position for _, recorded in facts] == [2, 3, 4]
    assert {recorded.origin for _, recorded in facts} == {2}
    assert {recorded.stream for _, recorded in facts} == {receipt.stream}


def test_text_is_sealed_and_can_be_revealed(log: Rig) -> None:
    about = UUID(int=7)
    receipt = log.do(OpenNote(text="hëllo", gossip="a whispered thing", about=about))
    ((opened, _),) = log.reader.facts(1)
    assert isinstance(opened.text, Sealed)
    assert opened.text.subject == receipt.stream
    assert opened.gossip.subject == about
    assert log.disclosure.reveal(receipt.stream, 1, "text", opened.text) == "hëllo"
    assert log.disclosure.reveal(receipt.stream, 1, "gossip", opened.gossip) == "a whispered thing"
    log.store.close()
    stored = b"".join(each.read_bytes() for each in log.directory.iterdir())
    assert "hëllo".encode() not in stored
    assert b"a whispered thing" not in stored


def test_the_live_state_holds_what_a_replay_would_hold(
    log: Rig, open_log: Callable[..., Rig]
) -> None:
    note = log.do(OpenNote(text="hello", times=3)).stream
    log.do(CountNote(note=note, by=4))
    live = log.live.state.find("note", note)
    total = log.live.state.index("notes")["total"]
    log.close()
    again = open_log()
    assert again.live.state.find("note", note) == live
    assert again.live.state.index("notes")["total"] == total == 7
    assert again.live.position == 6


def test_a_refusal_refuses_alone(log: Rig) -> None:
    note = log.do(OpenNote()).stream
    outcomes = log.sequencer.execute(
        [
            log.request(CountNote(note=note)),
            log.request(CountNote(note=note, by=-1)),
            log.request(CountNote(note=UUID(int=5))),
            log.request(CountNote(note=note, by=13)),
            log.request(CharterNetwork(name="second")),
            log.request(OpenNote(text="\ud800")),
            log.request(CountNote(note=note), "\ud800"),
            log.request(CountNote(note=note)),
        ]
    )
    assert [type(each) for each in outcomes] == [
        Receipt,
        WrongState,
        NotFound,
        ZeroDivisionError,
        NetworkExists,
        InvalidRequest,
        InvalidRequest,
        Receipt,
    ]
    assert log.reader.head() == (4, START)
    assert log.total(note) == 2


def test_decisions_of_a_batch_see_each_other(log: Rig) -> None:
    opening = log.request(OpenNote())
    outcomes = log.sequencer.execute(
        [
            opening,
            log.request(CountNote(note=opening.new_id)),
            log.request(CountNote(note=opening.new_id)),
        ]
    )
    assert [each.last for each in outcomes if isinstance(each, Receipt)] == [2, 3, 4]
    assert log.total(opening.new_id) == 2


def test_an_id_of_another_noun_is_not_found(log: Rig) -> None:
    network = next(log.reader.facts())[1].stream
    assert isinstance(log.do(CountNote(note=network)), NotFound)


def test_a_new_id_that_is_taken_is_refused_alone(log: Rig) -> None:
    taken = log.do(OpenNote()).stream
    same = log.request(OpenNote())
    outcomes = log.sequencer.execute(
        [
            log.request(OpenNote(), new_id=taken),
            same,
            log.request(OpenNote(), new_id=same.new_id),
        ]
    )
    assert [type(each) for each in outcomes] == [InvalidRequest, Receipt, InvalidRequest]


# --- time --------------------------------------------------------------------------------------


def test_record_time_never_decreases(log: Rig, open_log: Callable[..., Rig]) -> None:
    log.clock.now = START + 50
    log.do(OpenNote())
    log.clock.now = START - 86_400_000_000
    log.do(OpenNote())
    log.close()
    later = open_log()
    later.clock.now = START - 86_400_000_000
    later.do(OpenNote())
    later.clock.now = START + 60
    later.do(OpenNote())
    times = [recorded.record_time - START for _, recorded in later.reader.facts()]
    assert times == [0, 50, 50, 50, 60]
    assert [later.reader.position_at(START + at) for at in (-1, 0, 49, 50, 59, 60, 61)] == [
        0, 1, 1, 4, 4, 5, 5,
    ]  # fmt: skip


def test_occur_time_is_the_callers_or_now(log: Rig) -> None:
    log.clock.now = START + 10
    log.do(OpenNote())
    log.do(OpenNote(), occur_time=START + 3)
    assert [each.occur_time - START for _, each in log.reader.facts(1)] == [10, 3]


def test_a_time_that_no_replay_would_read_is_not_recorded(log: Rig) -> None:
    log.clock.now = TIME_MAX
    assert isinstance(log.do(OpenNote(), occur_time=TIME_MAX), Receipt)
    late = log.do(OpenNote(), occur_time=TIME_MAX + 1)
    assert isinstance(late, InvalidRequest)
    assert late.field == "occur_time"
    assert isinstance(log.do(OpenNote()), Receipt)
    log.clock.now = TIME_MAX + 1
    refused = log.do(OpenNote(), occur_time=START)
    assert isinstance(refused, StoreSealed)
    assert "set the clock" in refused.message
    rows = log.reader.rows()
    assert len(Extractor(NOUNS, log.codec).batch(rows)) == 3


# --- other writers, seeds, storage -------------------------------------------------------------


def test_facts_of_another_writer_are_folded_before_deciding(log: Rig) -> None:
    """Two sequencers on one store take turns, as several processes on one database will."""
    note = log.do(OpenNote(times=1)).stream
    log.live.state.find("note", note)
    log.store._lock.close()  # type: ignore[union-attr]
    other = Rig(log.directory, seeded(2))
    other.do(CountNote(note=note, by=5), "theirs")
    unseen = other.do(OpenNote(times=2), "theirs too").stream
    outcome = log.do(CountNote(note=note, by=1), "ours")
    assert isinstance(outcome, Receipt)
    assert log.total(note) == 7
    assert log.total(unseen) == 2
    assert log.live.state.index("notes")["total"] == 9
    assert [each.version for _, each in log.reader.stream(note)] == [1, 2, 3, 4]
    other.close()


def test_the_same_seed_gives_the_same_log_whatever_the_batches(
    tmp_path: Path, open_log: Callable[..., Rig]
) -> None:
    roots = []
    for size in (1, 3, 100):
        rig = open_log(directory=tmp_path / str(size), entropy=seeded(5))
        rig.charter()
        asked = [rig.request(OpenNote(text=str(n), times=n % 3)) for n in range(20)]
        for at in range(0, len(asked), size):
            rig.sequencer.execute(asked[at : at + size])
        roots.append(rig.reader.tree().root())
    assert len(set(roots)) == 1


def fill(log: Rig) -> None:
    """Write one request after the other until one is refused."""
    for n in range(200):
        log.do(OpenNote(text="x" * 100), f"big {n}")


def test_a_full_disk_refuses_and_recovers(log: Rig) -> None:
    note = log.do(OpenNote()).stream
    connection = log.store._writer
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StorageFull):
        fill(log)
    position = log.reader.position()
    assert log.live.position == position
    assert log.total(note) == 0
    connection.execute("PRAGMA max_page_count = 1000000")
    receipt = log.do(OpenNote(text="x" * 100), "after")
    assert receipt.first == position + 1
    sizes = [len(log.reader.query(f"SELECT * FROM {table}")) for table in ("requests", "sealed")]
    assert sizes == [position + 1, position - 1]


def test_any_other_storage_error_is_final(log: Rig) -> None:
    """Promise: after an error that is not "full", nothing is acknowledged any more."""
    connection = log.store._writer
    connection.execute("DROP TABLE requests")
    with pytest.raises(StoreDamaged):
        log.do(OpenNote())
    assert log.sequencer.failure is not None
    with pytest.raises(StoreDamaged):
        log.do(OpenNote())
    assert log.reader.position() == 1


def test_a_second_sequencer_on_the_directory_is_refused(log: Rig) -> None:
    with pytest.raises(StoreSealed) as caught:
        Rig(log.directory)
    assert caught.value.facts["process"] == str(os.getpid())


def test_listeners_hear_the_new_head_after_the_flush(log: Rig) -> None:
    heard: list[tuple[int, int]] = []
    other = sqlite3.connect(log.store.path)
    count = "SELECT max(rowid) FROM stored_events"
    log.sequencer.on_commit(lambda head: heard.append((head, other.execute(count).fetchone()[0])))
    log.do(OpenNote(times=1))
    log.do(CountNote(note=UUID(int=5)))
    network = NetworkId(next(log.reader.facts())[1].stream)
    log.do(SetRate(network=network, currency="USD", rate_millionths=5))
    other.close()
    assert heard == [(3, 3), (4, 4)]


def test_no_statement_of_a_batch_scans_a_table(log: Rig) -> None:
    """Promise: a request costs the same in a long log as in a short one."""
    note = log.do(OpenNote(text="a")).stream
    said: list[str] = []
    connection = log.store._writer
    connection.set_trace_callback(said.append)
    log.sequencer.execute(
        [log.request(OpenNote(text="b", external_id="c")), log.request(CountNote(note=note))]
    )
    connection.set_trace_callback(None)
    selects = [each for each in said if each.startswith("SELECT")]
    assert len(selects) >= 3
    for select in selects:
        plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {select}")]
        scanned = [step for step in plan if re.match(r"SCAN (requests|stored_events)", step)]
        assert scanned == [], select
