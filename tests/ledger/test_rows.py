"""From facts to rows: one result whichever way and in whatever batches the facts come."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from random_network import CODEC, DAY, RandomNetwork
from refnet import _reference_evidence as naive
from refnet.domain import contact, member
from refnet.domain.facts import Act, Effect
from refnet.domain.nouns import FACTS, NOUNS
from refnet.errors import StoreDamaged
from refnet.ledger.columns import DTYPES, NOBODY, ROW_BYTES, Columns, contact_key
from refnet.ledger.extract import batch_of
from refnet.ledger.ledger import BLOCK_ROWS, Ledger
from refnet.log.batches import Extractor

EXTRACTOR = Extractor(NOUNS, CODEC)


def cut(sequence: list[Any], cuts: Iterable[int]) -> Iterator[list[Any]]:
    bounds = sorted({0, len(sequence), *(at for at in cuts if at < len(sequence))})
    for start, stop in pairwise(bounds):
        yield sequence[start:stop]


def by_rows(net: RandomNetwork, cuts: Iterable[int] = ()) -> Ledger:
    """A ledger by way of stored bytes, as the server does it."""
    ledger = Ledger()
    for rows in cut(net.rows, cuts):
        ledger.append(EXTRACTOR.batch(rows))
    return ledger


def by_facts(net: RandomNetwork, cuts: Iterable[int] = ()) -> Ledger:
    """A ledger by way of domain objects, decoded by the codec."""
    decoded = [
        (*CODEC.decode(row[0], recorded.stream, *row[2:5]), row[6])
        for row, (_, recorded) in zip(net.rows, net.facts, strict=True)
    ]
    ledger = Ledger()
    for facts in cut(decoded, cuts):
        ledger.append(batch_of(facts))
    return ledger


def assert_equal(one: Ledger, other: Ledger) -> None:
    for name in DTYPES:
        first, second = getattr(one.columns(), name), getattr(other.columns(), name)
        assert np.array_equal(first, second), name
    assert one.members == other.members
    assert one.digest() == other.digest()
    assert (one.position, one.record_time) == (other.position, other.record_time)


@settings(max_examples=25)
@given(
    st.integers(0, 2**32),
    st.integers(0, 150),
    st.lists(st.integers(1, 250), max_size=6),
    st.lists(st.integers(1, 250), max_size=6),
)
def test_rows_depend_neither_on_the_decoder_nor_on_the_batches(
    seed: int, steps: int, cuts: list[int], others: list[int]
) -> None:
    net = RandomNetwork(seed)
    net.grow(steps)
    whole = by_rows(net)

    assert_equal(whole, by_rows(net, cuts))
    assert_equal(whole, by_facts(net, others))
    assert_equal(whole, by_rows(net, range(net.position)))


def test_the_random_networks_hold_every_fact_and_effect() -> None:
    """Else the properties above say less than they seem to."""
    seen: set[str] = set()
    effects: set[int] = set()
    for seed in range(4):
        net = RandomNetwork(seed)
        net.grow(1000)
        seen |= {fact.NAME for fact, _ in net.facts}
        effects |= set(by_rows(net).columns().effect.tolist())

    quiet = {
        "refnet.scores-published.v1",
        "refnet.chapter-suspended.v1",
        "refnet.chapter-closed.v1",
        "refnet.role-ended.v1",
        "refnet.contact-merged.v1",
        "refnet.presented.v1",
        "refnet.visitor-came.v1",
        "refnet.report-submitted.v1",
        "refnet.report-approved.v1",
        "refnet.prospect-consented.v1",
        "refnet.personal-data-read.v1",
    }
    quiet |= {name for name, kind in FACTS.items() if kind.ACT is not Act.NONE}
    assert FACTS.keys() - seen == quiet, "these touch no score"
    assert set(Effect) - effects == {Effect.SIGNAL}, "no noun signals yet"


def test_a_row_has_46_bytes() -> None:
    assert ROW_BYTES == 46


def test_columns_say_what_the_facts_say() -> None:
    net = RandomNetwork(4)
    net.grow(400)
    columns = by_rows(net).columns()
    numbers = {who: n for n, who in enumerate(naive.members(net.facts, net.position))}
    home: dict[Any, Any] = {}
    trades: dict[str, int] = {}
    for at, (fact, recorded) in enumerate(net.facts):
        spec = fact.COLUMNS
        if isinstance(fact, member.MemberInducted | member.MemberTransferred):
            home[recorded.stream] = fact.chapter

        def named(field: str | None, fact: Any = fact, stream: Any = recorded.stream) -> Any:
            return stream if field == "stream" else getattr(fact, field) if field else None

        giver, receiver = named(spec.giver), named(spec.receiver)
        where = named(spec.chapter) or home.get(giver)
        assert columns.kind[at] == spec.kind
        assert columns.effect[at] == spec.effect
        assert columns.giver[at] == (numbers[giver] if giver in home else NOBODY)
        assert columns.receiver[at] == numbers.get(receiver, NOBODY)
        assert columns.chapter[at] == (
            net.streams["chapter"].index(where) if where in net.streams["chapter"] else NOBODY
        )
        dated = fact.date.toordinal() - 719_163 if spec.day else None
        earlier = min(recorded.occur_time, recorded.record_time) // DAY
        assert columns.day[at] == (earlier if dated is None else dated)
        if dated is not None:
            assert columns.chapter_day[at] == dated
        assert abs(int(columns.chapter_day[at]) - int(columns.day[at])) <= 1
        value = spec.value(fact) if callable(spec.value) else named(spec.value)
        if spec.codes is not None:
            value = {"A": 1, "L": 2, "M": 3, "S": 4, "not_qualified": 1}.get(value)
        if spec.classification is not None:
            value = trades.setdefault(fact.classification.upper(), len(trades))
        assert columns.value[at] == (value or 0)
        if spec.reference is None:
            assert columns.reference[at] == (0 if recorded.version == 1 else recorded.origin)
        else:
            assert columns.reference[at] == named(spec.reference)
        about = named(spec.contact)
        assert columns.contact[at] == (0 if about is None else contact_key(about))


class Homes(RandomNetwork):
    """Two chapters and one applicant."""

    def __init__(self) -> None:
        super().__init__(2, ("UTC", "Pacific/Auckland"))
        self.first, self.second = self.streams["chapter"]
        asked = member.ApplyForMembership(chapter=self.first, classification="c")
        self.who: Any = self.do(asked)

    def induct(self) -> None:
        self.do(member.DecideApplication(member=self.who, admitted=True))
        assert self.do(member.InductMember(member=self.who))

    def trace(self) -> int:
        """A fact of the member's with no chapter of its own; its row."""
        assert self.do(contact.RegisterContact(name="x", registered_by=self.who))
        return self.position - 1


@pytest.mark.parametrize("cuts", [(), range(100)])
def test_a_row_has_the_givers_chapter_of_that_time(cuts: Iterable[int]) -> None:
    net = Homes()
    before = net.trace()
    net.induct()
    at_first = net.trace()
    assert net.do(member.TransferMember(member=net.who, chapter=net.second))
    at_second = net.trace()
    assert net.do(member.LeaveNetwork(member=net.who))
    gone = net.trace()
    net.do(member.Reapply(member=net.who, chapter=net.first, classification="z"))
    net.induct()
    back = net.trace()
    columns = by_rows(net, cuts).columns()

    rows = [before, at_first, at_second, gone, back]
    assert columns.chapter[rows].tolist() == [NOBODY, 0, 1, 1, 0]
    assert columns.giver[rows].tolist() == [NOBODY, 0, 0, 0, 0]


def test_views_taken_before_stay_as_they_were() -> None:
    net = RandomNetwork(8)
    net.grow(50)
    ledger = by_rows(net)
    before = ledger.columns()
    kept = [column.copy() for column in before]
    position = net.position
    net.grow(50)
    ledger.append(EXTRACTOR.batch(net.rows[position:]))

    assert all(np.array_equal(*pair) for pair in zip(before, kept, strict=True))
    assert len(ledger.columns()) == net.position
    assert len(ledger.columns(position)) == position


def test_a_digest_covers_every_column_of_every_row_and_every_name() -> None:
    net = RandomNetwork(9)
    net.grow(60)
    digest = by_rows(net).digest()
    for row in (0, net.position - 1):
        for name in DTYPES:
            ledger = by_rows(net)
            getattr(ledger.columns(), name)[row] ^= 1
            assert ledger.digest() != digest, name
    ledger = by_rows(net)
    ledger.fold.members.reverse()
    assert ledger.digest() != digest
    ledger = by_rows(net)
    ledger.fold.classifications.append("chimney sweep")
    assert ledger.digest() != digest


@pytest.mark.parametrize("extra", [-1, 0, 1, BLOCK_ROWS + 1])
def test_a_digest_depends_on_rows_not_on_when_it_was_asked_for(extra: int) -> None:
    rows = RandomNetwork(1).padded_rows(BLOCK_ROWS + extra)
    whole, parts = Ledger(), Ledger()
    whole.append(EXTRACTOR.batch(rows))
    for chunk in cut(rows, (100, BLOCK_ROWS - 1, BLOCK_ROWS)):
        parts.append(EXTRACTOR.batch(chunk))
        parts.digest()

    assert parts.digest() == whole.digest()
    assert len(whole.columns()) == len(rows)


def test_facts_that_do_not_follow_are_refused() -> None:
    net = RandomNetwork(1)
    ledger = Ledger()
    ledger.append(EXTRACTOR.batch(net.rows[:3]))

    for wrong in (net.rows[2:], net.rows[4:]):
        with pytest.raises(StoreDamaged) as refused:
            ledger.append(EXTRACTOR.batch(wrong))
        assert refused.value.facts["position"] == "3"
    ledger.append(EXTRACTOR.batch([]))
    assert ledger.position == 3


@pytest.mark.parametrize("state", [b"", b"{}", b'{"data":{},"occur_time":1}', b"\xff"])
def test_a_fact_that_cannot_be_read_is_named(state: bytes) -> None:
    net = RandomNetwork(1)
    rows = list(net.rows)
    rows[2] = (*rows[2][:4], state, *rows[2][5:])

    with pytest.raises(StoreDamaged, match="position 3"):
        EXTRACTOR.batch(rows)


def test_a_fact_of_unknown_name_is_named() -> None:
    net = RandomNetwork(1)
    rows = list(net.rows)
    rows[2] = (*rows[2][:3], "refnet.from-the-future.v9", *rows[2][4:])

    with pytest.raises(StoreDamaged, match="position 3"):
        EXTRACTOR.batch(rows)


def test_a_fact_under_an_old_name_gets_the_row_of_todays() -> None:
    from refnet.log.codec import Codec

    net = RandomNetwork(6)
    net.grow(60)
    old = "refnet.attendance-taken.v0"
    today = "refnet.attendance-marked.v1"
    codec = Codec(NOUNS, {old: (today, lambda data: data)})
    rows = [(*row[:3], old if row[3] == today else row[3], *row[4:]) for row in net.rows]
    assert any(row[3] == old for row in rows)
    ledger = Ledger()
    ledger.append(Extractor(NOUNS, codec).batch(rows))

    assert_equal(ledger, by_rows(net))


def columns_equal(one: Columns, other: Columns) -> bool:
    return all(np.array_equal(*pair) for pair in zip(one, other, strict=True))


def test_slices_and_choices_of_rows() -> None:
    net = RandomNetwork(3)
    net.grow(30)
    columns = by_rows(net).columns()

    assert columns_equal(columns.slice(2, 9), columns.take(np.arange(2, 9)))
    assert len(columns.slice(2, 9)) == 7
