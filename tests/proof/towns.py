"""Rich random networks for the invariants of the score model, and its two implementations.

Everything that evidence can be stands in them: mutual trade and praise, slander, junk, clients with
and without an introducer, signals, members who never attended, chapters out of standing, late
facts, decay and pretrust of either policy. What an invariant does not speak of, it says itself.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from hypothesis import strategies as st

from model_networks import Case, Row
from refnet import _reference
from refnet.accumulators import NOBODY, Kind
from refnet.scoring import MODEL, MODELS, score

Arrays = dict[str, list[float]]

LATEST = 1500  # more than two of the longest half-life
MOODS: tuple[dict[Kind, int], ...] = (
    {kind: 1 for kind in Kind if kind is not Kind.JOIN},
    {Kind.TESTIMONIAL: 6, Kind.ACCEPTED: 4, Kind.WON: 2, Kind.CLOSED: 3, Kind.CLIENT: 1},
    {Kind.TESTIMONIAL: 1},
    {Kind.ACCEPTED: 3, Kind.WON: 1, Kind.CLOSED: 2, Kind.LOST: 1, Kind.JUNK: 1},
    {Kind.TESTIMONIAL: 3, Kind.CLIENT: 3, Kind.JUNK: 1, Kind.SIGNAL: 1, Kind.MEETING: 1},
)
"""How often which kind of event happens, beside joining and attendance."""


def kernel(case: Case, model: str = MODEL) -> Arrays:
    """The scores of the compiled kernel."""
    standing = np.array(case.standing)
    scores = score(case.accumulators(), case.day, standing=standing, model=model)
    return {name: values.tolist() for name, values in scores.arrays.items()}


def reference(case: Case, model: str = MODEL) -> Arrays:
    """The scores of the slow reference."""
    terms = {"standing": case.standing, "model": model, **case.policies}
    return _reference.score(case.n, case.rows, case.day, **terms)


Integers = dict[tuple[str, int, int], tuple[int, int]]
"""(total, period) of each accumulator into which anything was folded, by field and pair."""


def integers(case: Case) -> tuple[Integers, Integers]:
    """What reference and kernel have folded."""
    made = case.accumulators()
    found: Integers = {}
    for field, name in enumerate(made.PAIR_FIELDS):
        for slot, key in enumerate(made.keys.tolist()):
            held = int(made.pair_totals[field, slot]), int(made.pair_periods[field, slot])
            found[name, key >> 32, key & 0xFFFFFFFF] = held
    for field, name in enumerate(made.MEMBER_FIELDS):
        for member in range(case.n):
            source = NOBODY if name in {"CP", "CN"} else member
            held = int(made.member_totals[field, member]), int(made.member_periods[field, member])
            found[name, source, member] = held
    folded = _reference.Accumulators(case.n, case.rows, **case.policies).cells
    return folded, {key: held for key, held in found.items() if held[1] >= 0}


Says = Callable[[Case], Arrays]
"""An implementation under a version of the model."""

SAYS: dict[str, Says] = {
    f"{name} of model {version}": partial(implementation, model=version)
    for version in MODELS
    for name, implementation in (("kernel", kernel), ("reference", reference))
}
FIRST = {name: says for name, says in SAYS.items() if name.endswith(f" {MODELS[0]}")}


def most_of(says: Any) -> int:
    """Members of the largest network a property can afford to try on an implementation."""
    return 32 if says.func is kernel else 9


def with_rows(case: Case, *rows: Row, day: int | None = None) -> Case:
    """The same network after some more events, read on the same or another day."""
    return replace(case, rows=[*case.rows, *rows], day=case.day if day is None else day)


def town(
    seed: int,
    n: int,
    *,
    bustle: float = 5.0,
    mood: int = 0,
    voices: float = 0.8,
    late: bool = True,
    negative: bool = True,
    uniform: bool = False,
    decay: bool = True,
) -> Case:
    """A network of n members from a seed, with about `bustle` events between members for each.

    voices: share of members who ever attended. late: some facts come long after their day.
    negative: bad words, junk, lost deals and signals occur too.
    """
    dice = random.Random(seed)
    chapters = [dice.choice((1.0, 1.0, 1.0, 0.5, 0.0)) for _ in range(1 + n // 8)]
    joined = [dice.choice((0, 0, dice.randrange(LATEST))) for _ in range(n)]
    rows: list[Row] = [(joined[i], int(Kind.JOIN), i, -1, 1000) for i in range(n)]
    events = [
        (dice.randrange(LATEST), int(Kind.ATTENDANCE), i, -1, dice.choice((500, 1000, 1000)))
        for i in range(n)
        if dice.random() < voices
        for _ in range(dice.choice((1, 6, 30)))
    ]
    if n > 1:
        kinds, weights = zip(*MOODS[mood].items(), strict=True)
        pairs: list[tuple[int, int]] = []
        for kind in dice.choices(kinds, weights, k=int(bustle * n)):
            events += _happens(dice, Kind(kind), _pair(dice, n, pairs), negative=negative)
    rows += sorted(events, key=lambda row: row[0])
    if late:
        rows = [(_late(dice, row[0]), *row[1:]) for row in rows]
    standing = [dice.choice(chapters) for _ in range(n)]
    policies = {"decay": decay, "uniform": uniform, "value_half": dice.choice((10, 1000, 50_000))}
    return Case(n, rows, LATEST, standing, policies)


def _pair(dice: random.Random, n: int, before: list[tuple[int, int]]) -> tuple[int, int]:
    """Often a pair met before, either way round, so that evidence is mutual and piles up."""
    if before and dice.random() < 0.5:
        a, b = dice.choice(before)
        return (b, a) if dice.random() < 0.5 else (a, b)
    a, b = dice.sample(range(n), 2)
    before.append((a, b))
    return a, b


def _late(dice: random.Random, day: int) -> int:
    return max(0, day - dice.randrange(800)) if dice.random() < 0.1 else day


def _happens(
    dice: random.Random, kind: Kind, pair: tuple[int, int], *, negative: bool
) -> list[Row]:
    a, b = pair
    amount = 0
    if kind in {Kind.TESTIMONIAL, Kind.CLIENT}:
        amount = dice.choice((100, 500, 1000, 1000))
        if negative and dice.random() < 0.3:
            amount = -amount
    if kind is Kind.CLIENT:
        a = dice.choice((a, a, a, b, -1))
    if kind is Kind.CLOSED:
        amount = dice.choice((0, 90, 1000, 25_000, 10**12))
    if kind is Kind.MEETING:
        amount = dice.choice((30, 70))
    if kind in {Kind.SIGNAL, Kind.ATTENDANCE}:
        b, amount = -1, 1000
    if not negative and kind in {Kind.SIGNAL, Kind.JUNK, Kind.LOST}:
        return []
    return [(dice.randrange(LATEST), int(kind), a, b, amount)]


@st.composite
def towns(draw: st.DrawFn, /, most: int, *, least: int = 2, **fixed: Any) -> Case:
    """Random networks; `fixed` are arguments of `town` that an invariant speaks of."""
    chosen: dict[str, Any] = {
        "bustle": draw(st.sampled_from((0.5, 2.0, 5.0, 15.0))),
        "mood": draw(st.integers(0, len(MOODS) - 1)),
        "voices": draw(st.sampled_from((0.3, 0.8, 1.0))),
        "late": draw(st.booleans()),
        "uniform": draw(st.booleans()),
        "decay": draw(st.booleans()),
    }
    n = draw(st.integers(least, most))
    return town(draw(st.integers(0, 2**32)), n, **(chosen | fixed))
