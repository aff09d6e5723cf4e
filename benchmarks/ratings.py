"""The real ratings network, as a store knows it."""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path

import pytest

from refnet.domain.network import Decay, Pretrust
from refnet.imports.ratings import RatingsImport
from refnet.imports.rejects import Rejects
from refnet.standings import Snapshot
from refnet.wiring import open_engine

_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


def ratings_snapshot(folder: Path) -> Snapshot:
    """Imported into a folder; skips the benchmark where the file is missing."""
    file = Path(os.environ.get("REFNET_TEST_DATA", _DATA)) / "otc_network.csv.gz"
    if not file.exists():
        pytest.skip(f"no {file.name} in the shared data; name its folder in REFNET_TEST_DATA")
    with open_engine(folder) as engine, closing(Rejects(folder, file)) as rejects:
        RatingsImport(engine, rejects, pretrust=Pretrust.UNIFORM, decay=Decay.OFF).run(file)
        return engine.scores()
