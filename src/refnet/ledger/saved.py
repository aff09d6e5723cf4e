"""The ledger's saved state: how far its files reach, and what they hash to."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

NAME = "ledger.json"
FORMAT = 3
"""Raised when what is saved changes: a folder of another format is made again from the log."""


@dataclass(frozen=True, slots=True)
class Saved:
    """What is written beside the columns. chapters: (UUID, time zone)."""

    log_id: str
    position: int
    record_time: int
    digest: str
    members: list[str]
    chapters: list[tuple[str, str]]
    classifications: list[str]
    notes: dict[str, str]


def load(folder: Path) -> Saved | None:
    """What was saved, or None if there is nothing that can be used."""
    try:
        content = (folder / NAME).read_bytes()
        state = content[_STATE_AT:-1]
        if content != _sealed(state):
            return None
        told = json.loads(state)
        told["chapters"] = [tuple(pair) for pair in told["chapters"]]
        return Saved(**told)
    except (OSError, ValueError, TypeError, KeyError):
        return None


def store(folder: Path, state: Saved) -> None:
    """Replace the saved state; after a crash either the old one or the new one is there."""
    path = folder / NAME
    temporary = path.with_suffix(".tmp")
    with temporary.open("wb") as file:
        file.write(_sealed(json.dumps(asdict(state)).encode()))
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    directory = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def _sealed(state: bytes) -> bytes:
    """The content of the file: JSON, with the hash of what it says about the state.

    The ledger's own digest covers rows and names. Whatever else is noted here must not be believed
    after a bit has flipped either.
    """
    return b'{"format":%d,"sha256":"%s","state":%s}' % (
        FORMAT,
        hashlib.sha256(state).hexdigest().encode(),
        state,
    )


_STATE_AT = len(_sealed(b"")) - 1
