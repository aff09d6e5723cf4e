"""How fresh what is read must be, and which positions can be read."""

from __future__ import annotations

from dataclasses import dataclass

from refnet.errors import PositionAhead


@dataclass(frozen=True, slots=True)
class Freshness:
    """How fresh a read must be: at least a position, exactly one (on a day), or the head."""

    at_least: int = 0
    exactly: int | None = None
    day: int | None = None
    head: bool = False


def check_in_log(position: int, head: int, *, field: str = "position") -> None:
    """Raises PositionAhead unless a position is 0 or one of the log. field: where it was named."""
    if not 0 <= position <= head:
        raise PositionAhead(
            f"position {position} is not in the log, which reaches {head}; name one up to that",
            field=field,
            position=position,
            head=head,
        )


def check_reached(position: int, head: int) -> None:
    """Raises PositionAhead for a position that the log has not reached."""
    if position > head:
        raise PositionAhead(
            f"position {position} is not in the log, which reaches {head}; wait for it",
            field="consistency",
            position=position,
            head=head,
        )
