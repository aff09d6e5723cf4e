"""The one place where the log grows.

Requests are decided under the log's write lock, against the state at its head, and answered after
the flush. So "one seat per classification" and "one answer per request id" hold exactly, and one
slow flush serves a whole batch.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import fields, replace
from functools import cache
from typing import Any
from uuid import UUID

import msgspec

from refnet.domain.decisions import Erasure, Noun, Request, decide
from refnet.domain.ids import Entropy
from refnet.domain.rights import all_restricted
from refnet.errors import InvalidRequest, RequestIdReused, StoreDamaged
from refnet.log.codec import Codec
from refnet.log.connections import is_disk_failure
from refnet.log.draft import (
    Draft,
    Receipt,
    Tail,
    check_calendar,
    handle_digest,
    stream_of,
)
from refnet.log.erasing import Eraser
from refnet.log.keys import KeyStore
from refnet.log.live import LiveState
from refnet.log.reader import answered_in
from refnet.log.store import Store

Clock = Callable[[], int]
"""The time in microseconds since 1970, UTC. It may jump either way."""

Outcome = Receipt | Exception
"""What became of a request; an exception that is no RefnetError is a mistake in refnet."""

_Key = tuple[str, str]  # principal, request id
_CACHED_TAILS = 65_536
_NO_STREAM = UUID(int=0)  # stands in the answer of a request that changed nothing
_KEYS_PER_SELECT = 1000
_FINGERPRINT = "refnet/request/v1"


class Sequencer:
    """Turns requests into facts. Not thread-safe: one thread calls `execute`; see `Writer`."""

    def __init__(
        self,
        store: Store,
        codec: Codec,
        keys: KeyStore,
        live: LiveState,
        *,
        nouns: Sequence[Noun],
        clock: Clock,
        entropy: Entropy,
    ) -> None:
        """live: started. Time and randomness come from outside, so that a seed makes a log."""
        self._store = store
        self._codec = codec
        self._keys = keys
        self._live = live
        self._clock = clock
        self._entropy = entropy
        self._nouns = {command: noun for noun in nouns for command in noun.commands}
        self._tails: OrderedDict[UUID, Tail] = OrderedDict()
        self._listeners: list[Callable[[int], None]] = []
        self._encoder = msgspec.json.Encoder(order="sorted")
        self._failure: StoreDamaged | None = None
        self.eraser = Eraser(store, codec, keys, nouns)

    def on_commit(self, listener: Callable[[int], None]) -> None:
        """Call `listener` with the new head after every flush, on the thread that wrote."""
        self._listeners.append(listener)

    @property
    def failure(self) -> StoreDamaged | None:
        """The storage error after which nothing more is acknowledged, if there was one."""
        return self._failure

    def execute(self, requests: Sequence[Request]) -> list[Outcome]:
        """Decide and append a batch in one transaction; outcomes in the order of the requests.

        A refusal refuses its request alone. Raises StorageFull if the disk is full: nothing of the
        batch was kept, and later batches may succeed. Raises StoreDamaged for any other storage
        error, and from then on always: what is on the disk is not known any more.
        """
        if self._failure is not None:
            raise self._failure
        try:
            outcomes, draft = self._append(requests)
        except BaseException as error:
            self._keys.discard()
            if isinstance(error, StoreDamaged):
                self._failure = error
            raise
        if not draft.empty:
            self._settle(draft)
        return outcomes

    def erase_again(self) -> None:
        """Try once more to destroy what a full disk or a reader made wait, if anything does."""
        if self._failure is None and self.eraser.has_work:
            self._erase({}, ())

    def _append(self, requests: Sequence[Request]) -> tuple[list[Outcome], Draft]:
        prints = [self._fingerprint(request) for request in requests]
        keys = [
            (request.principal, request.request_id)
            for request, known in zip(requests, prints, strict=True)
            if isinstance(known, bytes)
        ]
        with self._store.write() as connection:
            head = connection.execute("SELECT coalesce(max(rowid), 0) FROM stored_events")
            position = int(head.fetchone()[0])
            if position != self._live.position:
                self._tails.clear()
                self._live.catch_up(position)
            answered = _answered(connection, self._codec, keys)
            draft = Draft(
                self._live,
                self._codec,
                self._keys,
                entropy=self._entropy,
                now=max(self._clock(), self._live.record_time),
                tails=self._read_tails(connection, requests),
                handles=self._read_handles(connection, requests),
            )
            outcomes = [
                self._handle(request, known, draft, answered)
                for request, known in zip(requests, prints, strict=True)
            ]
            if not draft.empty:
                draft.write(connection)
                self._store.rest_on(connection, self._keys.newest)
        return outcomes, draft

    def _handle(
        self,
        request: Request,
        fingerprint: bytes | InvalidRequest,
        draft: Draft,
        answered: dict[_Key, tuple[bytes, Receipt | StoreDamaged]],
    ) -> Outcome:
        if isinstance(fingerprint, InvalidRequest):
            return fingerprint
        key = (request.principal, request.request_id)
        first = answered.get(key)
        if first is not None:
            print_, answer = first
            if print_ != fingerprint:
                return _reused(request)
            if isinstance(answer, Receipt) and answer.stream == _NO_STREAM:
                return replace(answer, stream=stream_of(request))
            return answer
        try:
            noun = self._nouns[type(request.command)]
            check_calendar(draft.now, request.occur_time)
            decision = decide(noun, request, draft.now, draft.world)
            made = draft.prepare(request, decision)
        except Exception as refusal:
            if is_disk_failure(refusal):
                raise
            # Nothing is changed yet, so even a mistake here is no reason to refuse the others.
            return refusal
        receipt = draft.add(noun, request, made, fingerprint)
        answered[key] = (fingerprint, replace(receipt, replayed=True))
        return receipt

    def _settle(self, draft: Draft) -> None:
        """The batch is on the disk: make it visible."""
        self._store.newest_key = self._keys.newest
        draft.world.commit()
        self._live.advance(draft.position, draft.now)
        for stream, tail in draft.tails.items():
            self._tails[stream] = tail
            self._tails.move_to_end(stream)
        while len(self._tails) > _CACHED_TAILS:
            self._tails.popitem(last=False)
        for listener in self._listeners:
            listener(draft.position)
        expired = draft.expired_time is not None
        if draft.erasures or draft.gone or expired or self.eraser.has_work:
            if draft.expired_time is not None:
                self.eraser.expire(draft.expired_time, all_restricted(self._live.state.index))
            self._erase(draft.erasures, draft.gone)

    def _erase(self, erasures: Mapping[UUID, Erasure], gone: Sequence[bytes]) -> None:
        """What was asked for is recorded; if the disk fails now, nothing more will be."""
        try:
            self.eraser.carry_out(erasures, gone)
        except StoreDamaged as error:
            self._failure = error

    def _fingerprint(self, request: Request) -> bytes | InvalidRequest:
        """What a request asks for, in 32 bytes that tell nothing. A repeat asks for the same.

        Fingerprints are kept for ever, and commands get new fields. So a field counts only where it
        differs from its default: a repeat is known again after its command has got another option.
        """
        content = (
            type(request.command).__name__,
            _said(request.command),
            request.acting_member,
            request.occur_time,
            request.principal,
            request.request_id,
        )
        try:
            return self._keys.fingerprint(_FINGERPRINT, self._encoder.encode(content))
        except UnicodeEncodeError:
            return InvalidRequest("a text holds half a surrogate pair; send valid Unicode")

    def _read_tails(self, connection: Any, requests: Sequence[Request]) -> dict[UUID, Tail]:
        """Where the streams of a batch stand, asked of the log for those not known."""
        known: dict[UUID, Tail] = {}
        unknown = []
        for request in requests:
            stream = stream_of(request)
            tail = self._tails.get(stream)
            if tail is None:
                unknown.append(stream.hex)
            else:
                known[stream] = tail
        for part in _parts(unknown):
            # Two look-ups in the index: the versions of a stream lie side by side in it. New
            # streams have no row, because each row is a wait for the interpreter lock.
            rows = connection.execute(
                "SELECT originator_id, (SELECT max(originator_version) FROM stored_events AS last"
                " WHERE last.originator_id = first.originator_id), rowid"
                " FROM json_each(?) AS given CROSS JOIN stored_events AS first"
                " WHERE originator_id = given.value AND originator_version = 1",
                (msgspec.json.encode(part).decode(),),
            )
            known.update((UUID(at), (version, origin)) for at, version, origin in rows)
        return known

    def _read_handles(self, connection: Any, requests: Sequence[Request]) -> dict[bytes, str]:
        """Which secret handles of a batch are taken, and by which streams."""
        digests = []
        for request in requests:
            with suppress(InvalidRequest):  # refused when its turn comes
                digests.append(handle_digest(self._keys, request.command))
        taken: dict[bytes, str] = {}
        for part in _parts([each for each in digests if each is not None]):
            slots = ",".join("?" * len(part))
            select = f"SELECT digest, subject FROM lookups WHERE digest IN ({slots})"  # noqa: S608
            taken.update(connection.execute(select, part))
        return taken


def _answered(
    connection: Any, codec: Codec, keys: Sequence[_Key]
) -> dict[_Key, tuple[bytes, Receipt | StoreDamaged]]:
    """Earlier answers to these request ids, with the fingerprints of what was asked.

    An answer that cannot be given any more refuses that request alone.
    """
    found: dict[_Key, tuple[bytes, Receipt | StoreDamaged]] = {}
    by_principal: dict[str, list[str]] = {}
    for principal, request_id in keys:
        by_principal.setdefault(principal, []).append(request_id)
    for principal, request_ids in by_principal.items():
        for part in _parts(request_ids):
            # Not (principal, request_id) IN (VALUES ...): for that SQLite scans the table.
            slots = ",".join("?" * len(part))
            rows = connection.execute(
                "SELECT request_id, fingerprint, position, facts,"  # noqa: S608
                " originator_id, state FROM requests"
                " LEFT JOIN stored_events ON stored_events.rowid = position"
                f" WHERE principal = ? AND request_id IN ({slots})",
                (principal, *part),
            )
            for request_id, fingerprint, *where in rows:
                key = (principal, request_id)
                found[key] = (fingerprint, _answer(codec, key, *where))
    return found


def _answer(
    codec: Codec, key: _Key, position: int, facts: int, stream: str, state: bytes
) -> Receipt | StoreDamaged:
    if facts == 0:
        return Receipt(_NO_STREAM, position + 1, position, replayed=True)
    try:
        at = answered_in(codec, key, position, facts, stream, state)
    except StoreDamaged as damage:
        return damage
    return Receipt(at, position - facts + 1, position, replayed=True)


def _said(command: Any) -> dict[str, object]:
    """The fields of a command that do not have their default value, by name."""
    kind: Any = type(command)
    said = {}
    for name, default in _defaults(kind):
        value = getattr(command, name)
        if value != default:
            said[name] = value
    return said


@cache
def _defaults(kind: Any) -> list[tuple[str, object]]:
    """Fields with their defaults; MISSING, which equals no value, for those that have none."""
    return [(field.name, field.default) for field in fields(kind)]


def _parts(values: Sequence[Any]) -> Iterable[Sequence[Any]]:
    return (values[at : at + _KEYS_PER_SELECT] for at in range(0, len(values), _KEYS_PER_SELECT))


def _reused(request: Request) -> RequestIdReused:
    return RequestIdReused(
        f"request id {request.request_id!r} was used for another request; "
        "repeat that one exactly, or choose a new id",
        field="request_id",
        request_id=request.request_id,
    )
