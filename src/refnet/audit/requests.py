"""The answers to requests, which repeat what facts say: each fact was made by exactly one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from refnet.audit.finding import Differs, Step
from refnet.audit.rows import WAY_OUT
from refnet.errors import RefnetError, StoreDamaged
from refnet.log.codec import Codec
from refnet.log.reader import Reader, Row

_PAGE = 2048
_SELECT = """
SELECT principal, request_id, asked.position, facts, state FROM requests AS asked
    LEFT JOIN stored_events ON stored_events.rowid = asked.position
    WHERE (principal, request_id) > (?, ?) ORDER BY principal, request_id LIMIT ?
"""


class Requests(Step):
    """The table of request ids against the facts: a retry is answered from it."""

    name = "requests"
    needs_sound_rows = True

    def __init__(self, reader: Reader, codec: Codec, head: int) -> None:
        self._reader = reader
        self._codec = codec
        self._head = head

    def take(self, rows: Sequence[Row]) -> int:
        """See `Step.take`."""
        return len(rows)

    def finish(self) -> None:
        """See `Step.finish`."""
        made = bytearray(self._head)  # a byte a fact: whether some request made it
        for principal, request_id, position, facts, state in self._all():
            if not (type(position) is type(facts) is int and 0 <= facts <= position):
                raise _differs(f"request {request_id!r} has no place in the log", None)
            # What was recorded since we began is there too: a request and its facts appear at once.
            if position and state is None:
                raise _differs(
                    f"request {request_id!r} is said to be answered by position {position}, which "
                    "the log does not hold",
                    None,
                )
            if facts and self._asked(state) != (principal, request_id):
                raise _differs(
                    f"request {request_id!r} is said to have made the fact at position {position}, "
                    "which says otherwise",
                    position,
                )
            span = slice(position - facts, min(position, self._head))
            if any(made[span]):
                raise _differs(f"two requests are said to have made {position} or one before", None)
            made[span] = b"\x01" * max(0, span.stop - span.start)
        if (index := made.find(0)) >= 0:
            raise _differs(f"no request is said to have made position {index + 1}", index + 1)

    def _all(self) -> Iterator[tuple[str, str, Any, Any, Any]]:
        last = ("", "")
        while page := self._page(last):
            for found in page:
                key = found[:2]
                # What is out of order could be given out for ever.
                if not all(isinstance(each, str) for each in key) or key < last:
                    raise _differs(f"the table of requests is damaged behind {last[1]!r}", None)
                last = key
                yield found

    def _page(self, last: tuple[str, str]) -> list[Any]:
        try:
            return self._reader.query(_SELECT, (*last, _PAGE))
        except RefnetError as error:
            raise _differs(
                f"the table of requests cannot be read: {error.message}", None
            ) from error

    def _asked(self, state: object) -> tuple[str, str] | None:
        try:
            return self._codec.asked(state) if isinstance(state, bytes) else None
        except StoreDamaged:
            return None


def _differs(why: str, position: int | None) -> Differs:
    return Differs("request", f"{why}; {WAY_OUT}", index=position and position - 1)
