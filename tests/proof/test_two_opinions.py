"""The first thing to hold: kernel and reference agree to the last bit, under every model.

Fixed networks and no luck, so that whatever breaks a formula is noticed here within a second.
"""

from __future__ import annotations

import pytest

from model_networks import Case, bits
from proof.towns import kernel, reference, town, with_rows
from refnet.accumulators import Kind
from refnet.scoring import ARRAYS, MODELS


def crowded() -> Case:
    """Everybody's budgets of trust, distrust, gratitude and credibility are overspent."""
    case = town(6, 24, bustle=2.0, voices=1.0, decay=False)
    rows = []
    for a in range(case.n):
        for b in range(case.n):
            kind = Kind.TESTIMONIAL if a % 3 else Kind.CLIENT
            if a != b:
                rating = (1000, 700, -800)[(a * b) % 3 if a % 2 else 2]
                rows.append((case.day - b, int(kind), a, b, rating))
                rows.append((case.day - a, int(Kind.ACCEPTED), a, b, 0))
    return with_rows(case, *rows)


# Those without decay come first: the reference makes its decay tables slowly.
BUSY = {
    "for ever": town(2, 14, bustle=20.0, voices=0.9, decay=False),
    "crowded": crowded(),
    "uniform for ever": town(3, 14, bustle=20.0, uniform=True, decay=False),
    "everything": town(1, 14, bustle=20.0, voices=0.9),
    "praise and deals": town(4, 14, bustle=20.0, mood=1, voices=1.0, negative=False),
    "in time": town(5, 14, bustle=20.0, late=False),
}


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("name", BUSY)
def test_kernel_and_reference_say_the_same(name: str, model: str) -> None:
    slow, fast = reference(BUSY[name], model), kernel(BUSY[name], model)

    assert {array: bits(slow[array]) for array in ARRAYS} == {
        array: bits(fast[array]) for array in ARRAYS
    }
