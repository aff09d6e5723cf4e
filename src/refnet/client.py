"""A typed client: the generated stubs, with request ids, retries and refusals as exceptions.

    with Client("127.0.0.1:50051") as refnet:
        members = refnet.stub(v1.MemberServiceStub)
        ann = members.EnrolMember(v1.EnrolMemberRequest(chapter=chapter, classification="baker"))

`AsyncClient` is the same with `async with` and `await`. A write without a request id gets one, so
that trying again when the server was UNAVAILABLE can never record it twice.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Self, TypeVar
from uuid import uuid4

import grpc
from google.protobuf.any_pb2 import Any as Packed
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2  # type: ignore[import-untyped]

S = TypeVar("S")

TIMEOUT_SECONDS = 10.0

_STATUS_KEY = "grpc-status-details-bin"


class RefnetCallError(Exception):
    """A call that failed.

    reason: the name of a v1.ErrorReason, or "" if the failure is not refnet's (no connection,
    deadline). message: the server's sentence. metadata: the facts it rests on. violations: what is
    wrong with which field of the request. code: the gRPC code. request_id: of a write, to try the
    same again.
    """

    def __init__(
        self,
        reason: str,
        message: str,
        metadata: Mapping[str, str],
        violations: Mapping[str, str],
        code: grpc.StatusCode,
        request_id: str = "",
    ) -> None:
        super().__init__(f"{reason or code.name}: {message}")
        self.reason = reason
        self.message = message
        self.metadata = dict(metadata)
        self.violations = dict(violations)
        self.code = code
        self.request_id = request_id


@dataclass(frozen=True, slots=True)
class Retry:
    """How often a call is tried while the server is UNAVAILABLE. Waits double each time."""

    attempts: int = 4
    wait_seconds: float = 0.1

    def waits(self) -> Iterator[float]:
        """Seconds to wait after each attempt but the last."""
        return (self.wait_seconds * 2**attempt for attempt in range(self.attempts - 1))


def packed(request: Message) -> Packed:
    """A write request as an item of BatchRecord or ImportActivities, with a request id."""
    item = Packed()
    item.Pack(_identified(request), deterministic=True)
    return item


class Client:
    """Calls a server from ordinary code. A context manager; may be used by several threads."""

    def __init__(
        self,
        target: str,
        *,
        timeout: float = TIMEOUT_SECONDS,
        retry: Retry | None = None,
        options: tuple[tuple[str, Any], ...] = (),
    ) -> None:
        """target: HOST:PORT. timeout: seconds, for calls that do not stream and name none."""
        self._channel = grpc.insecure_channel(target, options=options)
        interceptor = _Interceptor(timeout, retry or Retry())
        self._intercepted = grpc.intercept_channel(self._channel, interceptor)

    def stub(self, kind: Callable[[grpc.Channel], S]) -> S:
        """A service, such as `stub(v1.MemberServiceStub)`."""
        return kind(self._intercepted)

    def close(self) -> None:
        """End all calls and the connection."""
        self._channel.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class AsyncClient:
    """Calls a server from asyncio. An asynchronous context manager."""

    def __init__(
        self,
        target: str,
        *,
        timeout: float = TIMEOUT_SECONDS,
        retry: Retry | None = None,
        options: tuple[tuple[str, Any], ...] = (),
    ) -> None:
        """As Client. Make it where the event loop runs."""
        chosen = retry or Retry()
        interceptors = [_AsyncUnary(timeout, chosen), _AsyncStreaming(), _AsyncImporting()]
        self._channel = grpc.aio.insecure_channel(
            target, options=options, interceptors=interceptors
        )

    def stub(self, kind: Callable[[grpc.aio.Channel], S]) -> S:
        """A service, such as `stub(v1.MemberServiceStub)`."""
        return kind(self._channel)

    async def close(self) -> None:
        """End all calls and the connection."""
        await self._channel.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


class _Details(NamedTuple):
    """What grpc calls ClientCallDetails."""

    method: str
    timeout: float | None
    metadata: Any
    credentials: Any
    wait_for_ready: Any
    compression: Any


class _Interceptor(
    grpc.UnaryUnaryClientInterceptor,  # type: ignore[misc, type-arg, unused-ignore]
    grpc.UnaryStreamClientInterceptor,  # type: ignore[misc, type-arg, unused-ignore]
    grpc.StreamUnaryClientInterceptor,  # type: ignore[misc, type-arg, unused-ignore]
):
    def __init__(self, timeout: float, retry: Retry) -> None:
        self._timeout = timeout
        self._retry = retry

    def intercept_unary_unary(self, continuation: Any, details: Any, request: Any) -> Any:
        asked = _identified(request)
        limited = _Details(
            details.method,
            self._timeout if details.timeout is None else details.timeout,
            details.metadata,
            details.credentials,
            details.wait_for_ready,
            details.compression,
        )
        waits = self._retry.waits()
        while True:
            call = continuation(limited, asked)
            error = call.exception()
            if error is None:
                return call
            wait = next(waits, None) if _may_retry(error) else None
            if wait is None:
                raise _failure(error, asked) from error
            time.sleep(wait)

    def intercept_unary_stream(self, continuation: Any, details: Any, request: Any) -> Any:
        return _Answers(continuation(details, request))

    def intercept_stream_unary(self, continuation: Any, details: Any, requests: Any) -> Any:
        call = continuation(details, requests)
        error = call.exception()
        if error is not None:
            raise _failure(error) from error
        return call


class _Answers:
    """A stream of answers whose end by error is a RefnetCallError; `cancel` ends it."""

    def __init__(self, call: Any) -> None:
        self._call = call

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Any:
        try:
            return next(self._call)
        except grpc.RpcError as error:
            raise _failure(error) from error

    def cancel(self) -> None:
        self._call.cancel()


class _AsyncUnary(grpc.aio.UnaryUnaryClientInterceptor):  # type: ignore[misc, unused-ignore]
    def __init__(self, timeout: float, retry: Retry) -> None:
        self._timeout = timeout
        self._retry = retry

    async def intercept_unary_unary(self, continuation: Any, details: Any, request: Any) -> Any:
        asked = _identified(request)
        limited = details
        if details.timeout is None:
            limited = details._replace(timeout=self._timeout)
        waits = self._retry.waits()
        while True:
            call = await continuation(limited, asked)
            try:
                await call
            except grpc.aio.AioRpcError as error:
                wait = next(waits, None) if _may_retry(error) else None
                if wait is None:
                    raise _failure(error, asked) from error
                await asyncio.sleep(wait)
            else:
                return call


class _AsyncStreaming(grpc.aio.UnaryStreamClientInterceptor):  # type: ignore[misc, unused-ignore]
    async def intercept_unary_stream(self, continuation: Any, details: Any, request: Any) -> Any:
        call = await continuation(details, request)

        async def answers() -> AsyncIterator[Any]:
            try:
                async for answer in call:
                    yield answer
            except grpc.aio.AioRpcError as error:
                raise _failure(error) from error
            finally:
                call.cancel()

        return answers()


class _AsyncImporting(grpc.aio.StreamUnaryClientInterceptor):  # type: ignore[misc, unused-ignore]
    async def intercept_stream_unary(self, continuation: Any, details: Any, requests: Any) -> Any:
        call = await continuation(details, requests)
        try:
            await call
        except grpc.aio.AioRpcError as error:
            raise _failure(error) from error
        return call


def _identified(request: Any) -> Any:
    """The request, with a request id of its own if it takes one and has none."""
    if "request_id" not in request.DESCRIPTOR.fields_by_name or request.request_id:
        return request
    identified = type(request)()
    identified.CopyFrom(request)
    identified.request_id = str(uuid4())
    return identified


def _may_retry(error: Any) -> bool:
    return bool(error.code() is grpc.StatusCode.UNAVAILABLE)


def _failure(error: Any, request: Any = None) -> RefnetCallError:
    """What the call's status says, unpacked."""
    reason, metadata, violations = "", {}, {}
    status = status_pb2.Status()
    for key, value in error.trailing_metadata() or ():
        if key == _STATUS_KEY:
            status.MergeFromString(value)
    for detail in status.details:
        info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
        if detail.Unpack(info):
            reason, metadata = info.reason, dict(info.metadata)
        elif detail.Unpack(bad):
            violations = {each.field: each.description for each in bad.field_violations}
    return RefnetCallError(
        reason,
        status.message or error.details() or "",
        metadata,
        violations,
        error.code(),
        getattr(request, "request_id", ""),
    )
