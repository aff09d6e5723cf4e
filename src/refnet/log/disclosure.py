"""Turning what the log knows of people back into text, for those who may see it."""

from __future__ import annotations

from uuid import UUID

from refnet.domain.values import Erased, Sealed
from refnet.errors import StoreDamaged
from refnet.log.keys import KeyStore
from refnet.log.reader import Reader
from refnet.log.sealing import Place, unseal

LOOKUP = "refnet/lookup/v1"


def lookup_digest(keys: KeyStore, kind: str, text: str) -> bytes:
    """What the look-up table holds instead of an external id or an e-mail address, 32 bytes."""
    return keys.fingerprint(f"{LOOKUP}/{kind}", text.encode())


class Disclosure:
    """Opens sealed fields and finds people by what is kept secret about them."""

    def __init__(self, reader: Reader, keys: KeyStore) -> None:
        self._reader = reader
        self._keys = keys

    def reveal(self, stream: UUID, version: int, field: str, sealed: Sealed) -> str | Erased:
        """The text of a field of one fact, or Erased if its subject's key was destroyed.

        Raises StoreDamaged if the ciphertext is missing or is not the one the fact names.
        """
        key = self._keys.key(sealed.subject, sealed.epoch)
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
        return holder_of(rows[0][0]) if rows else None


def holder_of(subject: object) -> UUID:
    """Whom a row of the look-up table names. Raises StoreDamaged."""
    try:
        return UUID(str(subject))
    except ValueError as error:
        raise StoreDamaged(
            "the look-up table names no stream; restore the log from a backup"
        ) from error
