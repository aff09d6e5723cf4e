"""Acknowledged means kept: a writer is killed again and again, and nothing it promised is lost."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from uuid import UUID

from log.rig import NoteOpened, OpenNote, Rig
from refnet.domain.facts import Recorded
from refnet.domain.values import Sealed

KILLS = 5


def killed(directory: Path, turn: int, seconds: float) -> list[str]:
    """Run the writer, kill it after so many seconds of writing; what it had acknowledged."""
    here = Path(__file__).parent
    paths = [str(here.parent), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    script = [sys.executable, str(here / "crash_writer.py"), str(directory), str(turn)]
    with subprocess.Popen(script, stdout=subprocess.PIPE, env=environment) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        time.sleep(seconds)
        process.send_signal(signal.SIGKILL)
        rest = process.stdout.read()
    assert process.returncode == -signal.SIGKILL
    lines = (first + rest).decode().split("\n")
    assert lines.pop() == ""
    return lines


def test_what_was_acknowledged_survives_every_kill(tmp_path: Path) -> None:
    rng = random.Random(20)
    acknowledged: list[str] = []
    for turn in range(KILLS):
        acknowledged += killed(tmp_path, turn, rng.uniform(0.05, 0.4))
    assert len(acknowledged) > 20 * KILLS
    rig = Rig(tmp_path, os.urandom)
    kept = {
        request_id: (position - facts + 1, position)
        for request_id, position, facts in rig.reader.query(
            "SELECT request_id, position, facts FROM requests"
        )
    }
    by_request: dict[str, list[tuple[Any, Recorded]]] = {}
    for fact, recorded in rig.reader.facts():
        by_request.setdefault(recorded.request_id, []).append((fact, recorded))
    # None lost, none at another place than the one that was promised.
    for line in acknowledged:
        request_id, stream, first, last = line.split()
        assert kept[request_id] == (int(first), int(last))
        assert {at.stream for _, at in by_request[request_id]} == {UUID(stream)}
    # None partial, none twice, whether it was acknowledged or not.
    assert set(by_request) == set(kept)
    for request_id, (first_position, last_position) in kept.items():
        found = by_request[request_id]
        positions = [at.position for _, at in found]
        assert positions == list(range(first_position, last_position + 1))
        opened, at = found[0]
        if isinstance(opened, NoteOpened):
            assert len(found) == int(request_id.rsplit("-", 1)[1]) % 4 + 1
            assert isinstance(opened.text, Sealed)
            text = rig.disclosure.reveal(at.stream, 1, "text", opened.text)
            assert text == request_id
            assert rig.disclosure.find("external_id", request_id) == at.stream
    assert rig.reader.tree().size == rig.reader.position()
    # And a retry of what was cut off gets one answer, the first.
    again = rig.do(OpenNote(text="0-0-0", gossip="x", external_id="0-0-0"), "0-0-0")
    assert (again.replayed, again.first, again.last) == (True, *kept["0-0-0"])
    rig.close()
