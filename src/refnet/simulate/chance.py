"""Chance that is the same on every machine: all of it drawn from one seeded stream."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


class Chance:
    """Draws built on nothing but `random.Random.random`.

    That method alone is promised to give the same sequence in every version of Python; `choice`,
    `sample` and their like are not.
    """

    def __init__(self, seed: int) -> None:
        # As text, because Random(-1) and Random(1) are the same generator.
        self._next = random.Random(f"refnet/simulate/{seed}").random  # noqa: S311

    def unit(self) -> float:
        """Uniform in [0, 1)."""
        return self._next()

    def happens(self, probability: float) -> bool:
        """Whether something of this probability happens."""
        return self._next() < probability

    def between(self, low: int, high: int) -> int:
        """A whole number in [low, high), uniform; `low` if that range is empty."""
        return low + int(self._next() * max(high - low, 1))

    def pick(self, items: Sequence[T]) -> T:
        """One of the items."""
        return items[int(self._next() * len(items))]

    def weighted(self, items: Sequence[T], weights: Sequence[float]) -> T:
        """One of the items, by weight; weights are positive."""
        left = self._next() * sum(weights)
        for item, weight in zip(items, weights, strict=True):
            left -= weight
            if left < 0:
                return item
        return items[-1]

    def shuffled(self, items: Sequence[T]) -> list[T]:
        """The items in random order."""
        mixed = list(items)
        for last in range(len(mixed) - 1, 0, -1):
            other = int(self._next() * (last + 1))
            mixed[last], mixed[other] = mixed[other], mixed[last]
        return mixed

    def around(self, middle: float, spread: float) -> float:
        """A bell within middle +- spread (mean of three uniform draws), cut to [0, 1]."""
        bell = (self._next() + self._next() + self._next()) / 1.5 - 1.0
        return min(max(middle + spread * bell, 0.0), 1.0)

    def count(self, mean: float) -> int:
        """A Poisson number; meant for small means."""
        limit, product, found = math.exp(-mean), self._next(), 0
        while product > limit:
            product *= self._next()
            found += 1
        return found

    def lognormal(self, median: float, sigma: float) -> float:
        """A log-normal number (Box-Muller)."""
        radius = math.sqrt(-2.0 * math.log(1.0 - self._next()))
        return median * math.exp(sigma * radius * math.cos(2.0 * math.pi * self._next()))
