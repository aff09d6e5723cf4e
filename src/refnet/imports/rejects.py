"""The rows that did not go in: line and reason, in a file beside the store."""

from __future__ import annotations

import csv
import os
from itertools import count
from pathlib import Path
from typing import TextIO

from refnet.errors import RefnetError

FOLDER = "rejected"
_NOTE = ".source"
_HEADER = ("line", "reason", "column", "message")


class Rejects:
    """Writes `DIR/rejected/<name of the file>.csv` as soon as there is something to write.

    Where a file of that name in another folder has a list already, this one is `NAME.2.csv`, and so
    on; a note beside each list says of which file it is. The list repeats nothing of the rows: the
    line number finds them in the imported file, which is then the only place where personal data
    lies in the clear.
    """

    def __init__(self, data: Path, source: Path) -> None:
        """source: the file whose rows are rejected; its name names the list."""
        self._source = os.fsencode(source.resolve())
        self.path = _find(data / FOLDER, source.name, self._source)
        self.count = 0
        self._file: TextIO | None = None

    def clear(self) -> None:
        """Remove the list that an earlier import of this file left."""
        for path in (self.path, _note(self.path)):
            path.unlink(missing_ok=True)

    def write(self, rejected: list[tuple[int, RefnetError]]) -> None:
        """Add rows as (line, refusal); they are on their way to the disk when this returns."""
        if not rejected:
            return
        if self._file is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with os.fdopen(_create(_note(self.path)), "wb") as note:
                note.write(self._source)
            self._file = os.fdopen(_create(self.path), "w", encoding="utf-8", newline="")
            csv.writer(self._file).writerow(_HEADER)
        rows = csv.writer(self._file)
        for line, error in sorted(rejected, key=lambda row: row[0]):
            rows.writerow((line, error.reason, error.field, error.message))
        self._file.flush()
        self.count += len(rejected)

    def close(self) -> None:
        """Finish the file, if there is one."""
        if self._file is not None:
            self._file.close()


def _find(folder: Path, name: str, source: bytes) -> Path:
    """The list this file had last time, else the first one that is of no other file."""
    for note in folder.glob(f"*{_NOTE}"):
        if note.read_bytes() == source:
            return note.with_suffix("")
    numbers = (f".{number}" if number > 1 else "" for number in count(1))
    lists = (folder / f"{name}{number}.csv" for number in numbers)
    return next(path for path in lists if not _note(path).exists())


def _note(path: Path) -> Path:
    return path.with_name(f"{path.name}{_NOTE}")


def _create(path: Path) -> int:
    """A descriptor to write with. Only its owner may read it, whatever the umask says."""
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
