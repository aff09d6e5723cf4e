"""Signed notes: a text, and who vouches for it (c2sp.org/signed-note, c2sp.org/tlog-cosignature).

Ed25519 only: plain signatures of a log (type 0x01) and timestamped ones of a witness (type 0x04).
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

ED25519 = 1
COSIGNATURE = 4
KEY_SIZE = 32
SIGNATURE_SIZE = 64
MAX_SIGNATURES = 64
"""As many as a checkpoint with a quorum of 32 witnesses needs, twice."""

_DASH = "— "
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")
_BAD_NAME = re.compile(r"[\s+\x00-\x1f]")
_VKEY = re.compile(r"([^+]+)\+([0-9a-f]{8})\+(.+)", re.DOTALL)
_PRIVATE = "PRIVATE+KEY+"


class BadNote(ValueError):
    """What is no signed note, or is not signed by who should have signed it."""


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature line: who says to have signed, with which of their keys, and what that gave."""

    name: str
    key_id: bytes
    signature: bytes

    def line(self) -> str:
        """The line, with its line feed."""
        return f"{_DASH}{self.name} {encode64(self.key_id + self.signature)}\n"


@dataclass(frozen=True, slots=True)
class Note:
    """A text ending in a line feed, and its signatures; nothing is verified yet."""

    text: str
    signatures: tuple[Signature, ...]

    def __str__(self) -> str:
        """The note as it is written."""
        return self.text + "\n" + "".join(each.line() for each in self.signatures)

    def signed(self, more: Iterable[Signature]) -> Note:
        """The note with more signatures; one by the same key takes the place of the other."""
        kept = {(each.name, each.key_id): each for each in (*self.signatures, *more)}
        return Note(self.text, tuple(kept.values()))


def parse_note(raw: str | bytes) -> Note:
    """Read a note. Raises BadNote for anything that is none, by the letter of the format."""
    try:
        written = raw if isinstance(raw, str) else raw.decode()
    except UnicodeDecodeError as error:
        raise BadNote("the note is not UTF-8") from error
    if _CONTROL.search(written):
        raise BadNote("the note holds a control character other than a line feed")
    body, blank, rest = written.rpartition("\n\n")
    if not blank or not rest.endswith("\n"):
        raise BadNote("the note does not end in a blank line and signature lines")
    lines = rest[:-1].split("\n")
    if len(lines) > MAX_SIGNATURES:
        raise BadNote(f"the note has {len(lines)} signatures; {MAX_SIGNATURES} are the most")
    return Note(body + "\n", tuple(_parse_signature(line) for line in lines))


def parse_signatures(raw: str) -> tuple[Signature, ...]:
    """Signature lines by themselves, as a witness answers. Raises BadNote."""
    if not raw.endswith("\n"):
        raise BadNote("signature lines do not end in a line feed")
    return tuple(_parse_signature(line) for line in raw[:-1].split("\n"))


def _parse_signature(line: str) -> Signature:
    name, _, encoded = line.removeprefix(_DASH).partition(" ")
    if not line.startswith(_DASH) or not name or _BAD_NAME.search(name):
        raise BadNote(f"{line!r} is no signature line")
    signature = decode64(encoded)
    if len(signature) < 5:
        raise BadNote(f"the signature of {name} is too short")
    return Signature(name, signature[:4], signature[4:])


@dataclass(frozen=True, slots=True)
class Verifier:
    """A public key with its name; kind: ED25519 or COSIGNATURE."""

    name: str
    kind: int
    public: bytes

    @property
    def key_id(self) -> bytes:
        """Four bytes that tell this key from others of the same name."""
        return _key_id(self.name, self.kind, self.public)

    @property
    def vkey(self) -> str:
        """The key in one line, to be handed out."""
        encoded = encode64(bytes([self.kind]) + self.public)
        return f"{self.name}+{self.key_id.hex()}+{encoded}"

    def has_signed(self, note: Note) -> bool:
        """Whether this key's signature is among those of a note. Raises BadNote if it is wrong."""
        return self.signature_in(note) is not None

    def signature_in(self, note: Note) -> Signature | None:
        """This key's signature of a note, or None. Raises BadNote if there is one that is wrong."""
        own = (self.name, self.key_id)
        found = [each for each in note.signatures if (each.name, each.key_id) == own]
        # Also one that comes after a right one: who wrote such a note is not to be trusted.
        if not all(self._verifies(note.text, each.signature) for each in found):
            raise BadNote(f"the signature of {self.name} is wrong")
        return found[0] if found else None

    def _verifies(self, text: str, signature: bytes) -> bool:
        message = text.encode()
        if self.kind == COSIGNATURE:
            if len(signature) != 8 + SIGNATURE_SIZE or signature[0] & 0x80:
                return False
            message = cosigned_message(int.from_bytes(signature[:8]), text)
            signature = signature[8:]
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, message)
        except InvalidSignature:
            return False
        return True


def parse_vkey(text: str) -> Verifier:
    """Read a verifier key: `<name>+<key id>+<base64>`. Raises BadNote."""
    found = _VKEY.fullmatch(text)
    if not found or _BAD_NAME.search(found[1]):
        raise BadNote(f"{text!r} is no verifier key, which looks like NAME+1234abcd+BASE64")
    key = decode64(found[3])
    if len(key) != 1 + KEY_SIZE or key[0] not in (ED25519, COSIGNATURE):
        raise BadNote(f"the verifier key of {found[1]} is of a kind other than Ed25519")
    made = Verifier(found[1], key[0], key[1:])
    if made.key_id.hex() != found[2]:
        raise BadNote(f"the verifier key of {found[1]} does not have the key id it names")
    return made


class Signer:
    """A private key with its name. Never printed."""

    def __init__(self, name: str, seed: bytes, kind: int = ED25519) -> None:
        """seed: the 32 bytes an Ed25519 key is made of. Raises BadNote for a name with spaces."""
        check_name(name)
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self._seed = seed
        public = self._key.public_key().public_bytes_raw()
        self.verifier = Verifier(name, kind, public)

    def __repr__(self) -> str:
        return f"Signer({self.verifier.name!r}, ***)"

    def sign(self, text: str, time: int = 0) -> Signature:
        """Vouch for a text. time: of a cosignature, in seconds since 1970."""
        verifier = self.verifier
        if verifier.kind == COSIGNATURE:
            made = time.to_bytes(8) + self._key.sign(cosigned_message(time, text))
        else:
            made = self._key.sign(text.encode())
        return Signature(verifier.name, verifier.key_id, made)

    def skey(self) -> str:
        """The private key in one line, as other tools for signed notes keep it."""
        verifier = self.verifier
        encoded = encode64(bytes([verifier.kind]) + self._seed)
        return f"{_PRIVATE}{verifier.name}+{verifier.key_id.hex()}+{encoded}"


def parse_skey(text: str) -> Signer:
    """Read a private key as `Signer.skey` writes it. Raises BadNote, which never repeats it."""
    found = _VKEY.fullmatch(text.removeprefix(_PRIVATE))
    try:
        if not text.startswith(_PRIVATE) or not found:
            raise BadNote("no private key")  # said below
        key = decode64(found[3])
        made = Signer(found[1], key[1:], key[0])
        if made.verifier.key_id.hex() != found[2]:
            raise BadNote("another key's id")  # said below
    except (BadNote, ValueError, IndexError):
        raise BadNote(f"it does not hold a line {_PRIVATE}NAME+1234abcd+BASE64") from None
    return made


def check_name(name: str) -> None:
    """Raises BadNote unless this can be the name of a key."""
    if not name or _BAD_NAME.search(name):
        raise BadNote(f"{name!r} cannot name a key: it is empty, or holds a space or a plus")


def cosigned_message(time: int, text: str) -> bytes:
    """What a witness signs when it vouches for a checkpoint at a time."""
    return f"cosignature/v1\ntime {time}\n{text}".encode()


def _key_id(name: str, kind: int, public: bytes) -> bytes:
    return sha256(name.encode() + b"\n" + bytes([kind]) + public).digest()[:4]


def encode64(raw: bytes) -> str:
    """Standard base64 with padding."""
    return base64.b64encode(raw).decode()


def decode64(text: str) -> bytes:
    """The inverse of `encode64`. Raises BadNote for any other way to write it."""
    try:
        raw = base64.b64decode(text.encode("ascii"), validate=True)
    except (UnicodeEncodeError, binascii.Error, ValueError) as error:
        raise BadNote(f"{text!r} is not base64") from error
    if encode64(raw) != text:
        raise BadNote(f"{text!r} is not base64 as it is written by rule")
    return raw
