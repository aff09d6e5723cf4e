"""Two ways to the same answer, run in turns, and the table of how they compare.

A single time says more about the machine than about the code, so nothing here is judged by one:
ours and a peer run A B A B, and the ratio of their medians is what counts. Both must give the same
digest: faster but different is a failure, not a result.
"""

from __future__ import annotations

import gc
import os
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROUNDS = 7
"""Of each side; below this a median is not worth much."""


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two: `digest(prepared, work(prepared))`, of which only `work` is timed.

    digest says what came out, in a few hex digits, and lets go of what was prepared.
    """

    prepare: Callable[[], Any]
    work: Callable[[Any], Any]
    digest: Callable[[Any, Any], str]


@dataclass(slots=True)
class Times:
    """Seconds a run, by the clock and by the processor time of this process."""

    wall: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)

    def run(self, work: Callable[[Any], Any], prepared: Any) -> Any:
        """Time one run. The garbage collector stays on, as in service, but finds no old garbage."""
        gc.collect()
        gc.freeze()
        was_enabled = gc.isenabled()
        gc.enable()
        try:
            clock, processor = time.perf_counter(), time.process_time()
            result = work(prepared)
            self.wall.append(time.perf_counter() - clock)
            self.processor.append(time.process_time() - processor)
        finally:
            gc.unfreeze()
            if not was_enabled:
                gc.disable()
        return result


@dataclass(slots=True)
class Comparison:
    """One line of the table. items: what one run handles. goal: for the ratio, if there is one.

    rate_goal: items a second, where that is what was promised.
    writes: the disk matters, so its fdatasync time belongs to the result. local: all the work is
    done in this process, so that its processor time says something.
    """

    name: str
    peer: str
    goal: float | None
    items: int
    writes: bool = False
    local: bool = True
    rate_goal: float | None = None
    ours: Times = field(default_factory=Times)
    theirs: Times = field(default_factory=Times)
    digest: str = ""
    fdatasync_seconds: float | None = None

    @property
    def ratio(self) -> float:
        """Our rate as a part of the peer's: above 1 is faster."""
        return statistics.median(self.theirs.wall) / statistics.median(self.ours.wall)

    @property
    def processor_ratio(self) -> float | None:
        """The same by processor time, which a busy neighbour disturbs less."""
        if not self.local:
            return None
        return statistics.median(self.theirs.processor) / statistics.median(self.ours.processor)

    @property
    def verdict(self) -> str:
        """Whether the goal was met, if there is one."""
        if self.goal is not None:
            return "ok" if self.ratio >= self.goal else "short"
        if self.rate_goal is not None:
            rate = self.items / statistics.median(self.ours.wall)
            return "ok" if rate >= self.rate_goal else "short"
        return "-"

    def _goal(self) -> str:
        if self.rate_goal is not None:
            return _rate_text(self.rate_goal)
        return "-" if self.goal is None else f"{self.goal:.2f}"

    def record(self) -> dict[str, object]:
        """What pytest-benchmark keeps of it."""
        return {
            "ratio": self.ratio,
            "processor_ratio": self.processor_ratio,
            "goal": self.goal,
            "rate_goal": self.rate_goal,
            "peer": self.peer,
            "items": self.items,
            "ours_median_s": statistics.median(self.ours.wall),
            "peer_median_s": statistics.median(self.theirs.wall),
            "rounds": len(self.ours.wall),
            "digest": self.digest,
            "fdatasync_s": self.fdatasync_seconds,
        }

    def cells(self) -> tuple[str, ...]:
        """Its row of the table."""
        processor, flush = self.processor_ratio, self.fdatasync_seconds
        return (
            self.name,
            f"{self.ratio:.2f}",
            "-" if processor is None else f"{processor:.2f}",
            self._goal(),
            self.verdict,
            _rate(self.items, self.ours),
            _rate(self.items, self.theirs),
            "-" if flush is None else f"{flush * 1e3:.2f} ms",
            self.digest[:12],
            self.peer,
        )


HEADINGS = (
    *("name", "ratio", "cpu", "goal", "", "ours", "peer"),
    *("fdatasync", "digest", "which peer"),
)


def compare(benchmark: Any, line: Comparison, ours: Side, peer: Side) -> None:
    """Run both sides in turns; fill in `line` and the record of pytest-benchmark.

    With --benchmark-disable each side runs once. Raises AssertionError if the digests differ,
    between the sides or from round to round.
    """
    digests: list[str] = []
    held: list[Any] = []

    def close_round() -> None:
        if held:
            digests.append(ours.digest(*held))
            held.clear()

    def open_round() -> tuple[tuple[Any, ...], dict[str, Any]]:
        close_round()
        prepared = peer.prepare()
        digests.append(peer.digest(prepared, line.theirs.run(peer.work, prepared)))
        return (ours.prepare(),), {}

    def run(prepared: Any) -> None:
        held[:] = prepared, line.ours.run(ours.work, prepared)

    benchmark.pedantic(run, setup=open_round, rounds=1 if benchmark.disabled else ROUNDS)
    close_round()
    assert len(set(digests)) == 1, f"{line.name}: the results differ: {digests}"
    line.digest = digests[0]
    benchmark.extra_info.update(line.record())


def fdatasync_seconds(folder: Path, times: int = 15) -> float:
    """The median time in which the disk under `folder` makes one written page durable."""
    path = folder / "fdatasync.probe"
    found = []
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        for number in range(times):
            os.pwrite(descriptor, os.urandom(4096), number * 4096)
            started = time.perf_counter()
            os.fdatasync(descriptor)
            found.append(time.perf_counter() - started)
    finally:
        os.close(descriptor)
        path.unlink()
    return statistics.median(found)


def table(lines: list[Comparison]) -> list[str]:
    """The lines as text, columns aligned."""
    cells = [HEADINGS, *(line.cells() for line in lines)]
    widths = [max(len(row[at]) for row in cells) for at in range(len(HEADINGS))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in cells
    ]


def _rate(items: int, times: Times) -> str:
    return _rate_text(items / statistics.median(times.wall))


def _rate_text(rate: float) -> str:
    return f"{rate / 1e6:.2f} M/s" if rate >= 1e6 else f"{rate / 1e3:.1f} k/s"
