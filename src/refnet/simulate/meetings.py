"""The weekly meeting: attendance, a presentation, visitors, the report and its corrections."""

from __future__ import annotations

import datetime as dt

from refnet.domain.meeting import (
    ApproveReport,
    Attendance,
    CorrectAttendance,
    HoldMeeting,
    Mark,
    MarkAttendance,
    MeetingKind,
    RecordPresentation,
    RecordVisitor,
    SubmitReport,
)
from refnet.domain.values import ContactId, MeetingId
from refnet.simulate.careers import officer
from refnet.simulate.clock import DAY, HOUR, MINUTE, WEEK
from refnet.simulate.people import Home, Person
from refnet.simulate.scene import Scene, date_of, micros_of


def plan_meetings(scene: Scene) -> None:
    """Put this week's meetings on the agenda."""
    monday = date_of(scene.start + scene.week * WEEK)
    for home in scene.homes:
        date = monday + dt.timedelta(days=home.weekday)
        begins = micros_of(dt.datetime.combine(date, home.time, home.zone))
        scene.at(begins + 90 * MINUTE, _hold, home, date)


def _kind(scene: Scene, date: dt.date) -> MeetingKind:
    if (date.month, date.day) >= (12, 24) or (date.month, date.day) == (1, 1):
        return MeetingKind.HOLIDAY
    if scene.chance.happens(0.01):
        return MeetingKind.CANCELLED
    return MeetingKind.ONLINE if scene.chance.happens(0.08) else MeetingKind.REGULAR


def _hold(scene: Scene, home: Home, date: dt.date) -> None:
    kind = _kind(scene, date)
    command = HoldMeeting(chapter=home.id, date=date, kind=kind)
    meeting = MeetingId(scene.desk.open("meeting", command, occurred=scene.now - 90 * MINUTE))
    if kind in (MeetingKind.HOLIDAY, MeetingKind.CANCELLED):
        return
    present = home.active()
    if not present:
        return
    marks = tuple(_mark(scene, home, person) for person in present)
    scene.desk.ask(MarkAttendance(meeting=meeting, attendances=marks))
    came = [
        person
        for person, each in zip(present, marks, strict=True)
        if each.mark in (Mark.PRESENT, Mark.LATE)
    ]
    if came:
        speaker = scene.chance.pick(came)
        scene.desk.ask(RecordPresentation(meeting=meeting, member=speaker.id))
        _visitors(scene, home, meeting, came)
    scene.after(2 * HOUR, 10 * HOUR, _report, home, meeting)
    if scene.chance.happens(0.08):
        wrong = scene.chance.pick(present)
        scene.after(12 * HOUR, 9 * DAY, _correct, home, meeting, wrong)


def _mark(scene: Scene, home: Home, person: Person) -> Attendance:
    chance = scene.chance
    if chance.happens(person.attendance * (0.35 if person.fades(scene.week) else 1.0)):
        mark = Mark.LATE if chance.happens(0.05) else Mark.PRESENT
        return Attendance(member=person.id, mark=mark)
    mark = chance.weighted((Mark.ABSENT, Mark.SUBSTITUTE, Mark.MEDICAL), (0.55, 0.35, 0.1))
    if mark is not Mark.SUBSTITUTE:
        return Attendance(member=person.id, mark=mark)
    other = scene.anybody(person)
    if other is not None and other.home is not home:
        return Attendance(member=person.id, mark=mark, substitute_member=other.id)
    if chance.happens(0.5):
        friend, _ = scene.register(person)
        return Attendance(member=person.id, mark=mark, substitute_contact=friend)
    return Attendance(member=person.id, mark=mark)


def _visitors(scene: Scene, home: Home, meeting: MeetingId, came: list[Person]) -> None:
    again, home.returning = home.returning, []
    for visitor in again:
        scene.desk.ask(RecordVisitor(meeting=meeting, visitor=ContactId(visitor)))
    for _ in range(scene.chance.count(0.03 * len(came))):
        host = scene.chance.pick(came)
        guest, _ = scene.register(host)
        scene.desk.ask(RecordVisitor(meeting=meeting, visitor=guest, invited_by=host.id))
        if scene.chance.happens(0.25):
            home.returning.append(guest)


def _report(scene: Scene, home: Home, meeting: MeetingId) -> None:
    scene.desk.ask(SubmitReport(meeting=meeting))
    scene.after(6 * HOUR, 3 * DAY, _approve, home, meeting)


def _approve(scene: Scene, home: Home, meeting: MeetingId) -> None:
    approver = officer(scene, home)
    if approver is not None:
        scene.desk.ask(ApproveReport(meeting=meeting), actor=approver.id)


def _correct(scene: Scene, home: Home, meeting: MeetingId, wrong: Person) -> None:
    # A mark belongs to the chapter that met; whoever has moved since is beyond its reach.
    if wrong.home is home:
        mark = scene.chance.pick((Mark.PRESENT, Mark.ABSENT, Mark.LATE, Mark.MEDICAL))
        scene.desk.ask(CorrectAttendance(meeting=meeting, member=wrong.id, mark=mark))
