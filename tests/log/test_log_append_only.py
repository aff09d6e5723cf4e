"""The tables refuse every change, whoever asks: raw connections with SQLite's default settings."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator

import pytest

from log.rig import OpenNote, Rig
from refnet.errors import StoreDamaged

_NEW = "'0123456789abcdef0123456789abcdef', 1, 't', x'00', x'00', x'00'"


@pytest.fixture
def raw(log: Rig) -> Iterator[sqlite3.Connection]:
    """Somebody else's connection to a log of four facts; triggers are not recursive by default."""
    log.do(OpenNote(text="a", times=2))
    connection = sqlite3.connect(log.store.path, isolation_level=None)
    assert connection.execute("PRAGMA recursive_triggers").fetchone() == (0,)
    yield connection
    connection.close()


_ROW = "originator_id, originator_version, topic, state, salt, commitment FROM stored_events"


def content(raw: sqlite3.Connection) -> dict[str, list[object]]:
    tables = ("stored_events", "requests", "sealed", "meta")
    return {table: raw.execute(f"SELECT * FROM {table}").fetchall() for table in tables}


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE stored_events SET state = x'00' WHERE rowid = 2",
        "UPDATE stored_events SET rowid = 9 WHERE rowid = 4",
        "DELETE FROM stored_events",
        "DELETE FROM stored_events WHERE rowid = 4",
        f"REPLACE INTO stored_events SELECT rowid, {_ROW} WHERE rowid = 4",
        f"REPLACE INTO stored_events SELECT 5, {_ROW} WHERE rowid = 4",
        f"INSERT OR REPLACE INTO stored_events SELECT 5, {_ROW} WHERE rowid = 2",
        f"INSERT OR IGNORE INTO stored_events SELECT 5, {_ROW} WHERE rowid = 2",
        (
            f"INSERT INTO stored_events SELECT 4, {_ROW} WHERE rowid = 4"
            " ON CONFLICT DO UPDATE SET state = x'00'"
        ),
        (
            f"INSERT INTO stored_events SELECT 5, {_ROW} WHERE rowid = 4"
            " ON CONFLICT (originator_id, originator_version) DO UPDATE SET state = x'00'"
        ),
        "UPDATE OR REPLACE stored_events SET originator_version = 1 WHERE rowid = 3",
        f"INSERT INTO stored_events VALUES (6, {_NEW})",
        f"INSERT INTO stored_events VALUES (0, {_NEW})",
        f"INSERT INTO stored_events VALUES (-1, {_NEW})",
        f"INSERT INTO stored_events VALUES (NULL, {_NEW})",
        (
            "INSERT INTO stored_events (originator_id, originator_version, topic, state, salt,"
            f" commitment) VALUES ({_NEW})"
        ),
        f"INSERT OR REPLACE INTO stored_events VALUES (4, {_NEW})",
        "UPDATE requests SET position = 1",
        "DELETE FROM requests",
        "REPLACE INTO requests SELECT * FROM requests",
        "INSERT INTO requests SELECT * FROM requests WHERE 1 ON CONFLICT DO UPDATE SET facts = 9",
        "INSERT OR IGNORE INTO requests SELECT * FROM requests",
        "UPDATE sealed SET bytes = x'00'",
        "INSERT INTO sealed SELECT * FROM sealed WHERE 1 ON CONFLICT DO UPDATE SET bytes = x'00'",
        "UPDATE meta SET value = '1' WHERE key = 'simulated'",
        "UPDATE meta SET key = 'log' WHERE key = 'newest_key'",
        "UPDATE OR REPLACE meta SET key = 'log' WHERE key = 'newest_key'",
        "REPLACE INTO meta VALUES ('format', '2')",
        "DELETE FROM meta WHERE key = 'log'",
        "DELETE FROM meta WHERE key = 'newest_key'",
    ],
)
def test_the_tables_refuse(raw: sqlite3.Connection, statement: str) -> None:
    before = content(raw)
    assert len(before["stored_events"]) == 4
    with pytest.raises(sqlite3.IntegrityError):
        raw.execute(statement)
    assert content(raw) == before


def test_the_next_position_is_taken(raw: sqlite3.Connection) -> None:
    """The control: the refusals above are not refusals of everything."""
    raw.execute(f"INSERT INTO stored_events VALUES (5, {_NEW})")
    raw.execute("DELETE FROM sealed")
    raw.execute("UPDATE meta SET value = 'x 1' WHERE key = 'newest_key'")


def test_a_log_made_without_a_guard_gets_it_when_opened(
    log: Rig, open_log: Callable[..., Rig]
) -> None:
    log.close()
    raw = sqlite3.connect(log.store.path)
    triggers = "SELECT name FROM sqlite_schema WHERE type = 'trigger' ORDER BY name"
    every = raw.execute(triggers).fetchall()
    for (name,) in every:
        raw.execute(f"DROP TRIGGER {name}")
    raw.commit()
    open_log().close()
    assert raw.execute(triggers).fetchall() == every
    raw.close()


def test_a_table_that_is_missing_is_not_made_again(log: Rig, open_log: Callable[..., Rig]) -> None:
    log.close()
    raw = sqlite3.connect(log.store.path)
    raw.execute("DROP TABLE requests")
    raw.close()
    with pytest.raises(StoreDamaged):
        open_log()


def test_the_log_flushes_every_commit(log: Rig) -> None:
    for connection in (log.store._writer, log.keys._connection):
        assert connection.execute("PRAGMA synchronous").fetchone() == (2,)
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
