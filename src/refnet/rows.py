"""Slots in rows: of whom each slot is, and where the row of each begins."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def offsets_of(sources: NDArray[np.integer[Any]], n: int) -> NDArray[np.int64]:
    """Where the row of each of n members begins among slots in order of their sources; [n + 1]."""
    offsets = np.zeros(n + 1, np.int64)
    np.cumsum(np.bincount(sources, minlength=n), out=offsets[1:])
    return offsets


def sources_of(offsets: NDArray[np.int64]) -> NDArray[np.int64]:
    """The member whose row each slot is in; the other way round than `offsets_of`."""
    return np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
