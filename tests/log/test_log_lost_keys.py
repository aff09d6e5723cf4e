"""Keys that are gone, or older than the log: a writer is refused, and nothing takes their place."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from log.rig import OpenNote, Rig
from refnet.errors import StoreDamaged, StoreSealed
from refnet.log.draft import Receipt

KEYS = ("keys.db", "keys.db-wal", "keys.db-shm")


def lose(directory: Path, *names: str) -> None:
    for name in names:
        (directory / name).unlink(missing_ok=True)


def change(path: Path, statement: str) -> None:
    """Somebody with the file and no respect for triggers."""
    raw = sqlite3.connect(path)
    for (name,) in raw.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'").fetchall():
        raw.execute(f"DROP TRIGGER {name}")
    raw.execute(statement)
    raw.commit()
    raw.close()


@pytest.mark.parametrize("sealed", [True, False])
@pytest.mark.parametrize(
    ("lost", "says"),
    [
        (KEYS, "is missing"),
        (("kek",), "key-encryption key"),
        ((*KEYS, "kek"), "key-encryption key"),
    ],
    ids=["keys", "kek", "both"],
)
def test_lost_keys_are_asked_for_and_never_replaced(
    log: Rig, open_log: Callable[..., Rig], lost: tuple[str, ...], says: str, *, sealed: bool
) -> None:
    """Promise: a new index key never makes an old request look new."""
    if sealed:
        log.do(OpenNote(text="a"))
    log.close()
    lose(log.directory, *lost)
    before = sorted(each.name for each in log.directory.iterdir())

    with pytest.raises((StoreDamaged, StoreSealed), match=says) as refused:
        open_log()

    assert "backup" in refused.value.message
    assert sorted(each.name for each in log.directory.iterdir()) == before


@pytest.mark.parametrize("how", ["emptied", "reset", "no-index-key"])
def test_a_key_store_without_its_index_key_is_not_given_another(
    log: Rig, open_log: Callable[..., Rig], how: str
) -> None:
    log.close()
    path = log.directory / "keys.db"
    if how == "emptied":
        path.write_bytes(b"")
    elif how == "reset":
        change(path, "DROP TABLE index_key")
    else:
        change(path, "DELETE FROM index_key")

    with pytest.raises(StoreDamaged, match="holds no index key"):
        open_log()


def test_a_creation_that_was_cut_off_heals(log: Rig, open_log: Callable[..., Rig]) -> None:
    """Killed at any time before the first fact, a directory can still be begun with."""
    log.close()
    lose(log.directory, *KEYS, "log.db")
    for part in (set[str](), {"kek"}, {"kek", "keys.db"}):
        half = open_log(directory=log.directory / str(len(part)))
        half.close()
        lose(half.directory, *({*KEYS, "kek"} - part))
        if "keys.db" in part:
            (half.directory / "keys.db").write_bytes(b"")
        healed = open_log(directory=half.directory)
        assert isinstance(healed.charter(), Receipt)


def copied(log: Rig, to: Path) -> Path:
    """The key store as a backup would hold it."""
    raw = sqlite3.connect(log.directory / "keys.db")
    raw.execute("VACUUM INTO ?", (str(to),))
    raw.close()
    return to


def restore(log: Rig, backup: Path) -> None:
    log.close()
    lose(log.directory, *KEYS)
    shutil.copy(backup, log.directory / "keys.db")


def test_a_key_store_older_than_the_log_is_refused(
    log: Rig, open_log: Callable[..., Rig], tmp_path: Path
) -> None:
    """Promise: no number of a key is used twice, so no text is sealed under another's."""
    log.do(OpenNote(text="a"))
    older = copied(log, tmp_path / "older")
    log.do(OpenNote(text="b"))
    newer = copied(log, tmp_path / "newer")
    restore(log, older)
    with pytest.raises(StoreDamaged, match="older than the log"):
        open_log()

    restore(log, newer)
    assert isinstance(open_log().do(OpenNote(text="c")), Receipt)


def test_a_key_store_newer_than_the_log_is_taken(
    log: Rig, open_log: Callable[..., Rig], tmp_path: Path
) -> None:
    log.do(OpenNote(text="a"))
    log.close()
    shutil.copy(log.store.path, tmp_path / "older")
    again = open_log()
    again.do(OpenNote(text="b"))
    again.close()
    shutil.copy(tmp_path / "older", log.store.path)

    later = open_log()
    note = later.do(OpenNote(text="c")).stream
    opened = next(later.reader.stream(note))[0]
    assert later.disclosure.reveal(note, 1, "text", opened.text) == "c"


def test_a_key_kept_by_a_batch_that_failed_counts_once_a_fact_may_use_it(
    log: Rig, open_log: Callable[..., Rig], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next batch makes no key, yet the log must know that it rests on the one made before."""
    older = copied(log, tmp_path / "older")
    request = log.request(OpenNote(text="a"))

    def broken(*_: object) -> None:
        raise sqlite3.OperationalError

    with monkeypatch.context() as disk:
        disk.setattr("refnet.log.draft.append_facts", broken)
        with pytest.raises(StoreDamaged):
            log.sequencer.execute([request])
    log.close()
    again = open_log()
    assert isinstance(again.keys.key(request.new_id, 1), AESGCM)
    assert isinstance(again.sequencer.execute([request])[0], Receipt)
    restore(again, older)

    with pytest.raises(StoreDamaged, match="older than the log"):
        open_log()


def test_a_key_whose_row_is_missing_is_damage_not_erasure(
    log: Rig, open_log: Callable[..., Rig]
) -> None:
    note = log.do(OpenNote(text="one")).stream
    log.do(OpenNote(text="two"))
    log.close()
    change(log.directory / "keys.db", f"DELETE FROM keys WHERE subject = '{note.hex}'")
    later = open_log()
    opened = next(later.reader.stream(note))[0]
    with pytest.raises(StoreDamaged, match="restore") as refused:
        later.disclosure.reveal(note, 1, "text", opened.text)
    assert refused.value.facts == {"subject": str(note), "epoch": "1"}


def test_keys_are_destroyed_but_their_rows_stay(log: Rig) -> None:
    log.do(OpenNote(text="a"))
    raw = sqlite3.connect(log.directory / "keys.db")
    with pytest.raises(sqlite3.IntegrityError, match="its row stays"):
        raw.execute("DELETE FROM keys")
    raw.execute("UPDATE keys SET wrapped = NULL")
    raw.close()


def test_more_new_people_in_a_batch_than_keys_are_cached_lose_no_text(
    log: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("refnet.log.keys.CACHED_KEYS", 3)
    first = log.request(OpenNote(text="first"))
    crowd = [log.request(OpenNote(text=str(n))) for n in range(5)]
    about = [log.request(OpenNote(gossip="last", about=first.new_id))]
    receipts = log.sequencer.execute([first, *crowd, *about])

    assert {type(each) for each in receipts} == {Receipt}
    opened = next(log.reader.stream(first.new_id))[0]
    assert log.disclosure.reveal(first.new_id, 1, "text", opened.text) == "first"
    said = about[0].new_id
    gossip = next(log.reader.stream(said))[0].gossip
    assert gossip.epoch == opened.text.epoch == 1
    assert log.disclosure.reveal(said, 1, "gossip", gossip) == "last"
