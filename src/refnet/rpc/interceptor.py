"""The one interceptor: limits, shape of requests, refusals as statuses, one log line per call."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import grpc
from google.rpc import status_pb2  # type: ignore[import-untyped]

from refnet.errors import Overloaded, RefnetError
from refnet.rpc.errors import INTERNAL, PREFIX, code_of, internal_status, status_of
from refnet.rpc.shape import Shape

POSITION: ContextVar[int] = ContextVar("position")
"""What the call wrote or read up to, for its log line. Every call runs in a context of its own."""

OURS = "/refnet.v1."
STATUS_KEY = "grpc-status-details-bin"

SETTLE_SECONDS = 0.005


@dataclass(frozen=True, slots=True)
class Limits:
    """How many calls may be in flight, and how many of them streams that go on without end."""

    calls: int = 512
    streams: int = 100


class Interceptor(grpc.aio.ServerInterceptor):  # type: ignore[misc, unused-ignore]
    """Stands before every method of refnet.v1; health and reflection pass untouched."""

    def __init__(self, log: Any, new_id: Callable[[], UUID], limits: Limits | None = None) -> None:
        """log: a structlog logger. new_id: names the records of unexpected errors."""
        self._log = log
        self._new_id = new_id
        self._limits = limits or Limits()
        self._shape = Shape()
        self._calls = 0
        self._streams = 0
        self._left = asyncio.Event()
        self._wrapped: dict[str, Any] = {}

    async def intercept_service(
        self,
        continuation: Callable[[Any], Awaitable[Any]],
        handler_call_details: Any,
    ) -> Any:
        """The handler that answers a call. One is made per method and kept."""
        method = handler_call_details.method
        wrapped = self._wrapped.get(method)
        if wrapped is not None:
            return wrapped
        handler = await continuation(handler_call_details)
        if handler is None or not method.startswith(OURS):
            return handler
        self._wrapped[method] = wrapped = self._wrap(method, handler)
        return wrapped

    async def idle(self) -> None:
        """Until no call is in flight but streams without end."""
        while self._calls > self._streams:
            self._left.clear()
            await self._left.wait()

    def _wrap(self, method: str, handler: Any) -> Any:
        serializers = {
            "request_deserializer": handler.request_deserializer,
            "response_serializer": handler.response_serializer,
        }
        if handler.response_streaming:
            streamed = self._streamed(method, handler.unary_stream)
            return grpc.unary_stream_rpc_method_handler(streamed, **serializers)
        if handler.request_streaming:
            imported = self._imported(method, handler.stream_unary)
            return grpc.stream_unary_rpc_method_handler(imported, **serializers)
        answered = self._answered(method, handler.unary_unary)
        return grpc.unary_unary_rpc_method_handler(answered, **serializers)

    def _answered(self, method: str, behave: Any) -> Any:
        check = self._shape.check

        async def answer(request: Any, context: Any) -> Any:
            started = time.perf_counter_ns()
            reason = "OK"
            self._enter()
            try:
                self._admit()
                check(request)
                return await behave(request, context)
            except Exception as error:  # noqa: BLE001 - whatever it is, the caller gets a status
                status, reason = self._refusal(method, error)
                await _abort(context, status)
            except asyncio.CancelledError:
                reason = "CANCELLED"
                raise
            finally:
                self._leave(method, reason, started)

        return answer

    def _imported(self, method: str, behave: Any) -> Any:
        async def checked(requests: AsyncIterator[Any]) -> AsyncIterator[Any]:
            async for request in requests:
                self._shape.check(request)
                yield request
            # A stream that was cancelled looks like one that has ended until we hear of it.
            await asyncio.sleep(SETTLE_SECONDS)

        async def answer(requests: AsyncIterator[Any], context: Any) -> Any:
            started = time.perf_counter_ns()
            reason = "OK"
            self._enter()
            try:
                self._admit()
                return await behave(checked(requests), context)
            except Exception as error:  # noqa: BLE001 - as above
                status, reason = self._refusal(method, error)
                await _abort(context, status)
            except asyncio.CancelledError:
                reason = "CANCELLED"
                raise
            finally:
                self._leave(method, reason, started)

        return answer

    def _streamed(self, method: str, behave: Any) -> Any:
        async def answer(request: Any, context: Any) -> None:
            started = time.perf_counter_ns()
            reason = "OK"
            self._enter()
            self._streams += 1
            try:
                self._admit()
                self._shape.check(request)
                await behave(request, context)
            except Exception as error:  # noqa: BLE001 - as above
                status, reason = self._refusal(method, error)
                await _abort(context, status)
            except asyncio.CancelledError:
                reason = "CANCELLED"  # how a reader without end normally ends
                raise
            finally:
                self._streams -= 1
                self._leave(method, reason, started)

        return answer

    def _enter(self) -> None:
        self._calls += 1

    def _admit(self) -> None:
        limits = self._limits
        if self._calls > limits.calls or self._streams > limits.streams:
            limit = limits.calls if self._calls > limits.calls else limits.streams
            raise Overloaded(
                f"the server has {limit} calls of this kind in flight, as many as it takes; "
                "try again in a moment",
                limit=limit,
            )

    def _leave(self, method: str, reason: str, started: int) -> None:
        self._calls -= 1
        self._left.set()
        took_us = (time.perf_counter_ns() - started) // 1000
        self._log.info(
            "rpc", rpc=method, reason=reason, position=POSITION.get(None), took_us=took_us
        )

    def _refusal(self, method: str, error: Exception) -> tuple[status_pb2.Status, str]:
        if isinstance(error, RefnetError):
            return status_of(error), PREFIX + error.reason
        record = self._new_id()
        self._log.error("internal_error", rpc=method, id=str(record), exc_info=error)
        return internal_status(record), PREFIX + INTERNAL


async def _abort(context: Any, status: status_pb2.Status) -> None:
    details = ((STATUS_KEY, status.SerializeToString()),)
    await context.abort(code_of(status), status.message, details)
