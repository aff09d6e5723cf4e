"""The ledger's saved state: how far its files reach, and what they hash to."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

NAME = "ledger.json"
FORMAT = 1


@dataclass(frozen=True, slots=True)
class Saved:
    """What is written beside the columns. chapters: (UUID, time zone)."""

    log_id: str
    position: int
    record_time: int
    digest: str
    members: list[str]
    chapters: list[tuple[str, str]]
    notes: dict[str, str]


def load(folder: Path) -> Saved | None:
    """What was saved, or None if there is nothing that can be used."""
    try:
        content = json.loads((folder / NAME).read_bytes())
        if content.pop("format") != FORMAT:
            return None
        content["chapters"] = [tuple(pair) for pair in content["chapters"]]
        return Saved(**content)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None


def store(folder: Path, state: Saved) -> None:
    """Replace the saved state; after a crash either the old one or the new one is there."""
    path = folder / NAME
    temporary = path.with_suffix(".tmp")
    with temporary.open("w") as file:
        json.dump({"format": FORMAT, **asdict(state)}, file)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    directory = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
