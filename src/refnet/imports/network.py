"""The few questions both formats ask before they begin."""

from __future__ import annotations

from refnet.domain.decisions import FUTURE_SKEW, Request
from refnet.domain.network import Network
from refnet.engine import Engine
from refnet.errors import OccurTimeBeforeCharter, OccurTimeInFuture, RefnetError
from refnet.log.draft import Receipt


def get_network(engine: Engine) -> Network | None:
    """The network of this log, if it was chartered."""
    found: Network | None = next(iter(engine.state.resident("network").values()), None)
    return found


def execute_one(engine: Engine, request: Request) -> Receipt:
    """Execute a request of its own. Raises its refusal."""
    (answer,) = engine.execute([request])
    if isinstance(answer, RefnetError):
        raise answer
    return answer


def check_time(time: int, column: str, network: Network, now: int) -> None:
    """Raises what the engine would for this occur_time, but before anybody is enrolled."""
    if time < network.chartered_time:
        raise OccurTimeBeforeCharter(
            f"{column} lies before the network's charter; import into a store of its own",
            field=column,
            occur_time=time,
            chartered=network.chartered_time,
        )
    if time > now + FUTURE_SKEW:
        raise OccurTimeInFuture(
            f"{column} lies in the future; correct it, and mind its unit and time zone",
            field=column,
            occur_time=time,
        )
