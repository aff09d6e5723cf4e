"""Opening logs, reading them, following them."""

from __future__ import annotations

import dataclasses
import errno
import json
import os
import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest
from eventsourcing.persistence import EventStore, MapperDeserialisationError

from log.rig import NOUNS, CountNote, NoteCounted, OpenNote, Rig
from refnet.domain.network import NOUN as NETWORK
from refnet.domain.values import Sealed
from refnet.errors import NotFound, ShuttingDown, StorageFull, StoreDamaged, StoreSealed
from refnet.log.codec import Codec
from refnet.log.follower import Follower
from refnet.log.mapper import Event, FactMapper
from refnet.log.reader import Reader, Row
from refnet.log.sqlite import Datastore, Recorder
from refnet.log.store import open_store, view_store

# --- opening --------------------------------------------------------------------------------------


def test_a_log_keeps_its_identity(tmp_path: Path) -> None:
    one = open_store(tmp_path / "deep" / "er", os.urandom)
    log, version = one.log, one.log.version
    one.close()
    two = open_store(tmp_path / "deep" / "er", os.urandom)
    assert (two.log, version, two.simulated) == (log, 4, False)
    two.close()


@pytest.mark.parametrize("mask", [0, 0o022, 0o077])
def test_the_files_of_a_log_are_its_owners_only(
    tmp_path: Path, open_log: Callable[..., Rig], mask: int
) -> None:
    """Promise: pseudonyms, too, are nobody else's business; also in a directory all may enter."""
    before = os.umask(mask)
    try:
        tmp_path.chmod(0o755)
        log = open_log()
        log.charter()
        log.do(OpenNote(text="a"))
    finally:
        os.umask(before)
    files = {each.name: each.stat().st_mode & 0o777 for each in tmp_path.iterdir()}
    assert {"log.db", "log.db-wal", "keys.db", "keys.db-wal", "kek", "writer.lock"} <= set(files)
    assert set(files.values()) == {0o600}


def test_new_directories_and_files_are_flushed_with_their_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flushed: list[Path] = []
    monkeypatch.setattr("refnet.log.files.sync_directory", flushed.append)
    data = tmp_path / "deep" / "er"
    open_store(data, os.urandom).close()
    open_store(data, os.urandom).close()
    assert flushed == [tmp_path, tmp_path / "deep", data]
    assert data.stat().st_mode & 0o777 == data.parent.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(
    ("error", "refusal"), [(errno.ENOSPC, StorageFull), (errno.EROFS, StoreDamaged)]
)
def test_a_log_that_cannot_be_made_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: int, refusal: type[Exception]
) -> None:
    def failing(path: Path) -> None:
        raise OSError(error, "no")

    monkeypatch.setattr("refnet.log.files.sync_directory", failing)
    with pytest.raises(refusal):
        open_store(tmp_path, os.urandom)


@pytest.mark.parametrize("simulated", [True, False])
def test_real_and_simulated_logs_do_not_mix(tmp_path: Path, *, simulated: bool) -> None:
    open_store(tmp_path, os.urandom, simulated=simulated).close()
    with pytest.raises(StoreSealed):
        open_store(tmp_path, os.urandom, simulated=not simulated)
    either = open_store(tmp_path, os.urandom, simulated=None)
    assert either.simulated == simulated
    either.close()


def test_there_is_nothing_to_view_before_it_is_written(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        view_store(tmp_path)
    (tmp_path / "log.db").touch()
    with pytest.raises(StoreDamaged):
        view_store(tmp_path)


@pytest.mark.parametrize(
    "content", [b"not a database at all" * 50, b"SQLite format 3\0" + bytes(4080)]
)
def test_a_file_that_is_no_log_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "log.db").write_bytes(content)
    with pytest.raises(StoreDamaged):
        open_store(tmp_path, os.urandom)
    with pytest.raises(StoreDamaged):
        view_store(tmp_path)


def test_a_log_of_another_format_is_refused(log: Rig) -> None:
    log.close()
    raw = sqlite3.connect(log.store.path)
    raw.execute("DROP TRIGGER meta_no_update")
    raw.execute("UPDATE meta SET value = '2' WHERE key = 'format'")
    raw.commit()
    raw.close()
    with pytest.raises(StoreDamaged, match="format 2"):
        view_store(log.directory)


def test_a_log_can_be_viewed_but_not_written_beside_its_writer(log: Rig) -> None:
    log.do(OpenNote(text="a"))
    beside = view_store(log.directory)
    reader = beside.reader(log.codec)
    assert beside.readonly
    assert (beside.log, reader.position()) == (log.store.log, 2)
    log.do(OpenNote(text="b"))
    assert reader.position() == 3
    with pytest.raises(StoreDamaged), beside.write() as connection:
        connection.execute("DELETE FROM sealed")
    reader.close()
    beside.close()


def test_a_log_can_be_viewed_after_its_writer_left(log: Rig) -> None:
    log.close()
    beside = view_store(log.directory)
    reader = beside.reader(log.codec)
    assert reader.head()[0] == 1
    reader.close()
    beside.close()


# --- reading --------------------------------------------------------------------------------------


@pytest.fixture
def ten(log: Rig) -> Rig:
    """A log of ten facts in four streams."""
    first = log.do(OpenNote(text="a", times=2)).stream
    log.clock.now += 10
    second = log.do(OpenNote(times=1)).stream
    for note in (first, second, first):
        log.clock.now += 10
        log.do(CountNote(note=note))
    log.do(OpenNote())
    assert log.reader.position() == 10
    return log


@pytest.mark.parametrize("chunk", [1, 3, 9, 10, 11])
@pytest.mark.parametrize(
    ("after", "upto"), [(0, None), (0, 10), (3, 8), (9, 10), (10, 10), (10, None)]
)
def test_rows_come_in_order_in_any_chunks(
    ten: Rig, chunk: int, after: int, upto: int | None
) -> None:
    got = [row[0] for rows in ten.reader.scan(after, upto, chunk) for row in rows]
    assert got == list(range(after + 1, (upto or 10) + 1))
    whole = [row for rows in ten.reader.scan(after, upto, chunk) for row in rows]
    bare = [row for rows in ten.reader.scan_bare(after, upto, chunk) for row in rows]
    assert bare == [(row[3], row[4], row[6]) for row in whole]
    assert ten.reader.streams([row[0] for row in whole]) == {row[0]: row[1:3] for row in whole}


def test_a_log_that_ends_early_is_damaged(ten: Rig) -> None:
    with pytest.raises(StoreDamaged):
        list(ten.reader.scan(0, 11))
    with pytest.raises(StoreDamaged):
        list(ten.reader.scan_bare(0, 11))


def test_facts_of_some_nouns_only(ten: Rig) -> None:
    (recorded,) = [at.position for _, at in ten.reader.facts(nouns=[NETWORK])]
    assert recorded == 1
    assert len(list(ten.reader.facts(nouns=NOUNS))) == 10


@pytest.mark.parametrize("upto", range(11))
def test_a_stream_as_of_a_position(ten: Rig, upto: int) -> None:
    everything = list(ten.reader.facts())
    for stream in {at.stream for _, at in everything}:
        expected = [(fact, at) for fact, at in everything if at.stream == stream]
        assert list(ten.reader.stream(stream)) == expected
        assert list(ten.reader.stream(stream, upto)) == [
            pair for pair in expected if pair[1].position <= upto
        ]


def tampered(log: Rig, statement: str) -> None:
    """Somebody with the file, a text book and no respect for triggers."""
    raw = sqlite3.connect(log.store.path)
    for (name,) in raw.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'").fetchall():
        raw.execute(f"DROP TRIGGER {name}")
    raw.execute(statement)
    raw.commit()
    raw.close()


def test_a_missing_position_is_named(ten: Rig) -> None:
    beheaded = ten.reader.decode(ten.reader.rows(4, 5)[0])[1].stream
    tampered(ten, "DELETE FROM stored_events WHERE rowid IN (5, 6)")
    with pytest.raises(StoreDamaged) as caught:
        list(ten.reader.scan())
    assert caught.value.facts["position"] == "5"
    with pytest.raises(StoreDamaged) as caught:
        list(ten.reader.scan_bare(0, None, 3))
    assert caught.value.facts["position"] == "5"
    with pytest.raises(StoreDamaged):
        list(ten.reader.stream(beheaded))


def test_a_position_that_flipped_between_two_sound_ones_is_named(
    ten: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bit that flips in a page leaves its rows where they are, whatever they say."""
    rows = ten.reader.rows(2, 8)
    rows[2] = (rows[2][0] ^ 64, *rows[2][1:])
    monkeypatch.setattr(ten.reader, "query", lambda *_: rows)

    with pytest.raises(StoreDamaged, match="position 5") as caught:
        ten.reader.rows(2, 8)
    assert caught.value.facts["position"] == "5"


@pytest.mark.parametrize(
    "change",
    [
        "state = replace(state, 'local', 'lokal')",
        "state = CAST(replace(state, 'local', 'lokal') AS BLOB)",
        "originator_id = 'nobody'",
        "originator_version = -7",
        "salt = 5",
        "topic = x'00'",
    ],
)
def test_a_changed_fact_is_named_by_the_tree(ten: Rig, change: str) -> None:
    tampered(ten, f"UPDATE stored_events SET {change} WHERE rowid = 7")
    with pytest.raises(StoreDamaged) as caught:
        ten.reader.tree()
    assert caught.value.facts["position"] == "7"


def test_closing_a_reader_waits_for_who_reads(ten: Rig) -> None:
    """Promise: shutting down under load is a refusal to the readers, never a crash."""
    outcomes: list[str] = []

    def read(reader: Reader) -> None:
        try:
            while True:
                reader.rows()
        except ShuttingDown as refusal:
            outcomes.append(refusal.reason)

    for _ in range(20):
        reader = ten.store.reader(ten.codec)
        threads = [threading.Thread(target=read, args=(reader,)) for _ in range(3)]
        for thread in threads:
            thread.start()
        reader.close()
        for thread in threads:
            thread.join(10)
    assert outcomes == ["SHUTTING_DOWN"] * 60


# --- following ------------------------------------------------------------------------------------


def test_a_follower_sees_every_fact_once_in_order(log: Rig) -> None:
    follower = Follower(log.reader, batch=7)
    log.sequencer.on_commit(follower.wake)
    seen: list[Row] = []
    stop = threading.Event()

    def follow() -> None:
        for rows in follower.batches(stop):
            seen.extend(rows)
            if seen[-1][0] >= 301:
                stop.set()

    thread = threading.Thread(target=follow)
    thread.start()
    for n in range(100):
        log.do(OpenNote(times=2), f"n{n}")
    thread.join(10)
    assert not thread.is_alive()
    assert [row[0] for row in seen] == list(range(1, 302))
    assert follower.position == 301


def test_a_follower_heals_a_lost_wake_up_and_resumes(ten: Rig) -> None:
    stop = threading.Event()
    follower = Follower(ten.reader, after=8)
    batches = follower.batches(stop)
    assert [row[0] for row in next(batches)] == [9, 10]
    timer = threading.Timer(0.05, lambda: ten.do(OpenNote(), "unheard"))
    timer.start()
    started = time.monotonic()
    assert [row[0] for row in next(batches)] == [11]
    assert time.monotonic() - started < 1.5
    timer.join()
    stop.set()
    assert list(batches) == []


def test_a_follower_stops_when_woken(ten: Rig) -> None:
    stop = threading.Event()
    follower = Follower(ten.reader, after=10)

    def end() -> None:
        stop.set()
        follower.wake()

    timer = threading.Timer(0.05, end)
    timer.start()
    started = time.monotonic()
    assert list(follower.batches(stop)) == []
    assert time.monotonic() - started < 0.5
    timer.join()


# --- the library's event store over our mapper ----------------------------------------------------


def test_the_librarys_event_store_reads_and_writes_our_log(ten: Rig) -> None:
    datastore = Datastore(ten.store.path)
    events = EventStore(FactMapper(ten.codec), Recorder(datastore, os.urandom))
    fact, at = next(ten.reader.facts(3, 4))
    (found,) = (each for each in events.get(at.stream) if each.originator_version == at.version)
    assert isinstance(found, Event)
    assert found.fact == fact
    assert found.recorded == dataclasses.replace(at, position=0, origin=2)
    ours = [each for each, by in ten.reader.facts() if by.stream == at.stream]
    next_one = dataclasses.replace(at, version=len(ours) + 1, position=11)
    events.put([Event(NoteCounted(by=3), next_one)])
    assert list(ten.reader.facts(10)) == [(NoteCounted(by=3), next_one)]
    (notified,) = events.recorder.select_notifications(11, 1)  # type: ignore[attr-defined]
    assert events.mapper.to_domain_event(notified) == Event(NoteCounted(by=3), next_one)
    assert ten.reader.tree().size == 11
    with pytest.raises(MapperDeserialisationError):
        events.mapper.to_domain_event(dataclasses.replace(notified, state=b"{}"))
    datastore.close()


def test_stored_states_are_as_documented(ten: Rig) -> None:
    row = ten.reader.rows(1, 2)[0]
    state = json.loads(row[4])
    assert list(state) == [
        "acting_member", "data", "occur_time", "origin", "principal", "record_time", "request_id",
    ]  # fmt: skip
    assert state["origin"] == 0
    assert set(state["data"]["text"]) == {"epoch", "sha256", "subject"}
    assert UUID(state["data"]["text"]["subject"]).hex == row[1]
    assert json.loads(ten.reader.rows(2, 3)[0][4])["origin"] == 2
    codec = Codec(NOUNS)
    fact, _ = codec.decode(row[0], UUID(row[1]), row[2], row[3], row[4])
    assert isinstance(fact.text, Sealed)
