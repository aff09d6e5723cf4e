"""A log on disk: one directory, one SQLite file, one writer."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO
from uuid import UUID

from refnet.domain.ids import Entropy, uuid4
from refnet.errors import NotFound, StoreDamaged, StoreSealed
from refnet.log.codec import Codec
from refnet.log.connections import STORAGE_ERRORS, connect, storage_error
from refnet.log.files import make_directory
from refnet.log.lock import WriterLock
from refnet.log.reader import Reader
from refnet.log.schema import FORMAT, all_statements, guard_statements
from refnet.log.scrubbing import fold, holds, is_unclean, scrub

FILE = "log.db"

SOUGHT_MAX = 16
"""Of what was deleted: to look for more takes longer than to write the file anew."""

_NEWEST_KEY = "newest_key"
_NAME_NEWEST = (
    "INSERT INTO meta VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value"
)


class Store:
    """The open log. `log` is its id, `simulated` says that no real person stands behind it.

    newest_key: names the key that was made last of all that facts of the log may rest on.
    """

    def __init__(
        self, directory: Path, writer: sqlite3.Connection, lock: WriterLock | None
    ) -> None:
        """For `open_store` and `view_store`."""
        self.directory = directory
        self.path = directory / FILE
        self._writer = writer
        self._lock = lock
        self._file: BinaryIO | None = None
        meta = _meta(writer)
        if meta.get("format") != str(FORMAT):
            raise StoreDamaged(
                f"{self.path} has format {meta.get('format')}, this refnet reads {FORMAT}; "
                "use the refnet that wrote it"
            )
        try:
            self.log = UUID(meta["log"])
            self.simulated = {"0": False, "1": True}[meta["simulated"]]
        except (KeyError, ValueError) as error:
            raise StoreDamaged(
                f"{self.path} does not say which log it is; restore it from a backup"
            ) from error
        self.newest_key = meta.get(_NEWEST_KEY, "")

    @property
    def readonly(self) -> bool:
        """Whether it was opened beside a writer, to look only."""
        return self._lock is None

    def holds_facts(self) -> bool:
        """Whether anything was recorded yet. Raises StoreDamaged."""
        try:
            found = self._writer.execute("SELECT 1 FROM stored_events LIMIT 1").fetchone()
        except STORAGE_ERRORS as error:
            raise storage_error(error) from error
        return found is not None

    def noted(self, key: str) -> str | None:
        """What the log says of itself under a key. Raises StoreDamaged."""
        return _meta(self._writer).get(key)

    def rest_on(self, connection: sqlite3.Connection, newest: str) -> None:
        """Say, in the caller's transaction, which key was made last of all that facts may need.

        A key store that lacks it is older than the log, and is refused by who opens both. Set
        `newest_key` after the commit.
        """
        if newest != self.newest_key:
            connection.execute(_NAME_NEWEST, (_NEWEST_KEY, newest))

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """One transaction that holds the write lock from start to flush.

        Rolls back on any exception. SQLite's errors come out as StorageFull (nothing was kept, go
        on), StoreSealed (another writer was in the way) or StoreDamaged (stop acknowledging).
        """
        connection = self._writer
        try:
            connection.execute("BEGIN IMMEDIATE")
            yield connection
            connection.execute("COMMIT")
        except BaseException as error:
            if connection.in_transaction:
                with suppress(sqlite3.Error):
                    connection.rollback()
            if isinstance(error, STORAGE_ERRORS):
                raise storage_error(error) from error
            raise

    def clear(self, gone: Sequence[bytes] | None = None, *, patient: bool = True) -> None:
        """Leave on the disk nothing of what was deleted, if anything was; see `scrubbing`.

        gone: what was deleted, if it is known. Then a file in which none of it is left is not
        written anew. patient: wait for readers. Raises StorageFull, StoreSealed or StoreDamaged.
        """
        connection = self._writer
        try:
            if not is_unclean(connection):
                return
            if gone is not None and len(gone) <= SOUGHT_MAX:
                fold(connection, patient=patient)
                if not self._holds(gone):
                    connection.execute("PRAGMA user_version = 0")
                    return
            scrub(connection, patient=patient)
        except STORAGE_ERRORS as error:
            raise storage_error(error) from error

    def _holds(self, gone: Sequence[bytes]) -> bool:
        """Whether any of these bytes are in the file, or nobody can tell."""
        try:
            if self._file is None:
                # Closed last of all: closing a file lets go of the locks SQLite holds on it.
                self._file = self.path.open("rb")
            return holds(self._file, gone)
        except OSError:  # out of descriptors or address space: then it is written anew
            return True

    def reader(self, codec: Codec) -> Reader:
        """A reader with a connection of its own, for as long as the caller needs it."""
        return Reader(self.path, codec)

    def close(self) -> None:
        """Let go of file and lock."""
        self._writer.close()
        if self._file is not None:
            self._file.close()
        if self._lock is not None:
            self._lock.close()


def open_store(directory: Path, entropy: Entropy, *, simulated: bool | None = False) -> Store:
    """Open a log for writing; directory and log are made if missing.

    simulated: whether the log is, or is to become, a simulated one; None accepts either.
    Raises StoreSealed if another process writes to it, or if it is of the other kind.
    """
    make_directory(directory)
    lock = WriterLock(directory)
    try:
        connection = connect(directory / FILE)
        try:
            _create(connection, uuid4(entropy), simulated=bool(simulated))
            store = Store(directory, connection, lock)
            _guard(connection)
            if simulated is not None and store.simulated != simulated:
                kind = "a simulated" if store.simulated else "a real"
                raise StoreSealed(
                    f"{directory} holds {kind} network; use another directory", path=directory
                )
        except BaseException as error:
            connection.close()
            if isinstance(error, STORAGE_ERRORS):
                raise storage_error(error) from error
            raise
    except BaseException:
        lock.close()
        raise
    return store


def view_store(directory: Path) -> Store:
    """Open a log to read it, also beside a running writer. Raises NotFound if there is none."""
    path = directory / FILE
    if not path.exists():
        raise NotFound(f"{directory} holds no log; import or serve into it first", path=directory)
    connection = connect(path, readonly=True)
    try:
        return Store(directory, connection, None)
    except BaseException:
        connection.close()
        raise


def _create(connection: sqlite3.Connection, log: UUID, *, simulated: bool) -> None:
    """Make the tables, all or none, unless they exist."""
    found = connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'meta'").fetchone()
    if found is not None:
        return
    connection.execute("BEGIN IMMEDIATE")
    for statement in all_statements():
        connection.execute(statement)
    meta = {"format": str(FORMAT), "log": str(log), "simulated": str(int(simulated))}
    connection.executemany("INSERT INTO meta VALUES (?, ?)", meta.items())
    connection.execute("COMMIT")


def _guard(connection: sqlite3.Connection) -> None:
    """Give a log the guards it lacks. Only these: a table that is missing is damage."""
    connection.execute("BEGIN IMMEDIATE")
    for statement in guard_statements():
        connection.execute(statement)
    connection.execute("COMMIT")


def _meta(connection: sqlite3.Connection) -> dict[str, str]:
    try:
        return dict(connection.execute("SELECT key, value FROM meta").fetchall())
    except STORAGE_ERRORS as error:
        raise storage_error(error) from error
