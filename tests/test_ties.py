"""Triangles, and who would cut whom off, as igraph finds them on random graphs."""

from __future__ import annotations

import igraph
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from refnet import _ties, ties

Rows = tuple[NDArray[np.int64], NDArray[np.int32]]


@st.composite
def graphs(draw: st.DrawFn) -> igraph.Graph:
    n = draw(st.integers(1, 14))
    ends = st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)).filter(lambda e: e[0] < e[1])
    return igraph.Graph(n, sorted(draw(st.sets(ends, max_size=24)) if n > 1 else []))


def rows_of(graph: igraph.Graph) -> Rows:
    near = [sorted(graph.neighbors(member)) for member in range(graph.vcount())]
    offsets = np.zeros(graph.vcount() + 1, np.int64)
    offsets[1:] = np.cumsum([len(each) for each in near])
    return offsets, np.array([other for each in near for other in each], np.int32)


def walk_through(graph: igraph.Graph) -> ties.Walk:
    n = graph.vcount()
    order, place, low, size, parent = (np.empty(n, np.int32) for _ in range(5))
    cursor = np.empty(n, np.int64)
    _ties.hold_together(*rows_of(graph), order, place, low, size, parent, cursor)
    return ties.Walk(order, place, low, size, parent)


@given(graphs(), st.integers(1, 3), st.integers(0, 2**32 - 1))
@settings(max_examples=200)
def test_triangles_and_their_mass_are_those_of_a_second_look(
    graph: igraph.Graph, threads: int, seed: int
) -> None:
    offsets, targets = rows_of(graph)
    n = graph.vcount()
    random = np.random.default_rng(seed)
    strength = {edge.tuple: random.random() for edge in graph.es}
    source = np.repeat(np.arange(n), np.diff(offsets)).tolist()
    pairs = list(zip(source, targets.tolist(), strict=True))
    weight = np.array([strength[min(pair), max(pair)] for pair in pairs])
    common, mass = np.empty(len(pairs), np.int32), np.empty(len(pairs))
    _ties.triangles(offsets, targets, weight, common, mass, threads)

    for slot, (i, j) in enumerate(pairs):
        shared = sorted({*graph.neighbors(i)} & {*graph.neighbors(j)})
        total = 0.0
        for k in shared:
            ends = [(min(a, b), max(a, b)) for a, b in ((i, j), (i, k), (j, k))]
            total = total + min(strength[end] for end in ends)
        assert (len(shared), total) == (common[slot], mass[slot])
    found = sum(common.tolist())
    assert 6 * len(graph.list_triangles()) == found


@given(graphs())
@settings(max_examples=200)
def test_who_leaves_cuts_off_as_many_as_are_apart_then(graph: igraph.Graph) -> None:
    walk = walk_through(graph)
    cut = ties._cut_off(walk)

    assert set(graph.articulation_points()) == set(np.flatnonzero(cut > 0).tolist())
    for member in range(graph.vcount()):
        (whole,) = (each for each in graph.components() if member in each)
        rest = graph.subgraph([each for each in whole if each != member])
        sizes = sorted(map(len, rest.components()), reverse=True)
        pieces = ties._pieces(walk, member)
        assert sizes == sorted(map(len, pieces), reverse=True)
        assert sum(sizes) - max(sizes, default=0) == cut[member]
        together = sorted(each for piece in pieces for each in piece.tolist())
        assert sorted(set(whole) - {member}) == together


@pytest.mark.parametrize("threads", [0, 1025])
def test_graphs_are_checked(threads: int) -> None:
    offsets, targets = np.array([0, 1, 2]), np.array([1, 0], np.int32)
    weight, mass = np.ones(2), np.empty(2)
    common = np.empty(2, np.int32)
    _ties.triangles(offsets, targets, weight, common, mass, 1)
    with pytest.raises(ValueError, match="threads"):
        _ties.triangles(offsets, targets, weight, common, mass, threads)
    with pytest.raises(ValueError, match="fit together"):
        _ties.triangles(offsets, targets, weight[:1], common, mass, 1)
    with pytest.raises(ValueError, match="rise strictly"):
        _ties.triangles(offsets, np.array([0, 1], np.int32), weight, common, mass, 1)
