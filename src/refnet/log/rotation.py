"""Changing the key-encryption key: every key is wrapped anew, and the old one opens nothing.

The keys change over in one transaction, so that at every moment one of the two opens all of them
and the other none. Where the new key lies is durable before, and which of the two is in force is
asked of the key store afterwards.
"""

from __future__ import annotations

from pathlib import Path

from refnet.domain.ids import Entropy
from refnet.errors import InvalidRequest
from refnet.log.kek import next_kek, read_kek, write_kek
from refnet.log.keys import KeyStore
from refnet.log.store import Store
from refnet.log.unlock import settle


def rotate_kek(
    store: Store, keys: KeyStore, named: Path | None, new: Path | None, entropy: Entropy
) -> int:
    """Wrap all keys of a store with another key-encryption key; returns how many.

    named: the file of the present one, None for DIRECTORY/kek. new: the file of the one to come,
    which its owner made; None: make it, in place of DIRECTORY/kek. Raises InvalidRequest,
    StoreSealed for a key file as `kek` says, StorageFull, StoreDamaged.
    """
    if new is None and named is not None:
        raise InvalidRequest(
            f"the key-encryption key in force is {named}, which is yours to replace; make another "
            "with: openssl rand -hex 32 > FILE; chmod 600 FILE, and name it in --to",
            field="to",
        )
    if new is not None:
        secret = read_kek(new)
        if keys.is_under(secret):
            raise InvalidRequest(
                f"{new} holds the key-encryption key that is in force; give another one",
                field="to",
                path=new,
            )
        return keys.wrap_again(secret)
    secret = write_kek(next_kek(store.directory), entropy)
    number = keys.wrap_again(secret)
    # After a failure nobody knows which is in force: both stay, and who opens the store finds out.
    settle(store.directory, keys)
    return number
