"""Which rows are read for whom: exactly those that the slow description names, no more."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from random_network import RandomNetwork
from refnet import _reference_evidence as naive
from refnet import evidence
from refnet.accumulators import Kind
from refnet.domain import member, referral
from refnet.domain.facts import Effect
from refnet.ledger.columns import Columns, allocate
from test_evidence import FIRST, Story, columns_of, kinds, told

_ON_THE_RECEIVER = (Effect.CLIENT, Effect.SIGNAL)


def drawn(seed: int, steps: int) -> tuple[Columns, int]:
    """Rows of a random network, with signals among them, which no noun of today gives."""
    net = RandomNetwork(seed)
    net.grow(steps)
    columns = columns_of(net)
    said = np.flatnonzero(columns.effect == Effect.TESTIMONIAL)[::2]
    columns.effect[said] = Effect.SIGNAL
    return columns, len(naive.members(net.facts, net.position))


def ends(columns: Columns) -> list[tuple[int, int, int]]:
    """Giver, receiver and effect, row by row."""
    three = (columns.giver, columns.receiver, columns.effect)
    return list(zip(*(column.tolist() for column in three), strict=True))


def positions_about(columns: Columns, members: set[int]) -> list[int]:
    return [
        position
        for position, (giver, receiver, effect) in enumerate(ends(columns), 1)
        if effect and {giver, receiver} & members
    ]


def positions_on(columns: Columns, pairs: set[frozenset[int]], members: set[int]) -> list[int]:
    """A row stays if one member alone is in it, or a pair that is asked for or may be alone."""
    rows = ends(columns)
    about = positions_about(columns, members)
    wanted = pairs | {
        frozenset(rows[position - 1][:2])
        for position in about
        if rows[position - 1][2] in _ON_THE_RECEIVER and rows[position - 1][1] in members
    }
    return [
        position
        for position in about
        if -1 in rows[position - 1][:2] or frozenset(rows[position - 1][:2]) in wanted
    ]


@settings(max_examples=25)
@given(st.integers(0, 2**32), st.integers(50, 250), st.data())
def test_rows_are_those_that_name_whom_is_asked_for(seed: int, steps: int, data: Any) -> None:
    columns, count = drawn(seed, steps)
    someone = st.integers(0, count - 1)
    one, two, three, four, five = (data.draw(someone) for _ in range(5))

    about = evidence.rows_about(columns, np.array([one, two]), count)
    assert about.position.tolist() == positions_about(columns, {one, two})
    last = evidence.rows_about(columns, np.array([count - 1]), count)
    assert last.position.tolist() == positions_about(columns, {count - 1})

    between = evidence.rows_between(columns, one, two)
    expected = [p for p, row in enumerate(ends(columns), 1) if set(row[:2]) == {one, two}]
    if one != two:
        assert between.position.tolist() == expected

    members = np.array([one, two, three, four, five])
    on = evidence.rows_on(columns, np.array([[one, two], [four, three]]), members, count)
    pairs = {frozenset({one, two}), frozenset({four, three})}
    assert on.position.tolist() == positions_on(columns, pairs, set(members.tolist()))
    for rows in (about, between, on):
        taken = columns.take(rows.position - 1)
        assert all(np.array_equal(*both) for both in zip(rows.columns, taken, strict=True))


def test_a_signal_by_somebody_else_is_read_with_the_member_it_falls_on() -> None:
    columns = allocate(5)
    columns.effect[:] = (Effect.JOIN, Effect.JOIN, Effect.JOIN, Effect.SIGNAL, Effect.TESTIMONIAL)
    columns.giver[:], columns.receiver[:] = (0, 1, 2, 2, 2), (-1, -1, -1, 0, 1)

    found = evidence.rows_on(columns, np.array([[0, 1]]), np.array([0, 1]), 3)

    assert found.position.tolist() == [1, 2, 4]


@pytest.mark.parametrize("closed_first", [True, False])
def test_far_positions_are_numbered_among_themselves_and_say_the_same(
    *, closed_first: bool
) -> None:
    story = Story()
    passed = story.refer()
    story.win(passed, close=closed_first)
    story.client(6, about=passed)
    if not closed_first:
        story.do(story.closing(passed), actor=story.b)
    columns = columns_of(story)
    referred = int(columns.reference[columns.effect == Effect.CLIENT][0])
    near = evidence.rows_of(columns, after=referred - 1)
    places, events = evidence.located(near, FIRST)
    assert kinds(told(events), Kind.CLIENT) == [(FIRST, Kind.CLIENT, 0, 1, 600)]

    moved = near.columns.take(np.arange(len(near.position)))
    moved.reference[moved.reference > 0] += 1_000_000
    far = evidence.Rows(near.position + 1_000_000, moved)

    again, same = evidence.located(far, FIRST)
    assert told(same) == told(events)
    assert again.tolist() == (places + 1_000_000).tolist()


def test_leaving_out_a_referral_leaves_out_its_outcomes_and_who_introduced_the_client() -> None:
    story = Story()
    passed = story.refer()
    story.win(passed)
    said = story.client(6, about=passed)
    columns = columns_of(story)
    at = int(columns.reference[columns.effect == Effect.CLIENT][0])
    whole = evidence.rows_of(columns)

    def without(*positions: int) -> list[tuple[int, ...]]:
        left = np.array(positions, np.int64)
        return told(evidence.located(whole, FIRST, left_out=left)[1])

    assert said
    assert without() == told(evidence.events(whole, FIRST))
    rest = without(at)
    assert not kinds(rest, Kind.ACCEPTED, Kind.WON, Kind.CLOSED)
    won = int(np.flatnonzero(columns.effect == Effect.WON)[0]) + 1
    assert kinds(without(won), Kind.WON) == []
    assert kinds(without(won), Kind.ACCEPTED)
    assert evidence.NO_POSITIONS.tolist() == []


def test_a_copied_roll_is_the_same_and_later_rows_do_not_reach_it() -> None:
    story = Story()
    transfer = member.TransferMember(member=story.b, chapter=story.away, classification="x")
    empty, roll = evidence.Roll(), evidence.Roll()
    elsewhere = member.EnrolMember(chapter=story.away, classification="d")
    assert story.do(elsewhere, at=story.start)
    columns = columns_of(story)
    roll.read(columns)
    kept = roll.copy()

    def seen(each: evidence.Roll) -> list[list[Any]]:
        parts = (each.home, each.classification, each.joined, each.active, each.standing)
        return [part().tolist() for part in parts]

    before = seen(roll)
    assert seen(empty) == [[]] * 5
    assert seen(kept) == before
    assert len(set(before[1])) == 4  # a seat each

    assert story.do(transfer)
    assert story.do(member.SuspendMember(member=story.c))
    roll.read(columns_of(story).slice(len(columns), story.position))
    after = seen(roll)
    assert seen(kept) == before
    assert (after[0][1], after[3][2]) == (1, False)
    assert after[1][1] not in before[1]
    assert (after[1][0], after[1][2]) == (before[1][0], before[1][2])


def test_a_referral_that_was_only_passed_yields_no_row() -> None:
    story = Story()
    told_before = evidence.rows_of(columns_of(story)).position.tolist()
    passed = story.refer()
    assert evidence.rows_of(columns_of(story)).position.tolist() == told_before
    assert story.do(referral.AcceptReferral(referral=passed), actor=story.b)
    assert len(evidence.rows_of(columns_of(story)).position) == len(told_before) + 1
