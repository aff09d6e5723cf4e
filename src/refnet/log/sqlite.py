"""The library's recorder on our table: the same facts through the interface others know."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

from eventsourcing.persistence import InterfaceError, StoredEvent
from eventsourcing.sqlite import (
    SQLiteApplicationRecorder,
    SQLiteConnection,
    SQLiteConnectionPool,
    SQLiteCursor,
    SQLiteDatastore,
    SQLiteTransaction,
)

from refnet.domain.ids import Entropy
from refnet.errors import RefnetError
from refnet.log.append import append_facts
from refnet.log.connections import connect
from refnet.log.schema import facts_statements
from refnet.log.tree import SALT_SIZE


class _Transaction(SQLiteTransaction):
    """Takes the write lock at the start: one that reads, then writes, may fail at once."""

    def __enter__(self) -> SQLiteCursor:
        cursor = self.connection.cursor()
        cursor.execute("BEGIN IMMEDIATE" if self.commit else "BEGIN")
        return cursor


class _Connection(SQLiteConnection):
    @contextmanager
    def transaction(self, *, commit: bool) -> Iterator[SQLiteCursor]:
        with _Transaction(self, commit=commit) as cursor, cursor:
            # The library's own `with cursor` hands out the raw one; every caller works with either.
            yield cursor


class _Pool(SQLiteConnectionPool):
    def _create_connection(self) -> SQLiteConnection:
        try:
            connection = connect(Path(self.db_name))
        except RefnetError as error:
            raise InterfaceError(error) from error
        connection.row_factory = sqlite3.Row
        return _Connection(connection, max_age=self.max_age)


class Datastore(SQLiteDatastore):
    """A pool of connections to one file that flush what they commit."""

    def __init__(self, path: Path) -> None:
        super().__init__(str(path))
        # The library names its pool class in __init__; nothing is open yet, so it can be exchanged.
        self.pool.close()
        self.pool = _Pool(db_name=str(path))


class Recorder(SQLiteApplicationRecorder):
    """Stores the library's StoredEvents with salt, commitment and position.

    The sequencer does not come through here: it appends in a transaction of its own. This is for
    tools that speak the library's language, and what its contract suites run against.
    """

    def __init__(
        self, datastore: Datastore, entropy: Entropy, events_table_name: str = "stored_events"
    ) -> None:
        super().__init__(datastore, events_table_name)
        self._entropy = entropy

    def construct_create_table_statements(self) -> list[str]:
        """Our table and its guards in place of the library's."""
        return facts_statements(self.events_table_name)

    def _insert_events(
        self, c: SQLiteCursor, stored_events: Sequence[StoredEvent], **_: Any
    ) -> Sequence[int]:
        c.execute(f"SELECT coalesce(max(rowid), 0) FROM {self.events_table_name}")  # noqa: S608
        after = c.fetchone()[0]
        prepared = [
            (_hex(each.originator_id), each.originator_version, each.topic, each.state)
            for each in stored_events
        ]
        salts = [self._entropy(SALT_SIZE) for _ in prepared]
        append_facts(c, after, prepared, salts, self.events_table_name)
        return list(range(after + 1, after + 1 + len(prepared)))


def _hex(originator_id: UUID | str) -> str:
    return (originator_id if isinstance(originator_id, UUID) else UUID(originator_id)).hex
