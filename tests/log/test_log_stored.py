"""The compiled loops over stored facts against their slow twins."""

from __future__ import annotations

import datetime as dt
import hashlib
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from random_network import CODEC, RandomNetwork
from refnet.domain.nouns import NOUNS
from refnet.errors import StoreDamaged
from refnet.ledger.extract import FactBatch
from refnet.log._stored import TIME_MAX, Shape, first_uncommitted, parameters, read_rows
from refnet.log.batches import Extractor
from refnet.log.tree import commitment

COMPILED = Extractor(NOUNS, CODEC)
SLOW = Extractor(NOUNS, CODEC, compiled=False)

NETWORK = RandomNetwork(11)
NETWORK.grow(1000)
KINDS = {row[3]: row for row in NETWORK.rows}

Row = tuple[int, str, int, str, bytes, bytes, bytes]


def told(batch: FactBatch) -> dict[str, Any]:
    """A batch as plain values."""
    columns = {name: getattr(batch, name) for name in FactBatch.__slots__}
    return {k: v.tolist() if isinstance(v, np.ndarray) else v for k, v in columns.items()}


def outcome(extractor: Extractor, row: Row) -> Any:
    try:
        return told(extractor.batch([row]))
    except StoreDamaged as refused:
        return refused.facts


def with_state(row: Row, state: bytes) -> Row:
    return (*row[:4], state, *row[5:])


def read_by_compiled_code(row: Row) -> bool:
    blank = FactBatch.blank(0, [b""])
    return read_rows(COMPILED._shapes, [row], 3, blank) == []


# --- rows of the ledger -----------------------------------------------------------------------


def test_compiled_code_reads_what_msgspec_reads() -> None:
    assert told(SLOW.batch(NETWORK.rows)) == told(COMPILED.batch(NETWORK.rows))


def test_compiled_code_reads_most_facts_by_itself() -> None:
    """Else the comparisons here would compare msgspec with itself."""
    left = {topic for topic, row in KINDS.items() if not read_by_compiled_code(row)}

    assert left == KINDS.keys() & {
        "refnet.network-chartered.v1",  # a function makes their value
        "refnet.network-policy-changed.v1",
        "refnet.chapter-chartered.v1",  # they introduce somebody
        "refnet.member-inducted.v1",
        "refnet.chapter-policy-changed.v1",  # they say something of their stream
        "refnet.chapter-suspended.v1",
        "refnet.chapter-closed.v1",
        "refnet.member-suspended.v1",
        "refnet.member-reinstated.v1",
        "refnet.member-left.v1",
        "refnet.member-transferred.v1",
        "refnet.role-assigned.v1",
        "refnet.role-ended.v1",
        "refnet.profile-changed.v1",
    }
    assert len(KINDS) > 2 * len(left)


@settings(max_examples=400)
@given(st.data())
def test_damaged_bytes_are_read_alike_or_refused_alike(data: st.DataObject) -> None:
    row = KINDS[data.draw(st.sampled_from(sorted(KINDS)))]
    state = bytearray(row[4])
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(state)))
        cut = data.draw(st.integers(0, 3))
        put = data.draw(st.sampled_from(PIECES) | st.binary(max_size=2))
        state[at : at + cut] = put
    damaged = with_state(row, bytes(state))

    assert outcome(SLOW, damaged) == outcome(COMPILED, damaged)


PIECES = [
    *(
        b"",
        b'"',
        b"\\",
        b"{",
        b"}",
        b"{}",
        b"[",
        b"]",
        b"[]",
        b",",
        b":",
        b" ",
        b"\x00",
        b"\xc3\xa9",
    ),
    *(b"null", b"true", b"false", b"nul", b"-", b"0", b"-0", b"1", b"00", b"1.5", b"1e3", b"\x7f"),
    *(b"999999999999999999", b"9999999999999999999", b"-1", b'""', b'"x"', b'"a":1,', b'"z":{},'),
    *(b'"data":{},', b'"giver":null,', b'"value":5,', b'"date":"2024-02-30",', b'"mark":"Q",'),
]


@pytest.mark.parametrize(
    "change",
    [
        (b'"occur_time":', b'"occur_time":-'),
        (b'"occur_time":', b'"occur_time":%d' % TIME_MAX),
        (b'"record_time":', b'"record_time":9999'),
        (b'"origin":', b'"origin":-'),
        (b'"heat":', b'"heat":-'),
        (b'"heat":', b'"heat":12345678901234567'),
        (b'"heat":', b'"heat":123456789012345678'),
        (b'"heat":', b'"heat":"'),
        (b'"heat":', b'"heat":null,"heat":'),
        (b'"giver":"', b'"giver":null,"h":"'),
        (b'"giver":"', b'"giver": "'),
        (b'"giver":"', b'"giver":"\\u0041'),
        (b'"giver":"', b'"giver":"\xc3\xa9'),
        (b'"parent":null', b'"parent":[1,{"a":[]}]'),
        (b'"parent":null', b'"parent":{"a":{"b":1}}'),
        (b'"parent":null', b'"parent":nul'),
        (b'"parent":null', b'"parent":{"a":1,"b":"c","d":null,"e":true,"f":false}'),
        (b'"parent":null', b'"parent":1.5'),
        (b'"parent":null', b'"parent":007'),
        (b'"principal":', b'"origin":5,"principal":'),
        (b'"request_id":', b'"q":1,"request_id":'),
        (b'"request_id":', b'"s":1,"a":2,"request_id":'),
        (b'{"acting', b' {"acting'),
        (b'{"acting', b'{"data":{},"acting'),
    ],
)
def test_a_fact_that_is_not_plain_is_read_alike(change: tuple[bytes, bytes]) -> None:
    row = KINDS["refnet.referral-passed.v1"]
    assert change[0] in row[4]
    changed = with_state(row, row[4].replace(*change, 1))

    assert outcome(SLOW, changed) == outcome(COMPILED, changed)


@pytest.mark.parametrize("state", [b"", b"{", b"{}", b"[]", b"null", b'"', b"\x00", b'{"data":{}}'])
@pytest.mark.parametrize("topic", ["refnet.referral-won.v1", "refnet.application-decided.v1"])
def test_bytes_that_are_no_fact_are_refused_alike(state: bytes, topic: str) -> None:
    row = with_state(KINDS[topic], state)

    assert outcome(SLOW, row) == outcome(COMPILED, row) == {"position": str(row[0]), "topic": topic}


@pytest.mark.parametrize("cut", range(1, 400, 7))
def test_a_state_that_was_cut_short_is_refused_alike(cut: int) -> None:
    row = KINDS["refnet.referral-passed.v1"]
    short = with_state(row, row[4][:-cut])

    assert outcome(SLOW, short) == outcome(COMPILED, short)


@pytest.mark.parametrize("value", [None, 5, "text", [], ("a",)])
def test_a_state_of_another_type_is_refused_alike(value: Any) -> None:
    row = with_state(KINDS["refnet.referral-passed.v1"], value)

    assert outcome(SLOW, row) == outcome(COMPILED, row)


NO_DATES = [
    *(b"2023-02-29", b"1900-02-29", b"2024-04-31", b"2024-00-10", b"2024-13-10", b"2024-01-00"),
    *(b"2024-01-32", b"0000-01-01", b"2024/01/01", b"20240-1-01"),
]


def test_every_day_of_the_calendar_is_that_of_the_standard_library() -> None:
    """Each first and last of a month from the year 1 to 9999, and dates that there are not."""
    row = KINDS["refnet.meeting-held.v1"]
    before, _, rest = row[4].partition(b'"date":"')
    after = rest[10:]
    dates = []
    for year in (*range(1, 2200), *range(2200, 10_000, 97), 9999):
        for month in range(1, 13):
            dates.append(dt.date(year, month, 1))
            if dates[-1] > dt.date.min:
                dates.append(dates[-1] - dt.timedelta(1))
    rows: list[Row] = [
        with_state(row, before + b'"date":"' + date.isoformat().encode() + after) for date in dates
    ]
    blank = FactBatch.blank(0, [b""] * len(rows))

    assert read_rows(COMPILED._shapes, list(rows), 3, blank) == []
    assert blank.days.tolist() == [date.toordinal() - 719_163 for date in dates]
    for text in NO_DATES:
        wrong = with_state(row, before + b'"date":"' + text + after)
        assert not read_by_compiled_code(wrong)
        assert outcome(COMPILED, wrong) == outcome(SLOW, wrong)


def test_a_field_may_be_null_only_where_the_fact_says_so() -> None:
    shape = {"t": Shape(1, 2, {"a": "giver", "b": "receiver"}, {"b"}, {})}

    def read(state: bytes) -> list[int]:
        frame = b'{"data":%b,"occur_time":1,"origin":0,"record_time":2}'
        return read_rows(shape, [("t", frame % state, bytes(32))], 0, FactBatch.blank(0, [b""]))

    assert [] == read(b'{"a":"x","b":null}')
    assert [0] == read(b'{"a":null,"b":null}')
    assert [0] == read(b'{"a":"x"}')
    assert [0] == read(b"{}")


def test_a_batch_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="as many rows"):
        read_rows({}, [NETWORK.rows[0]], 3, FactBatch.blank(0, [b"", b""]))


def test_a_row_that_is_too_short_is_an_error() -> None:
    no_tuple: Any = ["t"]
    with pytest.raises(IndexError):
        read_rows(COMPILED._shapes, [("t",)], 0, FactBatch.blank(0, [b""]))
    with pytest.raises(TypeError):
        read_rows(COMPILED._shapes, [no_tuple], 0, FactBatch.blank(0, [b""]))


# --- commitments ------------------------------------------------------------------------------

FACTS = st.tuples(
    st.uuids().map(lambda each: each.hex), st.integers(0, 2**63 - 1), st.text(), st.binary()
)


@given(st.lists(st.tuples(FACTS, st.binary(min_size=32, max_size=32)), max_size=5))
def test_commitments_are_those_of_the_formula(
    given_facts: list[tuple[tuple[str, int, str, bytes], bytes]],
) -> None:
    """Topics may hold any text, states any bytes."""
    facts = [fact for fact, _ in given_facts]
    salts = [salt for _, salt in given_facts]
    expected = [
        commitment(salt, UUID(originator).bytes, version, topic, state)
        for (originator, version, topic, state), salt in given_facts
    ]

    flat = parameters(7, facts, salts)

    assert expected == flat[6::7]
    rows = list(zip(*(flat[at::7] for at in range(6)), strict=True))
    assert rows == [
        (8 + at, *fact, salt) for at, (fact, salt) in enumerate(zip(facts, salts, strict=True))
    ]


STREAM = UUID(int=0xABCDEF).hex
GOOD: tuple[Any, ...] = (1, STREAM, 1, "t", b"{}", bytes(32))
COMMITTED = tuple(parameters(0, [GOOD[1:5]], [bytes(32)]))


def test_the_first_row_that_is_not_committed_to_is_named() -> None:
    bad = (*COMMITTED[:4], b"{ }", *COMMITTED[5:])

    assert first_uncommitted([]) == -1
    assert first_uncommitted([COMMITTED] * 3) == -1
    assert first_uncommitted([COMMITTED, bad, bad]) == 1


@pytest.mark.parametrize(
    ("column", "value"),
    [
        (1, STREAM.upper()),  # one bit of a letter, and what fromhex() would forgive
        (1, STREAM[:-1] + " "),
        (1, STREAM[:-1] + "é"),
        (1, STREAM[:-2]),
        (1, STREAM.encode()),
        (1, None),
        (2, -1),
        (2, "1"),
        (2, 2**64),
        (2, None),
        (3, b"t"),
        (3, "\udc80"),
        (4, "{}"),
        (4, None),
        (5, bytes(31)),
        (5, "0" * 32),
        (6, COMMITTED[6].hex()),
        (6, None),
    ],
)
def test_what_a_flipped_bit_can_make_of_a_row_is_found(column: int, value: object) -> None:
    row = (*COMMITTED[:column], value, *COMMITTED[column + 1 :])

    assert first_uncommitted([row]) == 0


@pytest.mark.parametrize(
    ("fact", "salts"),
    [
        (GOOD[1:5], []),
        (GOOD[1:5], [b"short"]),
        (("x", *GOOD[2:5]), [bytes(32)]),
        ((STREAM, -1, "t", b""), [bytes(32)]),
    ],
)
def test_what_cannot_be_a_fact_is_not_committed_to(fact: Any, salts: list[bytes]) -> None:
    with pytest.raises(ValueError, match=r"32|shorter"):
        parameters(0, [fact], salts)


def test_a_commitment_of_bytes_without_text_is_plain_sha256() -> None:
    """By hand, so that a mistake shared with the twin would show."""
    message = (
        b"refnet/commit/v1\n" + bytes(32) + b"\x00\x00\x00\x10" + bytes.fromhex(STREAM)
        + bytes(7) + b"\x01" + b"\x00\x00\x00\x01t" + b"\x00\x00\x00\x02{}"
    )  # fmt: skip

    assert hashlib.sha256(message).digest() == COMMITTED[6]
