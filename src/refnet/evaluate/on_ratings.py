"""Fraud found in real ratings (score-model section 6)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from refnet.evaluate import baselines
from refnet.evaluate.measures import Area, auc_difference, auc_interval, average_precision
from refnet.evaluate.models import Model
from refnet.evaluate.networks import SETTINGS, Flags, Floats, RatingsNetwork, Setting, read_ratings
from refnet.evaluate.opinions import of_ratings
from refnet.evaluate.table import Cell, Table

OURS = "T of the model"
GOODNESS = "F&G goodness"

PUBLISHED: Mapping[Setting, Mapping[str, float]] = {
    "nodef": dict(
        zip(
            (OURS, GOODNESS, "BAD deserve", "mean", "sum", "PageRank+", "hitting+"),
            (0.9545, 0.9504, 0.9484, 0.9445, 0.9446, 0.8807, 0.9024),
            strict=True,
        )
    ),
    "noT": dict(
        zip(
            (OURS, GOODNESS, "BAD deserve", "mean", "sum", "PageRank+", "hitting+"),
            (0.9476, 0.9496, 0.9475, 0.9430, 0.9387, 0.8387, 0.8645),
            strict=True,
        )
    ),
    "all": dict(
        zip(
            (OURS, GOODNESS, "BAD deserve", "mean", "sum", "PageRank+", "hitting+"),
            (0.9887, 0.9983, 0.9981, 0.9965, 0.9843, 0.9310, 0.9467),
            strict=True,
        )
    ),
}
"""AUC of score-model section 6, of the prototype's model 1."""


@dataclass(frozen=True, eq=False)
class Found:
    """How well a score ranks fraudulent people below benign ones. score: of the labelled.

    behind: AUC of the model's T less this one's, on the same people.
    """

    name: str
    auc: Area
    average_precision: float
    behind: Area
    score: Floats


@dataclass(frozen=True, eq=False)
class RatingsEvidence:
    """Everything found under one setting; the model's own first."""

    setting: Setting
    fraud: Flags
    found: tuple[Found, ...]

    def of(self, name: str) -> Found:
        """What was found for a score."""
        return next(each for each in self.found if each.name == name)


def find_fraud(
    folder: Path, model: Model, *, settings: Sequence[Setting] = SETTINGS, walks: bool = True
) -> list[RatingsEvidence]:
    """Model and baselines under each setting. walks: with the two that take seconds.

    Raises InvalidRequest if the folder does not hold the data.
    """
    return [_under(read_ratings(folder, setting), model, walks=walks) for setting in settings]


def _under(network: RatingsNetwork, model: Model, *, walks: bool) -> RatingsEvidence:
    said = of_ratings(network)
    scores: dict[str, Callable[[], Floats]] = {
        OURS: lambda: model(network.accumulators(), network.day, None)["T"],
        GOODNESS: lambda: baselines.fairness_goodness(said)[1],
        "BAD deserve": lambda: baselines.deserve(said),
        "mean": lambda: baselines.mean_rating(said),
        "sum": lambda: baselines.sum_of_ratings(said),
    }
    if walks:
        scores["PageRank+"] = lambda: baselines.pagerank(said.positive)
        scores["hitting+"] = lambda: baselines.hitting(said.positive)
    values = {name: score()[network.labelled] for name, score in scores.items()}
    fraud = network.fraud
    found = [
        Found(
            name,
            auc_interval(fraud, -score),
            average_precision(fraud, -score),
            auc_difference(fraud, -values[OURS], -score),
            score,
        )
        for name, score in values.items()
    ]
    return RatingsEvidence(network.setting, fraud, tuple(found))


def ratings_table(evidence: RatingsEvidence) -> Table:
    """AUC, average precision and intervals of all scores under one setting."""
    rows: list[list[Cell]] = []
    for each in evidence.found:
        published = PUBLISHED[evidence.setting].get(each.name)
        own = each.name == OURS
        rows.append(
            [
                each.name,
                *each.auc,
                published,
                each.average_precision,
                *([None] * 3 if own else each.behind),
            ]
        )
    bad = int(evidence.fraud.sum())
    leaky = "; the labels were made of these very ratings" if evidence.setting == "all" else ""
    return Table(
        f"Fraud in real ratings, setting {evidence.setting}",
        ("score", "AUC", "low", "high", "section 6", "AP", "T ahead by", "low ", "high "),
        rows,
        (
            (
                f"{len(evidence.fraud) - bad} benign and {bad} fraudulent people with at least one "
                f"rating that counts{leaky}. Fraud is the positive class; intervals are DeLong's "
                "at 95 %, of the difference paired on the same people."
            ),
        ),
        (4,) * 9,
    )
