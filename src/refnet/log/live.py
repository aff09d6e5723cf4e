"""The state at the head of the log, folded from the log."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from refnet.domain.decisions import Noun
from refnet.domain.facts import Recorded
from refnet.domain.state import Batch, State
from refnet.errors import RefnetError, StoreDamaged
from refnet.log.reader import Reader


class LiveState:
    """A `State` and the position it stands at. One thread folds: the sequencer, once there is one.

    Streams that are not resident are loaded as of `position`, not as of whatever the log holds by
    then: a fact that is still to be folded must not be in the state it is folded into.
    """

    def __init__(self, reader: Reader, nouns: Sequence[Noun]) -> None:
        self._reader = reader
        self._nouns = nouns
        self._kept = [noun for noun in nouns if noun.resident or noun.index is not None]
        self._by_fact = {kind: noun for noun in nouns for kind in noun.facts}
        self._unborn: UUID | None = None
        self.state = State(nouns, self._load)
        self.position = 0
        self.record_time = 0

    def start(self, upto: int | None = None) -> None:
        """Fold resident and indexed nouns from the beginning; the others are read when needed."""
        end, record_time = self._reader.head()
        if upto is not None and upto < end:
            end, record_time = upto, 0
        for fact, recorded in self._reader.facts(0, end, self._kept):
            self._apply(fact, recorded)
        self.advance(end, record_time)

    def catch_up(self, upto: int) -> None:
        """Fold what another writer appended since."""
        for fact, recorded in self._reader.facts(self.position, upto):
            self._apply(fact, recorded)
            self.advance(recorded.position, recorded.record_time)

    def advance(self, position: int, record_time: int) -> None:
        """Say that the state now includes everything up to a position."""
        self.position = position
        self.record_time = max(self.record_time, record_time)

    def close(self) -> None:
        """Let go of the file; the state stays."""
        self._reader.close()

    def fold(self, batch: Batch, noun: Noun, fact: Any, recorded: Recorded) -> None:
        """Fold a fact into an overlay. A stream's first fact needs no look into the log."""
        self._unborn = recorded.stream if recorded.version == 1 else None
        try:
            batch.apply(noun, fact, recorded)
        finally:
            self._unborn = None

    def _apply(self, fact: Any, recorded: Recorded) -> None:
        self.position = recorded.position - 1
        batch = self.state.begin()
        with fitting(fact, recorded):
            self.fold(batch, self._by_fact[type(fact)], fact, recorded)
        batch.commit()

    def _load(self, noun: Noun, stream: UUID) -> Any | None:
        if stream == self._unborn:
            return None
        return load_state(self._reader, noun, stream, self.position)


def load_state(reader: Reader, noun: Noun, stream: UUID, upto: int | None = None) -> Any | None:
    """The state of a stream at a position (None: at the head of the log).

    None if there is no such stream, or it is one of another noun. Raises StoreDamaged.
    """
    state = None
    for fact, recorded in reader.stream(stream, upto):
        known = type(fact) in noun.facts
        if recorded.version == 1 and not known:
            return None
        with fitting(fact, recorded):
            if not known:
                raise TypeError("it is of another noun than the stream")
            state = noun.evolve(state, fact, recorded)
    return state


@contextmanager
def fitting(fact: Any, recorded: Recorded) -> Iterator[None]:
    """While a stored fact is folded: one that does not follow from those before it is damage."""
    try:
        yield
    except RefnetError:
        raise
    except Exception as error:
        # Which of them, is up to the noun: it asserts, looks up and computes.
        raise StoreDamaged(
            f"the fact at position {recorded.position} ({fact.NAME}) does not fit the facts before "
            "it; restore the log from a backup",
            position=recorded.position,
            topic=fact.NAME,
        ) from error
