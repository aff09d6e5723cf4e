"""Writing files that others read at any moment: whole or not at all, and there after a crash."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

from refnet.log.files import failed_to_make, make_directory, sync_directory

PUBLIC = 0o644
PRIVATE = 0o600


def write_files(
    root: Path,
    files: Mapping[str, bytes],
    mode: int = PUBLIC,
    *,
    written: Callable[[], None] = lambda: None,
) -> None:
    """Put files below a folder, by their paths; returns once all of them lie on the disk.

    Each appears whole, under its name, or not at all. written: called when all are written and none
    has its name yet. Raises StorageFull or StoreDamaged.
    """
    try:
        folders = sorted({(root / path).parent for path in files})
        for each in folders:
            # Who may read the files must be able to reach them.
            make_directory(each, 0o700 if mode == PRIVATE else 0o755)
        for path, content in files.items():
            _write(_unfinished(root / path), content, mode)
        written()
        for path in files:
            _unfinished(root / path).rename(root / path)
        for each in folders:
            sync_directory(each)
    except OSError as error:
        raise failed_to_make(root, error) from error


def _write(path: Path, content: bytes, mode: int) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
    descriptor = os.open(path, flags, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(descriptor)


def _unfinished(path: Path) -> Path:
    return path.with_name(path.name + ".new")


def append_durably(path: Path, block: bytes) -> None:
    """Add to the end of a public file. Raises StorageFull or StoreDamaged."""
    try:
        with path.open("ab", buffering=0) as file:
            if file.tell() == 0:
                path.chmod(PUBLIC)
            while block:
                block = block[file.write(block) or 0 :]
            os.fsync(file.fileno())
    except OSError as error:
        raise failed_to_make(path, error) from error


def cut_durably(path: Path, count: int) -> None:
    """Take so many bytes from the end of a file. Raises StorageFull or StoreDamaged."""
    try:
        with path.open("r+b") as file:
            file.truncate(file.seek(0, os.SEEK_END) - count)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise failed_to_make(path, error) from error
