"""Storing prepared facts: refnet's append path against SQLite storing the same rows unguarded.

Prepared means encoded. What is timed is the rest of an import: drawing salts, hashing commitments,
sealing where there is something to seal, and one transaction with every trigger and index, flushed
at its end.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.conftest import Compare
from benchmarks.network import COLUMNS, Network, digest_of
from benchmarks.ratio import Comparison, Side
from benchmarks.sealed_facts import SealedFact, seal_again, sealed_facts
from refnet.domain.ids import Entropy
from refnet.log.append import append_facts, insert_in_order
from refnet.log.connections import prepare as flush_what_is_committed
from refnet.log.reader import Row
from refnet.log.store import Store, open_store
from refnet.log.tree import Prepared, commitment

PEER = "sqlite3 executemany, one batch"

_PLAIN_TABLE = """
CREATE TABLE stored_events (
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


@dataclass(frozen=True, slots=True)
class Job:
    """Facts to store and what they must look like when they are."""

    facts: list[Prepared]
    salts: list[bytes]
    rows: list[Row]


def job_of(facts: list[Prepared], salts: list[bytes]) -> Job:
    """The rows are made by the one-at-a-time function that the format is written down in."""
    rows = [
        (
            position,
            originator,
            version,
            topic,
            state,
            salt,
            commitment(salt, bytes.fromhex(originator), version, topic, state),
        )
        for position, ((originator, version, topic, state), salt) in enumerate(
            zip(facts, salts, strict=True), 1
        )
    ]
    return Job(facts, salts, rows)


def salting(job: Job) -> Entropy:
    """Costs what randomness costs, and gives what was prepared, so that rows can be compared."""
    prepared = iter(job.salts)

    def draw(size: int) -> bytes:
        os.urandom(size)
        return next(prepared)

    return draw


def with_sqlite3(folder: Path, job: Job) -> Side:
    """The same rows and the same index; no triggers, nothing computed."""
    path = folder / "plain.db"

    def prepare() -> sqlite3.Connection:
        connection = sqlite3.connect(path, isolation_level=None)
        flush_what_is_committed(connection)
        connection.execute(_PLAIN_TABLE)
        return connection

    def work(connection: sqlite3.Connection) -> None:
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany("INSERT INTO stored_events VALUES (?, ?, ?, ?, ?, ?, ?)", job.rows)
        connection.execute("COMMIT")

    def digest(connection: sqlite3.Connection, _: None) -> str:
        found = stored(connection)
        connection.close()
        path.unlink()
        return found

    return Side(prepare, work, digest)


def stored(connection: sqlite3.Connection) -> str:
    """The digest of what lies in the table."""
    return digest_of(
        connection.execute(f"SELECT {COLUMNS} FROM stored_events ORDER BY rowid").fetchall()
    )


def stores(folder: Path) -> tuple[Callable[[], Store], Callable[[Store, None], str]]:
    """How to open a new store, and how to read off and remove it."""
    directory = folder / "store"

    def prepare() -> Store:
        return open_store(directory, os.urandom)

    def digest(store: Store, _: None) -> str:
        with store.write() as connection:
            found = stored(connection)
        store.close()
        shutil.rmtree(directory)
        return found

    return prepare, digest


def test_import_without_personal_data(
    comparison: Compare, network: Network, tmp_path: Path
) -> None:
    """A realistic mix of facts, salted, committed to and appended."""
    stored_rows = network.rows()
    job = job_of([row[1:5] for row in stored_rows], [row[5] for row in stored_rows])
    assert job.rows == stored_rows
    prepare, digest = stores(tmp_path)

    def work(store: Store) -> None:
        entropy = salting(job)
        salts = [entropy(32) for _ in job.facts]
        with store.write() as connection:
            append_facts(connection, 0, job.facts, salts)

    comparison(
        Comparison("import, no personal data", PEER, 0.5, len(job.rows), writes=True),
        Side(prepare, work, digest),
        with_sqlite3(tmp_path, job),
    )


def test_import_with_a_sealed_field_and_a_request_a_fact(
    comparison: Compare, network: Network, tmp_path: Path
) -> None:
    """Testimonials with a text each: AES-256-GCM, a row for the ciphertext, one for the request."""
    given: Sequence[SealedFact] = sealed_facts(network.facts)
    job = job_of([each.prepared for each in given], [each.salt for each in given])
    prepare, digest_facts = stores(tmp_path)
    ciphertexts = [each.row for each in given]

    def work(store: Store) -> None:
        entropy = salting(job)
        salts = [entropy(32) for _ in job.facts]
        sealed = [seal_again(each) for each in given]
        with store.write() as connection:
            append_facts(connection, 0, job.facts, salts)
            insert_in_order(connection, "sealed", 4, sealed, by=0)
            requests = [each.request for each in given]
            insert_in_order(connection, "requests", 5, requests, by=1)

    def digest(store: Store, result: None) -> str:
        with store.write() as connection:
            rows = connection.execute("SELECT * FROM sealed ORDER BY originator_id").fetchall()
            assert rows == sorted(ciphertexts)
            (count,) = connection.execute("SELECT count(*) FROM requests").fetchone()
            assert count == len(given)
        return digest_facts(store, result)

    comparison(
        Comparison("import, sealed field + request", PEER, 0.35, len(given), writes=True),
        Side(prepare, work, digest),
        with_sqlite3(tmp_path, job),
    )
