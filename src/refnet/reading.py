"""Reading the log beside the event loop: a few threads, each with a connection of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from queue import SimpleQueue
from typing import TypeVar

from refnet.engine import Engine
from refnet.errors import RefnetError, stopping
from refnet.log.connections import is_disk_failure
from refnet.log.disclosure import Disclosure
from refnet.log.reader import Reader

THREADS = 4

T = TypeVar("T")


class ReadPool:
    """Answers questions to the log, a few at a time."""

    def __init__(self, engine: Engine, fail: Callable[[Exception], None]) -> None:
        """fail: told, on a reading thread, that the disk has failed."""
        self._fail = fail
        self._closed = False
        self._pool = ThreadPoolExecutor(THREADS, "refnet-read")
        self._readers = ExitStack()
        self._idle: SimpleQueue[tuple[Reader, Disclosure]] = SimpleQueue()
        with self._readers as opened:  # closed again if one of them cannot be had
            for _ in range(THREADS):
                reader = engine.reader()
                opened.callback(reader.close)
                self._idle.put((reader, engine.disclosure(reader)))
            self._readers = opened.pop_all()

    async def ask(self, question: Callable[[Reader, Disclosure], T]) -> T:
        """What the question, called on a reading thread, returns or raises."""
        return await self.run(lambda: self._answer(question))

    async def run(self, work: Callable[[], T]) -> T:
        """The same for work that needs no reader. Raises ShuttingDown after `refuse`."""
        if self._closed:
            raise stopping()
        return await asyncio.get_running_loop().run_in_executor(self._pool, work)

    def refuse(self) -> None:
        """On the loop: take no more questions."""
        self._closed = True

    def close(self) -> None:
        """Wait for the answers to the last questions, and let go of the file. Off the loop."""
        self._pool.shutdown()
        self._readers.close()

    def _answer(self, question: Callable[[Reader, Disclosure], T]) -> T:
        held = self._idle.get()  # there are as many as threads
        try:
            return question(*held)
        except RefnetError as error:
            if is_disk_failure(error):
                self._fail(error)
            raise
        finally:
            self._idle.put(held)
