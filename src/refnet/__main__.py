"""`refnet`, and `python -m refnet` likewise."""

from __future__ import annotations

import os
import sys
from contextlib import suppress

INTERRUPTED = 130  # as in refnet.cli.command, whose import may be what was interrupted


def main() -> int:
    """Run the command line; returns its exit code.

    The rest is imported in here, for that takes a while, and Ctrl-C means the same all the time.
    """
    try:
        _fill_standard_files()
        # Else gRPC reports on stderr, in words of its own, what we are about to say.
        os.environ.setdefault("GRPC_VERBOSITY", "NONE")
        from refnet.cli import main as run  # noqa: PLC0415

        return run()
    except KeyboardInterrupt:
        with suppress(OSError, AttributeError):  # stderr may be full, or closed
            sys.stderr.write("refnet: interrupted\n")
        return INTERRUPTED


def _fill_standard_files() -> None:
    """Where a standard file is closed, the next one opened would get its number and its output."""
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)


if __name__ == "__main__":
    sys.exit(main())
