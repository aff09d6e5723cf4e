"""Scores as they travel: one message a member, or packed columns for many."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from refnet import v1
from refnet.rpc.positions import Positions
from refnet.standings import Snapshot

FIELDS = {
    "score": "score",
    "raw": "raw",
    "value": "V",
    "trust": "T",
    "clients": "C",
    "referrals": "R",
    "partners": "P",
    "opportunism": "O",
    "taking": "D",
    "distrust": "N",
    "factor": "F",
    "balance": "bal",
    "give": "give",
    "take": "take",
    "give_back": "bil",
    "pretrust": "p",
    "trust_received": "x",
    "distrust_received": "xn",
}
"""Fields of Score and ScoreColumns that are doubles, and the model's arrays they hold."""

_LENGTH_DELIMITED = 2


class ScoreTable:
    """One snapshot, ready to be sent."""

    def __init__(self, snapshot: Snapshot, positions: Positions) -> None:
        self.snapshot = snapshot
        scores = snapshot.scores
        self._columns = [getattr(scores, array) for array in FIELDS.values()]
        self._labels = snapshot.labels
        self.basis = v1.ScoreBasis(
            position=positions.message(snapshot.position),
            day=snapshot.day,
            model=snapshot.model,
            digest=snapshot.digest,
        )

    def name(self, number: int) -> str:
        """The resource name of a member."""
        return f"members/{self.snapshot.members[number]}"

    def score(self, number: int) -> v1.Score:
        """The message of one member."""
        doubles = {
            field: column.item(number) for field, column in zip(FIELDS, self._columns, strict=True)
        }
        return v1.Score(
            member=self.name(number),
            number=number,
            rank=self.snapshot.rank.item(number),
            label=cast("v1.ScoreLabel.ValueType", self._labels.item(number)),
            **doubles,
        )

    def response(self, numbers: NDArray[np.intp], missing: Sequence[v1.MissingScore]) -> bytes:
        """The serialised BatchGetScoresResponse of members, all of whom have a score.

        Its columns are written by hand, because putting 18 doubles a member through Python objects
        takes five times as long as all the rest. Packed fixed-width fields are little-endian arrays
        behind tag and length, and messages one after the other merge.
        """
        rest = v1.BatchGetScoresResponse(missing=missing, computed_at=self.basis)
        if self.snapshot.scores.n == 0:
            rest.columns.CopyFrom(_zeros(len(numbers)))
            return rest.SerializeToString()
        parts: list[Any] = []
        size = 0
        for field, values in self._packed(numbers):
            header = _header(_TAGS[field], values.nbytes)
            parts += (header, values)
            size += len(header) + values.nbytes
        return b"".join((_header(_COLUMNS, size), *parts, rest.SerializeToString()))

    def _packed(self, numbers: NDArray[np.intp]) -> Iterator[tuple[str, NDArray[Any]]]:
        yield "number", numbers.astype("<u4")
        yield "rank", self.snapshot.rank.take(numbers).astype("<u4")
        yield "label", self._labels.take(numbers)  # below 128: a varint of one byte
        for field, column in zip(FIELDS, self._columns, strict=True):
            yield field, column.take(numbers).astype("<f8", copy=False)

    def changed(self, before: ScoreTable, numbers: NDArray[np.intp]) -> NDArray[np.intp]:
        """Those of the members whose message differs in any bit from what `before` says."""
        known = numbers[numbers < before.snapshot.scores.n]
        differs = self.snapshot.rank[known] != before.snapshot.rank[known]
        differs |= self._labels[known] != before._labels[known]
        for now, then in zip(self._columns, before._columns, strict=True):
            differs |= now[known].view(np.int64) != then[known].view(np.int64)
        return np.concatenate([known[differs], numbers[numbers >= before.snapshot.scores.n]])


def _zeros(count: int) -> v1.ScoreColumns:
    """Columns when nobody has a score: the entries mean nothing, but they are there."""
    columns = v1.ScoreColumns()
    for field in _TAGS:
        getattr(columns, field).extend([0] * count)
    return columns


@lru_cache(maxsize=4096)
def _header(tag: bytes, size: int) -> bytes:
    return tag + _varint(size)


def _tag(number: int) -> bytes:
    return _varint(number << 3 | _LENGTH_DELIMITED)


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


_COLUMNS = _tag(v1.BatchGetScoresResponse.COLUMNS_FIELD_NUMBER)
_TAGS = {field.name: _tag(field.number) for field in v1.ScoreColumns.DESCRIPTOR.fields}
