"""Builds the whole from settings: the only place that chooses implementations."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import structlog

from refnet.domain.ids import Entropy
from refnet.domain.nouns import NOUNS
from refnet.engine import Engine
from refnet.log.codec import Codec
from refnet.log.kek import load_kek
from refnet.log.keys import KeyStore
from refnet.log.sequencer import Clock
from refnet.log.store import open_store, view_store

KEYS = "keys.db"


def system_clock() -> int:
    """Microseconds since 1970."""
    return time.time_ns() // 1000


def open_engine(
    data: Path,
    *,
    read_only: bool = False,
    clock: Clock = system_clock,
    entropy: Entropy = os.urandom,
    simulated: bool = False,
    warn: Callable[[str], None] | None = None,
) -> Engine:
    """Open the store in a directory, which is created if missing (unless read_only).

    simulated: the store is, or becomes, a simulated one; other writers are refused there.
    REFNET_KEK_FILE names the key-encryption key's file; without it DIR/kek is used.
    Raises StoreSealed (another writer, another kind of store, a key file open to everybody),
    NotFound (nothing to read), StoreDamaged.
    """
    named = os.environ.get("REFNET_KEK_FILE")
    store = view_store(data) if read_only else open_store(data, entropy, simulated=simulated)
    try:
        kek = load_kek(data, Path(named) if named else None, entropy, warn or _warn)
        keys = KeyStore(data / KEYS, kek, store.log, entropy, readonly=read_only)
    except BaseException:
        store.close()
        raise
    try:
        return Engine(store, Codec(NOUNS), keys, NOUNS, clock, entropy)
    except BaseException:
        keys.close()
        store.close()
        raise


def _warn(message: str) -> None:
    structlog.get_logger().warning("key_encryption_key", message=message)
