"""Whether a running server's scores are, bit for bit, the ones computed here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import numpy as np

from refnet.cli.command import CommandFailed
from refnet.errors import ForeignPosition
from refnet.scoring import digest
from refnet.standings import Snapshot

_TIMEOUT_SECONDS = 120.0
_BATCH = 4096  # what BatchGetScores takes

# Arrays of the score model, by the names under which the API sends them.
_SENT_AS = {
    "V": "value",
    "T": "trust",
    "C": "clients",
    "R": "referrals",
    "P": "partners",
    "bal": "balance",
    "bil": "give_back",
    "D": "taking",
    "N": "distrust",
    "O": "opportunism",
    "F": "factor",
    "x": "trust_received",
    "xn": "distrust_received",
    "p": "pretrust",
}


@dataclass(frozen=True, slots=True)
class Served:
    """What a server says of its scores, and the digest of those it really sent."""

    model: str
    stated_digest: str
    digest: str


def fetch(target: str, log: UUID, snapshot: Snapshot) -> Served:
    """All scores of a server at the position and day of a snapshot.

    Raises CommandFailed if the server cannot be reached, or has another log or an older one.
    """
    # gRPC takes a third of a second to import, and most commands do without.
    from refnet import v1  # noqa: PLC0415
    from refnet.client import Client, RefnetCallError  # noqa: PLC0415
    from refnet.rpc.positions import Positions  # noqa: PLC0415

    exactly = v1.ExactPosition(position=Positions(log).message(snapshot.position), day=snapshot.day)
    consistency = v1.Consistency(exactly_at=exactly)
    try:
        with Client(target, timeout=_TIMEOUT_SECONDS) as client:
            scores = client.stub(v1.ScoreServiceStub)
            page = v1.ListScoresRequest(page_size=1, consistency=consistency)
            basis = scores.ListScores(page).computed_at
            columns = []
            for start in range(0, snapshot.scores.n, _BATCH):
                numbers = range(start, min(start + _BATCH, snapshot.scores.n))
                batch = v1.BatchGetScoresRequest(numbers=numbers, consistency=consistency)
                answer = scores.BatchGetScores(batch)
                if answer.missing:
                    return Served(basis.model, basis.digest, "")
                columns.append(answer.columns)
    except RefnetCallError as error:
        reason = error.reason.removeprefix("ERROR_REASON_") or error.code.name
        if reason == ForeignPosition.reason:
            raise CommandFailed(
                reason,
                f"{target} serves another log than the one replayed; "
                "name the server of this one, or its directory with --data",
            ) from error
        raise CommandFailed(reason, f"{target} did not answer: {error.message}") from error
    return Served(basis.model, basis.digest, _digest(columns, snapshot))


def _digest(columns: list[Any], snapshot: Snapshot) -> str:
    """The digest over the columns a server sent, whatever it says it is."""
    sent = {name: _SENT_AS.get(name, name) for name in snapshot.scores.arrays}
    parts = {name: [np.array(getattr(each, sent[name])) for each in columns] for name in sent}
    return digest({name: np.concatenate([np.empty(0), *parts[name]]) for name in sent})
