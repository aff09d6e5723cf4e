"""A load generator of its own process: unary calls of a real gRPC client, some always in flight.

    python -m benchmarks.rpc_load HOST:PORT

reads commands from stdin, one a line, and answers each with a line of JSON:
`load FILE` takes requests, `go METHOD IN_FLIGHT` sends them all, `save FILE` writes the answers in
the order of the requests. Files hold messages, each behind its length in four bytes. Requests and
answers stay bytes here, so that a call costs the client less than it costs the server. What counts
as answered is a call that ended with OK.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import grpc

OPTIONS = {
    "grpc.max_receive_message_length": 16 << 20,
    "grpc.http2.lookahead_bytes": 8 << 20,  # so that large answers need no pauses
    "grpc.http2.max_frame_size": 4 << 20,
}


def write(file: str | Path, messages: Iterable[bytes]) -> None:
    """Messages into a file."""
    Path(file).write_bytes(b"".join(len(each).to_bytes(4) + each for each in messages))


def read(file: str | Path) -> list[bytes]:
    """The inverse of `write`."""
    return list(_split(Path(file).read_bytes()))


def _split(data: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(data):
        size = int.from_bytes(data[at : at + 4])
        yield data[at + 4 : at + 4 + size]
        at += 4 + size


class Round:
    """All requests once: the answers in order, and how the calls ended."""

    def __init__(self, call: Any, requests: list[bytes]) -> None:
        self._call = call
        self._left = enumerate(requests)
        self.answers = [b""] * len(requests)
        self.ends: Counter[str] = Counter()

    async def run(self, in_flight: int) -> float:
        """Send everything; the seconds until the last answer."""
        started = time.perf_counter()
        await asyncio.gather(*(self._caller() for _ in range(in_flight)))
        return time.perf_counter() - started

    async def _caller(self) -> None:
        for index, request in self._left:
            try:
                self.answers[index] = await self._call(request)
            except grpc.aio.AioRpcError as refusal:
                self.ends[f"{refusal.code().name}: {refusal.details()}"] += 1
            else:
                self.ends["OK"] += 1


async def main(address: str) -> None:
    """Obey stdin until it ends."""
    loop = asyncio.get_running_loop()
    options = tuple(OPTIONS.items())
    requests: list[bytes] = []
    made = Round(None, [])
    async with grpc.aio.insecure_channel(address, options) as channel:
        await channel.channel_ready()
        while line := await loop.run_in_executor(None, sys.stdin.readline):
            found: object = {}
            match line.split():
                case ["load", file]:
                    requests = read(file)
                case ["go", method, in_flight]:
                    made = Round(channel.unary_unary(method), requests)
                    found = {"seconds": await made.run(int(in_flight)), "ends": made.ends}
                case ["save", file]:
                    write(file, made.answers)
                case _:
                    raise ValueError(f"not a command: {line!r}")
            print(json.dumps(found), flush=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
