"""Requests from an event loop to the writer's thread, and answers back to who waits on the loop."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from refnet.domain.decisions import Request
from refnet.errors import RefnetError
from refnet.log.draft import Receipt
from refnet.log.writer import Writer

Vouch = Callable[[Request], Awaitable[None]]
"""Raises the refusal of a request that must not reach the writer."""

Tell = Callable[..., None]
"""(function, *arguments): has the loop call it, if the loop is still there."""


class Submitting:
    """Hands requests in, one by one or several, and waits for their answers. For one loop."""

    def __init__(
        self, writer: Writer, vouch: Vouch, tell: Tell, answered: Callable[[], None]
    ) -> None:
        """answered: called on the writer's thread before the answers of a batch are handed out."""
        self._writer = writer
        self._vouch = vouch
        self._tell = tell
        self._answered = answered

    async def one(self, request: Request) -> Receipt:
        """The receipt, once the request's facts are flushed. Raises its refusal."""
        return await (await self._hand_in(request))

    async def several(self, requests: Sequence[Request]) -> list[Receipt | RefnetError]:
        """Each on its own; refusals come back as values."""
        futures: list[asyncio.Future[Receipt]] = []
        for request in requests:
            try:
                futures.append(await self._hand_in(request))
            except RefnetError as refusal:
                # Those before it are recorded all the same, and the caller must hear of that.
                futures.append(asyncio.get_running_loop().create_future())
                futures[-1].set_exception(refusal)
        outcomes = await asyncio.gather(*futures, return_exceptions=True)
        for outcome in outcomes:
            if not isinstance(outcome, Receipt | RefnetError):
                raise outcome
        return outcomes  # type: ignore[return-value]

    async def _hand_in(self, request: Request) -> asyncio.Future[Receipt]:
        await self._vouch(request)
        future: asyncio.Future[Receipt] = asyncio.get_running_loop().create_future()
        self._writer.enqueue(request, future, self.deliver)
        return future

    def deliver(self, answers: Sequence[tuple[Any, Any]]) -> None:
        """On the writer's thread: the answers of a batch, to the loop in one call."""
        self._answered()
        self._tell(_resolve, answers)


def _resolve(answers: Sequence[tuple[asyncio.Future[Receipt], Any]]) -> None:
    for future, outcome in answers:
        if future.done():
            continue  # the caller went away; what it asked for is recorded all the same
        if isinstance(outcome, BaseException):
            future.set_exception(outcome)
        else:
            future.set_result(outcome)
