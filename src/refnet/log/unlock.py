"""Opening the keys of a log: a writer must have all of them, a reader may do without."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn
from uuid import UUID

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from refnet.domain.ids import Entropy
from refnet.domain.values import Erased
from refnet.errors import RefnetError, StoreDamaged
from refnet.log.kek import load_kek, next_kek, put_in_force, read_kek
from refnet.log.keys import FILE, KeyStore
from refnet.log.store import Store


def open_keys(
    store: Store, kek: Path | None, entropy: Entropy, warn: Callable[[str], None]
) -> KeyStore:
    """The keys of a log that is open for writing; made if the log holds no facts yet.

    kek: the file of the key-encryption key, or None for the one in the directory. Raises
    StoreSealed or StoreDamaged if anything is missing that the facts in the log rest on: a new
    index key would have every import taken twice, a new key of a person would have an old number.
    """
    relied = store.newest_key if store.holds_facts() else None
    secret = load_kek(store.directory, kek, entropy, warn, make=relied is None)
    keys = _open(store, secret, kek, entropy, relied=relied)
    if kek is None:
        settle(store.directory, keys)
    return keys


def view_keys(store: Store, kek: Path | None, entropy: Entropy) -> KeyStore:
    """The keys of a log that is open for reading, or `LostKeys`; writes nothing.

    Facts and scores need no keys, so an auditor who has only the log must be able to read them.
    """
    try:
        secret = load_kek(store.directory, kek, entropy, _say_nothing, make=False)
        return _open(store, secret, kek, entropy, readonly=True)
    except RefnetError as refusal:
        return LostKeys(refusal)


def _open(store: Store, secret: bytes, kek: Path | None, entropy: Entropy, **how: Any) -> KeyStore:
    """The key store, also if DIRECTORY/kek was being changed when the process died."""
    path = store.directory / FILE
    try:
        return KeyStore(path, secret, store.log, entropy, **how)
    except StoreDamaged:
        following = next_kek(store.directory)
        if kek is not None or not following.exists():
            raise
        return KeyStore(path, read_kek(following), store.log, entropy, **how)


def settle(directory: Path, keys: KeyStore) -> None:
    """Finish or forget a change of DIRECTORY/kek: the key store says which of the two keys it is.

    For a writer. Raises StoreSealed for a key file that cannot be read.
    """
    following = next_kek(directory)
    if not following.exists():
        return
    if keys.is_under(read_kek(following)):
        put_in_force(directory)
    else:
        following.unlink()


class LostKeys(KeyStore):
    """In place of keys that a reader cannot open: who asks for one hears why."""

    def __init__(self, refusal: RefnetError) -> None:
        self.lost = self._refusal = refusal

    def close(self) -> None:
        """There is nothing to close."""

    def current(self, subject: UUID, *, fresh: bool = False) -> tuple[int, AESGCM]:
        """Raises the refusal."""
        self._refuse()

    def key(self, subject: UUID, epoch: int) -> AESGCM | Erased:
        """Raises the refusal."""
        self._refuse()

    def fingerprint(self, purpose: str, content: bytes) -> bytes:
        """Raises the refusal."""
        self._refuse()

    def _refuse(self) -> NoReturn:
        raise self._refusal


def _say_nothing(_: str) -> None:
    """A reader makes no key, so there is nothing to warn of."""
