"""Scores of a network that goes on: the kernel reads again only what may have changed.

Most of its work is done row by row and reaches no further than to partners: masses, shares, what a
member gave and got. A handful of new facts changes a handful of rows, and the others stand as the
last call left them. Only trust goes round the whole network, and is sent round again every time; it
is the lesser part. Every row is computed by the same code in the same order as by `score`, so the
bits are the same.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from refnet import _scoring
from refnet.accumulators import Accumulators, Network
from refnet.scoring import ARRAYS, MODEL, Floats, Scores, compute, constants

_EDGES, _FLOWS = len(_scoring.EDGE_NAMES), len(_scoring.FLOW_NAMES)
_EDGE_BYTES = _EDGES * np.dtype(np.float64).itemsize

_SLACK = 16
"""Room for one pair more in so many, so that pairs may appear without a copy of the rest."""

_PAIRS_A_THREAD = 1 << 21
"""Below this a thread has so little to do that waking it, on a busy machine, takes longer."""


class Rescoring:
    """Scores of one network after the other, quick while it is the same one on the same day.

    Holds about 100 bytes a pair. Takes the changes of the accumulators that it is handed, so no two
    may be handed the same ones. Not for concurrent use.
    """

    def __init__(self, model: str = MODEL) -> None:
        """model: one of `refnet.scoring.MODELS`."""
        self._constants = constants(model)
        self._of: Accumulators | None = None
        self._day = -1
        self._standing: Floats = np.empty(0)
        self._pairs = 0
        self._edges: Floats = np.empty((0, _EDGES))
        self._flows: Floats = np.empty((_FLOWS, 0))
        self._places: NDArray[np.uint32] = np.empty(0, np.uint32)
        self._weights: Floats = np.empty(0)
        self._people: Floats = np.empty((len(_scoring.PERSON_NAMES), 0))
        self._out: Floats = np.empty((len(ARRAYS), 0))

    def score(
        self, accumulators: Accumulators, day: int, standing: Floats, threads: int = 1
    ) -> Scores:
        """As `refnet.scoring.score`, to the last bit. Raises ValueError."""
        before, self._of = self._of, None  # whatever fails below, the next call begins anew
        network = accumulators.network()
        changes = accumulators.take_changes()
        if accumulators is before and day == self._day:
            for gaps in changes.gaps:
                self._open(gaps)
            rows = _either(changes.members, np.flatnonzero(self._moved(standing)))
            near = _with_partners(network, rows)
            threads = max(1, min(threads, len(network.targets) // _PAIRS_A_THREAD))
        else:
            self._pairs = len(network.targets)
            self._reserve()
            self._people, self._out = self._people[:, :0], self._out[:, :0]
            rows = near = np.arange(accumulators.n, dtype=np.int32)
        out = _wider(self._out, accumulators.n)
        self._people = _wider(self._people, accumulators.n)
        edges = self._edges[: self._pairs]
        compute(
            accumulators, day, standing, self._constants, threads,
            rows, near, edges, self._flows, self._places, self._weights, self._people, out,
        )  # fmt: skip
        self._of, self._day, self._standing, self._out = accumulators, day, standing.copy(), out
        return Scores(accumulators.n, day, *out)

    def _moved(self, standing: Floats) -> NDArray[np.bool_]:
        """Whose chapter stands otherwise than before."""
        known = len(self._standing)
        return np.append(standing[:known] != self._standing, np.ones(len(standing) - known, bool))

    def _open(self, gaps: NDArray[np.int64]) -> None:
        """Move what is known of pairs to where they stand since others appeared."""
        count = self._pairs
        self._pairs += len(gaps)
        self._reserve()
        edges = self._edges.reshape(1, -1).view(np.uint8)
        flows = self._flows.view(np.uint8)
        _scoring.make_room(edges, edges, gaps, count, _EDGE_BYTES, 0)
        _scoring.make_room(flows, flows, gaps, count, self._flows.itemsize, 0)

    def _reserve(self) -> None:
        """Have room for all pairs."""
        if self._pairs <= len(self._edges):
            return
        room = self._pairs + self._pairs // _SLACK
        edges = np.empty((room, _EDGES))
        flows = np.empty((_FLOWS, room))
        edges[: len(self._edges)] = self._edges
        flows[:, : len(self._edges)] = self._flows
        self._edges, self._flows = edges, flows
        self._places, self._weights = np.empty(room, np.uint32), np.empty(room)


def _either(one: NDArray[np.intp], other: NDArray[np.intp]) -> NDArray[np.int32]:
    return np.union1d(one, other).astype(np.int32)


def _with_partners(network: Network, rows: NDArray[np.int32]) -> NDArray[np.int32]:
    """The same members and all with whom they have a pair, rising."""
    chosen = np.zeros(len(network.offsets) - 1, bool)
    chosen[rows] = True
    for row in rows.tolist():
        chosen[network.targets[network.offsets[row] : network.offsets[row + 1]]] = True
    return np.flatnonzero(chosen).astype(np.int32)


def _wider(values: Floats, n: int) -> Floats:
    """A copy with room for n members."""
    made = np.zeros((len(values), n))
    made[:, : values.shape[1]] = values
    return made
