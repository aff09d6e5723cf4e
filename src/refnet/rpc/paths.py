"""PathService: who knows whom, and who can introduce whom."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from refnet import paths, v1
from refnet.app import App
from refnet.domain.membership import MemberStatus
from refnet.errors import NotFound, SelfDealing
from refnet.rpc.freshness import patience
from refnet.rpc.handlers import Behaviour
from refnet.rpc.naming import parse
from refnet.rpc.positions import Positions
from refnet.rpc.score_table import ScoreTable
from refnet.rpc.scores import ScoreReads

FACTS_MAX = 1000
_COUNT = 3


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
        found = await self._app.study(
            table.snapshot,
            patience(context),
            lambda snapshot: paths.best_paths(
                snapshot,
                asker,
                [number for number in self._wanted(table, request) if number != asker],
                count=request.count or _COUNT,
                hops=request.max_links or paths.HOPS_MAX,
            ),
        )
        return v1.FindPathsResponse(
            paths=[
                v1.Path(
                    members=[_name(table, number) for number in path.members],
                    product=path.product,
                    links=[_message(table, link) for link in path.links],
                )
                for path in found
            ],
            computed_at=table.basis,
        )

    def _wanted(self, table: ScoreTable, request: v1.FindPathsRequest) -> list[int]:
        """The numbers of those who end a path."""
        match request.WhichOneof("to"):
            case "member":
                return [self._scores.number(table, request.member, field="member")]
            case "contact":
                contact = parse("contacts", request.contact, field="contact")
                members = self._acquainted(contact)
            case _:
                members = self._seated(request)
        states = self._app.resident("member")
        active = [each for each in members if states[each].status is MemberStatus.ACTIVE]
        numbers = (self._scores.find(table, f"members/{member}") for member in active)
        return [number for number in numbers if number is not None]

    def _acquainted(self, contact: UUID) -> list[UUID]:
        """Who registered a contact, or one of those merged into it or it was merged into."""
        states = self._app.resident("contact")
        _check_known(states, "contact", contact, "contact")
        while states[contact].merged_into is not None:
            contact = states[contact].merged_into
        same = (contact, *self._app.index("merged").get(contact, ()))
        known = {states[each].registered_by for each in same} - {None}
        return sorted(known)

    def _seated(self, request: v1.FindPathsRequest) -> list[UUID]:
        """Active members with a seat for a classification, whatever its letters' case."""
        chapter: UUID | None = None
        if request.HasField("chapter"):
            chapter = parse("chapters", request.chapter, field="chapter")
            _check_known(self._app.resident("chapter"), "chapter", chapter, "chapter")
        wanted = request.classification.casefold()
        states = tuple(self._app.resident("member").items())  # others come while we look
        return [
            stream
            for stream, member in states
            if member.classification.casefold() == wanted
            and (chapter is None or member.chapter == chapter)
        ]


def _check_known(states: Mapping[UUID, Any], noun: str, stream: UUID, field: str) -> None:
    if stream not in states:
        raise NotFound(f"no {noun} {stream}; check {field}", field=field, noun=noun, id=stream)


def _refuse_self(one: str, two: str, field: str) -> None:
    if one == two:
        raise SelfDealing(
            f"nobody is introduced to themselves; name two members, {field} is the first one again",
            field=field,
            member=one,
        )


def _name(table: ScoreTable, number: int) -> str:
    return f"members/{table.snapshot.members[number]}"


def _message(table: ScoreTable, link: paths.Link) -> v1.Trust:
    return v1.Trust(
        member=_name(table, link.giver),
        partner=_name(table, link.receiver),
        trust=link.trust,
        weight=link.weight,
        distrusted=link.distrusted,
        praise=link.praise,
        blame=link.blame,
        given=link.given,
        taken=link.taken,
        met=link.met,
    )
