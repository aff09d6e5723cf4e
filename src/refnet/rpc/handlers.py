"""From a service's descriptor and plain async functions to what a gRPC server calls."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import grpc
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message import DecodeError
from google.protobuf.message_factory import GetMessageClass

Behaviour = Callable[[Any, Any], Any]
"""(request or stream of them, context) -> answer, or an async iterator of answers."""


class Unreadable:
    """Stands where a request should be whose bytes are no message; validation refuses it."""


def service_handler(
    service: ServiceDescriptor, behaviours: Mapping[str, Behaviour]
) -> grpc.GenericRpcHandler:
    """All methods of a service. Raises TypeError unless there is exactly one behaviour a method."""
    declared = {method.name for method in service.methods}
    if declared != behaviours.keys():
        differ = ", ".join(sorted(declared ^ behaviours.keys()))
        raise TypeError(f"{service.full_name} and its implementation differ in {differ}")
    return grpc.method_handlers_generic_handler(
        service.full_name,
        {method.name: _handler(method, behaviours[method.name]) for method in service.methods},
    )


def _handler(method: MethodDescriptor, behaviour: Behaviour) -> Any:
    made = {
        (False, False): grpc.unary_unary_rpc_method_handler,
        (False, True): grpc.unary_stream_rpc_method_handler,
        (True, False): grpc.stream_unary_rpc_method_handler,
    }
    make: Any = made[method.client_streaming, method.server_streaming]
    return make(
        behaviour,
        request_deserializer=_deserializer(GetMessageClass(method.input_type)),
        response_serializer=_serialize,
    )


def _deserializer(message: Any) -> Callable[[bytes], Any]:
    parse = message.FromString

    def deserialize(data: bytes) -> Any:
        # An exception here would end the call before anybody could say why.
        try:
            return parse(data)
        except DecodeError:
            return Unreadable()

    return deserialize


def _serialize(answer: Any) -> bytes:
    """Packed columns are made as bytes; all else is a message."""
    if type(answer) is bytes:
        return answer
    data: bytes = answer.SerializeToString()
    return data
