"""Seeing to it that what was deleted is gone from the disk, not only from the tables.

SQLite leaves deleted bytes in free pages, in the gaps of pages and in its write-ahead log. Whoever
deletes for good marks the file in the same transaction; the mark falls when the file is clean. A
crash in between leaves the mark, and whoever opens the file next to write to it goes on.
"""

from __future__ import annotations

import mmap
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import BinaryIO

from refnet.errors import StoreSealed


def mark_unclean(connection: sqlite3.Connection) -> None:
    """Say, in the caller's transaction, that the file will hold bytes that must go."""
    connection.execute("PRAGMA user_version = 1")


def is_unclean(connection: sqlite3.Connection) -> bool:
    """Whether somebody was interrupted before the file was clean."""
    return bool(connection.execute("PRAGMA user_version").fetchone()[0])


def fold(connection: sqlite3.Connection, *, patient: bool = True) -> None:
    """Bring the write-ahead log into the file, and empty it.

    patient: wait for readers as long as for anybody; else they are in the way at once. Raises
    SQLite's errors, and StoreSealed if a reader is in the way all the time.
    """
    with nullcontext() if patient else _no_waiting(connection):
        busy = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
    if busy:
        raise StoreSealed(
            "what was deleted cannot be cleared from the disk while another process reads the "
            "store; a server clears it within seconds after that one has ended, and a command at "
            "the latest when the store is next opened for writing"
        )


def scrub(connection: sqlite3.Connection, *, patient: bool = True) -> None:
    """Write the file anew, with nothing but what the tables hold. Raises as `fold`."""
    # First, because whoever is in the way of this is in the way of the end, and to write a large
    # file anew in vain, again and again, would hold up everybody.
    fold(connection, patient=patient)
    connection.execute("PRAGMA temp_store = FILE")  # a large file would not fit into memory
    try:
        connection.execute("VACUUM")
    finally:
        connection.execute("PRAGMA temp_store = MEMORY")
    fold(connection, patient=patient)
    connection.execute("PRAGMA user_version = 0")


@contextmanager
def _no_waiting(connection: sqlite3.Connection) -> Iterator[None]:
    (before,) = connection.execute("PRAGMA busy_timeout").fetchone()
    connection.execute("PRAGMA busy_timeout = 0")
    try:
        yield
    finally:
        connection.execute(f"PRAGMA busy_timeout = {before}")


def holds(file: BinaryIO, sought: Sequence[bytes]) -> bool:
    """Whether any of these bytes lie in a file that is not empty."""
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return any(content.find(each) >= 0 for each in sought)
