"""How refnet opens an SQLite file, and what SQLite's errors mean."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from refnet.errors import RefnetError, StorageFull, StoreDamaged, StoreSealed
from refnet.log.files import make_private

BUSY_SECONDS = 5.0

STORAGE_ERRORS = (sqlite3.Error, UnicodeDecodeError)
"""What comes of SQLite; the second when its own words quote a damaged file."""


def connect(path: Path, *, readonly: bool = False) -> sqlite3.Connection:
    """A connection in autocommit mode: transactions are begun by hand.

    Commits are flushed to the disk (WAL, synchronous=FULL), and that is asserted: acknowledgement
    rests on it. A reader leaves the file as it is, in whatever mode. Raises StoreDamaged if there
    is no such database, or this is none.
    """
    # A reader of a WAL database must be able to write its shared memory, so it opens the file for
    # writing and is then held to reading by query_only.
    mode = "rw" if readonly else "rwc"
    if not readonly:
        make_private(path)  # SQLite would let everybody read it, and its log beside it
    try:
        connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode={mode}",
            uri=True,
            isolation_level=None,
            check_same_thread=False,
            timeout=BUSY_SECONDS,
        )
    except STORAGE_ERRORS as error:
        raise storage_error(error) from error
    try:
        if readonly:
            connection.execute("PRAGMA temp_store = MEMORY")
            connection.execute("PRAGMA query_only = ON")
        else:
            # Heard only while a file is new. A fact is half a kilobyte: larger pages waste less at
            # their ends, and a large commit copies each page through two system calls twice.
            connection.execute("PRAGMA page_size = 8192")
            prepare(connection)
    except STORAGE_ERRORS as error:
        connection.close()
        raise storage_error(error) from error
    except BaseException:
        connection.close()
        raise
    return connection


def prepare(connection: sqlite3.Connection) -> None:
    """Set what durability rests on, and read it back. Raises StoreDamaged if it cannot be had."""
    mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
    connection.execute("PRAGMA synchronous = FULL")
    # What a statement would need to undo itself stays in memory: a temporary directory that is full
    # or read-only must not be able to end a server.
    connection.execute("PRAGMA temp_store = MEMORY")
    synchronous = connection.execute("PRAGMA synchronous").fetchone()[0]
    if (mode, synchronous) != ("wal", 2):
        raise StoreDamaged(
            f"SQLite runs with journal_mode={mode}, synchronous={synchronous} instead of wal, 2; "
            "put the store on a local disk that supports shared memory",
        )


def storage_error(error: sqlite3.Error | UnicodeDecodeError) -> RefnetError:
    """The refusal that an SQLite error amounts to.

    StorageFull is harmless: nothing was kept, later writes may succeed. StoreSealed: another
    writer was in the way all the time. Everything else is StoreDamaged and fatal to a writer:
    after it, nobody knows what the disk holds, so nothing more may be acknowledged.
    """
    extended = getattr(error, "sqlite_errorcode", 0)
    code = extended & 0xFF
    # The index of the write-ahead log is no part of what must last; it fails when it cannot grow.
    if code == sqlite3.SQLITE_FULL or extended == sqlite3.SQLITE_IOERR_SHMSIZE:
        return StorageFull("the disk is full and nothing of this was kept; free space, then retry")
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return StoreSealed("another writer holds the store; stop it, then retry")
    name = getattr(error, "sqlite_errorname", type(error).__name__)
    return StoreDamaged(
        f"the store failed: {error} ({name}); check the disk, then restart", error=name
    )


_BROKEN = (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def is_disk_failure(error: BaseException) -> bool:
    """Whether a refusal came of a disk that failed, rather than of what one fact or field says.

    Such a failure concerns everybody, also when it was met while reading.
    """
    code = getattr(error.__cause__, "sqlite_errorcode", 0) & 0xFF
    return isinstance(error, StoreDamaged) and code in _BROKEN
