"""Checkpoints that carry the right signature and are wrong all the same."""

from __future__ import annotations

import random
from pathlib import Path
from uuid import UUID

import pytest

from audit.stores import check, open_simulated, publish_scores, sign, simulated, told
from audit.tampered_files import _blocks
from audit.tampering import Store, copied
from refnet.publishing import FOLDER, SIGNER
from refnet.tlog.checkpoint import Checkpoint
from refnet.tlog.note import Note, Verifier
from refnet.tlog.publish import CHECKPOINT, HISTORY
from refnet.tlog.signer import STATE, add_key, read_keys, retire_key


class Signed:
    def __init__(self, data: Path) -> None:
        self.data = data
        self.head = simulated(data)
        self.key: Verifier = sign(data, [100, 300, self.head])


@pytest.fixture(scope="module")
def signed(tmp_path_factory: pytest.TempPathFactory) -> Signed:
    return Signed(tmp_path_factory.mktemp("signed") / "store")


@pytest.fixture
def store(signed: Signed, tmp_path: Path) -> Store:
    return copied(signed.data, tmp_path / "store", random.Random(1), signed.head)


def notarise(store: Store, text: str) -> bytes:
    """Sign any text with the key of the log."""
    (signer,) = read_keys(store.data / SIGNER)
    return str(Note(text, (signer.sign(text),))).encode()


def publish(store: Store, *blocks: bytes) -> None:
    """These checkpoints, and no others, everywhere."""
    (store.data / FOLDER / HISTORY).write_bytes(b"".join(block + b"\n" for block in blocks))
    (store.data / FOLDER / CHECKPOINT).write_bytes(blocks[-1])
    (store.data / SIGNER / STATE).write_bytes(blocks[-1])


def texts(store: Store) -> list[str]:
    return [block.decode().partition("\n\n")[0] + "\n" for block in _blocks(store)]


def test_another_root_under_the_right_key_is_a_fork(signed: Signed, store: Store) -> None:
    small, middle, large = texts(store)
    forked = Checkpoint(signed.key.name, 300, bytes(32)).text()
    publish(store, *(notarise(store, text) for text in (small, middle, forked, large)))

    report = check(store.data, [signed.key])

    found = told(report)["checkpoints"]
    assert ("root", 300, 300) == (found.what, found.facts["size"], found.facts["first_index"])
    assert report.is_lost_or_forked


def test_a_database_that_says_it_is_another_log_is_named(signed: Signed, store: Store) -> None:
    store.change(("UPDATE meta SET value = ? WHERE key = 'log'", (str(UUID(int=7)),)))

    report = check(store.data, [signed.key])

    found = told(report)["checkpoints"]
    assert ("log", False) == (found.what, report.is_lost_or_forked)
    assert str(UUID(int=7)) in found.message


def test_a_checkpoint_that_says_more_is_none(signed: Signed, store: Store) -> None:
    small, middle, large = texts(store)
    publish(store, *(notarise(store, text) for text in (small, middle + "more\n", large)))

    found = told(check(store.data, [signed.key]))["checkpoints"]

    assert "checkpoint 2 of the file" in found.message
    assert "more than origin, size and root" in found.message


def test_checkpoints_in_another_order_are_named(signed: Signed, store: Store) -> None:
    small, middle, large = texts(store)
    publish(store, *(notarise(store, text) for text in (middle, small, large)))

    found = told(check(store.data, [signed.key]))["checkpoints"]

    assert ("order", 2, 100) == (found.what, found.facts["number"], found.facts["size"])


def test_a_publisher_that_was_cut_off_is_told_how_to_go_on(signed: Signed, store: Store) -> None:
    blocks = _blocks(store)
    (store.data / FOLDER / HISTORY).write_bytes(b"".join(blocks[:-1]))
    before = told(check(store.data, [signed.key]))["checkpoints"]
    assert ("history", True) == (before.what, "refnet audit publish" in before.message)

    (store.data / FOLDER / CHECKPOINT).write_bytes(blocks[1][:-1])
    unshown = check(store.data, [signed.key])
    assert ([], 300, signed.head) == (unshown.findings, unshown.covered, unshown.unshown)

    sign(store.data, [signed.head])
    assert [] == check(store.data, [signed.key]).findings


def test_what_is_signed_and_not_shown_yet_is_compared_with_the_rows(
    signed: Signed, store: Store
) -> None:
    small, middle, _ = _blocks(store)
    for shown in ([small, middle], [small], []):
        (store.data / FOLDER / HISTORY).write_bytes(b"".join(shown))
        (store.data / FOLDER / CHECKPOINT).write_bytes(shown[-1][:-1] if shown else b"")
        report = check(store.data, [signed.key])
        assert ([], len(shown)) == (report.findings, report.checkpoints)
        assert signed.head == report.unshown

        forked = Checkpoint(signed.key.name, signed.head - 1, bytes(32)).text()
        state = store.data / SIGNER / STATE
        before = state.read_bytes()
        state.write_bytes(notarise(store, forked))
        report = check(store.data, [signed.key])
        found = told(report)["checkpoints"]
        assert ("root", signed.head - 1) == (found.what, found.facts["size"])
        assert (True, 0) == (report.is_lost_or_forked, report.unshown)
        state.write_bytes(before)


@pytest.mark.parametrize(("size", "root"), [(100, b""), (300, bytes(32))], ids=["fewer", "other"])
def test_a_signer_behind_what_is_shown_is_named(
    signed: Signed, store: Store, size: int, root: bytes
) -> None:
    small, middle, _ = _blocks(store)
    publish(store, small[:-1], middle[:-1])
    text = Checkpoint(signed.key.name, size, root).text() if root else texts(store)[0]
    (store.data / SIGNER / STATE).write_bytes(notarise(store, text))

    report = check(store.data, [signed.key])

    found = told(report)["checkpoints"]
    assert ("signer", False) == (found.what, report.is_lost_or_forked)
    assert "restore the signer's directory" in found.message


def test_a_log_rolled_back_and_written_on_is_a_fork_of_what_its_signer_remembers(
    signed: Signed, store: Store
) -> None:
    """All of the data went back to an older copy; the signer lives elsewhere, and did not."""
    blocks = _blocks(store)
    (store.data / FOLDER / HISTORY).write_bytes(b"".join(blocks[:-1]))
    (store.data / FOLDER / CHECKPOINT).write_bytes(blocks[1][:-1])
    statements = (
        "DELETE FROM stored_events WHERE rowid > ?",
        "DELETE FROM requests WHERE position > ?",
    )
    store.change(*((each, (signed.head - 1,)) for each in statements))
    with open_simulated(store.data) as engine:
        for _ in range(2):
            publish_scores(engine, digest="0" * 64)

    report = check(store.data, [signed.key])

    found = told(report)["checkpoints"]
    assert ("root", signed.head, 300) == (
        found.what,
        found.facts["size"],
        found.facts["first_index"],
    )
    assert report.is_lost_or_forked
    assert "cut off" not in found.message


def test_a_key_that_was_retired_is_needed_for_what_it_signed(signed: Signed, store: Store) -> None:
    old = read_keys(store.data / SIGNER)[0]
    add_key(store.data / SIGNER, type(old)(old.verifier.name, b"\x07" * 32))
    retire_key(store.data / SIGNER, old.verifier.key_id.hex())
    (new,) = (each.verifier for each in read_keys(store.data / SIGNER))

    assert "checkpoints" in told(check(store.data, [new]))
    assert [] == check(store.data, [old.verifier, new]).findings


def test_an_auditor_without_the_signer_is_told_what_was_not_compared(
    signed: Signed, store: Store
) -> None:
    (store.data / SIGNER).rename(store.data / "elsewhere")

    report = check(store.data, [signed.key])

    assert ([], False) == (report.findings, report.has_signer)
