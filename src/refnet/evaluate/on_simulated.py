"""Planted traits and planted opportunists, found again (score-model sections 8.1 and 8.2)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from refnet.evaluate import baselines
from refnet.evaluate.measures import NAN, Waiting, Weekly, auc, merit, spearman, waiting, weekly
from refnet.evaluate.models import Arrays, Judge, Model
from refnet.evaluate.networks import Flags, Floats, SimulatedNetwork
from refnet.evaluate.opinions import of_evidence, of_words

NEW = 12
"""Weeks of tenure below which a member is a newcomer."""

KINDS = ("normal", "giver", "taker", "turncoat", "inactive")

COMPONENTS = ("T", "V", "C", "R", "P")


@dataclass(frozen=True, eq=False)
class Measured:
    """A model on one simulated network: its last week, and opportunism week by week."""

    network: SimulatedNetwork
    arrays: Arrays
    weekly: Weekly

    @cached_property
    def opportunist(self) -> Flags:
        """Members at the end who live on others' referrals by then."""
        plant = self.network.plant
        return plant.opportunist(self.network.weeks - 1) & plant.stays

    @cached_property
    def newcomer(self) -> Flags:
        """Members at the end of less than NEW weeks, but no takers or turncoats."""
        plant = self.network.plant
        young = plant.tenure(self.network.weeks) < NEW
        return young & plant.stays & plant.of("normal", "giver", "inactive")

    def settled(self, kind: str) -> Flags:
        """Members at the end of one kind, newcomers left out; of turncoats those who turned."""
        plant = self.network.plant
        old = plant.of(kind) & plant.stays & (plant.tenure(self.network.weeks) >= NEW)
        return old & self.opportunist if kind == "turncoat" else old

    @cached_property
    def good(self) -> Flags:
        """Normal members and givers at the end."""
        return self.network.plant.of("normal", "giver") & self.network.plant.stays

    def flagged(self, threshold: float) -> Flags:
        """Whose opportunism reaches a threshold at the end."""
        return np.asarray(self.arrays["O"] >= threshold, bool)

    def ever_flagged(self, threshold: float) -> Flags:
        """Who was flagged at the end of any week."""
        return np.asarray((self.weekly["O"] >= threshold).any(axis=0), bool)

    def wait(self, kind: str, threshold: float) -> Waiting:
        """Weeks from the first induction, or the turn, of those of a kind until first flagged.

        Those who leave, and those who are there at the end, unflagged, count for as long as they
        were seen.
        """
        plant = self.network.plant
        since = plant.joined if kind == "taker" else plant.turned
        until = np.where(plant.left < 0, self.network.weeks - 1, plant.left)
        chosen = plant.of(kind) & (since >= 0) & (since <= until)
        return waiting(self.weekly["O"][:, chosen] >= threshold, since[chosen], until[chosen])


def measure(network: SimulatedNetwork, model: Model) -> Measured:
    """Run a model through a network."""
    standing = network.standing_of(network.folded(network.day))
    arrays = model(network.folded(network.day), network.day, standing)
    return Measured(network, arrays, weekly(network, model, ("O",)))


def observables(measured: Measured, *, counted: bool = True) -> dict[str, Callable[[], Floats]]:
    """All scores to correlate with planted traits, by name: the model's, baselines, counts.

    counted: with what is not the model's own.
    """
    network, arrays = measured.network, measured.arrays
    n, day, accumulators = network.n, network.day, network.folded(network.day)

    def of(name: str) -> Callable[[], Floats]:
        return lambda: np.asarray(arrays[name])

    found = {name: of(name) for name in ("score", *COMPONENTS)}
    if not counted:
        return found
    for name, rival in baselines.RIVALS.items():
        found[name] = _rival(rival, measured)
    found["mean testimonial"] = lambda: baselines.mean_rating(of_words(network.events, n))
    found["sum of evidence"] = lambda: baselines.sum_of_ratings(of_evidence(accumulators, day))
    found["closure rate"] = lambda: baselines.closure_rate(network.events, n)
    found["referrals given"] = lambda: baselines.referrals_given(network.events, n)
    found["contacts"] = lambda: baselines.contacts(accumulators)
    return found


def _rival(rival: Judge, measured: Measured) -> Callable[[], Floats]:
    network = measured.network
    accumulators = network.folded(network.day)
    standing = network.standing_of(accumulators)
    return lambda: np.asarray(rival(accumulators, network.events, network.day, standing)["score"])


@dataclass(frozen=True, slots=True)
class Correlation:
    """Spearman's rho of a score with planted traits, and how it parts good from opportunist."""

    name: str
    quality: float
    generosity: float
    merit: float
    parting: float


def correlate(name: str, score: Floats, measured: Measured, among: Flags) -> Correlation:
    """Over `among`; parting is over everybody who is good or an opportunist."""
    plant = measured.network.plant
    ids = np.flatnonzero(among)
    both = measured.good | measured.opportunist
    return Correlation(
        name,
        spearman(score[ids], plant.quality[ids]),
        spearman(score[ids], plant.generosity[ids]),
        spearman(score[ids], merit(measured.network, ids)),
        auc(measured.good[both], score[both]),
    )


def correlations(measured: Measured, *, counted: bool = True) -> list[Correlation]:
    """Every observable over normal members and givers, and the score over the settled ones."""
    rows = [
        correlate(name, score(), measured, measured.good)
        for name, score in observables(measured, counted=counted).items()
    ]
    plant = measured.network.plant
    settled = measured.good & ~plant.colludes & (plant.tenure(measured.network.weeks) >= 2 * NEW)
    rows.append(correlate("score, settled", measured.arrays["score"], measured, settled))
    return rows


def pooled(masks: Sequence[tuple[Flags, Flags]]) -> float:
    """Which share of the second is the first, over all networks; NaN of nobody."""
    among = sum(int(np.count_nonzero(second)) for _, second in masks)
    hit = sum(int(np.count_nonzero(first & second)) for first, second in masks)
    return hit / among if among else NAN


def gathered(measured: Sequence[Measured], name: str, who: Callable[[Measured], Flags]) -> Floats:
    """An array's values of some members of all networks, in order."""
    return np.concatenate([each.arrays[name][who(each)] for each in measured])
