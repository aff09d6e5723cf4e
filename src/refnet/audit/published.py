"""What was signed and published, read once: three files that a running publisher writes in turn."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

from refnet.tlog.note import BadNote, parse_note
from refnet.tlog.publish import CHECKPOINT, HISTORY
from refnet.tlog.signer import LOCK, STATE

PATIENCE_SECONDS = 2.0
"""How long a publisher may take from remembering what it signs to having published it."""

_PAUSE_SECONDS = 0.05
_TAIL = 1 << 16


@dataclass(frozen=True, slots=True)
class Signed:
    """What was found, unread.

    checkpoint: the newest, b"" if there is none. state: what the signer remembers, b"" if it is
    not here or has signed nothing. length: of the history. ends_well: whether the history ends with
    the newest checkpoint. has_signer: whether the signer's directory is here. has_worked: whether
    somebody began to publish here; a signer that was only made leaves no trace of it. problem:
    which file cannot be read, and why.
    """

    checkpoint: bytes
    state: bytes
    length: int
    ends_well: bool
    has_signer: bool
    has_worked: bool
    problem: str = ""

    @property
    def is_settled(self) -> bool:
        """Whether the three agree: they do unless a publisher works, waits or was cut off."""
        if self.problem or not (_is_note(self.checkpoint) and _is_note(self.state)):
            return True  # no publisher leaves such, so waiting will not help
        said = text_of(self.checkpoint)
        return self.ends_well and (not self.has_signer or said == text_of(self.state))


def read_signed(root: Path, signer: Path | None, patience: float = PATIENCE_SECONDS) -> Signed:
    """What is published in a folder, and what its signer remembers.

    signer: its directory; None if it is elsewhere. patience: seconds for a running publisher to
    finish what it began.
    """
    end = time.monotonic() + patience
    found = _read(root, signer)
    while not found.is_settled and time.monotonic() < end:
        time.sleep(_PAUSE_SECONDS)
        found = _read(root, signer)
    return found


def text_of(note: bytes) -> bytes:
    """What is signed of a note: without signatures, which witnesses may add to."""
    return note.rpartition(b"\n\n")[0]


def _read(root: Path, signer: Path | None) -> Signed:
    has_signer = signer is not None and signer.is_dir()
    try:
        # The history first: it is written last, so that it can only be behind what is read next.
        length, tail = _tail(root / HISTORY)
        checkpoint = _content(root / CHECKPOINT)
        state = _content(signer / STATE) if signer is not None and has_signer else b""
    except OSError as error:
        problem = f"{error.filename} cannot be read: {error.strerror}; restore what was published"
        return Signed(
            *(b"", b"", 0), ends_well=False, has_signer=has_signer, has_worked=True, problem=problem
        )
    ends_well = tail.endswith(checkpoint + b"\n") if checkpoint else not length
    has_locked = has_signer and signer is not None and (signer / LOCK).exists()
    has_worked = has_locked or (root / "tile").exists()
    return Signed(checkpoint, state, length, ends_well, has_signer, has_worked)


def _is_note(raw: bytes) -> bool:
    try:
        return not raw or bool(parse_note(raw).signatures)
    except BadNote:
        return False


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""


def _tail(path: Path) -> tuple[int, bytes]:
    try:
        with path.open("rb") as file:
            length = file.seek(0, os.SEEK_END)
            file.seek(max(0, length - _TAIL))
            return length, file.read(_TAIL)
    except FileNotFoundError:
        return 0, b""
