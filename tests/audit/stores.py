"""Small stores with everything in them that an audit looks at."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from refnet.audit.checkpoints import Keys
from refnet.audit.verify import Report
from refnet.audit.verify import verify as verify_store
from refnet.domain.decisions import Request
from refnet.domain.ids import Entropy
from refnet.domain.network import PublishScores
from refnet.domain.nouns import NOUNS
from refnet.domain.values import NetworkId
from refnet.engine import Engine
from refnet.log.sequencer import Clock
from refnet.publishing import FOLDER, SIGNER
from refnet.simulate import simulate
from refnet.tlog.note import Signer, Verifier
from refnet.tlog.publish import Publisher
from refnet.tlog.signer import Signatory, found, read_keys
from refnet.wiring import open_engine, system_clock


def quiet(_: str) -> None:
    pass


def open_simulated(
    data: Path, clock: Clock = system_clock, entropy: Entropy = os.urandom
) -> Engine:
    return open_engine(data, clock=clock, entropy=entropy, simulated=True, warn=quiet)


def simulated(data: Path, *, chapters: int = 1, weeks: int = 4) -> int:
    """A made-up network whose ledger was saved, with its scores published; its last position."""

    def open_it(*, clock: Clock, entropy: Entropy) -> Engine:
        return open_simulated(data, clock, entropy)

    simulate(open_it, chapters=chapters, weeks=weeks, seed=1)
    with open_simulated(data) as engine:
        publish_scores(engine)
        publish_scores(engine, position=engine.head()[0] // 2)
        engine.scores()
        return engine.head()[0]


def publish_scores(engine: Engine, position: int | None = None, digest: str = "") -> int:
    """Put the digest of scores into the log; where that is recorded."""
    made = engine.scores(position=position)
    (network,) = engine.state.resident("network")
    asked = PublishScores(
        network=NetworkId(network),
        position=made.position,
        day=made.day,
        model=made.model,
        digest=digest or made.digest,
    )
    request = Request(
        command=asked,
        request_id=f"scores {engine.head()[0]}",
        new_id=engine.new_id("network"),
    )
    (outcome,) = engine.execute([request])
    if isinstance(outcome, Exception):
        raise outcome
    return engine.head()[0]


def sign(data: Path, sizes: Sequence[int]) -> Verifier:
    """Sign and publish the log of a store at some sizes, with a new signer if it has none."""
    place = data / SIGNER
    with open_engine(data, read_only=True) as engine, closing(engine.reader()) as reader:
        if not place.exists():
            found(place, Signer(f"example.com/refnet/{engine.log_id}", os.urandom(32)))
        with closing(Signatory(place, quiet)) as signatory:
            publisher = Publisher(data / FOLDER, signatory, reader.commitments, quiet)
            publisher.start(engine.head()[0])
            for size in sizes:
                publisher.publish(size)
            return signatory.verifiers[0]


def check(
    data: Path,
    keys: Sequence[Verifier] = (),
    scores: Sequence[str] = (),
    patience: float = 0,
) -> Report:
    """Verify a store; where nobody publishes, there is nothing to wait for."""
    signer = data / SIGNER
    own = read_keys(signer) if signer.exists() and not keys else []
    trusted = keys or [each.verifier for each in own]
    return verify_store(data, signer, Keys(trusted), NOUNS, scores, _ignore, patience)


def told(report: Report) -> dict[str, Any]:
    """What each step that differs found, by step."""
    return {each.name: each.finding for each in report.steps if each.finding is not None}


def _ignore(_: int, __: int) -> None:
    pass
