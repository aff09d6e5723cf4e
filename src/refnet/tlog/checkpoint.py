"""Checkpoints: size and root of a tree in the words that are signed (c2sp.org/tlog-checkpoint)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from refnet.log.tree import DIGEST_SIZE
from refnet.tlog.note import BadNote, Note, Verifier, decode64, encode64, parse_note

_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a log says of itself: its name, how many leaves it has, their root."""

    origin: str
    size: int
    root: bytes

    def text(self) -> str:
        """The three lines that are signed. No extension lines: no monitor could check them."""
        return f"{self.origin}\n{self.size}\n{encode64(self.root)}\n"


def parse_checkpoint(text: str) -> Checkpoint:
    """Read the text of a note as a checkpoint. Raises BadNote.

    Extension lines, which other logs may have, are passed over.
    """
    lines = text.split("\n")
    if len(lines) < 4 or lines[-1] or not all(lines[:-1]):
        raise BadNote("a checkpoint has three lines at least, none of them empty")
    origin, size, root = lines[:3]
    digest = decode64(root)
    if len(digest) != DIGEST_SIZE:
        raise BadNote(f"the root of a checkpoint has {len(digest)} bytes and not {DIGEST_SIZE}")
    return Checkpoint(origin, parse_size(size), digest)


def parse_size(text: str) -> int:
    """A number as it is written by rule, at most 2^63 - 1. Raises BadNote."""
    if not _SIZE.fullmatch(text) or int(text) >= 1 << 63:
        raise BadNote(f"{text!r} is no number of leaves")
    return int(text)


def open_checkpoint(raw: str | bytes, log: Verifier) -> tuple[Checkpoint, Note]:
    """A checkpoint that this log has signed, and the note it came in.

    Raises BadNote if it is not signed with that key, or is of another origin.
    """
    note = parse_note(raw)
    if not log.has_signed(note):
        raise BadNote(f"no signature is of the key {log.vkey}")
    found = parse_checkpoint(note.text)
    if found.origin != log.name:
        raise BadNote(f"the checkpoint is of {found.origin}, the key of {log.name}")
    return found, note
