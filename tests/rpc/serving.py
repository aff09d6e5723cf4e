"""A real server on a free port of this machine, with a real client and a small network on it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from refnet import v1
from refnet.app import App
from refnet.client import AsyncClient, Retry, packed
from refnet.log.sequencer import Clock
from refnet.rpc.server import Server, ServerSettings
from refnet.wiring import find_publishing, open_engine, system_clock

_SERVICES = [getattr(v1, name) for name in v1.__all__ if name.endswith("ServiceStub")]


@dataclass
class Served:
    """A server that runs, and what a test needs to talk to it."""

    data: Path
    app: App
    engine: Any
    server: Server
    address: str
    client: AsyncClient
    names: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        stubs = [self.client.stub(service) for service in _SERVICES]
        self._methods = {
            name: method
            for stub in stubs
            for name, method in vars(stub).items()
            if name[0].isupper()
        }

    async def call(self, request: Any, **options: Any) -> Any:
        """Call the method whose request this is."""
        name = type(request).__name__.removesuffix("Request")
        return await self._methods[name](request, **options)

    def stream(self, request: Any, name: str = "", **options: Any) -> Any:
        """Open the stream whose request this is; or call `name` with a stream of requests."""
        name = name or type(request).__name__.removesuffix("Request")
        return self._methods[name](request, **options)

    async def enrol(self, who: str, chapter: str = "chapter", **options: Any) -> str:
        """Enrol a member, known in the test by `who`."""
        request = v1.EnrolMemberRequest(
            chapter=self.names[chapter], classification=f"trade of {who}", name=who, **options
        )
        self.names[who] = (await self.call(request)).member
        return self.names[who]

    async def charter(self, decay: v1.Decay.ValueType = v1.DECAY_ON) -> None:
        """A network with one chapter and the members ann and bob; trust starts in everyone."""
        request = v1.CharterNetworkRequest(name="Test", pretrust=v1.PRETRUST_UNIFORM, decay=decay)
        answer = await self.call(request)
        self.names["network"] = answer.network
        await self.open_chapter("chapter")
        await self.enrol("ann")
        await self.enrol("bob")

    async def open_chapter(self, who: str) -> str:
        """Open a chapter, known in the test by `who`."""
        request = v1.CharterChapterRequest(
            name=who, city="Berlin", country="DE", time_zone="Europe/Berlin", currency="EUR"
        )
        self.names[who] = (await self.call(request)).chapter
        return self.names[who]

    async def refer(self, giver: str = "ann", receiver: str = "bob") -> str:
        """A referral between two members."""
        answer = await self.call(
            v1.PassReferralRequest(giver=self.names[giver], receiver=self.names[receiver])
        )
        name: str = answer.referral
        return name

    async def read_late(self, read: list[Any]) -> None:
        """Follow a long log, but read nothing for two seconds after the first message."""
        for _ in range(20):
            items = [
                packed(v1.RegisterContactRequest(name=f"{place} {'x' * 150}"))
                for place in range(256)
            ]
            await self.call(v1.BatchRecordRequest(requests=items))
        # The reader's own window must not grow to take in all that it does not read.
        options = (("grpc.http2.bdp_probe", 0), ("grpc.http2.lookahead_bytes", 65_536))
        async with AsyncClient(self.address, options=options) as client:
            stream = aiter(client.stub(v1.LogServiceStub).FollowFacts(v1.FollowFactsRequest()))
            read.append(await anext(stream))
            await asyncio.sleep(2.0)
            async with asyncio.timeout(20):
                while True:  # until it is cut off
                    read.append(await anext(stream))

    async def reached(self, position: int, seconds: float = 10.0) -> None:
        """Until the log has come so far."""
        end = time.monotonic() + seconds
        while self.app.position < position:
            assert time.monotonic() < end
            await asyncio.sleep(0.001)


Serve = Callable[..., Awaitable[Served]]


@asynccontextmanager
async def running(
    data: Path, settings: ServerSettings | None = None, clock: Clock = system_clock
) -> AsyncIterator[Served]:
    """Serve a directory."""
    engine = open_engine(data, clock=clock, warn=lambda _: None)
    app = App(engine, publishing=find_publishing(engine))
    await app.start()
    server = Server(app, "127.0.0.1:0", settings)
    try:
        address = await server.start()
        async with AsyncClient(address, retry=Retry(attempts=1)) as client:
            yield Served(data, app, engine, server, address, client)
    finally:
        await server.stop(0.2)
        await app.close()


def fresh(written: Any) -> v1.Consistency:
    return v1.Consistency(at_least_as_fresh=written.recorded_at)


async def won(served: Served) -> Any:
    """Closed business from ann to bob, and a testimonial; returns the last answer."""
    referral, bob = await served.refer(), served.names["bob"]
    for step in (v1.AcceptReferralRequest, v1.ContactProspectRequest, v1.WinReferralRequest):
        await served.call(step(referral=referral, acting_member=bob))
    await served.call(
        v1.CloseBusinessRequest(
            referral=referral, acting_member=bob, amount=5_000_00, currency="EUR"
        )
    )
    return await served.call(
        v1.GiveTestimonialRequest(
            subject=served.names["ann"], author=bob, rating=9, referral=referral, text="Splendid"
        )
    )
