"""Triangles and cut vertices of the real ratings network, beside igraph's.

igraph counts the triangles of every member, for its clustering coefficient; ours counts those of
every tie, with their mass. The walk says of everybody how many the others would lose; igraph's
articulation points say only who. What both have in common is compared, outside the time.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import igraph
import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.conftest import Compare
from benchmarks.ratings import ratings_snapshot
from benchmarks.ratio import Comparison, Side
from refnet import ties
from refnet.standings import Snapshot


@dataclass(frozen=True, slots=True)
class Graph:
    """The ties of the ratings network, and the same for igraph."""

    n: int
    ties: ties.Ties
    peer: Any


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> Graph:
    snapshot: Snapshot = ratings_snapshot(tmp_path_factory.mktemp("ratings"))
    found = ties.ties_of(snapshot)
    once = found.sources < found.targets
    pairs = np.stack([found.sources[once], found.targets[once]], axis=1).tolist()
    return Graph(snapshot.scores.n, found, igraph.Graph(snapshot.scores.n, pairs))


def _digest(found: NDArray[Any] | list[int]) -> str:
    return hashlib.sha256(np.asarray(found, np.int64).tobytes()).hexdigest()[:16]


def _of_members(graph: Graph, common: NDArray[np.int32]) -> NDArray[np.int64]:
    """Of each member, how many triangles: each lies over two of the member's ties."""
    twice = np.bincount(graph.ties.sources, common, minlength=graph.n)
    return twice.astype(np.int64) // 2


def _of_coefficients(graph: Graph, told: list[float]) -> NDArray[np.int64]:
    """The whole numbers that igraph divided: by how many pairs of neighbours there are."""
    degree = np.diff(graph.ties.offsets)
    found = np.rint(np.array(told) * (degree * (degree - 1) // 2))
    return np.array(found, np.int64)


def test_triangles_of_the_real_network(comparison: Compare, graph: Graph) -> None:
    found = graph.ties
    line = Comparison("triangles by tie", "igraph: local transitivity", None, len(found.targets))
    comparison(
        line,
        Side(
            prepare=lambda: None,
            work=lambda _: ties.triangles(found.offsets, found.targets, found.strength),
            digest=lambda _, told: _digest(_of_members(graph, told[0])),
        ),
        Side(
            prepare=lambda: None,
            work=lambda _: graph.peer.transitivity_local_undirected(mode="zero"),
            digest=lambda _, told: _digest(_of_coefficients(graph, told)),
        ),
    )
    assert int(found.common.sum()) > 0


def test_cut_vertices_of_the_real_network(comparison: Compare, graph: Graph) -> None:
    found = graph.ties
    line = Comparison("who cuts whom off", "igraph: articulation points", None, len(found.targets))
    comparison(
        line,
        Side(
            prepare=lambda: None,
            work=lambda _: ties.cut_off(ties.walk_through(found.offsets, found.targets)),
            digest=lambda _, told: _digest(np.flatnonzero(told)),
        ),
        Side(
            prepare=lambda: None,
            work=lambda _: graph.peer.articulation_points(),
            digest=lambda _, told: _digest(sorted(told)),
        ),
    )
