"""With whom a member has evidence, and how much of which."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from refnet.accumulators import Accumulators
from refnet.standings import Snapshot


@dataclass(frozen=True, slots=True)
class Partner:
    """What there is between a member and one other, aged to the day of a snapshot.

    number: the other's. give, take, balance: as in `Snapshot.reciprocity`, lately. Evidence in
    units: given_long, taken_long: business over years; met: one-to-ones; praised, blamed: the
    member's words about the other; praised_by, blamed_by: the other's about the member.
    """

    number: int
    give: float
    take: float
    balance: float
    given_long: float
    taken_long: float
    met: float
    praised: float
    blamed: float
    praised_by: float
    blamed_by: float


def partners_of(snapshot: Snapshot, number: int) -> list[Partner]:
    """Everyone with whom a member has any evidence left, of any kind and direction.

    By give + take descending, then met descending, then lower number. Raises ValueError for an
    unknown number.
    """
    if not 0 <= number < snapshot.scores.n:
        raise ValueError("no member has that number")
    network = snapshot.accumulators.network()
    others = network.targets[network.offsets[number] : network.offsets[number + 1]]
    me = np.full(len(others), number)
    out, into = (
        {
            field: snapshot.accumulators.masses(field, source, target, snapshot.day)
            for field in Accumulators.PAIR_FIELDS
        }
        for source, target in ((me, others), (others, me))
    )
    give, take = out["RG"], into["RG"]
    columns = (
        *(others, give, take, (give + 0.25) / ((give + take) + 0.5)),
        *(out["GL"], into["GL"], out["MT"]),
        *(out["TP"], out["TN"], into["TP"], into["TN"]),
    )
    rows = [Partner(*row) for row in zip(*(each.tolist() for each in columns), strict=True)]
    left = np.any([mass > 0.0 for mass in (*out.values(), *into.values())], axis=0)
    order = np.lexsort((others, -out["MT"], -(give + take)))
    return [rows[place] for place in order[left[order]].tolist()]
