"""Builds the whole from settings: the only place that chooses implementations."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Any

import structlog

from refnet.app import App
from refnet.daily import end, state_daily
from refnet.domain.ids import Entropy
from refnet.domain.nouns import NOUNS
from refnet.engine import Engine
from refnet.errors import RefnetError
from refnet.log.codec import Codec
from refnet.log.rotation import rotate_kek
from refnet.log.sequencer import Clock
from refnet.log.store import open_store, view_store
from refnet.log.unlock import open_keys, view_keys
from refnet.publishing import FOLDER, SIGNER, Publishing
from refnet.scoring import MODEL
from refnet.tlog.publish import CHECKPOINT

GRACE_SECONDS = 10.0
"""How long calls in flight may take to finish when the server is told to stop."""

FAILED_GRACE_SECONDS = 0.5
FAILED_EXIT_SECONDS = 1.8
"""The same after a storage error, and when the process ends whatever still runs in it."""


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
    store = view_store(data) if read_only else open_store(data, entropy, simulated=simulated)
    try:
        kek = kek_file()
        if read_only:
            keys = view_keys(store, kek, entropy)
        else:
            keys = open_keys(store, kek, entropy, warn or _warn)
    except BaseException:
        store.close()
        raise
    try:
        engine = Engine(store, Codec(NOUNS), keys, NOUNS, clock, entropy)
    except BaseException:
        keys.close()
        store.close()
        raise
    if not read_only:
        try:
            _erase_again(engine, warn or _warn)
        except BaseException:
            engine.close()
            raise
    return engine


def change_kek(data: Path, to: Path | None, warn: Callable[[str], None]) -> int:
    """Wrap the keys of a store with another key-encryption key; returns how many.

    to: the file of the new one; None: make one in place of DIR/kek. Raises as
    `refnet.log.rotation.rotate_kek`, StoreSealed if somebody writes to the store.
    """
    view_store(data).close()  # there must be one
    named = kek_file()
    store = open_store(data, os.urandom, simulated=None)
    try:
        keys = open_keys(store, named, os.urandom, warn)
        try:
            return rotate_kek(store, keys, named, to, os.urandom)
        finally:
            keys.close()
    finally:
        store.close()


def kek_file() -> Path | None:
    """The file of the key-encryption key that the environment names; None: DIR/kek."""
    named = os.environ.get("REFNET_KEK_FILE")
    return Path(named) if named else None


def open_publishing(engine: Engine) -> Publishing:
    """What signs and publishes the log of an engine.

    REFNET_SIGNER_DIR names the directory of its keys and of what was signed last; without it
    DIR/signer is used. Raises NotFound if it holds no key, StoreSealed.
    """
    return Publishing(engine, signer_directory(engine.data), failpoint)


def find_publishing(engine: Engine) -> Publishing | None:
    """As `open_publishing`; None for a log that nobody has made a signer for.

    A log that was published, or whose signer was named, had one: that it is not there (an unmounted
    disk, a slip of the pen) is refused, for without its memory a rollback would not be noticed.
    """
    published = (engine.data / FOLDER / CHECKPOINT).exists()
    named = bool(os.environ.get("REFNET_SIGNER_DIR"))
    if not (published or named or any(signer_directory(engine.data).glob("*"))):
        return None
    return open_publishing(engine)


def signer_directory(data: Path) -> Path:
    """Where the signer of a store is."""
    named = os.environ.get("REFNET_SIGNER_DIR")
    return Path(named) if named else data / SIGNER


def failpoint(name: str) -> None:
    """End the process at the step REFNET_FAILPOINT names, as `step` or `step:times`: for tests."""
    wanted, _, times = os.environ.get("REFNET_FAILPOINT", "").partition(":")
    if name == wanted:
        _REACHED[name] = _REACHED.get(name, 0) + 1
        if _REACHED[name] == int(times or 1):
            os.kill(os.getpid(), signal.SIGKILL)


_REACHED: dict[str, int] = {}


def serve(
    data: Path,
    listen: str,
    *,
    ready: Callable[[str], None],
    warn: Callable[[str], None] | None = None,
    threads: int | None = None,
    model: str = MODEL,
) -> None:
    """Serve the store in a directory until SIGINT or SIGTERM, then stop cleanly.

    listen: HOST:PORT on loopback. ready: told the address once calls are taken. threads: of the
    kernel, default all cores. model: version of the score model. The log is published if its signer
    has a key (`open_publishing`). Raises InvalidRequest for an address that cannot be had, what
    `open_engine` raises, LogBehind or LogForked if the log is not the one that was signed, and the
    storage error that made going on impossible, if one did.
    """
    # gRPC takes a third of a second to import, and most commands do without.
    from refnet.rpc.server import check_loopback  # noqa: PLC0415

    check_loopback(listen)
    engine = open_engine(data, warn=warn)
    engine.sequencer.eraser.on_delay = _erasure_delayed
    if engine.erased_again:
        structlog.get_logger().warning("erased_again", people=engine.erased_again)
    # Nobody may wait for a disk that has failed, nor for a long computation.
    last_resort = threading.Timer(FAILED_EXIT_SECONDS, os._exit, (1,))
    last_resort.daemon = True
    try:
        cores = threads or os.cpu_count() or 1
        publishing = find_publishing(engine)
        app = partial(App, engine, threads=cores, model=model, publishing=publishing)
        asyncio.run(_serve(app, listen, ready, last_resort))
    finally:
        last_resort.cancel()
        engine.close()


async def _serve(
    make_app: Callable[[], App],
    listen: str,
    ready: Callable[[str], None],
    last_resort: threading.Timer,
) -> None:
    from refnet.rpc.server import Server  # noqa: PLC0415

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for each in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(each, stop.set)
    app = make_app()
    async with AsyncExitStack() as stack:
        stack.push_async_callback(app.close)
        if not await _unless(stop, app.start()):
            return
        server = Server(app, listen)
        address = await server.start()
        stating = asyncio.create_task(state_daily(app, system_clock))
        try:
            ready(address)
            await _unless(stop, app.failed.wait())
        finally:
            await end(stating)
            if app.failed.is_set():
                last_resort.start()
            # After a storage error nothing more may be acknowledged, so nobody is waited for.
            await server.stop(FAILED_GRACE_SECONDS if app.failed.is_set() else GRACE_SECONDS)
    app.raise_failure()


async def _unless(stop: asyncio.Event, work: Coroutine[Any, Any, object]) -> bool:
    """Whether the work was done before somebody said stop; if not, it is cancelled."""
    doing, stopped = asyncio.ensure_future(work), asyncio.ensure_future(stop.wait())
    await asyncio.wait((doing, stopped), return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    if doing.done():
        await doing
        return True
    doing.cancel()
    return False


def _erase_again(engine: Engine, warn: Callable[[str], None]) -> None:
    def delayed(people: int, refusal: RefnetError) -> None:
        warn(f"the data of {people} people are erased, but not cleared yet: {refusal.message}")

    engine.sequencer.eraser.on_delay = delayed
    engine.erase_again()
    if engine.erased_again:
        warn(
            f"carried out again the erasure of {engine.erased_again} people whose keys were "
            "alive, after a crash or a backup of the key store that was restored"
        )


def _erasure_delayed(people: int, refusal: RefnetError) -> None:
    structlog.get_logger().warning("erasure_delayed", people=people, reason=refusal.reason)


def _warn(message: str) -> None:
    structlog.get_logger().warning("key_encryption_key", message=message)
