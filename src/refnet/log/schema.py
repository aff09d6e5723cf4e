"""The tables of the log and the triggers that keep them append-only."""

from __future__ import annotations

FORMAT = 1
"""Version of the tables and of the bytes in them; a store of another version is refused."""

STORED_EVENTS = """
CREATE TABLE IF NOT EXISTS {table} (
    rowid INTEGER PRIMARY KEY,
    originator_id TEXT NOT NULL,
    originator_version INTEGER NOT NULL,
    topic TEXT NOT NULL,
    state BLOB NOT NULL,
    salt BLOB NOT NULL,
    commitment BLOB NOT NULL,
    UNIQUE (originator_id, originator_version)
)
"""
"""`rowid` is the position. The library selects its notification id by that name."""

# REPLACE deletes rows without firing DELETE triggers, and an upsert asks before it updates: both
# are met by refusing, before the insert, a key that exists. An insert without a position arrives
# here as -1.
_GUARDS = (
    """
CREATE TRIGGER IF NOT EXISTS {table}_appends BEFORE INSERT ON {table}
WHEN NEW.rowid IS NOT (SELECT coalesce(max(rowid), 0) + 1 FROM {table})
OR EXISTS (SELECT 1 FROM {table} WHERE originator_id = NEW.originator_id
           AND originator_version = NEW.originator_version)
BEGIN SELECT RAISE(ABORT, 'the log takes a new version only, at the position after its last'); END
""",
    """
CREATE TRIGGER IF NOT EXISTS {table}_no_update BEFORE UPDATE ON {table}
BEGIN SELECT RAISE(ABORT, 'facts are never changed'); END
""",
    """
CREATE TRIGGER IF NOT EXISTS {table}_no_delete BEFORE DELETE ON {table}
BEGIN SELECT RAISE(ABORT, 'facts are never deleted'); END
""",
)

_TABLES = (
    """
CREATE TABLE IF NOT EXISTS requests (
    principal TEXT NOT NULL,
    request_id TEXT NOT NULL,
    fingerprint BLOB NOT NULL,
    position INTEGER NOT NULL,
    facts INTEGER NOT NULL,
    PRIMARY KEY (principal, request_id)
) WITHOUT ROWID
""",
    """
CREATE TABLE IF NOT EXISTS sealed (
    originator_id TEXT NOT NULL,
    version INTEGER NOT NULL,
    field TEXT NOT NULL,
    bytes BLOB NOT NULL,
    PRIMARY KEY (originator_id, version, field)
) WITHOUT ROWID
""",
    """
CREATE TABLE IF NOT EXISTS lookups (
    digest BLOB PRIMARY KEY,
    subject TEXT NOT NULL
) WITHOUT ROWID
""",
    """
CREATE TABLE IF NOT EXISTS meta (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID
""",
)

# Of what `meta` says, only `newest_key` moves on.
_TABLE_GUARDS = (
    """
CREATE TRIGGER IF NOT EXISTS requests_keep BEFORE INSERT ON requests
WHEN EXISTS (SELECT 1 FROM requests WHERE principal = NEW.principal
             AND request_id = NEW.request_id)
BEGIN SELECT RAISE(ABORT, 'the request id is taken'); END
""",
    """
CREATE TRIGGER IF NOT EXISTS requests_no_update BEFORE UPDATE ON requests
BEGIN SELECT RAISE(ABORT, 'requests are never changed'); END
""",
    """
CREATE TRIGGER IF NOT EXISTS requests_no_delete BEFORE DELETE ON requests
BEGIN SELECT RAISE(ABORT, 'requests are never deleted'); END
""",
    """
CREATE TRIGGER IF NOT EXISTS sealed_no_update BEFORE UPDATE ON sealed
BEGIN SELECT RAISE(ABORT, 'sealed fields may be deleted, never changed'); END
""",
    """
CREATE TRIGGER IF NOT EXISTS meta_keep BEFORE INSERT ON meta
WHEN NEW.key IN ('format', 'log', 'simulated') AND EXISTS (SELECT 1 FROM meta WHERE key = NEW.key)
BEGIN SELECT RAISE(ABORT, 'what a log is never changes'); END
""",
    """
CREATE TRIGGER IF NOT EXISTS meta_no_update BEFORE UPDATE ON meta
WHEN OLD.key IN ('format', 'log', 'simulated') OR NEW.key IS NOT OLD.key
BEGIN SELECT RAISE(ABORT, 'what a log is never changes'); END
""",
    """
CREATE TRIGGER IF NOT EXISTS meta_no_delete BEFORE DELETE ON meta
BEGIN SELECT RAISE(ABORT, 'what is known of a log is never deleted'); END
""",
)


def facts_statements(table: str = "stored_events") -> list[str]:
    """What makes a table of facts and guards it."""
    return [each.format(table=table) for each in (STORED_EVENTS, *_GUARDS)]


def all_statements() -> list[str]:
    """What makes a whole log."""
    return [*facts_statements(), *_TABLES, *_TABLE_GUARDS]


def guard_statements() -> list[str]:
    """What guards the tables of a log, for one that was made before a guard was thought of."""
    return [*(each.format(table="stored_events") for each in _GUARDS), *_TABLE_GUARDS]
