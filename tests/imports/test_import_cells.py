"""What the cells of imported files mean."""

from __future__ import annotations

import datetime as dt

import pytest

from refnet.errors import InvalidRequest
from refnet.imports.cells import (
    NAME_MAX,
    parse_date,
    parse_minor_units,
    parse_name,
    parse_text,
    parse_unix_time,
    parse_when,
    parse_whole,
)


@pytest.mark.parametrize(
    ("text", "micros"),
    [
        ("1289241911.72836", 1_289_241_911_728_360),
        ("0", 0),
        (" 7 ", 7_000_000),
        ("1.0000019", 1_000_001),  # cut off, not rounded
        ("-0.0000001", -1),  # towards the past, as everywhere in time
        ("1.289241911e9", 1_289_241_911_000_000),
        ("999999999999999.999999", 999_999_999_999_999_999_999),
    ],
)
def test_unix_times_are_decimals(text: str, micros: int) -> None:
    assert micros == parse_unix_time(text, "time")


@pytest.mark.parametrize(
    "text", ["", "nan", "inf", "1_000", "0x10", "1e999", "1e16", "٣", "12:30", "--1", "1.2.3"]
)
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        parse_unix_time(text, "time")

    assert "time" == refusal.value.field
    assert text not in refusal.value.message or len(text) < 2


@pytest.mark.parametrize(("text", "number"), [("7", 7), ("-10", -10), ("7.0", 7), ("+3", 3)])
def test_whole_numbers(text: str, number: int) -> None:
    assert number == parse_whole(text, "rating")


def test_a_broken_number_is_not_rounded() -> None:
    with pytest.raises(InvalidRequest, match="whole"):
        parse_whole("7.5", "rating")


@pytest.mark.parametrize(
    ("text", "exponent", "minor"),
    [("1250.50", 2, 125_050), ("1250.5", 2, 125_050), ("12", 0, 12), ("0.001", 3, 1)],
)
def test_amounts_are_exact(text: str, exponent: int, minor: int) -> None:
    assert minor == parse_minor_units(text, "amount", exponent)


@pytest.mark.parametrize(("text", "exponent"), [("0", 2), ("-5", 2), ("1.005", 2), ("1.5", 0)])
def test_amounts_that_are_not_positive_minor_units_are_refused(text: str, exponent: int) -> None:
    with pytest.raises(InvalidRequest, match="amount"):
        parse_minor_units(text, "amount", exponent)


@pytest.mark.parametrize(
    ("text", "when"),
    [
        ("2024-03-05", dt.datetime(2024, 3, 5, tzinfo=dt.UTC)),
        ("2024-03-05T10:30:00", dt.datetime(2024, 3, 5, 10, 30, tzinfo=dt.UTC)),
        ("2024-03-05T10:30:00+02:00", dt.datetime(2024, 3, 5, 8, 30, tzinfo=dt.UTC)),
        ("2024-03-05T10:30:00Z", dt.datetime(2024, 3, 5, 10, 30, tzinfo=dt.UTC)),
    ],
)
def test_dates_and_times_are_iso(text: str, when: dt.datetime) -> None:
    assert int(when.timestamp()) * 1_000_000 == parse_when(text, "date")


def test_a_date_keeps_the_day_it_was_written_as() -> None:
    assert dt.date(2024, 3, 5) == parse_date("2024-03-05T00:30:00+02:00", "date")


@pytest.mark.parametrize("text", ["", "05.03.2024", "2024-02-30", "yesterday"])
def test_other_dates_are_refused(text: str) -> None:
    with pytest.raises(InvalidRequest, match="date"):
        parse_when(text, "date")


def test_names_have_no_blanks_around_and_a_limit() -> None:
    assert "ann" == parse_name(" ann ", "from")
    assert "é" * NAME_MAX == parse_name("é" * NAME_MAX, "from")
    for wrong in ("", "  ", "x" * (NAME_MAX + 1), "a\0b", "a\udcff", "a\nb", "a\tb", "a\u2028b"):
        with pytest.raises(InvalidRequest, match="from"):
            parse_name(wrong, "from")


def test_texts_may_be_missing_but_not_unreadable() -> None:
    assert None is parse_text("  ", "text")
    assert "two\nlines" == parse_text("two\nlines ", "text")
    for wrong in ("é" * 2049, "a\udcff"):
        with pytest.raises(InvalidRequest, match="text"):
            parse_text(wrong, "text")
