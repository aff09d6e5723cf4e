"""The rows themselves: each is what its commitment says, and follows from those before it."""

from __future__ import annotations

import json
from array import array
from collections.abc import Callable, Iterator, Sequence
from uuid import UUID

from refnet.audit.finding import Differs, Step
from refnet.audit.suspect import suspect
from refnet.domain.decisions import Noun
from refnet.errors import RefnetError, StoreDamaged
from refnet.log.codec import Codec
from refnet.log.reader import Reader, Row, first_changed

CHUNK = 512
"""Rows that are read and used up before the next: they still lie in the processor's cache then."""

WAY_OUT = "restore the log from a backup"

_FIRST = "SELECT rowid FROM stored_events ORDER BY rowid LIMIT 1"

Entry = Callable[[int], bytes]
"""Leaf index -> the commitment that was published there; empty if none can be had."""


class Rows(Step):
    """Commitments, streams, versions, times and canonical bytes of every row."""

    name = "rows"

    def __init__(self, reader: Reader, codec: Codec, nouns: Sequence[Noun], entry: Entry) -> None:
        self._reader = reader
        self._codec = codec
        self._topics = codec.topics(nouns)
        self._entry = entry
        # The first fact's position of each stream, by the 16 bytes of its id; and, by that
        # position, the last version seen. A million facts take a few ten megabytes.
        self._began: dict[bytes, int] = {}
        self._versions = array("I", [0])
        self._record_time = 0

    def begin(self) -> None:
        """See `Step.begin`. Rows before the first position are never read, so nobody else looks."""
        try:
            found = self._reader.query(_FIRST)
        except RefnetError as error:
            raise _unreadable(0, error) from error
        first = found[0][0] if found else 1
        if first < 1:
            raise Differs(
                "position",
                f"the log has a row at position {first}, before the first fact; {WAY_OUT}",
                index=first - 1,
            )

    def take(self, rows: Sequence[Row]) -> int:
        """See `Step.take`."""
        bad = first_changed(rows)
        for at, row in enumerate(rows):
            if at == bad:
                raise self._uncommitted(row)
            self._check(row)
        return len(rows)

    def finish(self) -> None:
        """See `Step.finish`. Makes room for the steps that end after this one."""
        self._began.clear()
        self._versions = array("I")

    def _check(self, row: Row) -> None:
        position, originator, version, topic, state, _, _ = row
        self._versions.append(0)
        stream = bytes.fromhex(originator)
        began = self._began.get(stream)
        if began is None:
            if version != 1:
                raise _differs(row, "version", f"has version {version} of a stream without others")
            self._began[stream] = began = position
        elif self._versions[began] + 1 != version:
            raise _differs(
                row,
                "version",
                f"has version {version} of its stream, where {self._versions[began] + 1} belongs",
            )
        self._versions[began] = version
        try:
            _, recorded = self._codec.decode(position, UUID(originator), version, topic, state)
        except (StoreDamaged, RecursionError, OverflowError) as error:
            what = "state" if topic in self._topics else "topic"
            raise _differs(row, what, f"cannot be read: {_reason(error)}") from error
        if recorded.origin != began:
            raise _differs(
                row,
                "origin",
                f"says that its stream began at position {recorded.origin}, but that was {began}",
            )
        if recorded.record_time < self._record_time:
            raise _differs(
                row,
                "record_time",
                f"was recorded at {recorded.record_time}, before the one in front of it "
                f"({self._record_time}); record times never decrease",
            )
        self._record_time = recorded.record_time

    def _uncommitted(self, row: Row) -> Differs:
        position, originator, *_ = row
        began = self._began.get(_raw(originator), 0)
        last = self._versions[began] if began else 0
        versions = range(last + 1, 0, -1)
        what = suspect(row, self._topics, self._streams_of(row), versions, self._published(row))
        return _differs(row, what, f"is not the one committed to: its {what} was changed", position)

    def _published(self, row: Row) -> bytes:
        return self._entry(row[0] - 1)

    def _streams_of(self, row: Row) -> Iterator[str]:
        """The stream that the state says the fact is of, if the state can be read."""
        try:
            origin = json.loads(row[4])["origin"]
        except (ValueError, TypeError, KeyError, RecursionError):
            return
        for stream, began in self._began.items():
            if began == origin:
                yield stream.hex()


def scan(reader: Reader, upto: int, after: int = 0) -> Iterator[list[Row]]:
    """All rows with after < position <= upto, in chunks that follow each other.

    Raises Differs, naming the position, for one that is missing or that SQLite cannot give out; all
    before it were given then.
    """
    size = CHUNK
    while after < upto:
        try:
            rows = reader.rows_as_found(after, upto, size)
        except RefnetError as error:
            if size > 1:  # find out which, one by one
                size = 1
                continue
            raise _unreadable(after, error) from error
        if not rows:
            raise Differs(
                "position",
                f"the log has no fact at position {after + 1}, but {upto} facts; {WAY_OUT}",
                index=after,
            )
        for place, row in enumerate(rows, after + 1):
            # A bit that flips in a position leaves the others of its page where they are, so that
            # the first and the last may be right and one between them not.
            if row[0] != place:
                raise Differs(
                    "position",
                    f"the fact after position {place - 1} says that it is at {row[0]}; {WAY_OUT}",
                    index=place - 1,
                )
        yield rows
        after += len(rows)


def _unreadable(after: int, error: RefnetError) -> Differs:
    return Differs(
        "page",
        f"the fact at position {after + 1} cannot be read from the database: {error.message}",
        index=after,
    )


def _differs(row: Row, what: str, why: str, position: int | None = None) -> Differs:
    at = row[0] if position is None else position
    return Differs(
        what, f"the fact at position {at} (leaf index {at - 1}) {why}; {WAY_OUT}", index=at - 1
    )


def _raw(originator: object) -> bytes:
    try:
        return bytes.fromhex(originator) if isinstance(originator, str) else b""
    except ValueError:
        return b""


def _reason(error: Exception) -> str:
    if isinstance(error, RefnetError):
        return error.message.removesuffix(f"; {WAY_OUT}").partition("cannot be read: ")[2]
    return "it is nested too deeply, or holds a number too large"
