"""Testimonials with a personal text each, sealed and encoded ahead of an import."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from refnet.domain.facts import Recorded
from refnet.domain.ids import uuid4, uuid7
from refnet.domain.nouns import NOUNS
from refnet.domain.testimonial import TestimonialGiven
from refnet.domain.values import MemberId
from refnet.log.codec import Codec
from refnet.log.sealing import NONCE_SIZE, Place, seal
from refnet.log.tree import SALT_SIZE, Prepared

START = 1_700_000_000_000_000
MEMBERS = 600
TEXT = "Anna found us a roofer within two days; he was on time, and the bill was what he had said."
FIELD = "text"

_GIVEN: Any = TestimonialGiven


@dataclass(frozen=True, slots=True)
class SealedFact:
    """What an import is handed, and the row of ciphertext it must come to."""

    prepared: Prepared
    salt: bytes
    text: str
    nonce: bytes
    key: AESGCM
    subject: UUID
    place: Place
    row: tuple[str, int, str, bytes]
    request: tuple[str, str, bytes, int, int]


def seal_again(given: SealedFact) -> tuple[str, int, str, bytes]:
    """Seal the text as the writer does when it takes in the fact; the row for the ciphertext."""
    _, ciphertext = seal(
        given.text, given.place, key=given.key, epoch=1, nonce=given.nonce, subject=given.subject
    )
    return given.prepared[0], given.place.version, FIELD, ciphertext


def sealed_facts(count: int) -> list[SealedFact]:
    """Testimonials among some hundred members, one stream and one request each."""
    draw = random.Random(1)
    codec = Codec(NOUNS)
    members = [MemberId(uuid4(draw.randbytes)) for _ in range(MEMBERS)]
    keys = {member: AESGCM(draw.randbytes(32)) for member in members}
    return [_sealed_fact(position, draw, codec, members, keys) for position in range(1, count + 1)]


def _sealed_fact(
    position: int,
    draw: random.Random,
    codec: Codec,
    members: list[MemberId],
    keys: dict[MemberId, AESGCM],
) -> SealedFact:
    time = START + position * 1000
    author, subject = draw.sample(members, 2)
    stream, nonce = uuid7(time, draw.randbytes), draw.randbytes(NONCE_SIZE)
    request_id = str(uuid4(draw.randbytes))
    text = f"{position}: {TEXT}"
    place = Place(stream, 1, _GIVEN.NAME, FIELD)
    sealed, ciphertext = seal(text, place, key=keys[subject], epoch=1, nonce=nonce, subject=subject)
    fact = _GIVEN(author=author, subject=subject, rating=8, referral=None, text=sealed)
    recorded = Recorded(stream, 1, position, position, time, time, "local", author, request_id)
    return SealedFact(
        prepared=(stream.hex, 1, fact.NAME, codec.encode(fact, recorded)),
        salt=draw.randbytes(SALT_SIZE),
        text=text,
        nonce=nonce,
        key=keys[subject],
        subject=subject,
        place=place,
        row=(stream.hex, 1, FIELD, ciphertext),
        request=("local", request_id, draw.randbytes(32), position, 1),
    )
