"""Streams without end: sending with a limit on patience, and checkpoints in quiet times."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, TypeVar

import grpc

from refnet.errors import ShuttingDown, StreamTooSlow

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Pace:
    """How patient streams are.

    stall_seconds: how long one message may wait for its reader. quiet_seconds: between checkpoints.
    """

    stall_seconds: float = 10.0
    quiet_seconds: float = 5.0


async def send(context: Any, message: Any, pace: Pace, **resume: str) -> None:
    """Send a message; wait while the reader catches up, but not for ever.

    resume: facts for the refusal, where to go on. Nothing queues up here: what was not sent is read
    again later. Raises StreamTooSlow, and CancelledError if there is no reader any more.
    """
    try:
        # wait_for would forget a cancellation that comes just as the message has gone out, and the
        # stream would keep its place until it is written to again.
        async with asyncio.timeout(pace.stall_seconds):
            await context.write(message)
    except grpc.aio.InternalError:
        raise asyncio.CancelledError from None  # it went before we were told
    except TimeoutError:
        raise StreamTooSlow(
            f"the reader did not take a message for {pace.stall_seconds} s; "
            "read faster, and resume from where you are",
            **resume,
        ) from None


async def with_pauses(source: AsyncIterator[T], seconds: float) -> AsyncIterator[T | None]:
    """What the source yields, and None whenever it was silent for so long."""
    pending: asyncio.Task[T] | None = None
    try:
        while True:
            if pending is None:
                pending = asyncio.ensure_future(anext(source))
            done, _ = await asyncio.wait([pending], timeout=seconds)
            if not done:
                yield None
                continue
            try:
                found = pending.result()
            except StopAsyncIteration:
                return
            pending = None
            yield found
    finally:
        if pending is not None:
            pending.cancel()


def ended(**resume: str) -> ShuttingDown:
    """What a reader gets when the server stops: a plain end would look like completion."""
    return ShuttingDown("the server is stopping; resume at another one, or later", **resume)
