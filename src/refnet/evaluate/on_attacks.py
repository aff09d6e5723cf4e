"""What attacks gain, on a model and on baselines (score-model sections 8.3 and 9)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np

from refnet.evaluate import suite
from refnet.evaluate.attacks import Attack
from refnet.evaluate.baselines import RIVALS
from refnet.evaluate.measures import NAN
from refnet.evaluate.models import Model, judge_by
from refnet.evaluate.networks import SimulatedNetwork
from refnet.evaluate.suite import COLLUSIONS, ROTAS, Outcome, Trials
from refnet.evaluate.table import Cell, Table

OURS = "the model"

Outcomes = Mapping[str, Sequence[Outcome]]
"""By kind of attack, in the order of the suite."""

_PUBLISHED = {
    "pair words": 1.014,
    "ring 5 words": 1.013,
    "ring 10 words": 1.014,
    "ring 30 words": 1.014,
    "clique 5 words": 1.044,
    "clique 10 words": 1.073,
    "clique 30 words": 1.116,
    "tripartite 30 words": 1.076,
    "sybil farm 10 words": 0.999,
    "sybil farm 50 words": 1.000,
    "sybil clique 30 words": 1.003,
    "pair deals": 1.120,
    "ring 5 deals": 1.101,
    "ring 10 deals": 1.140,
    "ring 30 deals": 1.116,
    "clique 5 deals": 1.32,
    "clique 10 deals": 1.39,
    "clique 30 deals": 1.51,
    "clique 5 rota deals": 1.32,
    "clique 10 rota deals": 1.38,
    "clique 30 rota deals": 1.47,
    "sybil farm 10 deals": 1.000,
    "sybil farm 50 deals": 1.001,
    "sybil clique 30 deals": 1.003,
}
"""Gain in score of section 8.3."""


def collude(
    networks: Sequence[SimulatedNetwork],
    model: Model,
    *,
    rivals: bool = True,
    groups: int = suite.GROUPS,
    tried: Callable[[], None] = lambda: None,
) -> dict[str, Outcomes]:
    """Outcomes of all collusions by judge: the model, and the baselines if wanted.

    tried: called after each attack on each judge.
    """
    judges = {OURS: judge_by(model), **(RIVALS if rivals else {})}
    out: dict[str, dict[str, list[Outcome]]] = {name: {} for name in judges}
    for network in networks:
        trials = {name: Trials(network, judge) for name, judge in judges.items()}
        for attack in collusions(network, groups):
            for name, each in trials.items():
                out[name].setdefault(attack.kind, []).append(each.outcome(attack))
                tried()
    return dict(out)


def collusions(network: SimulatedNetwork, groups: int = suite.GROUPS) -> Iterator[Attack]:
    """Words only, then with deals."""
    yield from suite.collusions(network, deals=False, groups=groups, shapes=COLLUSIONS)
    yield from suite.collusions(network, deals=True, groups=groups, shapes=COLLUSIONS + ROTAS)


def misuse(
    networks: Sequence[SimulatedNetwork], model: Model, groups: int = suite.GROUPS
) -> Outcomes:
    """Outcomes of the other attacks of section 9 on a model."""
    out: dict[str, list[Outcome]] = {}
    for network in networks:
        trials = Trials(network, judge_by(model))
        for attack in suite.others(trials, groups):
            out.setdefault(attack.kind, []).append(trials.outcome(attack))
    return out


def gain(outcomes: Outcomes, kind: str, name: str = "score") -> float:
    """The mean gain of one kind of attack; NaN if it was not tried."""
    return _mean([each.gain(name) for each in outcomes.get(kind, ())])


def gain_table(all_outcomes: Mapping[str, Outcomes], what: str) -> Table:
    """Section 8.3: after by before. what: "words" or "deals"."""
    ours = all_outcomes[OURS]
    rivals = [name for name in all_outcomes if name != OURS]
    rows: list[list[Cell]] = [
        [
            kind,
            *(gain(ours, kind, name) for name in ("score", "T", "x")),
            _PUBLISHED.get(kind),
            *(_mean([one.percentile[at] for one in outcomes]) for at in (0, 1)),
            *(gain(all_outcomes[name], kind) for name in rivals),
        ]
        for kind, outcomes in ours.items()
        if kind.endswith(what)
    ]
    tries = sum(len(outcomes) for kind, outcomes in ours.items() if kind.endswith(what))
    words = "one testimonial of +10 an edge a week"
    deals = "and one accepted, won and closed deal of 10 000 EUR that nobody made"
    return Table(
        f"What colluders gain, {'words only' if what == 'words' else 'words and fabricated deals'}",
        ("attack", "score", "T", "x", "section 8.3", "from", "to", *rivals),
        rows,
        (
            (
                f"Mean of after by before over {tries} tries of 26 weeks: {words}"
                f"{'' if what == 'words' else f', {deals}'}. From and to: the share of genuine "
                "members who score less. Rota: one edge a member a week."
            ),
        ),
        (0, 3, 3, 2, 3, 2, 2, 2, 2, 2, 2),
    )


def misuse_table(outcomes: Outcomes) -> Table:
    """Score, flags and rank before and after every other attack."""
    rows: list[list[Cell]] = [
        [
            kind,
            sum(one.members for one in found),
            _weighted(found, lambda one: one.before["score"]),
            _weighted(found, lambda one: one.after["score"]),
            _weighted(found, lambda one: one.flagged[0]),
            _weighted(found, lambda one: one.flagged[1]),
            _weighted(found, lambda one: one.percentile[0]),
            _weighted(found, lambda one: one.percentile[1]),
            _SECTION_9.get(kind, ""),
        ]
        for kind, found in outcomes.items()
    ]
    return Table(
        "Other attacks and misuse",
        (
            "attack",
            "members",
            "score before",
            "after",
            "flagged before",
            "after ",
            "rank before",
            "after  ",
            "section 9",
        ),
        rows,
        (
            (
                "Laundering: flagged takers, whose friends acknowledge a deal each week for 26 "
                "weeks. Slander: chapter mates write -10 once in the last week. Infiltration: "
                "made-up members join, attend 12 meetings and boost one member with words and "
                "deals for 26 weeks. Hibernation: flagged takers fall silent for so many weeks; "
                "before is the last day before that. Ranks are shares of genuine members who score "
                "less."
            ),
        ),
        (0, 0, 1, 1, 2, 2, 2, 2),
    )


_SECTION_9 = {
    "laundering 1": "5 to 22, 61 % flagged",
    "laundering 2": "5 to 36, 31 % flagged",
    "laundering 3": "5 to 43, 22 % flagged",
    "slander 1": "57.7 to 54.1",
    "slander 2": "57.7 to 51.4",
    "slander 5": "57.7 to 47.2",
    "slander 10": "57.7 to 44.0",
    "infiltration 1": "58.1 to 60.3",
    "infiltration 3": "58.1 to 63.6",
    "infiltration 10": "58.1 to 70.3",
    "hibernation 26": "4.9 to 15, 58 % flagged",
    "hibernation 40": "4.9 to 23, 16 % flagged",
}


def averaged(outcomes: Outcomes, kind: str, take: Callable[[Outcome], float]) -> float:
    """A mean over members of one kind of attack; NaN if it was not tried."""
    found = outcomes.get(kind, ())
    return _weighted(found, take) if found else NAN


def _weighted(found: Sequence[Outcome], take: Callable[[Outcome], float]) -> float:
    return float(np.average([take(one) for one in found], weights=[one.members for one in found]))


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if values else NAN
