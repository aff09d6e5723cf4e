"""A table of evidence: Markdown for people, plain values for programs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

Cell = str | float | int | None

DIGITS = 3
"""Decimals of a number, unless its column says otherwise."""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under columns. digits: decimals by column, where not DIGITS. notes: sentences below.

    A cell that is NaN or None has nothing to say; one that is infinite says never.
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    notes: Sequence[str] = ()
    digits: Sequence[int] = ()

    def markdown(self, *, heading: bool = True) -> str:
        """With a heading of the third level, if wanted."""
        lines = [f"### {self.title}", ""] if heading else []
        lines.append(_row(self.columns))
        lines.append("|" + "|".join([" --- "] + [" ---: "] * (len(self.columns) - 1)) + "|")
        texts = ([self._text(at, cell) for at, cell in enumerate(row)] for row in self.rows)
        lines += map(_row, texts)
        for note in self.notes:
            lines += ["", note]
        return "\n".join(lines) + "\n"

    def document(self) -> dict[str, object]:
        """Values at full precision; null for nothing to say, "never" for infinity."""
        rows = [dict(zip(self.columns, map(_plain, row), strict=True)) for row in self.rows]
        return {"title": self.title, "rows": rows, "notes": list(self.notes)}

    def _text(self, place: int, cell: Cell) -> str:
        if cell is None or (isinstance(cell, float) and math.isnan(cell)):
            return ""
        if isinstance(cell, float):
            digits = self.digits[place] if place < len(self.digits) else DIGITS
            return "never" if math.isinf(cell) else f"{cell:.{digits}f}"
        return str(cell)


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _plain(cell: Cell) -> Cell:
    if isinstance(cell, float) and not math.isfinite(cell):
        return None if math.isnan(cell) else "never"
    return cell
