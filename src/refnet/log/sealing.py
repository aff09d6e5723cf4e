"""Personal fields under lock: AES-256-GCM, each bound to its one place in the log. Frozen format."""

from __future__ import annotations

import hashlib
from functools import lru_cache
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


def binding(subject: UUID, originator: UUID, version: int, topic: str, field: str) -> bytes:
    """The additional data of a ciphertext: where it belongs. Moved anywhere else, it will not open.

    lp of each of `refnet/pii/v1`, subject[16], originator[16], uint64_be(version), topic, field.
    """
    return b"".join(
        (
            _HEAD,
            subject.int.to_bytes(16),
            _SIXTEEN,
            originator.int.to_bytes(16),
            _EIGHT,
            version.to_bytes(8),
            _place(topic, field),
        )
    )


@lru_cache(maxsize=1024)
def _place(topic: str, field: str) -> bytes:
    return lp(topic.encode()) + lp(field.encode())


def seal(
    text: str,
    key: AESGCM,
    epoch: int,
    nonce: bytes,
    subject: UUID,
    originator: UUID,
    version: int,
    topic: str,
    field: str,
) -> tuple[Sealed, bytes]:
    """Encrypt a field. Returns what the stored fact keeps, and the ciphertext that lies outside it.

    ciphertext = nonce[12] || ct || tag[16]. The nonce must be random and never used twice with a key.
    """
    bound = binding(subject, originator, version, topic, field)
    ciphertext = nonce + key.encrypt(nonce, text.encode(), bound)
    return Sealed(subject, epoch, hashlib.sha256(ciphertext).hexdigest()), ciphertext


def unseal(
    ciphertext: bytes,
    sealed: Sealed,
    key: AESGCM,
    originator: UUID,
    version: int,
    topic: str,
    field: str,
) -> str:
    """The text of a field.

    Raises StoreDamaged if the ciphertext is not the one the fact names, or was sealed for another place:
    the log says what it must be, so anything else is damage or forgery and never "no value".
    """
    bound = binding(sealed.subject, originator, version, topic, field)
    if hashlib.sha256(ciphertext).hexdigest() != sealed.sha256:
        raise _refused("is not the one the fact names", originator, version, field)
    try:
        nonce, rest = ciphertext[:NONCE_SIZE], ciphertext[NONCE_SIZE:]
        return key.decrypt(nonce, rest, bound).decode()
    except (InvalidTag, ValueError) as error:
        raise _refused("was not sealed for this place", originator, version, field) from error


def _refused(why: str, originator: UUID, version: int, field: str) -> StoreDamaged:
    return StoreDamaged(
        f"the sealed {field} of fact {version} of stream {originator} {why}; "
        "restore the sealed data from a backup",
        stream=originator,
        version=version,
        sealed_field=field,
    )
