"""A score taken apart: which component, which partner and which facts carry how many points.

Every number is the kernel's own (`Workings`); here they are only divided by the denominator they
share and multiplied by the weight of their component. docs/design/explanations.md has the formulas.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from refnet import evidence
from refnet.accumulators import Accumulators, Events, Kind
from refnet.fading import masses_left
from refnet.scoring import Scores, Workings, constants, work_out
from refnet.standings import Snapshot
from refnet.whatif import between, evidence_on, without

COMPONENTS = ("V", "T", "C", "R", "P")


class Source(StrEnum):
    """Where points come from."""

    PARTNER = "partner"  # what a partner acknowledges, says, or is worth
    UNKNOWN = "unknown"  # clients whom no member introduced
    WELCOME = "welcome"  # what everybody starts with, fading
    ECHO = "echo"  # own trust that came back by others, taken off
    AGAINST = "against"  # distrust, or bad words of clients


@dataclass(frozen=True, slots=True)
class Part:
    """Points of a score. component: V, T, C, R or P. partner: member number, if it has one."""

    component: str
    source: Source
    partner: int | None
    points: float


@dataclass(frozen=True, slots=True)
class Explanation:
    """A member's score as a sum.

    parts: of 100 * raw, by component, then as the kernel sums them. taken: points that opportunism
    takes off, 0 or less. remainder: what rounding leaves between the sum of all and the score.
    """

    number: int
    score: float
    raw: float
    values: dict[str, float]
    weights: dict[str, float]
    parts: tuple[Part, ...]
    taken: float
    remainder: float

    def points(self, component: str) -> float:
        """Those of a component, as the sum of its parts."""
        return math.fsum(part.points for part in self.parts if part.component == component)

    def by_partner(self) -> list[tuple[int, float]]:
        """(partner, points in all components): most points either way first, then lower number."""
        found: dict[int, float] = {}
        for part in self.parts:
            if part.partner is not None:
                found[part.partner] = found.get(part.partner, 0.0) + part.points
        return sorted(found.items(), key=lambda each: (-abs(each[1]), each[0]))


@dataclass(frozen=True, slots=True)
class Carrying:
    """A fact in force, as the model event it is.

    kind, giver, receiver, amount: those of the event (`Events`). left: what time has left of it,
    0 to 1; for reading, not a part of any score. masses: exactly what is left, in units of
    evidence, by the field of the accumulators it went into.
    """

    position: int
    day: int
    kind: int
    giver: int
    receiver: int
    amount: int
    left: float
    masses: dict[str, float]

    @property
    def mass(self) -> float:
        """What is left in all fields together."""
        return math.fsum(self.masses.values())


@dataclass(frozen=True, slots=True)
class Partner:
    """What lies between a member and a partner.

    points: of the partner's parts. all: facts in force between the two; shown: the newest of them.
    cost: points that would be lost if nothing had ever been recorded between the two.
    """

    number: int
    points: float
    all: tuple[Carrying, ...]
    shown: tuple[Carrying, ...]
    cost: float


def with_facts(
    snapshot: Snapshot, number: int, *, partners: int, facts: int
) -> tuple[Explanation, list[Partner]]:
    """An explanation, and of the partners with most points the facts behind them.

    partners: of how many. facts: how many to show in all, the newest of each partner in turn.
    """
    whole = explain(snapshot, number)
    every = facts_about(snapshot, number) if partners else []
    found: list[Partner] = []
    for partner, points in whole.by_partner()[:partners]:
        told = tuple(fact for fact in every if partner in {fact.giver, fact.receiver})
        price = cost(snapshot, number, between(snapshot, number, partner))
        found.append(Partner(partner, points, told, told[::-1][:facts], price))
        facts -= len(found[-1].shown)
    return whole, found


def cost(snapshot: Snapshot, number: int, positions: NDArray[np.int64]) -> float:
    """Points a member would lose if these facts had never happened (`refnet.whatif.without`)."""
    if len(positions) == 0:
        return 0.0
    return snapshot.scores.score.item(number) - without(snapshot, positions).score.item(number)


def fading(today: Explanation, later: Explanation) -> list[tuple[int, float, float]]:
    """(partner, points now, points on a later day), by size of the change, then lower number."""
    now, then = dict(today.by_partner()), dict(later.by_partner())
    found = [(each, now.get(each, 0.0), then.get(each, 0.0)) for each in sorted(now | then)]
    return sorted(found, key=lambda each: (-abs(each[1] - each[2]), each[0]))


def explain(snapshot: Snapshot, number: int, day: int | None = None) -> Explanation:
    """The score of a member as a sum of parts, on the day of the snapshot or a later one.

    Raises ValueError for an unknown number or an earlier day.
    """
    today = day in (None, snapshot.day)
    scores, workings = snapshot.once(_work_out) if today else _work_out(snapshot, day)
    if not 0 <= number < scores.n:
        raise ValueError("no member has that number")
    model = constants(snapshot.model)
    weights = {name: model[f"w_{name.lower()}"] for name in COMPONENTS}
    values = {name: getattr(scores, name).item(number) for name in COMPONENTS}
    parts = tuple(_Member(snapshot, scores, workings, model, number).parts())
    raw, score = scores.raw.item(number), scores.score.item(number)
    taken = score - raw
    # Rounded once and in the end, so that the parts, what is taken and this give the score again.
    remainder = math.fsum([score, *(-part.points for part in parts), -taken])
    return Explanation(number, score, raw, values, weights, parts, taken, remainder)


def facts_about(snapshot: Snapshot, number: int, partner: int | None = None) -> list[Carrying]:
    """Facts in force about a member, or between the member and a partner; by position."""
    about = evidence.rows_about(snapshot.columns, np.array([number]), snapshot.scores.n)
    positions, events = evidence.located(about, snapshot.day)
    mine = (events.a == number) | (events.b == number)
    if partner is not None:
        mine &= (events.a == partner) | (events.b == partner)
    at = np.flatnonzero(mine)
    chosen = events.select(at)
    rows = zip(
        positions[at].tolist(),
        events.day[at].tolist(),
        events.kind[at].tolist(),
        events.a[at].tolist(),
        events.b[at].tolist(),
        events.amount[at].tolist(),
        _left(snapshot, chosen),
        masses_left(chosen, snapshot.day, snapshot.policy),
        strict=True,
    )
    return [Carrying(*row) for row in rows]


def _work_out(snapshot: Snapshot, day: int | None = None) -> tuple[Scores, Workings]:
    day = snapshot.day if day is None else day
    return work_out(
        evidence_on(snapshot, day),
        day,
        standing=snapshot.roll.standing(),
        model=snapshot.model,
    )


class _Member:
    """One row of the network, with the terms of the kernel's sums over it."""

    def __init__(
        self,
        snapshot: Snapshot,
        scores: Scores,
        workings: Workings,
        model: dict[str, float],
        number: int,
    ) -> None:
        network = workings.network
        row = slice(int(network.offsets[number]), int(network.offsets[number + 1]))
        self.evidence = evidence_on(snapshot, scores.day)
        self.scores, self.number, self.model = scores, number, model
        self.partners = network.targets[row]
        self.here = {name: edge[row] for name, edge in workings.edges.items()}
        back = network.reverse[row]
        self.back = {name: edge[back] for name, edge in workings.edges.items()}
        self.flow = {name: flow[row] for name, flow in workings.flows.items()}
        self.people = workings.people
        self.welcome = workings.people["welcome"].item(number)

    def parts(self) -> Iterator[Part]:
        """All parts that are not nothing."""
        yield from self._thanks("V", "valued", "value_spent")
        yield from self._trust()
        yield from self._clients()
        yield from self._thanks("R", "lasting", "lasting_spent")
        yield from self._quality()

    def _thanks(self, name: str, valued: str, spent: str) -> Iterator[Part]:
        """V and R: each receiver's share of gratitude."""
        share = self.here[valued] / self.people[spent][self.partners]
        terms = self.model["gratitude_budget"] * (self.scores.p[self.partners] * share)
        grace = self._eased(self.model[f"{name.lower()}_grace"])
        yield from self._component(name, terms, 0.0, grace)

    def _trust(self) -> Iterator[Part]:
        """T: what the last pull brought from each partner, less the echo of one's own vote."""
        model, j = self.model, self.number
        kept = 1.0 - self.people["echo"].item(j)
        came = model["damping"] * (self.back["trust"] * self.people["reached"][self.partners])
        echo = -self.scores.p.item(j) * self.people["echo"].item(j)
        received = self.scores.x.item(j)
        if received == 0.0:  # nothing is left once the echo is taken off
            came, echo = np.zeros_like(came), 0.0
        bad = model["distrust_weight"] * self.scores.xn.item(j)
        against = self.flow["in_distrust"] * self.people["reach"][self.partners]
        grace = self._eased(model["t_grace"])
        yield from self._component("T", came * kept, bad, grace, echo=echo, against=against)

    def _clients(self) -> Iterator[Part]:
        """C: what clients of each introducer said, and those whom nobody introduced."""
        model, voice = self.model, self.people["voice"][self.partners]
        good = voice * self.back["praised"]
        blamed = voice * self.back["blamed"]
        number = self.number
        unknown = {
            field: self.evidence.member_masses(field, self.scores.day).item(number)
            for field in ("CP", "CN")
        }
        said = unknown["CP"] + unknown["CN"]
        heard = said + model["client_grace"]
        if model["client_grace"] == 0.0:
            heard = max(1.0, said / model["client_cap"])
        share = model["unknown_voice"]
        bad = model["blame_weight"] * (math.fsum(blamed) + share * (unknown["CN"] / heard))
        yield from self._component(
            "C",
            good,
            bad,
            model["c_grace"],
            unknown=share * (unknown["CP"] / heard),
            against=blamed,
        )

    def _quality(self) -> Iterator[Part]:
        """P: a mean over mutual partners, so each counts by weight and worth."""
        mutual = self.flow["mutual"]
        grace = self.model["p_grace"]
        whole = math.fsum(mutual) + grace
        scale = 100.0 * self.model["w_p"] / whole
        worth = self.people["worth"][self.partners]
        yield from self._partners("P", scale * (mutual * worth))
        start = (self.model["newcomer"] * grace) * self.welcome
        yield from _some("P", Source.WELCOME, scale * start)

    def _component(
        self,
        name: str,
        terms: NDArray[np.float64],
        bad: float,
        grace: float,
        *,
        unknown: float = 0.0,
        echo: float = 0.0,
        against: NDArray[np.float64] | None = None,
    ) -> Iterator[Part]:
        """Comp of section 4.3: what it would be with nothing against, and what that takes off."""
        good = math.fsum(terms) + unknown + echo
        start = self.model["newcomer"] * (grace * self.welcome)
        scale = 100.0 * self.model[f"w_{name.lower()}"] / (good + grace)
        yield from self._partners(name, scale * terms)
        yield from _some(name, Source.UNKNOWN, scale * unknown)
        yield from _some(name, Source.ECHO, scale * echo)
        yield from _some(name, Source.WELCOME, scale * start)
        if bad > 0.0:
            lost = scale * (good + start) * (bad / ((good + bad) + grace))
            whole = 0.0 if against is None else math.fsum(against)
            if against is None or whole == 0.0:
                yield from _some(name, Source.AGAINST, -lost)
                return
            weight = self.model["distrust_weight" if name == "T" else "blame_weight"]
            scaled = against * (self.model["damping"] if name == "T" else 1.0) * weight
            yield from self._partners(name, -lost * (scaled / bad), Source.AGAINST)
            yield from _some(name, Source.AGAINST, -lost * (1.0 - math.fsum(scaled) / bad))

    def _eased(self, grace: float) -> float:
        return grace * (1.0 - self.model["newcomer_slack"] * self.welcome)

    def _partners(
        self, name: str, points: NDArray[np.float64], source: Source = Source.PARTNER
    ) -> Iterator[Part]:
        for partner, each in zip(self.partners.tolist(), points.tolist(), strict=True):
            if each != 0.0:
                yield Part(name, source, partner, each)


def _some(name: str, source: Source, points: float) -> Iterator[Part]:
    if points != 0.0:
        yield Part(name, source, None, points)


def _left(snapshot: Snapshot, events: Events) -> list[float]:
    """What time has left of each event by the half-life that its first field fades with."""
    if not snapshot.policy.decay:
        return [1.0] * len(events)
    bad = (events.kind == Kind.TESTIMONIAL) & (events.amount < 0)
    slow = bad | np.isin(events.kind, (Kind.CLIENT, Kind.LOST, Kind.JUNK, Kind.SIGNAL))
    days = np.where(slow, Accumulators.HALF_LIVES["CN"], Accumulators.HALF_LIVES["GV"])
    age = (snapshot.day - events.day) / days
    found: list[float] = (0.5**age).tolist()
    return found
