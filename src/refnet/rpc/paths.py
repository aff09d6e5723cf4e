"""PathService: who knows whom, and who can introduce whom."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from refnet import paths, v1
from refnet.acquaintances import Acquaintance, Known, acquainted, seated
from refnet.app import App
from refnet.errors import SelfDealing
from refnet.rpc.freshness import patience
from refnet.rpc.handlers import Behaviour
from refnet.rpc.naming import parse
from refnet.rpc.positions import Positions
from refnet.rpc.score_table import ScoreTable
from refnet.rpc.scores import ScoreReads
from refnet.standings import Snapshot

FACTS_MAX = 1000
_COUNT = 3
_KINDS = {
    Known.REGISTERED: v1.CONTACT_EVIDENCE_KIND_REGISTERED,
    Known.INVITED: v1.CONTACT_EVIDENCE_KIND_INVITED,
    Known.PASSED_ON: v1.CONTACT_EVIDENCE_KIND_PASSED_ON,
    Known.WON: v1.CONTACT_EVIDENCE_KIND_WON,
    Known.PRAISED_BY: v1.CONTACT_EVIDENCE_KIND_PRAISED_BY,
}


class PathReads:
    """The methods of PathService."""

    def __init__(self, app: App, scores: ScoreReads, positions: Positions) -> None:
        self._app = app
        self._scores = scores
        self._positions = positions

    def behaviours(self) -> Mapping[str, Behaviour]:
        """Methods by name."""
        return {"GetTrust": self._trust, "FindPaths": self._find}

    async def _trust(self, request: v1.GetTrustRequest, context: Any) -> v1.GetTrustResponse:
        _refuse_self(request.member, request.partner, "partner")
        table = await self._scores.read(request, context)
        one = self._scores.number(table, request.member, field="member")
        two = self._scores.number(table, request.partner, field="partner")
        link, facts = await self._app.study(
            table.snapshot,
            patience(context),
            lambda snapshot: (
                paths.link(snapshot, one, two),
                paths.facts_between(snapshot, one, two),
            ),
        )
        newest = facts[::-1][:FACTS_MAX].tolist()
        return v1.GetTrustResponse(
            trust=_message(table, link),
            facts=[self._positions.message(position) for position in newest],
            fact_count=len(facts),
            computed_at=table.basis,
        )

    async def _find(self, request: v1.FindPathsRequest, context: Any) -> v1.FindPathsResponse:
        if request.WhichOneof("to") == "member":
            _refuse_self(request.asker, request.member, "member")
        table = await self._scores.read(request, context)
        asker = self._scores.number(table, request.asker, field="asker")

        def work(snapshot: Snapshot) -> tuple[list[paths.Path], dict[int, Acquaintance | None]]:
            wanted = self._wanted(table, request)
            ends = [number for number in wanted if number != asker]
            count, hops = request.count or _COUNT, request.max_links or paths.HOPS_MAX
            return paths.best_paths(snapshot, asker, ends, count=count, hops=hops), wanted

        found, wanted = await self._app.study(table.snapshot, patience(context), work)
        return v1.FindPathsResponse(
            paths=[
                v1.Path(
                    members=[table.name(number) for number in path.members],
                    product=path.product,
                    links=[_message(table, link) for link in path.links],
                    evidence=self._evidence(wanted[path.members[-1]]),
                )
                for path in found
            ],
            computed_at=table.basis,
        )

    def _wanted(
        self, table: ScoreTable, request: v1.FindPathsRequest
    ) -> dict[int, Acquaintance | None]:
        """Those who end a path by number, and how they know the contact, if one is asked for."""
        match request.WhichOneof("to"):
            case "member":
                return {self._scores.number(table, request.member, field="member"): None}
            case "contact":
                contact = parse("contacts", request.contact, field="contact")
                found = acquainted(table.snapshot, self._app.state, contact)
                return {each.member: each for each in found}
            case _:
                chapter = None
                if request.HasField("chapter"):
                    chapter = self._scores.chapter(table, request.chapter)
                return dict.fromkeys(seated(table.snapshot, request.classification, chapter))

    def _evidence(self, known: Acquaintance | None) -> list[v1.ContactEvidence]:
        return [
            v1.ContactEvidence(
                kind=_KINDS[how],
                fact=self._positions.message(facts[-1]),
                fact_count=len(facts),
            )
            for how, facts in (() if known is None else known.evidence)
        ]


def _refuse_self(one: str, two: str, field: str) -> None:
    if one == two:
        raise SelfDealing(
            f"nobody is introduced to themselves; name two members, {field} is the first one again",
            field=field,
            member=one,
        )


def _message(table: ScoreTable, link: paths.Link) -> v1.Trust:
    return v1.Trust(
        member=table.name(link.giver),
        partner=table.name(link.receiver),
        trust=link.trust,
        weight=link.weight,
        distrusted=link.distrusted,
        praise=link.praise,
        blame=link.blame,
        given=link.given,
        taken=link.taken,
        met=link.met,
    )
