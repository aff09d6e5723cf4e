"""The members a file names by ids of another system: found, or enrolled with their first row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from refnet.domain.decisions import ERASED, Request
from refnet.domain.member import EnrolMember
from refnet.domain.membership import Member
from refnet.domain.values import ChapterId, MemberId
from refnet.engine import Engine
from refnet.errors import MemberNotActive
from refnet.imports.request_ids import RequestIds

CLASSIFICATION = "member"
"""The classification of those enrolled from a file that tells none."""

_PREFIX = "members/"


@dataclass(slots=True)
class Plan:
    """The requests of one row as they are put together, and what they open."""

    time: int
    requests: list[Request] = field(default_factory=list)
    opened: list[object] = field(default_factory=list)


class People:
    """Knows who is who in one file. Remembers everybody: there are fewer people than rows."""

    def __init__(self, engine: Engine, ids: RequestIds, joined: int) -> None:
        """joined: the time from which enrolled members count as active, microseconds."""
        self._engine = engine
        self._ids = ids
        self._joined = joined
        self._known: dict[object, MemberId] = {}
        self._planned: dict[MemberId, ChapterId] = {}

    def find(self, name: str) -> MemberId | None:
        """The member with this external id (or name members/UUID), planned ones included."""
        known = self._known.get(name)
        if known is None:
            stream = self._stream(name)
            if stream is not None:
                known = self._known[name] = MemberId(stream)
        return known

    def check_active(self, name: str, column: str, time: int) -> None:
        """Raises MemberNotActive if the log knows the member, as inactive at that time.

        The engine would say so too, but only after others were enrolled for the same row.
        """
        found = self.find(name)
        member = None if found is None else self.state(found)
        if member is not None and not member.active_at(time):
            raise MemberNotActive(
                f"{column} was no active member at that time (now {member.status}); "
                "reinstate them, or correct the row",
                field=column,
                member=member.id,
                status=member.status,
            )

    def chapter(self, member: MemberId) -> ChapterId:
        """The chapter of a member that `find` or `find_or_enrol` told of."""
        state = self.state(member)
        return self._planned[member] if state is None else state.chapter

    def state(self, member: MemberId) -> Member | None:
        """The state of a member who is already in the log."""
        found: Member | None = self._engine.state.resident("member").get(member)
        return found

    def find_or_enrol(
        self, name: str, chapter: ChapterId, plan: Plan, called: str | None = None
    ) -> MemberId:
        """The member with this external id; if there is none, the plan enrols them.

        called: their name, if the file tells it.
        """
        known = self.find(name)
        if known is not None:
            return known
        request = Request(
            command=EnrolMember(
                chapter=chapter,
                classification=CLASSIFICATION,
                name=called,
                email=name if "@" in name else None,
                external_id=name,
            ),
            request_id=self._ids.of("member", name),
            new_id=self._engine.new_id("member"),
            occur_time=self._joined,
        )
        plan.requests.append(request)
        plan.opened.append(name)
        enrolled = MemberId(request.new_id)
        self._known[name] = enrolled
        self._planned[enrolled] = chapter
        return enrolled

    def forget(self, names: Sequence[object]) -> None:
        """Their enrolment was refused, or may have been: look again next time."""
        for name in names:
            self._known.pop(name, None)

    def _stream(self, name: str) -> UUID | None:
        if name.startswith(_PREFIX):
            return _uuid(name.removeprefix(_PREFIX), self._engine.state.resident("member"))
        return self._engine.lookup("external_id", name) or self._erased(name)

    def _erased(self, name: str) -> UUID | None:
        """Who was enrolled from a file and erased since: the file must not bring them back."""
        erased = self._engine.state.index(ERASED)
        stream = self._engine.answered(self._ids.of("member", name)) if erased else None
        return stream if stream in erased else None


def _uuid(text: str, known: Any) -> UUID | None:
    try:
        found = UUID(text)
    except ValueError:
        return None
    return found if found in known else None
