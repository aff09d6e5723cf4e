"""What alerts are worth, measured on simulated networks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from refnet.evaluate.networks import SimulatedNetwork
from refnet.evaluate.on_alerts import (
    WEEKS,
    attack_table,
    attacked,
    burst,
    burst_table,
    look,
    planted_table,
)
from refnet.evaluate.simulated import simulated
from refnet.evaluate.table import Table

Watch = Callable[[str, int], AbstractContextManager[Callable[[int], None]]]
"""Told what is done and of how many steps; gives what to tell how many are done."""


@dataclass(frozen=True, slots=True)
class Networks:
    """Which simulated networks, and how often each attack is tried on each of them."""

    seeds: Sequence[int]
    chapters: int
    members: int
    weeks: int
    cache: Path
    groups: int


def measure_alerts(asked: Networks, watch: Watch) -> list[Table]:
    """Planted groups found and false alerts; planted bursts found; attacks found."""
    networks = [_network(asked, seed, watch) for seed in asked.seeds]
    with watch("looking for alerts", len(networks)) as done:
        looks, bursts, attacks = [], [], []
        for number, network in enumerate(networks, 1):
            looks += [look(network, week) for week in WEEKS if week <= network.weeks]
            bursts.append(burst(network))
            attacks.append(attacked(network, asked.groups))
            done(number)
    return [planted_table(looks), burst_table(bursts), attack_table(attacks)]


def _network(asked: Networks, seed: int, watch: Watch) -> SimulatedNetwork:
    with watch(f"simulating seed {seed}", asked.weeks) as done:
        return simulated(
            seed,
            asked.cache,
            chapters=asked.chapters,
            members=asked.members,
            weeks=asked.weeks,
            progress=lambda weeks, _: done(weeks),
        )
