"""The gRPC server: services, limits, health, reflection, start and stop."""

from __future__ import annotations

import asyncio
import ipaddress
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import grpc
import structlog
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from refnet import v1
from refnet.app import App
from refnet.errors import InvalidRequest
from refnet.rpc.activity import Activity
from refnet.rpc.alerts import AlertReads
from refnet.rpc.explanations import Explanations
from refnet.rpc.handlers import service_handler
from refnet.rpc.interceptor import Interceptor, Limits
from refnet.rpc.log import LogReads
from refnet.rpc.naming import Names
from refnet.rpc.nouns import noun_handler, noun_service
from refnet.rpc.paging import Pages
from refnet.rpc.paths import PathReads
from refnet.rpc.positions import Positions
from refnet.rpc.privacy import PrivacyReads
from refnet.rpc.proofs import ProofReads
from refnet.rpc.scores import ScoreReads
from refnet.rpc.standings import StandingReads
from refnet.rpc.streams import Pace, Streams
from refnet.rpc.ties import TieReads
from refnet.rpc.watch import ScoreWatch

GRACE_SECONDS = 10.0

END_SECONDS = 0.5
"""How long those who only watch, or do not read, may take to hear that the server stops."""

OPTIONS: tuple[tuple[str, int], ...] = (
    ("grpc.max_receive_message_length", 1 << 20),
    ("grpc.max_send_message_length", 4 << 20),
    ("grpc.max_concurrent_streams", 100),
    # Else calls that are answered, but not freed yet, count as well: who keeps 64 in flight, of the
    # 100 that are promised, would be turned away whenever a group of writes is answered at once.
    ("grpc.http.overload_protection", 0),
    ("grpc.so_reuseport", 0),  # a second server on the same port is a mistake, not a helper
)


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """What may be chosen about a server. options: of gRPC, in addition to OPTIONS."""

    limits: Limits = field(default_factory=Limits)
    pace: Pace = field(default_factory=Pace)
    options: tuple[tuple[str, int], ...] = ()


class Server:
    """A server for one app. `start`, then `stop`; both on the app's event loop."""

    def __init__(self, app: App, listen: str, settings: ServerSettings | None = None) -> None:
        """listen: HOST:PORT, port 0 for any. Raises InvalidRequest unless it is loopback."""
        check_loopback(listen)
        chosen = settings or ServerSettings()
        self._listen = listen
        self._health = health.aio.HealthServicer()
        self._streams = Streams(chosen.pace)
        self._calls = Interceptor(structlog.get_logger("refnet.rpc"), uuid4, chosen.limits)
        self._server = grpc.aio.server(
            interceptors=(self._calls,), options=(*OPTIONS, *chosen.options)
        )
        handlers = _handlers(app, self._streams)
        self._names = tuple(handler.service_name() for handler in handlers)
        self._server.add_generic_rpc_handlers(tuple(handlers))
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        served = (*self._names, health.SERVICE_NAME, reflection.SERVICE_NAME)
        reflection.enable_server_reflection(served, self._server)
        self.port = 0

    async def start(self) -> str:
        """Take calls; returns HOST:PORT. Raises InvalidRequest if the port cannot be had."""
        try:
            self.port = self._server.add_insecure_port(self._listen)
        except RuntimeError:
            raise InvalidRequest(
                f"cannot listen on {self._listen}; choose a free port, or 0 for any",
                field="listen",
                listen=self._listen,
            ) from None
        await self._server.start()
        await self.show_serving(serving=True)
        return f"{self._listen.rpartition(':')[0]}:{self.port}"

    async def show_serving(self, *, serving: bool) -> None:
        """What the health service says."""
        kinds = health_pb2.HealthCheckResponse
        status = kinds.SERVING if serving else kinds.NOT_SERVING
        for name in ("", *self._names):
            await self._health.set(name, status)

    async def stop(self, grace: float = GRACE_SECONDS) -> None:
        """Say NOT_SERVING, take no more calls, end streams, wait for calls that work.

        grace: seconds after which these are cut. gRPC waits for every call alike, even for a watch
        of our health; so once only such are left they get END_SECONDS.
        """
        await self._health.enter_graceful_shutdown()
        stopped = asyncio.ensure_future(self._server.stop(grace))
        self._streams.end()
        idle = asyncio.ensure_future(self._calls.idle())
        await asyncio.wait((stopped, idle), return_when=asyncio.FIRST_COMPLETED)
        idle.cancel()
        await self._server.stop(min(grace, END_SECONDS))
        await stopped

    async def wait(self) -> None:
        """Until the server has stopped."""
        await self._server.wait_for_termination()


def check_loopback(listen: str) -> None:
    """Raises InvalidRequest unless HOST:PORT can be reached from this machine only.

    Callers are not authenticated yet: nobody else may come in.
    """
    host, colon, port = listen.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not colon or not port.isdecimal() or int(port) > 65535:
        raise InvalidRequest(
            f"{listen!r} is no address; write HOST:PORT, such as 127.0.0.1:50051", field="listen"
        )
    try:
        local = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        local = False
    if not local:
        raise InvalidRequest(
            f"{host!r} is not a loopback address, and callers are not authenticated yet; "
            "listen on 127.0.0.1 or [::1]",
            field="listen",
            host=host,
        )


def _handlers(app: App, streams: Streams) -> list[Any]:
    positions, pages = Positions(app.log_id), Pages(app.log_id)
    names = Names(app.nouns)
    services = [noun_service(noun, names, positions) for noun in app.nouns if noun.served]
    plans = [plan for service in services for plan in service.writes.values()]
    scores = ScoreReads(app, positions, pages)
    latest = app.latest()
    if latest is not None:
        scores.table(latest)  # names every member once, so that no call waits for it
    log = LogReads(app, positions, pages, streams)
    others = {
        "ActivityService": Activity(app, plans, positions, streams).behaviours(),
        "AlertService": AlertReads(app, scores, positions, pages).behaviours(),
        "ScoreService": {
            **scores.behaviours(),
            "WatchScores": ScoreWatch(app, scores, streams).watch,
        },
        "ExplanationService": Explanations(app, scores, positions).behaviours(),
        "PathService": PathReads(app, scores, positions).behaviours(),
        "PrivacyService": PrivacyReads(app, log, positions, pages, streams).behaviours(),
        "StandingService": StandingReads(app, scores, positions, pages).behaviours(),
        "TieService": TieReads(app, scores, pages).behaviours(),
        "LogService": log.behaviours(),
        "ProofService": ProofReads(app, log, positions).behaviours(),
    }
    return [
        *(noun_handler(service, app, positions, pages) for service in services),
        *(service_handler(_service(name), found) for name, found in others.items()),
    ]


def _service(name: str) -> Any:
    files = (
        v1.BatchRecordRequest,
        v1.ExplainScoreRequest,
        v1.FindPathsRequest,
        v1.GetCheckpointRequest,
        v1.GetHeadRequest,
        v1.GetMemberTiesRequest,
        v1.GetScoreRequest,
        v1.GetStandingRequest,
        v1.ListAlertsRequest,
        v1.ListReadsRequest,
    )
    services = {
        found.name: found
        for message in files
        for found in message.DESCRIPTOR.file.services_by_name.values()
    }
    return services[name]
