"""A difference of scores is the sum of its parts, and each part is what it says it is."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.audited_logs import EXTRACTOR, log_of, told_by
from explaining import grown
from random_network import RandomNetwork
from refnet import _reference as reference
from refnet import _reference_evidence as naive
from refnet.audit.concerning import TRIED_MAX, concerning, naming
from refnet.audit.diff import TAKEN, Cause, because, changes
from refnet.audit.opinions import Kernel, Moment, Scored, disagreement
from refnet.audit.told import Told
from refnet.domain import network
from refnet.domain.dependence import with_dependents
from refnet.errors import PositionAhead, StoreDamaged
from refnet.explain import COMPONENTS
from refnet.scoring import MODELS, constants

WEIGHTS = {
    model: {letter: constants(model)[f"w_{letter.lower()}"] for letter in COMPONENTS}
    for model in MODELS
}


def moments(net: RandomNetwork, data: Any) -> tuple[Moment, Moment]:
    """Two moments in any order, on their days or others, by any models."""

    def moment() -> Moment:
        position = data.draw(st.integers(0, net.position))
        day = net.days[1] - data.draw(st.sampled_from((0, 0, 1, 90, 400)))
        return Moment(position, max(day, 0), data.draw(st.sampled_from(MODELS)))

    return moment(), moment()


def difference(one: Scored, two: Scored) -> list[Any]:
    return changes(one, two, (WEIGHTS[one.at.model], WEIGHTS[two.at.model]))


@settings(max_examples=25)
@given(st.integers(0, 2**32), st.data())
def test_parts_add_up_to_the_change_and_the_way_back_is_the_negative(seed: int, data: Any) -> None:
    net = grown(seed, 120)
    with TemporaryDirectory() as folder, told_by(net, Path(folder)) as (kernel, slow):
        one, two = moments(net, data)
        found = difference(slow.scores(one), slow.scores(two))
        back = difference(slow.scores(two), slow.scores(one))

        assert [each.member for each in found] == [each.member for each in back]
        for change, undone in zip(found, back, strict=True):
            assert -change.points == undone.points
            assert {name: -each for name, each in change.components.items()} == undone.components
            assert math.fsum(change.components.values()) == change.points
        for change in found[:2]:
            why = because(slow, kernel, one, two, change.member, 3)
            unwhy = because(slow, kernel, two, one, change.member, 3)
            assert math.fsum(part.points for part in why.parts) == change.points
            assert why == because(kernel, kernel, one, two, change.member, 3)
            assert [replace(part, points=-part.points) for part in why.parts] == list(unwhy.parts)


@settings(max_examples=10)
@given(st.integers(0, 2**32), st.data())
def test_nothing_differs_from_itself(seed: int, data: Any) -> None:
    net = grown(seed, 80)
    with TemporaryDirectory() as folder, told_by(net, Path(folder)) as (kernel, slow):
        one, _ = moments(net, data)

        assert difference(slow.scores(one), kernel.scores(one)) == []
        assert disagreement(slow.scores(one), kernel.scores(one)) is None
        assert (
            slow.scores(one).ranks == kernel.snapshot(one).rank.tolist() == kernel.scores(one).ranks
        )
        for member in slow.scores(one).members[:2]:
            assert because(slow, kernel, one, one, member, 5).parts == ()


def by_hand(net: RandomNetwork, at: Moment, gone: set[int], roster: list[Any]) -> list[float]:
    """Scores from nothing but the facts that are left."""
    rest = [each for each in net.facts[: at.position] if each[1].position not in gone]
    return reference.score(
        len(roster),
        naive.events(rest, at.position, at.day, roster),
        at.day,
        standing=naive.standing(rest, at.position, roster),
        **naive.policy(rest, at.position)._asdict(),
    )["score"]


def test_each_part_is_what_it_says_it_is(tmp_path: Path) -> None:
    """Time, facts and others once more from the definition, with none of the code of the audit."""
    net = grown(11, 400)
    day = net.days[1]
    one, two = Moment(net.position - 120, day - 30), Moment(net.position, day)
    with told_by(net, tmp_path) as (kernel, slow):
        change = difference(slow.scores(one), slow.scores(two))[0]
        why = because(slow, kernel, one, two, change.member, 4)
    roster = naive.members(net.facts, net.position)
    at = roster.index(change.member)
    first = naive.members(net.facts, one.position)
    before, after = (by_hand(net, each, set(), roster)[at] for each in (one, two))
    events = naive.events(net.facts, one.position, one.day)
    standing = naive.standing(net.facts, one.position)
    policy = naive.policy(net.facts, one.position)._asdict()
    aged = reference.score(len(first), events, two.day, standing=standing, **policy)["score"][at]
    parts = {part.cause: part.points for part in why.parts}
    facts = [part for part in why.parts if part.cause is Cause.FACT]

    assert (change.before, change.after) == (before, after)
    assert parts[Cause.TIME] == aged - before
    assert 4 == len(facts)
    union: set[int] = set()
    for fact in facts:
        assert fact.position is not None
        stream = net.facts[fact.position - 1][1].stream
        told = [each for each in net.facts if each[1].stream == stream]
        gone = set(with_dependents(told, {fact.position}))
        assert gone == set(fact.gone)
        assert fact.points == after - by_hand(net, two, gone, roster)[at]
        late = one.day < naive.day_of(*net.facts[fact.position - 1]) <= two.day
        assert late or one.position < fact.position <= two.position
        union |= gone
    assert parts[Cause.OTHERS] == by_hand(net, two, union, roster)[at] - aged


def test_the_facts_named_are_the_heaviest_of_those_between(tmp_path: Path) -> None:
    net = grown(5, 400)
    at = Moment(net.position, net.days[1])
    after = Moment(net.position - 60, at.day)
    with told_by(net, tmp_path) as (kernel, _):
        for member in kernel.scores(at).members[:4]:
            number = kernel.scores(at).numbers[member]
            positions = naming(kernel.snapshot(at), number, after, at)
            chosen = concerning(kernel, after, at, member, 2)
            score = kernel.scores(at).score(member)
            costs = {
                each: abs(score - kernel.without(at, kernel.gone_with(at, [each]))[number])
                for each in positions
            }
            assert (len(positions), min(len(positions), TRIED_MAX)) == (
                chosen.candidates,
                chosen.tried,
            )
            if positions:
                assert chosen.facts[0].position == max(costs, key=lambda p: (costs[p], -p))
            covered: set[int] = set()
            for heavy in concerning(kernel, after, at, member, 20).facts:
                assert heavy.position not in covered, "it goes with a heavier one"
                covered |= set(heavy.gone)
            for each in positions:
                fact, _ = net.facts[each - 1]
                ends = [getattr(type(fact).COLUMNS, name) for name in ("giver", "receiver")]
                stream = net.facts[each - 1][1].stream
                named = {stream if end == "stream" else getattr(fact, end) for end in ends if end}
                assert member in named or "policy" in type(fact).NAME


def test_facts_whose_day_came_lie_between_too(tmp_path: Path) -> None:
    net = grown(5, 400)
    two = Moment(net.position, net.days[1])
    one = replace(two, day=two.day - 200)
    came = {
        recorded.position
        for fact, recorded in net.facts
        if one.day < naive.day_of(fact, recorded) <= two.day
    }
    named = set()
    with told_by(net, tmp_path) as (kernel, slow):
        for number, member in enumerate(kernel.scores(two).members):
            found = naming(kernel.snapshot(two), number, one, two)
            assert set(found) <= came
            if found:
                why = because(slow, kernel, one, two, member, 1)
                named |= {part.position for part in why.parts if part.cause is Cause.FACT}
    assert named
    assert named <= came


def test_policies_of_all_concern_everybody(tmp_path: Path) -> None:
    net = grown(21, 150)
    before = net.position
    half = network.ChangeNetworkPolicy(network=net.one("network"), value_half=77)
    assert net.do(half)
    at = Moment(net.position, net.days[1])
    with told_by(net, tmp_path) as (kernel, slow):
        moved = difference(slow.scores(Moment(before, at.day)), slow.scores(at))
        assert moved
        why = because(slow, kernel, Moment(before, at.day), at, moved[0].member, 3)

    assert [(Cause.FACT, before + 1, moved[0].points)] == [
        (part.cause, part.position, part.points) for part in why.parts
    ]


def test_another_constant_moves_the_component_it_is_in(tmp_path: Path) -> None:
    net = grown(3, 200)
    at = Moment(net.position, net.days[1])
    with told_by(net, tmp_path) as (kernel, slow):
        tried = Kernel(kernel.told, {"r_grace": 5.0})
        found = difference(slow.scores(at), tried.scores(at))
        why = disagreement(slow.scores(at), tried.scores(at))
        same = Kernel(kernel.told, {"r_grace": constants("1")["r_grace"]})

        assert difference(slow.scores(at), same.scores(at)) == []
    assert found
    assert why is not None
    assert "R of members/" in why or "raw of members/" in why or "score of members/" in why
    for change in found:
        moved = {name for name in (*COMPONENTS, TAKEN) if change.components[name] != 0.0}
        assert {"R"} <= moved <= {"R", TAKEN}


def test_another_model_is_a_part_of_its_own(tmp_path: Path) -> None:
    net = grown(8, 200)
    one = Moment(net.position - 50, net.days[1], "1")
    two = Moment(net.position, net.days[1], "2")
    with told_by(net, tmp_path) as (kernel, slow):
        found = difference(slow.scores(one), slow.scores(two))
        change = next(each for each in found if each.before is not None)
        why = because(slow, kernel, one, two, change.member, 2)
        before, after = (slow.scores(replace(one, model=model)) for model in MODELS)
        expected = after.score(change.member) - before.score(change.member)

    assert (Cause.MODEL, expected) == (why.parts[0].cause, why.parts[0].points)
    assert math.fsum(part.points for part in why.parts) == change.points


def test_what_has_not_happened_by_an_earlier_day_is_time(tmp_path: Path) -> None:
    """More was recorded, but it is read on a day before."""
    net = grown(11, 300)
    one = Moment(net.position - 100, net.days[1])
    two = Moment(net.position, one.day - 40)
    with told_by(net, tmp_path) as (kernel, slow):
        found = difference(slow.scores(one), slow.scores(two))
        earlier = slow.scores(replace(one, day=two.day))
        for change in found[:3]:
            why = because(slow, kernel, one, two, change.member, 1)
            times = [part.points for part in why.parts if part.cause is Cause.TIME]
            assert times == [earlier.score(change.member) - (change.before or 0.0)]
            assert math.fsum(part.points for part in why.parts) == change.points


def test_who_had_no_score_counts_as_nothing(tmp_path: Path) -> None:
    net = grown(2, 60)
    at = Moment(net.position, net.days[1])
    with told_by(net, tmp_path) as (kernel, slow):
        found = difference(slow.scores(Moment(0, at.day)), slow.scores(at))
        assert len(slow.scores(at).members) == len(found)
        for change in found:
            assert (None, None) == (change.before, change.rank_before)
            assert change.after == change.points
        why = because(slow, kernel, Moment(0, at.day), at, found[0].member, 20)
        assert math.fsum(part.points for part in why.parts) == found[0].points


def test_a_position_that_is_not_there_is_refused(tmp_path: Path) -> None:
    net = grown(2, 20)
    with (
        log_of(net.rows, tmp_path) as reader,
        pytest.raises(PositionAhead, match=f"which reaches {net.position}"),
    ):
        Told(reader, EXTRACTOR, net.position + 1)


def test_a_row_that_is_not_what_was_committed_to_is_not_scored(tmp_path: Path) -> None:
    net = grown(2, 20)
    at = len(net.rows) // 2
    row = net.rows[at]
    rows = [*net.rows[:at], (*row[:5], b"\0" * 32, row[6]), *net.rows[at + 1 :]]
    with log_of(rows, tmp_path) as reader:
        assert at == Told(reader, EXTRACTOR, at).position
        with pytest.raises(StoreDamaged, match=f"at position {at + 1} is not the one committed"):
            Told(reader, EXTRACTOR, net.position, decoded=False)
