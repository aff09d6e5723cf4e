"""Seeing to it that what was deleted is gone from the disk, not only from the tables.

SQLite leaves deleted bytes in free pages, in the gaps of pages and in its write-ahead log. Whoever
deletes for good marks the file in the same transaction; the mark falls when the file is clean. A
crash in between leaves the mark, and whoever opens the file next to write to it goes on.
"""

from __future__ import annotations

import mmap
import sqlite3
from collections.abc import Sequence
from typing import BinaryIO

from refnet.errors import StoreSealed


def mark_unclean(connection: sqlite3.Connection) -> None:
    """Say, in the caller's transaction, that the file will hold bytes that must go."""
    connection.execute("PRAGMA user_version = 1")


def is_unclean(connection: sqlite3.Connection) -> bool:
    """Whether somebody was interrupted before the file was clean."""
    return bool(connection.execute("PRAGMA user_version").fetchone()[0])


def fold(connection: sqlite3.Connection) -> None:
    """Bring the write-ahead log into the file, and empty it.

    Raises SQLite's errors, and StoreSealed if a reader is in the way all the time.
    """
    busy = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
    if busy:
        raise StoreSealed(
            "what was deleted cannot be cleared from the disk while another process reads the "
            "store; it is cleared as soon as that one has ended, at the latest at the next start"
        )


def scrub(connection: sqlite3.Connection) -> None:
    """Write the file anew, with nothing but what the tables hold. Raises as `fold`."""
    connection.execute("PRAGMA temp_store = FILE")  # a large file would not fit into memory
    try:
        connection.execute("VACUUM")
    finally:
        connection.execute("PRAGMA temp_store = MEMORY")
    fold(connection)
    connection.execute("PRAGMA user_version = 0")


def holds(file: BinaryIO, sought: Sequence[bytes]) -> bool:
    """Whether any of these bytes lie in a file that is not empty."""
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return any(content.find(each) >= 0 for each in sought)
