"""The first thing to hold: kernel and reference agree to the last bit, under every model.

Fixed networks and no luck, so that whatever breaks a formula is noticed here within a second.
"""

from __future__ import annotations

import pytest

from model_networks import Case, bits
from proof.towns import integers, kernel, reference, town, with_rows
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


@pytest.mark.parametrize("rating", [-1, 0, 1])
@pytest.mark.parametrize(
    ("kind", "a", "b"), [(Kind.TESTIMONIAL, 0, 1), (Kind.CLIENT, 0, 1), (Kind.CLIENT, -1, 1)]
)
def test_the_smallest_words_count_and_no_word_opens_nothing(
    kind: Kind, a: int, b: int, rating: int
) -> None:
    case = Case(2, [(0, int(kind), a, b, rating)], 0, [1.0, 1.0], {"decay": True})
    slow, fast = integers(case)

    assert slow == fast
    assert abs(rating) == len(fast)


@pytest.mark.parametrize("periods", [1, 30, 31, 41, 42, 62, 63, 64, 1000])
def test_a_fact_late_by_any_number_of_periods_is_cut_to_the_one_reached(periods: int) -> None:
    """63 is where a shift of 64 bits ends; the smallest and the heaviest weight come late."""
    late = [(day, int(Kind.MEETING), 0, 1, weight) for day in (0, 179) for weight in (1, 2**30)]
    rows = [(180 * periods, int(Kind.MEETING), 0, 1, 1), *late]
    slow, fast = integers(Case(2, rows, 180 * periods, [1.0, 1.0], {"decay": True}))

    assert slow == fast
    in_time = [(0, int(Kind.MEETING), 0, 1, 2**30), rows[0]]
    slow, fast = integers(Case(2, in_time, 180 * periods, [1.0, 1.0], {"decay": True}))
    assert slow == fast
