"""The whole chain from facts to digest a second time, in the slow and obvious way.

Shares the stored facts with the live path, and nothing else: not its ledger, its evidence, or its
kernel.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from refnet import _reference, _reference_evidence
from refnet.domain.facts import Recorded


def digest_of(
    facts: Iterable[tuple[Any, Recorded]], position: int, day: int, model: str = "1"
) -> str:
    """The digest of the scores at a position and a UTC day number (score-model section 2).

    facts: decoded, in log order, from the beginning at least up to `position`.
    """
    return _reference.digest(scores_of(facts, position, day, model))


def scores_of(
    facts: Iterable[tuple[Any, Recorded]], position: int, day: int, model: str = "1"
) -> dict[str, list[float]]:
    """The arrays that `digest_of` hashes, by name, in its order."""
    told = list(facts)
    policy = _reference_evidence.policy(told, position)
    return _reference.score(
        len(_reference_evidence.members(told, position)),
        _reference_evidence.events(told, position, day),
        day,
        standing=_reference_evidence.standing(told, position),
        uniform=policy.uniform,
        decay=policy.decay,
        value_half=policy.value_half,
        model=model,
    )
