"""A store in a directory that cannot be written to: a snapshot, or media from somebody else."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from refnet.errors import StoreDamaged, StoreSealed
from refnet.log.store import FILE

_CAUSES = ("SQLITE_CANTOPEN", "SQLITE_READONLY")


@contextmanager
def told_read_only(data: Path) -> Iterator[None]:
    """Say that it is the directory, where SQLite says only that it cannot open a file.

    The index of a log that was closed is gone, and reading makes it again, beside the log.
    """
    try:
        yield
    except StoreDamaged as refusal:
        is_unopened = refusal.facts.get("error", "").startswith(_CAUSES)
        if not is_unopened or not data.is_dir() or os.access(data, os.W_OK):
            raise
        raise StoreSealed(
            f"{data} cannot be written to, and reading the log takes files that SQLite makes "
            f"beside {FILE}; copy the directory to where you can write, and give that with --data",
            path=data,
        ) from refusal
