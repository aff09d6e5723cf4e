"""The kernel on a network of 350,000 members and 9 million pairs, beside scipy's sparse products.

The peer does nothing but the products: `scipy.sparse` multiplies the same matrix, in the compressed
rows that it likes best, with the same six vectors that our pulls start from. What our pulls do
besides, checking what they are handed, laying pairs out in tiles, adding pretrust and passing on
from pull to pull, is in our time and not in the peer's. Not in it is room for tiles, which a server
keeps from one time to the next, as the peer has its matrix. So that the results can be compared to
the last bit, the peer's last product becomes V outside its time.

A third of the pairs have a C of 0. Our pulls find out which, and leave them out; so that nobody
takes that for all there is to it, a second peer has them left out of its matrix beforehand.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import sparse

from benchmarks.big_network import DAYS, big_accumulators
from benchmarks.conftest import Compare
from benchmarks.ratio import Comparison, Side
from refnet import _scoring
from refnet.accumulators import Accumulators, Network
from refnet.scoring import MODEL, constants, score, tile_bits, tile_bounds, work_out

PULLS = 6
DAMPING = 0.7

Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Propagation:
    """What the pulls work on, and what they lead to."""

    accumulators: Accumulators
    network: Network
    trust: Vector
    pretrust: Vector
    reach: Vector
    echo: Vector
    room: tuple[NDArray[np.uint32], Vector]
    matrix: Any
    thin: Any
    steps: list[Vector]


@pytest.fixture(scope="module")
def big(timed: bool) -> Propagation:  # noqa: FBT001 - a fixture
    accumulators = big_accumulators(350_000 if timed else 900)
    scores, workings = work_out(accumulators, DAYS, threads=2)
    network, trust = workings.network, workings.flows["out_trust"].copy()
    n = len(scores.p)
    # scipy adds up a row from 0.0 in the order of its entries, as the score model does.
    received = trust[network.reverse]
    rows = (received, network.targets, network.offsets.astype(np.int32))  # as small as they can be
    matrix = sparse.csr_array(rows, shape=(n, n))
    assert matrix.indices.dtype == np.int32
    thin = matrix.copy()
    thin.eliminate_zeros()
    steps = [scores.p]
    for _ in range(PULLS - 1):
        steps.append(scores.p + DAMPING * (matrix @ steps[-1]))
    return Propagation(
        accumulators=accumulators,
        network=network,
        trust=trust,
        pretrust=scores.p,
        reach=workings.people["reach"].copy(),
        echo=workings.people["echo"].copy(),
        room=(np.empty(len(trust), np.uint32), np.empty(len(trust))),
        matrix=matrix,
        thin=thin,
        steps=steps,
    )


def _digest(vector: Vector) -> str:
    return hashlib.sha256(vector.tobytes()).hexdigest()[:16]


def _pull(big: Propagation, threads: int, reach: Vector) -> Vector:
    args = (big.network.offsets, big.network.targets, big.trust, big.pretrust)
    bits = tile_bits(len(reach), threads)
    tiles = (tile_bounds(len(reach), bits), *big.room)
    fixed = (constants(MODEL), bits, threads)
    _scoring.propagate(*args, reach, np.empty_like(reach), *tiles, *fixed)
    return reach


def _multiply(big: Propagation, matrix: Any) -> Vector:
    product = big.pretrust
    for step in big.steps:
        product = matrix @ step
    return product


def _products(big: Propagation, matrix: Any, digest: Callable[[Any, Any], str]) -> Side:
    return Side(lambda: big, lambda _: _multiply(big, matrix), digest)


@pytest.mark.parametrize("zeros", [True, False], ids=["all pairs", "no zeros"])
@pytest.mark.parametrize(("threads", "goal"), [(1, 1.0), (2, 1.8)])
def test_pulls_beside_scipy(
    benchmark: Any,
    comparison: Compare,
    big: Propagation,
    threads: int,
    goal: float,
    zeros: bool,  # noqa: FBT001 - a parameter
) -> None:
    """Six pulls against six products; every bit of V agrees."""
    matrix, which = (big.matrix, "") if zeros else (big.thin, " without zeros")
    line = Comparison(
        name=f"six pulls, {threads} thread{'s' * (threads > 1)}",
        peer=f"six products of scipy.sparse, {matrix.nnz:,} pairs{which}",
        goal=goal if zeros else None,
        items=PULLS * len(big.trust),
    )
    ours = Side(
        lambda: np.empty(len(big.pretrust)),
        partial(_pull, big, threads),
        lambda _, reach: _digest(reach),
    )
    peer = _products(big, matrix, lambda _, last: _digest(big.pretrust + DAMPING * last))

    comparison(line, ours, peer)

    assert _digest(big.reach) == line.digest


@pytest.mark.parametrize("threads", [1, 2])
def test_a_full_recompute_beside_scipy(
    benchmark: Any, comparison: Compare, big: Propagation, threads: int
) -> None:
    """Everything, from accumulators to scores, in units of six sparse products."""
    line = Comparison(
        name=f"full recompute, {threads} thread{'s' * (threads > 1)}",
        peer="six products of scipy.sparse, the pulls alone",
        goal=None,
        items=PULLS * len(big.trust),
    )
    ours = Side(
        lambda: None,
        lambda _: score(big.accumulators, DAYS, threads=threads),
        lambda _, scores: _digest(scores.x),
    )

    def received(_: Any, last: Vector) -> str:
        reach = big.pretrust + DAMPING * last
        return _digest(np.maximum(reach * (1.0 - big.echo) - big.pretrust, 0.0))

    comparison(line, ours, _products(big, big.matrix, received))
