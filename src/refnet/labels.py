"""One word for the balance of giving and taking (score-model sections 4.4 and 9.8)."""

from __future__ import annotations

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from refnet.scoring import Scores

EVIDENCE_MIN = 1.5
"""Of give + take; with less there is nothing to say."""

TENURE_DAYS_MIN = 84
"""Twelve weeks: of members who joined later one in nine would be called a taker."""

TAKER_BELOW = 0.30
GENEROUS_ABOVE = 0.65


class Label(IntEnum):
    """The numbers are those of ScoreLabel on the wire."""

    INSUFFICIENT = 1
    TAKER = 2
    BALANCED = 3
    GENEROUS = 4


def labels_of(scores: Scores, tenure: NDArray[np.int64]) -> NDArray[np.uint8]:
    """The Label of each member, uint8[n].

    tenure: int64[n], days since each member's first induction; below 0 for one that is to come.
    """
    found = np.full(scores.n, Label.BALANCED, np.uint8)
    found[scores.bal < TAKER_BELOW] = Label.TAKER
    found[scores.bal > GENEROUS_ABOVE] = Label.GENEROUS
    found[scores.give + scores.take < EVIDENCE_MIN] = Label.INSUFFICIENT
    found[tenure < TENURE_DAYS_MIN] = Label.INSUFFICIENT
    return found
