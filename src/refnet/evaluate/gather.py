"""Everything that is measured, in one go."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from refnet.evaluate.baselines import RIVALS
from refnet.evaluate.models import Model, find_model
from refnet.evaluate.networks import SimulatedNetwork
from refnet.evaluate.on_attacks import Outcomes, collude, collusions, misuse
from refnet.evaluate.on_ratings import RatingsEvidence, find_fraud
from refnet.evaluate.on_simulated import Measured, measure
from refnet.evaluate.report import Evidence
from refnet.evaluate.simulated import CHAPTERS, MEMBERS, TEST_SEEDS, WEEKS, simulated
from refnet.evaluate.suite import GROUPS
from refnet.golden import check
from refnet.scoring import MODEL

GOLDEN = "score-golden.json"
"""Of the kernel's model, looked for beside the ratings."""

ATTACKED = 3
"""Networks that attacks are tried on: those of the first seeds."""

Watch = Callable[[str, int], AbstractContextManager[Callable[[int], None]]]
"""Told what is done and of how many steps; gives what to tell how many are done."""


@dataclass(frozen=True, slots=True)
class Order:
    """What to measure, and on what.

    ratings, plant, attacks: which parts. data: the folder of the real ratings. cache: the folder of
    simulated networks. groups: tries of each attack on each network. rivals: whether baselines are
    tried under the attacks too.
    """

    model: str
    made_by: str
    data: Path
    cache: Path
    ratings: bool = True
    plant: bool = True
    attacks: bool = True
    seeds: Sequence[int] = TEST_SEEDS
    chapters: int = CHAPTERS
    members: int = MEMBERS
    weeks: int = WEEKS
    groups: int = GROUPS
    rivals: bool = True

    @property
    def size(self) -> str:
        """Of the simulated networks, in words."""
        return f"{self.chapters} chapters of {self.members} members, {self.weeks} weeks"


def networks_for(order: Order, watch: Watch) -> list[SimulatedNetwork]:
    """The simulated networks that an order needs."""
    if not order.plant and not order.attacks:
        return []
    return _networks(order, order.seeds if order.plant else order.seeds[:ATTACKED], watch)


def gather(
    order: Order, watch: Watch, networks: Sequence[SimulatedNetwork] | None = None
) -> Evidence:
    """Measure what was ordered. networks: those for the order, if they have been made.

    Raises InvalidRequest for an unknown model or missing ratings.
    """
    model = find_model(order.model)
    ratings = _fraud(order, model, watch) if order.ratings else []
    if networks is None:
        networks = networks_for(order, watch)
    measured: list[Measured] = []
    if order.plant:
        with watch("scoring week by week", len(networks)) as done:
            for number, network in enumerate(networks, 1):
                measured.append(measure(network, model))
                done(number)
    attacked = networks[:ATTACKED] if order.attacks else []
    found, other = _attacks(order, attacked, model, watch) if attacked else ({}, {})
    return Evidence(
        model=order.model,
        made_by=order.made_by,
        size=order.size,
        seeds=[network.seed for network in networks],
        attacked=[network.seed for network in attacked],
        ratings=ratings,
        measured=measured,
        collusions=found,
        misuse=other,
        bits=_bits(order.data / GOLDEN) if order.ratings and order.model == MODEL else None,
    )


def _bits(golden: Path) -> int | None:
    """How many values kernel and reference get wrong; None if there is no golden vector."""
    if not golden.exists():
        return None
    arrays = check(json.loads(golden.read_bytes())).arrays
    return sum(each.kernel_differs + each.reference_differs for each in arrays)


def _fraud(order: Order, model: Model, watch: Watch) -> list[RatingsEvidence]:
    with watch("scoring real ratings", 1) as done:
        found = find_fraud(order.data, model, walks=order.rivals)
        done(1)
    return found


def _networks(order: Order, seeds: Sequence[int], watch: Watch) -> list[SimulatedNetwork]:
    networks = []
    for seed in seeds:
        with watch(f"simulating seed {seed}", order.weeks) as done:
            networks.append(_network(order, seed, done))
    return networks


def _network(order: Order, seed: int, done: Callable[[int], None]) -> SimulatedNetwork:
    return simulated(
        seed,
        order.cache,
        chapters=order.chapters,
        members=order.members,
        weeks=order.weeks,
        progress=lambda weeks, _: done(weeks),
    )


def _attacks(
    order: Order, networks: Sequence[SimulatedNetwork], model: Model, watch: Watch
) -> tuple[dict[str, Outcomes], Outcomes]:
    judges = 1 + len(RIVALS) * order.rivals
    tries = sum(1 for network in networks for _ in collusions(network, order.groups)) * judges
    count = 0
    with watch("attacking", tries) as done:

        def tried() -> None:
            nonlocal count
            count += 1
            done(count)

        found = collude(networks, model, rivals=order.rivals, groups=order.groups, tried=tried)
    return found, misuse(networks, model, order.groups)
