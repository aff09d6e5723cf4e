"""The state at the head of the log, and the overlay in which a batch of commands is decided.

`State` is what is committed. `Batch` lies over it while one transaction is open: decisions in the
batch see each other, and nobody else sees anything until the log has flushed. A failed commit just
drops it.
"""

from __future__ import annotations

from collections import ChainMap, OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

from refnet.domain.decisions import Noun
from refnet.domain.facts import Recorded

Load = Callable[[Noun, UUID], Any | None]
"""Reads a stream from the log and folds it; None if the stream is empty."""

CACHED_STREAMS = 65_536

_Key = tuple[str, UUID]
_Tables = dict[str, dict[Any, Any]]


class State:
    """Committed states: resident nouns in full, others as a bounded cache in front of the log.

    One writer (the sequencer) folds and commits; other threads may call `resident` and `index`,
    which only look up. `load` is asked for streams of nouns that are not resident.
    """

    def __init__(self, nouns: Sequence[Noun], load: Load) -> None:
        self._nouns = {noun.name: noun for noun in nouns}
        self._load = load
        self._resident: dict[str, dict[UUID, Any]] = {n.name: {} for n in nouns if n.resident}
        self._cached: OrderedDict[_Key, Any] = OrderedDict()
        self._indexes: _Tables = {}

    def find(self, noun: str, stream: UUID) -> Any | None:
        """The committed state of a stream, or None. For the writer only: it fills the cache."""
        streams = self._resident.get(noun)
        if streams is not None:
            return streams.get(stream)
        key = (noun, stream)
        if key in self._cached:
            self._cached.move_to_end(key)
            return self._cached[key]
        state = self._load(self._nouns[noun], stream)
        if state is not None:
            self._remember(key, state)
        return state

    def resident(self, noun: str) -> Mapping[UUID, Any]:
        """All states of a resident noun, in order of their first fact."""
        return self._resident[noun]

    def index(self, name: str) -> Mapping[Any, Any]:
        """A look-up table; an entry that was taken back maps to None."""
        return self._indexes.get(name, {})

    def apply(self, noun: Noun, fact: Any, recorded: Recorded) -> None:
        """Fold one fact that is already in the log (start-up, or written by another process)."""
        batch = self.begin()
        batch.apply(noun, fact, recorded)
        batch.commit()

    def begin(self) -> Batch:
        """An overlay for one transaction."""
        return Batch(self.find, self._indexes, self._settle)

    def _settle(self, changed: dict[_Key, Any], indexes: _Tables) -> None:
        for name, overlay in indexes.items():
            self._indexes.setdefault(name, {}).update(overlay)
        for (noun, stream), state in changed.items():
            streams = self._resident.get(noun)
            if streams is not None:
                streams[stream] = state
            else:
                self._remember((noun, stream), state)

    def _remember(self, key: _Key, state: Any) -> None:
        self._cached[key] = state
        self._cached.move_to_end(key)
        while len(self._cached) > CACHED_STREAMS:
            self._cached.popitem(last=False)


class Batch:
    """A `World` over a `State`, with what this transaction has decided so far on top.

    Made by `State.begin`, which hands in how it looks up a stream, its tables to look through, and
    what takes over states and table entries on commit.
    """

    def __init__(
        self,
        find: Callable[[str, UUID], Any | None],
        tables: _Tables,
        settle: Callable[[dict[_Key, Any], _Tables], None],
    ) -> None:
        self._find = find
        self._tables = _Overlay(tables)
        self._settle = settle
        self._changed: dict[_Key, Any] = {}

    def find(self, noun: str, stream: UUID) -> Any | None:
        """The state of a stream as of the newest decision of this batch, or None."""
        changed = self._changed.get((noun, stream))
        return self._find(noun, stream) if changed is None else changed

    def index(self, name: str) -> Mapping[Any, Any]:
        """A look-up table as of the newest decision of this batch."""
        return self._tables.read(name)

    def apply(self, noun: Noun, fact: Any, recorded: Recorded) -> Any:
        """Fold a decided fact into the overlay; returns the new state of its stream."""
        old = self.find(noun.name, recorded.stream)
        new = noun.evolve(old, fact, recorded)
        self._changed[noun.name, recorded.stream] = new
        if noun.index is not None:
            noun.index(self._tables, old, new, fact, recorded)
        return new

    def commit(self) -> None:
        """Make the overlay the committed state. Call it only after the log has flushed."""
        self._settle(self._changed, self._tables.written)


class _Overlay(dict[str, dict[Any, Any]]):
    """The tables as a noun's `index` function sees them: reads fall through, writes stay on top."""

    def __init__(self, base: _Tables) -> None:
        super().__init__()
        self._base = base
        self.written: _Tables = {}

    def __missing__(self, name: str) -> Any:
        return ChainMap(self.written.setdefault(name, {}), self._base.get(name, {}))

    def read(self, name: str) -> Mapping[Any, Any]:
        base = self._base.get(name, {})
        written = self.written.get(name)
        return base if written is None else ChainMap(written, base)


def fold(noun: Noun, facts: Iterator[tuple[Any, Recorded]]) -> Any | None:
    """The state of one stream from its facts in order, or None if there are none."""
    state = None
    for fact, recorded in facts:
        state = noun.evolve(state, fact, recorded)
    return state
