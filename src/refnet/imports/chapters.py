"""The chapters and meetings a file of slips names."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from refnet.domain.chapter import ChapterStatus, CharterChapter
from refnet.domain.decisions import Request
from refnet.domain.meeting import HoldMeeting
from refnet.domain.values import ChapterId, MeetingId
from refnet.engine import Engine
from refnet.errors import ChapterNotOpen, InvalidRequest, NotFound
from refnet.imports.network import Home
from refnet.imports.people import Plan
from refnet.imports.request_ids import RequestIds


class Chapters:
    """Knows chapters by name and meetings by chapter and date, planned ones included."""

    def __init__(self, engine: Engine, ids: RequestIds, home: Home, *, charter: bool) -> None:
        """charter: whether a chapter that does not exist is to be chartered."""
        self._engine = engine
        self._ids = ids
        self._home = home
        self._charter = charter
        self._named: dict[str, ChapterId] = {}
        self._meetings: dict[tuple[ChapterId, dt.date], MeetingId] = {}

    def check(self, name: str | None, column: str) -> None:
        """Raises the refusal that `get` would, without planning anything."""
        if name is None:
            self._only(column)
        elif self._find(name, column) is None and not self._charter:
            raise NotFound(
                f"{column} is not the name of a chapter; correct it, or let --enrol charter it",
                field=column,
            )

    def get(self, name: str | None, column: str, plan: Plan) -> ChapterId:
        """The chapter of that name; without one, the network's only chapter. Call `check` first."""
        if name is None:
            return self._only(column)
        found = self._find(name, column)
        if found is not None:
            return found
        request = Request(
            command=CharterChapter(
                name=name,
                city="",
                country="",
                time_zone="UTC",
                currency=self._home.reference_currency,
                seats=False,
            ),
            request_id=self._ids.of("chapter", name.casefold()),
            new_id=self._engine.new_id("chapter"),
            occur_time=self._home.chartered_time,
        )
        plan.requests.append(request)
        plan.opened.append(name.casefold())
        self._named[name.casefold()] = ChapterId(request.new_id)
        return ChapterId(request.new_id)

    def meeting(self, chapter: ChapterId, date: dt.date, plan: Plan) -> MeetingId:
        """The chapter's meeting on that date; if there is none, the plan records it."""
        known = self._meetings.get((chapter, date))
        if known is not None:
            return known
        request_id = self._ids.of("meeting", chapter, date)
        stream = self._engine.answered(request_id)
        if stream is None:
            stream = self._engine.new_id("meeting")
            held = HoldMeeting(chapter=chapter, date=date)
            plan.requests.append(
                Request(command=held, request_id=request_id, new_id=stream, occur_time=plan.time)
            )
            plan.opened.append((chapter, date))
        self._meetings[chapter, date] = MeetingId(stream)
        return MeetingId(stream)

    def forget(self, keys: Sequence[object]) -> None:
        """What was to be opened was refused, or may have been: look again next time."""
        for key in keys:
            self._named.pop(key, None)  # type: ignore[call-overload]
            self._meetings.pop(key, None)  # type: ignore[call-overload]

    def _find(self, name: str, column: str) -> ChapterId | None:
        known = self._named.get(name.casefold())
        if known is not None:
            return known
        found = [
            chapter
            for chapter in self._engine.state.resident("chapter").values()
            if chapter.name.casefold() == name.casefold()
        ]
        if not found:
            return None
        if len(found) > 1:
            raise InvalidRequest(
                f"{column} names {len(found)} chapters; give them different names", field=column
            )
        if found[0].status is not ChapterStatus.OPEN:
            raise ChapterNotOpen(
                f"{column} names a chapter that is {found[0].status}; name an open one",
                field=column,
                chapter=found[0].id,
            )
        self._named[name.casefold()] = found[0].id
        return ChapterId(found[0].id)

    def _only(self, column: str) -> ChapterId:
        chapters = {*self._engine.state.resident("chapter"), *self._named.values()}
        if len(chapters) != 1:
            raise InvalidRequest(
                f"{column} is empty, and the network has {len(chapters)} chapters; name one",
                field=column,
            )
        return ChapterId(chapters.pop())
