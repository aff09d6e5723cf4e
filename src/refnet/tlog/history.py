"""All checkpoints a log ever published, one after the other in one file that only grows.

Each is followed by an empty line. A checkpoint whose end was cut off by a crash is taken back.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from refnet.tlog.files import append_durably, cut_durably
from refnet.tlog.note import BadNote, Note, parse_note

_SIGNED = "— "
_TAIL = 1 << 16
"""Longer than any checkpoint with its signatures."""


def append(path: Path, note: str) -> None:
    """Add a checkpoint, unless it is the last one there. Raises StorageFull, StoreDamaged."""
    block = note.encode() + b"\n"
    whole, tail = _tail(path)
    if whole != len(tail):
        cut_durably(path, len(tail) - whole)
    if not tail[:whole].endswith(block):
        append_durably(path, block)


def read(path: Path) -> Iterator[Note]:
    """The checkpoints of a file in order, not verified; one that was cut off last is left out.

    Raises BadNote for anything else that is none.
    """
    with path.open(encoding="utf-8", newline="\n") as file:
        yield from split(file)


def split(lines: Iterable[str]) -> Iterator[Note]:
    """The checkpoints among lines, each with its line feed. Raises BadNote."""
    block: list[str] = []
    for line in lines:
        if line == "\n" and block and block[-1].startswith(_SIGNED):
            yield parse_note("".join(block))
            block = []
        else:
            block.append(line)
    if len("".join(block)) > _TAIL:
        raise BadNote("the file of checkpoints ends in something that is none")


def _tail(path: Path) -> tuple[int, bytes]:
    """How much of the end of the file is whole checkpoints, and that end."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - _TAIL))
            tail = file.read()
    except FileNotFoundError:
        return 0, b""
    end = len(tail)
    while end > 0:
        end = tail.rfind(b"\n\n", 0, end)
        if end < 0:
            break
        if tail.rfind(b"\n" + _SIGNED.encode(), 0, end) == tail.rfind(b"\n", 0, end):
            return end + 2, tail
        end += 1
    return 0, tail
