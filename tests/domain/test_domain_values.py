"""Ids, money, days and the packing of policies."""

from __future__ import annotations

from uuid import RFC_4122, UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.sandbox import Sandbox
from refnet.domain.currency import EXPONENTS, VALUE_CAP, check_currency, reference_value
from refnet.domain.ids import uuid4, uuid7
from refnet.domain.meeting import MARKS, Mark
from refnet.domain.network import (
    CharterNetwork,
    Decay,
    NetworkPolicyChanged,
    Pretrust,
    pack_policy,
    unpack_policy,
)
from refnet.domain.ranges import VALUE_HALF_MAX
from refnet.domain.seats import Seat, fold_classification
from refnet.domain.values import MICROS_PER_DAY, MemberId, utc_day
from refnet.errors import InvalidRequest, RefnetError

MILLIS_MAX = (1 << 48) - 1


@given(st.binary(min_size=16, max_size=16))
def test_an_id_of_a_person_is_a_version_4_uuid_of_the_bytes_handed_in(data: bytes) -> None:
    made = uuid4(lambda size: data[:size])

    assert (made.version, made.variant) == (4, RFC_4122)
    random = ~(0xF << 76 | 0b11 << 62) & ((1 << 128) - 1)
    assert made.int & random == int.from_bytes(data) & random


@given(st.integers(0, MILLIS_MAX), st.integers(0, 999), st.binary(min_size=10, max_size=10))
def test_an_id_of_activity_is_a_version_7_uuid(millis: int, rest: int, data: bytes) -> None:
    made = uuid7(millis * 1000 + rest, lambda size: data[:size])

    assert (made.version, made.variant) == (7, RFC_4122)
    assert made.int >> 80 == millis
    bits = int.from_bytes(data)
    assert made.int & ((1 << 62) - 1) == bits & ((1 << 62) - 1)
    assert made.int >> 64 & 0xFFF == bits >> 68


@given(st.integers(0, MILLIS_MAX - 1), st.binary(min_size=10, max_size=10))
def test_ids_of_activity_sort_by_time(millis: int, data: bytes) -> None:
    def entropy(size: int) -> bytes:
        return data[:size]

    assert uuid7(millis * 1000, entropy) < uuid7((millis + 1) * 1000, entropy)


@pytest.mark.parametrize(
    ("code", "exponent"),
    [("EUR", 2), ("JPY", 0), ("KWD", 3), ("CLF", 4), ("ISK", 0), ("TND", 3), ("UYW", 4)],
)
def test_currencies_have_the_exponents_of_iso_4217(code: str, exponent: int) -> None:
    assert check_currency(code, field="currency") == exponent


def test_the_currency_table_lists_each_code_once() -> None:
    assert {0: 17, 2: 138, 3: 7, 4: 2} == {
        each: list(EXPONENTS.values()).count(each) for each in sorted({*EXPONENTS.values()})
    }
    assert all(len(code) == 3 and code.isupper() for code in EXPONENTS)


@pytest.mark.parametrize("code", ["DEM", "eur", "XTS", "XAU", "", "EURO"])
def test_other_codes_are_refused_with_the_field_at_fault(code: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        check_currency(code, field="reference_currency")

    assert refused.value.field == "reference_currency"


@pytest.mark.parametrize(
    ("amount", "exponent", "rate", "value"),
    [
        (199, 2, 1_000_000, 1),  # floored
        (100, 2, 999_999, 0),
        (5000, 0, 6_000, 30),  # yen
        (123_456, 3, 3_000_000, 370),
        (10**15, 0, 10**12, VALUE_CAP),
        (VALUE_CAP * 100, 2, 1_000_000, VALUE_CAP),
        (VALUE_CAP * 100 - 1, 2, 1_000_000, VALUE_CAP - 1),
    ],
)
def test_business_is_worth_whole_units_floored_and_capped(
    amount: int, exponent: int, rate: int, value: int
) -> None:
    assert reference_value(amount, exponent, rate) == value


@given(st.sampled_from(Pretrust), st.sampled_from(Decay), st.integers(1, VALUE_HALF_MAX))
def test_policies_fit_one_number(pretrust: Pretrust, decay: Decay, half: int) -> None:
    packed = pack_policy(NetworkPolicyChanged(pretrust=pretrust, decay=decay, value_half=half))

    assert unpack_policy(packed) == (pretrust is Pretrust.UNIFORM, decay is Decay.ON, half)
    assert 0 <= packed < 1 << 63


def test_marks_are_the_letters_of_palms() -> None:
    assert "".join(sorted(MARKS)) == "".join(sorted(Mark))


@pytest.mark.parametrize(
    ("micros", "number"), [(0, 0), (MICROS_PER_DAY - 1, 0), (MICROS_PER_DAY, 1), (-1, -1)]
)
def test_a_day_is_utc(micros: int, number: int) -> None:
    assert utc_day(micros) == number


@given(st.sets(st.uuids(), min_size=1, max_size=6))
def test_a_seat_knows_its_last_holder(ids: set[UUID]) -> None:
    members = [MemberId(each) for each in sorted(ids)]
    seat = Seat(0, 0)
    for member in members:
        seat = seat.changed(member, 1)
    for member in members[:-1]:
        seat = seat.changed(member, -1)

    assert seat.holder == members[-1]
    assert seat.changed(members[-1], -1) == Seat(0, 0)


@pytest.mark.parametrize(
    "written", ["STRASSENBAU", " strassenbau", "Straßenbau", "straSSenbau\t", "Strassen\u200bbau"]
)
def test_classifications_are_compared_without_case_and_spacing(written: str) -> None:
    assert fold_classification(written) == "strassenbau"


def test_a_refusal_tells_reason_field_and_facts_as_text() -> None:
    sandbox = Sandbox()
    sandbox.do(CharterNetwork(name="N"))

    with pytest.raises(RefnetError) as refused:
        sandbox.do(CharterNetwork(name="M"))

    assert refused.value.reason == "NETWORK_EXISTS"
    assert refused.value.facts == {"network": str(sandbox.last)}
    assert refused.value.message == str(refused.value)
