"""Whatever is asked for in whatever order: rules hold, folding never fails, and folds agree."""

from __future__ import annotations

import datetime as dt
import types
import typing
from collections import Counter
from enum import StrEnum
from random import Random
from typing import Any
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.sandbox import Sandbox, day
from domain.script import town
from refnet.domain.meeting import Attendance
from refnet.domain.membership import MemberStatus
from refnet.domain.nouns import BY_NAME, NOUNS
from refnet.domain.seats import fold_classification
from refnet.errors import RefnetError

COMMANDS: list[Any] = sorted(
    (kind for noun in NOUNS if noun.served for kind in noun.commands),
    key=lambda kind: str(kind.__name__),
)
MEMBERSHIP = [*BY_NAME["member"].commands, *BY_NAME["chapter"].commands]
ACTIVITY = [
    kind
    for noun in ("referral", "one_to_one", "testimonial", "meeting", "contact")
    for kind in BY_NAME[noun].commands
]
ID_TYPES = {noun.id_type: noun.name for noun in NOUNS}
NOBODY = UUID(int=7)
SEATS = ("Plumber", "plumber ", "Florist", "FLORIST", "Baker", "Tailor", "")
TEXTS = {
    "currency": ("EUR", "USD", "DEM"),
    "time_zone": ("UTC", "Asia/Tokyo", "Nowhere"),
    "digest": ("ab" * 32, "abc"),
}
NUMBERS = {"heat": (1, 5, 6), "rating": (1, 5, -3, 0, 11), "amount": (1, 99, 0, 10**15)}
ENDINGS = {"CloseChapter", "SuspendChapter", "LeaveNetwork", "SuspendMember", "EraseMember"}
ENDINGS |= {"EraseContact", "RestrictContact"}
"""Asked for rarely, or soon nobody would be left."""


SEEDS = st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=120)
"""One number a step, so that a failing run shrinks by leaving out steps."""


class Chooser:
    """Asks for commands with values that fit their types, and at times the rules."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.random = Random()
        self.sandbox = sandbox
        self.hints = {kind: typing.get_type_hints(kind) for kind in (*COMMANDS, Attendance)}

    def number(self, low: int, high: int) -> int:
        return self.random.randint(low, high)

    def pick(self, choices: Any) -> Any:
        return self.random.choice(choices)

    def known(self, noun: str) -> list[UUID]:
        streams = {at.stream: None for each, _, at in self.sandbox.log if each.name == noun}
        return list(streams)

    def build(self, kind: Any) -> Any:
        hints = self.hints[kind]
        names = [name for name in hints if name.islower()]  # without LOOKUP and TARGET
        return kind(**{name: self.value(name, hints[name]) for name in names})

    def value(self, name: str, hint: Any) -> Any:
        if typing.get_origin(hint) in (types.UnionType, typing.Union):
            if self.number(0, 2):
                return None
            hint = next(each for each in typing.get_args(hint) if each is not types.NoneType)
        if hint in ID_TYPES:
            known = self.known(ID_TYPES[hint])
            return self.pick([*known[:4], *known[-3:]] * 3 + [NOBODY])
        if typing.get_origin(hint) is tuple:
            return tuple(self.build(Attendance) for _ in range(self.number(0, 3)))
        if hint is bool:
            return self.number(0, 1) == 1
        if hint is int:
            return self.pick(NUMBERS.get(name, (1, 5, -3, 0, day(20), day(150), 10**15)))
        if hint is dt.date:
            return dt.date(2024, 1, 1) + dt.timedelta(days=self.number(-2, 104))
        if issubclass(hint, StrEnum):
            return self.pick(list(hint))
        return self.pick(TEXTS.get(name, SEATS))

    def concerned(self, command: Any) -> list[UUID]:
        """Members named in a command that opens a stream, or in the state it is about."""
        about = command
        if command.TARGET is not None:
            noun = next(noun.name for noun in NOUNS if type(command) in noun.commands)
            about = self.sandbox.state.find(noun, getattr(command, command.TARGET))
        members = self.sandbox.state.resident("member")
        named = [] if about is None else [getattr(about, each) for each in about.__slots__]
        return [each for each in named if isinstance(each, UUID) and each in members]

    def step(self, seed: int, kinds: list[Any]) -> bool:
        """Ask for something; whether it was granted. Anything but a refusal fails the test."""
        self.random.seed(seed)
        kind = self.pick(kinds)
        if kind.__name__ in ENDINGS and self.number(0, 9):
            kind = self.pick(kinds)
        command = self.build(kind)
        actor = self.pick([None, self.pick(self.known("member")), *self.concerned(command) * 2])
        occurred = self.pick([None, None, None, day(self.number(-1, 102))])
        try:
            self.sandbox.do(command, actor=actor, occurred=occurred)
        except RefnetError:
            return False
        return True


def check_seats(sandbox: Sandbox) -> None:
    chapters = sandbox.state.resident("chapter")
    seated = Counter(
        (member.chapter, fold_classification(member.classification))
        for member in sandbox.state.resident("member").values()
        if member.status in (MemberStatus.ACTIVE, MemberStatus.SUSPENDED)
    )
    table = {key: seat.holders for key, seat in sandbox.state.index("seats").items()}
    assert +Counter(table) == seated
    for (chapter, _), holders in seated.items():
        assert holders == 1 or not chapters[chapter].seats


def check_members(sandbox: Sandbox) -> None:
    for member in sandbox.state.resident("member").values():
        ends = [end for term in member.terms for end in (term.from_time, term.until_time)]
        goes_on = bool(ends) and ends[-1] is None
        if goes_on:
            ends.pop()
        assert ends == sorted(ends)
        assert goes_on is (member.status is MemberStatus.ACTIVE)
        assert bool(member.joined) == bool(member.terms)


def check_refolded(sandbox: Sandbox) -> None:
    again = sandbox.again()
    for noun, _, recorded in sandbox.log:
        expected = sandbox.find(noun.name, recorded.stream)
        assert expected == again.find(noun.name, recorded.stream)
        assert expected == again.load(BY_NAME[noun.name], recorded.stream)
    for table in ("network", "seats", "crowded", "merged", "visits", "days_met"):
        assert dict(sandbox.state.index(table)) == dict(again.state.index(table))


def play(seeds: list[int], kinds: list[Any]) -> int:
    """How many of the steps were granted."""
    chooser = Chooser(town().sandbox)
    granted = 0
    for seed in seeds:
        granted += chooser.step(seed, kinds)
        check_seats(chooser.sandbox)
    check_members(chooser.sandbox)
    check_refolded(chooser.sandbox)
    return granted


@settings(max_examples=80)
@given(SEEDS)
def test_any_sequence_of_commands_keeps_the_rules(seeds: list[int]) -> None:
    play(seeds, COMMANDS)


@settings(max_examples=80)
@given(SEEDS)
def test_members_come_and_go_on_few_seats(seeds: list[int]) -> None:
    """Only commands about members and seats, so that long lives are reached often."""
    play(seeds, MEMBERSHIP)


@settings(max_examples=80)
@given(SEEDS)
def test_referrals_and_meetings_run_their_course(seeds: list[int]) -> None:
    play(seeds, ACTIVITY)


def test_the_sequences_reach_most_facts() -> None:
    """Or the two tests above would prove little."""
    made: Counter[str] = Counter()
    for run in range(60):
        chooser = Chooser(town().sandbox)
        begun = len(chooser.sandbox.log)
        for step in range(200):
            chooser.step(1000 * run + step, (COMMANDS, MEMBERSHIP, ACTIVITY)[run % 3])
        made.update(type(fact).__name__ for _, fact, _ in chooser.sandbox.log[begun:])

    assert len(made) >= 0.85 * sum(len(noun.facts) for noun in NOUNS if noun.served), made
