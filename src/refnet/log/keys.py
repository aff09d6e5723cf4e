"""The key store: one key per person and epoch, in a file of its own.

A file of its own, because a backup of it brings erased people back. Keys are wrapped by a
key-encryption key that lies elsewhere; see `kek`. Destroying a person's keys is what erases them:
their rows stay, without the keys. A row that is missing is damage, and never taken for erasure.
"""

from __future__ import annotations

import hashlib
import hmac
import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from refnet.domain.ids import Entropy
from refnet.domain.values import Erased
from refnet.errors import RefnetError, StoreDamaged, StoreSealed
from refnet.log.connections import STORAGE_ERRORS, connect, storage_error
from refnet.log.scrubbing import is_unclean, mark_unclean, scrub
from refnet.log.sealing import NONCE_SIZE, lp

FILE = "keys.db"
KEY_SIZE = 32
CACHED_KEYS = 16_384

_SUBJECT_KEY = b"refnet/key/v1"
_INDEX_KEY = b"refnet/index-key/v1"

_SCHEMA = """
CREATE TABLE IF NOT EXISTS keys (
    subject TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    wrapped BLOB,
    PRIMARY KEY (subject, epoch)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS index_key (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    wrapped BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS newest (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    subject TEXT NOT NULL,
    epoch INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS unfinished (
    subject TEXT PRIMARY KEY
) WITHOUT ROWID;
CREATE TRIGGER IF NOT EXISTS keys_no_delete BEFORE DELETE ON keys
BEGIN SELECT RAISE(ABORT, 'a key is destroyed by setting wrapped to NULL; its row stays'); END;
"""

_NAME_NEWEST = (
    "INSERT INTO newest VALUES (1, ?, ?)"
    " ON CONFLICT (one) DO UPDATE SET subject = excluded.subject, epoch = excluded.epoch"
)


class KeyStore:
    """Keys of people, and the one key under which look-ups and request fingerprints are made.

    New keys are held back until `flush`, which the writer calls once a batch before it commits the
    facts that use them: a fact must never outlive its key by accident. Any thread may ask for
    keys.

    lost: why no key can be had, if none can.
    """

    lost: RefnetError | None = None

    def __init__(
        self,
        path: Path,
        kek: bytes,
        log: UUID,
        entropy: Entropy,
        *,
        readonly: bool = False,
        relied: str | None = None,
    ) -> None:
        """kek: 32 bytes. relied: the `newest` key that facts of the log rest on, "" if none does.

        None: the log holds no facts, and a writer makes what is missing. Raises StoreDamaged if
        kek or log is not the one of the file, or if the file, its index key or the key `relied` on
        is missing.
        """
        self._path = path
        self._kek = kek
        self._wrapper = AESGCM(kek)
        self._log = log
        self._entropy = entropy
        self._lock = threading.Lock()
        self._cache: OrderedDict[tuple[UUID, int], AESGCM] = OrderedDict()
        self._epochs: OrderedDict[UUID, int] = OrderedDict()
        self._new: dict[tuple[UUID, int], bytes] = {}  # wrapped keys, to be flushed
        self._newest_new: dict[UUID, int] = {}  # of these, the last epoch of each person
        make = relied is None and not readonly
        if not make and not path.exists():
            raise self._lost("is missing")
        self._connection = connect(path, readonly=readonly)
        try:
            self._start(make=make, readonly=readonly)
            self.newest = "" if readonly else self._read_newest()
            if relied:
                self._check_relied(relied)
        except BaseException:
            self._connection.close()
            raise

    def close(self) -> None:
        """Forget all keys and let go of the file."""
        with self._lock:
            self._cache.clear()
            self._epochs.clear()
            self._connection.close()

    def current(self, subject: UUID, *, fresh: bool = False) -> tuple[int, AESGCM]:
        """(epoch, key) to seal a person's new data with; a new one, to be flushed, if needed.

        fresh: a new one in any case, of the next epoch.
        """
        with self._lock:
            epoch = self._epochs.get(subject)
            if epoch is None or fresh:
                epoch, destroyed = self._last_epoch(subject)
                if destroyed or fresh:
                    epoch += 1
                    self._add(subject, epoch)
                self._epochs[subject] = epoch
                self._epochs.move_to_end(subject)
                if len(self._epochs) > CACHED_KEYS:
                    self._epochs.popitem(last=False)
            key = self._find(subject, epoch)
        if isinstance(key, Erased):
            raise StoreDamaged(f"the key of {subject}, epoch {epoch}, vanished while in use")
        return epoch, key

    def key(self, subject: UUID, epoch: int) -> AESGCM | Erased:
        """The key a field was sealed with, or Erased if it was destroyed. Raises StoreDamaged."""
        with self._lock:
            return self._find(subject, epoch)

    def flush(self) -> None:
        """Make all new keys durable. Raises StorageFull or StoreDamaged; see `discard`."""
        with self._lock:
            if not self._new:
                return
            rows = [(who.hex, epoch, made) for (who, epoch), made in self._new.items()]
            with self._write() as connection:
                connection.executemany("INSERT INTO keys VALUES (?, ?, ?)", rows)
                connection.execute(_NAME_NEWEST, rows[-1][:2])
            self.newest = _named(*rows[-1][:2])
            self._new.clear()
            self._newest_new.clear()

    def discard(self) -> None:
        """Forget new keys that were not flushed: nothing that was sealed with them was kept.

        Or a full disk would have them pile up, with every request that is refused.
        """
        with self._lock:
            for subject, epoch in self._new:
                self._cache.pop((subject, epoch), None)
                self._epochs.pop(subject, None)
            self._new.clear()
            self._newest_new.clear()

    def fingerprint(self, purpose: str, content: bytes) -> bytes:
        """HMAC-SHA-256 under the index key, 32 bytes. Purposes share no fingerprints."""
        message = lp(purpose.encode()) + content
        return hmac.digest(self._index_key, message, hashlib.sha256)

    def alive(self, subjects: Iterable[UUID]) -> list[UUID]:
        """Of these people, those of whom a key still exists."""
        found = "SELECT 1 FROM keys WHERE subject = ? AND wrapped IS NOT NULL"
        with self._lock:
            return [each for each in subjects if self._query(found, (each.hex,))]

    def unfinished(self, subjects: Collection[UUID]) -> list[UUID]:
        """Of these people, those who are to be erased again: see `destroy`."""
        with self._lock:
            noted = {UUID(who) for (who,) in self._query("SELECT subject FROM unfinished")}
        return list(dict.fromkeys((*self.alive(subjects), *noted.intersection(subjects))))

    def destroy(self, subjects: Iterable[UUID]) -> None:
        """Destroy all keys of these people; `clear` then makes every byte of them go.

        They are unfinished until `finish`: after a crash nothing else tells that the log still
        holds what is to be deleted. To do it again is harmless. Raises StorageFull, StoreDamaged.
        """
        gone = frozenset(subjects)
        with self._lock:
            for at in [at for at in self._cache if at[0] in gone]:
                del self._cache[at]
            for who in gone:
                self._epochs.pop(who, None)
            rows = [(who.hex,) for who in gone]
            with self._write() as connection:
                connection.executemany(
                    "UPDATE keys SET wrapped = NULL WHERE subject = ? AND wrapped IS NOT NULL", rows
                )
                connection.executemany("INSERT OR IGNORE INTO unfinished VALUES (?)", rows)
                mark_unclean(connection)

    def finish(self, subjects: Iterable[UUID]) -> None:
        """Note that the log holds nothing any more that goes with these people. As `destroy`."""
        finished = "DELETE FROM unfinished WHERE subject = ?"
        with self._lock, self._write() as connection:
            connection.executemany(finished, [(who.hex,) for who in subjects])

    def clear(self, *, patient: bool = True) -> None:
        """Leave on the disk nothing of what was destroyed, if anything was; see `scrubbing`."""
        with self._lock:
            if is_unclean(self._connection):
                self._scrub(patient=patient)

    def is_under(self, kek: bytes) -> bool:
        """Whether this key-encryption key is the one in force."""
        return hmac.compare_digest(kek, self._kek)

    def wrap_again(self, kek: bytes) -> int:
        """Wrap all keys with another key-encryption key, in one step; returns how many.

        Nothing the old one opens is left in the file. Raises StorageFull, StoreSealed or
        StoreDamaged; `is_under` then tells which is in force.
        """
        with self._lock:
            assert not self._new, "new keys are flushed before"
            old = self._wrapper
            try:
                with self._write() as connection:
                    number = self._wrap_all(AESGCM(kek))
                    mark_unclean(connection)
            except BaseException:
                self._wrapper = old
                raise
            self._kek = kek
            with suppress(StoreSealed):  # a reader is in the way; the next writer clears it
                self._scrub(patient=True)
            return number

    def _wrap_all(self, wrapper: AESGCM) -> int:
        rows = self._query("SELECT subject, epoch, wrapped FROM keys WHERE wrapped IS NOT NULL")
        opened = []
        for subject, epoch, wrapped in rows:
            bound = _binding(self._log, UUID(subject), epoch)
            secret = self._unwrap(wrapped, bound, f"key of {UUID(subject)}")
            opened.append((subject, epoch, secret, bound))
        self._wrapper = wrapper
        for subject, epoch, secret, bound in opened:
            self._connection.execute(
                "UPDATE keys SET wrapped = ? WHERE subject = ? AND epoch = ?",
                (self._wrap(secret, bound), subject, epoch),
            )
        bound = lp(_INDEX_KEY) + lp(self._log.bytes)
        self._query("UPDATE index_key SET wrapped = ?", (self._wrap(self._index_key, bound),))
        return len(rows)

    def _last_epoch(self, subject: UUID) -> tuple[int, bool]:
        """The newest epoch of a person, flushed or not, and whether its key is gone; 0 if none."""
        unflushed = self._newest_new.get(subject)
        if unflushed is not None:
            return unflushed, False
        rows = self._query(
            "SELECT epoch, wrapped IS NULL FROM keys WHERE subject = ? ORDER BY epoch DESC LIMIT 1",
            (subject.hex,),
        )
        return (rows[0][0], bool(rows[0][1])) if rows else (0, True)

    def _add(self, subject: UUID, epoch: int) -> None:
        secret = self._entropy(KEY_SIZE)
        self._new[subject, epoch] = self._wrap(secret, _binding(self._log, subject, epoch))
        self._newest_new[subject] = epoch
        self._remember(subject, epoch, AESGCM(secret))

    def _find(self, subject: UUID, epoch: int) -> AESGCM | Erased:
        known = self._cache.get((subject, epoch))
        if known is not None:
            self._cache.move_to_end((subject, epoch))
            return known
        wrapped = self._new.get((subject, epoch))
        if wrapped is None:
            rows = self._query(
                "SELECT wrapped FROM keys WHERE subject = ? AND epoch = ?", (subject.hex, epoch)
            )
            if not rows:
                raise StoreDamaged(
                    f"the key of {subject}, epoch {epoch}, is missing from {self._path}, though a "
                    "fact names it; restore the newest key store from the backup",
                    subject=subject,
                    epoch=epoch,
                )
            if rows[0][0] is None:
                return Erased(subject)
            wrapped = rows[0][0]
        secret = self._unwrap(wrapped, _binding(self._log, subject, epoch), f"key of {subject}")
        return self._remember(subject, epoch, AESGCM(secret))

    def _remember(self, subject: UUID, epoch: int, key: AESGCM) -> AESGCM:
        self._cache[subject, epoch] = key
        if len(self._cache) > CACHED_KEYS:
            self._cache.popitem(last=False)
        return key

    def _start(self, *, make: bool, readonly: bool) -> None:
        """Make the tables, and the index key if there is none yet and there may be a new one."""
        tables = self._query("SELECT 1 FROM sqlite_schema WHERE name = 'index_key'")
        found = self._query("SELECT wrapped FROM index_key") if tables else []
        if not found and not make:
            raise self._lost("holds no index key")
        bound = lp(_INDEX_KEY) + lp(self._log.bytes)
        if found:
            self._index_key = self._unwrap(found[0][0], bound, "index key")
        if readonly:
            return
        try:
            self._connection.execute("PRAGMA secure_delete = ON")
            self._connection.executescript(_SCHEMA)
            if is_unclean(self._connection):
                with suppress(StoreSealed):  # a reader is in the way; the mark stays
                    scrub(self._connection, patient=False)
        except STORAGE_ERRORS as error:
            raise storage_error(error) from error
        if not found:
            self._index_key = self._entropy(KEY_SIZE)
            wrapped = self._wrap(self._index_key, bound)
            self._query("INSERT INTO index_key VALUES (1, ?)", (wrapped,))

    def _read_newest(self) -> str:
        rows = self._query("SELECT subject, epoch FROM newest")
        return _named(*rows[0]) if rows else ""

    def _check_relied(self, relied: str) -> None:
        subject, _, epoch = relied.partition(" ")
        if not self._query("SELECT 1 FROM keys WHERE subject = ? AND epoch = ?", (subject, epoch)):
            raise self._lost("is older than the log, whose facts rest on keys it does not hold")

    def _lost(self, what: str) -> StoreDamaged:
        return StoreDamaged(
            f"the key store {self._path} {what}; restore the newest {self._path.name} from the "
            "backup",
            path=self._path,
        )

    def _wrap(self, secret: bytes, bound: bytes) -> bytes:
        nonce = self._entropy(NONCE_SIZE)
        return nonce + self._wrapper.encrypt(nonce, secret, bound)

    def _unwrap(self, wrapped: bytes, bound: bytes, what: str) -> bytes:
        try:
            return self._wrapper.decrypt(wrapped[:NONCE_SIZE], wrapped[NONCE_SIZE:], bound)
        except (InvalidTag, ValueError) as error:
            raise StoreDamaged(
                f"the {what} does not open: the key-encryption key or the key store belongs to "
                "another log, or is damaged; give the right REFNET_KEK_FILE"
            ) from error

    def _scrub(self, *, patient: bool) -> None:
        try:
            scrub(self._connection, patient=patient)
        except STORAGE_ERRORS as error:
            raise storage_error(error) from error

    @contextmanager
    def _write(self) -> Iterator[sqlite3.Connection]:
        """One transaction; rolls back on any exception, and SQLite's come out as ours."""
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            yield self._connection
            self._connection.execute("COMMIT")
        except BaseException as error:
            if self._connection.in_transaction:
                self._connection.rollback()
            if isinstance(error, STORAGE_ERRORS):
                raise storage_error(error) from error
            raise

    def _query(self, statement: str, parameters: tuple[object, ...] = ()) -> list[Any]:
        try:
            return self._connection.execute(statement, parameters).fetchall()
        except STORAGE_ERRORS as error:
            raise storage_error(error) from error


def _named(subject: str, epoch: int) -> str:
    """A key, as the log names the one that it rests on."""
    return f"{subject} {epoch}"


def _binding(log: UUID, subject: UUID, epoch: int) -> bytes:
    parts = (_SUBJECT_KEY, log.bytes, subject.bytes, epoch.to_bytes(8))
    return b"".join(map(lp, parts))
