"""Once a day the server states, in the log, what the scores were when the day before ended.

So the operator is bound to them: the log is signed, and whoever has it can score it again.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

import structlog

from refnet.app import App
from refnet.consistency import Freshness
from refnet.domain.decisions import Request
from refnet.domain.values import MICROS_PER_DAY, utc_day
from refnet.errors import RefnetError
from refnet.log.draft import Receipt
from refnet.log.sequencer import Clock
from refnet.standings import claim_of

PRINCIPAL = "refnet"
"""In whose name the server writes."""

PATIENCE_SECONDS = 600.0
ASK_SECONDS = 60.0
"""How often it looks whether a day has ended."""


async def state_scores(app: App, now: int) -> Receipt | None:
    """State the scores at the end of yesterday, if that was not done and anything was recorded.

    now: microseconds since 1970. Done again, also by another server of the same log, it does
    nothing: the request has the day as its id. Raises RefnetError.
    """
    day = utc_day(now) - 1
    networks = list(app.resident("network"))
    (position,) = await app.ends_of_days([day], app.position)
    if not networks or position == 0:
        return None
    network = networks[0]
    scores = await app.scores(Freshness(exactly=position, day=day), PATIENCE_SECONDS)
    request = Request(
        command=claim_of(scores, network),
        request_id=f"scores of day {day}, model {scores.model}",
        principal=PRINCIPAL,
        new_id=network,
        occur_time=(day + 1) * MICROS_PER_DAY - 1,
    )
    receipt = await app.submit(request)
    return None if receipt.replayed else receipt


async def state_daily(app: App, clock: Clock) -> None:
    """State the scores of every day that ends, until cancelled. A refusal is logged, not raised."""
    stated = -1
    while True:
        now = clock()
        if utc_day(now) != stated:
            try:
                await state_scores(app, now)
                stated = utc_day(now)
            except RefnetError as refusal:
                structlog.get_logger().warning("scores_not_stated", message=refusal.message)
        await asyncio.sleep(ASK_SECONDS)


async def end(task: asyncio.Task[None]) -> None:
    """Cancel the task and wait until it is gone."""
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
