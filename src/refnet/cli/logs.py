"""Where the server's log lines go: to stderr, and never to stdout, which is for results."""

from __future__ import annotations

import io
import sys
from collections.abc import MutableMapping
from contextlib import suppress
from typing import Any, BinaryIO, cast

import msgspec
import structlog


def configure_logs() -> None:
    """People get lines, programs JSON. Tracebacks show no values: these may be personal."""
    shared: list[Any] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    if sys.stderr.isatty():
        plain = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
        structlog.configure(
            processors=[*shared, plain],
            logger_factory=structlog.WriteLoggerFactory(sys.stderr),
            cache_logger_on_first_use=True,
        )
    else:
        structlog.configure(
            processors=[*shared, structlog.processors.format_exc_info, _as_json],
            logger_factory=structlog.BytesLoggerFactory(
                cast("BinaryIO", _Patient(sys.stderr.buffer))
            ),
            cache_logger_on_first_use=True,
        )


class _Patient(io.RawIOBase):
    """Drops the lines it cannot write: no call may fail because the disk of the logs is full."""

    def __init__(self, file: Any) -> None:
        # Past the buffer, which would keep what could not be written, and fail with it again.
        self._file = getattr(file, "raw", file)

    def write(self, line: Any) -> int:
        """Write a line, at once and at most once."""
        with suppress(OSError):
            self._file.write(line)
        return len(line)


def _as_json(_: Any, __: str, event: MutableMapping[str, Any]) -> bytes:
    return msgspec.json.encode(event, enc_hook=str)
