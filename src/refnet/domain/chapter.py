"""Chapters: where members meet, one seat per classification."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from refnet.domain.currency import check_currency
from refnet.domain.decisions import Context, Noun, World, command, get
from refnet.domain.facts import Columns, Effect, Recorded, fact, pii, public
from refnet.domain.ranges import VISITS_MAX, check_range
from refnet.domain.values import ChapterId, Personal
from refnet.errors import ChapterNotOpen, InvalidRequest, SeatTaken, WrongState

FULL_STANDING = 1_000_000
"""A chapter in good standing, in millionths."""


class ChapterStatus(StrEnum):
    """Whether a chapter takes members and meets."""

    OPEN = "open"
    SUSPENDED = "suspended"
    CLOSED = "closed"


class Weekday(StrEnum):
    """Day of the weekly meeting."""

    MONDAY = "monday"
    TUESDAY = "tuesday"
    WEDNESDAY = "wednesday"
    THURSDAY = "thursday"
    FRIDAY = "friday"
    SATURDAY = "saturday"
    SUNDAY = "sunday"


_STANDING = Columns(10, Effect.STANDING, chapter="stream", value="standing_millionths")


@fact("refnet.chapter-chartered.v1", replace(_STANDING, zone="time_zone"))
class ChapterChartered:
    """A chapter opens.

    seats: whether a classification is seated once. standing_millionths: how far it is trusted.
    """

    name: str = public()
    city: str = public()
    country: str = public()
    time_zone: str = public()
    meeting_weekday: Weekday | None = public()
    meeting_time: str = public()
    currency: str = public()
    seats: bool = public()
    visits_max: int = public()
    standing_millionths: int = public()


@fact("refnet.chapter-policy-changed.v1", replace(_STANDING, kind=11))
class ChapterPolicyChanged:
    """The chapter's policies from here on."""

    seats: bool = public()
    visits_max: int = public()
    standing_millionths: int = public()


@fact("refnet.chapter-suspended.v1", Columns(12, chapter="stream"))
class ChapterSuspended:
    """The chapter stops for a time."""

    reason: Personal | None = pii("stream")


@fact("refnet.chapter-closed.v1", Columns(13, chapter="stream"))
class ChapterClosed:
    """The chapter ends."""

    reason: Personal | None = pii("stream")


@command()
class CharterChapter:
    """Open a chapter.

    time_zone: an IANA name such as Europe/Berlin. meeting_time: "HH:MM" there, or empty.
    """

    name: str
    city: str
    country: str
    time_zone: str
    currency: str
    meeting_weekday: Weekday | None = None
    meeting_time: str = ""
    seats: bool = True
    visits_max: int = 2
    standing_millionths: int = FULL_STANDING


@command(target="chapter")
class ChangeChapterPolicy:
    """Change policies; what is None stays."""

    chapter: ChapterId
    seats: bool | None = None
    visits_max: int | None = None
    standing_millionths: int | None = None


@command(target="chapter")
class SuspendChapter:
    """Stop a chapter for a time."""

    chapter: ChapterId
    reason: str | None = None


@command(target="chapter")
class CloseChapter:
    """End a chapter."""

    chapter: ChapterId
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Chapter:
    """State of a chapter. stopped_time: since when it is not open, microseconds; None if it is."""

    id: ChapterId
    name: str
    city: str
    country: str
    time_zone: str
    meeting_weekday: Weekday | None
    meeting_time: str
    currency: str
    seats: bool
    visits_max: int
    standing_millionths: int
    status: ChapterStatus
    stopped_time: int | None
    position: int

    def open_at(self, time: int) -> bool:
        """Whether the chapter was open at a time in microseconds."""
        return self.stopped_time is None or time < self.stopped_time


def get_open(world: World, chapter: ChapterId, *, field: str) -> Chapter:
    """The chapter, if it is open. Raises NotFound or ChapterNotOpen."""
    found: Chapter = get(world, "chapter", chapter, field=field)
    if found.status is not ChapterStatus.OPEN:
        raise not_open(found, field=field)
    return found


def get_open_at(world: World, chapter: ChapterId, time: int, *, field: str) -> Chapter:
    """The chapter, if it was open at a time in microseconds. Raises NotFound or ChapterNotOpen."""
    found: Chapter = get(world, "chapter", chapter, field=field)
    if not found.open_at(time):
        raise not_open(found, field=field)
    return found


def not_open(chapter: Chapter, *, field: str) -> ChapterNotOpen:
    """The refusal for a chapter that is not open."""
    return ChapterNotOpen(
        f"chapter {chapter.id} is {chapter.status} since {chapter.stopped_time}; "
        "choose an open chapter, or record what happened before",
        field=field,
        chapter=chapter.id,
        status=chapter.status,
        stopped_time=chapter.stopped_time,
    )


def _charter(asked: CharterChapter, ctx: Context, state: None, world: World) -> list[Any]:
    check_currency(asked.currency, field="currency")
    _check_policy(asked.visits_max, asked.standing_millionths)
    try:
        ZoneInfo(asked.time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise InvalidRequest(
            f"time_zone {asked.time_zone!r} is unknown; use an IANA name such as Europe/Berlin",
            field="time_zone",
            value=asked.time_zone,
        ) from None
    return [
        ChapterChartered(
            name=asked.name,
            city=asked.city,
            country=asked.country,
            time_zone=asked.time_zone,
            meeting_weekday=asked.meeting_weekday,
            meeting_time=asked.meeting_time,
            currency=asked.currency,
            seats=asked.seats,
            visits_max=asked.visits_max,
            standing_millionths=asked.standing_millionths,
        )
    ]


def _change_policy(
    asked: ChangeChapterPolicy, ctx: Context, state: Chapter, world: World
) -> list[Any]:
    def changed(new: Any, old: Any) -> Any:
        return old if new is None else new

    policy = ChapterPolicyChanged(
        seats=changed(asked.seats, state.seats),
        visits_max=changed(asked.visits_max, state.visits_max),
        standing_millionths=changed(asked.standing_millionths, state.standing_millionths),
    )
    _check_policy(policy.visits_max, policy.standing_millionths)
    crowded = world.index("crowded").get(state.id, 0)
    if policy.seats and crowded:
        raise SeatTaken(
            f"{crowded} classifications of chapter {state.id} are held by several members; "
            "let all but one of each leave or transfer, then turn seats on",
            field="seats",
            chapter=state.id,
            crowded=crowded,
        )
    return [policy]


def _check_policy(visits_max: int, standing_millionths: int) -> None:
    check_range(visits_max, 0, VISITS_MAX, field="visits_max")
    check_range(standing_millionths, 0, FULL_STANDING, field="standing_millionths")


def _suspend(asked: SuspendChapter, ctx: Context, state: Chapter, world: World) -> list[Any]:
    get_open(world, state.id, field="chapter")
    return [ChapterSuspended(reason=asked.reason)]


def _close(asked: CloseChapter, ctx: Context, state: Chapter, world: World) -> list[Any]:
    if state.status is ChapterStatus.CLOSED:
        raise WrongState(
            f"chapter {state.id} is already closed; nothing is left to do",
            field="chapter",
            chapter=state.id,
            state=state.status,
        )
    return [ChapterClosed(reason=asked.reason)]


def _evolve(state: Chapter | None, happened: Any, recorded: Recorded) -> Chapter:
    if isinstance(happened, ChapterChartered):
        return Chapter(
            ChapterId(recorded.stream),
            happened.name,
            happened.city,
            happened.country,
            happened.time_zone,
            happened.meeting_weekday,
            happened.meeting_time,
            happened.currency,
            happened.seats,
            happened.visits_max,
            happened.standing_millionths,
            ChapterStatus.OPEN,
            None,
            recorded.position,
        )
    assert state is not None
    match happened:
        case ChapterPolicyChanged():
            return replace(
                state,
                seats=happened.seats,
                visits_max=happened.visits_max,
                standing_millionths=happened.standing_millionths,
            )
        case ChapterSuspended():
            return _stopped(state, ChapterStatus.SUSPENDED, recorded.occur_time)
        case ChapterClosed():
            return _stopped(state, ChapterStatus.CLOSED, recorded.occur_time)
        case _:
            raise TypeError(f"chapter cannot hold {happened!r}")


def _stopped(state: Chapter, status: ChapterStatus, time: int) -> Chapter:
    """The chapter no longer open; a closed one that was suspended stopped at the earlier time."""
    since = time if state.stopped_time is None else min(time, state.stopped_time)
    return replace(state, status=status, stopped_time=since)


NOUN = Noun(
    name="chapter",
    plural="chapters",
    id_type=ChapterId,
    facts=(ChapterChartered, ChapterPolicyChanged, ChapterSuspended, ChapterClosed),
    commands={
        CharterChapter: _charter,
        ChangeChapterPolicy: _change_policy,
        SuspendChapter: _suspend,
        CloseChapter: _close,
    },
    evolve=_evolve,
    resident=True,
    timed_ids=False,
)
