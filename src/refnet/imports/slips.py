"""Slips of a chapter's weeks: referrals, one-to-ones, closed business, attendance.

A row is known by its slip id, or by its content and how many equal rows came before it: the same
file, or a newer one with the same rows, adds only what is new.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from refnet.domain.decisions import Request
from refnet.domain.meeting import Attendance, MarkAttendance
from refnet.domain.network import CharterNetwork
from refnet.domain.one_to_one import ConfirmOneToOne, HoldOneToOne
from refnet.domain.values import MeetingId, MemberId, OneToOneId
from refnet.engine import Engine
from refnet.errors import NetworkMissing, NotFound, RefnetError, SelfDealing
from refnet.imports.cells import parse_date, parse_name, parse_text, parse_when
from refnet.imports.chapters import Chapters
from refnet.imports.loader import BATCH, Loader, Row, Tally
from refnet.imports.network import Home, get_network
from refnet.imports.people import People, Plan
from refnet.imports.reading import Progress
from refnet.imports.referrals import Referrals
from refnet.imports.rejects import Rejects
from refnet.imports.request_ids import Repeats, RequestIds
from refnet.imports.slip_columns import (
    HEADINGS,
    NEEDED,
    SlipType,
    need,
    parse_mark,
    parse_status,
    parse_type,
)
from refnet.imports.tables import Cells, read_table

FORMAT = "slips"

_KNOWN_BY_SLIP = (SlipType.REFERRAL, SlipType.ONE_TO_ONE)
"""Types of which `slip` is the row's own id; closed business names another row's."""


class SlipsImport:
    """One run over one file. Used once."""

    def __init__(
        self, engine: Engine, rejects: Rejects, *, enrol: bool = False, batch: int = BATCH
    ) -> None:
        """enrol: make members, chapters and the network, with its first row, if they do not exist.

        Raises NetworkMissing if there is no network to import into.
        """
        self._engine = engine
        self._enrol = enrol
        self._ids = RequestIds(FORMAT, engine.fingerprint)
        if get_network(engine) is None and not enrol:
            raise NetworkMissing(
                "this store holds no network yet; charter one first, or give --enrol"
            )
        self._home = Home(engine, self._ids, CharterNetwork(name="Imported slips"))
        self._people = People(engine, self._ids, self._home.chartered_time)
        self._chapters = Chapters(engine, self._ids, self._home, charter=enrol)
        self._repeats = Repeats()
        self._referrals = Referrals(engine, self._ids, self._home, self._repeats)
        self._loader = Loader(engine, rejects, self._forget, batch)
        self._waiting: list[tuple[int, Cells]] = []
        self._lines: dict[tuple[SlipType, str], int] = {}

    def run(self, path: Path, progress: Progress | None = None) -> Tally:
        """Read the file. What was flushed stays when this is interrupted; run it again to go on."""
        try:
            for number, cells in read_table(path, HEADINGS, progress, needed=NEEDED):
                if isinstance(cells, RefnetError):
                    self._loader.reject(number, cells)
                else:
                    self._take(number, cells, wait=True)
        finally:
            self._loader.flush()  # also before an error: the rows before the damage are good
        for number, cells in self._waiting:
            self._take(number, cells, wait=False)
        self._loader.flush()
        return self._loader.tally

    def _take(self, number: int, cells: Cells, *, wait: bool) -> None:
        plan = Plan(0)
        try:
            kind = parse_type(cells)
            if kind is SlipType.CLOSED_BUSINESS and wait and not self._referrals.knows(cells):
                # Files sorted by type have it before its referral.
                self._waiting.append((number, cells))
                return
            plan.time = parse_when(need(cells, "date"), "date")
            self._home.check_time(plan.time, "date")
            match kind:
                case SlipType.REFERRAL:
                    self._pass(cells, plan)
                case SlipType.ONE_TO_ONE:
                    self._meet(cells, plan)
                case SlipType.CLOSED_BUSINESS:
                    self._referrals.close(cells, plan, self._two_if_named(cells))
                case SlipType.ATTENDANCE:
                    self._attend(cells, plan)
        except RefnetError as error:
            self._forget(plan.opened)
            self._loader.reject(number, error)
        else:
            self._home.begin()
            self._loader.add(self._row(number, kind, cells, plan))

    def _row(self, number: int, kind: SlipType, cells: Cells, plan: Plan) -> Row:
        if kind not in _KNOWN_BY_SLIP or "slip" not in cells:
            return Row(number, plan.requests, plan.opened)
        first = self._lines.setdefault((kind, cells["slip"]), number)
        told = None if first == number else first
        return Row(number, plan.requests, plan.opened, "slip", told)

    def _pass(self, cells: Cells, plan: Plan) -> None:
        self._referrals.check(cells)
        self._referrals.pass_(cells, plan, *self._two(cells, plan))

    def _meet(self, cells: Cells, plan: Plan) -> None:
        status = parse_status(cells, ("held", "confirmed"))
        topics = parse_text(cells.get("text", ""), "text")
        initiator, partner = self._two(cells, plan)
        content: tuple[object, ...] = (cells.get("slip"),)
        if content == (None,):
            content = (initiator, partner, plan.time, topics)
            content = (*content, self._repeats.before("one_to_one", *content))
        request_id = self._ids.of("one_to_one", *content)
        stream = self._engine.answered(request_id) or self._engine.new_id("one_to_one")
        held = HoldOneToOne(initiator=initiator, partner=partner, topics=topics)
        plan.requests.append(
            Request(command=held, request_id=request_id, new_id=stream, occur_time=plan.time)
        )
        if status == "confirmed":
            confirmed = ConfirmOneToOne(one_to_one=OneToOneId(stream))
            self._step(plan, confirmed, "confirm", stream, partner)

    def _attend(self, cells: Cells, plan: Plan) -> None:
        mark = parse_mark(cells)
        date = parse_date(need(cells, "date"), "date")
        name = parse_name(need(cells, "from"), "from")
        member = self._people.find(name)
        if member is None:
            self._check_person(cells, "from", plan.time)
        if member is not None and "chapter" not in cells:
            chapter = self._people.chapter(member)
        else:
            self._chapters.check(cells.get("chapter"), "chapter")
            chapter = self._chapters.get(cells.get("chapter"), "chapter", plan)
        if member is None:
            member = self._people.find_or_enrol(name, chapter, plan, cells.get("from name"))
        meeting = self._chapters.meeting(chapter, date, plan)
        marked = MarkAttendance(
            meeting=MeetingId(meeting), attendances=(Attendance(member=member, mark=mark),)
        )
        request_id = self._ids.of("attendance", meeting, member, mark)
        plan.requests.append(
            Request(command=marked, request_id=request_id, new_id=meeting, occur_time=plan.time)
        )

    def _step(self, plan: Plan, command: Any, step: str, stream: Any, actor: MemberId) -> None:
        request_id = self._ids.of("step", stream, step)
        plan.requests.append(
            Request(
                command=command,
                request_id=request_id,
                new_id=stream,
                acting_member=actor,
                occur_time=plan.time,
            )
        )

    def _two(self, cells: Cells, plan: Plan) -> tuple[MemberId, MemberId]:
        """Giver and receiver, or both partners; both are checked before either is enrolled."""
        if need(cells, "from") == need(cells, "to"):
            raise SelfDealing("from and to are the same member; correct one of them", field="to")
        for column in ("from", "to"):
            self._check_person(cells, column, plan.time)
        first = self._person(cells, "from", "chapter", plan)
        return first, self._person(cells, "to", self._chapter_of_to(cells), plan)

    def _two_if_named(self, cells: Cells) -> tuple[MemberId | None, MemberId | None]:
        """What closed business says about who thanks (from) and who is thanked (to)."""
        first, second = (
            self._people.find(parse_name(cells[column], column)) if column in cells else None
            for column in ("from", "to")
        )
        for column, found in (("from", first), ("to", second)):
            if column in cells and found is None:
                raise _unknown(column)
        return first, second

    def _check_person(self, cells: Cells, column: str, time: int) -> None:
        name = parse_name(need(cells, column), column)
        parse_text(cells.get(f"{column} name", ""), f"{column} name")
        if self._people.find(name) is not None:
            self._people.check_active(name, column, time)
            return
        if not self._enrol:
            raise _unknown(column)
        chapter = "chapter" if column == "from" else self._chapter_of_to(cells)
        self._chapters.check(cells.get(chapter), chapter)

    def _person(self, cells: Cells, column: str, chapter_column: str, plan: Plan) -> MemberId:
        name = parse_name(cells[column], column)
        known = self._people.find(name)
        if known is not None:
            return known
        chapter = self._chapters.get(cells.get(chapter_column), chapter_column, plan)
        return self._people.find_or_enrol(name, chapter, plan, cells.get(f"{column} name"))

    def _chapter_of_to(self, cells: Cells) -> str:
        return "to chapter" if "to chapter" in cells else "chapter"

    def _forget(self, keys: Any) -> None:
        for each in (self._people, self._chapters, self._referrals):
            each.forget(keys)


def _unknown(column: str) -> NotFound:
    return NotFound(
        f"{column} is no member's external id; enrol them first, or let --enrol do it", field=column
    )
