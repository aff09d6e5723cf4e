"""Published scores against the facts: every digest that the log states, computed again."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from refnet import second_opinion
from refnet._reference import digest as digest_of
from refnet.audit.finding import Differs, Skipped, Step
from refnet.audit.rows import scan
from refnet.domain.network import ScoresPublished
from refnet.engine import snapshot_of
from refnet.errors import RefnetError
from refnet.ledger.ledger import Ledger
from refnet.ledger.space import MemorySpace
from refnet.log.batches import Extractor
from refnet.log.codec import Codec
from refnet.log.reader import Reader, Row
from refnet.scoring import ARRAYS, MODELS

_FACT: Any = ScoresPublished
_TOPIC: str = _FACT.NAME

REFERENCE = "reference"
KERNEL = "kernel"

_IMPOSSIBLE = (ValueError, KeyError, IndexError, TypeError, AssertionError, OverflowError)
"""What becomes of facts that no network can have, once somebody scores them."""

Arrays = dict[str, list[float]]


Basis = tuple[int, int, str]
"""Position, day and model: what scores are made of."""


@dataclass(frozen=True, slots=True)
class Claim:
    """Scores that a fact states."""

    index: int
    position: int
    day: int
    model: str
    digest: str

    @property
    def basis(self) -> Basis:
        """What they were made of."""
        return self.position, self.day, self.model


class PublishedScores(Step):
    """Every `ScoresPublished`: that the scores of its position, day and model have its digest."""

    name = "scores"
    needs_sound_rows = True

    def __init__(
        self, reader: Reader, codec: Codec, extractor: Extractor, makers: Sequence[str]
    ) -> None:
        """makers: of REFERENCE and KERNEL, who computes; with both, they must agree too."""
        self._reader = reader
        self._codec = codec
        self._extractor = extractor
        self._makers = [each for each in (REFERENCE, KERNEL) if each in makers]
        self._claims: list[Claim] = []
        self._members: list[UUID] = []
        self.count = 0

    def begin(self) -> None:
        """See `Step.begin`."""
        if not self._makers:
            raise Skipped("nobody was asked to compute them")

    def take(self, rows: Sequence[Row]) -> int:
        """See `Step.take`."""
        for row in rows:
            if row[3] == _TOPIC:
                self._note(row)
        return len(rows)

    def finish(self) -> None:
        """See `Step.finish`."""
        if not self._claims:
            raise Skipped("the log publishes none")
        made = {name: self._compute(name) for name in self._makers}
        for claim in self._claims:
            if len(made) > 1:
                slow, fast = (results[claim.basis] for results in made.values())
                _agree(claim, self._members, slow, fast)
            for name, results in made.items():
                _check(claim, name, results[claim.basis])
            self.count += 1

    def _note(self, row: Row) -> None:
        position, originator, version, topic, state, *_ = row
        fact, _ = self._codec.decode(position, UUID(originator), version, topic, state)
        claim = Claim(position - 1, fact.position, fact.day, fact.model, fact.digest)
        if not 1 <= claim.position < position or claim.model not in MODELS:
            raise Differs(
                "scores",
                f"the fact at position {position} publishes scores of position {claim.position} "
                f"and model {claim.model}; a position before its own is needed, and a model of "
                f"{', '.join(MODELS)}",
                index=claim.index,
            )
        self._claims.append(claim)

    def _compute(self, maker: str) -> dict[Basis, Arrays]:
        wanted = sorted({claim.basis for claim in self._claims})
        try:
            return self._by_kernel(wanted) if maker == KERNEL else self._by_reference(wanted)
        except (RefnetError, *_IMPOSSIBLE) as error:
            raise Differs(
                "scores",
                f"the {maker} cannot score these facts, which no network can have: {error}",
            ) from error

    def _by_reference(self, wanted: Sequence[Basis]) -> dict[Basis, Arrays]:
        facts = list(self._reader.facts(0, wanted[-1][0]))
        return {each: second_opinion.scores_of(facts, *each) for each in wanted}

    def _by_kernel(self, wanted: Sequence[Basis]) -> dict[Basis, Arrays]:
        space = MemorySpace()
        space.reserve(wanted[-1][0])  # growing would hold everything twice
        ledger = Ledger(space)
        for rows in scan(self._reader, wanted[-1][0]):
            ledger.append(self._extractor.batch(rows))
        self._members = ledger.fold.members
        found = {}
        for position, day, model in wanted:
            arrays = snapshot_of(ledger, position, day, model=model).scores.arrays
            found[position, day, model] = {name: arrays[name].tolist() for name in ARRAYS}
        return found


def _check(claim: Claim, maker: str, arrays: Arrays) -> None:
    digest = digest_of(arrays)
    if digest != claim.digest:
        raise Differs(
            "scores",
            f"the fact at position {claim.index + 1} publishes scores of position "
            f"{claim.position}, day {claim.day} and model {claim.model} with the digest "
            f"{claim.digest}, but the {maker} computes {digest}; ask the operator for the scores "
            "that were meant",
            index=claim.index,
            facts={"published": claim.digest, "computed": digest, "maker": maker},
        )


def _agree(claim: Claim, members: Sequence[UUID], slow: Arrays, fast: Arrays) -> None:
    """Raises Differs, naming the first member and number, unless both made the same bits."""
    found = disagreement(slow, fast)
    if found is None:
        return
    number, name = found
    one, other, member = slow[name][number], fast[name][number], members[number]
    raise Differs(
        "members",
        f"reference and kernel differ at position {claim.position} and day {claim.day}: {name} of "
        f"member {member} is {one!r} by the one and {other!r} by the other; this refnet is not to "
        "be trusted with scores until refnet golden check agrees",
        index=claim.index,
        facts={"member": str(member), "array": name},
    )


def disagreement(slow: Arrays, fast: Arrays) -> tuple[int, str] | None:
    """The first member, by number, and array in which two opinions have other bits."""
    for number in range(len(slow["score"])):
        for name, values in slow.items():
            if struct.pack("<d", values[number]) != struct.pack("<d", fast[name][number]):
                return number, name
    return None
