"""How good numbers are: areas, correlations, thresholds, weeks. All deterministic.

AUC and average precision are scikit-learn's, mid-ranks and Spearman's rho scipy's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import CensoredData, ecdf, norm, rankdata, spearmanr

from refnet.accumulators import Accumulators
from refnet.evaluate.models import Model
from refnet.evaluate.networks import Flags, Floats, Ids, SimulatedNetwork

NAN = float("nan")

NEVER = float("inf")
"""Weeks until something that did not happen."""

KEPT = ("score", "O", "give", "take", "bal")
"""What `weekly` keeps of each week."""


class Area(NamedTuple):
    """An area under the ROC curve with the bounds of its 95 % confidence interval."""

    auc: float
    low: float
    high: float


def auc(positive: Flags, score: Floats) -> float:
    """The chance that a random positive outscores a random negative; a tie counts half.

    NaN if there are no positives or no negatives.
    """
    # Importing it looks around in the system, which importing a module of refnet may not.
    from sklearn.metrics import roc_auc_score  # noqa: PLC0415

    if positive.all() or not positive.any():
        return NAN
    return float(roc_auc_score(positive, score))


def auc_interval(positive: Flags, score: Floats) -> Area:
    """AUC with DeLong's 95 % interval: value +- 1.96 standard errors, cut to [0, 1].

    E. DeLong, D. DeLong, D. Clarke-Pearson, Biometrics 44 (1988), by the mid-rank form of X. Sun,
    W. Xu, IEEE Signal Processing Letters 21 (2014).
    """
    value = auc(positive, score)
    over, under = _placements(positive, score)
    half = norm.ppf(0.975) * np.sqrt(_variance(over) + _variance(under))
    return Area(value, float(max(value - half, 0.0)), float(min(value + half, 1.0)))


def auc_difference(positive: Flags, one: Floats, two: Floats) -> Area:
    """AUC of one less that of two on the same people, with DeLong's 95 % interval of it."""
    first, second = _placements(positive, one), _placements(positive, two)
    value = auc(positive, one) - auc(positive, two)
    spread = sum(_variance(a - b) for a, b in zip(first, second, strict=True))
    half = norm.ppf(0.975) * np.sqrt(spread)
    return Area(value, float(value - half), float(value + half))


def _placements(positive: Flags, score: Floats) -> tuple[Floats, Floats]:
    """Of each positive, the share of negatives below it; of each negative, of positives above."""
    high, low = score[positive], score[~positive]
    ranks = rankdata(np.concatenate([high, low]))
    over = (ranks[: len(high)] - rankdata(high)) / len(low)
    under = 1.0 - (ranks[len(high) :] - rankdata(low)) / len(high)
    return over, under


def _variance(placements: Floats) -> float:
    return float(np.var(placements, ddof=1) / len(placements)) if len(placements) > 1 else 0.0


def average_precision(positive: Flags, score: Floats) -> float:
    """Precision, averaged over the steps of recall; NaN without positives."""
    from sklearn.metrics import average_precision_score  # noqa: PLC0415 - see `auc`

    return float(average_precision_score(positive, score)) if positive.any() else NAN


def spearman(one: Floats, two: Floats) -> float:
    """Spearman's rank correlation, ties by mid-rank; NaN if either does not vary."""
    if len(one) < 3 or np.ptp(one) == 0 or np.ptp(two) == 0:
        return NAN
    return float(spearmanr(one, two).statistic)


def merit(network: SimulatedNetwork, members: Ids) -> Floats:
    """Planted merit of members: 0.6 rank of quality + 0.4 rank of generosity (score-model 8.1)."""
    plant = network.plant
    ranked = [rankdata(trait[members]) for trait in (plant.quality, plant.generosity)]
    return np.asarray(0.6 * ranked[0] + 0.4 * ranked[1])


def percentile(score: Floats, among: Flags, member: int) -> float:
    """The share of the others among whom a member stands that score less; a tie counts half."""
    others = among.copy()
    others[member] = False
    values = score[others]
    below = np.count_nonzero(values < score[member])
    return (below + 0.5 * np.count_nonzero(values == score[member])) / max(len(values), 1)


class Flagging(NamedTuple):
    """What a threshold finds; NaN for a share of nobody."""

    precision: float
    recall: float
    false_positive_rate: float


def flagging(flagged: Flags, truth: Flags) -> Flagging:
    """Precision and recall of a flag, and the share of the others who are flagged too."""
    return Flagging(share(truth, flagged), share(flagged, truth), share(flagged, ~truth))


def share(what: Flags, among: Flags) -> float:
    """Which share of `among` is `what`; NaN of nobody."""
    return float(np.count_nonzero(what & among) / np.count_nonzero(among)) if among.any() else NAN


@dataclass(frozen=True, eq=False)
class Weekly:
    """Arrays of each week's end by name, float64[weeks, n]; NaN before a member has joined."""

    arrays: Mapping[str, Floats]

    def __getitem__(self, name: str) -> Floats:
        return self.arrays[name]


def folded_weekly(network: SimulatedNetwork) -> Iterator[tuple[int, Accumulators]]:
    """Week and accumulators at its end; the same object every time, folded forward."""
    accumulators, before = Accumulators(), -1
    for week in range(network.weeks):
        day = network.last_day(week)
        accumulators.fold(network.between(before, day))
        before = day
        yield week, accumulators


def weekly(network: SimulatedNetwork, model: Model, names: tuple[str, ...] = KEPT) -> Weekly:
    """What a model says at the end of each week."""
    out = {name: np.full((network.weeks, network.n), np.nan) for name in names}
    for week, accumulators in folded_weekly(network):
        standing = network.standing_of(accumulators)
        arrays = model(accumulators, network.last_day(week), standing)
        for name in names:
            out[name][week, : accumulators.n] = arrays[name]
    return Weekly(out)


@dataclass(frozen=True, eq=False)
class Waiting:
    """How long people waited. weeks: float64; seen: who was flagged, and not lost from sight."""

    weeks: Floats
    seen: Flags

    @classmethod
    def of(cls, several: Iterable[Waiting]) -> Waiting:
        """All of them together."""
        parts = list(several)
        weeks = np.concatenate([part.weeks for part in parts])
        return cls(weeks, np.concatenate([part.seen for part in parts]))

    def curve(self) -> tuple[Floats, Floats]:
        """Weeks, and the share flagged by then; Kaplan and Meier's estimate, JASA 53 (1958)."""
        if not self.seen.any():
            return np.zeros(1), np.zeros(1)
        data = CensoredData(uncensored=self.weeks[self.seen], right=self.weeks[~self.seen])
        flagged = ecdf(data).cdf
        return np.asarray(flagged.quantiles), np.asarray(flagged.probabilities)

    def quantile(self, share_flagged: float) -> float:
        """The first week by whose end that share is flagged; inf if it never is."""
        weeks, flagged = self.curve()
        reached = weeks[flagged >= share_flagged - 1e-12]
        return float(reached[0]) if len(reached) else NEVER

    @property
    def unflagged(self) -> float:
        """The share of people who were not flagged as long as they were seen."""
        return float(1.0 - self.seen.mean()) if len(self.seen) else NAN


def waiting(flagged: Flags, since: NDArray[np.int64], until: NDArray[np.int64]) -> Waiting:
    """Weeks from `since` until first flagged, 0 for that very week; earlier flags do not count.

    flagged: bool[weeks, people]. since, until: the weeks between which each person is seen.
    """
    week = np.arange(len(flagged))[:, None]
    hit = np.asarray(flagged & (week >= since) & (week <= until), bool)
    seen = np.asarray(hit.any(axis=0), bool)
    last = np.where(seen, np.argmax(hit, axis=0), until)
    return Waiting((last - since).astype(np.float64), seen)
