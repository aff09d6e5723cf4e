"""A witness that strangers wrote, at work on loopback, asked by refnet's client."""

from __future__ import annotations

import re
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

from refnet.tlog.cosigning import Witnesses
from refnet.tlog.note import parse_note
from refnet.tlog.policy import parse_policy
from refnet.tlog.proofs import root_at
from refnet.tlog.witness import Cause
from strangers.installed import aics_programs, run
from strangers.logs import Log

NAME = "witness.example/neighbour"
WAIT_S = 20


@contextmanager
def aics_witness(cache: Path, room: Path, log: Log) -> Iterator[tuple[str, str]]:
    """aics-witness for one log, in a folder; its address and its key."""
    program = aics_programs(cache) / "aics-witness"
    config = room / "witness.json"
    run([program, "init", "--config", config, "--name", NAME, "--listen", "127.0.0.1:0"])
    origin = log.signer.verifier.name
    run([program, "add-log", "--config", config, "--origin", origin, "--vkey", log.vkey])
    again = subprocess.run(
        [program, "init", "--config", config], capture_output=True, text=True, check=True
    )
    vkey = re.search(rf"{re.escape(NAME)}\+\S+", again.stdout + again.stderr)
    assert vkey, again
    heard = room / "witness.log"
    with heard.open("w") as out:
        serving = subprocess.Popen(
            [program, "serve", "--config", config], stdout=out, stderr=subprocess.STDOUT
        )
    try:
        yield _address(serving, heard), vkey[0]
    finally:
        serving.send_signal(signal.SIGTERM)
        serving.wait(WAIT_S)


def _address(serving: subprocess.Popen[bytes], heard: Path) -> str:
    """Where it says that it listens."""
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline and serving.poll() is None:
        if found := re.search(r"listening on (http://127\.0\.0\.1:\d+)", heard.read_text()):
            return found[1]
        time.sleep(0.05)
    raise RuntimeError(f"the witness did not say where it listens: {heard.read_text()}")


@dataclass(frozen=True)
class Seen:
    """How many steps of a growing log were cosigned, and how many rewritings were refused."""

    cosigned: int
    refused: int


def cosign_and_refuse(url: str, vkey: str, log: Log, seed: int, *, steps: int, forks: int) -> Seen:
    """Grow a log step by step; in between, offer trees in which one fact is another."""
    random = Random(f"{seed} witness")
    policy = parse_policy(f"log {log.vkey}\nwitness W {vkey} {url}\nquorum W\n".encode())
    sizes = sorted(random.sample(range(1, len(log.leaves)), steps))
    attacked = set(random.sample(range(steps), forks))
    witnesses = Witnesses(policy)
    cosigned = refused = 0
    for step, size in enumerate(sizes):
        note = parse_note(log.sign(size, root_at(log.tree, size)))
        result = witnesses.cosign(note, log.tree, size)
        cosigned += result.is_enough and policy.satisfied(result.note)
        if step in attacked:
            refused += _refuses(policy_text=bytes(policy), log=log, size=size, random=random)
    witnesses.close()
    return Seen(cosigned, refused)


def _refuses(policy_text: bytes, log: Log, size: int, random: Random) -> bool:
    """Whether a fork of the tree it has just cosigned is refused: of its size, or of a larger one.

    By a client of its own, for one that has heard of a fork does not ask that witness again.
    """
    larger = size + random.choice([0, 1, random.randint(1, 500)])
    larger = min(larger, len(log.leaves))
    tree, note = log.fork(random.randrange(size), larger)
    policy = parse_policy(policy_text)
    witnesses = Witnesses(policy)
    result = witnesses.cosign(parse_note(note), tree, larger)
    witnesses.close()
    alarmed = [each.cause for each in result.alarms]
    return not result.is_enough and alarmed in ([Cause.UNPROVEN], [Cause.FORK])
