"""The ledger in a folder: it goes on where it was, and what is damaged is noticed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from random_network import CODEC, RandomNetwork
from refnet.domain.nouns import NOUNS
from refnet.ledger.columns import DTYPES
from refnet.ledger.ledger import Ledger
from refnet.log.batches import Extractor

EXTRACTOR = Extractor(NOUNS, CODEC)
LOG = "3f0c9a52-6d3b-4f39-8a56-2f0d2f9f0a11"
NOTES = {"tree": "aa", "other": "ü"}


@pytest.fixture(scope="module")
def net() -> RandomNetwork:
    made = RandomNetwork(21)
    made.grow(300)
    return made


def memory(net: RandomNetwork, upto: int | None = None) -> Ledger:
    ledger = Ledger()
    ledger.append(EXTRACTOR.batch(net.rows[:upto]))
    return ledger


@pytest.fixture
def saved(net: RandomNetwork, tmp_path: Path) -> Path:
    """A folder in which 200 facts were saved."""
    ledger, notes = Ledger.open(tmp_path, LOG)
    assert (ledger.position, notes) == (0, {})
    ledger.append(EXTRACTOR.batch(net.rows[:200]))
    ledger.save(tmp_path, LOG, NOTES)
    return tmp_path


def test_what_was_saved_goes_on(net: RandomNetwork, saved: Path) -> None:
    ledger, notes = Ledger.open(saved, LOG)
    known = memory(net, 200)
    assert (ledger.position, ledger.record_time, notes) == (200, known.record_time, NOTES)
    assert (ledger.digest(), ledger.members) == (known.digest(), known.members)

    # Whoever moved to another chapter before is known to live there.
    ledger.append(EXTRACTOR.batch(net.rows[200:]))
    assert ledger.digest() == memory(net).digest()
    ledger.save(saved, LOG, {})
    again, notes = Ledger.open(saved, LOG)
    assert (again.position, again.digest(), notes) == (net.position, ledger.digest(), {})


def test_rows_after_the_last_save_are_folded_again(net: RandomNetwork, saved: Path) -> None:
    killed, _ = Ledger.open(saved, LOG)
    killed.append(EXTRACTOR.batch(net.rows[200:250]))
    del killed
    ledger, _ = Ledger.open(saved, LOG)
    assert ledger.position == 200
    ledger.append(EXTRACTOR.batch(net.rows[200:]))

    assert ledger.digest() == memory(net).digest()


def flip(path: Path, at: int, bit: int = 1) -> None:
    content = bytearray(path.read_bytes())
    content[at] ^= bit
    path.write_bytes(content)


def flip_columns(folder: Path) -> None:
    flip(folder / "value.col", 8 * 100)


def flip_last_row(folder: Path) -> None:
    flip(folder / "reference.col", 8 * 200 - 1, 128)


def truncate(folder: Path) -> None:
    path = folder / "giver.col"
    path.write_bytes(path.read_bytes()[:200])


def empty(folder: Path) -> None:
    (folder / "day.col").write_bytes(b"")


def lose_column(folder: Path) -> None:
    (folder / "kind.col").unlink()


def lose_state(folder: Path) -> None:
    (folder / "ledger.json").unlink()


def empty_state(folder: Path) -> None:
    (folder / "ledger.json").write_bytes(b"")


def half_a_state(folder: Path) -> None:
    path = folder / "ledger.json"
    path.write_bytes(path.read_bytes()[:-40])


def say_more_rows(folder: Path) -> None:
    path = folder / "ledger.json"
    path.write_bytes(path.read_bytes().replace(b'"position": 200', b'"position": 99999'))


DAMAGES: tuple[Callable[[Path], None], ...] = (
    flip_columns,
    flip_last_row,
    truncate,
    empty,
    lose_column,
    lose_state,
    empty_state,
    half_a_state,
    say_more_rows,
    shutil.rmtree,
)


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_a_damaged_ledger_starts_anew(
    damage: Callable[[Path], None], net: RandomNetwork, saved: Path
) -> None:
    damage(saved)
    ledger, notes = Ledger.open(saved, LOG)
    assert (ledger.position, notes, ledger.members) == (0, {}, [])

    ledger.append(EXTRACTOR.batch(net.rows))
    ledger.save(saved, LOG, NOTES)
    again, notes = Ledger.open(saved, LOG)
    assert (again.digest(), notes) == (memory(net).digest(), NOTES)


def test_any_flipped_bit_of_the_saved_state_is_noticed(saved: Path) -> None:
    path = saved / "ledger.json"
    content = path.read_bytes()
    for at in [*range(120), *range(120, len(content), 37), len(content) - 1]:
        flip(path, at, 1 << at % 8)
        assert Ledger.open(saved, LOG)[0].position == 0, at
        path.write_bytes(content)
    assert Ledger.open(saved, LOG)[0].position == 200


def test_the_saved_state_is_json(saved: Path) -> None:
    told = json.loads((saved / "ledger.json").read_bytes())

    assert told["format"] == 3
    assert told["state"]["position"] == 200
    assert told["state"]["log_id"] == LOG


def test_another_logs_ledger_is_not_believed(saved: Path) -> None:
    ledger, notes = Ledger.open(saved, "another")

    assert (ledger.position, notes) == (0, {})


def test_a_ledger_of_no_facts_can_be_saved(tmp_path: Path) -> None:
    ledger, _ = Ledger.open(tmp_path, LOG)
    ledger.save(tmp_path, LOG, NOTES)

    again, notes = Ledger.open(tmp_path, LOG)
    assert (again.position, again.digest(), notes) == (0, Ledger().digest(), NOTES)


def test_a_ledger_outgrows_its_files_and_views_stay_valid(tmp_path: Path) -> None:
    """140,000 rows: the first room and its double are too small."""
    rows = RandomNetwork(1).padded_rows(140_000)
    ledger, _ = Ledger.open(tmp_path, LOG)
    in_memory = Ledger()
    ledger.append(EXTRACTOR.batch(rows[:60_000]))
    before = ledger.columns()
    for start, stop in ((60_000, 70_000), (70_000, 140_000)):
        ledger.append(EXTRACTOR.batch(rows[start:stop]))
    in_memory.append(EXTRACTOR.batch(rows))
    assert ledger.digest() == in_memory.digest()
    for name in DTYPES:
        assert np.array_equal(getattr(before, name), getattr(ledger.columns(60_000), name))

    ledger.save(tmp_path, LOG, {})
    again, _ = Ledger.open(tmp_path, LOG)
    assert (again.position, again.digest()) == (140_000, in_memory.digest())
