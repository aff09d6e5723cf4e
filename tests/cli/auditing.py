"""What tests of the audit do with a store."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from cli.running import Run
from refnet.log.store import FILE


def facts_of(run: Run) -> list[dict[str, Any]]:
    return [json.loads(line) for line in run("export", "facts", "--json").out.splitlines()]


def tamper(data: Path, statement: str, *parameters: object) -> None:
    """Change a log behind refnet's back."""
    with closing(sqlite3.connect(data / FILE)) as log:
        log.execute("DROP TRIGGER stored_events_no_update")
        log.execute("DROP TRIGGER stored_events_no_delete")
        log.execute(statement, parameters)
        log.commit()
