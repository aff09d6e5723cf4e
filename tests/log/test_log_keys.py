"""Keys of people, and what is sealed with them."""

from __future__ import annotations

import dataclasses
import hashlib
import hmac
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from log.rig import OpenNote, Rig, seeded
from refnet.domain.values import Erased
from refnet.errors import StorageFull, StoreDamaged, StoreSealed
from refnet.log.connections import connect
from refnet.log.kek import load_kek
from refnet.log.keys import KeyStore
from refnet.log.sealing import Place, seal, unseal

LOG = UUID(int=0xBEEF)
ANN, BOB = UUID(int=1), UUID(int=2)
KEK = bytes(range(32))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "keys.db"


def opened(path: Path, **changes: Any) -> KeyStore:
    options: dict[str, Any] = {"kek": KEK, "log": LOG, "entropy": seeded(3)} | changes
    return KeyStore(path, **options)


# --- the key store --------------------------------------------------------------------------------


def test_a_key_is_kept_per_person_and_epoch(path: Path) -> None:
    keys = opened(path)
    epoch, key = keys.current(ANN)
    assert epoch == 1
    assert keys.current(ANN) == (1, key)
    sealed = key.encrypt(bytes(12), b"text", None)
    assert keys.current(BOB)[1].encrypt(bytes(12), b"text", None) != sealed
    keys.flush()
    keys.close()
    again = opened(path, entropy=seeded(4))
    found = again.key(ANN, 1)
    assert isinstance(found, AESGCM)
    assert found.decrypt(bytes(12), sealed, None) == b"text"
    assert again.current(ANN)[0] == 1
    for who, number in ((ANN, 2), (UUID(int=3), 1)):
        with pytest.raises(StoreDamaged, match="missing"):
            again.key(who, number)
    again.close()


def test_a_key_that_was_not_flushed_was_never_there(path: Path) -> None:
    keys = opened(path)
    keys.current(ANN)
    keys.close()
    again = opened(path)
    with pytest.raises(StoreDamaged, match="missing"):
        again.key(ANN, 1)
    again.close()


def test_a_destroyed_key_is_never_made_again(path: Path) -> None:
    keys = opened(path)
    keys.current(ANN)
    keys.flush()
    keys.close()
    raw = sqlite3.connect(path)
    raw.execute("UPDATE keys SET wrapped = NULL")
    raw.commit()
    raw.close()
    again = opened(path)
    assert again.key(ANN, 1) == Erased(ANN)
    assert again.current(ANN)[0] == 2
    again.close()


def test_a_key_store_that_finds_no_room_at_creation_says_so(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cramped(*given: Any, **options: Any) -> sqlite3.Connection:
        connection = connect(*given, **options)
        connection.execute("PRAGMA max_page_count = 2")
        return connection

    monkeypatch.setattr("refnet.log.keys.connect", cramped)
    with pytest.raises(StorageFull):
        opened(path)
    monkeypatch.undo()
    opened(path).close()


@pytest.mark.parametrize("changes", [{"kek": bytes(32)}, {"log": UUID(int=1)}], ids=["kek", "log"])
def test_keys_of_another_log_or_kek_do_not_open(path: Path, changes: dict[str, Any]) -> None:
    opened(path).close()
    with pytest.raises(StoreDamaged, match="REFNET_KEK_FILE"):
        opened(path, **changes)


@pytest.mark.parametrize("column", ["subject", "epoch"])
def test_a_wrapped_key_moved_to_another_place_does_not_open(path: Path, column: str) -> None:
    keys = opened(path)
    keys.current(ANN)
    keys.flush()
    keys.close()
    raw = sqlite3.connect(path)
    raw.execute(f"UPDATE keys SET {column} = ?", (BOB.hex if column == "subject" else 2,))
    raw.commit()
    raw.close()
    again = opened(path)
    with pytest.raises(StoreDamaged):
        again.key(BOB if column == "subject" else ANN, 2 if column == "epoch" else 1)
    again.close()


def test_no_key_lies_open_in_the_file(path: Path) -> None:
    drawn: list[bytes] = []
    entropy = seeded(8)

    def recording(size: int) -> bytes:
        drawn.append(entropy(size))
        return drawn[-1]

    keys = opened(path, entropy=recording)
    keys.current(ANN)
    keys.flush()
    keys.close()
    stored = path.read_bytes()
    secrets = [each for each in drawn if len(each) == 32]
    assert len(secrets) == 2
    assert not any(each in stored for each in secrets)
    assert all(each in stored for each in drawn if len(each) == 12)


def test_keys_are_unwrapped_once_and_the_cache_is_bounded(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("refnet.log.keys.CACHED_KEYS", 3)
    keys = opened(path)
    made = [keys.current(UUID(int=n))[1].encrypt(bytes(12), b"x", None) for n in range(10)]
    keys.flush()
    for n in range(10):
        assert keys.current(UUID(int=n))[1].encrypt(bytes(12), b"x", None) == made[n]
    assert len(keys._cache) == 3
    assert len(keys._epochs) == 3
    keys.close()


def test_fingerprints_are_keyed_and_know_their_purpose(path: Path) -> None:
    keys = opened(path)
    one = keys.fingerprint("a", b"bc")
    assert len(one) == 32
    assert one != keys.fingerprint("ab", b"c")
    assert one not in {hashlib.sha256(b"abc").digest(), hmac.digest(KEK, b"abc", "sha256")}
    keys.close()
    again = opened(path, entropy=seeded(77))
    assert again.fingerprint("a", b"bc") == one
    again.close()


def test_keys_that_find_no_room_wait_for_the_next_flush(path: Path) -> None:
    keys = opened(path)
    connection = keys._connection
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count = {pages}")
    for n in range(200):
        keys.current(UUID(int=n))
    with pytest.raises(StorageFull):
        keys.flush()
    connection.execute("PRAGMA max_page_count = 100000")
    keys.flush()
    assert connection.execute("SELECT count(*) FROM keys").fetchone() == (200,)
    keys.close()


def test_keys_are_flushed_before_the_facts_that_use_them(log: Rig) -> None:
    """Promise: no crash leaves a sealed field whose key was never kept."""
    other = sqlite3.connect(log.directory / "keys.db")
    seen: list[int] = []

    def watch(statement: str) -> None:
        if statement == "COMMIT":
            seen.append(other.execute("SELECT count(*) FROM keys").fetchone()[0])

    log.store._writer.set_trace_callback(watch)
    log.sequencer.execute([log.request(OpenNote(text="a")), log.request(OpenNote(text="b"))])
    log.store._writer.set_trace_callback(None)
    other.close()
    assert seen == [2]


def test_a_reader_beside_the_writer_sees_new_keys(log: Rig) -> None:
    kek = load_kek(log.directory, None, os.urandom, lambda _: None)
    beside = KeyStore(log.directory / "keys.db", kek, log.store.log, os.urandom, readonly=True)
    note = log.do(OpenNote(text="a", external_id="x")).stream
    assert isinstance(beside.key(note, 1), AESGCM)
    assert beside.fingerprint("a", b"b") == log.keys.fingerprint("a", b"b")
    beside.close()


# --- the key-encryption key -----------------------------------------------------------------------


def test_a_kek_is_made_once_with_a_warning(tmp_path: Path) -> None:
    said: list[str] = []
    made = load_kek(tmp_path, None, os.urandom, said.append)
    assert load_kek(tmp_path, None, os.urandom, said.append) == made
    assert len(made) == 32
    assert len(said) == 1
    assert "REFNET_KEK_FILE" in said[0]
    assert (tmp_path / "kek").stat().st_mode & 0o777 == 0o600


def test_a_named_kek_is_used(tmp_path: Path) -> None:
    file = tmp_path / "elsewhere"
    file.write_text(KEK.hex() + "\n")
    file.chmod(0o640)
    assert load_kek(tmp_path, file, os.urandom, pytest.fail) == KEK
    assert not (tmp_path / "kek").exists()


@pytest.mark.parametrize(
    ("content", "mode", "says"),
    [
        (KEK.hex(), 0o604, "chmod 600"),
        (KEK.hex(), 0o602, "chmod 600"),
        (KEK.hex()[:-2], 0o600, "64 hex digits"),
        ("z" * 64, 0o600, "64 hex digits"),
        ("", 0o600, "64 hex digits"),
        (None, 0o600, "cannot be read"),
    ],
)
def test_a_bad_kek_file_is_refused(
    tmp_path: Path, content: str | None, mode: int, says: str
) -> None:
    file = tmp_path / "elsewhere"
    if content is not None:
        file.write_text(content)
        file.chmod(mode)
    with pytest.raises(StoreSealed, match=says) as caught:
        load_kek(tmp_path, file, os.urandom, pytest.fail)
    if content:
        assert content not in caught.value.message


def test_a_lost_kek_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "keys.db").touch()
    with pytest.raises(StoreSealed, match="key-encryption key of"):
        load_kek(tmp_path, None, os.urandom, pytest.fail)


# --- sealing --------------------------------------------------------------------------------------

KEY = AESGCM(bytes(32))
PLACE = Place(BOB, 3, "t", "name")


@given(st.text(st.characters(codec="utf-8")), st.binary(min_size=12, max_size=12))
def test_what_is_sealed_can_be_opened_in_its_place_only(text: str, nonce: bytes) -> None:
    sealed, ciphertext = seal(text, PLACE, subject=ANN, epoch=1, key=KEY, nonce=nonce)
    assert ciphertext[:12] == nonce
    assert len(ciphertext) == len(text.encode()) + 28
    assert sealed.sha256 == hashlib.sha256(ciphertext).hexdigest()
    assert unseal(ciphertext, PLACE, sealed=sealed, key=KEY) == text
    elsewhere: dict[str, Any] = {"originator": ANN, "version": 4, "topic": "tn", "field": "ame"}
    for name, value in elsewhere.items():
        with pytest.raises(StoreDamaged):
            unseal(ciphertext, PLACE._replace(**{name: value}), sealed=sealed, key=KEY)
    with pytest.raises(StoreDamaged):
        unseal(ciphertext, PLACE, sealed=dataclasses.replace(sealed, subject=BOB), key=KEY)


def test_the_ciphertext_is_frozen() -> None:
    """AES-256-GCM over the additional data of trust-and-privacy section 2, put together by hand."""
    lengths = (13, 16, 16, 8, 1, 4)
    parts = (b"refnet/pii/v1", ANN.bytes, BOB.bytes, (3).to_bytes(8), b"t", b"name")
    bound = b"".join(n.to_bytes(4, "big") + part for n, part in zip(lengths, parts, strict=True))
    nonce = bytes(range(12))
    _, ciphertext = seal("Ann", PLACE, subject=ANN, epoch=1, key=KEY, nonce=nonce)
    assert ciphertext == nonce + KEY.encrypt(nonce, b"Ann", bound)


@pytest.mark.parametrize("how", ["swapped", "flipped", "missing"])
def test_a_changed_sealed_row_is_damage_not_absence(
    log: Rig, open_log: Callable[..., Rig], how: str
) -> None:
    note = log.do(OpenNote(text="one", gossip="two")).stream
    raw = sqlite3.connect(log.store.path)
    rows = dict(raw.execute("SELECT field, bytes FROM sealed").fetchall())
    raw.execute("DELETE FROM sealed")
    if how != "missing":
        flipped = bytes([rows["text"][0] ^ 1]) + rows["text"][1:]
        new = {"swapped": rows["gossip"], "flipped": flipped}[how]
        raw.execute("INSERT INTO sealed VALUES (?, 1, 'text', ?)", (note.hex, new))
    raw.commit()
    raw.close()
    opened_note = next(log.reader.stream(note))[0]
    with pytest.raises(StoreDamaged):
        log.disclosure.reveal(note, 1, "text", opened_note.text)


def test_an_erased_field_is_said_to_be_erased(log: Rig, open_log: Callable[..., Rig]) -> None:
    note = log.do(OpenNote(text="one", gossip="two", about=ANN)).stream
    log.close()
    raw = sqlite3.connect(log.directory / "keys.db")
    raw.execute("UPDATE keys SET wrapped = NULL WHERE subject = ?", (note.hex,))
    raw.commit()
    raw.close()
    later = open_log()
    opened_note = next(later.reader.stream(note))[0]
    assert later.disclosure.reveal(note, 1, "text", opened_note.text) == Erased(note)
    assert later.disclosure.reveal(note, 1, "gossip", opened_note.gossip) == "two"
