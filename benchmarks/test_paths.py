"""The k best chains of introductions on the real ratings network, beside igraph's k shortest paths.

The peer answers a neighbouring question: Yen's algorithm on minus the logarithms of the weights
knows no limit of links and sums rounded logarithms. Where none of its paths is longer than six
links the two questions are one, and then the products must agree. Each query is timed by itself,
because what people wait for is the slow one.
"""

from __future__ import annotations

import hashlib
import random
import statistics
import time
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import Any

import igraph
import numpy as np
import pytest

from benchmarks.ratings import ratings_snapshot
from refnet import paths
from refnet.standings import Snapshot

COUNT = 3


@pytest.fixture(scope="module")
def ratings(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    snapshot = ratings_snapshot(tmp_path_factory.mktemp("ratings"))
    paths.trust_of(snapshot)
    return snapshot


def _seconds(work: Callable[[], Any]) -> tuple[float, Any]:
    begun = time.perf_counter()
    found = work()
    return time.perf_counter() - begun, found


def _graph(snapshot: Snapshot) -> tuple[Any, list[float]]:
    trust = paths.trust_of(snapshot)
    source = np.repeat(np.arange(snapshot.scores.n), np.diff(trust.network.offsets))
    open_ = trust.edge > 0.0
    links = np.stack([source[open_], trust.network.targets[open_]], axis=1).tolist()
    graph = igraph.Graph(snapshot.scores.n, links, directed=True)
    return graph, (-np.log(trust.edge[open_])).tolist()


@pytest.mark.filterwarnings("ignore:Couldn't reach some vertices:RuntimeWarning")  # said by igraph
def test_three_best_paths_of_1000_random_pairs(
    benchmark: Any,
    ratings: Snapshot,
    timed: bool,  # noqa: FBT001 - a fixture
) -> None:
    members = range(ratings.scores.n)
    choice = random.Random(1)
    pairs = [choice.sample(members, 2) for _ in range(1000 if timed else 20)]
    graph, weights = _graph(ratings)
    found: list[list[paths.Path]] = []
    ours: list[float] = []

    def run() -> None:
        found.clear()
        ours.clear()
        for asker, wanted in pairs:
            took, best = _seconds(partial(paths.best_paths, ratings, asker, [wanted], count=COUNT))
            ours.append(took)
            found.append(best)

    benchmark.pedantic(run, rounds=3 if timed else 1)
    theirs, same = [], 0
    for (asker, wanted), best in zip(pairs, found, strict=True):
        peer = partial(graph.get_k_shortest_paths, asker, wanted, k=COUNT, weights=weights)
        took, chains = _seconds(peer)
        theirs.append(took)
        if max(map(len, chains), default=0) <= paths.HOPS_MAX + 1:
            same += 1
            products = [_product(ratings, chain) for chain in chains]
            assert products == pytest.approx([each.product for each in best], rel=1e-12)
    digest = hashlib.sha256(repr([[p.members for p in best] for best in found]).encode())
    line = {
        "pairs": len(pairs),
        "ours_ms": _quantiles(ours),
        "peer_ms": _quantiles(theirs),
        "same_question": f"{same} of {len(theirs)}",
        "digest": digest.hexdigest()[:16],
    }
    benchmark.extra_info.update(line)
    print("\nthe three best paths, p50 and p99 in ms:", line)
    assert same > 0


def _product(snapshot: Snapshot, chain: list[int]) -> float:
    product = 1.0
    for one, two in pairwise(chain):
        product = product * paths.link(snapshot, one, two).weight
    return product


def _quantiles(seconds: list[float]) -> tuple[float, float]:
    hundredths = statistics.quantiles(seconds, n=100)
    return round(1e3 * hundredths[49], 3), round(1e3 * hundredths[98], 3)
