"""Alerts about collusion: what is counted quickly is what looking at everything finds."""

from __future__ import annotations

from dataclasses import astuple
from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import reference_alerts as slow
from refnet import evidence
from refnet.accumulators import Accumulators, Events, Kind
from refnet.alerts import AlertKind, Seen, alerts_in, alerts_of, find_alerts, sentence, told_of
from refnet.alerts.alert import usual
from refnet.paths import trust_of, weigh
from refnet.scoring import score
from refnet.simulate import simulate
from refnet.standings import Snapshot, snapshot_at
from refnet.wiring import open_engine

DAY = 400
Row = tuple[int, int, int, int, int]


def seen_in(rows: list[Row], n: int, day: int = DAY, gone: frozenset[int] = frozenset()) -> Seen:
    """What alerts are found in, from model events at positions 1 and on."""
    joins = [(0, int(Kind.JOIN), member, -1, 1000) for member in range(n)]
    events = Events.of([*joins, *sorted(rows)])
    made = Accumulators()
    made.fold(events)
    trust = weigh(made, day, np.zeros(n), "1")
    active = np.array([member not in gone for member in range(n)])
    told = told_of(np.arange(1, len(events) + 1), events)
    return Seen(trust.network, trust.regard, active, told, day)


def says_of(seen: Seen) -> dict[tuple[int, int], float]:
    source = np.repeat(np.arange(len(seen.active)), np.diff(seen.network.offsets))
    slots = zip(source.tolist(), seen.network.targets.tolist(), strict=True)
    return dict(zip(slots, seen.regard.tolist(), strict=True))


def expected(seen: Seen, events: Events, positions: list[int]) -> list[tuple[Any, ...]]:
    """What the reference finds."""
    facts = set()
    rows = zip(events.kind.tolist(), events.a.tolist(), events.b.tolist(), strict=True)
    for place, (kind, a, b) in enumerate(rows):
        alone = kind in {Kind.JOIN, Kind.ATTENDANCE, Kind.SIGNAL} or a in {-1, b}
        if not alone:
            day, position = events.day.item(place), positions[place]
            facts.add(slow.Fact(min(a, b), max(a, b), day, position))
    found = slow.alerts(says_of(seen), seen.active.tolist(), sorted(facts), seen.day)
    return [tuple(each) for each in found]


def praise(pairs: list[tuple[int, int]], days: range) -> list[Row]:
    return [(day, int(Kind.TESTIMONIAL), i, j, 1000) for i, j in pairs for day in days]


def deal(giver: int, receiver: int, day: int) -> list[Row]:
    kinds = (Kind.ACCEPTED, Kind.WON, Kind.CLOSED)
    return [(day, int(kind), giver, receiver, 3000 * (kind is Kind.CLOSED)) for kind in kinds]


def town(n: int = 24) -> list[Row]:
    """Members who praise the next ones in a circle once; nobody stands out."""
    near = [(i, (i + step) % n) for i in range(n) for step in (1, 2, 3)]
    return praise([*near, *((j, i) for i, j in near)], range(DAY - 30, DAY - 29))


def ring(members: list[int]) -> list[tuple[int, int]]:
    return list(zip(members, [*members[1:], members[0]], strict=True))


@st.composite
def networks(draw: st.DrawFn) -> tuple[list[Row], int, frozenset[int]]:
    """Members who do alike, and some who say much to each other, or much in a week."""
    n = draw(st.integers(2, 24))
    member = st.integers(0, n - 1)
    rows = town(n) if n > 6 and draw(st.booleans()) else []
    for i, j in draw(st.lists(st.tuples(member, member), max_size=2 * n)):
        rows += deal(i, j, draw(st.integers(0, DAY))) if i != j else []
    for _ in range(draw(st.integers(0, 4))):
        size, often = draw(st.integers(2, 5)), draw(st.integers(1, 12))
        group = draw(st.permutations(range(n)))[:size]
        weeks = range(draw(st.integers(100, DAY - 14 * often)), DAY, 14)
        everybody = [(i, j) for i in group for j in group if i != j]
        match draw(st.sampled_from(["ring", "clique", "burst", "visit"])):
            case "ring":
                rows += [row for i, j in ring(group) for day in weeks for row in deal(i, j, day)]
            case "clique":
                rows += praise(everybody, weeks)
            case "burst":
                first = draw(st.integers(DAY - 100, DAY - 3))
                days = range(first, first + 1 + often // 3)
                rows += [row for day in days for row in deal(group[0], group[1], day)]
            case _:
                day = draw(st.integers(DAY - 100, DAY - 9))
                others = [j for j in range(n) if j != group[0]]
                rows += [row for j in others for row in praise([(group[0], j)], _on(day + j % 9))]
    return [row for row in rows if row[2] != row[3]], n, draw(st.frozensets(member, max_size=2))


def _on(day: int) -> range:
    return range(day, day + 1)


@given(networks())
@settings(max_examples=200)
def test_alerts_are_those_of_the_reference(network: tuple[list[Row], int, frozenset[int]]) -> None:
    rows, n, gone = network
    seen = seen_in(rows, n, gone=gone)
    joins = [(0, int(Kind.JOIN), member, -1, 1000) for member in range(n)]
    events = Events.of([*joins, *sorted(rows)])

    found = [astuple(alert) for alert in find_alerts(seen)]
    assert expected(seen, events, list(range(1, len(events) + 1))) == found


@given(st.lists(st.integers(0, 20), max_size=50))
def test_usual_is_what_three_of_four_stay_at_or_below(values: list[int]) -> None:
    assert slow.usual(map(float, values)) == usual(np.array(values, np.int64))


def only(rows: list[Row], **options: Any) -> Any:
    (alert,) = find_alerts(seen_in(rows, 24, **options))
    return alert


def test_nothing_stands_out_where_all_do_alike() -> None:
    assert [] == find_alerts(seen_in(town(), 24))
    assert [] == find_alerts(seen_in([], 24))
    assert [] == find_alerts(seen_in([], 1))


def test_two_who_vouch_for_each_other_alone_are_a_pair() -> None:
    alert = only([*town(), *praise([(3, 17), (17, 3)], range(DAY - 350, DAY, 7))])

    assert (AlertKind.PAIR, (3, 17)) == (alert.kind, alert.members)
    assert alert.strength >= 1.0
    (pair,) = alert.pairs
    assert pair.said == pair.heard > 10.0
    assert 100 == len(alert.facts)
    text = sentence(alert, "member {}".format)
    assert "member 3 and member 17 say " in text
    assert f"{alert.figures[0].found:.0%}" in text
    assert 0.5 < alert.figures[0].found < 1.0


def test_praise_one_way_is_no_pair() -> None:
    rows = [*town(), *praise([(3, 17)], range(DAY - 350, DAY, 7))]

    assert [] == find_alerts(seen_in(rows, 24))


def test_deals_around_are_a_ring_and_among_all_a_clique() -> None:
    group = [2, 7, 12, 17, 22]
    around = [row for i, j in ring(group) for day in range(50, DAY, 7) for row in deal(i, j, day)]
    among = praise([(i, j) for i in group for j in group if i != j], range(50, DAY, 14))

    found = only([*town(), *around])
    assert (AlertKind.RING, tuple(group), 5) == (found.kind, found.members, len(found.pairs))
    assert "each for the next" in sentence(found, str)
    found = only([*town(), *among])
    assert (AlertKind.CLIQUE, tuple(group), 10) == (found.kind, found.members, len(found.pairs))


def test_groups_that_share_a_member_are_one_and_a_link_between_two_leaves_them_two() -> None:
    def clique(members: list[int]) -> list[Row]:
        return praise([(i, j) for i in members for j in members if i != j], range(50, DAY, 14))

    shared = find_alerts(seen_in([*town(), *clique([0, 6, 12]), *clique([12, 18, 23])], 24))
    assert [(0, 6, 12, 18, 23)] == [alert.members for alert in shared]
    linked = [*clique([0, 6, 12]), *clique([4, 18, 23]), *clique([4, 12])]
    apart = find_alerts(seen_in([*town(), *linked], 24))
    assert [(0, 6, 12), (4, 18, 23)] == sorted(alert.members for alert in apart)


def test_many_facts_in_a_week_are_a_burst_until_they_are_long_ago() -> None:
    rows = [*town(), *(row for day in range(DAY - 9, DAY - 5) for row in deal(5, 15, day))]
    alert = only(rows)

    assert (AlertKind.BURST, (5, 15)) == (alert.kind, alert.members)
    assert (DAY - 12, DAY - 6) == (alert.first_day, alert.last_day)
    assert (12.0, 12) == (alert.figures[0].found, len(alert.facts))
    assert "there are 12 facts" in sentence(alert, str)
    (later,) = find_alerts(seen_in(rows, 24, day=DAY + 83))
    assert (alert.facts, alert.strength) == (later.facts, later.strength)
    assert [] == find_alerts(seen_in(rows, 24, day=DAY + 84))


def test_one_with_many_in_a_week_is_a_burst() -> None:
    alert = only([*town(), *praise([(4, j) for j in range(24) if j != 4], range(DAY, DAY + 1))])

    assert (AlertKind.BURST, (4,), 23) == (alert.kind, alert.members, len(alert.pairs))
    assert "4 has 23 facts with 23 others" in sentence(alert, str)


def test_who_is_always_busy_does_not_burst() -> None:
    busy = [(4, j) for j in range(24) if j != 4]

    assert [] == find_alerts(seen_in([*town(), *praise(busy, range(DAY - 300, DAY, 7))], 24))


def test_who_left_is_in_no_group() -> None:
    rows = [*town(), *praise([(3, 17), (17, 3)], range(DAY - 350, DAY, 7))]

    assert [] == find_alerts(seen_in(rows, 24, gone=frozenset({17})))


def quiet(_: str) -> None:
    """Key-file warnings are not what these tests are about."""


@pytest.fixture(scope="module")
def snapshots(tmp_path_factory: pytest.TempPathFactory) -> list[Snapshot]:
    """A simulated network at its end, and when half of it was recorded."""
    folder = tmp_path_factory.mktemp("alerts")
    store = partial(open_engine, folder, simulated=True, warn=quiet)
    simulate(store, chapters=2, weeks=32, seed=3)
    with open_engine(folder, read_only=True, warn=quiet) as engine:
        head = engine.head()[0]
        return [engine.scores(position=position) for position in (head, head // 2)]


def test_alerts_of_a_simulated_network_are_those_of_the_reference(
    snapshots: list[Snapshot],
) -> None:
    for snapshot in snapshots:
        trust = trust_of(snapshot)
        positions, events = evidence.located(evidence.rows_of(snapshot.columns), snapshot.day)
        told = told_of(positions, events)
        seen = Seen(trust.network, trust.regard, snapshot.active, told, snapshot.day)
        found = [astuple(alert) for alert in alerts_of(snapshot)]
        assert expected(seen, events, positions.tolist()) == found
    assert {"pair", "clique"} <= {alert.kind for alert in alerts_of(snapshots[0])}


def test_alerts_are_kept_by_kind_member_and_chapter(snapshots: list[Snapshot]) -> None:
    snapshot = snapshots[0]
    every = alerts_of(snapshot)
    home = snapshot.roll.home()
    member = every[-1].members[0]

    assert every == alerts_in(snapshot)
    pairs = alerts_in(snapshot, kind=AlertKind.PAIR)
    assert pairs == [alert for alert in every if alert.kind is AlertKind.PAIR] != []
    assert all(member in alert.members for alert in alerts_in(snapshot, member=member))
    assert every[-1] in alerts_in(snapshot, member=member, chapter=home[member])
    assert [] == alerts_in(snapshot, chapter=99)


def test_scores_are_the_same_bits_whether_or_not_alerts_were_asked_for(
    snapshots: list[Snapshot],
) -> None:
    for snapshot in snapshots:
        asked, other = (
            snapshot_at(snapshot.ledger, snapshot.position, snapshot.day) for _ in range(2)
        )
        assert alerts_of(asked)
        assert other.scores.digest() == asked.scores.digest()
        again = score(asked.accumulators, asked.day, standing=asked.roll.standing())
        assert other.digest == again.digest()


def test_what_is_told_of_some_days_is_found_without_looking_at_all() -> None:
    days = [9, 3, 3, 8, 3, 20]
    rows = [(day, int(Kind.MEETING), 0, place, 500) for place, day in enumerate(days, 1)]
    events = Events.of(rows)
    told = told_of(np.arange(1, len(days) + 1), events)
    for first, last in ((3, 8), (0, 2), (3, 3), (9, 20), (0, 99), (4, 7)):
        found = sorted(told.position[told.within(first, last)].tolist())
        assert found == [at for at, day in enumerate(days, 1) if first <= day <= last]
