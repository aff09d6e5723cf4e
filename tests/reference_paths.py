"""Paths of introductions a second time, slow and obvious (score-model section 4.6).

Written from the score model alone, by looking at every simple path there is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from refnet._reference import Accumulators, direct_trust, endorsement

Edge = Callable[[int, int], float]
"""What an introduction from one member to another weighs, in [0, 1); 0 leads nobody on."""


class Route(NamedTuple):
    """members: from the asker to the one who is wanted. products: of the first 0, 1, ... links."""

    members: tuple[int, ...]
    products: tuple[float, ...]

    @property
    def product(self) -> float:
        """What the whole path weighs."""
        return self.products[-1]

    @property
    def order(self) -> tuple[object, ...]:
        """Paths in the written order: heavier, shorter, then from the wanted end back.

        There the smaller id comes first, and of two ways to the same id the heavier one.
        """
        back = [
            (member, -product)
            for member, product in zip(reversed(self.members), reversed(self.products), strict=True)
        ]
        return (-self.product, len(self.members), back)


def edges(folded: Accumulators, day: int, opportunism: Sequence[float]) -> Edge:
    """t_ij * (1 - O_j), or 0 where nobody shall be led over the link."""

    def edge(i: int, j: int) -> float:
        known = endorsement(folded, day, i, j) + 0.3 * folded.mass("MT", i, j, day)
        blamed = folded.mass("TN", i, j, day)
        if 0.0 < blamed >= known or opportunism[j] >= 0.5:
            return 0.0
        return direct_trust(folded, day, i, j) * (1.0 - opportunism[j])

    return edge


def best(
    near: Sequence[Iterable[int]],
    edge: Edge,
    asker: int,
    wanted: set[int],
    *,
    introduces: Sequence[bool],
    hops: int = 6,
    count: int = 1,
) -> list[Route]:
    """The `count` best simple paths of at most `hops` links from the asker to one who is wanted.

    near: whom each member has evidence about. Who stands between must introduce, and not be wanted.
    """

    def onward(members: tuple[int, ...], products: tuple[float, ...]) -> Iterator[Route]:
        here = members[-1]
        for there in near[here]:
            product = products[-1] * edge(here, there)
            if there in members or product == 0.0:
                continue
            route = Route((*members, there), (*products, product))
            if there in wanted:
                yield route
            elif introduces[there] and len(members) < hops:
                yield from onward(*route)

    found = sorted(onward((asker,), (1.0,)), key=lambda route: route.order)
    return found[:count]
