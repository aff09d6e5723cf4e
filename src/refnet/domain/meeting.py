"""Meetings of a chapter: attendance, visitors, presentations and the report."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from refnet.domain import membership as rules
from refnet.domain.chapter import get_open_at
from refnet.domain.contact import get_current, merged_into
from refnet.domain.decisions import FUTURE_SKEW, Context, Noun, World, command, get
from refnet.domain.facts import Columns, Effect, Recorded, fact, pseudonym, public
from refnet.domain.values import (
    MICROS_PER_SECOND,
    ChapterId,
    ContactId,
    MeetingId,
    MemberId,
)
from refnet.errors import (
    InvalidRequest,
    MemberNotActive,
    OccurTimeBeforeCharter,
    ReportApproved,
    SubstituteIsMember,
    TooManyVisits,
    WrongState,
)


class MeetingKind(StrEnum):
    """How a meeting was held, or why not."""

    REGULAR = "regular"
    ONLINE = "online"
    HOLIDAY = "holiday"
    CANCELLED = "cancelled"


class Mark(StrEnum):
    """Present, absent, late, medical leave, substitute."""

    PRESENT = "P"
    ABSENT = "A"
    LATE = "L"
    MEDICAL = "M"
    SUBSTITUTE = "S"


MARKS = "PALMS"
"""The ledger keeps a mark as its index in this word."""


class ReportStatus(StrEnum):
    """How far the meeting's report has come."""

    OPEN = "open"
    SUBMITTED = "submitted"
    APPROVED = "approved"


@fact("refnet.meeting-held.v1", Columns(50, chapter="chapter", day="date"))
class MeetingHeld:
    """A chapter's meeting; date is the chapter's day."""

    chapter: ChapterId = public()
    date: dt.date = public()
    kind: MeetingKind = public()


_MARKED = Columns(
    51,
    Effect.ATTENDANCE,
    giver="member",
    chapter="chapter",
    day="date",
    value="mark",
    codes={mark.value: MARKS.index(mark) for mark in Mark},
)


@fact("refnet.attendance-marked.v1", _MARKED)
class AttendanceMarked:
    """One member's attendance."""

    member: MemberId = pseudonym()
    chapter: ChapterId = public()
    date: dt.date = public()
    mark: Mark = public()
    substitute_member: MemberId | None = pseudonym()
    substitute_contact: ContactId | None = pseudonym()


@fact(
    "refnet.attendance-corrected.v1",
    replace(_MARKED, kind=52, effect=Effect.ATTENDANCE_CORRECTED, reference="corrects"),
)
class AttendanceCorrected:
    """A mark in place of the one at position `corrects`; 0 if the member had none."""

    member: MemberId = pseudonym()
    chapter: ChapterId = public()
    date: dt.date = public()
    mark: Mark = public()
    corrects: int = public()
    substitute_member: MemberId | None = pseudonym()
    substitute_contact: ContactId | None = pseudonym()


@fact("refnet.presented.v1", Columns(53, giver="member", chapter="chapter", day="date"))
class Presented:
    """The member gave the meeting's feature presentation."""

    member: MemberId = pseudonym()
    chapter: ChapterId = public()
    date: dt.date = public()


@fact(
    "refnet.visitor-came.v1",
    Columns(54, giver="invited_by", chapter="chapter", day="date", contact="visitor"),
)
class VisitorCame:
    """A contact visited the meeting."""

    visitor: ContactId = pseudonym()
    invited_by: MemberId | None = pseudonym()
    chapter: ChapterId = public()
    date: dt.date = public()


@fact("refnet.report-submitted.v1", Columns(55, chapter="chapter", day="date"))
class ReportSubmitted:
    """The meeting's report is complete."""

    chapter: ChapterId = public()
    date: dt.date = public()


@fact(
    "refnet.report-approved.v1",
    Columns(56, giver="approved_by", chapter="chapter", day="date"),
    needs=("refnet.report-submitted.v1",),
)
class ReportApprovedFact:
    """An officer approved the report; from now on changes are corrections."""

    approved_by: MemberId = pseudonym()
    chapter: ChapterId = public()
    date: dt.date = public()


@command()
class HoldMeeting:
    """Record a meeting of a chapter on a date of the chapter's calendar."""

    chapter: ChapterId
    date: dt.date
    kind: MeetingKind = MeetingKind.REGULAR


@dataclass(frozen=True, slots=True, kw_only=True)
class Attendance:
    """One member's mark within a command."""

    member: MemberId
    mark: Mark
    substitute_member: MemberId | None = None
    substitute_contact: ContactId | None = None


@command(target="meeting")
class MarkAttendance:
    """Mark members who have no mark yet."""

    meeting: MeetingId
    attendances: tuple[Attendance, ...]


@command(target="meeting")
class CorrectAttendance:
    """Put another mark in place of a member's present one, also after approval."""

    meeting: MeetingId
    member: MemberId
    mark: Mark
    substitute_member: MemberId | None = None
    substitute_contact: ContactId | None = None


@command(target="meeting")
class RecordPresentation:
    """Record who presented."""

    meeting: MeetingId
    member: MemberId


@command(target="meeting")
class RecordVisitor:
    """Record a visitor."""

    meeting: MeetingId
    visitor: ContactId
    invited_by: MemberId | None = None


@command(target="meeting")
class SubmitReport:
    """Declare the meeting's report complete."""

    meeting: MeetingId


@command(target="meeting")
class ApproveReport:
    """Approve the report; the acting member must be an officer of the chapter."""

    meeting: MeetingId


@dataclass(frozen=True, slots=True)
class Marked:
    """A member's present mark and the position of the fact that set it."""

    mark: Mark
    position: int


@dataclass(frozen=True, slots=True)
class Meeting:
    """State of a meeting."""

    id: MeetingId
    chapter: ChapterId
    date: dt.date
    kind: MeetingKind
    report: ReportStatus
    position: int
    marks: dict[MemberId, Marked] = field(default_factory=dict)
    visitors: frozenset[ContactId] = frozenset()
    presenters: frozenset[MemberId] = frozenset()


def _hold(asked: HoldMeeting, ctx: Context, state: None, world: World) -> list[Any]:
    _check_date(asked, ctx, world)
    if world.index("days_met").get(asked.chapter, 0) >> _day_number(asked.date) & 1:
        raise WrongState(
            f"chapter {asked.chapter} already met on {asked.date}; mark attendance at that meeting",
            field="date",
            chapter=asked.chapter,
            date=asked.date,
        )
    return [MeetingHeld(chapter=asked.chapter, date=asked.date, kind=asked.kind)]


def _check_date(asked: HoldMeeting, ctx: Context, world: World) -> None:
    """The date counts for attendance in place of occur_time, so it keeps the same bounds."""
    chapter = get(world, "chapter", asked.chapter, field="chapter")
    in_range = 0 <= _day_number(asked.date) < _day_number(dt.date.max)
    start, end = _span(chapter.time_zone, asked.date) if in_range else (0, 0)
    if not in_range or start > ctx.now + FUTURE_SKEW:
        raise InvalidRequest(
            f"date {asked.date} lies before 1970 or has not begun in {chapter.time_zone}; "
            "record a meeting once it was held",
            field="date",
            date=asked.date,
            time_zone=chapter.time_zone,
        )
    get_open_at(world, asked.chapter, start, field="chapter")
    chartered = world.index("network")["chartered"]
    if end <= chartered:
        raise OccurTimeBeforeCharter(
            f"date {asked.date} lies before the network's charter {chartered}; "
            "give a later date, or charter the network with an earlier occur_time",
            field="date",
            date=asked.date,
            chartered=chartered,
        )


def _day_number(date: dt.date) -> int:
    return date.toordinal() - dt.date(1970, 1, 1).toordinal()


@lru_cache(maxsize=4096)
def _span(time_zone: str, date: dt.date) -> tuple[int, int]:
    """From the first moment of a date in a time zone to that of the next, microseconds."""
    zone = ZoneInfo(time_zone)
    first, second = (
        dt.datetime(day.year, day.month, day.day, tzinfo=zone)
        for day in (date, date + dt.timedelta(1))
    )
    return int(first.timestamp()) * MICROS_PER_SECOND, int(second.timestamp()) * MICROS_PER_SECOND


def _check_open(state: Meeting) -> None:
    if state.report is ReportStatus.APPROVED:
        raise ReportApproved(
            f"the report of meeting {state.id} is approved; use a correction instead",
            field="meeting",
            meeting=state.id,
        )
    _check_held(state)


_NOT_HELD = (MeetingKind.HOLIDAY, MeetingKind.CANCELLED)


def _check_held(state: Meeting) -> None:
    if state.kind in _NOT_HELD:
        raise WrongState(
            f"meeting {state.id} was not held ({state.kind}); record one that was",
            field="meeting",
            meeting=state.id,
            state=state.kind,
        )


def _check_mark(
    asked: Attendance | CorrectAttendance, state: Meeting, world: World, field: str
) -> None:
    member = get_attending(world, asked.member, state, field=f"{field}member")
    if state.chapter not in member.chapters_between(*_day(world, state)):
        raise WrongState(
            f"member {member.id} did not belong to chapter {state.chapter} on {state.date}; "
            "mark members of the chapter that met",
            field=f"{field}member",
            member=member.id,
            chapter=state.chapter,
        )
    named = [each for each in (asked.substitute_member, asked.substitute_contact) if each]
    if named and asked.mark is not Mark.SUBSTITUTE:
        raise InvalidRequest(
            f"mark {asked.mark} has no substitute; use S, or leave the substitute out",
            field=f"{field}mark",
            value=asked.mark,
        )
    if len(named) > 1:
        raise InvalidRequest(
            "a substitute is a member or a contact, not both; name one of them",
            field=f"{field}substitute_contact",
        )
    if asked.substitute_contact is not None:
        get_current(world, asked.substitute_contact, field=f"{field}substitute_contact")
    if asked.substitute_member is not None:
        where = f"{field}substitute_member"
        substitute = get_attending(world, asked.substitute_member, state, field=where)
        if {*substitute.chapters_between(*_day(world, state))} == {state.chapter}:
            raise SubstituteIsMember(
                f"substitute {substitute.id} is a member of the same chapter {state.chapter}; "
                "name somebody from outside it",
                field=where,
                member=substitute.id,
                chapter=state.chapter,
            )
        rules.check_two(member.id, substitute.id, field=where, act="substitute for")


def _day(world: World, meeting: Meeting) -> tuple[int, int]:
    """From when to when it was the meeting's date where the chapter is, microseconds."""
    chapter = get(world, "chapter", meeting.chapter, field="meeting")
    return _span(chapter.time_zone, meeting.date)


def get_attending(world: World, member: MemberId, meeting: Meeting, *, field: str) -> rules.Member:
    """The member, if active on the meeting's day. Raises NotFound or MemberNotActive."""
    found: rules.Member = get(world, "member", member, field=field)
    if not found.active_between(*_day(world, meeting)):
        raise MemberNotActive(
            f"{field} {member} was not active on {meeting.date} (now {found.status}); "
            "mark only those who were",
            field=field,
            member=member,
            status=found.status,
            date=meeting.date,
        )
    return found


def _mark(asked: MarkAttendance, ctx: Context, state: Meeting, world: World) -> list[Any]:
    _check_open(state)
    if not asked.attendances:
        raise InvalidRequest("nobody is marked; name at least one member", field="attendances")
    seen = set(state.marks)
    facts: list[Any] = []
    for at, each in enumerate(asked.attendances):
        _check_mark(each, state, world, f"attendances[{at}].")
        if each.member in seen:
            raise WrongState(
                f"member {each.member} is already marked at meeting {state.id}; "
                "correct the mark instead",
                field=f"attendances[{at}].member",
                meeting=state.id,
                member=each.member,
            )
        seen.add(each.member)
        facts.append(
            AttendanceMarked(
                member=each.member,
                chapter=state.chapter,
                date=state.date,
                mark=each.mark,
                substitute_member=each.substitute_member,
                substitute_contact=each.substitute_contact,
            )
        )
    return facts


def _correct(asked: CorrectAttendance, ctx: Context, state: Meeting, world: World) -> list[Any]:
    _check_held(state)
    _check_mark(asked, state, world, "")
    present = state.marks.get(asked.member)
    return [
        AttendanceCorrected(
            member=asked.member,
            chapter=state.chapter,
            date=state.date,
            mark=asked.mark,
            corrects=0 if present is None else present.position,
            substitute_member=asked.substitute_member,
            substitute_contact=asked.substitute_contact,
        )
    ]


def _present(asked: RecordPresentation, ctx: Context, state: Meeting, world: World) -> list[Any]:
    _check_open(state)
    get_attending(world, asked.member, state, field="member")
    if asked.member in state.presenters:
        raise WrongState(
            f"member {asked.member} is already recorded as presenting at meeting {state.id}; "
            "nothing is left to do",
            field="member",
            meeting=state.id,
            member=asked.member,
        )
    return [Presented(member=asked.member, chapter=state.chapter, date=state.date)]


def _visit(asked: RecordVisitor, ctx: Context, state: Meeting, world: World) -> list[Any]:
    _check_open(state)
    get_current(world, asked.visitor, field="visitor")
    if asked.invited_by is not None:
        get_attending(world, asked.invited_by, state, field="invited_by")
    same = merged_into(world, asked.visitor)
    if not state.visitors.isdisjoint(same):
        raise WrongState(
            f"visitor {asked.visitor} is already recorded at meeting {state.id}; "
            "nothing is left to do",
            field="visitor",
            meeting=state.id,
            visitor=asked.visitor,
        )
    counts = world.index("visits")
    visits = sum(counts.get((state.chapter, contact), 0) for contact in same)
    allowed = get(world, "chapter", state.chapter, field="meeting").visits_max
    if visits >= allowed:
        raise TooManyVisits(
            f"visitor {asked.visitor} came {visits} times to chapter {state.chapter}, which allows "
            f"{allowed}; invite them to apply, or change the chapter's policy",
            field="visitor",
            visitor=asked.visitor,
            chapter=state.chapter,
            visits=visits,
            allowed=allowed,
        )
    return [
        VisitorCame(
            visitor=asked.visitor,
            invited_by=asked.invited_by,
            chapter=state.chapter,
            date=state.date,
        )
    ]


def _submit(asked: SubmitReport, ctx: Context, state: Meeting, world: World) -> list[Any]:
    _require_report(state, ReportStatus.OPEN)
    return [ReportSubmitted(chapter=state.chapter, date=state.date)]


def _approve(asked: ApproveReport, ctx: Context, state: Meeting, world: World) -> list[Any]:
    officer = rules.check_officer(world, ctx, state.chapter)
    _require_report(state, ReportStatus.SUBMITTED)
    return [ReportApprovedFact(approved_by=officer, chapter=state.chapter, date=state.date)]


def _require_report(state: Meeting, needed: ReportStatus) -> None:
    if state.report is not needed:
        raise WrongState(
            f"the report of meeting {state.id} is {state.report}, and this needs {needed}; "
            "submit, then approve, once each",
            field="meeting",
            meeting=state.id,
            state=state.report,
            needed=needed,
        )


def _evolve(state: Meeting | None, happened: Any, recorded: Recorded) -> Meeting:
    if isinstance(happened, MeetingHeld):
        return Meeting(
            MeetingId(recorded.stream),
            happened.chapter,
            happened.date,
            happened.kind,
            ReportStatus.OPEN,
            recorded.position,
        )
    assert state is not None
    match happened:
        case AttendanceMarked() | AttendanceCorrected():
            marked = Marked(happened.mark, recorded.position)
            return replace(state, marks={**state.marks, happened.member: marked})
        case Presented():
            return replace(state, presenters=state.presenters | {happened.member})
        case VisitorCame():
            return replace(state, visitors=state.visitors | {happened.visitor})
        case ReportSubmitted():
            return replace(state, report=ReportStatus.SUBMITTED)
        case ReportApprovedFact():
            return replace(state, report=ReportStatus.APPROVED)
        case _:
            raise TypeError(f"meeting cannot hold {happened!r}")


def _index(tables: Any, old: Any, new: Meeting, happened: Any, recorded: Recorded) -> None:
    """Keeps two tables.

    `visits`: (chapter, visitor) -> how often they came.
    `days_met`: chapter -> the days it met, bit d for day d since 1970. One bit a day, because there
    are millions of meetings.
    """
    if isinstance(happened, VisitorCame):
        visits = tables["visits"]
        key = (happened.chapter, happened.visitor)
        visits[key] = visits.get(key, 0) + 1
    elif isinstance(happened, MeetingHeld) and happened.kind not in _NOT_HELD:
        days = tables["days_met"]
        met = days.get(happened.chapter, 0)
        days[happened.chapter] = met | 1 << _day_number(happened.date)


NOUN = Noun(
    name="meeting",
    plural="meetings",
    id_type=MeetingId,
    facts=(
        MeetingHeld,
        AttendanceMarked,
        AttendanceCorrected,
        Presented,
        VisitorCame,
        ReportSubmitted,
        ReportApprovedFact,
    ),
    commands={
        HoldMeeting: _hold,
        MarkAttendance: _mark,
        CorrectAttendance: _correct,
        RecordPresentation: _present,
        RecordVisitor: _visit,
        SubmitReport: _submit,
        ApproveReport: _approve,
    },
    evolve=_evolve,
    index=_index,
)
