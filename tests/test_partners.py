"""Partners of a member, beside looking at every other member one by one."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from random_network import CODEC, RandomNetwork
from refnet.accumulators import Accumulators
from refnet.domain import network
from refnet.domain.nouns import NOUNS
from refnet.ledger.ledger import Ledger
from refnet.log.batches import Extractor
from refnet.partners import Partner, partners_of
from refnet.standings import Snapshot, Standings, snapshot_at

EXTRACTOR = Extractor(NOUNS, CODEC)


def ledger_of(net: RandomNetwork) -> Ledger:
    ledger = Ledger()
    ledger.append(EXTRACTOR.batch(net.rows))
    return ledger


def one_by_one(snapshot: Snapshot, number: int) -> list[Partner]:
    """All others, and of each pair every mass by itself."""

    def mass(field: str, source: int, target: int) -> float:
        found = snapshot.accumulators.masses(field, source, target, snapshot.day)
        return float(found.item())

    found = []
    for other in range(snapshot.scores.n):
        ends = ((number, other), (other, number))
        fields = Accumulators.PAIR_FIELDS
        if other == number or not any(mass(field, *each) for field in fields for each in ends):
            continue
        give, take, balance = snapshot.reciprocity(number, other)
        found.append(
            Partner(
                number=other,
                give=give,
                take=take,
                balance=balance,
                given_long=mass("GL", number, other),
                taken_long=mass("GL", other, number),
                met=mass("MT", number, other),
                praised=mass("TP", number, other),
                blamed=mass("TN", number, other),
                praised_by=mass("TP", other, number),
                blamed_by=mass("TN", other, number),
            )
        )
    return sorted(found, key=lambda each: (-(each.give + each.take), -each.met, each.number))


@settings(max_examples=15)
@given(st.integers(0, 2**32), st.integers(0, 250), st.sampled_from((0, 30, 4000, 40_000)))
def test_partners_are_all_others_with_any_evidence_in_the_written_order(
    seed: int, steps: int, later: int
) -> None:
    net = RandomNetwork(seed)
    net.grow(steps)
    ledger = ledger_of(net)
    snapshot = snapshot_at(ledger, net.position, net.days[1] + later)
    standings = Standings(ledger)  # which keeps the slots of what was taken back
    for position in range(0, net.position + 1, 40):
        standings.advance(position, net.days[1])
    standings.advance(net.position, net.days[1])
    kept = standings.snapshot(snapshot.day)

    for number in range(snapshot.scores.n):
        expected = one_by_one(snapshot, number)
        assert expected == partners_of(snapshot, number)
        assert expected == partners_of(kept, number)
    with pytest.raises(ValueError, match="no member"):
        partners_of(snapshot, snapshot.scores.n)


def test_evidence_that_has_faded_is_no_partner() -> None:
    net = RandomNetwork(3)
    net.grow(200)
    ledger = ledger_of(net)
    near, far = (snapshot_at(ledger, net.position, net.days[1] + years * 365) for years in (0, 200))

    assert any(partners_of(near, number) for number in range(near.scores.n))
    assert not any(partners_of(far, number) for number in range(far.scores.n))
    off = network.ChangeNetworkPolicy(network=net.one("network"), decay=network.Decay.OFF)
    assert net.do(off)
    ledger = ledger_of(net)
    kept = snapshot_at(ledger, net.position, net.days[1] + 200 * 365)
    assert any(partners_of(kept, number) for number in range(kept.scores.n))
