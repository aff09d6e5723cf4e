"""A running app on a real store, with a small network and a clock that a test moves."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from refnet.app import App
from refnet.consistency import Freshness
from refnet.domain.chapter import CharterChapter
from refnet.domain.decisions import Request
from refnet.domain.member import EnrolMember
from refnet.domain.network import CharterNetwork
from refnet.domain.nouns import NOUNS
from refnet.domain.referral import (
    AcceptReferral,
    CloseBusiness,
    ContactProspect,
    PassReferral,
    WinReferral,
)
from refnet.engine import Engine
from refnet.log.draft import Receipt
from refnet.standings import Snapshot
from refnet.wiring import open_engine

DAY = 86_400_000_000
NOON = 20_000 * DAY + DAY // 2
BY_COMMAND = {command: noun for noun in NOUNS for command in noun.commands}
MEMBER = next(noun for noun in NOUNS if noun.name == "member")
REFERRAL = next(noun for noun in NOUNS if noun.name == "referral")


@dataclass
class Clock:
    """Time that stands still until a test moves it. now: microseconds."""

    now: int = NOON

    def __call__(self) -> int:
        return self.now


@dataclass
class Net:
    """A running app with a small network."""

    app: App
    engine: Engine
    clock: Clock
    members: list[Any] = field(default_factory=list)
    chapter: Any = None

    def request(self, command: Any, actor: UUID | None = None) -> Request:
        return Request(
            command=command,
            request_id=str(uuid4()),
            new_id=self.app.new_id(BY_COMMAND[type(command)]),
            acting_member=actor,
            occur_time=0 if isinstance(command, CharterNetwork) else None,
        )

    async def do(self, command: Any, actor: UUID | None = None) -> Receipt:
        return await self.app.submit(self.request(command, actor))

    def enrolment(self, name: str = "A. Person") -> EnrolMember:
        return EnrolMember(chapter=self.chapter, classification=str(uuid4()), name=name)

    async def found(self, members: int) -> None:
        await self.do(CharterNetwork(name="Net"))
        made = await self.do(
            CharterChapter(
                name="One", city="Berlin", country="DE", time_zone="Europe/Berlin", currency="EUR"
            )
        )
        self.chapter = made.stream
        for _ in range(members):
            self.members.append((await self.do(self.enrolment())).stream)

    async def refer(self, giver: Any, receiver: Any, amount: int) -> Any:
        referral: Any = (await self.do(PassReferral(giver=giver, receiver=receiver))).stream
        for step in (AcceptReferral, ContactProspect, WinReferral):
            await self.do(step(referral=referral), receiver)
        closed = CloseBusiness(referral=referral, amount=amount, currency="EUR")
        await self.do(closed, receiver)
        return referral

    async def fresh(self, position: int, patience: float = 10.0) -> Any:
        return await self.app.scores(Freshness(at_least=position), patience)


@asynccontextmanager
async def running(data: Path, clock: Clock | None = None) -> AsyncIterator[Net]:
    clock = clock or Clock()
    engine = open_engine(data, clock=clock, warn=lambda _: None)
    app = App(engine)
    try:
        await app.start()
        yield Net(app, engine, clock)
    finally:
        await app.close()


def latest(net: Net) -> Snapshot:
    found = net.app.latest()
    assert found is not None
    return found


async def soon(true: Callable[[], bool], seconds: float = 5.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        await asyncio.sleep(0.01)
