"""Carrying out what facts say: people are erased, and wrong texts go.

The fact comes first and the destruction after it, so that a crash in between leaves a promise that
can be kept: whoever opens the log next to write to it looks for erased people whose keys are still
alive, and begins again. A key store that was restored from a backup is met in the same way.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from uuid import UUID

from refnet.domain.decisions import ERASED, EXPIRED, TEXTS, Erasure, Noun
from refnet.domain.rights import DETAILS, Index, all_restricted
from refnet.domain.values import Sealed
from refnet.errors import RefnetError, StorageFull, StoreSealed
from refnet.log.codec import Codec
from refnet.log.keys import KeyStore
from refnet.log.scrubbing import mark_unclean
from refnet.log.store import SOUGHT_MAX, Store

_SUBJECT = re.compile(rb'"subject":"([0-9a-f-]{36})"')
_OWN = "originator_id = ? AND version = ? AND field = ?"

_EXPIRED = "texts_expired"
_CLEARED = "INSERT INTO meta VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value"
_TEXTS = (
    "SELECT field, rowid, sealed.originator_id, version, topic, state, salt,"  # noqa: S608
    " commitment FROM sealed CROSS JOIN stored_events"
    " ON sealed.originator_id = stored_events.originator_id AND version = originator_version"
    f" WHERE rowid <= ? AND field NOT IN ({','.join('?' * len(DETAILS))})"
)

_Sealed = tuple[str, int, str]
"""originator_id, version, field: the key of a row of `sealed`."""


class Eraser:
    """Destroys keys, look-ups and, if that is asked for, ciphertexts. For the writer's thread."""

    def __init__(self, store: Store, codec: Codec, keys: KeyStore, nouns: Sequence[Noun]) -> None:
        self._store = store
        self._codec = codec
        self._keys = keys
        self._topics = codec.topics(nouns)
        # What is left to be done, in this order; after each step less is.
        self._alive: set[UUID] = set()
        self._waiting: dict[UUID, Erasure] = {}
        self._sealed: list[_Sealed] | None = None
        self._gone: list[bytes] | None = []
        self._unclear: set[UUID] = set()
        self._told: tuple[int, str] | None = None  # why all of it could not be done
        self._expiry: tuple[int, frozenset[UUID]] | None = None
        self.on_delay: Callable[[int, RefnetError], None] = _say_nothing
        """Told how many people's data could not be destroyed yet, and why."""

    def begin_again(self, index: Index) -> int:
        """Erase those whose erasure was not finished; returns how many these are.

        index: the tables of the state at the head. Also deletes texts that should have expired, and
        clears from the disk what was left there. Raises StoreDamaged.
        """
        erased: Mapping[UUID, Erasure] = index(ERASED)
        before_time = index(EXPIRED).get(TEXTS)
        if before_time is not None and self._store.noted(_EXPIRED) != str(before_time):
            self.expire(before_time, all_restricted(index))
        again = self._keys.unfinished(erased)
        self.carry_out({subject: erased[subject] for subject in again}, None)
        return len(again)

    def carry_out(self, erasures: Mapping[UUID, Erasure], gone: Sequence[bytes] | None) -> None:
        """Destroy what the facts say is destroyed, and what a full disk made wait before.

        gone: ciphertexts that were taken away already, to be cleared from the disk; None if it is
        not known which. A full disk or a reader in the way is no failure: it is tried again with
        the next batch, by a server every second, and at the next start. Raises StoreDamaged.
        """
        self._alive.update(erasures)
        self._waiting |= erasures
        self._unclear.update(erasures)
        if erasures:
            self._sealed = None
        self._clear_also(gone)
        try:
            self._destroy()
        except (StorageFull, StoreSealed) as refusal:
            told = len(self._unclear), refusal.reason
            if told != self._told:  # it is tried every second, and that is no news
                self.on_delay(len(self._unclear), refusal)
            self._told = told
            return
        self._told = None
        self._unclear.clear()
        self._gone = []

    def expire(self, before_time: int, kept: frozenset[UUID]) -> None:
        """Have the next `carry_out` delete free text recorded before a time.

        kept: everybody whose data are restricted.
        """
        self._expiry = before_time, kept

    @property
    def has_work(self) -> bool:
        """Whether something waits to be done again."""
        return self._told is not None

    def _destroy(self) -> None:
        # The keys before all else: no full disk elsewhere may keep them alive.
        if self._alive:
            self._keys.destroy(self._alive)
            self._alive.clear()
        if self._waiting:
            if self._sealed is None:
                strict = {who for who, erasure in self._waiting.items() if erasure.strict}
                self._sealed = list(self._sealed_under(strict)) if strict else []
            with self._store.write() as connection:
                taken = take_away(connection, self._sealed, [who.hex for who in self._waiting])
            self._clear_also(taken)
            self._keys.finish(self._waiting)
            self._waiting.clear()
            self._sealed = None
        if self._expiry is not None:
            before_time, kept = self._expiry
            texts = self._expired(before_time, kept)
            with self._store.write() as connection:
                taken = take_away(connection, texts, [])
                connection.execute(_CLEARED, (_EXPIRED, str(before_time)))
            self._clear_also(taken)
            self._expiry = None
        self._clear()

    def _clear_also(self, gone: Sequence[bytes] | None) -> None:
        """Have `_clear` look for these too; None, or too many: for everything."""
        known = None if gone is None or self._gone is None else [*self._gone, *gone]
        self._gone = None if known is None or len(known) > SOUGHT_MAX else known

    def _clear(self) -> None:
        """Both files, though a reader be in the way of one; who was, is not waited for again."""
        patient = self._told is None
        refusal: RefnetError | None = None
        try:
            self._keys.clear(patient=patient)
        except (StorageFull, StoreSealed) as error:
            refusal, patient = error, False
        self._store.clear(self._gone, patient=patient)
        if refusal is not None:
            raise refusal

    def _expired(self, before_time: int, kept: frozenset[UUID]) -> list[_Sealed]:
        """Free text that was recorded before a time and is not of somebody whose data are kept."""
        found: list[_Sealed] = []
        reader = self._store.reader(self._codec)
        try:
            upto = reader.position_at(before_time - 1)
            for field, *row in reader.query(_TEXTS, (upto, *DETAILS)):
                fact, recorded = reader.decode(tuple(row))
                if getattr(fact, field).subject not in kept:
                    found.append((recorded.stream.hex, recorded.version, field))
        finally:
            reader.close()
        return found

    def _sealed_under(self, subjects: set[UUID]) -> Iterator[_Sealed]:
        """Every sealed field of these people, wherever in the log it is."""
        names = {str(subject).encode() for subject in subjects}
        reader = self._store.reader(self._codec)
        try:
            for rows in reader.scan():
                for row in rows:
                    if row[3] in self._topics and not names.isdisjoint(_SUBJECT.findall(row[4])):
                        fact, recorded = reader.decode(row)
                        for field in fact.SEALED:
                            value = getattr(fact, field)
                            if isinstance(value, Sealed) and value.subject in subjects:
                                yield row[1], recorded.version, field
        finally:
            reader.close()


def take_corrected(connection: sqlite3.Connection, rows: Iterable[_Sealed]) -> list[bytes]:
    """Delete, in the caller's transaction, what rectified fields said before; returns that.

    rows: of the texts that are right. Every earlier one of the same field and stream goes.
    """
    before: list[_Sealed] = []
    for originator, version, field in rows:
        found = connection.execute(
            "SELECT version FROM sealed WHERE originator_id = ? AND version < ? AND field = ?",
            (originator, version, field),
        )
        before += [(originator, earlier, field) for (earlier,) in found]
    return take_away(connection, before, [])


def take_away(
    connection: sqlite3.Connection, sealed: Sequence[_Sealed], holders: Sequence[str]
) -> list[bytes]:
    """Delete sealed fields, and the look-ups of streams, in the caller's transaction.

    Returns the bytes that are to be cleared from the disk after the commit.
    """
    gone: list[bytes] = []
    connection.execute("PRAGMA secure_delete = ON")
    for table, own, rows in (
        ("sealed", _OWN, sealed),
        ("lookups", "subject = ?", [(each,) for each in holders]),
    ):
        column = "bytes" if table == "sealed" else "digest"
        for row in rows:
            select = f"SELECT {column} FROM {table} WHERE {own}"  # noqa: S608
            gone += [bytes(each) for (each,) in connection.execute(select, row)]
        connection.executemany(f"DELETE FROM {table} WHERE {own}", rows)  # noqa: S608
    connection.execute("PRAGMA secure_delete = OFF")
    if gone:
        mark_unclean(connection)
    return gone


def _say_nothing(_: int, __: RefnetError) -> None:
    """Nobody has asked to be told."""
