"""Who can introduce whom: direct trust, and the best paths of introductions (score-model 4.6)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from refnet import _paths, evidence
from refnet.accumulators import Accumulators, Network
from refnet.scoring import MODELS
from refnet.standings import Snapshot

HOPS_MAX = _paths.HOPS_MAX
"""Links of the longest path that is looked for."""

PATHS_MAX = _paths.PATHS_MAX
"""How many paths may be asked for at a time."""


@dataclass(frozen=True, slots=True, eq=False)
class Trust:
    """What members know of each other, by slot of `network`; each float64[pairs].

    regard: a_ij of the score model, 0 or more. trust: t_ij in [0, 1). edge: t_ij * (1 - O_j), what
    an introduction weighs; 0 where i distrusts j, or the network flags j. back: the edge of (j, i).
    """

    network: Network
    regard: NDArray[np.float64]
    trust: NDArray[np.float64]
    edge: NDArray[np.float64]
    back: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Link:
    """What one member knows of another, on the day of a snapshot.

    giver, receiver: member numbers. trust: t in [0, 1). weight: what an introduction over this link
    weighs, trust * (1 - opportunism of the receiver); 0 if distrusted, or if nothing is known.
    praise, blame, given, taken, met: evidence in units: words of giver about receiver, value that
    went from giver to receiver and back, one-to-ones.
    """

    giver: int
    receiver: int
    trust: float
    weight: float
    praise: float
    blame: float
    given: float
    taken: float
    met: float

    @property
    def distrusted(self) -> bool:
        """Whether something is known, and yet nobody is led over this link."""
        return self.trust > 0.0 and self.weight == 0.0


@dataclass(frozen=True, slots=True)
class Path:
    """A chain of introductions. product: of the links' weights from the asker on, in (0, 1)."""

    members: tuple[int, ...]
    product: float
    links: tuple[Link, ...]


def trust_of(snapshot: Snapshot) -> Trust:
    """What everybody knows of everybody; found once in a snapshot."""
    return snapshot.once(_weigh)


def link(snapshot: Snapshot, giver: int, receiver: int) -> Link:
    """What one member knows of another. Raises ValueError unless these are two members."""
    n = snapshot.scores.n
    if giver == receiver or not (0 <= giver < n and 0 <= receiver < n):
        raise ValueError("a link is between two different known members")
    return _links(snapshot, [(giver, receiver)])[giver, receiver]


def best_paths(
    snapshot: Snapshot,
    asker: int,
    wanted: Sequence[int],
    *,
    count: int = 3,
    hops: int = HOPS_MAX,
    threads: int = 1,
) -> list[Path]:
    """The best chains of introductions from a member to any of those wanted.

    Best first: larger product, then fewer links, then from the wanted end back the smaller number,
    and of ways to the same number the better one. A path visits nobody twice, active members only
    stand between, and none of those wanted does. count: 1 .. PATHS_MAX. hops: 1 .. HOPS_MAX.
    Raises ValueError.
    """
    n = snapshot.scores.n
    ends = np.asarray(wanted, np.int64).reshape(-1)
    if not 0 <= asker < n or (len(ends) and not 0 <= ends.min() <= ends.max() < n):
        raise ValueError("paths lead from a known member to known members")
    trust = trust_of(snapshot)
    found = _paths.best(
        trust.network.offsets,
        trust.network.targets,
        trust.back,
        snapshot.active.view(np.uint8),
        ends.astype(np.int32),
        asker,
        hops,
        count,
        np.empty((2, hops + 1, n)),
        np.empty((3, hops + 1, n), np.int32),
        np.empty((4, n), np.uint8),
        threads,
    )
    links = _links(snapshot, [pair for _, members in found for pair in pairwise(members)])
    return [
        Path(
            members=tuple(members),
            product=product,
            links=tuple(links[pair] for pair in pairwise(members)),
        )
        for product, members in found
    ]


def facts_between(snapshot: Snapshot, one: int, two: int) -> NDArray[np.int64]:
    """Positions, rising, of the facts in force that make up what two members know of each other."""
    rows = evidence.rows_between(snapshot.columns, one, two)
    return np.unique(evidence.located(rows, snapshot.day)[0])


def _links(snapshot: Snapshot, pairs: Sequence[tuple[int, int]]) -> dict[tuple[int, int], Link]:
    """What the first of each pair knows of the second; all at once, as paths share links."""
    if not pairs:
        return {}
    asked = list(dict.fromkeys(pairs))
    trust, accumulators = trust_of(snapshot), snapshot.accumulators
    givers, receivers = np.array(asked, np.int64).T
    slots = accumulators.slots(givers, receivers)
    met = slots >= 0

    def at(values: NDArray[np.float64]) -> NDArray[np.float64]:
        found = np.zeros(len(slots))
        found[met] = values[slots[met]]
        return found

    def mass(field: str) -> NDArray[np.float64]:
        return accumulators.masses(field, givers, receivers, snapshot.day)

    columns = (
        at(trust.trust),
        at(trust.edge),
        mass("TP"),
        mass("TN"),
        mass("GV"),
        accumulators.masses("GV", receivers, givers, snapshot.day),
        mass("MT"),
    )
    rows = np.stack(columns, axis=1).tolist()
    return {pair: Link(*pair, *row) for pair, row in zip(asked, rows, strict=True)}


def weigh(
    accumulators: Accumulators, day: int, opportunism: NDArray[np.float64], model: str
) -> Trust:
    """What everybody knows of everybody by evidence of up to a day.

    opportunism: O by member number, float64[n]. model: one of `refnet.scoring.MODELS`.
    """
    network = accumulators.network()
    regard, trust, edge = np.empty((3, len(network.targets)))
    _paths.weigh(
        network.offsets,
        network.targets,
        network.reverse,
        accumulators.pair_totals,
        accumulators.pair_periods,
        day,
        accumulators.tables,
        accumulators.decay,
        opportunism,
        regard,
        trust,
        edge,
        MODELS.index(model),
        1,
    )
    return Trust(network, regard, trust, edge, back=edge[network.reverse])


def _weigh(snapshot: Snapshot) -> Trust:
    return weigh(snapshot.accumulators, snapshot.day, snapshot.scores.O, snapshot.model)
