"""Turning what the log knows of people back into text, for those who may see it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from refnet.domain.decisions import ERASED, EXPIRED, TEXTS
from refnet.domain.facts import Act
from refnet.domain.rights import DETAILS, Index, restricting
from refnet.domain.values import Corrected, Erased, Expired, Restricted, Sealed, Withheld
from refnet.errors import StoreDamaged
from refnet.log.keys import KeyStore
from refnet.log.reader import Reader
from refnet.log.sealing import Place, unseal

Shown = str | Withheld | None
"""A personal field as a reader gets it: the text, why it is withheld, or that there was none."""

_MISSING = object()

LOOKUP = "refnet/lookup/v1"


def lookup_digest(keys: KeyStore, kind: str, text: str) -> bytes:
    """What the look-up table holds instead of an external id or an e-mail address, 32 bytes."""
    return keys.fingerprint(f"{LOOKUP}/{kind}", text.encode())


class Disclosure:
    """Opens sealed fields and finds people by what is kept secret about them.

    index: the tables of the state at the head: who was erased, whose data are restricted.
    """

    def __init__(self, reader: Reader, keys: KeyStore, index: Index | None = None) -> None:
        self._reader = reader
        self._keys = keys
        self._index: Index = _nobody if index is None else index

    def reveal(
        self, stream: UUID, version: int, field: str, sealed: Sealed, *, restricted: bool = False
    ) -> str | Withheld:
        """The text of a field of one fact, or why it is not shown.

        Who was erased is Erased from the moment of the fact, whatever is left of their keys.
        restricted: show also what is restricted, to the person it is about. Raises StoreDamaged if
        the ciphertext is missing or is not the one the fact names.
        """
        subject = sealed.subject
        if self._is_erased(subject):
            return Erased(subject)
        is_kept = restricting(self._index, subject) is not None  # then it does not expire either
        if is_kept and not restricted:
            return Restricted(subject)
        if not is_kept and self._is_expired(stream, version, field):
            return Expired(subject)
        key = self._keys.key(subject, sealed.epoch)
        if isinstance(key, Erased):
            return key
        rows = self._reader.query(
            "SELECT sealed.bytes, topic FROM sealed JOIN stored_events"
            " ON stored_events.originator_id = sealed.originator_id"
            " AND originator_version = version"
            " WHERE sealed.originator_id = ? AND version = ? AND field = ?",
            (stream.hex, version, field),
        )
        if not rows:
            if self._is_erased(subject):
                return Erased(subject)
            if self._is_corrected(stream, version, field):
                return Corrected(subject)
            if self._is_expired(stream, version, field):
                return Expired(subject)
            raise StoreDamaged(
                f"the sealed {field} of fact {version} of stream {stream} is missing though its "
                "key is not; restore the sealed data from a backup",
                stream=stream,
                version=version,
                sealed_field=field,
            )
        ciphertext, topic = rows[0]
        place = Place(stream, version, topic, field)
        return unseal(ciphertext, place, sealed=sealed, key=key)

    def find(self, kind: str, text: str) -> UUID | None:
        """The member enrolled with this `external_id` (or other kind of secret handle), or None.

        Raises StoreDamaged.
        """
        rows = self._reader.query(
            "SELECT subject FROM lookups WHERE digest = ?", (lookup_digest(self._keys, kind, text),)
        )
        holder = holder_of(rows[0][0]) if rows else None
        return None if holder is None or self._is_erased(holder) else holder

    def _is_erased(self, subject: UUID) -> bool:
        return subject in self._index(ERASED)

    def _is_expired(self, stream: UUID, version: int, field: str) -> bool:
        """Whether it is free text that was recorded too long ago."""
        before_time = self._index(EXPIRED).get(TEXTS)
        if before_time is None or field in DETAILS:
            return False
        facts = self._reader.stream(stream)
        return any(
            recorded.version == version and recorded.record_time < before_time
            for _, recorded in facts
        )

    def _is_corrected(self, stream: UUID, version: int, field: str) -> bool:
        """Whether a later fact of the stream says that this text was wrong."""
        return any(
            recorded.version > version
            and type(fact).ACT is Act.RECTIFIES
            and getattr(fact, field, None) is not None
            for fact, recorded in self._reader.stream(stream)
        )


def _nobody(_: str) -> Mapping[Any, Any]:
    return {}


def holder_of(subject: object) -> UUID:
    """Whom a row of the look-up table names. Raises StoreDamaged."""
    try:
        return UUID(str(subject))
    except ValueError as error:
        raise StoreDamaged(
            "the look-up table names no stream; restore the log from a backup"
        ) from error


def reveal_fields(
    reader: Reader,
    disclosure: Disclosure,
    stream: UUID,
    versions: Mapping[str, int],
    told: Callable[[UUID], None] | None = None,
) -> dict[str, Shown]:
    """Personal fields of a stream in clear, each from the fact of a version (0: none).

    told: hears whose data are shown in clear. Raises StoreDamaged.
    """
    wanted = {version for version in versions.values() if version}
    facts = {
        recorded.version: fact
        for fact, recorded in (reader.stream(stream) if wanted else ())
        if recorded.version in wanted
    }
    found: dict[str, Shown] = {}
    for field, version in versions.items():
        sealed = getattr(facts.get(version), field, _MISSING) if version else None
        if sealed is not None and not isinstance(sealed, Sealed):
            raise StoreDamaged(
                f"fact {version} of stream {stream} holds no sealed {field}; "
                "restore the log from a backup",
                stream=stream,
                version=version,
            )
        if sealed is None:
            found[field] = None
            continue
        found[field] = disclosure.reveal(stream, version, field, sealed)
        if told is not None and isinstance(found[field], str):
            told(sealed.subject)
    return found
