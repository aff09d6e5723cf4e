"""Honest logs are found to be so, whatever their size and whoever writes to them meanwhile."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path

import pytest

from audit.stores import check, open_simulated, publish_scores, sign, simulated, told
from refnet.audit.scores import KERNEL, REFERENCE
from refnet.publishing import SIGNER
from refnet.tlog.note import Signer
from refnet.wiring import open_engine


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of some hundred facts, its ledger and its scores; not signed."""
    data = tmp_path_factory.mktemp("network") / "store"
    simulated(data)
    return data


@pytest.fixture
def store(network: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(network, tmp_path / "store"))


@pytest.mark.parametrize("size", [0, 1, 255, 256, 257])
def test_an_honest_log_of_any_size_is_fine(store: Path, size: int) -> None:
    key = sign(store, [size])

    report = check(store, [key])

    assert [] == report.findings
    assert (size, 1) == (report.covered, report.checkpoints)
    assert report.position > 257


def test_an_empty_log_is_fine(tmp_path: Path) -> None:
    open_simulated(tmp_path / "store").close()
    key = sign(tmp_path / "store", [0])

    report = check(tmp_path / "store", [key])

    assert ([], 0, 1) == (report.findings, report.position, report.checkpoints)


def test_a_log_that_grew_is_fine_with_all_its_checkpoints(store: Path) -> None:
    with open_engine(store, read_only=True) as engine:
        head, root = engine.head()[0], engine.replay().head
    sizes = [1, 2, 255, 256, 257, 300, 511, 512, head]

    key = sign(store, sizes)
    report = check(store, [key], scores=[REFERENCE, KERNEL])

    assert [] == report.findings
    assert {"ok"} == {each.state for each in report.steps}
    assert (head, root, head, len(sizes), 2) == (
        report.position,
        report.head,
        report.covered,
        report.checkpoints,
        report.scores,
    )
    with open_simulated(store) as engine:
        publish_scores(engine)
    sign(store, [head + 1])
    assert [] == check(store, [key], scores=[KERNEL]).findings


def test_what_is_not_there_is_not_checked_and_said_so(store: Path) -> None:
    (store / SIGNER).mkdir()
    shutil.rmtree(store / "ledger")

    report = check(store, [Signer("example.com/refnet/x", bytes(32)).verifier])

    silent = {each.name: each.state for each in report.steps if not each.note}
    assert {"rows": "ok", "requests": "ok"} == silent
    assert [] == report.findings


def test_neither_keys_nor_their_key_are_needed(store: Path) -> None:
    key = sign(store, [300])
    for each in ("keys.db", "kek", "writer.lock"):
        (store / each).unlink()

    assert [] == check(store, [key]).findings


def test_a_log_is_verified_while_it_is_written_and_published(store: Path) -> None:
    key = sign(store, [300])
    stop = threading.Event()

    def write() -> None:
        with open_simulated(store) as engine:
            for _ in range(200):
                publish_scores(engine)
                sign(store, [engine.head()[0]])
                if stop.is_set():
                    break

    writer = threading.Thread(target=write)
    writer.start()
    try:
        reports = [check(store, [key], patience=10) for _ in range(8)]
    finally:
        stop.set()
        writer.join()

    assert [[]] * 8 == [report.findings for report in reports]
    assert reports[0].position < reports[-1].position


def test_another_key_is_nobodys(store: Path) -> None:
    key = sign(store, [300])
    stranger = Signer(key.name, bytes(32)).verifier

    found = told(check(store, [stranger]))

    assert {"checkpoints"} == set(found)
    assert "signed with none of the given keys" in found["checkpoints"].message


def test_scores_that_were_not_so_are_named(store: Path) -> None:
    with open_simulated(store) as engine:
        at = publish_scores(engine, position=100, digest="0" * 64)
    sign(store, [at])

    for maker in (REFERENCE, KERNEL):
        found = told(check(store, scores=[maker]))
        assert {"scores"} == set(found)
        assert at - 1 == found["scores"].index
        assert maker == found["scores"].facts["maker"]
