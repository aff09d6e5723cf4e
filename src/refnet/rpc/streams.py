"""Streams without end: patience with readers, checkpoints in quiet times, and when to stop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
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


class Streams:
    """All calls that may go on without end: how long they wait, and when they must stop."""

    def __init__(self, pace: Pace) -> None:
        self.pace = pace
        self._ending: asyncio.Future[float] = asyncio.get_running_loop().create_future()

    def end(self) -> None:
        """The server is about to stop: they end by themselves, each with its own last words."""
        if not self._ending.done():
            self._ending.set_result(asyncio.get_running_loop().time())

    async def until_end(
        self, source: AsyncIterator[T], *, linger: float = 0.0
    ) -> AsyncGenerator[T, None]:
        """What the source yields. Raises ShuttingDown once streams must end.

        linger: seconds in which what comes after that is taken nevertheless.
        """
        pending: asyncio.Task[T] | None = None
        try:
            while True:
                pending = asyncio.ensure_future(anext(source))
                await asyncio.wait((pending, self._ending), return_when=asyncio.FIRST_COMPLETED)
                if self._ending.done():
                    await asyncio.wait((pending,), timeout=self._left(linger))
                    if self._left(linger) == 0 or not pending.done():
                        raise ended()
                try:
                    found = pending.result()
                except StopAsyncIteration:
                    return
                yield found
        finally:
            if pending is not None:
                pending.cancel()

    async def send(self, context: Any, message: Any, **resume: str) -> None:
        """Send a message; wait while the reader catches up, but not for ever.

        resume: facts for the refusal, where to go on. Nothing queues up here: what was not sent is
        read again later. Raises StreamTooSlow, ShuttingDown, and CancelledError if there is no
        reader any more.
        """
        if self._ending.done():
            raise ended(**resume)
        try:
            # wait_for would forget a cancellation that comes just as the message has gone out, and
            # the stream would keep its place until it is written to again.
            async with asyncio.timeout(self.pace.stall_seconds):
                await context.write(message)
        except grpc.aio.InternalError:
            raise asyncio.CancelledError from None  # it went before we were told
        except TimeoutError:
            raise StreamTooSlow(
                f"the reader did not take a message for {self.pace.stall_seconds} s; "
                "read faster, and resume from where you are",
                **resume,
            ) from None

    def _left(self, linger: float) -> float:
        passed = asyncio.get_running_loop().time() - self._ending.result()
        return max(0.0, linger - passed)


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
