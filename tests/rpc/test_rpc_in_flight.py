"""Many calls in flight on one connection."""

from __future__ import annotations

import asyncio

from refnet import v1
from refnet.rpc.server import OPTIONS
from rpc.serving import Served


async def test_nobody_within_the_announced_limit_is_turned_away(served: Served) -> None:
    """Answers go out in groups, and the next calls come before the last are all put away."""
    in_flight = dict(OPTIONS)["grpc.max_concurrent_streams"]
    request = v1.PassReferralRequest(giver=served.names["ann"], receiver=served.names["bob"])

    async def caller() -> set[str]:
        return {(await served.call(request)).referral for _ in range(8)}

    answered = await asyncio.gather(*(caller() for _ in range(in_flight)))
    assert len(set().union(*answered)) == 8 * in_flight
