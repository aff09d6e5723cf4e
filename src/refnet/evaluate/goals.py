"""What a model should reach, and whether it does (score-model section 11)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from refnet.evaluate.on_attacks import OURS, Outcomes, gain
from refnet.evaluate.on_ratings import GOODNESS, RatingsEvidence
from refnet.evaluate.on_ratings import OURS as TRUST
from refnet.evaluate.on_simulated import Measured, correlations
from refnet.evaluate.table import Table
from refnet.evaluate.tables import found, wait

AUC_WANTED = {"nodef": 0.9545, "noT": 0.9476}
"""Least AUC of T on the real ratings, rounded to four decimals."""

_FLAG = 0.5
_WAYS = {"words": "words only", "deals": "fabricated deals"}
_GAINS = (
    (1.05, "pair and ring", ("pair", "ring 5", "ring 10", "ring 30"), ("words", "deals")),
    (1.15, "clique", ("clique 5", "clique 10", "clique 30"), ("deals",)),
    (1.0, "sybil", ("sybil farm 10", "sybil farm 50", "sybil clique 30"), ("words", "deals")),
)


@dataclass(frozen=True, slots=True)
class Goal:
    """A figure and the bound it should keep.

    least: whether the bound is the least that will do. case: of several the worst, whose figure it
    is.
    """

    what: str
    bound: float
    figure: float
    digits: int = 3
    least: bool = True
    case: str = ""

    @property
    def met(self) -> bool:
        """Whether the figure, rounded to so many digits, keeps the bound."""
        figure = round(self.figure, self.digits)
        return figure >= self.bound if self.least else figure <= self.bound


def goals(
    ratings: Sequence[RatingsEvidence],
    measured: Sequence[Measured],
    outcomes: Mapping[str, Outcomes],
) -> list[Goal]:
    """The goals that can be judged by what was measured; what was not is left out."""
    return [*_by_ratings(ratings), *_by_attacks(outcomes), *_by_plant(measured)]


def _by_ratings(ratings: Sequence[RatingsEvidence]) -> Iterator[Goal]:
    for evidence in ratings:
        if (least := AUC_WANTED.get(evidence.setting)) is not None:
            name = f"ratings {evidence.setting}: "
            ours, goodness = evidence.of(TRUST), evidence.of(GOODNESS)
            yield Goal(f"{name}AUC of T", least, ours.auc.auc, 4)
            rival = round(goodness.average_precision, 4)
            yield Goal(f"{name}AP of T, level with F&G", rival, ours.average_precision, 4)


def _by_attacks(outcomes: Mapping[str, Outcomes]) -> Iterator[Goal]:
    ours = outcomes.get(OURS, {})
    for bound, name, shapes, ways in _GAINS:
        for way in ways:
            gains = {shape: gain(ours, f"{shape} {way}") for shape in shapes}
            tried = {shape: value for shape, value in gains.items() if f"{shape} {way}" in ours}
            if tried:
                worst = max(tried, key=lambda shape: tried[shape])
                what = f"{name} gain, {_WAYS[way]}"
                yield Goal(what, bound, tried[worst], 2, least=False, case=worst)


def _by_plant(measured: Sequence[Measured]) -> Iterator[Goal]:
    if not measured:
        return
    at = found(measured, _FLAG)
    yield Goal("opportunists at 0.5: precision", 0.95, at["precision"])
    yield Goal("opportunists at 0.5: recall", 0.85, at["recall"])
    yield Goal("newcomers flagged at 0.5", 0.0, at["newcomer flagged"], least=False)
    yield Goal("givers flagged at 0.5", 0.0, at["giver flagged"], least=False)
    weeks = wait(measured, "taker", _FLAG).quantile(0.5)
    yield Goal("weeks until a taker is flagged, median", 10.0, weeks, 0, least=False)
    rows = [row for one in measured for row in correlations(one, counted=False)]
    merits = [row.merit for row in rows if row.name == "score"]
    yield Goal("rho of score and planted merit", 0.70, sum(merits) / len(merits))


def goal_table(reached: Sequence[Goal]) -> Table:
    """Each goal, the figure, and whether it is met."""
    rows = [
        [
            goal.what,
            f"{'>=' if goal.least else '<='} {goal.bound:.{goal.digits}f}",
            f"{goal.figure:.{goal.digits}f}",
            goal.case,
            "met" if goal.met else "not met",
        ]
        for goal in reached
    ]
    notes = ["Figures are rounded as shown before they are compared."]
    return Table("Goals", ("goal", "wanted", "figure", "worst case", "met"), rows, notes)
