"""Evidence and scores that go on step by step are those made from scratch, in every array."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model_networks import Case, Row, all_bits, cases
from random_network import CODEC, DAY, RandomNetwork
from refnet import rescoring
from refnet.accumulators import Accumulators, Events, Kind
from refnet.domain.nouns import NOUNS
from refnet.ledger.ledger import Ledger
from refnet.log.batches import Extractor
from refnet.rescoring import Rescoring
from refnet.scoring import MODELS, score
from refnet.standings import Standings, snapshot_at

EXTRACTOR = Extractor(NOUNS, CODEC)


def assert_same_evidence(kept: Accumulators, scratch: Accumulators) -> None:
    """A pair of which everything was taken back keeps its room, and nothing in it."""
    at = np.searchsorted(kept.keys, scratch.keys)
    assert np.array_equal(kept.keys[at], scratch.keys)
    assert np.array_equal(kept.pair_totals[:, at], scratch.pair_totals)
    assert np.array_equal(kept.pair_periods[:, at], scratch.pair_periods)
    others = np.delete(np.arange(len(kept.keys)), at)
    assert (kept.pair_totals[:, others] == 0).all()
    assert (kept.pair_periods[:, others] == -1).all()
    assert np.array_equal(kept.member_totals, scratch.member_totals)
    assert np.array_equal(kept.member_periods, scratch.member_periods)


class Going:
    """A network whose evidence and scores are kept in step, and all that happened in it."""

    def __init__(self, case: Case, model: str) -> None:
        self.case, self.model = case, model
        self.rows: list[Row] = []
        self.kept = Accumulators(**case.policies)
        self.rescoring = Rescoring(model)

    def happen(self, rows: list[Row]) -> None:
        self.rows += rows
        self.kept.fold(Events.of(rows))

    def take_back(self, which: int) -> None:
        """As a void does: what the row fell on is folded again without it."""
        _, kind, a, b, _ = row = self.rows[which]
        if kind == Kind.JOIN:
            return
        del self.rows[which]
        events = Events.of([row])
        pairs = [(a, b)] if events.paired.all() else []
        members = sorted({a, b} - {-1})
        rest = Events.of(self.rows)
        self.kept.reset(pairs, members)
        self.kept.fold(rest.select(rest.touching(pairs, members)))

    def check(self, day: int, standing: list[float], threads: int) -> None:
        scratch = Accumulators(**self.case.policies)
        scratch.fold(Events.of(self.rows))
        level = np.array(standing[: scratch.n])
        expected = score(scratch, day, standing=level, model=self.model)

        assert_same_evidence(self.kept, scratch)
        found = self.rescoring.score(self.kept, day, level, threads)
        assert all_bits(found) == all_bits(expected)


@pytest.mark.parametrize("model", MODELS)
@given(cases(), st.data())
def test_whatever_happens_rescoring_is_scoring_from_scratch(
    model: str, case: Case, data: Any
) -> None:
    """New members and pairs, clients, signals, voids, standings, days, and copies in between."""
    going, standing, day = Going(case, model), list(case.standing), case.day
    copies: list[tuple[Accumulators, Any, Any]] = []
    left = list(case.rows)
    while left:
        size = data.draw(st.sampled_from((1, 1, 2, 5)))
        going.happen(left[:size])
        del left[:size]
        act = data.draw(st.sampled_from(("", "", "", "void", "standing", "day", "copy", "skip")))
        if act == "void":
            going.take_back(data.draw(st.integers(0, len(going.rows) - 1)))
        elif act == "standing":
            standing[data.draw(st.integers(0, case.n - 1))] = data.draw(st.floats(0, 1))
        elif act == "day":
            day += data.draw(st.sampled_from((1, 200)))
        elif act == "copy":
            kept = going.kept
            copies.append((kept.copy(), kept.pair_totals.copy(), kept.member_totals.copy()))
        if act != "skip":
            going.check(day, standing, data.draw(st.integers(1, 2)))
    going.check(day, standing, 1)
    for copied, pairs, members in copies:
        assert np.array_equal(copied.pair_totals, pairs)
        assert np.array_equal(copied.member_totals, members)


@settings(max_examples=10)
@given(st.integers(0, 2**32), st.data())
def test_a_ledger_followed_fact_by_fact_has_the_evidence_and_scores_of_one_read_at_once(
    seed: int, data: Any
) -> None:
    net, ledger = RandomNetwork(seed), Ledger()
    standings = Standings(ledger)
    net.grow(data.draw(st.sampled_from((20, 100))))
    while ledger.position < net.position:
        size = data.draw(st.sampled_from((1, 1, 3)))
        ledger.append(EXTRACTOR.batch(net.rows[ledger.position : ledger.position + size]))
        standings.advance()
        day = ledger.record_time // DAY
        look = data.draw(st.sampled_from((standings.look, standings.snapshot)))
        kept, scratch = look(day), snapshot_at(ledger, ledger.position, day)
        assert_same_evidence(kept.accumulators, scratch.accumulators)
        for name, values in scratch.scores.arrays.items():
            assert values.tobytes() == kept.scores.arrays[name].tobytes(), name


def test_threads_rise_with_the_pairs_and_change_no_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    """A small network is rescored by one thread; here it counts as a large one."""
    monkeypatch.setattr(rescoring, "_PAIRS_A_THREAD", 1)
    kept, going = Accumulators(4), Rescoring()
    for row in [(0, Kind.JOIN, i, -1, 1000) for i in range(4)]:
        kept.fold(Events.of([row]))
    for pair in [(0, 1), (2, 1), (1, 3), (3, 0)]:
        kept.fold(Events.of([(1, Kind.ACCEPTED, *pair, 0), (1, Kind.ATTENDANCE, 0, -1, 1000)]))
        found = going.score(kept, 1, np.ones(4), threads=3)
        assert all_bits(found) == all_bits(score(kept, 1))


def test_after_a_refusal_everything_is_read_again() -> None:
    kept, going = Accumulators(2), Rescoring()
    kept.fold(Events.of([(5, Kind.ACCEPTED, 0, 1, 0), (5, Kind.ATTENDANCE, 0, -1, 1000)]))
    going.score(kept, 5, np.ones(2))
    kept.fold(Events.of([(5, Kind.ACCEPTED, 1, 0, 0), (5, Kind.ATTENDANCE, 1, -1, 1000)]))
    with pytest.raises(ValueError, match="a standing is outside"):
        going.score(kept, 5, np.full(2, 2.0))

    assert all_bits(going.score(kept, 5, np.ones(2))) == all_bits(score(kept, 5))


def test_two_networks_in_turn_are_not_mixed_up() -> None:
    one, other, going = Accumulators(3), Accumulators(3), Rescoring()
    one.fold(Events.of([(5, Kind.TESTIMONIAL, 0, 1, 900), (5, Kind.ATTENDANCE, 0, -1, 1000)]))
    other.fold(Events.of([(5, Kind.TESTIMONIAL, 1, 2, -900), (5, Kind.ATTENDANCE, 1, -1, 1000)]))
    for kept in (one, other, one, one.copy()):
        assert all_bits(going.score(kept, 5, np.ones(3))) == all_bits(score(kept, 5))


def test_a_smaller_network_may_come_after_a_larger_one() -> None:
    large, small, going = Accumulators(4), Accumulators(2), Rescoring()
    large.fold(Events.of([(5, Kind.TESTIMONIAL, 0, 3, 900), (5, Kind.ATTENDANCE, 0, -1, 1000)]))
    small.fold(Events.of([(5, Kind.TESTIMONIAL, 1, 0, -900), (5, Kind.ATTENDANCE, 1, -1, 1000)]))
    for kept in (large, small, large):
        expected = score(kept, 5)
        assert all_bits(going.score(kept, 5, np.ones(kept.n))) == all_bits(expected)


def test_who_is_cleared_is_read_again_though_nothing_is_folded_after() -> None:
    """Members without a fact of their own, of whom a refold would tell nothing."""
    given: list[Row] = [(5, Kind.ACCEPTED, 0, 1, 0), (5, Kind.TESTIMONIAL, 2, 1, 900)]
    alone: list[Row] = [(5, Kind.ATTENDANCE, who, -1, 1000) for who in range(4)]
    for pairs, members in (([(1, 0)], []), ([], [2]), ([(2, 1)], [1])):
        kept, going = Accumulators(4), Rescoring()
        kept.fold(Events.of([*given, *alone]))
        before = all_bits(going.score(kept, 5, np.ones(4)))
        kept.reset(pairs, members)
        found = all_bits(going.score(kept, 5, np.ones(4)))
        assert before != found == all_bits(score(kept, 5))


def test_scores_that_were_handed_out_stay_as_they_were() -> None:
    kept, going, standing = Accumulators(3), Rescoring(), np.ones(3)
    kept.fold(Events.of([(5, Kind.ACCEPTED, 0, 1, 0), (5, Kind.ATTENDANCE, 0, -1, 1000)]))
    found = going.score(kept, 5, standing)
    before = all_bits(found)
    standing[0] = 0.5  # the caller's own
    kept.fold(Events.of([(5, Kind.ACCEPTED, 0, 2, 0)]))
    assert all_bits(going.score(kept, 5, standing)) == all_bits(score(kept, 5, standing=standing))
    assert all_bits(found) == before
