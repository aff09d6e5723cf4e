"""Whose scores differ between two moments, by how much, and because of what; parts that add up.

docs/design/replay-tools.md defines the parts. Everything is computed from the earlier moment to the
later one; the other way round every number is the negative.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from uuid import UUID

from refnet.audit.concerning import concerning
from refnet.audit.opinions import Kernel, Moment, Opinion, Scored
from refnet.explain import COMPONENTS
from refnet.scoring import ARRAYS

TAKEN = "taken"
ROUNDING = "rounding"


@dataclass(frozen=True)
class Change:
    """One member at two moments.

    before, after: scores, None where there was none yet, which counts as 0. points: after - before.
    components: points by letter of the component, what opportunism takes off (`taken`) and
    `rounding`; they add up to `points` (math.fsum). differs: whether any number of theirs does.
    """

    member: UUID
    before: float | None
    after: float | None
    rank_before: int | None
    rank_after: int | None
    points: float
    components: Mapping[str, float]
    differs: bool


class Cause(StrEnum):
    """What a part of a change is due to."""

    MODEL = "model"  # another version, the same facts on the same day
    TIME = "time"  # what counted already, on another day
    FACT = "fact"  # what the later score would be without this fact
    TOGETHER = "together"  # what the named facts do only together, or each of them alone
    OTHERS = "others"  # all other facts between the two
    ROUNDING = "rounding"  # of the numbers above


@dataclass(frozen=True)
class Part:
    """Points of a change. position: of the fact, and `gone`: what was left out with it."""

    cause: Cause
    points: float
    position: int | None = None
    gone: tuple[int, ...] = ()


@dataclass(frozen=True)
class Because:
    """A change taken apart. candidates: facts between that concern the member; tried: of these."""

    parts: tuple[Part, ...]
    candidates: int
    tried: int


def changes(before: Scored, after: Scored, weights: Sequence[Mapping[str, float]]) -> list[Change]:
    """Everybody of whom any number differs: most points either way first, then by number.

    weights: of the components by letter, before and after.
    """
    known = after if len(after.members) >= len(before.members) else before
    found = [change_of(before, after, member, weights) for member in known.members]
    return sorted((each for each in found if each.differs), key=lambda each: -abs(each.points))


def change_of(
    before: Scored, after: Scored, member: UUID, weights: Sequence[Mapping[str, float]]
) -> Change:
    """What changed of one member, if anything did; see `changes`."""
    places = before.numbers.get(member), after.numbers.get(member)
    differs = not _same(before, places[0], after, places[1])
    one, two = (_seen(each, at) for each, at in zip((before, after), places, strict=True))
    points = (two[0] or 0.0) - (one[0] or 0.0)
    components = _components((before, after), places, weights, points)
    return Change(member, one[0], two[0], one[1], two[1], points, components, differs)


def because(
    opinion: Opinion, kernel: Kernel, one: Moment, two: Moment, member: UUID, count: int
) -> Because:
    """What the change of a member's score from one moment to the other is due to.

    count: of facts to name, at most; which are the heaviest is found with the kernel, what they
    cost with `opinion`. Both read the log as far as the later position, at least.
    """
    if two < one:
        found = because(opinion, kernel, two, one, member, count)
        negated = tuple(replace(part, points=0.0 - part.points) for part in found.parts)
        return replace(found, parts=negated)
    first = replace(one, model=two.model)
    said = [opinion.scores(at).score(member) for at in (one, first)]
    said += [_aged(opinion, first, two.day, member), opinion.scores(two).score(member)]
    parts = [
        Part(cause, after - before)
        for cause, before, after in zip((Cause.MODEL, Cause.TIME), said, said[1:], strict=False)
    ]
    chosen = concerning(kernel, one, two, member, count)
    number = opinion.scores(two).numbers.get(member)
    union = sorted({each for fact in chosen.facts for each in fact.gone})
    rest = said[3]
    if number is not None and chosen.facts:
        rest = opinion.without(two, tuple(union))[number]
        for fact in chosen.facts:
            cost = said[3] - opinion.without(two, fact.gone)[number]
            parts.append(Part(Cause.FACT, cost, fact.position, fact.gone))
    costs = [part.points for part in parts if part.cause is Cause.FACT]
    together = math.fsum([said[3], -rest, *(-cost for cost in costs)])
    parts += [Part(Cause.TOGETHER, together), Part(Cause.OTHERS, rest - said[2])]
    change = said[3] - said[0]
    lost = math.fsum([change, *(-part.points for part in parts)])
    parts.append(Part(Cause.ROUNDING, lost))
    kept = tuple(part for part in parts if part.points != 0.0 or part.cause is Cause.FACT)
    return Because(kept, chosen.candidates, chosen.tried)


def _aged(opinion: Opinion, at: Moment, day: int, member: UUID) -> float:
    """A member's score of what counts at a moment, on another day."""
    if day < at.day:  # what happened in between counts no more
        return opinion.scores(replace(at, day=day)).score(member)
    number = opinion.scores(at).numbers.get(member)
    return 0.0 if number is None else opinion.aged(at, day)[number]


def _same(before: Scored, one: int | None, after: Scored, two: int | None) -> bool:
    if one is None or two is None:
        return False
    return all(before.arrays[name][one] == after.arrays[name][two] for name in ARRAYS)


def _seen(scored: Scored, number: int | None) -> tuple[float | None, int | None]:
    if number is None:
        return None, None
    return scored.arrays["score"][number], scored.ranks[number]


def _components(
    sides: tuple[Scored, Scored],
    places: tuple[int | None, int | None],
    weights: Sequence[Mapping[str, float]],
    points: float,
) -> dict[str, float]:
    one, two = (
        _points(side, at, weight) for side, at, weight in zip(sides, places, weights, strict=True)
    )
    found = {name: two[name] - one[name] for name in one}
    found[ROUNDING] = math.fsum([points, *(-each for each in found.values())])
    return found


def _points(scored: Scored, number: int | None, weights: Mapping[str, float]) -> dict[str, float]:
    """Points of each component, and what opportunism takes off."""
    if number is None:
        return dict.fromkeys((*COMPONENTS, TAKEN), 0.0)
    found = {
        letter: 100.0 * (weights[letter] * scored.arrays[letter][number]) for letter in COMPONENTS
    }
    found[TAKEN] = scored.arrays["score"][number] - scored.arrays["raw"][number]
    return found
