"""The published folder itself, read by the command line of aics-tlog: tiles, layout, checkpoint."""

from __future__ import annotations

import subprocess
from pathlib import Path
from random import Random

from strangers.installed import aics_programs
from strangers.logs import Log


def read_by_aics(cache: Path, log: Log, seed: int, count: int) -> tuple[int, int]:
    """How many of `count` leaves, and of as many false ones, it finds and does not find.

    It fetches the checkpoint and the tiles, and makes the proofs from them. Raises Unavailable.
    """
    random = Random(f"{seed} published")
    program = aics_programs(cache) / "aics-tlog"
    key, leaf, older = (log.root / name for name in ("vkey", "leaf", "older"))
    key.write_text(log.vkey + "\n")
    known = ["--tiles", str(log.root / "tlog"), "--vkey-file", str(key)]

    def accepts(*arguments: str | Path) -> bool:
        command = [str(program), *map(str, arguments), *known]
        done = subprocess.run(command, capture_output=True, check=False)
        return done.returncode == 0

    found = missed = 0
    edges = [0, len(log.leaves) - 1]
    for index in [*edges, *random.sample(range(len(log.leaves)), count - len(edges))]:
        leaf.write_bytes(log.leaves[index])
        found += accepts("verify-inclusion", "--index", str(index), "--leaf", leaf)
        missed += not accepts("verify-inclusion", "--index", str(index ^ 1), "--leaf", leaf)
    for size in random.sample([each for each in log.sizes if each], count):
        older.write_text(log.notes[size])
        found += accepts("verify-consistency", "--old-checkpoint", older)
        older.write_text(log.fork(random.randrange(size), size)[1])
        missed += not accepts("verify-consistency", "--old-checkpoint", older)
    return found, missed
