"""The desk where simulated people hand in their slips: requests to the engine, in batches."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import Any, Protocol, Self
from uuid import UUID

from refnet.domain.decisions import Request
from refnet.domain.ids import Entropy, uuid7
from refnet.errors import RefnetError
from refnet.simulate.clock import DAY, Clock, SimulatedClock

BATCH = 500
"""Requests in one transaction, at most."""


class Row(Protocol):
    """What the simulator reads of a stored fact."""

    @property
    def topic(self) -> str:
        """The name of the fact."""


class Engine(Protocol):
    """What the simulator needs of an engine; `refnet.app.Engine` is one."""

    def new_id(self, noun: str) -> UUID:
        """An id for a stream."""

    def execute(self, requests: Sequence[Request], /) -> Sequence[object]:
        """Decide in one transaction; a refusal comes back as a RefnetError."""

    def rows(self) -> Iterable[Row]:
        """The facts in log order."""

    def head(self) -> tuple[int, int]:
        """Position and last record_time."""

    def __enter__(self) -> Self:
        """Use."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
        /,
    ) -> bool | None:
        """Close."""


class EngineFactory(Protocol):
    """Opens a new simulated store with that clock and entropy."""

    def __call__(self, *, clock: Clock, entropy: Entropy) -> Engine:
        """Open."""


class Desk:
    """Gathers requests and executes them, at the latest when the simulated day ends.

    So a fact is recorded on the day it was handed in, whatever the size of the network.
    """

    def __init__(self, engine: Engine, clock: SimulatedClock, entropy: Entropy) -> None:
        self._engine = engine
        self._clock = clock
        self._entropy = entropy
        self._waiting: list[Request] = []
        self.accepted = 0

    @property
    def now(self) -> int:
        """The simulated time, microseconds since 1970."""
        return self._clock()

    def move(self, micros: int) -> None:
        """Let time pass."""
        if micros // DAY != self._clock() // DAY:
            self.flush()
        self._clock.move(micros)

    def open(
        self, noun: str, command: Any, *, actor: UUID | None = None, occurred: int | None = None
    ) -> UUID:
        """Hand in a command that opens a stream; returns the stream's id."""
        stream = self._engine.new_id(noun)
        self._hand_in(command, stream, actor, occurred)
        return stream

    def ask(self, command: Any, *, actor: UUID | None = None, occurred: int | None = None) -> None:
        """Hand in a command for a stream that exists."""
        self._hand_in(command, getattr(command, command.TARGET), actor, occurred)

    def _hand_in(self, command: Any, stream: UUID, actor: UUID | None, when: int | None) -> None:
        now = self._clock()
        request = Request(
            command=command,
            # Sorted by time, so that the store appends to its table of requests.
            request_id=str(uuid7(now, self._entropy)),
            new_id=stream,
            acting_member=actor,
            occur_time=now if when is None else when,
        )
        self._waiting.append(request)
        if len(self._waiting) >= BATCH:
            self.flush()

    def flush(self) -> None:
        """Execute what waits. Raises the refusal if there is one: then the simulation is wrong."""
        requests, self._waiting = self._waiting, []
        if not requests:
            return
        for request, outcome in zip(requests, self._engine.execute(requests), strict=True):
            if isinstance(outcome, RefnetError):
                outcome.add_note(f"refused: {request.command!r}")
                raise outcome
        self.accepted += len(requests)
