"""Verifying a signed log: rows, tiles, tree and checkpoints, against reading and hashing its rows.

The floor is what nobody who checks a log can do without: SQLite giving out every column of every
row, and one SHA-256 over the bytes of each.
"""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from typing import Any

from benchmarks.conftest import Compare
from benchmarks.network import COLUMNS, Network, simulated
from benchmarks.ratio import Comparison, Side
from refnet.audit.checkpoints import Keys
from refnet.audit.verify import Report, verify
from refnet.domain.nouns import NOUNS
from refnet.log.store import view_store
from refnet.publishing import FOLDER, SIGNER
from refnet.tlog.note import KEY_SIZE, Signer
from refnet.tlog.publish import Publisher
from refnet.tlog.signer import Signatory, found

PEER = "sqlite3 fetch, 7 columns, and sha256 of each row"
CHECKPOINTS = 200
RATE_GOAL = 1_000_000 / 60
"""Facts a second: a million of them in a minute."""

RSS_GOAL = 300 << 20


def signed(network: Network) -> Signer:
    """Sign the log of a network at many sizes; its key."""
    with closing(view_store(network.folder)) as store:
        signer = Signer(f"example.com/refnet/{store.log}", os.urandom(KEY_SIZE))
    found(network.folder / SIGNER, signer)
    sizes = sorted({network.facts * part // CHECKPOINTS for part in range(1, CHECKPOINTS + 1)})
    with (
        closing(network.reader()) as reader,
        closing(Signatory(network.folder / SIGNER, _ignore)) as signatory,
    ):
        root = network.folder / FOLDER
        publisher = Publisher(root, signatory, reader.commitments, _ignore)
        publisher.start(network.facts)
        for size in sizes:
            publisher.publish(size)
    return signer


def scan_and_hash(network: Network, root: str) -> Side:
    """The floor. root: that of the tree, as the other side finds it."""

    def prepare() -> sqlite3.Connection:
        return sqlite3.connect(network.log)

    def work(connection: sqlite3.Connection) -> int:
        count = 0
        rows = connection.execute(f"SELECT {COLUMNS} FROM stored_events ORDER BY rowid")
        while chunk := rows.fetchmany(512):
            for _, stream, _, topic, state, salt, commitment in chunk:
                parts = (salt, stream.encode(), topic.encode(), state, commitment)
                sha256(b"".join(parts)).digest()
            count += len(chunk)
        return count

    def digest(connection: sqlite3.Connection, count: int) -> str:
        connection.close()
        assert count == network.facts
        return root

    return Side(prepare, work, digest)


def test_verify(comparison: Compare, network: Network) -> None:
    """Everything but scores, of which this log publishes none."""
    key = signed(network).verifier

    def work(_: None) -> Report:
        return verify(network.folder, network.folder / SIGNER, Keys([key]), NOUNS, (), _unseen)

    def digest(_: None, report: Report) -> str:
        assert report.findings == []
        assert report.position == report.covered == network.facts
        return report.head

    with closing(network.reader()) as reader:
        root = reader.tree().root().hex()
    line = Comparison("audit verify", PEER, None, network.facts, rate_goal=RATE_GOAL)
    comparison(line, Side(lambda: None, work, digest), scan_and_hash(network, root))


def test_a_million_facts(tmp_path: Path, timed: bool) -> None:  # noqa: FBT001
    """The command in a process of its own, whose memory is what it says; minutes to simulate."""
    size: dict[str, Any] = {"chapters": 80, "weeks": 88} if timed else {"chapters": 1, "weeks": 4}
    network = simulated(tmp_path / "network", **size)
    signed(network)
    command = [sys.executable, "-m", "refnet", "audit", "verify", "--json"]
    done = subprocess.run(
        [*command, "--data", str(network.folder)], capture_output=True, text=True, check=True
    )
    report = json.loads(done.stdout)
    assert network.facts == report["position"]
    for step in report["steps"]:
        print(
            f"{step['step']:<12} {step['state']:<8} {step['facts']:>9} facts "
            f"{step['seconds']:>7.2f} s  {step['peak_rss_bytes'] / 2**20:>5.0f} MiB"
        )
    seconds = sum(step["seconds"] for step in report["steps"])
    peak = max(step["peak_rss_bytes"] for step in report["steps"])
    rate = network.facts / seconds
    verdict = "ok" if rate >= RATE_GOAL else "short"
    print(f"{network.facts} facts, {seconds:.1f} s, {rate:.0f}/s {verdict}, root {report['head']}")
    assert peak <= RSS_GOAL


def _unseen(_: int, __: int) -> None:
    pass


def _ignore(_: str) -> None:
    pass
