"""The pulls of score-model 4.2 by themselves: the same sums, however members are cut into tiles."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from kernel_doors import BAD_TILES, message, tile_arguments
from refnet import _scoring
from refnet.accumulators import Accumulators, Events, Kind
from refnet.scoring import tiles, work_out


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


@pytest.mark.parametrize("tile_bits", range(1, 17))
def test_the_pulls_by_themselves_are_those_of_the_scores(tile_bits: int) -> None:
    acc = simulated(300, 4, 4)
    scores, workings = work_out(acc, 10)
    trust = workings.flows["out_trust"]
    assert (trust == 0.0).sum() > len(trust) / 6
    reach, reached = np.empty(300), np.empty(300)

    for threads in (1, 3):
        scratch = tiles(300, len(trust), tile_bits)
        _scoring.propagate(
            *(workings.network.offsets, workings.network.targets, trust, scores.p, reach, reached),
            *(*scratch, _scoring.constants(0), tile_bits, threads),
        )
        assert workings.people["reach"].tolist() == reach.tolist()
        assert workings.people["reached"].tolist() == reached.tolist()
    assert reach.max() > scores.p.max()


def test_pulls_over_many_blocks_are_sums_in_the_order_of_sources() -> None:
    """Two blocks and a bit, as the kernel cuts them for itself, beside section 4.2 in Python."""
    members = 2 * (1 << _scoring.TILE_BITS) + 3
    acc = simulated(members, 1, 2)
    network = acc.network()
    source = np.repeat(np.arange(members), np.diff(network.offsets)).tolist()
    scores, workings = work_out(acc, 10, threads=2)
    trust, target = workings.edges["trust"].tolist(), network.targets.tolist()

    p = reach = scores.p.tolist()
    for _ in range(6):
        received = [0.0] * members
        for carried, i, j in zip(trust, source, target, strict=True):
            received[j] += carried * reach[i]
        reach = [own + 0.7 * other for own, other in zip(p, received, strict=True)]

    assert workings.people["reach"].tolist() == reach


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
    handed = {**propagate_arguments(), "trust": np.array([little, 0.0])}
    _scoring.propagate(**handed)

    assert [1.0, 0.5 + 0.7 * (little * 1.0)] == handed["reach"].tolist()


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
