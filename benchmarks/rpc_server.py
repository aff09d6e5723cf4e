"""A whole refnet server, and beside some methods a floor: a handler that does nothing.

    python -m benchmarks.rpc_server DIR

prints `listening on HOST:PORT` and serves until SIGTERM. /refnet.v1.Bench/METHOD takes METHOD's
request; it is parsed, checked and logged by the interceptor as every call is, and answered with a
message made beforehand; BatchGetScores with as many bytes as 1,000 members take.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Any

import grpc

from refnet import v1
from refnet.app import App
from refnet.cli.logs import configure_logs
from refnet.rpc.server import Server
from refnet.wiring import find_publishing, open_engine

BENCH = "refnet.v1.Bench"
COLUMNS_SIZE = 1000 * (4 + 4 + 1 + 18 * 8)


def floors() -> Any:
    """What answers the calls of the service Bench."""
    methods = {
        "PassReferral": (v1.PassReferralRequest, v1.PassReferralResponse().SerializeToString()),
        "GetScore": (v1.GetScoreRequest, v1.GetScoreResponse().SerializeToString()),
        "BatchGetScores": (v1.BatchGetScoresRequest, bytes(COLUMNS_SIZE)),
    }
    handlers = {name: _handler(request, answer) for name, (request, answer) in methods.items()}
    return grpc.method_handlers_generic_handler(BENCH, handlers)


def _handler(request: Any, answer: bytes) -> Any:
    async def behave(_: Any, __: Any) -> bytes:
        return answer

    return grpc.unary_unary_rpc_method_handler(
        behave, request_deserializer=request.FromString, response_serializer=bytes
    )


async def main(data: Path) -> None:
    """Until the process is told to end."""
    stop = asyncio.Event()
    for each in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(each, stop.set)
    engine = open_engine(data, warn=lambda _: None)
    app = App(engine, threads=os.cpu_count() or 1, publishing=find_publishing(engine))
    try:
        await app.start()
        server = Server(app, "127.0.0.1:0")
        server._server.add_generic_rpc_handlers((floors(),))
        print(f"listening on {await server.start()}", flush=True)
        await stop.wait()
        await server.stop()
    finally:
        await app.close()


if __name__ == "__main__":
    configure_logs()
    asyncio.run(main(Path(sys.argv[1])))
