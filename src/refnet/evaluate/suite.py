"""Which attacks are tried on whom, and what came of each (score-model sections 8.3 and 9)."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from refnet.accumulators import Kind
from refnet.evaluate import attacks
from refnet.evaluate.attacks import Attack, Edge, Row
from refnet.evaluate.measures import merit, percentile
from refnet.evaluate.models import Arrays, Judge
from refnet.evaluate.networks import Flags, Ids, SimulatedNetwork

GROUPS = 4
"""Groups of each size that try, on each network."""

ATTENDED = 12
"""Meetings that a sybil attends who was admitted to a chapter."""

FLAG = 0.5
"""The opportunism from which a member counts as flagged."""

_HANDED_IN = -4
"""Wednesday: days from a week's last day to the one on which attackers hand in their slips."""


@dataclass(frozen=True, slots=True)
class Collusion:
    """A shape of collusion. sybils: whether all but the first are made-up members without p."""

    name: str
    size: int
    edges: Callable[[Ids, int], Iterable[Edge]]
    sybils: bool = False


COLLUSIONS = (
    Collusion("pair", 2, attacks.pair),
    *(Collusion(f"ring {size}", size, attacks.ring) for size in (5, 10, 30)),
    *(Collusion(f"clique {size}", size, attacks.clique) for size in (5, 10, 30)),
    Collusion("tripartite 30", 30, attacks.tripartite),
    *(Collusion(f"sybil farm {size}", size + 1, attacks.farm, True) for size in (10, 50)),
    Collusion("sybil clique 30", 31, attacks.clique, True),
)
"""Tried with words only, and with fabricated deals as well."""

ROTAS = tuple(Collusion(f"clique {size} rota", size, attacks.rota) for size in (5, 10, 30))
"""Tried with fabricated deals: one a member a week."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How the measured members of one attack fared, on average.

    before, after: of each array by name. flagged: share with O from FLAG on. percentile: share of
    genuine members (colluders of the plant left out) who score less.
    """

    kind: str
    seed: int
    trial: int
    before: Mapping[str, float]
    after: Mapping[str, float]
    percentile: tuple[float, float]
    flagged: tuple[float, float] = (0.0, 0.0)
    members: int = 0

    def gain(self, name: str = "score") -> float:
        """After by before; 1 where there was nothing and still is nothing."""
        before, after = self.before[name], self.after[name]
        return 1.0 if after == before else after / before if before else float("inf")


@dataclass(eq=False)
class Trials:
    """A judge under attack on one network: a model, or a baseline."""

    network: SimulatedNetwork
    judge: Judge
    _before: dict[int, Arrays] = field(default_factory=dict)

    def before(self, day: int | None = None) -> Arrays:
        """What the judge says on a day (default: the last) without attack; computed once."""
        day = self.network.day if day is None else day
        if day not in self._before:
            self._before[day] = attacks.untouched(self.network, self.judge, day)
        return self._before[day]

    def outcome(self, attack: Attack) -> Outcome:
        """Carry out an attack and measure it."""
        before = self.before(attack.start - 1 if attack.from_start else None)
        after = attacks.carried_out(self.network, attack, self.judge)
        members, among = attack.members, genuine(self.network)
        names = [name for name in before if name in after]
        return Outcome(
            kind=attack.kind,
            seed=self.network.seed,
            trial=attack.trial,
            before={name: float(before[name][members].mean()) for name in names},
            after={name: float(after[name][members].mean()) for name in names},
            percentile=(_standing(before, among, members), _standing(after, among, members)),
            flagged=(_flagged(before, members), _flagged(after, members)),
            members=len(members),
        )


def collusions(
    network: SimulatedNetwork, *, deals: bool, groups: int = GROUPS, shapes: tuple[Collusion, ...]
) -> Iterator[Attack]:
    """Groups of the lower half of genuine members who boost each other for 26 weeks.

    Lower by planted quality and generosity (their ranks' mean), so that every model is tried by
    the same people. Shapes that the network is too small for are left out.
    """
    low = lower_half(network)
    for shape in shapes:
        kind = f"{shape.name} {'deals' if deals else 'words'}"
        for trial in range(groups):
            chance = draw(network, shape.name, trial)
            genuine_ones = 1 if shape.sybils else shape.size
            if genuine_ones > len(low):
                continue
            group = chance.choice(low, genuine_ones, replace=False)
            joins: list[Row] = []
            if shape.sybils:
                sybils = np.arange(network.n, network.n + shape.size - 1)
                joins = _joins(network, sybils)
                group = np.concatenate([group, sybils])
            yield attacks.adding(
                network,
                kind,
                trial,
                [*joins, *_weekly_boosts(network, shape, group, deals=deals)],
                group[:1] if shape.sybils else group,
                len(group) - genuine_ones,
            )


def launderings(trials: Trials, friends: int, groups: int = GROUPS) -> Iterator[Attack]:
    """Flagged takers whose friends acknowledge a deal each week that nobody made; one a trial."""
    network, kind = trials.network, f"laundering {friends}"
    takers = np.flatnonzero(_takers(network) & (trials.before()["O"] >= FLAG))
    low = lower_half(network)
    if friends > len(low):
        return
    chosen = draw(network, "laundering", 0).permutation(takers)[: 3 * groups]
    for trial, taker in enumerate(chosen.tolist()):
        helpers = draw(network, kind, trial).choice(low, friends, replace=False).tolist()
        edges = [(helper, taker) for helper in helpers]
        rows = [
            row
            for _, day in attacks.weeks_before_end(network)
            for row in attacks.boosts(edges, day + _HANDED_IN, words=False, deals=True)
        ]
        yield attacks.adding(network, kind, trial, rows, [taker])


def slanders(network: SimulatedNetwork, mates: int, groups: int = GROUPS) -> Iterator[Attack]:
    """So many of a genuine member's chapter mates write -1000 once, in the last week."""
    kind, plant = f"slander {mates}", network.plant
    victims = draw(network, "slander", 0).permutation(np.flatnonzero(genuine(network)))
    for trial, victim in enumerate(victims[: 3 * groups].tolist()):
        around = plant.stays & (plant.chapter == plant.chapter[victim])
        around[victim] = False
        able = np.flatnonzero(around)
        if mates > len(able):
            continue
        authors = draw(network, kind, trial).choice(able, mates, replace=False).tolist()
        day = network.day + _HANDED_IN
        rows = [(day, int(Kind.TESTIMONIAL), author, victim, -1000) for author in authors]
        yield attacks.adding(network, kind, trial, rows, [victim])


def infiltrations(network: SimulatedNetwork, sybils: int, groups: int = GROUPS) -> Iterator[Attack]:
    """Made-up members are inducted, attend 12 meetings, and boost a genuine member for 26 weeks."""
    kind, low = f"infiltration {sybils}", lower_half(network)
    for trial in range(groups):
        target = draw(network, "infiltration", trial).choice(low, 1)
        ids = np.arange(network.n, network.n + sybils)
        farm = Collusion(kind, sybils + 1, attacks.farm, sybils=True)
        attended = [
            (day + _HANDED_IN, int(Kind.ATTENDANCE), each, each, 1000)
            for _, day in attacks.weeks_before_end(network)[:ATTENDED]
            for each in ids.tolist()
        ]
        boosts = _weekly_boosts(network, farm, np.concatenate([target, ids]), deals=True)
        rows = [*_joins(network, ids), *attended, *boosts]
        yield attacks.adding(network, kind, trial, rows, target, sybils)


def hibernation(trials: Trials, weeks: int) -> Attack | None:
    """Takers who are flagged fall silent for the last weeks; None if nobody is flagged then."""
    network = trials.network
    start = attacks.weeks_before_end(network, weeks)[0][1] - 6
    then = trials.before(start - 1)["O"]
    takers = _takers(network)
    takers[: len(then)] &= then >= FLAG
    takers[len(then) :] = False
    if not takers.any():
        return None
    return attacks.silencing(network, f"hibernation {weeks}", start, np.flatnonzero(takers))


def others(trials: Trials, groups: int = GROUPS) -> Iterator[Attack]:
    """Launderings, slanders, infiltrations and hibernations of section 9, as many as can be."""
    for friends in (1, 2, 3):
        yield from launderings(trials, friends, groups)
    for mates in (1, 2, 5, 10):
        yield from slanders(trials.network, mates, groups)
    for sybils in (1, 3, 10):
        yield from infiltrations(trials.network, sybils, groups)
    for weeks in (26, 40):
        asleep = hibernation(trials, weeks)
        if asleep is not None:
            yield asleep


def genuine(network: SimulatedNetwork) -> Flags:
    """Normal members and givers who were there before the attack and still are, in no group."""
    plant = network.plant
    able = plant.of("normal", "giver") & plant.stays & ~plant.colludes
    return able & (plant.joined < max(network.weeks - attacks.WEEKS, 1))


def lower_half(network: SimulatedNetwork) -> Ids:
    """The half of the genuine members with less planted merit (score-model 8.1)."""
    ids = np.flatnonzero(genuine(network))
    return ids[np.argsort(merit(network, ids), kind="stable")][: len(ids) // 2]


def draw(network: SimulatedNetwork, kind: str, trial: int) -> np.random.Generator:
    """The random choices of one try; the same in every process."""
    return np.random.default_rng([network.seed, zlib.crc32(kind.encode()), trial])


def _weekly_boosts(
    network: SimulatedNetwork, shape: Collusion, group: Ids, *, deals: bool
) -> Iterator[Row]:
    for week, day in attacks.weeks_before_end(network):
        yield from attacks.boosts(shape.edges(group, week), day + _HANDED_IN, deals=deals)


def _joins(network: SimulatedNetwork, ids: Ids) -> list[Row]:
    day = attacks.weeks_before_end(network)[0][1] + _HANDED_IN
    return [(day, int(Kind.JOIN), each, each, 1000) for each in ids.tolist()]


def _takers(network: SimulatedNetwork) -> Flags:
    return network.plant.of("taker") & network.plant.stays


def _standing(arrays: Arrays, among: Flags, members: Ids) -> float:
    score = arrays["score"]
    known = np.zeros(len(score), bool)
    size = min(len(score), len(among))
    known[:size] = among[:size]
    return float(np.mean([percentile(score, known, member) for member in members.tolist()]))


def _flagged(arrays: Arrays, members: Ids) -> float:
    return float((arrays["O"][members] >= FLAG).mean()) if "O" in arrays else float("nan")
