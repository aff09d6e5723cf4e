"""The services of the nouns: one per row of the table of nouns, made from descriptors.

`referral` has refnet/v1/referral_service.proto with ReferralService: an RPC for every command of
the noun under the command's name, GetReferral, and for a resident noun a listing, such as
ListMembers.
"""

from __future__ import annotations

import importlib
import typing
from dataclasses import dataclass
from typing import Any

import grpc
from google.protobuf.descriptor import Descriptor, ServiceDescriptor
from google.protobuf.message_factory import GetMessageClass

from refnet.app import App
from refnet.domain.decisions import Noun
from refnet.errors import NotFound
from refnet.rpc.commands import WritePlan, write_plan
from refnet.rpc.freshness import check_reached, freshness_of
from refnet.rpc.handlers import Behaviour, service_handler
from refnet.rpc.interceptor import POSITION
from refnet.rpc.listing import listing
from refnet.rpc.naming import Names, parse
from refnet.rpc.paging import Pages
from refnet.rpc.positions import Positions
from refnet.rpc.resources import ResourcePlan, resource_plan


@dataclass(frozen=True, slots=True)
class NounService:
    """What the protos and the domain say together about one noun."""

    noun: Noun
    service: ServiceDescriptor
    writes: dict[str, WritePlan]
    resource: ResourcePlan


def noun_service(noun: Noun, names: Names, positions: Positions) -> NounService:
    """Match a noun with its proto file. Raises TypeError for anything that does not fit."""
    module = importlib.import_module(f"refnet.v1.{noun.name}_service_pb2")
    messages = module.DESCRIPTOR.message_types_by_name
    state = typing.get_type_hints(noun.evolve)["return"]
    writes = {}
    for kind in noun.commands:
        name = kind.__name__
        for message in (f"{name}Request", f"{name}Response"):
            if message not in messages:
                raise TypeError(f"{module.__name__} has no {message}")
        request, answer = messages[f"{name}Request"], messages[f"{name}Response"]
        writes[name] = write_plan(noun, kind, request, answer, names, positions)
    plan = resource_plan(noun, state, messages[state.__name__], names, positions)
    service = module.DESCRIPTOR.services_by_name[f"{state.__name__}Service"]
    return NounService(noun, service, writes, plan)


def noun_handler(
    found: NounService, app: App, positions: Positions, pages: Pages
) -> grpc.GenericRpcHandler:
    """The service of a noun, ready to be served."""
    behaviours: dict[str, Behaviour] = {
        name: _write(plan, app) for name, plan in found.writes.items()
    }
    methods = {method.name: method for method in found.service.methods}
    get = f"Get{found.resource.message.DESCRIPTOR.name}"
    behaviours[get] = _get(found, methods[get].output_type, app, positions)
    if found.noun.resident:
        collection = found.noun.plural[0].upper() + found.noun.plural[1:]
        answer = methods[f"List{collection}"].output_type
        behaviours[f"List{collection}"] = listing(found.resource, answer, app, positions, pages)
    return service_handler(found.service, behaviours)


def _write(plan: WritePlan, app: App) -> Behaviour:
    async def write(message: Any, context: Any) -> Any:
        receipt = await app.submit(plan.request(message, app.new_id))
        POSITION.set(receipt.last)
        return plan.response(receipt)

    return write


def _get(found: NounService, answer: Descriptor, app: App, positions: Positions) -> Behaviour:
    noun, make = found.noun, GetMessageClass(answer)

    async def get(message: Any, context: Any) -> Any:
        name = getattr(message, noun.name)
        stream = parse(noun.plural, name, field=noun.name)
        wanted = freshness_of(message.consistency, positions)
        # What is committed now is as fresh as anything that was ever answered.
        position = app.position
        check_reached(max(wanted.at_least, wanted.exactly or 0), position)
        if wanted.exactly is not None:
            position = wanted.exactly
        state = await app.load(noun, stream, wanted.exactly)
        if state is None:
            raise NotFound(
                f"no {noun.name} {stream} at this position; check {noun.name}",
                field=noun.name,
                noun=noun.name,
                id=stream,
            )
        POSITION.set(position)
        resource = await found.resource.resource(state, app.personal)
        return make(**{noun.name: resource, "computed_at": positions.message(position)})

    return get
