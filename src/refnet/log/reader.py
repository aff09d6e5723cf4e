"""Reading the log: raw rows for folds over numbers, decoded facts for everything else."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

from refnet.domain.decisions import Noun
from refnet.domain.facts import Recorded
from refnet.errors import ShuttingDown, StoreDamaged
from refnet.log._stored import first_uncommitted
from refnet.log.codec import Codec
from refnet.log.connections import STORAGE_ERRORS, connect, storage_error
from refnet.log.tree import Frontier

Row = tuple[int, str, int, str, bytes, bytes, bytes]
"""position, originator_id (32 hex digits), version, topic, state, salt, commitment."""

BareRow = tuple[str, bytes, bytes]
"""topic, state, commitment: all that a fold needs of most facts."""

Streams = Callable[[Sequence[int]], Mapping[int, tuple[str, int]]]
"""Positions -> originator_id (32 hex digits) and version of each."""

_SELECT = (
    "SELECT rowid, originator_id, originator_version, topic, state, salt, commitment"
    " FROM stored_events"
)
_SELECT_BARE = "SELECT topic, state, commitment FROM stored_events"
_CHUNK = 4096
_SCAN_CHUNK = 512
"""Rows that are read and used up before the next: they still lie in the processor's cache then."""
_END = (1 << 63) - 1

TAIL = 10_000
"""Facts that are verified whenever a log is opened: it takes 20 milliseconds."""


class Reader:
    """Reads what is committed, through a connection of its own; any thread may, one at a time.

    Rows are fetched in chunks, never through an open cursor, so that a slow consumer keeps no read
    transaction open and the write-ahead log can be folded back into the file.
    """

    def __init__(self, path: Path, codec: Codec) -> None:
        self._connection = connect(path, readonly=True)
        self._codec = codec
        # A connection that is closed while another thread uses it takes the process down.
        self._lock = threading.Lock()
        self._closed = False

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._closed = True
            self._connection.close()

    def head(self) -> tuple[int, int]:
        """(position, record_time) of the last fact; (0, 0) for the empty log."""
        rows = self.query("SELECT rowid, state FROM stored_events ORDER BY rowid DESC LIMIT 1")
        if not rows:
            return 0, 0
        return _whole(rows[0][0]), self._codec.record_time(*rows[0])

    def position(self) -> int:
        """The position of the last fact, 0 for the empty log."""
        return _whole(self.query("SELECT coalesce(max(rowid), 0) FROM stored_events")[0][0])

    def rows(self, after: int = 0, upto: int | None = None, limit: int = _CHUNK) -> list[Row]:
        """At most `limit` rows with after < position <= upto, in order.

        Raises StoreDamaged if a position is missing.
        """
        found = self.rows_as_found(after, upto, limit)
        wanted = range(after + 1, after + 1 + len(found))
        # All of them: a bit that flips in a page leaves its rows where they are, whatever they say.
        if [row[0] for row in found] != list(wanted):
            missing = next(p for p, row in zip(wanted, found, strict=True) if row[0] != p)
            raise StoreDamaged(
                f"the log has no fact at position {missing}, but later ones; "
                "restore it from a backup",
                position=missing,
            )
        return found

    def check_begins(self) -> None:
        """Raises StoreDamaged if there is a row before the first position, which no scan would see.

        A server could be asked for its stream all the same.
        """
        rows = self.query("SELECT min(rowid) FROM stored_events")
        if rows[0][0] not in (None, 1):
            raise StoreDamaged(
                f"the log begins at position {rows[0][0]} and not at 1; restore it from a backup",
                position=rows[0][0],
            )

    def rows_as_found(self, after: int, upto: int | None, limit: int) -> list[Row]:
        """As `rows`, whatever positions they say they have."""
        return self.query(
            f"{_SELECT} WHERE rowid > ? AND rowid <= ? ORDER BY rowid LIMIT ?",
            (after, _END if upto is None else upto, limit),
        )

    def scan(
        self, after: int = 0, upto: int | None = None, chunk: int = _SCAN_CHUNK
    ) -> Iterator[list[Row]]:
        """All rows with after < position <= upto, chunk by chunk; without `upto`, those there now.

        Raises StoreDamaged if `upto` or any position before it is missing.
        """
        end = self.position() if upto is None else upto
        while after < end:
            found = self.rows(after, end, chunk)
            if not found:
                raise StoreDamaged(
                    f"the log ends at position {after}, before {end}", position=after
                )
            yield found
            after = found[-1][0]

    def scan_bare(
        self, after: int = 0, upto: int | None = None, chunk: int = _SCAN_CHUNK
    ) -> Iterator[list[BareRow]]:
        """As `scan`, in chunks that follow each other; every column left out is time saved."""
        end = self.position() if upto is None else upto
        while after < end:
            stop = min(after + chunk, end)
            found: list[BareRow] = self.query(
                f"{_SELECT_BARE} WHERE rowid > ? AND rowid <= ? ORDER BY rowid", (after, stop)
            )
            if len(found) != stop - after:
                for _ in self.scan(after, end, chunk):
                    pass  # finds out which is missing
            yield found
            after = stop

    def streams(self, positions: Sequence[int]) -> dict[int, tuple[str, int]]:
        """Originator and version of the facts at positions that are in the log."""
        rows = self.query(
            "SELECT facts.rowid, originator_id, originator_version"
            " FROM json_each(?) AS wanted CROSS JOIN stored_events AS facts"
            " WHERE facts.rowid = wanted.value",
            (json.dumps(positions),),
        )
        return {position: (originator, version) for position, originator, version in rows}

    def facts(
        self, after: int = 0, upto: int | None = None, nouns: Sequence[Noun] | None = None
    ) -> Iterator[tuple[Any, Recorded]]:
        """Decoded facts in log order; with `nouns`, only theirs. Raises StoreDamaged."""
        topics = None if nouns is None else frozenset(self._codec.topics(nouns))
        for rows in self.scan(after, upto):
            for row in rows:
                if topics is None or row[3] in topics:
                    yield self.decode(row)

    def stream(self, stream: UUID, upto: int | None = None) -> Iterator[tuple[Any, Recorded]]:
        """The facts of one stream in order, as far as `upto`. Raises StoreDamaged."""
        rows = self.stream_rows(stream, upto)
        origin = rows[0][0] if rows else 0
        for version, row in enumerate(rows, 1):
            fact, recorded = self.decode(row)
            if recorded.version != version or recorded.origin != origin:
                raise StoreDamaged(
                    f"stream {stream} has version {recorded.version} at position "
                    f"{recorded.position} where version {version} of origin {origin} belongs; "
                    "restore the log from a backup",
                    stream=stream,
                    position=recorded.position,
                )
            yield fact, recorded

    def stream_rows(self, stream: UUID, upto: int | None = None) -> list[Row]:
        """The rows of one stream by version, as far as `upto`; nothing of them is checked."""
        found: list[Row] = self.query(
            f"{_SELECT} WHERE originator_id = ? AND rowid > 0 AND rowid <= ?"
            " ORDER BY originator_version",
            (stream.hex, _END if upto is None else upto),
        )
        return found

    def decode(self, row: Row) -> tuple[Any, Recorded]:
        """The fact of a row. Raises StoreDamaged if it is none."""
        return self._codec.decode(row[0], stream_of(row), row[2], row[3], row[4])

    def position_at(self, record_time: int) -> int:
        """The last position recorded at or before a time in microseconds; 0 if there is none.

        A binary search: record times never decrease.
        """
        low, high = 0, self.position()
        while low < high:
            middle = (low + high + 1) // 2
            (row,) = self.query("SELECT rowid, state FROM stored_events WHERE rowid = ?", (middle,))
            if self._codec.record_time(*row) <= record_time:
                low = middle
            else:
                high = middle - 1
        return low

    def answered(self, principal: str, request_id: str) -> UUID | None:
        """The stream an earlier request's facts went to; None if it is new or made none.

        Raises StoreDamaged.
        """
        rows = self.query(
            "SELECT position, facts, originator_id, state FROM requests"
            " LEFT JOIN stored_events ON stored_events.rowid = position"
            " WHERE principal = ? AND request_id = ? AND facts > 0",
            (principal, request_id),
        )
        return answered_in(self._codec, (principal, request_id), *rows[0]) if rows else None

    def tree(self, upto: int | None = None) -> Frontier:
        """The Merkle tree as far as `upto`, every commitment checked against its fact.

        Raises StoreDamaged, naming the position, for a fact that is not what was committed to.
        """
        grown = Frontier()
        for rows in self.scan(0, upto):
            check_commitments(rows)
            grown.extend(row[6] for row in rows)
        return grown

    def commitments(self, after: int, upto: int) -> list[bytes]:
        """The commitments of the facts with after < position <= upto, not checked.

        Raises StoreDamaged if a position is missing.
        """
        found = self.query(
            "SELECT commitment FROM stored_events WHERE rowid > ? AND rowid <= ? ORDER BY rowid",
            (after, upto),
        )
        if len(found) != upto - after:
            raise StoreDamaged(
                f"the log has {len(found)} facts at positions {after + 1} to {upto}; "
                "restore it from a backup",
                position=after + 1,
            )
        return [commitment for (commitment,) in found]

    def verify_tail(self, facts: int = TAIL) -> None:
        """Check the last facts against their commitments: what a crash or a bad disk spoils first.

        All of them is what `tree` does. Raises StoreDamaged, naming the position.
        """
        self.check_begins()
        end = self.position()
        for rows in self.scan(max(0, end - facts), end):
            check_commitments(rows)

    def query(self, statement: str, parameters: Sequence[object] = ()) -> list[Any]:
        """Rows of a SELECT. Raises as `connections.storage_error` says."""
        with self._lock:
            if self._closed:
                raise ShuttingDown("the log is closed; retry when the server is back")
            try:
                return self._connection.execute(statement, parameters).fetchall()
            except STORAGE_ERRORS as error:
                raise storage_error(error) from error


def stream_of(row: Row) -> UUID:
    """The stream of a fact. Raises StoreDamaged if that is no id."""
    try:
        return UUID(row[1])
    except (ValueError, AttributeError, TypeError) as error:
        raise StoreDamaged(
            f"the fact at position {row[0]} belongs to no stream; restore the log from a backup",
            position=row[0],
        ) from error


def answered_in(
    codec: Codec, asked: tuple[str, str], position: object, facts: object, stream: str, state: bytes
) -> UUID:
    """The stream to which the facts of a request went, the last of them to `position`.

    asked: (principal, request id). Raises StoreDamaged unless the fact there says so too: an answer
    that names another's facts is worse than none.
    """
    try:
        if isinstance(position, int) and isinstance(facts, int) and codec.asked(state) == asked:
            return UUID(stream)
    except (StoreDamaged, ValueError, AttributeError, TypeError):
        pass  # refused below
    raise StoreDamaged(
        f"request id {asked[1]!r} was answered, but at position {position} is no fact of it; "
        "restore the log from a backup",
        request_id=asked[1],
        position=position,
    )


def _whole(position: object) -> int:
    if isinstance(position, int):
        return position
    raise StoreDamaged("the log does not number its facts; restore it from a backup")


def first_changed(rows: Sequence[Row]) -> int:
    """The index of the first row that is not what its commitment says; -1 if there is none."""
    return first_uncommitted(rows)


def check_commitments(rows: Sequence[Row]) -> None:
    """Raises StoreDamaged, naming the position, unless every row is what its commitment says."""
    bad = first_changed(rows)
    if bad >= 0:
        position = rows[bad][0]
        raise StoreDamaged(
            f"the fact at position {position} is not the one committed to; restore from a backup",
            position=position,
        )
