"""Who trusts whom: rows of `source,target,rating,unix time` become members and testimonials.

People are inducted in order of first appearance, source before target, at the time of the
network's charter (0 for a network this import charters), into one chapter without seats. A row that
is rejected inducts nobody.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from refnet.domain.chapter import ChapterStatus, CharterChapter
from refnet.domain.decisions import Request
from refnet.domain.network import CharterNetwork, Decay, Network, Pretrust
from refnet.domain.testimonial import GiveTestimonial
from refnet.domain.values import ChapterId
from refnet.engine import Engine
from refnet.errors import (
    ChapterNotOpen,
    InvalidRequest,
    RefnetError,
    SelfDealing,
    WrongState,
)
from refnet.imports.cells import parse_name, parse_unix_time, parse_whole
from refnet.imports.loader import BATCH, Loader, Row, Tally
from refnet.imports.network import Home, execute_one, get_network
from refnet.imports.people import People, Plan
from refnet.imports.reading import Progress, read_lines
from refnet.imports.records import read_records
from refnet.imports.rejects import Rejects
from refnet.imports.request_ids import Repeats, RequestIds
from refnet.imports.tables import WORKBOOKS

FORMAT = "ratings"


@dataclass(frozen=True, slots=True)
class Rating:
    """A row of the file. time: microseconds since 1970."""

    source: str
    target: str
    rating: int
    time: int


def parse_rating(cells: Sequence[str]) -> Rating:
    """The rating a row holds. Raises InvalidRequest or SelfDealing naming the column."""
    if len(cells) != 4:
        raise InvalidRequest(
            f"the row has {len(cells)} columns; write source,target,rating,time", field=""
        )
    source, target = parse_name(cells[0], "source"), parse_name(cells[1], "target")
    rating = parse_whole(cells[2], "rating")
    if rating == 0 or not -10 <= rating <= 10:
        raise InvalidRequest(
            f"rating {rating} is not in -10 to 10 without 0; choose a whole number in that range",
            field="rating",
            value=rating,
        )
    time = parse_unix_time(cells[3], "time")
    if source == target:
        raise SelfDealing(
            "source and target are the same person, and nobody rates themselves; drop the row",
            field="target",
        )
    return Rating(source, target, rating, time)


def is_header(cells: Sequence[str]) -> bool:
    """Whether the first row names the columns: neither rating nor time has a digit."""
    return len(cells) == 4 and all(
        cell.strip() and not any(sign.isdigit() for sign in cell) for cell in cells[2:]
    )


class RatingsImport:
    """One run over one file. Used once."""

    def __init__(
        self,
        engine: Engine,
        rejects: Rejects,
        *,
        pretrust: Pretrust | None = None,
        decay: Decay | None = None,
        batch: int = BATCH,
    ) -> None:
        """Charters the network if there is none, once there is a row to put into it.

        pretrust, decay: None takes what the network has, or its default.
        Raises WrongState if they contradict the network.
        """
        self._engine = engine
        self._ids = RequestIds(FORMAT, engine.fingerprint)
        _check_policies(get_network(engine), pretrust, decay)
        charter = CharterNetwork(
            name="Imported ratings",
            pretrust=pretrust or Pretrust.ATTENDANCE,
            decay=decay or Decay.ON,
        )
        self._home = Home(engine, self._ids, charter)
        self._repeats = Repeats()
        self._people = People(engine, self._ids, self._home.chartered_time)
        self._loader = Loader(engine, rejects, self._people.forget, batch)

    def run(self, path: Path, progress: Progress | None = None) -> Tally:
        """Read the file. What was flushed stays when this is interrupted; run it again to go on.

        Raises InvalidRequest for a workbook or a damaged file, ChapterNotOpen if the people's
        chapter was closed.
        """
        if path.suffix.lower() in WORKBOOKS:
            raise InvalidRequest(
                f"{path.name} is a workbook, and ratings are lines of text; save it as .csv",
                field="file",
            )
        try:
            for number, cells in read_records(read_lines(path, progress), ","):
                if isinstance(cells, RefnetError):
                    self._loader.reject(number, cells)
                elif (len(cells) > 1 or cells[0].strip()) and not (
                    number == 1 and is_header(cells)
                ):
                    self._take(number, cells)
        except RefnetError:
            self._loader.flush()  # the rows before the damage are good
            raise
        self._loader.flush()
        return self._loader.tally

    def _take(self, number: int, cells: Sequence[str]) -> None:
        try:
            row = parse_rating(cells)
            self._home.check_time(row.time, "time")
            for column, name in (("source", row.source), ("target", row.target)):
                self._people.check_active(name, column, row.time)
        except RefnetError as error:
            self._loader.reject(number, error)
            return
        content = (row.source, row.target, row.rating, row.time)
        request_id = self._ids.of("rating", *content, self._repeats.before(*content))
        plan = Plan(row.time)
        author = self._people.find_or_enrol(row.source, self._chapter, plan)
        subject = self._people.find_or_enrol(row.target, self._chapter, plan)
        given = GiveTestimonial(subject=subject, rating=row.rating, author=author)
        plan.requests.append(self._request(given, request_id, "testimonial", row.time))
        self._loader.add(Row(number, plan.requests, plan.opened))

    def _request(self, command: Any, request_id: str, noun: str, occur_time: int) -> Request:
        return Request(
            command=command,
            request_id=request_id,
            new_id=self._engine.new_id(noun),
            occur_time=occur_time,
        )

    @cached_property
    def _chapter(self) -> ChapterId:
        """The chapter of this and every other ratings import: its request id finds it again.

        Chartered when the first person needs it, so that a file without good rows leaves nothing.
        """
        self._home.begin()
        command = CharterChapter(
            name="Imported ratings",
            city="",
            country="",
            time_zone="UTC",
            currency=self._home.reference_currency,
            seats=False,
        )
        time = self._home.chartered_time
        request = self._request(command, self._ids.of("chapter"), "chapter", time)
        stream = execute_one(self._engine, request).stream
        status = self._engine.state.resident("chapter")[stream].status
        if status is not ChapterStatus.OPEN:
            raise ChapterNotOpen(
                f"the chapter of imported ratings is {status}; import into another store",
                chapter=stream,
                status=status,
            )
        return ChapterId(stream)


def _check_policies(
    network: Network | None, pretrust: Pretrust | None, decay: Decay | None
) -> None:
    if network is None:
        return
    for flag, asked, present in (
        ("pretrust", pretrust, network.pretrust),
        ("decay", decay, network.decay),
    ):
        if asked is not None and asked != present:
            raise WrongState(
                f"this network has --{flag} {present}, not {asked}; leave the flag out, "
                "or import into another store",
                field=flag,
                asked=asked,
                present=present,
            )
