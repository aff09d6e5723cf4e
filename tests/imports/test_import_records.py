"""CSV records: quotes that run over lines, as they should and as they should not."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from refnet.errors import InvalidRequest, RefnetError
from refnet.imports.records import LINES_MAX, read_records


def records(text: str) -> list[tuple[int, list[str] | RefnetError]]:
    lines = enumerate(text.splitlines(), 1)
    return [
        (number, row if isinstance(row, RefnetError) else list(row))
        for number, row in read_records(iter(lines), ",")
    ]


def outline(text: str) -> list[object]:
    """First cells of what was read, and the lines of what was not."""
    return [
        number if isinstance(row, RefnetError) else row[0] if row else ""
        for number, row in records(text)
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("h,i\na,b\n", ["h", "a"]),
        ('h,i\n"a\nb",c\nd,e\n', ["h", "a\nb", "d"]),
        ('h,i\n"a ""b"" c",d\ne,f\n', ["h", 'a "b" c', "e"]),
        ('h,i\na,"b\nc,d\ne,f\n', ["h", 2, "c", "e"]),  # never closed
        ('h,i\na,"b\nc,d\ne,"f"\ng,h\n', ["h", 2, "c", "e", "g"]),  # "closed" by the next one
        ('h,i\na,"b\nc,d\ne,"",\ng,h\n', ["h", 2, "c", "e", "g"]),
        ('h,i\na,"b\nc,d\ne,",f"\ng,h\n', ["h", 2, "c", "e", "g"]),
        ('h,i\n"a\nb","c\nd,e\n', ["h", 3, "d"]),  # it opens in the second line of its record
        ('h,i\na,"b""\nc,d\n', ["h", 2, "c"]),
        ('h,i\n"a"b,c\nd,e\n', ["h", 2, "d"]),
        ('h,i\na"b,c\nd,e\n', ["h", 'a"b', "d"]),  # no cell begins with it, so it is a sign
        ('h,i\na,"b\n"c\nd,"e\n', ["h", 2, 3, 4]),
        ('h,i\na,"', ["h", 2]),
        ('"h\na,b\n', [1, "a"]),
        ("", []),
    ],
)
def test_a_quote_that_stays_open_costs_its_own_line_and_no_other(
    text: str, expected: list[object]
) -> None:
    assert expected == outline(text)


def test_a_cell_of_too_many_lines_is_refused_where_it_opens() -> None:
    enough = 'h,i\na,"' + "\n" * (LINES_MAX - 1) + '"\nb,c\n'
    assert ["h", "a", "b"] == outline(enough)

    number, refusal = records('h,i\na,"' + "x,y\n" * LINES_MAX + '"\nb,c\n')[1]

    assert 2 == number
    assert isinstance(refusal, InvalidRequest)
    assert "a quote opens here" in refusal.message


def test_the_message_says_what_to_do() -> None:
    refusal = records('h\n"a\n')[1][1]

    assert isinstance(refusal, InvalidRequest)
    assert "never closed" in refusal.message
    assert "; close its quotes" in refusal.message

    other = records('h\n"a\nb\n"c"\n')[1][1]

    assert isinstance(other, InvalidRequest)
    assert "a quote opens here and ends amid a cell 2 lines below" in other.message


@given(
    st.lists(
        st.lists(st.text(st.sampled_from('ab," \n'), max_size=6), min_size=2, max_size=2),
        min_size=1,
        max_size=9,
    ),
    st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]),
)
def test_what_a_csv_writer_wrote_is_read(rows: list[list[str]], quoting: Any) -> None:
    out = io.StringIO()
    csv.writer(out, quoting=quoting, lineterminator="\n").writerows(rows)

    read = [row for _, row in records(out.getvalue())]

    assert rows == read


@given(st.text(st.sampled_from('ab,"\n'), max_size=40))
def test_every_line_is_in_a_record_or_is_told_of(text: str) -> None:
    lines = text.splitlines()
    covered = 0
    for number, row in records(text):
        assert covered + 1 <= number
        covered = number
        if not isinstance(row, RefnetError):
            covered += sum(cell.count("\n") for cell in row)
    assert covered == len(lines)
