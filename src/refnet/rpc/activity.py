"""ActivityService: many requests in one call, whatever their noun."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from google.protobuf.any_pb2 import Any as Packed
from google.protobuf.message import DecodeError

from refnet import v1
from refnet.app import App
from refnet.domain.decisions import Request
from refnet.errors import InvalidRequest, RefnetError
from refnet.log.draft import Receipt
from refnet.rpc.commands import WritePlan
from refnet.rpc.errors import status_of
from refnet.rpc.handlers import Behaviour
from refnet.rpc.interceptor import POSITION
from refnet.rpc.positions import Positions
from refnet.rpc.shape import Shape

REPORTED_MAX = 1000
"""Rejections that an import's answer holds; the rest is counted."""

_REPORTED_BYTES_MAX = 2 << 20


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What became of one item."""

    request_id: str
    plan: WritePlan | None
    result: Receipt | RefnetError


class Activity:
    """All methods of ActivityService."""

    def __init__(self, app: App, plans: Iterable[WritePlan], positions: Positions) -> None:
        self._app = app
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
        sums = v1.ImportActivitiesResponse()
        index = last = reported = 0
        async for request in requests:
            outcomes = await self._execute(request.requests)
            last = max(last, _last(outcomes))
            for place, outcome in enumerate(outcomes, index):
                match outcome.result:
                    case Receipt(replayed=True):
                        sums.duplicates += 1
                    case Receipt():
                        sums.accepted += 1
                    case error:
                        sums.rejected += 1
                        status = status_of(error)
                        reported += status.ByteSize()
                        if len(sums.rejections) < REPORTED_MAX and reported < _REPORTED_BYTES_MAX:
                            sums.rejections.add(
                                index=place, request_id=outcome.request_id, error=status
                            )
            index += len(outcomes)
        POSITION.set(last)
        if last:
            sums.recorded_at.CopyFrom(self._positions.message(last))
        return sums

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
