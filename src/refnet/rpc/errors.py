"""From refusals to what travels: one table, one function."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import grpc
from google.protobuf import any_pb2, duration_pb2
from google.rpc import error_details_pb2, status_pb2  # type: ignore[import-untyped]

from refnet import errors
from refnet.errors import InvalidRequest, RefnetError

DOMAIN = "refnet.dev"
PREFIX = "ERROR_REASON_"
INTERNAL = "INTERNAL"

VIOLATIONS_MAX = 16
"""A status travels in HTTP/2 headers, and clients take 8 KiB of those."""

_TEXT_MAX = 256


@dataclass(frozen=True, slots=True)
class Answer:
    """How a refusal travels. retry_seconds: when to try again, if the server can tell."""

    code: grpc.StatusCode
    retry_seconds: float | None = None


_FAILED = Answer(grpc.StatusCode.FAILED_PRECONDITION)
_INVALID = Answer(grpc.StatusCode.INVALID_ARGUMENT)
_EXISTS = Answer(grpc.StatusCode.ALREADY_EXISTS)

ANSWERS: dict[type[RefnetError], Answer] = {
    errors.InvalidRequest: _INVALID,
    errors.NotFound: Answer(grpc.StatusCode.NOT_FOUND),
    errors.NetworkExists: _EXISTS,
    errors.NetworkMissing: _FAILED,
    errors.SelfDealing: _INVALID,
    errors.MemberNotActive: _FAILED,
    errors.ChapterNotOpen: _FAILED,
    errors.SeatTaken: _FAILED,
    errors.OccurTimeInFuture: _INVALID,
    errors.OccurTimeBeforeCharter: _FAILED,
    errors.WrongState: _FAILED,
    errors.NotPermitted: Answer(grpc.StatusCode.PERMISSION_DENIED),
    errors.SubstituteIsMember: _FAILED,
    errors.TooManyVisits: _FAILED,
    errors.ReportApproved: _FAILED,
    errors.RateMissing: _FAILED,
    errors.RequestIdReused: _EXISTS,
    errors.ForeignPosition: _INVALID,
    errors.PositionAhead: _FAILED,
    errors.FreshnessTimeout: Answer(grpc.StatusCode.DEADLINE_EXCEEDED),
    errors.InvalidPageToken: _INVALID,
    errors.StreamTooSlow: Answer(grpc.StatusCode.RESOURCE_EXHAUSTED),
    errors.StorageFull: Answer(grpc.StatusCode.RESOURCE_EXHAUSTED, retry_seconds=5.0),
    errors.ShuttingDown: Answer(grpc.StatusCode.UNAVAILABLE, retry_seconds=1.0),
    errors.SubjectErased: _FAILED,
    errors.StoreSealed: _FAILED,
    errors.StoreDamaged: Answer(grpc.StatusCode.DATA_LOSS),
    errors.Overloaded: Answer(grpc.StatusCode.RESOURCE_EXHAUSTED, retry_seconds=0.1),
}


class ShapeRefused(InvalidRequest):
    """A request that breaks the rules written in the protos, with every field at fault."""

    def __init__(self, violations: Sequence[tuple[str, str]], **bounds: str) -> None:
        """violations: (path of the field, what must hold), not empty. bounds: of the first rule."""
        self.violations = list(violations)
        field, rule = self.violations[0]
        more = len(self.violations) - 1
        if more:
            bounds["more"] = str(more)
        rest = f", and {more} more {'field is' if more == 1 else 'fields are'} at fault"
        super().__init__(
            f"{field or 'the message'} {rule}{rest if more else ''}; "
            f"correct {'them' if more else 'it'} and call again",
            field=field,
            **bounds,
        )


def answer_of(error: RefnetError) -> Answer:
    """How a refusal travels; a subclass travels as its parent."""
    for kind in type(error).__mro__:
        if kind in ANSWERS:
            return ANSWERS[kind]
    raise TypeError(f"{type(error).__name__} has no row in ANSWERS")


def status_of(error: RefnetError) -> status_pb2.Status:
    """The refusal as a google.rpc.Status with exactly one ErrorInfo."""
    answer = answer_of(error)
    reason = PREFIX + error.reason
    details: list[Any] = [
        error_details_pb2.ErrorInfo(
            reason=reason,
            domain=DOMAIN,
            metadata={name: _bounded(value) for name, value in error.facts.items()},
        )
    ]
    violations = _violations(error)
    if violations:
        fields = [
            error_details_pb2.BadRequest.FieldViolation(
                field=field, description=_bounded(text), reason=reason
            )
            for field, text in violations
        ]
        details.append(error_details_pb2.BadRequest(field_violations=fields))
    if answer.retry_seconds is not None:
        delay = duration_pb2.Duration(nanos=int(answer.retry_seconds % 1 * 1_000_000_000))
        delay.seconds = int(answer.retry_seconds)
        details.append(error_details_pb2.RetryInfo(retry_delay=delay))
    return _status(answer.code, error.message, details)


def internal_status(record: UUID) -> status_pb2.Status:
    """Our mistake: the caller learns an id, the log under that id everything."""
    info = error_details_pb2.ErrorInfo(
        reason=PREFIX + INTERNAL, domain=DOMAIN, metadata={"id": str(record)}
    )
    text = f"an error of the server; its log holds the record {record}, please report it"
    return _status(grpc.StatusCode.INTERNAL, text, [info])


def code_of(status: status_pb2.Status) -> grpc.StatusCode:
    """The gRPC code of a status."""
    return _CODES[status.code]


_CODES: dict[int, grpc.StatusCode] = {code.value[0]: code for code in grpc.StatusCode}


def _violations(error: RefnetError) -> list[tuple[str, str]]:
    if isinstance(error, ShapeRefused):
        return error.violations[:VIOLATIONS_MAX]
    return [(error.field, error.message)] if error.field else []


def _status(code: grpc.StatusCode, message: str, details: Sequence[Any]) -> status_pb2.Status:
    packed = []
    for detail in details:
        packed.append(any_pb2.Any())
        packed[-1].Pack(detail)
    return status_pb2.Status(code=code.value[0], message=_printable(message), details=packed)


def _bounded(text: str) -> str:
    return _printable(text if len(text) <= _TEXT_MAX else f"{text[: _TEXT_MAX - 1]}…")


def _printable(text: str) -> str:
    """Texts may repeat what the caller sent: no control characters into terminals or logs."""
    return re.sub(r"[\x00-\x1f\x7f]", "\N{REPLACEMENT CHARACTER}", text)
