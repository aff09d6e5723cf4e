"""The log's fixtures, for the one test that puts a new noun into a real store."""

from __future__ import annotations

from log.conftest import open_log

__all__ = ["open_log"]
