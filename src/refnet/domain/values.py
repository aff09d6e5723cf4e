"""The small values facts are made of. Standard library only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NewType
from uuid import UUID

MICROS_PER_SECOND = 1_000_000
MICROS_PER_DAY = 86_400 * MICROS_PER_SECOND


@dataclass(frozen=True, slots=True)
class Sealed:
    """What a stored fact keeps of a personal field: whose key, which epoch, which ciphertext.

    `sha256` is the lower-case hex digest of the ciphertext, which lies outside the fact and may be
    destroyed. Only the log room can turn it back into text.
    """

    subject: UUID
    epoch: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Erased:
    """What a reader gets where personal data once was: the subject's key no longer exists."""

    subject: UUID


@dataclass(frozen=True, slots=True)
class Restricted:
    """What an ordinary reader gets while the subject's data may be kept but not used."""

    subject: UUID


@dataclass(frozen=True, slots=True)
class Corrected:
    """What a reader gets where a wrong text once was: a later fact of the stream corrects it."""

    subject: UUID


@dataclass(frozen=True, slots=True)
class Expired:
    """What a reader gets where a text once was that was kept as long as it may be."""

    subject: UUID


Withheld = Erased | Restricted | Corrected | Expired
"""Why a personal field that was recorded is not shown."""

Personal = str | Sealed
"""A personal field: plain text on its way in, sealed as soon as it is stored."""


def utc_day(micros: int) -> int:
    """The UTC day number, floor(seconds / 86400), of a time in microseconds since 1970."""
    return micros // MICROS_PER_DAY


NetworkId = NewType("NetworkId", UUID)
ChapterId = NewType("ChapterId", UUID)
MemberId = NewType("MemberId", UUID)
ContactId = NewType("ContactId", UUID)
MeetingId = NewType("MeetingId", UUID)
OneToOneId = NewType("OneToOneId", UUID)
ReferralId = NewType("ReferralId", UUID)
TestimonialId = NewType("TestimonialId", UUID)
ReadId = NewType("ReadId", UUID)
