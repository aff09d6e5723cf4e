"""Chapters as people name them on the command line."""

from __future__ import annotations

from uuid import UUID

from refnet.errors import NotFound
from refnet.ledger.columns import NOBODY
from refnet.standings import Snapshot


def find_chapter(snapshot: Snapshot, text: str, *, field: str) -> int:
    """The number of a chapter given as id or `chapters/ID`.

    Raises NotFound naming the field if it has no members at the snapshot's position.
    """
    try:
        number = snapshot.ledger.fold.chapter_number(UUID(text.removeprefix("chapters/")))
    except ValueError:
        number = NOBODY
    if number == NOBODY or number not in snapshot.roll.home():
        raise NotFound(
            f"{field} {text!r} has no members at position {snapshot.position}; give the id of "
            "a chapter that has",
            field=field,
            noun="chapter",
            value=text,
        )
    return number
