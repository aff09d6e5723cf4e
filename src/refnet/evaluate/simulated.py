"""Simulated networks, made once and kept: seed and size to events and plant."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import refnet
from refnet import evidence
from refnet.accumulators import Events
from refnet.evaluate.networks import Plant, SimulatedNetwork
from refnet.ledger.ledger import Ledger
from refnet.simulate import Simulation, simulate
from refnet.simulate.people import NEVER
from refnet.wiring import open_engine

CHAPTERS, MEMBERS, WEEKS = 20, 30, 104
"""The size of score-model section 8."""

TUNE_SEEDS = tuple(range(100, 105))
"""Seeds on which constants may be chosen."""

TEST_SEEDS = tuple(range(200, 210))
"""Seeds on which models are judged; never looked at while searching."""

_MAKERS = ("simulate", "domain", "ledger", "evidence.py")
_FIRST_MONDAY_DAY = 19_723  # 2024-01-01, refnet.simulate.run.FIRST_MONDAY
_COLUMNS = ("day", "kind", "a", "b", "amount")
_TRAITS = ("quality", "generosity", "attendance")
_WEEKS = ("joined", "turned", "left")

Progress = Callable[[int, int], None]


def simulated(
    seed: int,
    cache: Path,
    *,
    chapters: int = CHAPTERS,
    members: int = MEMBERS,
    weeks: int = WEEKS,
    progress: Progress | None = None,
) -> SimulatedNetwork:
    """The network of a seed, from the cache folder or made anew (35 s at full size).

    A file in the cache is named by all arguments and a hash of the code that made it; it appears
    whole or not at all, so an interrupted run loses only the seed it was at. progress: told weeks
    done and weeks in all while simulating.
    """
    cache.mkdir(parents=True, exist_ok=True)
    name = f"simulated-{seed}-{chapters}x{members}-{weeks}w-{code_hash()[:16]}.npz"
    path = cache / name
    if not path.exists():
        arrays = _made(seed, chapters, members, weeks, progress)
        with tempfile.NamedTemporaryFile(dir=cache, suffix=".part", delete=False) as file:
            part = Path(file.name)
            try:
                np.savez_compressed(file, allow_pickle=False, **arrays)
            except BaseException:
                part.unlink()
                raise
        part.replace(path)
    with np.load(path, allow_pickle=False) as kept:
        return _network(seed, weeks, {key: kept[key] for key in kept.files})


def code_hash() -> str:
    """Hex SHA-256 of the source text that turns a seed into events."""
    room = Path(refnet.__file__).parent
    hashed = hashlib.sha256()
    for maker in _MAKERS:
        place = room / maker
        for path in [place] if place.is_file() else sorted(place.glob("*.py")):
            text = path.read_bytes()
            hashed.update(f"{path.relative_to(room)} {len(text)}\n".encode() + text)
    return hashed.hexdigest()


def _made(
    seed: int, chapters: int, members: int, weeks: int, progress: Progress | None
) -> dict[str, NDArray[Any]]:
    with tempfile.TemporaryDirectory(prefix="refnet-evaluate-") as folder:
        store = partial(open_engine, Path(folder), simulated=True, warn=_quiet)
        made = simulate(
            store,
            chapters=chapters,
            weeks=weeks,
            seed=seed,
            members_per_chapter=members,
            progress=progress,
        )
        with open_engine(Path(folder), read_only=True, warn=_quiet) as engine:
            projection = engine.projection()
            with closing(engine.reader()) as reader:
                projection.catch_up(reader)
            return _read(projection.ledger, made, weeks)


def _read(ledger: Ledger, made: Simulation, weeks: int) -> dict[str, NDArray[Any]]:
    people = made.plant.people
    # The plant numbers people as they are inducted, and so does the log.
    assert ledger.members == [str(person.id) for person in people]
    columns = ledger.columns()
    roll = evidence.Roll()
    roll.read(columns)
    found = evidence.events(evidence.rows_of(columns), _FIRST_MONDAY_DAY + 7 * weeks - 1)
    found = found.select(np.argsort(found.day, kind="stable"))
    arrays: dict[str, NDArray[Any]] = {name: getattr(found, name) for name in _COLUMNS}
    for name in (*_TRAITS, "colludes"):
        arrays[name] = np.array([getattr(person, name) for person in people])
    arrays["kind_of"] = np.array([str(person.kind) for person in people])
    arrays["joined"] = np.array([person.joined for person in people], np.int64)
    turns = [-1 if person.turn == NEVER else person.turn for person in people]
    arrays["turned"] = np.array(turns, np.int64)
    left = [-1 if person.left is None else person.left for person in people]
    arrays["left"] = np.array(left, np.int64)
    arrays["chapter"] = roll.home().astype(np.int64)
    arrays["standing"] = roll.standing()
    groups = [
        [str(group.kind), [person.number for person in group.members]]
        for group in made.plant.groups
    ]
    arrays["groups"] = np.array(json.dumps(groups))
    return arrays


def _network(seed: int, weeks: int, kept: dict[str, NDArray[Any]]) -> SimulatedNetwork:
    groups = json.loads(str(kept["groups"]))
    plant = Plant(
        kind=kept["kind_of"],
        **{name: kept[name] for name in (*_TRAITS, *_WEEKS, "colludes", "chapter")},
        groups=tuple((kind, tuple(members)) for kind, members in groups),
    )
    events = Events(*(kept[name] for name in _COLUMNS))
    return SimulatedNetwork(seed, weeks, _FIRST_MONDAY_DAY, events, kept["standing"], plant)


def _quiet(text: str) -> None:
    """Made-up people need no advice about keys."""
