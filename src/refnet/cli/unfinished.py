"""Stores that hold a part of a made-up network, which must not pass for a whole one."""

from __future__ import annotations

from pathlib import Path

from refnet.errors import StoreSealed

MARK = "demo.unfinished"
"""A file that lies in a store while its demo is being made, and after that was interrupted."""


def refuse_unfinished(data: Path) -> None:
    """Raises StoreSealed for a store whose demo is not whole."""
    if (data / MARK).exists():
        raise StoreSealed(
            f"{data} holds a demo that is not finished; "
            f"let refnet serve --demo --data {data} make it whole",
            path=data,
        )
