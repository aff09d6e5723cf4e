"""Fixtures: servers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from refnet.rpc.server import ServerSettings
from rpc.serving import Serve, Served, running


@pytest.fixture
async def serve(tmp_path: Path) -> AsyncIterator[Serve]:
    """Starts servers, with settings of one's own."""
    async with AsyncExitStack() as stack:

        async def start(settings: ServerSettings | None = None, *, empty: bool = False) -> Served:
            served = await stack.enter_async_context(running(tmp_path / "data", settings))
            if not empty:
                await served.charter()
            return served

        yield start


@pytest.fixture
async def served(serve: Serve) -> Served:
    """A server with a chapter and the members ann and bob."""
    return await serve()
