"""ScoreService: reading reputation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from refnet import v1
from refnet.app import App
from refnet.consistency import Freshness
from refnet.errors import InvalidRequest, NotFound, RefnetError, SelfDealing
from refnet.ranking import listed
from refnet.rpc.errors import status_of
from refnet.rpc.freshness import freshness_of, patience
from refnet.rpc.handlers import Behaviour
from refnet.rpc.interceptor import POSITION
from refnet.rpc.naming import check_known, parse
from refnet.rpc.paging import Page, Pages, page_size
from refnet.rpc.positions import Positions
from refnet.rpc.score_table import ScoreTable
from refnet.standings import Snapshot

_TABLES_KEPT = 4


class ScoreReads:
    """The unary methods of ScoreService."""

    def __init__(self, app: App, positions: Positions, pages: Pages) -> None:
        self._app = app
        self._positions = positions
        self._pages = pages
        self._tables: list[ScoreTable] = []
        self._numbers: dict[str, int] = {}

    def behaviours(self) -> Mapping[str, Behaviour]:
        """Methods by name."""
        return {
            "GetScore": self._get,
            "BatchGetScores": self._batch,
            "ListScores": self._list,
            "GetReciprocity": self._reciprocity,
        }

    def table(self, snapshot: Snapshot) -> ScoreTable:
        """The snapshot, ready to be sent; the last few are kept."""
        for table in self._tables:
            if table.snapshot is snapshot:
                return table
        table = ScoreTable(snapshot, self._positions)
        self._tables = [table, *self._tables[: _TABLES_KEPT - 1]]
        # Numbers are given once and for ever, so the book of names only grows.
        for number in range(len(self._numbers), len(snapshot.members)):
            self._numbers[f"members/{snapshot.members[number]}"] = number
        return table

    def number(self, table: ScoreTable, member: str, *, field: str) -> int:
        """The member's number. Raises NotFound if there is none at the table's position."""
        number = self._numbers.get(member)
        if number is not None and number < table.snapshot.scores.n:
            return number
        raise _unscored(parse("members", member, field=field), field)

    def chapter(self, table: ScoreTable, name: str) -> int:
        """The number of the chapter that a request's field `chapter` names. Raises NotFound."""
        chapter = parse("chapters", name, field="chapter")
        check_known(self._app.resident("chapter"), "chapter", chapter, field="chapter")
        return table.snapshot.ledger.fold.chapter_number(chapter)

    async def read(self, request: Any, context: Any) -> ScoreTable:
        """The scores that a request's `consistency` asks for."""
        latest = None if request.HasField("consistency") else self._app.latest()
        if latest is None:
            wanted = freshness_of(request.consistency, self._positions)
            latest = await self._app.scores(wanted, patience(context))
        POSITION.set(latest.position)
        return self.table(latest)

    async def page(self, request: Any, context: Any) -> tuple[Page, ScoreTable]:
        """The page of a listing that a request asks for, and the scores that all its pages show.

        Raises InvalidPageToken.
        """
        page = self._pages.read(request, self._app.position)
        if page is None:
            table = await self.read(request, context)
            page = Page(table.snapshot.position, 0, table.snapshot.day)
        else:
            pinned = Freshness(exactly=page.pin, day=page.day)
            table = self.table(await self._app.scores(pinned, patience(context)))
        POSITION.set(page.pin)
        return page, table

    async def _get(self, request: v1.GetScoreRequest, context: Any) -> v1.GetScoreResponse:
        table = await self.read(request, context)
        number = self.number(table, request.member, field="member")
        return v1.GetScoreResponse(score=table.score(number), computed_at=table.basis)

    async def _batch(self, request: v1.BatchGetScoresRequest, context: Any) -> bytes:
        if bool(request.members) == bool(request.numbers):
            raise InvalidRequest(
                "name members or give numbers, one of both and at least one item", field="members"
            )
        table = await self.read(request, context)
        if request.members:
            found = list(map(self._numbers.get, request.members))
            numbers = np.array([-1 if each is None else each for each in found], np.intp)
        else:
            numbers = np.array(request.numbers, np.intp)
        absent = (numbers < 0) | (numbers >= table.snapshot.scores.n)
        missing = []
        if absent.any():
            missing = [_missing(request, int(index)) for index in np.flatnonzero(absent)]
            numbers = np.where(absent, 0, numbers)
        return table.response(numbers, missing)

    async def _list(self, request: v1.ListScoresRequest, context: Any) -> v1.ListScoresResponse:
        page, table = await self.page(request, context)
        found = self._listed(request, table)
        end = page.cursor + page_size(request.page_size)
        shown = found[page.cursor : end].tolist()
        more = end < len(found)
        token = self._pages.token(request, Page(page.pin, end, page.day)) if more else ""
        return v1.ListScoresResponse(
            scores=[table.score(number) for number in shown],
            next_page_token=token,
            computed_at=table.basis,
        )

    def _listed(self, request: v1.ListScoresRequest, table: ScoreTable) -> NDArray[np.intp]:
        """Numbers by rank, of those whom the request's filters keep."""
        names = table.snapshot.ledger.fold
        chapter = classification = None
        if request.HasField("chapter"):
            chapter = self.chapter(table, request.chapter)
        if request.HasField("classification"):
            classification = names.classification_number(request.classification)
        return listed(table.snapshot, chapter, classification)

    async def _reciprocity(
        self, request: v1.GetReciprocityRequest, context: Any
    ) -> v1.GetReciprocityResponse:
        if request.member == request.partner:
            raise SelfDealing(
                "member and partner are the same; name two members",
                field="partner",
                member=request.member,
            )
        table = await self.read(request, context)
        one = self.number(table, request.member, field="member")
        other = self.number(table, request.partner, field="partner")
        give, take, balance = table.snapshot.reciprocity(one, other)
        pair = v1.Reciprocity(
            member=request.member, partner=request.partner, give=give, take=take, balance=balance
        )
        return v1.GetReciprocityResponse(reciprocity=pair, computed_at=table.basis)


def everyone(table: ScoreTable) -> NDArray[np.intp]:
    """All numbers of a table."""
    return np.arange(table.snapshot.scores.n)


def _missing(request: v1.BatchGetScoresRequest, index: int) -> v1.MissingScore:
    error: RefnetError
    if request.numbers:
        number = request.numbers[index]
        error = NotFound(
            f"no member has the number {number} at this position; ask for a later one",
            field=f"numbers[{index}]",
            noun="member",
            number=number,
        )
        return v1.MissingScore(index=index, error=status_of(error))
    member, field = request.members[index], f"members[{index}]"
    try:
        error = _unscored(parse("members", member, field=field), field)
    except InvalidRequest as refusal:
        error = refusal
    return v1.MissingScore(index=index, member=member, error=status_of(error))


def _unscored(member: UUID, field: str) -> NotFound:
    return NotFound(
        f"member {member} was never inducted at this position; check {field}, induct the member, "
        "or ask at_least_as_fresh as the induction",
        field=field,
        noun="member",
        id=member,
    )
