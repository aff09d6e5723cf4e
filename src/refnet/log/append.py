"""Putting rows into the log's tables: few statements, many rows each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import chain
from operator import itemgetter
from typing import Any, Protocol

from refnet.log._stored import parameters
from refnet.log.tree import Prepared

_ROWS_PER_STATEMENT = 100


class Executes(Protocol):
    """A cursor or a connection, ours or the library's."""

    def execute(self, statement: str, parameters: Sequence[object], /) -> object:
        """Run one statement."""


def append_facts(
    cursor: Executes,
    after: int,
    facts: Sequence[Prepared],
    salts: Sequence[bytes],
    table: str = "stored_events",
) -> None:
    """Store facts at the positions after `after`, within the caller's transaction.

    salts: 32 random bytes for each. Raises sqlite3.IntegrityError if a stream already has a
    version, or `after` is not the head of the log.
    """
    _insert(cursor, table, 7, parameters(after, facts, salts))


def _insert(cursor: Executes, table: str, width: int, flat: list[Any]) -> None:
    """Many rows a statement.

    For sqlite3 lets go of the interpreter lock and takes it again around every step, and in a busy
    server each of these is a wait.
    """
    step = width * _ROWS_PER_STATEMENT
    for start in range(0, len(flat), step):
        chunk = flat[start : start + step]
        cursor.execute(_statement(table, width, len(chunk) // width), chunk)


def insert_in_order(
    cursor: Executes, table: str, width: int, rows: Iterable[Any], *, by: int
) -> None:
    """Insert rows of `width` columns in order of column `by`, what is random in the table's key.

    A table that has no rowid is a tree of its keys: in order, each of its pages is visited once for
    all the rows that go there.
    """
    ordered = sorted(rows, key=itemgetter(by))
    _insert(cursor, table, width, list(chain.from_iterable(ordered)))


@lru_cache(maxsize=512)
def _statement(table: str, width: int, rows: int) -> str:
    row = "(" + ",".join("?" * width) + ")"
    return f"INSERT INTO {table} VALUES " + ",".join([row] * rows)  # noqa: S608
