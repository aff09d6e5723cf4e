"""The writer's thread: collects waiting requests, has them executed together, hands out answers."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from typing import Any

from refnet.domain.decisions import Request
from refnet.errors import ShuttingDown
from refnet.log.draft import Receipt
from refnet.log.sequencer import Outcome, Sequencer

MAX_BATCH = 1024

BUSY_BATCH = 8
"""If lately there were more callers than this, they are many, and waiting for them pays."""

GATHER_SECONDS = 0.02
QUIET_SECONDS = 0.004
"""How long to wait for as many callers as lately, and when nobody has come for how long to stop."""

ERASE_AGAIN_SECONDS = 1.0
"""How often to look whether what a full disk or a reader made wait can be destroyed now."""

Deliver = Callable[[Sequence[tuple[Any, Outcome]]], None]
"""Takes the answers of one batch as (token, outcome), on the writer's thread."""


class Writer:
    """Group commit: one flush serves every request that waits for it."""

    def __init__(self, sequencer: Sequencer) -> None:
        self._sequencer = sequencer
        self._waiting: deque[tuple[Request, Any, Deliver]] = deque()
        self._wake = threading.Event()
        self._gate = threading.Lock()
        self._closed = False
        self._looked = 0.0  # when an erasure that waits was last tried
        self._target = 1  # how many must wait before the thread is woken
        self._thread = threading.Thread(target=self._run, name="refnet-writer", daemon=True)

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def submit(self, request: Request) -> Future[Receipt]:
        """The receipt, once the request's facts are flushed; or its refusal.

        Raises ShuttingDown after `close`.
        """
        future: Future[Receipt] = Future()
        self.enqueue(request, future, _resolve)
        return future

    def enqueue(self, request: Request, token: Any, deliver: Deliver) -> None:
        """As `submit`, but `deliver` is called once a batch with all answers that are its own.

        For event loops, where one call into the loop per batch costs less than one per request.
        `deliver` must be the same object every time, must not block and must not raise. Raises
        ShuttingDown.
        """
        with self._gate:
            if self._closed:
                raise ShuttingDown("the server is stopping and takes no more writes; retry later")
            self._waiting.append((request, token, deliver))
        if len(self._waiting) >= self._target and not self._wake.is_set():
            self._wake.set()

    def close(self) -> None:
        """Take no more requests, answer those that wait, end the thread."""
        with self._gate:
            self._closed = True
        self._wake.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        crowd = 0
        while True:
            self._wake.wait(ERASE_AGAIN_SECONDS if self._sequencer.eraser.has_work else None)
            if crowd > BUSY_BATCH:
                self._gather(crowd)
            # Cleared before taking: a request that comes meanwhile wakes us again.
            self._wake.clear()
            size = min(MAX_BATCH, len(self._waiting))
            if size:
                self._answer([self._waiting.popleft() for _ in range(size)])
                # Those just answered may come again, and others came meanwhile. One small batch
                # does not mean that the rest have gone for good.
                crowd = max(size + len(self._waiting), crowd * 3 // 4)
            self._erase_again()
            if self._waiting or self._closed:
                self._wake.set()
            if self._closed and not self._waiting:
                return

    def _erase_again(self) -> None:
        """Nobody may have to write for the disk to be cleared of an erased person."""
        now = time.monotonic()
        if self._sequencer.eraser.has_work and now - self._looked >= ERASE_AGAIN_SECONDS:
            with suppress(Exception):  # a mistake here must not end the thread; it is tried again
                self._sequencer.erase_again()
            self._looked = time.monotonic()

    def _gather(self, crowd: int) -> None:
        """Wait for as many callers as came lately, but not for long, nor when nobody comes.

        The thread sleeps meanwhile: looking now and then would hold up the very loop that brings
        the callers.
        """
        self._target = crowd
        end = time.monotonic() + GATHER_SECONDS
        came = -1
        while came < len(self._waiting) < crowd and not self._closed:
            left = end - time.monotonic()
            if left <= 0:
                break
            came = len(self._waiting)
            self._wake.clear()
            self._wake.wait(min(left, QUIET_SECONDS))
        self._target = 1

    def _answer(self, batch: Sequence[tuple[Request, Any, Deliver]]) -> None:
        outcomes: Sequence[Outcome]
        try:
            outcomes = self._sequencer.execute([request for request, _, _ in batch])
        except Exception as error:  # noqa: BLE001 - the callers must hear of it
            outcomes = [error] * len(batch)
        answers: dict[Deliver, list[tuple[Any, Outcome]]] = {}
        for (_, token, deliver), outcome in zip(batch, outcomes, strict=True):
            answers.setdefault(deliver, []).append((token, outcome))
        for deliver, found in answers.items():
            deliver(found)


def _resolve(answers: Sequence[tuple[Any, Outcome]]) -> None:
    for future, outcome in answers:
        if not future.set_running_or_notify_cancel():
            continue
        if isinstance(outcome, Exception):
            future.set_exception(outcome)
        else:
            future.set_result(outcome)
