"""The facts that benchmarks run on: a simulated network, written through the real command path."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from refnet.domain.ids import Entropy
from refnet.domain.nouns import NOUNS
from refnet.engine import Engine
from refnet.log.batches import Extractor
from refnet.log.codec import Codec
from refnet.log.reader import Reader, Row
from refnet.log.sequencer import Clock
from refnet.log.store import FILE
from refnet.simulate import simulate
from refnet.wiring import open_engine

SEED = 1

COLUMNS = "rowid, originator_id, originator_version, topic, state, salt, commitment"


@dataclass(frozen=True, slots=True)
class Network:
    """A store with a network in it. facts: how many. topics: how many of each name."""

    folder: Path
    facts: int
    topics: dict[str, int]

    @property
    def log(self) -> Path:
        """The file with the facts."""
        return self.folder / FILE

    def codec(self) -> Codec:
        """What reads the facts."""
        return Codec(NOUNS)

    def extractor(self) -> Extractor:
        """What makes batches of them."""
        return Extractor(NOUNS, self.codec())

    def reader(self) -> Reader:
        """A reader with a connection of its own."""
        return Reader(self.log, self.codec())

    def rows(self) -> list[Row]:
        """All facts as they are stored."""
        connection = sqlite3.connect(self.log)
        try:
            return connection.execute(
                f"SELECT {COLUMNS} FROM stored_events ORDER BY rowid"
            ).fetchall()
        finally:
            connection.close()


def simulated(folder: Path, *, chapters: int, weeks: int, marked: bool = True) -> Network:
    """Simulate a network into a folder. marked: the store says so, and takes no other writes."""

    def open_store(*, clock: Clock, entropy: Entropy) -> Engine:
        return open_engine(
            folder, clock=clock, entropy=entropy, simulated=marked, warn=lambda _: None
        )

    made = simulate(open_store, chapters=chapters, weeks=weeks, seed=SEED)
    return Network(folder, made.position, made.facts)


def digest_of(rows: Iterable[Row]) -> str:
    """Hex SHA-256 over all columns of rows."""
    found = hashlib.sha256()
    for row in rows:
        found.update(repr(row).encode())
    return found.hexdigest()
