"""What one transaction is about to append: facts sealed and encoded, request ids, look-ups."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from refnet.domain.decisions import ERASED, Decision, Erasure, Noun, Request, check_not_erased
from refnet.domain.facts import Act, Recorded
from refnet.domain.ids import Entropy
from refnet.domain.rights import same_person
from refnet.domain.values import Sealed
from refnet.errors import InvalidRequest, StoreSealed
from refnet.log._stored import TIME_MAX
from refnet.log.append import append_facts, insert_in_order
from refnet.log.codec import Codec
from refnet.log.disclosure import holder_of, lookup_digest
from refnet.log.erasing import take_corrected
from refnet.log.keys import KeyStore
from refnet.log.live import LiveState
from refnet.log.sealing import NONCE_SIZE, Place, seal
from refnet.log.tree import SALT_SIZE, Prepared

Tail = tuple[int, int]
"""(version of a stream's last fact, position of its first)."""

_SealedRow = tuple[str, int, str, bytes]
"""originator_id, version, field, ciphertext."""

Made = list[tuple[Any, Recorded, bytes, list[_SealedRow]]]
"""Facts of one request, sealed, with what the log adds, the stored state and the ciphertexts."""

_NO_TAIL: Tail = (0, 0)


@dataclass(frozen=True, slots=True)
class Receipt:
    """Where a request's facts are: positions `first` to `last`, none if first > last.

    replayed: the request had been answered before, and this is that answer.
    """

    stream: UUID
    first: int
    last: int
    replayed: bool


def stream_of(request: Request) -> UUID:
    """The stream a request is about: the one it names, or the one it opens."""
    target = type(request.command).TARGET
    stream: UUID = request.new_id if target is None else getattr(request.command, target)
    return stream


class Draft:
    """Gathers one batch, then writes it with a handful of statements."""

    def __init__(
        self,
        live: LiveState,
        codec: Codec,
        keys: KeyStore,
        *,
        entropy: Entropy,
        now: int,
        tails: dict[UUID, Tail],
        handles: dict[bytes, str],
    ) -> None:
        """tails: where the streams stand that the batch is about; kept level with what is added.

        handles: digests of secret handles in the batch that are taken, and the streams of these.
        """
        self.world = live.state.begin()
        self.position = live.position
        self.now = now
        self.tails = tails
        self._handles = handles
        self._live = live
        self._start = live.position
        self._codec = codec
        self._keys = keys
        self._entropy = entropy
        self._facts: list[Prepared] = []
        self._salts: list[bytes] = []
        self._sealed: list[_SealedRow] = []
        self._requests: list[tuple[str, str, bytes, int, int]] = []
        self._lookups: dict[bytes, str] = {}
        self._corrected: list[tuple[str, int, str]] = []  # originator, version, field
        self.erasures: dict[UUID, Erasure] = {}
        self.expired_time: int | None = None
        self.gone: list[bytes] = []

    def prepare(self, request: Request, decision: Decision) -> Made:
        """Seal and encode the facts of a request; changes nothing but the store of new keys.

        Raises InvalidRequest for text that cannot be stored, and for a new id that is taken, and
        SubjectErased for text about somebody who was erased.
        """
        stream = decision.stream
        version, origin = self.tails.get(stream, _NO_TAIL)
        if version and type(request.command).TARGET is None:
            raise InvalidRequest(
                f"the new id {stream} is taken; leave it to the server", field="new_id", id=stream
            )
        self._check_handle(request.command)
        originator = stream.hex
        first = self.position + 1
        made = []
        for place, fact in enumerate(decision.facts):
            recorded = Recorded(
                stream,
                version + 1 + place,
                first + place,
                origin or first,
                self.now if request.occur_time is None else request.occur_time,
                self.now,
                request.principal,
                request.acting_member,
                request.request_id,
            )
            sealed, ciphertexts = self._seal(fact, recorded, originator)
            made.append((sealed, recorded, self._codec.encode(sealed, recorded), ciphertexts))
        return made

    def add(self, noun: Noun, request: Request, made: Made, fingerprint: bytes) -> Receipt:
        """Take in what `prepare` made. If this raises, the whole draft is lost."""
        stream = stream_of(request)
        originator = stream.hex
        first = self.position + 1
        for fact, recorded, state, ciphertexts in made:
            self._live.fold(self.world, noun, fact, recorded)
            self._facts.append((originator, recorded.version, fact.NAME, state))
            self._salts.append(self._entropy(SALT_SIZE))
            self._sealed.extend(ciphertexts)
            self.tails[stream] = (recorded.version, recorded.origin)
            if fact.ACT is Act.ERASES:
                # Just folded, so the state knows who else is the same person.
                erased = self.world.index(ERASED)
                for each in same_person(self.world.index, stream):
                    if erased[each].position == recorded.position:
                        self.erasures[each] = erased[each]
            elif fact.ACT is Act.EXPIRES:
                self.expired_time = fact.before_time
            elif fact.ACT is Act.RECTIFIES:
                self._corrected += [row[:3] for row in ciphertexts]
        self.position += len(made)
        digest = handle_digest(self._keys, request.command)
        if digest is not None:
            self._lookups[digest] = self._handles[digest] = originator
        self._requests.append(
            (request.principal, request.request_id, fingerprint, self.position, len(made))
        )
        return Receipt(stream, first, self.position, replayed=False)

    def write(self, connection: sqlite3.Connection) -> None:
        """Flush new keys, then put all rows into the caller's transaction.

        `erasures` and `expired_time` are for the caller to carry out once that is committed, and
        `gone` holds the ciphertexts of texts that were corrected, to be cleared from the disk.
        """
        self._keys.flush()
        append_facts(connection, self._start, self._facts, self._salts)
        insert_in_order(connection, "sealed", 4, self._sealed, by=0)
        insert_in_order(connection, "requests", 5, self._requests, by=1)
        if self._lookups:
            insert_in_order(connection, "lookups", 2, self._lookups.items(), by=0)
        if self._corrected:
            self.gone = take_corrected(connection, self._corrected)

    @property
    def empty(self) -> bool:
        """Whether there is nothing to write: every request was refused or answered before."""
        return not self._requests

    def _seal(self, fact: Any, recorded: Recorded, originator: str) -> tuple[Any, list[_SealedRow]]:
        fields: dict[str, Sealed] = {}
        ciphertexts = []
        used: dict[UUID, tuple[int, Any]] = {}
        for field, subjects in fact.SEALED.items():
            text = getattr(fact, field)
            if text is None:
                continue
            if not isinstance(text, str):
                raise TypeError(f"{fact.NAME}: {field} must be text until the log seals it")
            subject = _subject(fact, subjects, recorded.stream)
            check_not_erased(self.world, subject, field=field)
            if subject not in used:
                fresh = fact.ACT is Act.RECTIFIES
                used[subject] = self._keys.current(subject, fresh=fresh)
            epoch, key = used[subject]
            nonce = self._entropy(NONCE_SIZE)
            place = Place(recorded.stream, recorded.version, fact.NAME, field)
            try:
                fields[field], ciphertext = seal(
                    text, place, subject=subject, epoch=epoch, key=key, nonce=nonce
                )
            except UnicodeEncodeError as error:
                raise _surrogate(field) from error
            ciphertexts.append((originator, recorded.version, field, ciphertext))
        return (replace(fact, **fields) if fields else fact), ciphertexts

    def _check_handle(self, command: Any) -> None:
        """Whoever looks for a handle must find one stream, whichever was opened first."""
        digest = handle_digest(self._keys, command)
        holder = None if digest is None else self._handles.get(digest)
        if holder is not None:
            field = type(command).LOOKUP
            stream = holder_of(holder)
            raise InvalidRequest(
                f"{field} is that of {stream} already; use that one, or give another {field}",
                field=field,
                id=stream,
            )


def handle_digest(keys: KeyStore, command: Any) -> bytes | None:
    """What is kept of the secret handle, such as an `external_id`, of what a command opens.

    None if it gives none. Raises InvalidRequest for text that is not Unicode.
    """
    kind: str = getattr(type(command), "LOOKUP", "")
    text = getattr(command, kind) if kind else None
    try:
        return None if text is None else lookup_digest(keys, kind, text)
    except UnicodeEncodeError as error:
        raise _surrogate(kind) from error


def _surrogate(field: str) -> InvalidRequest:
    return InvalidRequest(f"{field} holds half a surrogate pair; send valid Unicode", field=field)


def check_calendar(now: int, occur_time: int | None) -> None:
    """What is recorded is kept for ever, so nothing may be that no replay will read.

    Raises StoreSealed if that is the clock's fault, else InvalidRequest.
    """
    if now > TIME_MAX:
        raise StoreSealed(
            f"the clock stands at {now} microseconds, in or after the last day of the year 9999, "
            "and no fact can be recorded then; set the clock",
            now=now,
        )
    if occur_time is not None and occur_time > TIME_MAX:
        raise InvalidRequest(
            f"occur_time {occur_time} lies in or after the last day of the year 9999; "
            "give an earlier time",
            field="occur_time",
            occur_time=occur_time,
        )


def _subject(fact: Any, candidates: tuple[str, ...], stream: UUID) -> UUID:
    """Whose key seals a field: the first candidate that is set."""
    for name in candidates:
        found: UUID | None = stream if name == "stream" else getattr(fact, name)
        if found is not None:
            return found
    raise TypeError(f"{fact.NAME}: none of {candidates} is set, so nobody's key can seal the field")
