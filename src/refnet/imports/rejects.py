"""The rows that did not go in: line and reason, in a file beside the store."""

from __future__ import annotations

import csv
import os
from pathlib import Path
from typing import TextIO

from refnet.errors import RefnetError

FOLDER = "rejected"
_HEADER = ("line", "reason", "column", "message")


class Rejects:
    """Writes `DIR/rejected/<name of the file>.csv` as soon as there is something to write.

    It repeats nothing of the rows: the line number finds them in the imported file, which is then
    the only place where personal data lies in the clear.
    """

    def __init__(self, data: Path, source: Path) -> None:
        """source: the file whose rows are rejected; its name names the list."""
        self.path = data / FOLDER / f"{source.name}.csv"
        self.count = 0
        self._file: TextIO | None = None

    def clear(self) -> None:
        """Remove the list that an earlier import of a file of that name left."""
        self.path.unlink(missing_ok=True)

    def write(self, rejected: list[tuple[int, RefnetError]]) -> None:
        """Add rows as (line, refusal); they are on their way to the disk when this returns."""
        if not rejected:
            return
        if self._file is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            # Only its owner may read it, whatever the umask says.
            descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            self._file = os.fdopen(descriptor, "w", encoding="utf-8", newline="")
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
