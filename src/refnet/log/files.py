"""Making files and directories that last and that only their owner may read."""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from pathlib import Path

from refnet.errors import RefnetError, StorageFull, StoreDamaged


def make_directory(path: Path, mode: int = 0o700) -> None:
    """Make a directory, and those it lies in, unless they exist; durably."""
    missing = [each for each in (path, *path.parents) if not each.exists()]
    for each in reversed(missing):
        each.mkdir(mode=mode, exist_ok=True)
        sync_directory(each.parent)


def make_private(path: Path) -> None:
    """Make an empty file for its owner only, whatever the umask, unless there is one.

    One that exists is not opened: closing it would let go of locks that SQLite holds on it. Raises
    StorageFull or StoreDamaged.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    try:
        with suppress(FileExistsError):
            os.close(os.open(path, flags, 0o600))
            sync_directory(path.parent)
    except OSError as error:
        raise failed_to_make(path, error) from error


def sync_directory(path: Path) -> None:
    """Return once the names in a directory lie on the disk."""
    directory = os.open(path, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def failed_to_make(path: Path, error: OSError) -> RefnetError:
    """StorageFull or StoreDamaged, whichever a failure of the disk amounts to."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StorageFull(f"the disk is full, and {path} cannot be made; free space, then retry")
    return StoreDamaged(
        f"{path} cannot be made: {error.strerror or error}; check the disk, then retry",
        error=errno.errorcode.get(error.errno or 0, type(error).__name__),
    )
