"""The pulls of score-model 4.2 by themselves: the same sums, however members are cut into tiles."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from kernel_doors import BAD_TILES, message, tile_arguments
from refnet import _scoring
from refnet.accumulators import Accumulators, Events, Kind, Network
from refnet.scoring import Floats, tile_bits, tile_bounds, work_out


def simulated(members: int, near: int, far: int) -> Accumulators:
    """Members who know some of the next ones, and some anywhere; a third of the pairs without C."""
    random = np.random.default_rng(5)
    source = np.repeat(np.arange(members), near + far)
    step = np.where(
        np.arange(len(source)) % (near + far) < near,
        random.integers(1, 9, len(source)),
        random.integers(1, members, len(source)),
    )
    kind = random.choice((Kind.TESTIMONIAL, Kind.ACCEPTED, Kind.MEETING), len(source))
    columns = (kind, source, (source + step) % members, random.integers(1, 1001, len(source)))
    acc = Accumulators(members)
    acc.fold(Events.of([(0, Kind.ATTENDANCE, i, -1, 1 + i % 7) for i in range(members)]))
    acc.fold(Events.of([(1, *row) for row in zip(*(c.tolist() for c in columns), strict=True)]))
    return acc


def pulled(
    network: Network, trust: Floats, pretrust: Floats, bits: int, threads: int
) -> tuple[list[float], list[float]]:
    """V, and V of the pull before the last, in tiles of 2^bits members."""
    reach, reached = np.empty_like(pretrust), np.empty_like(pretrust)
    places, weights = np.empty(len(trust), np.uint32), np.empty(len(trust))
    _scoring.propagate(
        *(network.offsets, network.targets, trust, pretrust, reach, reached),
        *(tile_bounds(len(pretrust), bits), places, weights),
        *(_scoring.constants(0), bits, threads),
    )
    return reach.tolist(), reached.tolist()


def summed(network: Network, trust: Floats, pretrust: Floats) -> tuple[list[float], list[float]]:
    """The same by section 4.2 in plain Python: sums in the order of sources."""
    source = network.sources.tolist()
    p = reach = reached = pretrust.tolist()
    for _ in range(6):
        received = [0.0] * len(p)
        for carried, i, j in zip(trust.tolist(), source, network.targets.tolist(), strict=True):
            received[j] += carried * reach[i]
        reached, reach = reach, [own + 0.7 * new for own, new in zip(p, received, strict=True)]
    return reach, reached


@pytest.mark.parametrize("bits", range(1, 17))
def test_pulls_in_tiles_of_any_size_are_sums_in_the_order_of_sources(bits: int) -> None:
    acc = simulated(300, 4, 4)
    scores, workings = work_out(acc, 10)
    network, trust = workings.network, workings.flows["out_trust"]
    assert (trust == 0.0).sum() > len(trust) / 6

    expected = summed(network, trust, scores.p)
    for threads in (1, 3):
        assert expected == pulled(network, trust, scores.p, bits, threads)
    assert workings.people["reach"].tolist() == expected[0]
    assert max(expected[0]) > scores.p.max()


@pytest.mark.parametrize("bits", [14, 15, 16])
def test_members_at_both_ends_of_large_blocks_are_found(bits: int) -> None:
    n = (1 << 16) + 2
    ends = np.array([0, 1, 1 << 14, (1 << 15) - 1, 1 << 15, (1 << 16) - 1, 1 << 16, n - 1])
    known = np.zeros(n, np.int64)
    known[ends] = len(ends) - 1
    network = Network(
        offsets=np.concatenate([[0], np.cumsum(known)]),
        targets=np.concatenate([ends[ends != end] for end in ends]).astype(np.int32),
        reverse=np.empty(0, np.int32),
    )
    trust = np.linspace(0.01, 0.1, len(network.targets))
    pretrust = np.linspace(0.1, 1.0, n)

    assert summed(network, trust, pretrust) == pulled(network, trust, pretrust, bits, 2)


@pytest.mark.parametrize("threads", [1, 2])
def test_a_network_of_many_blocks_is_pulled_in_the_order_of_sources(threads: int) -> None:
    """Two blocks and a bit for one thread, and more for two."""
    acc = simulated(2 * (1 << _scoring.TILE_BITS) + 3, 1, 2)
    scores, workings = work_out(acc, 10, threads=threads)

    reach, reached = summed(workings.network, workings.edges["trust"], scores.p)

    assert workings.people["reach"].tolist() == reach
    assert workings.people["reached"].tolist() == reached


@pytest.mark.parametrize("threads", [1, 2, 7, 1024, 10**9])
@pytest.mark.parametrize("n", [0, 1, 255, 5_881, 350_000, (1 << 21) - 1])
def test_tiles_are_neither_so_large_that_threads_idle_nor_so_many_that_they_cost(
    n: int, threads: int
) -> None:
    bits = tile_bits(n, threads)

    assert 8 <= bits <= _scoring.TILE_BITS
    assert tile_bounds(n, bits).nbytes <= 1 << 24
    if threads == 1:
        assert bits == _scoring.TILE_BITS
    else:
        assert bits == 8 or n >> bits >= min(4 * threads, 512)


def propagate_arguments() -> dict[str, Any]:
    """What `propagate` takes for two members who trust each other."""
    return {
        "offsets": np.array([0, 1, 2]),
        "targets": np.array([1, 0], np.int32),
        "trust": np.array([0.05, 0.1]),
        "pretrust": np.array([1.0, 0.5]),
        "reach": np.empty(2),
        "reached": np.empty(2),
        **tile_arguments(2, 2),
        "model": _scoring.constants(0),
        "threads": 1,
    }


@pytest.mark.parametrize("little", [5e-324, 0.01, 0.1])
def test_no_trust_but_none_is_left_out(little: float) -> None:
    handed = {
        **propagate_arguments(),
        "trust": np.array([little, 0.0]),
        "pretrust": np.array([1.0, 0.0]),
    }
    _scoring.propagate(**handed)

    assert [1.0, 0.7 * (little * 1.0)] == handed["reach"].tolist()
    assert handed["reach"][1] > 0.0


def test_pulls_want_every_constant_of_a_model() -> None:
    some = {name: value for name, value in _scoring.constants(0).items() if name != "damping"}
    with pytest.raises(ValueError, match="damping"):
        _scoring.propagate(**{**propagate_arguments(), "model": some})


@pytest.mark.parametrize(
    ("text", "change"),
    [
        ("the number of threads", {"threads": 0}),
        ("the number of threads", {"threads": 1025}),
        ("the arrays", {"offsets": np.array([0, 2])}),
        ("the arrays", {"reach": np.empty(1)}),
        ("the arrays", {"reached": np.empty(3)}),
        ("the arrays", {"trust": np.empty(1)}),
        *((text, change) for text, change in BAD_TILES if "bounds" not in change),
        ("the arrays", {"bounds": np.empty((2, 2, 2), np.int64)}),
        ("offsets must start", {"offsets": np.array([0, 1, 3])}),
        ("a member id", {"targets": np.array([1, 2], np.int32)}),
        ("a member id", {"targets": np.array([-1, 0], np.int32)}),
    ],
)
def test_pulls_refuse_what_does_not_fit_together(text: str, change: dict[str, Any]) -> None:
    _scoring.propagate(**propagate_arguments())

    with pytest.raises(ValueError, match=message(text)):
        _scoring.propagate(**{**propagate_arguments(), **change})
