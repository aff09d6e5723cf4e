"""What an audit finds, and the words in which it says so."""

from __future__ import annotations

import resource
from collections.abc import Sequence
from dataclasses import dataclass, field

from refnet.log.reader import Row

KIB = 1024

OK, DIFFERS, SKIPPED, STOPPED = "ok", "differs", "skipped", "stopped"
"""How a step ended: STOPPED when another's finding leaves it nothing to rest on."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that differs.

    what: a word for it, such as `state`, `tile` or `root`. message: a sentence with a way out.
    index: the leaf at fault, one less than its position; None if no single one is. facts: more for
    programs. lost: the log is behind what was signed.
    """

    what: str
    message: str
    index: int | None = None
    facts: dict[str, object] = field(default_factory=dict)
    lost: bool = False

    def told(self) -> dict[str, object]:
        """For programs."""
        place = None if self.index is None else self.index + 1
        found = {"what": self.what, "index": self.index, "position": place}
        return {**found, "message": self.message, **self.facts}


class Differs(Exception):
    """The first thing that differs in a step; that step ends with it."""

    def __init__(
        self,
        what: str,
        message: str,
        *,
        index: int | None = None,
        lost: bool = False,
        facts: dict[str, object] | None = None,
    ) -> None:
        """See `Finding`."""
        super().__init__(message)
        self.finding = Finding(what, message, index, facts or {}, lost=lost)


class Skipped(Exception):
    """There is nothing for a step to check; the text says why."""


class Step:
    """One thing that is checked while the log goes by. Any method may raise Differs or Skipped."""

    name: str
    needs_sound_rows = False
    """Whether it says nothing about rows that are not what was committed to."""

    def begin(self) -> None:
        """Look at what is there before the first fact."""

    def take(self, rows: Sequence[Row]) -> int:
        """Check the next rows of the log; how many of them it was concerned with."""
        raise NotImplementedError

    def finish(self) -> None:
        """Check what can only be known at the end."""


@dataclass(slots=True)
class Figures:
    """How a step went, and by when the process had held how much. note: why it did not finish."""

    name: str
    state: str = OK
    facts: int = 0
    seconds: float = 0.0
    peak_bytes: int = 0
    note: str = ""
    finding: Finding | None = None

    def told(self) -> dict[str, object]:
        """For programs."""
        return {
            "step": self.name,
            "state": self.state,
            "facts": self.facts,
            "seconds": round(self.seconds, 3),
            "peak_rss_bytes": self.peak_bytes,
            "note": self.note,
            "finding": None if self.finding is None else self.finding.told(),
        }


def peak_bytes() -> int:
    """The most memory this process ever held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * KIB
