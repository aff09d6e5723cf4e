"""Lines of a text file, plain or gzip, with how far the reader has come."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from io import TextIOWrapper
from pathlib import Path
from typing import IO, cast

from refnet.errors import InvalidRequest

Progress = Callable[[int], None]
"""Told how many bytes of the file, as it lies on the disk, have been read."""

_STEP = 1000
_LONGEST = 1 << 20


def read_lines(path: Path, progress: Progress | None = None) -> Iterator[tuple[int, str]]:
    """(line number from 1, line without its end) of a UTF-8 file; `.gz` is known by suffix.

    Bytes that are not UTF-8 come as lone surrogates, so that one bad line is one bad row.
    Raises InvalidRequest, after the lines that could be read, if a gzip file is damaged.
    """
    number = 0
    with ExitStack() as files:
        raw = files.enter_context(path.open("rb"))
        plain = cast("IO[bytes]", files.enter_context(gzip.open(raw)) if _zipped(path) else raw)
        text = TextIOWrapper(plain, encoding="utf-8-sig", errors="surrogateescape")
        files.callback(text.detach)
        try:
            while line := text.readline(_LONGEST):
                number += 1
                while not line.endswith("\n") and (more := text.readline(_LONGEST)):
                    line = line[:_LONGEST] + "\n" * more.endswith("\n")  # too long for any row
                yield number, line.rstrip("\r\n")
                if progress is not None and number % _STEP == 0:
                    progress(raw.tell())
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise InvalidRequest(
                f"{path.name} is a damaged gzip file after line {number}; get a whole copy, "
                "and import that: the rows that went in are not taken twice",
                line=number,
            ) from error
        if progress is not None:
            progress(raw.tell())


def _zipped(path: Path) -> bool:
    return path.suffix.lower() == ".gz"
