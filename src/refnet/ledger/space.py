"""Where columns live: in memory, or in memory-mapped files that outlast the process."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from refnet.ledger.columns import DTYPES, ROW_BYTES, Columns, allocate, columns_of

_FIRST_ROWS = 65_536
_MORE_ROWS = 1 << 24


class Space(Protocol):
    """Room for rows. Rows already written keep their values when it grows."""

    columns: Columns

    def reserve(self, rows: int) -> None:
        """Make room for at least that many rows. Raises OSError when there is none."""

    def flush(self) -> None:
        """Return once everything written lies on the disk, if there is one."""


class MemorySpace:
    """Columns that go with the process."""

    def __init__(self) -> None:
        self.columns = allocate(_FIRST_ROWS)

    def reserve(self, rows: int) -> None:
        """See `Space.reserve`."""
        have = len(self.columns)
        if rows <= have:
            return
        more = allocate(max(rows, 2 * have) - have)
        pairs = zip(self.columns, more, strict=True)
        self.columns = columns_of(np.concatenate(pair) for pair in pairs)

    def flush(self) -> None:
        """Nothing to flush."""


class FileSpace:
    """One memory-mapped file a column, `<name>.col`, grown by doubling.

    Blocks are allocated before they are mapped: writing into a hole of a full disk would kill the
    process with SIGBUS instead of raising an error.
    """

    def __init__(self, folder: Path) -> None:
        """Raises OSError if the files cannot be had: no room, no permission, a folder instead."""
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        rows = min(self._size(name) // kind.itemsize for name, kind in DTYPES.items())
        self._grow(max(rows, _FIRST_ROWS), rows)

    def reserve(self, rows: int) -> None:
        """See `Space.reserve`."""
        have = len(self.columns)
        if rows <= have:
            return
        # The log lives on the same disk and matters more: leave it most of what is free.
        affordable = shutil.disk_usage(self._folder).free // (8 * ROW_BYTES)
        self._grow(max(rows, have + min(have, _MORE_ROWS, affordable)), have)

    def flush(self) -> None:
        """Write all pages back and wait.

        By the file, which writes what was changed through the map too: the map's own flush would
        hold Python's lock, and with it every thread, until the disk is done.
        """
        for name in DTYPES:
            with (self._folder / f"{name}.col").open("rb") as file:
                os.fsync(file.fileno())

    def _grow(self, rows: int, have: int) -> None:
        """Map so many rows. Raises OSError, and then no column has room for more than it had."""
        try:
            self._map(rows)
        except OSError:
            self._cut(have)
            raise

    def _size(self, name: str) -> int:
        path = self._folder / f"{name}.col"
        return path.stat().st_size if path.exists() else 0

    def _cut(self, rows: int) -> None:
        """Give back what some columns got when the next one got nothing."""
        for name, kind in DTYPES.items():
            if self._size(name) > rows * kind.itemsize:
                os.truncate(self._folder / f"{name}.col", rows * kind.itemsize)

    def _map(self, rows: int) -> None:
        maps: list[Any] = []
        for name, kind in DTYPES.items():
            path = self._folder / f"{name}.col"
            with path.open("ab") as file:
                missing = rows * kind.itemsize - self._size(name)
                if missing > 0:
                    os.posix_fallocate(file.fileno(), self._size(name), missing)
            maps.append(np.memmap(path, kind, "r+", shape=(rows,)))
        self.columns = columns_of(maps)
