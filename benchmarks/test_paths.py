"""The k best chains of introductions on the real ratings network, beside igraph's k shortest paths.

The peer answers a neighbouring question: Yen's algorithm on minus the logarithms of the weights
knows no limit of links and sums rounded logarithms. Where none of its paths is longer than six
links the two questions are one, and then the products must agree. Each query is timed by itself,
because what people wait for is the slow one.

The yardstick is one pass over the rows: a sparse product of scipy, which reads every link once and
multiplies it. A plain search by layers needs one for every length up to six. Ours leaves out who
cannot lie between the two, and in the largest network it takes less than one pass.
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
from scipy import sparse

from benchmarks.big_network import DAYS, big_accumulators
from benchmarks.ratings import ratings_snapshot
from refnet import evidence, paths
from refnet.ledger.columns import allocate
from refnet.ledger.ledger import Ledger
from refnet.scoring import MODEL, score
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
    one_pass = _pass(ratings)

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
        "pass_ms": one_pass,
        "pass_of_ours": round(one_pass / _quantiles(ours)[0], 3),
        "same_question": f"{same} of {len(theirs)}",
        "digest": digest.hexdigest()[:16],
    }
    benchmark.extra_info.update(line)
    print("\nthe three best paths, p50 and p99 in ms:", line)
    assert same > 0


@pytest.fixture(scope="module")
def big(timed: bool) -> Snapshot:  # noqa: FBT001 - a fixture
    """As many members as the largest network has, of whom nothing is known but what they weigh."""
    accumulators = big_accumulators(350_000 if timed else 900)
    n = accumulators.n
    snapshot = Snapshot(
        position=0,
        day=DAYS,
        scores=score(accumulators, DAYS, threads=2),
        members=[],
        active=np.ones(n, bool),
        columns=allocate(0),
        roll=evidence.Roll(),
        policy=evidence.Policy(),
        accumulators=accumulators,
        model=MODEL,
        ledger=Ledger(),
    )
    paths.trust_of(snapshot)
    return snapshot


@pytest.mark.timeout(1800)
def test_three_best_paths_in_the_largest_network(
    benchmark: Any,
    big: Snapshot,
    timed: bool,  # noqa: FBT001 - a fixture
) -> None:
    choice = random.Random(1)
    pairs = [choice.sample(range(big.scores.n), 2) for _ in range(100 if timed else 5)]
    found: list[list[paths.Path]] = []
    ours: list[float] = []

    def run() -> None:
        for asker, wanted in pairs:
            took, best = _seconds(partial(paths.best_paths, big, asker, [wanted], count=COUNT))
            ours.append(took)
            found.append(best)

    benchmark.pedantic(run, rounds=1)
    one_pass, half = _pass(big), _quantiles(ours)[0]
    digest = hashlib.sha256(repr([[p.members for p in best] for best in found]).encode())
    line = {
        "members": big.scores.n,
        "links": len(paths.trust_of(big).edge),
        "pairs": len(pairs),
        "ours_ms": _quantiles(ours),
        "pass_ms": one_pass,
        "pass_of_ours": round(one_pass / half, 3),
        "digest": digest.hexdigest()[:16],
    }
    benchmark.extra_info.update(line)
    print("\nthe three best paths, p50 and p99 in ms:", line)
    assert all(len(path.links) <= paths.HOPS_MAX for best in found for path in best)
    assert any(found)


def _pass(snapshot: Snapshot) -> float:
    """Milliseconds of one pass over the rows that are searched, the median of seven."""
    trust, n = paths.trust_of(snapshot), snapshot.scores.n
    rows = (trust.back, trust.network.targets, trust.network.offsets.astype(np.int32))
    matrix = sparse.csr_array(rows, shape=(n, n))
    reach = np.ones(n)
    times = [_seconds(lambda: matrix @ reach)[0] for _ in range(7)]
    return round(1e3 * statistics.median(times), 3)


def _product(snapshot: Snapshot, chain: list[int]) -> float:
    product = 1.0
    for one, two in pairwise(chain):
        product = product * paths.link(snapshot, one, two).weight
    return product


def _quantiles(seconds: list[float]) -> tuple[float, float]:
    hundredths = statistics.quantiles(seconds, n=100)
    return round(1e3 * hundredths[49], 3), round(1e3 * hundredths[98], 3)
