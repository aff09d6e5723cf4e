"""What a fact is: a frozen record with a name we own, classed fields and a row in the ledger.

A noun's module declares its facts with `@fact`. The declaration says everything other rooms need to
know: the stored name (never an import path), the privacy class of every field, and which fields
land in which column of the ledger. So a new fact needs no edit outside its noun's module.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from enum import IntEnum, StrEnum
from typing import Any, ClassVar, Protocol, TypeVar, dataclass_transform
from uuid import UUID

_PRIVACY = "privacy"
_SUBJECTS = "subjects"


class Privacy(StrEnum):
    """How a field may be treated: shown to all, shown as an id that means nothing, or sealed."""

    PUBLIC = "public"
    PSEUDONYM = "pseudonym"
    PII = "pii"


def public(**options: Any) -> Any:
    """A field that anyone who may read the fact may read."""
    return field(metadata={_PRIVACY: Privacy.PUBLIC}, **options)


def pseudonym(**options: Any) -> Any:
    """A field holding a random id of a person or of what belongs to them."""
    return field(metadata={_PRIVACY: Privacy.PSEUDONYM}, **options)


def pii(*subjects: str, **options: Any) -> Any:
    """A field of personal data, sealed under the key of its subject.

    `subjects` names fields of the same fact that hold the subject's id: the first one that is set
    counts. `"stream"` stands for the id of the stream the fact is appended to.
    """
    if not subjects:
        raise TypeError("a pii field names its subject")
    return field(metadata={_PRIVACY: Privacy.PII, _SUBJECTS: subjects}, **options)


class Effect(IntEnum):
    """What the score model reads in a fact (score-model section 1). Weights belong to the model.

    The ledger keeps the effect beside the fact, so that scoring needs no list of facts. Within a
    stream, VOID takes back everything, REVISION replaces the value of the first fact, and
    ATTENDANCE_CORRECTED replaces the fact its `reference` names.
    """

    NONE = 0
    JOIN = 1  # giver joined, with a seat for value; only the first time counts
    ATTENDANCE = 2  # giver attended; value is the index of the mark in "PALMS"
    ATTENDANCE_CORRECTED = 3  # as ATTENDANCE, in place of the fact that `reference` names
    MEETING_HELD = 4  # giver and receiver met, one side says
    MEETING_CONFIRMED = 5  # the other side agrees
    TESTIMONIAL = 6  # giver rates receiver by value, -10..10
    CLIENT = 7  # a client whom giver (or nobody) introduced rates receiver; reference: the referral
    REVISION = 8  # value replaces the rating of the stream's first fact
    VERIFIED = 9  # the stream's first fact, a client's word, now counts
    ACCEPTED = 10  # receiver accepted giver's referral
    WON = 11
    CLOSED = 12  # business of value units of the reference currency
    LOST = 13
    JUNK_IF_ONE = 14  # receiver says the referral was none, if value is 1
    SIGNAL = 15  # opportunism of receiver confirmed
    VOID = 16  # the whole stream counts as if it had never been recorded
    STANDING = 17  # value millionths are the standing of chapter
    MEMBERSHIP = 18  # giver now belongs to chapter, with a seat for value
    POLICY = 19  # value packs the network's policies, see network.py
    STOPPED = 20  # giver is no longer active; as JOIN and RESUMED it decides rank, not score
    RESUMED = 21  # giver is active again


class Act(StrEnum):
    """What a fact does to personal data: those of its stream, whose id is the person's.

    The log carries it out, so that it needs no list of facts. A fact that ERASES says in `strict`
    whether the ciphertexts go too; one that RECTIFIES replaces every earlier text of its fields.
    One that EXPIRES is about everybody: what was said before its `before_time` goes.
    """

    NONE = "none"
    ERASES = "erases"
    RECTIFIES = "rectifies"
    RESTRICTS = "restricts"
    LIFTS = "lifts"
    EXPIRES = "expires"


@dataclass(frozen=True, slots=True)
class Columns:
    """Where a fact lands in the ledger. An entry names a field of the fact, or is None for "none".

    kind: a number of its own, 1 to 255, never used again for another fact.
    giver, receiver: fields holding member ids; `"stream"` is the member the stream belongs to.
    chapter: a field holding a chapter id, or `"stream"`; None: the giver's chapter at that time.
    value: a field holding an integer (int64), or a function of the fact for the few that need one.
    codes: what each text of the value's field stands for, if it holds an enumeration.
    day: a field holding a `datetime.date` that replaces the day the fact occurred.
    zone: a field holding the IANA time zone of the chapter that this fact opens.
    reference: a field holding a position; None: the stream's first fact (0 if it is this one).
    classification: a field holding the profession for which giver takes a seat; the ledger numbers
    professions, and the number is the row's value.
    contact: a field holding the id of a contact, by which the ledger finds all facts about them.
    """

    kind: int
    effect: Effect = Effect.NONE
    giver: str | None = None
    receiver: str | None = None
    chapter: str | None = None
    value: str | Callable[[Any], int] | None = None
    day: str | None = None
    reference: str | None = None
    zone: str | None = None
    codes: Mapping[str, int] | None = None
    classification: str | None = None
    contact: str | None = None

    def value_of(self, fact: Any) -> int:
        """The value of a fact's row. Raises KeyError for a text without a code."""
        if self.value is None:
            return 0
        found: Any = self.value(fact) if callable(self.value) else getattr(fact, self.value)
        return int(found) if self.codes is None else self.codes[found]


class Fact(Protocol):
    """The shape `@fact` gives a class."""

    NAME: ClassVar[str]
    COLUMNS: ClassVar[Columns]
    SEALED: ClassVar[Mapping[str, tuple[str, ...]]]
    NEEDS: ClassVar[tuple[str, ...]]
    ACT: ClassVar[Act]


T = TypeVar("T")


@dataclass_transform(
    frozen_default=True, kw_only_default=True, field_specifiers=(public, pseudonym, pii)
)
def fact(
    name: str, columns: Columns, *, needs: tuple[str, ...] = (), act: Act = Act.NONE
) -> Callable[[type[T]], type[T]]:
    """Declare a fact stored under `name`, such as `refnet.referral-passed.v1`.

    needs: names of facts of which one must have happened in the same stream before this one could;
    without any it needs the stream's first fact. What is left out takes along what needs it.
    act: what it does to the personal data of its stream.
    Raises TypeError, while the module is imported, for a field without a privacy class.
    """

    def declare(cls: type[T]) -> type[T]:
        record: Any = dataclass(frozen=True, slots=True, kw_only=True)(cls)
        sealed: dict[str, tuple[str, ...]] = {}
        for each in fields(record):
            if _PRIVACY not in each.metadata:
                raise TypeError(
                    f"{name}: field {each.name!r} has no privacy class; "
                    "declare it with public(), pseudonym() or pii(subject)"
                )
            if each.metadata[_PRIVACY] is Privacy.PII:
                sealed[each.name] = each.metadata[_SUBJECTS]
        record.NAME = name
        record.COLUMNS = columns
        record.SEALED = sealed
        record.NEEDS = needs
        record.ACT = act
        return record  # type: ignore[no-any-return]

    return declare


def privacy_of(fact_type: Any) -> dict[str, Privacy]:
    """The privacy class of every field of a fact, by field name."""
    return {each.name: each.metadata[_PRIVACY] for each in fields(fact_type)}


@dataclass(frozen=True, slots=True)
class Recorded:
    """What the log adds to a fact when it is appended.

    position: 1 for the first fact of the log. version: 1 for the first fact of the stream.
    origin: position of the stream's first fact. Times are microseconds since 1970, UTC.
    """

    stream: UUID
    version: int
    position: int
    origin: int
    occur_time: int
    record_time: int
    principal: str
    acting_member: UUID | None
    request_id: str
