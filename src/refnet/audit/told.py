"""A log as the audit reads it: row by row, each checked against its commitment, folded anew."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from refnet.consistency import check_in_log
from refnet.domain.facts import Recorded
from refnet.ledger.ledger import Ledger
from refnet.log.batches import Extractor
from refnet.log.reader import Reader
from refnet.projection import Projection

Advance = Callable[[int], None]
"""Told how many rows were read."""


def _quiet(_: int) -> None:
    pass


class Told:
    """The first facts of a log. Nothing that the store keeps beside its rows was looked at."""

    def __init__(
        self,
        reader: Reader,
        extractor: Extractor,
        position: int,
        *,
        decoded: bool = True,
        advance: Advance = _quiet,
    ) -> None:
        """position: how far to read. decoded: keep the facts too, for the slow reference.

        Raises PositionAhead, or StoreDamaged naming the first position that is not what was
        committed to.
        """
        self.reader = reader
        projection = Projection.fresh(extractor)
        self.facts: list[tuple[Any, Recorded]] = []
        check_in_log(position, reader.position())
        for rows in reader.scan(0, position):
            projection.extend(rows, verify=True)
            if decoded:
                self.facts += [reader.decode(row) for row in rows]
            advance(projection.position)
        self.ledger: Ledger = projection.ledger
        self.position = position
