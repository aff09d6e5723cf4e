"""A typed client: the generated stubs, with request ids, retries and refusals as exceptions.

    with Client("127.0.0.1:7311") as refnet:
        members = refnet.stub(v1.MemberServiceStub)
        ann = members.EnrolMember(v1.EnrolMemberRequest(chapter=chapter, classification="baker"))

`AsyncClient` is the same with `async with` and `await`. A write without a request id gets one, so that
trying again after UNAVAILABLE can never record it twice.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self, TypeVar
from uuid import uuid4

import grpc
from google.protobuf.any_pb2 import Any as Packed
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

from refnet.retry import Retry

S = TypeVar("S")
"""


