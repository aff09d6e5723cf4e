"""Where a model is weak, each case with a number that can get better (score-model section 9)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from refnet.evaluate.measures import NAN
from refnet.evaluate.networks import Flags
from refnet.evaluate.on_attacks import OURS, Outcomes, averaged, gain
from refnet.evaluate.on_simulated import Measured, correlations, pooled
from refnet.evaluate.suite import Outcome
from refnet.evaluate.table import Cell, Table
from refnet.evaluate.tables import wait

_FLAG = 0.5
_TAKER_BELOW, _KNOWN_FROM = 0.30, 1.5
"""Balance and give + take of the label "taker" (score-model section 4.4)."""


def failure_table(
    measured: Sequence[Measured], collusions: Mapping[str, Outcomes], misuse: Outcomes
) -> Table:
    """The cases of section 9 in its order, those that were measured."""
    rows: list[list[Cell]] = [
        *_by_attacks(collusions.get(OURS, {}), misuse),
        *(_by_plant(measured) if measured else ()),
    ]
    kept = [row for row in rows if not (isinstance(row[1], float) and np.isnan(row[1]))]
    return Table(
        "Failure cases",
        ("case", "figure", "better is", "section 9"),
        kept,
        (
            (
                "Case 10, low-order bits of late facts and of another numbering, is a matter of "
                "the contract and not of the model; case 11 is none of measurement."
            ),
        ),
        (0, 3),
    )


def _by_attacks(ours: Outcomes, misuse: Outcomes) -> list[list[Cell]]:
    def flagged(kind: str) -> float:
        return averaged(misuse, kind, lambda one: one.flagged[1])

    def change(kind: str) -> float:
        return averaged(misuse, kind, _change)

    rows: list[list[Cell]] = [
        [
            f"1 laundering: flagged still, with {count} friends",
            flagged(f"laundering {count}"),
            "more",
            was,
        ]
        for count, was in ((1, 0.61), (2, 0.31), (3, 0.22))
    ]
    rows += [
        [f"2 fabricating clique of {count}: gain", gain(ours, f"clique {count} deals"), "less", was]
        for count, was in ((5, 1.32), (10, 1.39), (30, 1.51))
    ]
    rows += [
        [f"3 infiltration by {count}: points gained", change(f"infiltration {count}"), "less", was]
        for count, was in ((1, 2.2), (3, 5.5), (10, 12.2))
    ]
    rows += [
        [f"4 slander by {count}: points gained", change(f"slander {count}"), "nearer 0", was]
        for count, was in ((1, -3.6), (2, -6.3), (5, -10.5), (10, -13.7))
    ]
    rows += [
        [
            f"6 hibernation of {weeks} weeks: flagged still",
            flagged(f"hibernation {weeks}"),
            "more",
            was,
        ]
        for weeks, was in ((26, 0.58), (40, 0.16))
    ]
    return rows


def _by_plant(measured: Sequence[Measured]) -> list[list[Cell]]:
    turncoats = wait(measured, "turncoat", _FLAG)
    rows: list[list[Cell]] = [
        ["5 turncoats: median weeks until flagged", turncoats.quantile(0.5), "less", 37.0],
        ["5 turncoats: never flagged while seen", turncoats.unflagged, "less", 0.20],
        ["7 in demand and generous: flagged", _flagged(measured, in_demand), "less", 0.17],
        ["7 in demand and generous: members", _count(measured, in_demand), "", None],
        ["8 newcomers: labelled taker", _labelled(measured), "less", 0.11],
        ["8 newcomers: flagged", _flagged(measured, lambda one: one.newcomer), "less", 0.023],
    ]
    each = [correlations(one, counted=False) for one in measured]
    for name, was in (("V", -0.001), ("R", 0.001), ("T", 0.392)):
        rho = _mean([row.quality for found in each for row in found if row.name == name])
        rows.append([f"9 {name}: rho with quality", rho, "more", was])
    return rows


def in_demand(one: Measured) -> Flags:
    """Good members who receive over 2.5 times what they give, and are generous."""
    arrays, plant = one.arrays, one.network.plant
    wanted = (arrays["take"] > 2.5 * arrays["give"]) & (plant.generosity > 0.5)
    return np.asarray(wanted & one.good, bool)


def _taker(one: Measured) -> Flags:
    known = one.arrays["give"] + one.arrays["take"] >= _KNOWN_FROM
    return np.asarray(known & (one.arrays["bal"] < _TAKER_BELOW), bool)


def _labelled(measured: Sequence[Measured]) -> float:
    return pooled([(_taker(one), one.newcomer) for one in measured])


def _flagged(measured: Sequence[Measured], who: Callable[[Measured], Flags]) -> float:
    return pooled([(one.flagged(_FLAG), who(one)) for one in measured])


def _count(measured: Sequence[Measured], who: Callable[[Measured], Flags]) -> int:
    return sum(int(who(one).sum()) for one in measured)


def _change(one: Outcome) -> float:
    return one.after["score"] - one.before["score"]


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if values else NAN
