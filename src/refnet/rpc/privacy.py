"""PrivacyService: what is kept about a person, and who was shown it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from itertools import islice
from typing import Any
from uuid import UUID

from refnet import v1
from refnet.app import App
from refnet.domain.values import Sealed
from refnet.privacy.export import AboutPerson, about_person, leaf_of, parts
from refnet.privacy.reads import ReadOf, reads_in
from refnet.rpc.convert import timestamp_of
from refnet.rpc.freshness import patience
from refnet.rpc.handlers import Behaviour
from refnet.rpc.interceptor import POSITION
from refnet.rpc.log import LogReads
from refnet.rpc.naming import check_known, name_of, parse
from refnet.rpc.paging import Page, Pages, page_size
from refnet.rpc.positions import Positions
from refnet.rpc.resources import personal_text
from refnet.rpc.streams import Streams
from refnet.tlog.published import Published

_PEOPLE = {"members": "member", "contacts": "contact"}


class PrivacyReads:
    """All methods of PrivacyService."""

    def __init__(
        self, app: App, log: LogReads, positions: Positions, pages: Pages, streams: Streams
    ) -> None:
        self._app = app
        self._log = log
        self._positions = positions
        self._pages = pages
        self._streams = streams
        self._plurals = {noun.name: noun.plural for noun in app.nouns if noun.resident}

    def behaviours(self) -> Mapping[str, Behaviour]:
        """Methods by name."""
        return {"ExportPerson": self._export, "ListReads": self._list}

    async def _export(self, request: v1.ExportPersonRequest, context: Any) -> None:
        person = self._person(request.person)
        end = self._app.position
        POSITION.set(end)
        for after, upto in parts(end):
            about = partial(about_person, person=person, after=after, upto=upto)
            facts = await self._app.ask(about)
            leaves = await self._app.published(partial(_leaves, facts), 0, patience(context))
            for found, leaf in zip(facts, leaves, strict=True):
                if any(isinstance(text, str) for text in found.personal.values()):
                    self._app.shown((person,))
                await self._streams.send(context, self._about(found, leaf))

    def _about(self, found: AboutPerson, leaf: Mapping[str, Any]) -> v1.ExportPersonResponse:
        return v1.ExportPersonResponse(
            fact=self._log.fact(found.row),
            personal={
                field: personal_text(text)
                for field, text in found.personal.items()
                if not isinstance(text, Sealed)  # a server has the keys
            },
            **leaf,
        )

    async def _list(self, request: v1.ListReadsRequest, context: Any) -> v1.ListReadsResponse:
        page = self._pages.read(request, self._app.position) or Page(self._app.position, 0)
        person = self._person(request.person) if request.HasField("person") else None
        size = page_size(request.page_size)
        found = await self._app.ask(
            lambda reader, _: list(
                islice(reads_in(reader, page.cursor, page.pin, person), size + 1)
            )
        )
        more, found = len(found) > size, found[:size]
        POSITION.set(page.pin)
        token = self._pages.token(request, Page(page.pin, found[-1].position)) if more else ""
        return v1.ListReadsResponse(
            reads=[self._read(each) for each in found],
            next_page_token=token,
            computed_at=self._positions.message(page.pin),
        )

    def _read(self, found: ReadOf) -> v1.PersonalDataRead:
        return v1.PersonalDataRead(
            person=self._name(found.subject),
            reader=found.reader,
            day=found.day,
            recorded_at=self._positions.message(found.position),
            record_time=timestamp_of(found.record_time),
        )

    def _name(self, subject: UUID) -> str:
        """The resource name of whoever it is; text may also belong to a chapter."""
        for noun, plural in self._plurals.items():
            if subject in self._app.resident(noun):
                return name_of(plural, subject)
        return str(subject)

    def _person(self, name: str) -> UUID:
        """Who is meant. Raises InvalidRequest or NotFound."""
        plural = name.partition("/")[0]
        person = parse(plural, name, field="person")
        noun = _PEOPLE[plural]
        check_known(self._app.resident(noun), noun, person, field="person")
        return person


def _leaves(facts: Sequence[AboutPerson], published: Published) -> list[dict[str, object]]:
    return [leaf_of(found.row, published) for found in facts]
