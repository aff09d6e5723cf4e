"""A network on a running app."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from app.network import Net, running


@pytest.fixture
async def net(tmp_path: Path) -> AsyncIterator[Net]:
    async with running(tmp_path / "data") as started:
        await started.found(3)
        yield started
