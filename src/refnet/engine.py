"""The synchronous heart: one open store, what may be asked of it, and what may be done to it.

Everything that runs in one thread (the command line, imports, the simulator) uses this; the server
puts threads and an event loop around it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from refnet import whatif
from refnet.consistency import check_in_log
from refnet.domain.decisions import Noun, Request
from refnet.domain.facts import Recorded
from refnet.domain.ids import Entropy, uuid4, uuid7
from refnet.domain.state import State
from refnet.domain.values import utc_day
from refnet.errors import RefnetError, StoreDamaged, StoreSealed
from refnet.ledger.ledger import Ledger
from refnet.log import live
from refnet.log.batches import Extractor
from refnet.log.codec import Codec
from refnet.log.disclosure import Disclosure, Shown, reveal_fields
from refnet.log.draft import Receipt
from refnet.log.keys import KeyStore
from refnet.log.live import LiveState
from refnet.log.reader import Reader, stream_of
from refnet.log.sequencer import Clock, Sequencer
from refnet.log.store import Store
from refnet.projection import Projection
from refnet.scoring import MODEL
from refnet.standings import Snapshot, snapshot_at

LEDGER = "ledger"
EXTERNAL_ID = "external_id"

_IMPOSSIBLE = (ValueError, IndexError, OverflowError)
"""What the kernel makes of members who never joined, pairs of one member, ratings of 1000."""


class Row(NamedTuple):
    """One stored fact as it lies in the log."""

    position: int
    stream: UUID
    version: int
    topic: str
    state: bytes
    salt: bytes
    commitment: bytes


@dataclass(frozen=True, slots=True)
class Replay:
    """What the log alone says. head: hex RFC 6962 root over the leaves up to `position`."""

    position: int
    day: int
    head: str
    snapshot: Snapshot


class Engine:
    """An open store. A context manager; not for use by several threads at once."""

    def __init__(
        self,
        store: Store,
        codec: Codec,
        keys: KeyStore,
        nouns: tuple[Noun, ...],
        clock: Clock,
        entropy: Entropy,
    ) -> None:
        """Raises StoreDamaged, naming the position, if the end of the log is not what it was."""
        self.nouns = nouns
        self.store = store
        self.codec = codec
        self.extractor = Extractor(nouns, codec)
        self.clock = clock
        self._entropy = entropy
        self.keys = keys
        self._nouns = {noun.name: noun for noun in nouns}
        with ExitStack() as opened:  # closed again if one of these fails
            self._reader = opened.enter_context(closing(store.reader(codec)))
            self._live_reader = opened.enter_context(closing(store.reader(codec)))
            self._reader.verify_tail()
            self._live = LiveState(self._live_reader, nouns)
            self._live.start()
            opened.pop_all()
        self._disclosure = self.disclosure(self._reader)
        self._projection: Projection | None = None
        self.sequencer = Sequencer(
            store, codec, keys, self._live, nouns=nouns, clock=clock, entropy=entropy
        )
        self.erased_again = 0
        """Of how many people, erased before, the keys were found alive and destroyed again."""

    @property
    def data(self) -> Path:
        """The directory of the store."""
        return self.store.directory

    @property
    def log_id(self) -> UUID:
        """The id of the log."""
        return self.store.log

    @property
    def position(self) -> int:
        """The last position that `state` includes."""
        return self._live.position

    @property
    def state(self) -> State:
        """Committed states of members, chapters and the network."""
        return self._live.state

    def new_id(self, noun: str) -> UUID:
        """An id for a new stream: it sorts by time for activity, and means nothing for people."""
        if self._nouns[noun].timed_ids:
            return uuid7(self.clock(), self._entropy)
        return uuid4(self._entropy)

    def execute(self, requests: Sequence[Request]) -> list[Receipt | RefnetError]:
        """Decide and append in one transaction, in order. Refusals come back as values.

        Raises StoreSealed on a store opened to read, StorageFull or StoreDamaged if nothing was
        kept.
        """
        if self.store.readonly:
            raise StoreSealed(
                f"{self.data} was opened to read; open it for writing", path=self.data
            )
        outcomes: list[Receipt | RefnetError] = []
        for outcome in self.sequencer.execute(requests):
            if not isinstance(outcome, Receipt | RefnetError):
                raise outcome
            outcomes.append(outcome)
        return outcomes

    def fingerprint(self, label: str, content: bytes) -> bytes:
        """HMAC-SHA-256 under the store's index key, 32 bytes."""
        return self.keys.fingerprint(label, content)

    def lookup(self, label: str, text: str) -> UUID | None:
        """The stream that was opened with this secret handle, such as an `external_id`."""
        return self._disclosure.find(label, text)

    def answered(self, request_id: str, principal: str = "local") -> UUID | None:
        """The stream that an earlier request's facts went to, or None if there was none."""
        return self._reader.answered(principal, request_id)

    def head(self) -> tuple[int, int]:
        """(position, record_time in microseconds) of the last fact."""
        return self._reader.head()

    def position_at(self, record_time: int) -> int:
        """The last position recorded at or before a time in microseconds."""
        return self._reader.position_at(record_time)

    def record_time(self, position: int) -> int:
        """When the fact at a position was recorded, microseconds; 0 for position 0."""
        if position == 0:
            return 0
        (row,) = self._reader.rows(position - 1, position, 1)
        return self.codec.record_time(position, row[4])

    def facts(self, after: int = 0, upto: int | None = None) -> Iterator[tuple[Any, Recorded]]:
        """Decoded facts in log order."""
        return self._reader.facts(after, upto)

    def rows(self, after: int = 0, upto: int | None = None) -> Iterator[Row]:
        """Stored facts in log order."""
        for rows in self._reader.scan(after, upto):
            yield from map(row_of, rows)

    def reader(self) -> Reader:
        """A reader with a connection of its own, for another thread."""
        return self.store.reader(self.codec)

    def disclosure(self, reader: Reader) -> Disclosure:
        """What opens sealed fields, through a reader of the caller's."""
        return Disclosure(reader, self.keys, self._live.state.index)

    def erase_again(self) -> None:
        """Carry out the erasures that a crash or a restored backup undid. For a writer."""
        self.erased_again = self.sequencer.eraser.begin_again(self.state.index)

    def load(self, noun: Noun, stream: UUID) -> Any | None:
        """The state of a stream, folded from the log; None if it is no stream of this noun."""
        return load_state(self._reader, noun, stream)

    def personal(self, stream: UUID, versions: Mapping[str, int]) -> dict[str, Shown]:
        """Personal fields of a stream in clear, each from the fact of a version (0: none)."""
        return reveal_fields(self._reader, self._disclosure, stream, versions)

    def external_ids(self) -> dict[UUID, Shown]:
        """The id under which each member came from another system, by member."""
        return {
            stream: self.personal(stream, {EXTERNAL_ID: member.external_id_at})[EXTERNAL_ID]
            for stream, member in self.state.resident("member").items()
        }

    def scores(
        self,
        *,
        position: int | None = None,
        day: int | None = None,
        model: str = MODEL,
        threads: int = 1,
    ) -> Snapshot:
        """Scores at a position (default: head) and a day (default: that of its record time).

        model: one of `refnet.scoring.MODELS`.
        Raises PositionAhead for a position the log has not reached.
        """
        position, day = self._when(position, day)
        projection = self._follow()
        return snapshot_of(projection.ledger, position, day, threads, model)

    def left_out(self, snapshot: Snapshot, positions: Iterable[int]) -> NDArray[np.int64]:
        """See `refnet.whatif.left_out`."""
        return left_out(self._reader, snapshot, positions)

    def replay(
        self,
        *,
        position: int | None = None,
        day: int | None = None,
        model: str = MODEL,
        threads: int = 1,
        batch: int = 512,
        progress: Callable[[int, int], None] | None = None,
    ) -> Replay:
        """Rebuild from the log alone, checking every fact against its commitment.

        batch: rows at a time; it changes no bit. progress: called with (rows done, rows in all).
        Raises PositionAhead, or StoreDamaged naming the first bad position.
        """
        position, day = self._when(position, day)
        projection = Projection.fresh(self.extractor)
        for rows in self._reader.scan(0, position, batch):
            projection.extend(rows, verify=True)
            if progress is not None:
                progress(projection.position, position)
        snapshot = snapshot_of(projection.ledger, position, day, threads, model)
        return Replay(position, day, projection.tree.root().hex(), snapshot)

    def projection(self) -> Projection:
        """The ledger of this store: on disk for the writer, in memory beside one. Not caught up."""
        if self.store.readonly:
            return Projection.fresh(self.extractor)
        log_id = str(self.log_id)
        return Projection.open(self.extractor, self.data / LEDGER, log_id, self._reader)

    def close(self) -> None:
        """Save what was folded and let go of all files; doing it again does nothing."""
        with ExitStack() as stack:
            # Last in, first out: the store last, so that it folds its write-ahead log back.
            for each in (self.store, self.keys, self._live_reader, self._reader):
                stack.callback(each.close)
            if self._projection is not None:
                self._projection.save()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _follow(self) -> Projection:
        if self._projection is None:
            self._projection = self.projection()
        self._projection.catch_up(self._reader)
        return self._projection

    def _when(self, position: int | None, day: int | None) -> tuple[int, int]:
        head, record_time = self._reader.head()
        if position is None:
            position = head
        check_in_log(position, head)
        if day is None:
            day = utc_day(record_time if position == head else self.record_time(position))
        return position, day


def row_of(stored: tuple[int, str, int, str, bytes, bytes, bytes]) -> Row:
    """A stored row with its stream as a UUID. Raises StoreDamaged if its columns hold no fact."""
    position, _, version, topic, *rest = stored
    kinds = [type(each) for each in (position, version, topic, *rest)]
    if kinds != [int, int, str, bytes, bytes, bytes]:
        raise StoreDamaged(
            f"the row at position {position} holds no fact; restore the log from a backup",
            position=position,
        )
    return Row(position, stream_of(stored), *stored[2:])


def load_state(reader: Reader, noun: Noun, stream: UUID, upto: int | None = None) -> Any | None:
    """See `refnet.log.live.load_state`."""
    return live.load_state(reader, noun, stream, upto)


def snapshot_of(
    ledger: Ledger, position: int, day: int, threads: int = 1, model: str = MODEL
) -> Snapshot:
    """The scores at a position and day.

    Raises StoreDamaged for facts that no network can have: a commitment says that a fact was not
    changed since it was recorded, not that it was ever possible.
    """
    try:
        return snapshot_at(ledger, position, day, threads, model)
    except _IMPOSSIBLE as error:
        at = _first_impossible(ledger, position, day)
        if at == 0:
            raise
        raise StoreDamaged(
            f"the fact at position {at} cannot be scored: {error}; restore the log from a backup",
            position=at,
        ) from error


def _first_impossible(ledger: Ledger, position: int, day: int) -> int:
    """The first position at which nothing can be scored, by bisection; 0 if all can be."""
    if _is_possible(ledger, position, day):
        return 0
    low, high = 0, position
    while high - low > 1:
        middle = (low + high) // 2
        if _is_possible(ledger, middle, day):
            low = middle
        else:
            high = middle
    return high


def _is_possible(ledger: Ledger, position: int, day: int) -> bool:
    try:
        snapshot_at(ledger, position, day)
    except _IMPOSSIBLE:
        return False
    return True


def left_out(reader: Reader, snapshot: Snapshot, positions: Iterable[int]) -> NDArray[np.int64]:
    """See `refnet.whatif.left_out`."""

    def stream_at(position: int) -> Iterator[tuple[Any, Recorded]]:
        (row,) = reader.rows(position - 1, position, 1)
        return reader.stream(stream_of(row))

    return whatif.left_out(snapshot, positions, stream_at)
