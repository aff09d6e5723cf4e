"""Paths of introductions: the kernel finds what looking at every path finds, in the same order."""

from __future__ import annotations

import time
from itertools import pairwise, permutations
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import reference_paths
from model_networks import Case, bits, cases
from refnet import _paths, _reference, paths
from refnet.accumulators import Accumulators, Events, Kind
from refnet.scoring import MODEL, score

LEVELS = (0.0, 0.25, 0.5, 0.5, 0.9, 0.1, 1 / 3)
"""Few levels, so that many paths weigh the same."""


class Graph:
    """Edges as the kernel takes them, from a table {(i, j): weight}."""

    def __init__(self, n: int, weights: dict[tuple[int, int], float]) -> None:
        self.n, self.weights = n, weights
        made = Accumulators(n)
        pairs = sorted({(min(pair), max(pair)) for pair in weights})
        made.fold(Events.of([(0, Kind.MEETING, i, j, 0) for i, j in pairs]))
        network = made.network()
        self.rows = (network.offsets, network.targets)
        members = np.repeat(np.arange(n), np.diff(network.offsets))
        slots = zip(network.targets.tolist(), members.tolist(), strict=True)
        self.edge = np.array([weights.get(pair, 0.0) for pair in slots])
        self.near = [sorted({j for i, j in weights if i == k}) for k in range(n)]

    def weight(self, i: int, j: int) -> float:
        return self.weights.get((i, j), 0.0)


def scratch_for(hops: int, n: int) -> dict[str, Any]:
    """Filled with what was left there by somebody else."""
    return {
        "reach": np.full((2, hops + 1, n), 0.7),
        "via": np.ones((3, hops + 1, n), np.int32),
        "marks": np.ones((4, n), np.uint8),
    }


def kernel(
    graph: Graph,
    asker: int,
    wanted: set[int],
    introduces: list[bool],
    hops: int,
    count: int,
    threads: int = 1,
) -> list[tuple[float, tuple[int, ...]]]:
    ends = np.array(sorted(wanted, reverse=True), np.int32)
    between = np.array(introduces, np.uint8)
    scratch = scratch_for(hops, graph.n)
    terms = (between, ends, asker, hops, count, *scratch.values(), threads)
    found = _paths.best(*graph.rows, graph.edge, *terms)
    return [(product, tuple(members)) for product, members in found]


def brute_force(
    graph: Graph, asker: int, wanted: set[int], introduces: list[bool], hops: int
) -> list[tuple[float, tuple[int, ...]]]:
    """All there are, by permutation; sorted by weight and length only."""
    others = [member for member in range(graph.n) if member != asker]
    found = []
    for length in range(1, hops + 1):
        for rest in permutations(others, length):
            *between, end = rest
            if end not in wanted or any(m in wanted or not introduces[m] for m in between):
                continue
            product = 1.0
            for i, j in pairwise((asker, *rest)):
                product = product * graph.weight(i, j)
            if product > 0.0:
                found.append((product, (asker, *rest)))
    return sorted(found, key=lambda each: (-each[0], len(each[1])))


@st.composite
def graphs(draw: st.DrawFn, most: int = 7) -> tuple[Graph, int, set[int], list[bool]]:
    n = draw(st.integers(2, most))
    pairs = st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)).filter(
        lambda ij: ij[0] != ij[1]
    )
    smooth = st.floats(0.01, 0.99)
    weight = draw(st.sampled_from([st.sampled_from(LEVELS), smooth]))
    weights = draw(st.dictionaries(pairs, weight, max_size=n * n))
    asker = draw(st.integers(0, n - 1))
    others = [member for member in range(n) if member != asker]
    wanted = draw(st.sets(st.sampled_from(others), min_size=1, max_size=2))
    introduces = draw(st.lists(st.sampled_from([True, True, True, False]), min_size=n, max_size=n))
    return Graph(n, weights), asker, wanted, introduces


@given(graphs(), st.integers(1, 6), st.integers(1, 20))
@settings(max_examples=300)
def test_the_kernel_finds_what_the_reference_finds_in_the_same_order(
    given_graph: tuple[Graph, int, set[int], list[bool]], hops: int, count: int
) -> None:
    graph, asker, wanted, introduces = given_graph
    terms: dict[str, Any] = {"introduces": introduces, "hops": hops, "count": count}
    slow = reference_paths.best(graph.near, graph.weight, asker, wanted, **terms)
    expected = [(route.product, route.members) for route in slow]

    assert expected == kernel(graph, asker, wanted, introduces, hops, count)
    assert expected == kernel(graph, asker, wanted, introduces, hops, count, threads=3)


@given(graphs(most=6), st.integers(1, 5))
@settings(max_examples=60)
def test_the_reference_finds_what_brute_force_finds(
    given_graph: tuple[Graph, int, set[int], list[bool]], hops: int
) -> None:
    graph, asker, wanted, introduces = given_graph
    everything = brute_force(graph, asker, wanted, introduces, hops)
    terms: dict[str, Any] = {"introduces": introduces, "hops": hops, "count": 10**6}
    found = reference_paths.best(graph.near, graph.weight, asker, wanted, **terms)

    assert [each[0] for each in everything] == [route.product for route in found]
    assert sorted(each[1] for each in everything) == sorted(route.members for route in found)
    assert [len(each[1]) for each in everything] == [len(route.members) for route in found]


@given(graphs(), st.integers(1, 5))
@settings(max_examples=100)
def test_the_best_path_is_that_of_the_layers(
    given_graph: tuple[Graph, int, set[int], list[bool]], hops: int
) -> None:
    """The layered recurrence of the score model, with its ties, and nothing else."""
    graph, asker, wanted, introduces = given_graph
    target = min(wanted)
    layers: list[dict[int, tuple[float, tuple[int, ...]]]] = [{asker: (1.0, (asker,))}]
    for _ in range(hops):
        layer: dict[int, tuple[float, tuple[int, ...]]] = {}
        for u in sorted(layers[-1]):  # so that of equals the smaller predecessor stays
            product, walk = layers[-1][u]
            if u != asker and (not introduces[u] or u == target):
                continue
            for v in graph.near[u]:
                longer = product * graph.weight(u, v)
                if longer > layer.get(v, (0.0, ()))[0]:
                    layer[v] = (longer, (*walk, v))
        layers.append(layer)
    walks = [layer[target] for layer in layers[1:] if target in layer]
    best = max(walks, key=lambda each: (each[0], -len(each[1])), default=None)

    assert ([] if best is None else [best]) == kernel(graph, asker, {target}, introduces, hops, 1)


@given(graphs(), st.integers(1, 5))
@settings(max_examples=100)
def test_products_lie_in_0_to_1_and_more_hops_never_find_less(
    given_graph: tuple[Graph, int, set[int], list[bool]], hops: int
) -> None:
    """Invariant 17 of the score model."""
    graph, asker, wanted, introduces = given_graph
    fewer = kernel(graph, asker, wanted, introduces, hops, 20)
    more = kernel(graph, asker, wanted, introduces, hops + 1, 20)

    for product, members in more:
        assert 0.0 < product <= 1.0
        assert 2 <= len(members) <= hops + 2
        assert len(set(members)) == len(members)
        prefixes = np.cumprod([graph.weight(i, j) for i, j in pairwise(members)])
        assert (np.diff(prefixes) <= 0).all()
    assert len(fewer) <= len(more)
    assert [each[0] for each in fewer] <= [each[0] for each in more][: len(fewer)]


def test_a_hop_limit_is_not_what_a_plain_shortest_path_obeys() -> None:
    """The best way to 2 takes two links, and then 3 is a link too far."""
    graph = Graph(4, {(0, 1): 0.9, (1, 2): 0.9, (0, 2): 0.5, (2, 3): 0.9})
    everyone = [True] * 4

    assert [(0.9 * 0.9 * 0.9, (0, 1, 2, 3))] == kernel(graph, 0, {3}, everyone, 3, 1)
    assert [(0.5 * 0.9, (0, 2, 3))] == kernel(graph, 0, {3}, everyone, 2, 1)


def test_equal_paths_come_by_the_ids_from_the_wanted_end() -> None:
    links = [(0, 1), (0, 2), (0, 3), (1, 4), (2, 4), (3, 4), (3, 5), (1, 5)]
    graph = Graph(6, dict.fromkeys(links, 0.5))
    found = kernel(graph, 0, {4, 5}, [True] * 6, 6, 20)

    expected = [(0, 1, 4), (0, 2, 4), (0, 3, 4), (0, 1, 5), (0, 3, 5)]
    assert [(0.25, path) for path in expected] == found


def test_a_crowd_that_leads_nowhere_costs_nothing() -> None:
    """One path leads on, by way of somebody in a crowd of friends; all others go in rounds.

    Of rounds there are five million. To try them one by one took seconds, where this takes
    milliseconds.
    """
    size = 180
    crowd = range(size)
    weights = {(i, j): 0.9 for i in crowd for j in crowd if i != j}
    asker, wanted = size, size + 1
    graph = Graph(size + 2, {**weights, (asker, 0): 0.5, (0, wanted): 0.5})
    begun = time.process_time()
    found = [kernel(graph, asker, {wanted}, [True] * graph.n, 6, count) for count in (1, 3, 20)]

    assert [[(0.25, (asker, 0, wanted))]] * 3 == found
    assert time.process_time() - begun < 1.0


@given(cases(most=8), st.integers(0, 7), st.integers(0, 7))
@settings(max_examples=100)
def test_trust_and_edges_are_those_of_the_reference(case: Case, i: int, j: int) -> None:
    made = case.accumulators()
    opportunism = score(made, case.day, standing=np.array(case.standing)).O
    network = made.network()
    regard, trust, edge = np.empty((3, len(network.targets)))
    totals: tuple[Any, ...] = (
        made.pair_totals,
        made.pair_periods,
        case.day,
        made.tables,
        made.decay,
    )
    rows = (network.offsets, network.targets, network.reverse)
    arguments: list[Any] = [*rows, *totals, opportunism, regard, trust, edge, 0, 2]
    _paths.weigh(*arguments)
    seen = paths.weigh(made, case.day, opportunism, MODEL)
    for name, raw in (("regard", regard), ("trust", trust), ("edge", edge)):
        assert bits(getattr(seen, name)) == bits(raw), name
    folded = _reference.Accumulators(case.n, case.rows, **case.policies)
    slow = reference_paths.edges(folded, case.day, opportunism.tolist())

    for s, (source, target) in enumerate(
        zip((made.keys >> 32).tolist(), network.targets.tolist(), strict=True)
    ):
        pair = (folded, case.day, source, target)
        assert _reference.endorsement(*pair) == regard[s]
        assert _reference.direct_trust(*pair) == trust[s]
        assert slow(source, target) == edge[s]
    assert ((trust >= 0) & (trust < 1) & (edge <= trust)).all()


@pytest.mark.parametrize(
    "change",
    [
        {"threads": 0},
        {"hops": 0},
        {"hops": 7},
        {"count": 0},
        {"count": 21},
        {"asker": 2},
        {"asker": -1},
        {"edge": np.array([0.5, 1.0])},
        {"edge": np.array([0.5, np.nan])},
        {"edge": np.array([0.5])},
        {"sources": np.array([1, 2], np.int32)},
        {"ends": np.array([2], np.int32)},
        {"ends": np.array([-1], np.int32)},
        {"introduces": np.ones(3, np.uint8)},
        {"reach": np.empty((2, 2, 2))},
        {"reach": np.empty((1, 7, 2))},
        {"via": np.empty((2, 7, 2), np.int32)},
        {"via": np.empty((3, 7, 1), np.int32)},
        {"marks": np.empty((2, 2), np.uint8)},
    ],
)
def test_the_search_checks_what_it_is_handed(change: dict[str, Any]) -> None:
    good: dict[str, Any] = {
        "offsets": np.array([0, 1, 2]),
        "sources": np.array([1, 0], np.int32),
        "edge": np.array([0.5, 0.5]),
        "introduces": np.ones(2, np.uint8),
        "ends": np.array([1], np.int32),
        "asker": 0,
        "hops": 6,
        "count": 3,
        "threads": 1,
        **scratch_for(6, 2),
    }
    assert [(0.5, [0, 1])] == _paths.best(**good)
    with pytest.raises(ValueError):
        _paths.best(**{**good, **change})
