"""Many calls in flight on one connection."""

from __future__ import annotations

import asyncio
import threading
from typing import Any
from uuid import uuid4

import grpc

from refnet import v1
from refnet.rpc.server import OPTIONS
from rpc.serving import Served

CALLS = 1500


async def test_nobody_within_the_announced_limit_is_turned_away(served: Served) -> None:
    """Answers go out in groups, and the next calls come before the last are all put away."""
    ann, bob = served.names["ann"], served.names["bob"]
    codes = await asyncio.to_thread(pass_referrals, served.address, ann, bob)

    assert codes == [grpc.StatusCode.OK] * CALLS


def pass_referrals(address: str, giver: str, receiver: str) -> list[Any]:
    """How the calls ended. As soon as one has, the next begins, and not on the server's loop."""
    codes: list[Any] = []
    done = threading.Event()
    left = iter(range(CALLS))

    with grpc.insecure_channel(address) as channel:
        call = v1.ReferralServiceStub(channel).PassReferral

        def ended(answer: Any) -> None:
            codes.append(answer.code())
            if len(codes) == CALLS:
                done.set()
            begin()

        def begin() -> None:
            if next(left, None) is not None:
                request = v1.PassReferralRequest(
                    giver=giver, receiver=receiver, request_id=str(uuid4())
                )
                call.future(request).add_done_callback(ended)

        for _ in range(dict(OPTIONS)["grpc.max_concurrent_streams"]):
            begin()
        assert done.wait(60)
    return codes
