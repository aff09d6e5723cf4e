"""The made-up network of `refnet serve --demo`: whole, or not at all."""

from __future__ import annotations

import shlex
import shutil
import sys
from pathlib import Path

from refnet import simulate as simulator
from refnet import wiring
from refnet.cli.command import opened
from refnet.cli.output import Output
from refnet.cli.scores import print_table
from refnet.cli.simulate import Factory, last_monday
from refnet.cli.unfinished import MARK
from refnet.domain.values import utc_day
from refnet.engine import LEDGER
from refnet.log.files import sync_directory
from refnet.log.keys import FILE as KEYS
from refnet.log.lock import WriterLock
from refnet.log.store import FILE

_CHAPTERS = 3
_WEEKS = 26
_SEED = 1
_BEST = 10

_MADE = [f"{name}{suffix}" for name in (FILE, KEYS) for suffix in ("", "-wal", "-shm")]
"""Files a simulation writes. The key-encryption key is older, and may be used elsewhere."""


def make(data: Path, output: Output) -> None:
    """Fill a store without facts. What an interrupted try left is thrown away first.

    A mark lies in the directory for as long as the network is not whole, see `refuse_unfinished`.
    Its coming and going are on the disk before what follows.
    """
    mark = data / MARK
    if mark.exists():
        _clear(data)
    with wiring.open_engine(data, warn=output.note) as engine:
        if engine.head()[0]:
            return

    def begin() -> None:
        mark.touch()
        sync_directory(data)

    with output.progress("making up a network", _WEEKS) as advance:
        simulator.simulate(
            Factory(data, output, simulated=False, begin=begin),
            chapters=_CHAPTERS,
            weeks=_WEEKS,
            seed=_SEED,
            end=last_monday(wiring.system_clock()),
            progress=lambda done, _: advance(done),
        )
    mark.unlink()
    sync_directory(data)


def show(data: Path, output: Output) -> str | None:
    """Print the best members as of today, as a server has them; the resource name of the best."""
    with opened(data, output, make=True) as engine:
        _, recorded = engine.head()
        snapshot = engine.scores(day=utc_day(max(recorded, wiring.system_clock())))
        numbers = [int(number) for number in snapshot.order[:_BEST]]
        if not output.as_json:
            print_table(snapshot, numbers, engine, output)
        return f"members/{snapshot.members[numbers[0]]}" if numbers else None


def call(address: str, member: str) -> str:
    """A call to paste into a second terminal."""
    program = (
        "from refnet import v1; from refnet.client import Client; "
        f'scores = Client("{address}").stub(v1.ScoreServiceStub); '
        f'print(scores.GetScore(v1.GetScoreRequest(member="{member}")))'
    )
    return f"try, in a second terminal:\n  {shlex.join([sys.executable, '-c', program])}"


def _clear(data: Path) -> None:
    """Remove what a simulation wrote, and nothing else. Raises StoreSealed while it still runs."""
    lock = WriterLock(data)
    try:
        for name in _MADE:
            (data / name).unlink(missing_ok=True)
        shutil.rmtree(data / LEDGER, ignore_errors=True)
    finally:
        lock.close()
