"""How fresh a read must be: from the request's `consistency` to what the app understands."""

from __future__ import annotations

from typing import Any

from refnet import v1
from refnet.consistency import Freshness
from refnet.errors import PositionAhead
from refnet.rpc.positions import Positions

WAIT_SECONDS = 3.0
"""How long a read without a deadline waits for what it asks for."""

_MARGIN_SECONDS = 0.05

LATEST = Freshness()
_HEAD = Freshness(head=True)


def freshness_of(consistency: v1.Consistency, positions: Positions) -> Freshness:
    """What a read asks for. Raises ForeignPosition."""
    match consistency.WhichOneof("choice"):
        case "at_least_as_fresh":
            token = consistency.at_least_as_fresh
            at_least = positions.read(token, field="consistency.at_least_as_fresh")
            return Freshness(at_least=at_least)
        case "exactly_at":
            exact = consistency.exactly_at
            position = positions.read(exact.position, field="consistency.exactly_at.position")
            day = exact.day if exact.HasField("day") else None
            return Freshness(exactly=position, day=day)
        case "fully_consistent":
            return _HEAD
        case _:
            return LATEST


def check_reached(position: int, head: int, *, field: str = "consistency") -> None:
    """Raises PositionAhead for a position that the log does not hold. field: where it was named."""
    if position > head:
        raise PositionAhead(
            f"position {position} is not in the log, which reaches {head}; "
            "was the store restored from an older copy?",
            field=field,
            position=position,
            head=head,
        )


def patience(context: Any) -> float:
    """Seconds that a read may wait: a little less than the caller, who then learns the reason."""
    left = context.time_remaining()
    return WAIT_SECONDS if left is None else max(0.0, float(left) - _MARGIN_SECONDS)
