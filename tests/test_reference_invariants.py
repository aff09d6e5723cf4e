"""The exact invariants of the score model (its section 10), on the slow reference."""

from __future__ import annotations

import struct
from operator import itemgetter
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from refnet._reference import ARRAYS, Accumulators, Event, Kind, score

ONE_PERIOD = 60  # days 0..59 lie in the first period of every half-life
MEMBERS = 6
DAY = itemgetter(0)

few = settings(max_examples=40)


def joins(n: int, day: int = 0) -> list[Event]:
    return [(day, Kind.JOIN, member, -1, 1000) for member in range(n)]


def bits(arrays: dict[str, list[float]], first: int = 0, n: int | None = None) -> list[bytes]:
    """What == cannot tell apart: the doubles of each array as bytes, 0.0 unlike -0.0."""
    chosen = [arrays[name][first : None if n is None else first + n] for name in ARRAYS]
    return [struct.pack(f"<{len(values)}d", *values) for values in chosen]


def some_event(first: int, n: int, days: int) -> st.SearchStrategy[Event]:
    member = st.integers(first, first + n - 1)
    pair = st.tuples(member, member).filter(lambda ab: ab[0] != ab[1])
    client = st.tuples(st.one_of(st.just(-1), member), member)
    day = st.integers(0, days - 1)

    def of(kinds: list[Kind], who: Any, amount: Any) -> st.SearchStrategy[Event]:
        return st.builds(
            lambda d, k, ab, x: (d, k, *ab, x), day, st.sampled_from(kinds), who, amount
        )

    rating = st.integers(-1000, 1000)
    return st.one_of(
        of([Kind.ATTENDANCE], st.tuples(member, st.just(-1)), st.sampled_from([500, 1000])),
        of([Kind.MEETING], pair, st.sampled_from([30, 70])),
        of([Kind.TESTIMONIAL], pair, rating),
        of([Kind.CLIENT], client, rating),
        of([Kind.ACCEPTED, Kind.WON, Kind.LOST, Kind.JUNK], pair, st.just(0)),
        of([Kind.CLOSED], pair, st.integers(0, 10**12)),
        of([Kind.SIGNAL], st.tuples(member, st.just(-1)), st.just(1000)),
    )


def logs(days: int = 800, first: int = 0, n: int = MEMBERS) -> st.SearchStrategy[list[Event]]:
    """Events of some members in any order of days, so that some are late; few, or a crowd."""
    event = some_event(first, n, days)
    return st.one_of(st.lists(event, max_size=8), st.lists(event, min_size=40, max_size=90))


@given(logs(days=ONE_PERIOD), st.integers(0, 90))
def test_partial_folds_of_one_period_add_up(events: list[Event], cut: int) -> None:
    left = Accumulators(MEMBERS, events[:cut]).cells
    right = Accumulators(MEMBERS, events[cut:]).cells

    merged = {
        key: (left.get(key, (0, 0))[0] + right.get(key, (0, 0))[0], 0) for key in left | right
    }
    assert merged == Accumulators(MEMBERS, events).cells


@given(logs(days=5), st.data())
@few
def test_the_order_of_events_of_one_day_changes_no_bit(
    events: list[Event], data: st.DataObject
) -> None:
    """Five days with many events each, a hundred days apart."""
    apart = [(100 * day, kind, a, b, x) for day, kind, a, b, x in events]
    other = data.draw(st.permutations(apart))

    one = score(MEMBERS, [*joins(MEMBERS), *sorted(apart, key=DAY)], 800)
    assert bits(one) == bits(score(MEMBERS, [*joins(MEMBERS), *sorted(other, key=DAY)], 800))


@given(logs(days=ONE_PERIOD), st.data())
@few
def test_the_order_inside_one_half_life_period_changes_no_bit(
    events: list[Event], data: st.DataObject
) -> None:
    everything = [*joins(MEMBERS), *events]
    other = data.draw(st.permutations(everything))

    assert bits(score(MEMBERS, everything, 99)) == bits(score(MEMBERS, other, 99))


@given(logs(), logs(first=MEMBERS, n=4), st.data())
@few
def test_a_disjoint_group_changes_no_bit(
    ours: list[Event], theirs: list[Event], data: st.DataObject
) -> None:
    """Wherever their events stand in the log, and whether their ids come after or before ours."""
    places = data.draw(st.permutations([0] * len(ours) + [1] * len(theirs)))
    streams = (iter(ours), iter(theirs))
    mixed = [next(streams[place]) for place in places]
    moved = [
        (day, kind, max(a - MEMBERS, -1), max(b - MEMBERS, -1), x) for day, kind, a, b, x in theirs
    ]

    both = score(MEMBERS + 4, [*joins(MEMBERS + 4), *mixed], 800)
    assert bits(score(MEMBERS, [*joins(MEMBERS), *ours], 800)) == bits(both, n=MEMBERS)
    assert bits(score(4, [*joins(4), *moved], 800)) == bits(both, first=MEMBERS)


@given(logs(), logs())
@few
def test_one_to_ones_and_empty_pairs_change_no_score(
    events: list[Event], others: list[Event]
) -> None:
    """A slot of zeros is the same as no slot."""
    meetings = [
        (day, Kind.MEETING, a, b, 100) for day, _, a, b, _ in others if a != b and min(a, b) >= 0
    ]

    expected = score(MEMBERS, [*joins(MEMBERS), *events], 800)
    assert bits(expected) == bits(score(MEMBERS, [*joins(MEMBERS), *meetings, *events], 800))


@given(logs())
@few
def test_without_standing_only_welcome_unknown_introducers_and_signals_count(
    events: list[Event],
) -> None:
    mute = [0.0] * MEMBERS
    left = [
        e for e in events if e[1] == Kind.SIGNAL or (e[1] == Kind.CLIENT and e[2] in {-1, e[3]})
    ]

    actual = score(MEMBERS, [*joins(MEMBERS), *events], 800, standing=mute)
    assert mute == actual["p"] == actual["x"] == actual["xn"] == actual["give"] == actual["take"]
    assert bits(score(MEMBERS, [*joins(MEMBERS), *left], 800, standing=mute)) == bits(actual)


@given(logs(), logs(n=MEMBERS + 3))
@few
def test_what_accounts_without_voice_write_changes_no_bit(
    events: list[Event], claims: list[Event]
) -> None:
    """Praise, slander and introductions by accounts that never attended and nobody endorses."""
    speaks = {Kind.TESTIMONIAL, Kind.CLIENT}
    written = [e for e in claims if e[1] in speaks and e[2] >= MEMBERS and e[2] != e[3]]
    expected = score(MEMBERS + 3, [*joins(MEMBERS + 3), *events], 800)
    actual = score(MEMBERS + 3, [*joins(MEMBERS + 3), *events, *written], 800)

    assert bits(expected, n=MEMBERS) == bits(actual, n=MEMBERS)


@given(events=logs(), uniform=st.booleans(), decay=st.booleans())
def test_numbers_stay_in_their_ranges(events: list[Event], *, uniform: bool, decay: bool) -> None:
    actual = score(MEMBERS, [*joins(MEMBERS), *events], 800, uniform=uniform, decay=decay)

    assert list(ARRAYS) == list(actual)
    assert all(len(values) == MEMBERS for values in actual.values())
    for name in ("V", "T", "C", "R", "P", "bal", "bil", "D", "N", "O", "F", "p"):
        assert all(0.0 <= value <= 1.0 for value in actual[name]), name
    for name in ("score", "raw"):
        assert all(0.0 <= value <= 100.0 for value in actual[name]), name
    for name in ("x", "xn", "give", "take"):
        assert all(value >= 0.0 for value in actual[name]), name


@given(logs(), st.integers(0, MEMBERS - 1))
@few
def test_a_signal_never_raises_a_score_nor_moves_another(events: list[Event], member: int) -> None:
    before = score(MEMBERS, [*joins(MEMBERS), *events], 800)["score"]
    signal = (799, Kind.SIGNAL, member, -1, 1000)
    after = score(MEMBERS, [*joins(MEMBERS), *events, signal], 800)["score"]

    assert after[member] <= before[member]
    assert after[:member] + after[member + 1 :] == before[:member] + before[member + 1 :]


@given(logs(), st.integers(800, 3000), st.integers(0, 2000))
@few
def test_reads_do_not_write(events: list[Event], day: int, more: int) -> None:
    read_twice = Accumulators(MEMBERS, events)
    read_once = Accumulators(MEMBERS, events)
    for key in read_twice.cells:
        read_twice.mass(*key, day)

    for key in read_once.cells:
        assert read_once.mass(*key, day + more) == read_twice.mass(*key, day + more)
    assert read_once.cells == read_twice.cells == Accumulators(MEMBERS, events).cells
