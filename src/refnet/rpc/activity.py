"""ActivityService: many requests in one call, whatever their noun."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from google.protobuf.any_pb2 import Any as Packed
from google.protobuf.message import DecodeError

from refnet import v1
from refnet.app import App
from refnet.domain.decisions import Request
from refnet.errors import InvalidRequest, RefnetError, ShuttingDown
from refnet.log.draft import Receipt
from refnet.rpc.commands import WritePlan
from refnet.rpc.errors import status_of
from refnet.rpc.handlers import Behaviour
from refnet.rpc.interceptor import POSITION
from refnet.rpc.positions import Positions
from refnet.rpc.shape import Shape
from refnet.rpc.streams import Streams

REPORTED_MAX = 1000
"""Rejections that an import's answer holds; the rest is counted."""

_REPORTED_BYTES_MAX = 2 << 20

LINGER_SECONDS = 0.25
"""What of an import is on its way when the server is told to stop is still taken."""

HUSH_SECONDS = 0.1
"""Until a caller whom nobody reads has filled its window and falls silent. A connection that is
closed while it sends would take our last words along."""


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What became of one item."""

    request_id: str
    plan: WritePlan | None
    result: Receipt | RefnetError


class _Sums:
    """How far an import has come. last: the last position that it recorded or found."""

    def __init__(self) -> None:
        self.answer = v1.ImportActivitiesResponse()
        self.last = 0
        self._items = 0
        self._reported = 0

    def add(self, outcomes: Sequence[_Outcome]) -> None:
        """The next items were taken."""
        self.last = max(self.last, _last(outcomes))
        for index, outcome in enumerate(outcomes, self._items):
            match outcome.result:
                case Receipt(replayed=True):
                    self.answer.duplicates += 1
                case Receipt():
                    self.answer.accepted += 1
                case error:
                    self._reject(index, outcome.request_id, error)
        self._items += len(outcomes)

    def _reject(self, index: int, request_id: str, error: RefnetError) -> None:
        self.answer.rejected += 1
        status = status_of(error)
        self._reported += status.ByteSize()
        rejections = self.answer.rejections
        if len(rejections) < REPORTED_MAX and self._reported < _REPORTED_BYTES_MAX:
            rejections.add(index=index, request_id=request_id, error=status)

    def tell(self, refusal: RefnetError) -> None:
        """Add to what ended the import how far it had come."""
        sums = self.answer
        refusal.add(
            f"of the items before, {sums.accepted} were accepted, {sums.duplicates} were "
            f"duplicates and {sums.rejected} were rejected",
            accepted=sums.accepted,
            duplicates=sums.duplicates,
            rejected=sums.rejected,
        )


class Activity:
    """All methods of ActivityService."""

    def __init__(
        self, app: App, plans: Iterable[WritePlan], positions: Positions, streams: Streams
    ) -> None:
        self._app = app
        self._streams = streams
        self._positions = positions
        self._shape = Shape()
        self._plans = {plan.message.DESCRIPTOR.full_name: plan for plan in plans}

    def behaviours(self) -> Mapping[str, Behaviour]:
        """Methods by name."""
        return {"BatchRecord": self._record, "ImportActivities": self._import}

    async def _record(self, request: v1.BatchRecordRequest, context: Any) -> Any:
        outcomes = await self._execute(request.requests)
        last = _last(outcomes)
        POSITION.set(last)
        return v1.BatchRecordResponse(
            outcomes=[self._told(outcome) for outcome in outcomes],
            recorded_at=self._positions.message(last) if last else None,
        )

    async def _import(self, requests: AsyncIterator[Any], context: Any) -> Any:
        sums = _Sums()
        try:
            async for request in self._streams.until_end(requests, linger=LINGER_SECONDS):
                sums.add(await self._execute(request.requests))
                POSITION.set(sums.last)
        except RefnetError as refusal:
            if isinstance(refusal, ShuttingDown):
                await asyncio.sleep(HUSH_SECONDS)
            sums.tell(refusal)
            raise
        if sums.last:
            sums.answer.recorded_at.CopyFrom(self._positions.message(sums.last))
        return sums.answer

    async def _execute(self, items: Iterable[Packed]) -> list[_Outcome]:
        """Read all items, record those that can be read, answer in order."""
        read = [self._read(item, place) for place, item in enumerate(items)]
        asked = [request for _, _, request in read if isinstance(request, Request)]
        answers = iter(await self._app.submit_many(asked) if asked else [])
        return [
            _Outcome(
                request_id,
                plan,
                next(answers) if isinstance(request, Request) else request,
            )
            for request_id, plan, request in read
        ]

    def _read(
        self, item: Packed, place: int
    ) -> tuple[str, WritePlan | None, Request | RefnetError]:
        within = f"requests[{place}]"
        plan = self._plans.get(item.TypeName())
        if plan is None:
            refusal = InvalidRequest(
                f"{within} is a {item.TypeName() or 'nothing'}, not the request of an RPC that "
                "writes; pack one such as refnet.v1.PassReferralRequest",
                field=within,
                type=item.TypeName(),
            )
            return "", None, refusal
        try:
            message = plan.message.FromString(item.value)
        except DecodeError:
            refusal = InvalidRequest(
                f"{within} holds bytes that are no {item.TypeName()}; pack the message anew",
                field=within,
            )
            return "", plan, refusal
        try:
            self._shape.check(message, within=within)
            return message.request_id, plan, plan.request(message, self._app.new_id)
        except RefnetError as error:
            return message.request_id, plan, error

    def _told(self, outcome: _Outcome) -> Any:
        told = v1.BatchRecordOutcome(request_id=outcome.request_id)
        if isinstance(outcome.result, RefnetError):
            told.error.CopyFrom(status_of(outcome.result))
        else:
            assert outcome.plan is not None
            receipt = outcome.result
            told.recorded.stream = f"{outcome.plan.noun.plural}/{receipt.stream}"
            told.recorded.recorded_at.CopyFrom(self._positions.message(receipt.last))
            told.recorded.replayed = receipt.replayed
        return told


def _last(outcomes: Iterable[_Outcome]) -> int:
    return max(
        (each.result.last for each in outcomes if isinstance(each.result, Receipt)), default=0
    )
