"""Ties and bridges: what is walked quickly is what looking at everything finds."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import igraph
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import reference_ties as slow
from refnet import _ties, bridges, evidence, ties
from refnet.accumulators import Accumulators, Events, Kind
from refnet.ledger.columns import allocate
from refnet.ledger.ledger import Ledger
from refnet.scoring import score
from refnet.standings import Snapshot

WEIGHTS = (0.0, 0.25, 0.1, 1 / 3, 1.0, 7.5)


class Graph:
    """Ties as the kernel takes them, from a table {(i, j): weight} with i < j."""

    def __init__(self, n: int, weights: dict[tuple[int, int], float]) -> None:
        self.n, self.edges = n, sorted(weights)
        self.table = weights | {(j, i): weight for (i, j), weight in weights.items()}
        slots = sorted(self.table)
        self.offsets = np.zeros(n + 1, np.int64)
        counts = np.bincount([i for i, _ in slots], minlength=n) if slots else np.zeros(n, int)
        np.cumsum(counts, out=self.offsets[1:])
        self.targets = np.array([j for _, j in slots], np.int32)
        self.weight = np.array([self.table[pair] for pair in slots], np.float64)
        self.slots = slots


@st.composite
def graphs(draw: st.DrawFn, most: int = 14) -> Graph:
    n = draw(st.integers(1, most))
    pairs = [(i, j) for i in range(n) for j in range(i + 1, n)]
    chosen = draw(st.sets(st.sampled_from(pairs), max_size=3 * n)) if pairs else set()
    weight = draw(st.sampled_from([st.sampled_from(WEIGHTS), st.floats(0, 10)]))
    return Graph(n, {pair: draw(weight) for pair in sorted(chosen)})


def known(graph: Graph, home: list[int], active: list[bool] | None = None) -> Snapshot:
    """A snapshot in which exactly these members are tied, each by a testimonial one way.

    Weights are ratings of 100 and more, so that trust is above 0.2 whatever they are.
    """
    made = Accumulators(graph.n)
    rows = [(0, int(Kind.JOIN), member, -1, 1000) for member in range(graph.n)]
    rows += [
        (0, int(Kind.TESTIMONIAL), i, j, 200 + int(50 * min(graph.table[i, j], 10.0)))
        for i, j in graph.edges
    ]
    made.fold(Events.of(rows))
    columns = allocate(graph.n)
    columns.effect[:] = 1
    columns.giver[:] = np.arange(graph.n)
    columns.chapter[:] = home
    roll = evidence.Roll()
    roll.read(columns)
    return Snapshot(
        position=graph.n,
        day=0,
        scores=score(made, 0),
        members=[UUID(int=member) for member in range(graph.n)],
        active=np.array([True] * graph.n if active is None else active),
        columns=columns,
        roll=roll,
        policy=evidence.Policy(),
        accumulators=made,
        model="1",
        ledger=Ledger(),
    )


@given(graphs(), st.sampled_from([1, 2, 3]))
@settings(max_examples=200)
def test_triangles_are_those_that_looking_at_everybody_finds(graph: Graph, threads: int) -> None:
    common, mass = ties.triangles(graph.offsets, graph.targets, graph.weight, threads)

    assert [len(slow.common(graph.table, *pair)) for pair in graph.slots] == common.tolist()
    assert [slow.mass(graph.table, *pair) for pair in graph.slots] == mass.tolist()


@pytest.mark.parametrize("likely", [0.02, 0.1, 0.5])
def test_triangles_are_those_of_igraph(likely: float) -> None:
    random = np.random.default_rng(7)
    n = 150
    pairs = [(i, j) for i in range(n) for j in range(i + 1, n) if random.random() < likely]
    pairs += [(0, j) for j in range(1, n) if (0, j) not in set(pairs)]  # somebody knows everyone
    graph = Graph(n, dict.fromkeys(pairs, 1.0))
    common, mass = ties.triangles(graph.offsets, graph.targets, graph.weight, 2)
    found = igraph.Graph(n, pairs).list_triangles()
    over = dict.fromkeys(graph.slots, 0)
    for a, b, c in found:
        for pair in ((a, b), (b, a), (a, c), (c, a), (b, c), (c, b)):
            over[pair] += 1

    assert len(found) > 0
    assert [over[pair] for pair in graph.slots] == common.tolist() == mass.tolist()


@given(graphs())
@settings(max_examples=150)
def test_measures_are_those_of_the_reference(graph: Graph) -> None:
    home = [member % 3 for member in range(graph.n)]
    snapshot = known(graph, home)
    found = ties.bridging(snapshot)
    names = ("degree", "effective", "efficiency", "local_bridges", "crossing", "cut_off")

    assert graph.slots == list(
        zip(
            *(each.tolist() for each in (ties.ties_of(snapshot).sources, graph.targets)),
            strict=True,
        )
    )
    for member in range(graph.n):
        expected = slow.measures(graph.table, home, member)
        assert expected == tuple(getattr(found, name).item(member) for name in names)


@given(graphs())
@settings(max_examples=150)
def test_whoever_leaves_cuts_off_whom_a_search_without_them_no_longer_finds(graph: Graph) -> None:
    snapshot = known(graph, [0] * graph.n)
    net = igraph.Graph(graph.n, graph.edges)
    cutters = set()
    for member in range(graph.n):
        expected = slow.without(graph.table, graph.n, member)
        groups = ties.cut_off_by(snapshot, member)
        assert expected == [group.tolist() for group in groups]
        assert expected[1:] == [list(p.members) for p in bridges.parts_without(snapshot, member)]
        cutters |= {member} if groups else set()

    assert set(net.articulation_points()) == cutters


@given(graphs())
@settings(max_examples=150)
def test_bridges_are_ties_without_which_their_ends_lose_each_other(graph: Graph) -> None:
    found = [(b.one, b.two, b.apart) for b in bridges.bridges(known(graph, [0] * graph.n))]
    net = igraph.Graph(graph.n, graph.edges)

    assert slow.bridges(graph.table, graph.n) == found
    assert {tuple(sorted(net.es[e].tuple)) for e in net.bridges()} == {b[:2] for b in found}


def town() -> Graph:
    """Two chapters of three; 2 and 3 tie them; 6, of a third, hangs on 5."""
    pairs = [(0, 1), (0, 2), (1, 2), (3, 4), (3, 5), (4, 5), (2, 3), (5, 6)]
    return Graph(7, dict.fromkeys(pairs, 1.0))


HOME = [0, 0, 0, 1, 1, 1, 2]


def test_a_chapter_knows_who_carries_its_ties_and_who_would_cut_it_off() -> None:
    first, second, third = bridges.chapters(known(town(), HOME))

    assert (0, 3, 1, 1.0) == (first.chapter, first.tied, first.ties, first.share)
    assert (bridges.Carrier(2, 1, (1,)),) == first.carriers
    assert (bridges.Carrier(3, 1, (0,)), bridges.Carrier(5, 1, (2,))) == second.carriers
    assert 0.5 == second.share
    assert ((2,), (3,), (3, 5)) == tuple(c.cut_off_by for c in (first, second, third))


def test_a_chapter_of_which_some_are_tied_elsewhere_is_not_cut_off_whole() -> None:
    """Of chapter 1 two hang on 2, and two are of another circle, which has chapter 2 hang on it."""
    pairs = [(0, 1), (0, 2), (1, 2), (2, 3), (3, 4), (5, 6), (6, 7)]
    snapshot = known(Graph(8, dict.fromkeys(pairs, 1.0)), [0, 0, 0, 1, 1, 1, 1, 2])
    (part,) = bridges.parts_without(snapshot, 2)

    assert ((3, 4), ()) == (part.members, part.whole)
    assert [(), (), (6,)] == [each.cut_off_by for each in bridges.chapters(snapshot)]


@given(graphs(), st.data())
@settings(max_examples=150)
def test_who_would_cut_a_chapter_off_are_those_without_whom_a_part_has_it_whole(
    graph: Graph, data: st.DataObject
) -> None:
    home = data.draw(st.lists(st.integers(0, 3), min_size=graph.n, max_size=graph.n))
    snapshot = known(graph, home)
    found = {each.chapter: list(each.cut_off_by) for each in bridges.chapters(snapshot)}
    for chapter, cutters in found.items():
        expected = [
            member
            for member in range(graph.n)
            if any(chapter in part.whole for part in bridges.parts_without(snapshot, member))
        ]
        assert expected == cutters


def test_a_part_names_its_chapters_and_those_that_are_whole() -> None:
    (part,) = bridges.parts_without(known(town(), HOME), 3)

    assert ((4, 5, 6), ((1, 2), (2, 1)), (1, 2)) == (part.members, part.chapters, part.whole)
    assert [] == bridges.parts_without(known(town(), HOME), 0)


def test_who_left_ties_nobody() -> None:
    active = [True] * 3 + [False] + [True] * 3
    snapshot = known(town(), HOME, active)

    assert 0 == ties.bridging(snapshot).degree[3]
    assert [] == bridges.parts_without(snapshot, 3)
    assert 2 not in {each.one for each in bridges.bridges(snapshot)}


def test_weak_ties_lead_elsewhere_and_are_sorted() -> None:
    snapshot = known(town(), HOME)
    below_all = bridges.weak_ties(snapshot, 1.0)
    shown = [(each.one, each.two, each.common, each.crosses) for each in below_all]

    assert [(2, 3, 0, True), (5, 6, 0, True)] == shown
    assert [] == bridges.weak_ties(snapshot, ties.TIE_FROM)


@pytest.mark.parametrize(
    "change",
    [
        {"threads": 0},
        {"threads": 2},
        {"mark": np.empty((1, 2), np.int32)},
        {"weight": np.ones(3)},
        {"weight": np.array([1.0, 1.0, 2.0, 1.0])},
        {"weight": np.array([1.0, np.nan, 1.0, np.nan])},
        {"targets": np.array([1, 0, 0, 1], np.int32)},
        {"targets": np.array([1, 1, 2, 1], np.int32)},
        {"offsets": np.array([0, 1, 3, 5])},
    ],
)
def test_the_kernel_checks_what_it_is_handed(change: dict[str, Any]) -> None:
    good: dict[str, Any] = {
        "offsets": np.array([0, 1, 3, 4]),
        "targets": np.array([1, 0, 2, 1], np.int32),
        "weight": np.ones(4),
        "mark": np.empty((1, 3), np.int32),
        "common": np.empty(4, np.int32),
        "mass": np.empty(4),
        "threads": 1,
    }
    _ties.triangles(**good)
    with pytest.raises(ValueError):
        _ties.triangles(**{**good, **change})
