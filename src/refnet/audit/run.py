"""One step of an audit as it runs: timed, and over with the first thing that differs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence

from refnet.audit.finding import (
    DIFFERS,
    OK,
    SKIPPED,
    STOPPED,
    Differs,
    Figures,
    Finding,
    Skipped,
    Step,
    peak_bytes,
)
from refnet.log.reader import Row


class Run:
    """A step with its figures. After the first thing that differs it does nothing more."""

    def __init__(self, step: Step) -> None:
        self.step = step
        self.figures = Figures(step.name)

    def begin(self) -> None:
        """See `Step.begin`."""
        self._do(self.step.begin)

    def take(self, rows: Sequence[Row]) -> None:
        """See `Step.take`."""
        self._do(lambda: self.step.take(rows))

    def finish(self) -> None:
        """See `Step.finish`."""
        self._do(self.step.finish)

    def read(self, chunks: Iterator[list[Row]]) -> list[Row]:
        """The next rows; none at the end, or where they cannot be read, which is then noted."""
        began = time.perf_counter()
        try:
            return next(chunks, [])
        except Differs as differs:
            self._note(differs.finding)
            return []
        finally:
            self.figures.seconds += time.perf_counter() - began

    def stop(self, why: str) -> None:
        """Do nothing more, unless it is over anyway."""
        if self.figures.state == OK:
            self.figures.state, self.figures.note = STOPPED, why

    def _do(self, work: Callable[[], int | None]) -> None:
        if self.figures.state != OK:
            return
        began = time.perf_counter()
        try:
            self.figures.facts += work() or 0
        except Differs as differs:
            self._note(differs.finding)
        except Skipped as skipped:
            self.figures.state, self.figures.note = SKIPPED, str(skipped)
        except OSError as error:
            self._note(Finding("file", f"{error.filename} cannot be read: {error.strerror}"))
        finally:
            self.figures.seconds += time.perf_counter() - began
            self.figures.peak_bytes = peak_bytes()

    def _note(self, finding: Finding) -> None:
        if self.figures.finding is None:
            self.figures.state, self.figures.finding = DIFFERS, finding
