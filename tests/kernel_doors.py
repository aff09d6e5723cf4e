"""What tests of the kernel's doors share: its messages, and the scratch of its pulls."""

from __future__ import annotations

from typing import Any

import numpy as np

from refnet import _scoring
from refnet.scoring import tile_bounds

STATUSES = {status: text for status, text in enumerate(_scoring.MESSAGES) if status}

# Of tiles of two members by two, for three members or two.
BAD_TILES: list[tuple[str, dict[str, Any]]] = [
    ("tile_bits", {"tile_bits": 0}),
    ("tile_bits", {"tile_bits": 17}),
    ("the arrays", {"tile_bits": 3, "bounds": np.empty((2, 2, 2), np.int64)}),
    ("the arrays", {"bounds": np.empty((3, 2, 2), np.int64)}),
    ("the arrays", {"bounds": np.empty((2, 1, 2), np.int64)}),
    ("the arrays", {"bounds": np.empty((1, 2, 2), np.int64)}),
    ("the arrays", {"bounds": np.empty((2, 2, 1), np.int64)}),
    ("the arrays", {"places": np.empty(1, np.uint32)}),
    ("the arrays", {"weights": np.empty(1)}),
]


def message(status_text: str) -> str:
    """A message of the kernel by its beginning, which must be exactly one."""
    (found,) = (text for text in STATUSES.values() if text.startswith(status_text))
    return found


def tile_arguments(members: int, pairs: int) -> dict[str, Any]:
    """Scratch for tiles of two members by two."""
    return {
        "bounds": tile_bounds(members, 1),
        "places": np.empty(pairs, np.uint32),
        "weights": np.empty(pairs),
        "tile_bits": 1,
    }
