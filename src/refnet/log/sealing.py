"""Personal fields under lock: AES-256-GCM, each bound to its one place in the log. Frozen."""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha256
from typing import NamedTuple
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from refnet.domain.values import Sealed
from refnet.errors import StoreDamaged

NONCE_SIZE = 12


def lp(part: bytes) -> bytes:
    """Length-prefixed: uint32_be(len) || part, so that joined parts cannot be read in two ways."""
    return len(part).to_bytes(4) + part


_SIXTEEN = (16).to_bytes(4)
_HEAD = lp(b"refnet/pii/v1") + _SIXTEEN
_EIGHT = (8).to_bytes(4)


class Place(NamedTuple):
    """Where in the log a sealed field is: no other place will open it."""

    originator: UUID
    version: int
    topic: str
    field: str


def binding(subject: UUID, place: Place) -> bytes:
    """The additional data of a ciphertext: whose it is and where it belongs.

    lp of each of `refnet/pii/v1`, subject[16], originator[16], uint64_be(version), topic, field.
    """
    return b"".join(
        (
            _HEAD,
            subject.int.to_bytes(16),
            _SIXTEEN,
            place.originator.int.to_bytes(16),
            _EIGHT,
            place.version.to_bytes(8),
            _named(place.topic, place.field),
        )
    )


@lru_cache(maxsize=1024)
def _named(topic: str, field: str) -> bytes:
    return lp(topic.encode()) + lp(field.encode())


def seal(
    text: str, place: Place, *, subject: UUID, epoch: int, key: AESGCM, nonce: bytes
) -> tuple[Sealed, bytes]:
    """Encrypt a field. Returns what the stored fact keeps, and the ciphertext that lies outside it.

    ciphertext = nonce[12] || ct || tag[16]. The nonce is random and never used twice with a key.
    """
    ciphertext = nonce + key.encrypt(nonce, text.encode(), binding(subject, place))
    return Sealed(subject, epoch, sha256(ciphertext).hexdigest()), ciphertext


def unseal(ciphertext: bytes, place: Place, *, sealed: Sealed, key: AESGCM) -> str:
    """The text of a field.

    Raises StoreDamaged if the ciphertext is not the one the fact names, or was sealed for another
    place: the log says what it must be, so anything else is damage or forgery and never "no
    value".
    """
    if sha256(ciphertext).hexdigest() != sealed.sha256:
        raise _refused("is not the one the fact names", place)
    try:
        nonce, rest = ciphertext[:NONCE_SIZE], ciphertext[NONCE_SIZE:]
        return key.decrypt(nonce, rest, binding(sealed.subject, place)).decode()
    except (InvalidTag, ValueError) as error:
        raise _refused("was not sealed for this place", place) from error


def _refused(why: str, place: Place) -> StoreDamaged:
    return StoreDamaged(
        f"the sealed {place.field} of fact {place.version} of stream {place.originator} {why}; "
        "restore the sealed data from a backup",
        stream=place.originator,
        version=place.version,
        sealed_field=place.field,
    )
