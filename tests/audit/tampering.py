"""A copy of a store to tamper with, and what an audit must say of it then."""

from __future__ import annotations

import random
import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from refnet.log.store import FILE
from refnet.log.tree import commitment

COLUMNS = "rowid, originator_id, originator_version, topic, state, salt, commitment"
Row = list[Any]


@dataclass(frozen=True)
class Expected:
    """What must be found. steps: one of these must find it. index: of the first finding.

    what: words of which one must be in what differs; none if it may be any. text: in the message.
    """

    steps: tuple[str, ...]
    index: int | None = None
    what: tuple[str, ...] = ()
    text: str = ""
    code: tuple[int, ...] = (1,)


@dataclass
class Store:
    """A copy of a store that may be spoilt."""

    data: Path
    chance: random.Random
    covered: int
    done: list[str] = field(default_factory=list)

    def note(self, what: object) -> None:
        """For whoever looks into a failure."""
        self.done.append(str(what))

    @property
    def log(self) -> Path:
        return self.data / FILE

    def rows(self) -> list[Row]:
        with closing(sqlite3.connect(self.log)) as log:
            return [list(row) for row in log.execute(f"SELECT {COLUMNS} FROM stored_events")]

    def change(self, *statements: tuple[str, tuple[object, ...]]) -> None:
        """Change the database past its guards, as who has the file can."""
        with closing(sqlite3.connect(self.log)) as log:
            guards = log.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'").fetchall()
            for (name,) in guards:
                log.execute(f"DROP TRIGGER {name}")
            for statement, parameters in statements:
                log.execute(statement, parameters)
            log.commit()

    def set(self, position: int, column: str, value: object) -> None:
        self.note(f"position {position}: {column} = {value!r}")
        self.change((f"UPDATE stored_events SET {column} = ? WHERE rowid = ?", (value, position)))

    def position(self) -> int:
        return self.chance.randint(1, self.covered)

    def row(self, position: int) -> Row:
        return self.rows()[position - 1]

    def file(self, name: str) -> Path:
        return self.data / name


def flipped(chance: random.Random, content: bytes) -> bytes:
    at = chance.randrange(len(content))
    return content[:at] + bytes([content[at] ^ 1 << chance.randrange(8)]) + content[at + 1 :]


def recommitted(row: Row) -> bytes:
    _, stream, version, topic, state, salt, _ = row
    return commitment(salt, bytes.fromhex(stream), version, topic, state)


def copied(source: Path, target: Path, chance: random.Random, covered: int) -> Store:
    shutil.copytree(source, target)
    return Store(target, chance, covered)
