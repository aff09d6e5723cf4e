"""Refusals of the engine in the words of the file: its columns and lines, not ids of ours."""

from __future__ import annotations

from refnet.errors import MemberNotActive, RefnetError, RequestIdReused, WrongState

_MARK = "attendances["


def explain(error: RefnetError, slip: str | None, told: int | None) -> RefnetError:
    """What the engine refused of a row, as somebody who only knows the file would say it.

    slip: the column that holds the row's own id, if it has one. told: an earlier line of the file
    with the same id. Like all refusals of rows it repeats nothing of what the row says.
    """
    if isinstance(error, RequestIdReused) and slip is None:
        return RequestIdReused(
            "the row was recorded before with another time or other details, in this file or by an "
            "earlier import; make the rows agree, or drop one of them"
        )
    if isinstance(error, RequestIdReused):
        where = "by an earlier import" if told is None else f"in line {told} of this file"
        return RequestIdReused(
            f"{slip} was recorded before with other content, {where}; "
            "give each slip an id of its own, or make the rows agree",
            field=slip or "",
        )
    if isinstance(error, WrongState) and error.field.startswith(_MARK):
        return WrongState(
            "from has another mark at this meeting already; drop one of the two rows, "
            "or correct the mark over the API",
            field="from",
        )
    if isinstance(error, MemberNotActive) and error.field.startswith(_MARK):
        return MemberNotActive(
            "from was no active member on the day of the meeting; correct the row", field="from"
        )
    return error
