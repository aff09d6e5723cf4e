"""A network in memory: the domain's own `State`, with a list for a log."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from refnet.domain.decisions import Noun, Request, decide
from refnet.domain.facts import Recorded
from refnet.domain.nouns import NOUNS
from refnet.domain.state import Batch, State, fold
from refnet.domain.values import MICROS_PER_DAY

START = 1_704_067_200 * 1_000_000
"""2024-01-01, a Monday: day 0 of every scenario."""


def day(number: int) -> int:
    """Noon of a day, microseconds."""
    return START + number * MICROS_PER_DAY + MICROS_PER_DAY // 2


class Sandbox:
    """Decides requests one at a time and keeps what was decided."""

    def __init__(self, nouns: Sequence[Noun] = NOUNS) -> None:
        self.nouns = tuple(nouns)
        self.log: list[tuple[Noun, Any, Recorded]] = []
        self.state = State(self.nouns, self.load)
        self.now = day(100)
        self._noun_of = {command: noun for noun in self.nouns for command in noun.commands}
        self._made = 0

    def load(self, noun: Noun, stream: UUID) -> Any | None:
        """A stream folded from the log, as the real log does it."""
        kept = ((fact, at) for each, fact, at in self.log if at.stream == stream and each is noun)
        return fold(noun, kept)

    def do(
        self,
        command: Any,
        *,
        actor: UUID | None = None,
        occurred: int | None = None,
        batch: Batch | None = None,
    ) -> tuple[Any, ...]:
        """Decide a command and append its facts. Within an open `batch` nothing is committed."""
        self._made += 1
        world = self.state.begin() if batch is None else batch
        request = Request(
            command=command,
            request_id=f"r{self._made}",
            new_id=UUID(int=(self._made << 80) | (4 << 76) | (2 << 62)),
            acting_member=actor,
            occur_time=occurred,
        )
        noun = self._noun_of[type(command)]
        decision = decide(noun, request, self.now, world)
        for fact in decision.facts:
            assert type(fact) in noun.facts
            recorded = self._recorded(decision.stream, request)
            world.apply(noun, fact, recorded)
            if batch is None:
                self.log.append((noun, fact, recorded))
        if batch is None:
            world.commit()
        self.last = decision.stream
        return decision.facts

    def find(self, noun: str, stream: UUID) -> Any:
        """The state of a stream that exists."""
        state = self.state.find(noun, stream)
        assert state is not None
        return state

    def again(self) -> Sandbox:
        """Another world, folded from the same facts."""
        other = Sandbox(self.nouns)
        for noun, fact, recorded in self.log:
            other.state.apply(noun, fact, recorded)
            other.log.append((noun, fact, recorded))
        return other

    def _recorded(self, stream: UUID, request: Request) -> Recorded:
        before = [at for _, _, at in self.log if at.stream == stream]
        position = len(self.log) + 1
        return Recorded(
            stream,
            len(before) + 1,
            position,
            before[0].position if before else position,
            self.now if request.occur_time is None else request.occur_time,
            self.now,
            request.principal,
            request.acting_member,
            request.request_id,
        )
