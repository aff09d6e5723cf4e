"""Rows into requests into one transaction a thousand, with the fate of every row counted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from refnet.domain.decisions import Request
from refnet.engine import Engine
from refnet.errors import RefnetError
from refnet.imports.explain import explain
from refnet.imports.rejects import Rejects
from refnet.log.draft import Receipt

BATCH = 1000
"""Rows a transaction: enough to make a flush cheap, few enough to lose little when interrupted."""


@dataclass(frozen=True, slots=True)
class Row:
    """What one line asks for: all its requests in order; whether the last is new decides.

    opened: keys of what these requests open, to be forgotten if one of them is refused. slip: the
    column with the row's own id, if it has one; told: an earlier line with the same id.
    """

    line: int
    requests: Sequence[Request]
    opened: Sequence[object] = ()
    slip: str | None = None
    told: int | None = None


@dataclass(slots=True)
class Tally:
    """Rows of the file by what became of them."""

    accepted: int = 0
    duplicates: int = 0
    rejected: int = 0


class Loader:
    """Collects rows and hands them to the engine in batches."""

    def __init__(
        self,
        engine: Engine,
        rejects: Rejects,
        forget: Callable[[Sequence[object]], None],
        batch: int = BATCH,
    ) -> None:
        """forget: called with the `opened` keys of rows that were refused. Begins a new list."""
        rejects.clear()
        self.tally = Tally()
        self._engine = engine
        self._rejects = rejects
        self._forget = forget
        self._batch = batch
        self._rows: list[Row] = []
        self._refused: list[tuple[int, RefnetError]] = []

    def add(self, row: Row) -> None:
        """Take a row; it goes in with its batch."""
        self._rows.append(row)
        if len(self._rows) >= self._batch:
            self.flush()

    def reject(self, line: int, error: RefnetError) -> None:
        """Count a row out without asking the engine."""
        self._refused.append((line, error))
        if len(self._refused) >= self._batch:
            self.flush()

    def flush(self) -> None:
        """Execute what is waiting. After it, what it counts is in the log."""
        rows, self._rows = self._rows, []
        answers = iter(self._engine.execute([request for row in rows for request in row.requests]))
        for row in rows:
            self._settle(row, [next(answers) for _ in row.requests])
        refused, self._refused = self._refused, []
        self._rejects.write(refused)
        self.tally.rejected += len(refused)

    def _settle(self, row: Row, answers: Sequence[Receipt | RefnetError]) -> None:
        for answer in answers:
            if isinstance(answer, RefnetError):
                self._refused.append((row.line, explain(answer, row.slip, row.told)))
                self._forget(row.opened)
                return
        last = answers[-1]
        assert isinstance(last, Receipt)
        if last.replayed:
            self.tally.duplicates += 1
        else:
            self.tally.accepted += 1
