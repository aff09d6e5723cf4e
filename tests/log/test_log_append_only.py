"""The tables refuse every change, whoever asks: raw connections with SQLite's default settings."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

import pytest

from log.rig import OpenNote, Rig

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
    ],
)
def test_the_tables_refuse(raw: sqlite3.Connection, statement: str) -> None:
    before = [raw.execute(f"SELECT * FROM {t}").fetchall() for t in ("stored_events", "requests")]
    assert len(before[0]) == 4
    with pytest.raises(sqlite3.IntegrityError):
        raw.execute(statement)
    after = [raw.execute(f"SELECT * FROM {t}").fetchall() for t in ("stored_events", "requests")]
    assert after == before


def test_the_next_position_is_taken(raw: sqlite3.Connection) -> None:
    """The control: the refusals above are not refusals of everything."""
    raw.execute(f"INSERT INTO stored_events VALUES (5, {_NEW})")
    raw.execute("DELETE FROM sealed")


def test_the_log_flushes_every_commit(log: Rig) -> None:
    for connection in (log.store._writer, log.keys._connection):
        assert connection.execute("PRAGMA synchronous").fetchone() == (2,)
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
