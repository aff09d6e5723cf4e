"""Everything a log holds about one person, their own words in clear and nobody else's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import NamedTuple
from uuid import UUID

from refnet.domain.values import Sealed, Withheld
from refnet.engine import Row, row_of
from refnet.errors import NotFound, PositionAhead
from refnet.log.disclosure import Disclosure
from refnet.log.reader import Reader
from refnet.tlog.published import Published, check_proof

ROWS = 20_000
"""Looked through at a time."""

_ABOUT = (
    "SELECT rowid, originator_id, originator_version, topic, state, salt, commitment"
    " FROM stored_events WHERE rowid > ? AND rowid <= ?"
    " AND (originator_id = ? OR instr(state, ?)) ORDER BY rowid"
)


Own = str | Withheld | Sealed
"""A text of the person's own, why it is withheld, or that it stays sealed without the keys."""


class AboutPerson(NamedTuple):
    """A fact about a person. personal: their own texts in it, by field."""

    row: Row
    personal: dict[str, Own]


def leaf_of(row: Row, published: Published) -> dict[str, object]:
    """Where a fact is in the transparency log, and the proof, if a checkpoint covers it."""
    told: dict[str, object] = {"leaf_index": row.position - 1}
    with suppress(NotFound, PositionAhead):
        proof = published.inclusion(row.position)
        check_proof(proof, row)
        told["proof"] = str(proof)
    return told


def about_person(
    reader: Reader, disclosure: Disclosure | None, person: UUID, after: int, upto: int
) -> list[AboutPerson]:
    """The facts of their stream, and those that name them or hold text about them.

    Those with after < position <= upto. What is restricted is shown: it is their own. disclosure:
    None leaves everything sealed. Raises StoreDamaged.
    """
    # A state holds ids as text, with dashes, and those whose key seals a field among them.
    named = str(person).encode()
    found = reader.query(_ABOUT, (after, upto, person.hex, named))
    return [AboutPerson(row_of(row), _own(reader, disclosure, person, row)) for row in found]


def parts(upto: int) -> Iterator[tuple[int, int]]:
    """(after, upto) of the parts that a log is looked through in."""
    for after in range(0, upto, ROWS):
        yield after, min(after + ROWS, upto)


def _own(
    reader: Reader,
    disclosure: Disclosure | None,
    person: UUID,
    row: tuple[int, str, int, str, bytes, bytes, bytes],
) -> dict[str, Own]:
    fact, recorded = reader.decode(row)
    own: dict[str, Own] = {}
    for field in fact.SEALED:
        sealed = getattr(fact, field)
        if isinstance(sealed, Sealed) and sealed.subject == person:
            at = recorded.stream, recorded.version, field, sealed
            own[field] = sealed if disclosure is None else disclosure.reveal(*at, restricted=True)
    return own
