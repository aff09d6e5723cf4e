"""Kills a publisher at every step, many times, and looks at what is left: `python crashing.py`.

A process of its own, because it forks: each child publishes and dies at a step; the parent looks.
Prints one line of JSON: crashes, recoveries, rollbacks, and everything that was wrong.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sys
from contextlib import closing
from hashlib import sha256
from pathlib import Path

from refnet.errors import LogBehind, LogForked
from refnet.log.tree import Frontier
from refnet.tlog import history
from refnet.tlog.checkpoint import Checkpoint, open_checkpoint
from refnet.tlog.note import Signer
from refnet.tlog.proofs import root_at
from refnet.tlog.publish import CHECKPOINT, HISTORY, Publisher
from refnet.tlog.signer import STATE, STEPS, Reach, Signatory, found
from refnet.tlog.tiles import Tree, folder

KEY = Signer("example.com/refnet/test", b"\x07" * 32)


class Log:
    """A log whose commitments come of a seed, and the place it is published at."""

    def __init__(self, place: Path, seed: int) -> None:
        self.signer, self.public = place / "signer", place / "tlog"
        self.chance = random.Random(seed)
        self.facts: list[bytes] = []
        self.tree = Frontier()
        self.roots: dict[int, bytes] = {}
        self.faults: list[str] = []
        found(self.signer, KEY)

    def grow(self) -> None:
        count = self.chance.choice((1, 2, 7, 100, 255, 256, 257, 600))
        more = [sha256(self.chance.randbytes(16)).digest() for _ in range(count)]
        self.facts += more
        self.tree.extend(more)
        self.roots[len(self.facts)] = self.tree.root()

    def publish(self, facts: list[bytes], reach: Reach = lambda _: None) -> None:
        with closing(Signatory(self.signer, reach)) as signatory:
            made = Publisher(self.public, signatory, lambda after, upto: facts[after:upto], reach)
            made.start(len(facts))
            made.publish(len(facts))

    def crash(self, step: str) -> bool:
        """Whether a child that publishes died at the step."""
        child = os.fork()
        if child == 0:
            try:
                self.publish(self.facts, lambda name: die() if name == step else None)
            finally:
                os._exit(0)
        _, status = os.waitpid(child, 0)
        return os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL

    def look(self, when: str, newest: int = 20) -> None:
        """Every checkpoint anybody can have seen is of this log, and can be looked up."""
        seen = [self._opened(raw, when) for raw in self._raw(newest)]
        if [each.size for each in seen] != sorted(each.size for each in seen):
            self.faults.append(f"{when}: checkpoints in another order")
        for each in seen:
            if self.roots.get(each.size) != each.root:
                self.faults.append(f"{when}: a checkpoint of {each.size} is a fork")
        published = self.public / CHECKPOINT
        if published.exists():
            shown = self._opened(published.read_text("utf-8"), when)
            tree = Tree(folder(self.public), shown.size)
            if root_at(tree, shown.size) != shown.root:
                self.faults.append(f"{when}: the tiles of {shown.size} are not there")

    def _raw(self, newest: int) -> list[str]:
        """From the history, what is shown, what the signer remembers: sizes rise in this order."""
        path = self.public / HISTORY
        told = [str(note) for note in history.read(path)][-newest:] if path.exists() else []
        for each in (self.public / CHECKPOINT, self.signer / STATE):
            told += [each.read_text("utf-8")] if each.exists() else []
        return told

    def _opened(self, raw: str, when: str) -> Checkpoint:
        try:
            return open_checkpoint(raw, KEY.verifier)[0]
        except ValueError as error:
            self.faults.append(f"{when}: {error}")
            return Checkpoint("", 0, b"")

    def roll_back(self) -> None:
        """Publish a database that was restored from a backup, perhaps written on since."""
        signed = len(self.facts)
        kept = self.chance.randrange(max(0, signed - 300), signed)
        more = self.chance.choice((0, 1, signed - kept, signed - kept + 50))
        restored = self.facts[:kept] + [self.chance.randbytes(32) for _ in range(more)]
        before = {
            path: path.read_bytes() for path in (self.public / CHECKPOINT, self.signer / STATE)
        }
        try:
            self.publish(restored)
        except (LogBehind, LogForked):
            pass
        else:
            self.faults.append(f"silent rollback to {kept} with {more} others")
        if any(path.read_bytes() != content for path, content in before.items()):
            self.faults.append(f"a refused rollback to {kept} changed what was signed")


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def main(place: Path, times: int, rollbacks: int, seed: int) -> int:
    log = Log(place, seed)
    crashes = dict.fromkeys(STEPS, 0)
    for step in STEPS:
        while crashes[step] < times:
            log.grow()
            crashes[step] += log.crash(step)
            log.look(f"after a crash {step}")
            if log.chance.random() < 0.5:  # else the next one comes on top
                log.publish(log.facts)
                log.look(f"recovered from {step}")
    log.publish(log.facts)
    refused = 0
    for _ in range(rollbacks):
        log.roll_back()
        refused += 1
        log.look("after a rollback")
        log.grow()
        if log.chance.random() < 0.5:  # a crash, and then the restored backup
            log.crash(log.chance.choice(STEPS))
        log.publish(log.facts)
    log.look("at the end", newest=1_000_000)
    shutil.rmtree(place)
    told = {"seed": seed, "crashes": crashes, "rollbacks": refused, "faults": log.faults}
    sys.stdout.write(json.dumps(told) + "\n")
    return 1 if log.faults else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), *map(int, sys.argv[2:5])))
