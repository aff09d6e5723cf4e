"""Ranks, percentiles and labels are those of the slow twin, at any position."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import reference_ranking as reference
from random_network import CODEC, RandomNetwork
from refnet import _reference_evidence as naive
from refnet.domain import member, network, referral
from refnet.domain.nouns import NOUNS
from refnet.labels import Label, labels_of
from refnet.ledger.ledger import Ledger
from refnet.log.batches import Extractor
from refnet.ranking import Place, Standing, listed, standing_of
from refnet.scoring import ARRAYS, Scores
from refnet.standings import snapshot_at

EXTRACTOR = Extractor(NOUNS, CODEC)


class Trades(RandomNetwork):
    """Three professions, written in two ways, in chapters that seat several of each."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed, zones=("UTC",))
        for zone in ("Europe/Berlin", "America/Los_Angeles"):
            self.charter(zone, seats=False)

    def trade(self) -> str:
        return self.random.choice(("baker", "Baker ", "florist", "notary"))


def ledger_of(net: RandomNetwork) -> Ledger:
    ledger = Ledger()
    ledger.append(EXTRACTOR.batch(net.rows))
    return ledger


def told(standing: Standing) -> list[tuple[int, int, int, float | None]]:
    places: list[Place] = [standing.network, standing.in_chapter, standing.in_classification]
    return [(each.rank, each.members, each.active, each.percentile) for each in places]


@settings(max_examples=25)
@given(st.integers(0, 2**32), st.integers(0, 250), st.data())
def test_places_are_those_of_the_second_opinion(seed: int, steps: int, data: Any) -> None:
    net = Trades(seed)
    net.grow(steps)
    position = data.draw(st.sampled_from((net.position, net.position // 2)))
    day = net.days[1] + data.draw(st.sampled_from((0, 5000)))  # after which many score the same
    snapshot = snapshot_at(ledger_of(net), position, day)
    seats = naive.seats(net.facts, position)
    active = naive.active(net.facts, position)
    scores = snapshot.scores.score.tolist()
    groups: list[list[Any]] = [
        [0] * len(seats),
        [seat[0] for seat in seats],
        [seat[1] for seat in seats],
    ]
    fold = snapshot.ledger.fold

    for number, (chapter, classification) in enumerate(seats):
        found = standing_of(snapshot, number)
        expected = [reference.place(scores, active, group, number) for group in groups]
        assert expected == told(found)
        assert chapter == fold.chapters[found.chapter]
        assert classification == fold.classifications[found.classification]
    with pytest.raises(ValueError, match="no member"):
        standing_of(snapshot, len(seats))


@settings(max_examples=10)
@given(st.integers(0, 2**32))
def test_a_group_is_listed_in_the_order_of_the_network(seed: int) -> None:
    net = Trades(seed)
    net.grow(120)
    snapshot = snapshot_at(ledger_of(net), net.position, net.days[1])
    fold = snapshot.ledger.fold
    seats = naive.seats(net.facts, net.position)
    everyone = snapshot.order.tolist()

    assert everyone == listed(snapshot).tolist()
    for chapter in net.streams["chapter"]:
        where = fold.chapter_number(chapter)
        mates = [each for each in everyone if seats[each][0] == chapter]
        assert mates == listed(snapshot, where).tolist()
        bakers = [each for each in mates if seats[each][1] == "baker"]
        trade = fold.classification_number(" BAKER")
        assert bakers == listed(snapshot, where, trade).tolist()
    assert [] == listed(snapshot, -1).tolist()


def test_who_returns_stands_where_the_new_seat_is_and_joined_when_they_first_did() -> None:
    net = Trades(3)
    first, second, _ = net.streams["chapter"]
    enrolled = member.EnrolMember(chapter=first, classification="baker")
    who: Any = net.do(enrolled, at=net.start)
    position = net.position
    net.now += 200 * 86_400_000_000
    net.do(member.LeaveNetwork(member=who))
    net.do(member.Reapply(member=who, chapter=second, classification="notary"))
    net.do(member.DecideApplication(member=who, admitted=True))
    assert net.do(member.InductMember(member=who))
    ledger = ledger_of(net)
    before = snapshot_at(ledger, position, net.days[1])
    after = snapshot_at(ledger, net.position, net.days[1])

    assert (0, 0) == (standing_of(before, 0).chapter, standing_of(before, 0).classification)
    assert (1, 1) == (standing_of(after, 0).chapter, standing_of(after, 0).classification)
    assert [net.days[0]] == after.roll.joined().tolist()


@given(
    st.lists(
        st.tuples(
            st.sampled_from((0.0, 0.75, 1.49, 1.5, 9.0)),
            st.sampled_from((0.0, 0.75, 1.0)),
            st.sampled_from((0.0, 0.29, 0.3, 0.5, 0.65, 0.66, 1.0)),
            st.sampled_from((-9, 0, 83, 84, 85, 4000)),
        ),
        max_size=40,
    )
)
def test_labels_are_those_of_the_second_opinion(
    rows: list[tuple[float, float, float, int]],
) -> None:
    n = len(rows)
    give, take, balance, tenure = np.array(rows, float).reshape(n, 4).T
    arrays = dict.fromkeys(ARRAYS, np.zeros(n)) | {"give": give, "take": take, "bal": balance}
    found = labels_of(Scores(n, 0, **arrays), tenure.astype(np.int64))
    expected = [reference.label(*row) for row in rows]

    assert expected == [Label(each).name for each in found.tolist()]


def test_a_newcomer_is_called_nothing_for_twelve_weeks() -> None:
    """Trust starts in everyone and nothing fades, so that only the day differs."""
    net = Trades(3)
    only = net.one("network")
    policy = network.ChangeNetworkPolicy(
        network=only, pretrust=network.Pretrust.UNIFORM, decay=network.Decay.OFF
    )
    assert net.do(policy)
    for _ in range(4):
        net.enrol()
    giver, *others = net.streams["member"]
    for receiver in others:
        passed = net.do(referral.PassReferral(giver=giver, receiver=receiver))
        assert net.do(referral.AcceptReferral(referral=passed), actor=receiver)
    ledger = ledger_of(net)
    since = net.days[0]

    def label(day: int) -> Label:
        return Label(snapshot_at(ledger, net.position, day).labels.item(0))

    assert [Label.INSUFFICIENT, Label.GENEROUS] == [label(since + 83), label(since + 84)]
