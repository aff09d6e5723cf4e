"""What was measured on simulated networks, as tables with section 8's figures beside them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from refnet.evaluate.measures import NAN, Waiting, auc, average_precision
from refnet.evaluate.networks import Flags
from refnet.evaluate.on_simulated import KINDS, NEW, Measured, correlations, gathered, pooled
from refnet.evaluate.table import Cell, Table

THRESHOLDS = (0.4, 0.5, 0.6, 0.7)

_MERIT = {
    "score": 0.608,
    "T": 0.397,
    "V": 0.340,
    "C": 0.576,
    "R": 0.355,
    "P": 0.201,
    "PageRank": 0.422,
    "EigenTrust": 0.422,
    "hitting time": 0.415,
    "F&G (g+1)/2": 0.325,
    "mean testimonial": 0.459,
    "closure rate": 0.578,
    "referrals given": 0.412,
    "contacts": 0.190,
}
"""rho(merit) of section 8.1."""

_FOUND = {
    0.4: (0.751, 0.854, 0.878, 0.783, 0.0245, 0.0, 0.052, 0.170),
    0.5: (0.844, 0.800, 0.833, 0.700, 0.0132, 0.0, 0.023, 0.109),
    0.6: (0.927, 0.733, 0.764, 0.642, 0.0056, 0.0, 0.007, 0.055),
    0.7: (0.966, 0.606, 0.653, 0.467, 0.0023, 0.0, 0.002, 0.020),
}
_WAITED = {
    0.4: (16.0, 28.0, 41.0, 33.0, 43.0),
    0.5: (20.0, 32.0, 50.0, 37.0, 50.0),
    0.6: (26.0, 40.0, 64.0, 42.0, np.inf),
    0.7: (38.0, 62.0, np.inf, 54.0, np.inf),
}
"""Rows of section 8.2."""

_MEDIANS = {
    "normal": 58.9,
    "giver": 64.3,
    "taker": 4.1,
    "turncoat": 9.4,
    "inactive": 44.3,
    "newcomer": 31.9,
}

OTHER_GENERATOR = (
    "The column of section 8 is of the prototype's own generator, with other people in it: compare "
    "directions, not decimals."
)


def correlation_table(measured: Sequence[Measured]) -> Table:
    """Section 8.1, means over the networks."""
    each = [correlations(one) for one in measured]
    rows: list[list[Cell]] = []
    for same in zip(*each, strict=True):
        merits = [one.merit for one in same]
        rows.append(
            [
                same[0].name,
                _mean([one.quality for one in same]),
                _mean([one.generosity for one in same]),
                _mean(merits),
                min(merits),
                max(merits),
                _MERIT.get(same[0].name),
                _mean([one.parting for one in same]),
            ]
        )
    return Table(
        "Correlation with planted traits",
        (
            "score",
            "rho(quality)",
            "rho(generosity)",
            "rho(merit)",
            "least",
            "most",
            "section 8.1",
            "AUC good against opportunist",
        ),
        rows,
        (
            (
                "Spearman's rho over normal members and givers who are there at the end, mean "
                "over the networks; least and most are those of rho(merit) over the networks. "
                "Merit is 0.6 rank of quality + 0.4 rank of generosity. Settled: in no planted "
                "group, 24 weeks or more."
            ),
            OTHER_GENERATOR,
        ),
    )


def threshold_table(measured: Sequence[Measured]) -> Table:
    """Section 8.2: what a threshold on opportunism finds, all networks together."""
    rows: list[list[Cell]] = []
    for threshold in THRESHOLDS:
        rows.append([f"{threshold}", *found(measured, threshold).values()])
        rows.append(["section 8.2", *_FOUND[threshold][:6], None, *_FOUND[threshold][6:]])
    truth = np.concatenate([one.opportunist[one.network.plant.stays] for one in measured])
    index = gathered(measured, "O", lambda one: one.network.plant.stays)
    return Table(
        "Opportunists found at the end",
        ("O from", *found(measured, THRESHOLDS[0])),
        rows,
        (
            (
                f"{int(truth.sum())} takers and turned turncoats among {len(truth)} members of "
                f"{len(measured)} networks. AUC of O {auc(truth, index):.3f} (.962), average "
                f"precision {average_precision(truth, index):.3f} (.893). Newcomers have less than "
                f"{NEW} weeks and are neither takers nor turncoats; the other kinds have more."
            ),
            OTHER_GENERATOR,
        ),
        (1, 3, 3, 3, 3, 4, 4, 4, 4, 3),
    )


def found(measured: Sequence[Measured], threshold: float) -> dict[str, float]:
    """What a threshold finds, by name of a column."""

    def flagged_of(who: Callable[[Measured], Flags]) -> float:
        return pooled([(one.flagged(threshold), who(one)) for one in measured])

    def caught(kind: str) -> float:
        return flagged_of(lambda one: one.opportunist & one.network.plant.of(kind))

    flagged = [
        (one.opportunist, one.flagged(threshold) & one.network.plant.stays) for one in measured
    ]
    ever = [(one.ever_flagged(threshold), one.settled("normal")) for one in measured]
    return {
        "precision": pooled(flagged),
        "recall": flagged_of(lambda one: one.opportunist),
        "takers": caught("taker"),
        "turncoats": caught("turncoat"),
        "normal flagged": flagged_of(lambda one: one.settled("normal")),
        "giver flagged": flagged_of(lambda one: one.settled("giver")),
        "inactive flagged": flagged_of(lambda one: one.settled("inactive")),
        "newcomer flagged": flagged_of(lambda one: one.newcomer),
        "normal ever flagged": pooled(ever),
    }


def wait(measured: Sequence[Measured], kind: str, threshold: float) -> Waiting:
    """Weeks to the first flag of all of a kind."""
    return Waiting.of(one.wait(kind, threshold) for one in measured)


def waiting_table(measured: Sequence[Measured]) -> Table:
    """Section 8.2: weeks until opportunists are flagged."""
    rows: list[list[Cell]] = []
    for threshold in THRESHOLDS:
        takers, turncoats = (wait(measured, kind, threshold) for kind in ("taker", "turncoat"))
        rows.append(
            [
                f"{threshold}",
                *(takers.quantile(at) for at in (0.5, 0.75, 0.9)),
                takers.unflagged,
                *(turncoats.quantile(at) for at in (0.5, 0.75)),
                turncoats.unflagged,
            ]
        )
        quick, slow = _WAITED[threshold][:3], _WAITED[threshold][3:]
        rows.append(["section 8.2", *quick, None, *slow, None])
    return Table(
        "Weeks until opportunists are flagged",
        (
            "O from",
            "takers median",
            "p75",
            "p90",
            "never",
            "turncoats median",
            "p75 ",
            "never ",
        ),
        rows,
        (
            (
                "From induction, of turncoats from the week they turn, to the first week that "
                "ends with a flag; Kaplan-Meier, so that who leaves early or came late counts for "
                "as long as seen. Never: the share of people not flagged while they were seen."
            ),
        ),
        (1, 0, 0, 0, 3, 0, 0, 3),
    )


def kind_table(measured: Sequence[Measured]) -> Table:
    """Median score and flags by planted kind at the end."""
    groups: dict[str, Callable[[Measured], Flags]] = {
        kind: partial(_settled, kind) for kind in KINDS
    }
    groups["newcomer"] = lambda one: one.newcomer
    groups["colluder"] = lambda one: one.network.plant.colludes & one.network.plant.stays
    rows: list[list[Cell]] = []
    for name, who in groups.items():
        score, index = (gathered(measured, array, who) for array in ("score", "O"))
        middle = float(np.median(score)) if len(score) else NAN
        flagged = float(np.mean(index >= 0.5)) if len(index) else NAN
        rows.append([name, len(score), middle, _MEDIANS.get(name), flagged])
    return Table(
        "Score by planted kind at the end",
        ("kind", "members", "median score", "section 8.2", "flagged at 0.5"),
        rows,
        (OTHER_GENERATOR,),
        (0, 0, 1, 1, 3),
    )


def _settled(kind: str, one: Measured) -> Flags:
    return one.settled(kind)


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values))
