"""Reading the log back: stored facts to ledger columns, against SQLite giving out the same rows."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any

from benchmarks.conftest import Compare
from benchmarks.network import COLUMNS, Network
from benchmarks.ratio import Comparison, Side
from refnet.ledger.extract import batch_of
from refnet.ledger.ledger import Ledger
from refnet.log.reader import check_commitments
from refnet.projection import Projection

PEER = "sqlite3 fetchall, 7 columns"


def scan_with_sqlite3(network: Network, expected: str) -> Side:
    """The floor: all seven columns of every row as Python objects, and nothing made of them."""

    def prepare() -> sqlite3.Connection:
        return sqlite3.connect(network.log)

    def work(connection: sqlite3.Connection) -> int:
        statement = f"SELECT {COLUMNS} FROM stored_events ORDER BY rowid"
        return len(connection.execute(statement).fetchall())

    def digest(connection: sqlite3.Connection, found: int) -> str:
        connection.close()
        assert found == network.facts
        return expected

    return Side(prepare, work, digest)


def fold_one_by_one(network: Network) -> Ledger:
    """The slow twin: every fact decoded whole and handed over as an object."""
    reader, ledger = network.reader(), Ledger()
    commitments = (row[6] for rows in reader.scan() for row in rows)
    ledger.append(
        batch_of(
            (fact, recorded, commitment)
            for (fact, recorded), commitment in zip(
                network.reader().facts(), commitments, strict=True
            )
        )
    )
    return ledger


def replaying(network: Network, work: Callable[[Any], Ledger]) -> Side:
    """A way to fill a ledger from a reader."""

    def digest(reader: Any, ledger: Ledger) -> str:
        reader.close()
        return ledger.digest()

    return Side(network.reader, work, digest)


def test_replay_into_columns(comparison: Compare, network: Network) -> None:
    """Rows decoded and folded; neither commitments checked nor the tree grown."""
    extractor = network.extractor()

    def work(reader: Any) -> Ledger:
        ledger = Ledger()
        for rows in reader.scan_bare():
            ledger.append(extractor.bare_batch(ledger.position, rows, reader.streams))
        return ledger

    peer = scan_with_sqlite3(network, fold_one_by_one(network).digest())
    comparison(
        Comparison("replay into columns", PEER, 0.7, network.facts), replaying(network, work), peer
    )


def test_replay_with_commitments_checked(comparison: Compare, network: Network) -> None:
    """As above, and every fact checked against its commitment; the tree is not grown."""
    extractor = network.extractor()

    def work(reader: Any) -> Ledger:
        ledger = Ledger()
        for rows in reader.scan():
            check_commitments(rows)
            ledger.append(extractor.batch(rows))
        return ledger

    peer = scan_with_sqlite3(network, fold_one_by_one(network).digest())
    comparison(
        Comparison("replay, commitments checked", PEER, 0.35, network.facts),
        replaying(network, work),
        peer,
    )


def test_replay_with_commitments_and_tree(comparison: Compare, network: Network) -> None:
    """What `refnet replay` does before it scores: columns, commitments and the Merkle tree."""

    def work(reader: Any) -> Ledger:
        projection = Projection.fresh(network.extractor())
        for rows in reader.scan():
            projection.extend(rows, verify=True)
        return projection.ledger

    peer = scan_with_sqlite3(network, fold_one_by_one(network).digest())
    comparison(
        Comparison("replay, commitments and tree", PEER, None, network.facts),
        replaying(network, work),
        peer,
    )
