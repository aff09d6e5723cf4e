"""The columns of a file of slips: what they are called and what they mean."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from refnet.domain.meeting import Mark
from refnet.domain.referral import ReferralStatus
from refnet.errors import InvalidRequest
from refnet.imports.tables import Cells, fold


class SlipType(StrEnum):
    """What a row tells of."""

    REFERRAL = "referral"
    ONE_TO_ONE = "one_to_one"
    CLOSED_BUSINESS = "closed_business"
    ATTENDANCE = "attendance"


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its name, other headings it may have, and its meaning in one sentence."""

    name: str
    other: tuple[str, ...]
    meaning: str


COLUMNS = (
    Column("type", ("slip type",), "referral, one_to_one, closed_business or attendance"),
    Column("date", ("occurred", "when"), "ISO date or date-time; without a zone it is UTC"),
    Column(
        "from", ("giver", "initiator", "member"), "external id of who gave, invited or attended"
    ),
    Column("to", ("receiver", "partner"), "external id of who received, or of the partner"),
    Column("slip", ("slip id", "id"), "the slip's own id; closed business names its referral's"),
    Column("chapter", (), "name of the chapter that met, or that `from` belongs to"),
    Column("to chapter", (), "name of the chapter `to` belongs to, if it is another one"),
    Column("from name", (), "name of `from`; used if --enrol makes them a member"),
    Column("to name", (), "name of `to`; used if --enrol makes them a member"),
    Column("mark", ("attendance",), "P present, A absent, L late, M medical leave, S substitute"),
    Column("amount", (), "closed business in units of the currency, such as 1250.50"),
    Column("currency", (), "ISO 4217 code; the network's reference currency if empty"),
    Column(
        "status",
        ("outcome",),
        "of a referral: passed, accepted, declined, contacted, won or lost; "
        "of a one-to-one: held or confirmed; the first of them if empty",
    ),
    Column("heat", (), "effort of a referral's giver, 1 to 5; 1 if empty"),
    Column("prospect", (), "name of the prospect of a referral"),
    Column("text", ("description", "detail", "topics", "comments"), "free text of the slip"),
)

HEADINGS = {
    fold(heading): column.name for column in COLUMNS for heading in (column.name, *column.other)
}
"""Canonical column name by folded heading."""

NEEDED = ("type", "date")
"""Columns without which no row says anything."""

_TYPES = {
    **{fold(kind): kind for kind in SlipType},
    "121": SlipType.ONE_TO_ONE,
    "onetoones": SlipType.ONE_TO_ONE,
    "tyfcb": SlipType.CLOSED_BUSINESS,
    "palms": SlipType.ATTENDANCE,
}

REFERRAL_STATUSES = tuple(
    status for status in ReferralStatus if status is not ReferralStatus.VOIDED
)


def need(cells: Cells, column: str) -> str:
    """The text of a cell that must be filled."""
    text = cells.get(column)
    if text is None:
        raise InvalidRequest(f"{column} is empty, and this type of slip needs it", field=column)
    return text


def parse_type(cells: Cells) -> SlipType:
    """The type of slip, also by its usual abbreviations."""
    kind = _TYPES.get(fold(need(cells, "type")))
    if kind is None:
        raise InvalidRequest(f"type is none of {', '.join(SlipType)}; write one", field="type")
    return kind


def parse_status(cells: Cells, allowed: tuple[str, ...]) -> str:
    """The status of a referral or one-to-one; the first allowed one if the cell is empty."""
    text = cells.get("status", allowed[0]).casefold()
    if text not in allowed:
        raise InvalidRequest(f"status is none of {', '.join(allowed)}; write one", field="status")
    return text


def parse_mark(cells: Cells) -> Mark:
    """An attendance mark, by its letter or its word."""
    text = need(cells, "mark").casefold()
    for mark in Mark:
        if text in (mark.value.casefold(), mark.name.casefold()):
            return mark
    raise InvalidRequest("mark is none of P, A, L, M, S; write one", field="mark")
