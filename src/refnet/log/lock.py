"""One sequencer per directory: a lock the kernel lets go of when its holder dies."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from refnet.errors import StoreSealed


class WriterLock:
    """Holds DIRECTORY/writer.lock until closed. The file stays, naming its last holder."""

    def __init__(self, directory: Path) -> None:
        """Raises StoreSealed, naming the holder's process, if somebody else holds the lock."""
        path = directory / "writer.lock"
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.read(self._descriptor, 32).decode("ascii", "replace").strip() or "unknown"
            os.close(self._descriptor)
            raise StoreSealed(
                f"{directory} is being written by process {holder}; stop it, or send it the writes",
                process=holder,
            ) from error
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, f"{os.getpid()}\n".encode(), 0)

    def close(self) -> None:
        """Let the next writer in."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
