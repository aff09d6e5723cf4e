"""Records of a CSV file, each with the line it begins in.

A quote that nobody closed must not swallow the good rows below it. So whatever goes wrong with a
quoted cell that runs over the end of its line is put down to the line in which the quote opened,
and reading goes on with the line after that.
"""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterator, Sequence
from itertools import islice

from refnet.errors import InvalidRequest, RefnetError

LINES_MAX = 100
"""Lines a record may have. A text has at most 4096 bytes, so more of them are hardly meant."""

Record = tuple[int, Sequence[str] | RefnetError]
"""Line number, and the cells or why they cannot be read."""


def read_records(lines: Iterator[tuple[int, str]], delimiter: str) -> Iterator[Record]:
    """The records of numbered lines. Those of several lines may not be wider than the first one."""
    waiting: deque[tuple[int, str]] = deque()
    width = 0
    while True:
        if not waiting:
            waiting.extend(islice(lines, 1))
        if not waiting:
            return
        number, line = waiting[0]
        if '"' not in line:
            waiting.popleft()
            row: Sequence[str] | RefnetError = line.split(delimiter)
        else:
            number, row = _quoted(waiting, lines, delimiter, width)
        if not width and not isinstance(row, RefnetError) and any(map(str.strip, row)):
            width = len(row)
        yield number, row


def _quoted(
    waiting: deque[tuple[int, str]],
    lines: Iterator[tuple[int, str]],
    delimiter: str,
    width: int,
) -> Record:
    """Take a record with quotes off the lines that wait; more of them are fetched as needed."""
    feed = _Feed(waiting, lines)
    fault = ""
    row: list[str] = []
    try:
        row = next(csv.reader(feed, delimiter=delimiter, strict=True))
    except csv.Error as error:
        below = feed.taken - 1
        fault = (
            f"a quote opens here and ends amid a cell {below} lines below" if below else str(error)
        )
    if feed.starved:
        fault = f"a quote opens here and is not closed within {LINES_MAX} lines"
        if feed.taken < LINES_MAX:
            fault = "a quote opens here and is never closed"
    elif feed.taken > 1 and width and any(cell.strip() for cell in row[width:]):
        fault = f"a quote opens here and runs on for {feed.taken} lines"
    record = [waiting.popleft() for _ in range(feed.taken)]
    if not fault:
        return record[0][0], row
    opened = _opened([line for _, line in record], delimiter)
    waiting.extendleft(reversed(record[opened + 1 :]))
    return record[opened][0], InvalidRequest(
        f"the row cannot be read ({fault}); close its quotes, and double those inside a cell"
    )


class _Feed:
    """Hands out the lines that wait, fetching more, to a reader that is in the midst of a cell.

    starved: whether it asked for another line when there was none, or no more were allowed.
    """

    def __init__(self, waiting: deque[tuple[int, str]], lines: Iterator[tuple[int, str]]) -> None:
        self._waiting = waiting
        self._lines = lines
        self.taken = 0
        self.starved = False

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if self.taken == len(self._waiting) < LINES_MAX:
            self._waiting.extend(islice(self._lines, 1))
        if self.taken == min(len(self._waiting), LINES_MAX):
            self.starved = True
            raise StopIteration
        line = self._waiting[self.taken][1]
        self.taken += 1
        return f"{line}\n"


def _opened(lines: Sequence[str], delimiter: str) -> int:
    """Which of the lines of a record opens the quoted cell at which reading it failed."""
    opened, at_start, quoted, closed = 0, True, False, False
    for place, line in enumerate(lines):
        for sign in f"{line}\n":
            if quoted:
                closed = sign == '"'
                quoted = not closed
            elif sign == '"' and (at_start or closed):
                if at_start:
                    opened = place
                quoted = True
            elif closed and sign not in f"{delimiter}\n":
                return opened
            else:
                at_start, closed = sign == delimiter, False
                continue
            at_start = False
    return opened
