"""Lines and tables as they come out of files: plain, gzip, CSV, Excel, whole and broken."""

from __future__ import annotations

import datetime as dt
import gzip
import hashlib
from pathlib import Path

import pytest
from openpyxl import Workbook

from refnet.errors import InvalidRequest, RefnetError
from refnet.imports.reading import read_lines
from refnet.imports.rejects import Rejects
from refnet.imports.request_ids import Repeats, RequestIds
from refnet.imports.slip_columns import HEADINGS
from refnet.imports.tables import Cells, read_table


def rows_of(path: Path) -> list[tuple[int, Cells | RefnetError]]:
    return list(read_table(path, HEADINGS))


def test_lines_come_with_their_numbers(tmp_path: Path) -> None:
    path = tmp_path / "lines.csv"
    path.write_bytes(b"\xef\xbb\xbfone\r\n\ntwo\n\xffthree")

    assert [(1, "one"), (2, ""), (3, "two"), (4, "\udcffthree")] == list(read_lines(path))


def test_gzip_is_known_by_suffix_and_progress_counts_bytes_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "lines.csv.gz"
    path.write_bytes(gzip.compress(b"".join(b"%d\n" % n for n in range(5000))))
    seen: list[int] = []

    lines = list(read_lines(path, seen.append))

    assert (5000, "4999") == lines[-1]
    assert sorted(seen) == seen
    assert path.stat().st_size == seen[-1]


def test_lines_before_the_damage_of_a_gzip_file_are_read(tmp_path: Path) -> None:
    path = tmp_path / "lines.csv.gz"
    whole = gzip.compress(b"".join(b"%032d\n" % n for n in range(50_000)))
    path.write_bytes(whole[: len(whole) // 2])
    lines = read_lines(path)

    read: list[int] = []
    with pytest.raises(InvalidRequest, match="damaged gzip") as refusal:
        read.extend(int(line) for _, line in lines)

    assert len(read) > 1000
    assert list(range(len(read))) == read
    assert str(len(read)) == refusal.value.facts["line"]


def test_an_endless_line_does_not_fill_the_memory(tmp_path: Path) -> None:
    path = tmp_path / "lines.csv"
    path.write_bytes(b"x" * (5 << 20) + b"\nnext\n")

    (_, first), second = read_lines(path)

    assert len(first) <= 1 << 20
    assert (2, "next") == second


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_table_has_cells_by_canonical_name(tmp_path: Path, delimiter: str) -> None:
    path = tmp_path / "slips.csv"
    lines = [["Slip Type", "GIVER", "unknown"], ["referral", " ann ", "x"], ["", "", ""]]
    lines += [["one_to_one", "", "y"]]
    path.write_text("\n".join(delimiter.join(cells) for cells in lines))

    assert [(2, {"type": "referral", "from": "ann"}), (4, {"type": "one_to_one"})] == rows_of(path)


def test_a_quoted_cell_may_hold_lines_and_rows_keep_their_first_line_number(
    tmp_path: Path,
) -> None:
    path = tmp_path / "slips.csv"
    path.write_text('type,text\nreferral,"two\nlines"\nreferral,last\n')

    expected = [
        (2, {"type": "referral", "text": "two\nlines"}),
        (4, {"type": "referral", "text": "last"}),
    ]
    assert expected == rows_of(path)


def test_a_row_with_too_many_cells_is_rejected_alone(tmp_path: Path) -> None:
    path = tmp_path / "slips.csv"
    path.write_text("type,text\nreferral,a,b\nreferral,a,\n")

    (first, wrong), second = rows_of(path)

    assert 2 == first
    assert isinstance(wrong, InvalidRequest)
    assert (3, {"type": "referral", "text": "a"}) == second


def test_a_sheet_is_no_wider_than_its_headings(tmp_path: Path) -> None:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    for row in (["type", None, "text"], ["referral", "x", "a", "b"], ["referral", "x", "a", " "]):
        sheet.append(row)
    book.save(tmp_path / "slips.xlsx")
    (tmp_path / "slips.csv").write_text("type,,text\nreferral,x,a,b\nreferral,x,a, \n")
    (tmp_path / "wide.csv").write_text("type,,text,\nreferral,x,a,b\nreferral,x,a, \n")

    for name in ("slips.xlsx", "slips.csv", "wide.csv"):
        (two, wrong), good = rows_of(tmp_path / name)
        assert 2 == two
        assert isinstance(wrong, InvalidRequest)
        assert "the row has 4 cells for 3 columns" in wrong.message
        assert (3, {"type": "referral", "text": "a"}) == good


def rejects_of(data: Path, source: Path, *lines: int) -> Path:
    rejects = Rejects(data, source)
    rejects.clear()
    rejects.write([(line, InvalidRequest(f"of {source.parent.name}")) for line in lines])
    rejects.close()
    return rejects.path


def test_files_of_one_name_have_lists_of_their_own(tmp_path: Path) -> None:
    data = tmp_path / "data"
    one, two, three = (tmp_path / folder / "m.csv" for folder in ("o1", "o2", "o3"))
    numbered = tmp_path / "m.csv.2"

    lists = [rejects_of(data, each, 7) for each in (one, two, numbered, three)]

    expected = ["m.csv.csv", "m.csv.2.csv", "m.csv.2.2.csv", "m.csv.3.csv"]
    assert [data / "rejected" / name for name in expected] == lists
    assert lists == [rejects_of(data, each, 8) for each in (one, two, numbered, three)]
    for path, folder in zip(lists, ("o1", "o2", tmp_path.name, "o3"), strict=True):
        assert f"8,INVALID_REQUEST,,of {folder}" == path.read_text().splitlines()[1]
    rejects_of(data, one)
    assert not lists[0].exists()
    assert lists[1] == rejects_of(data, two, 9)  # as before, though the first name is free
    assert lists[0] == rejects_of(data, tmp_path / "o4" / "m.csv", 9)


@pytest.mark.parametrize(
    ("text", "why"), [("a,b\n1,2\n", "none of the columns"), ("from,giver\n", "from twice")]
)
def test_a_file_without_a_usable_header_is_refused(tmp_path: Path, text: str, why: str) -> None:
    path = tmp_path / "slips.csv"
    path.write_text(text)

    with pytest.raises(InvalidRequest, match=why):
        rows_of(path)


@pytest.mark.parametrize("suffix", [".xls", ".XLS", ".ods"])
def test_a_workbook_of_another_kind_is_refused_with_the_way_out(
    tmp_path: Path, suffix: str
) -> None:
    path = tmp_path / f"slips{suffix}"
    path.write_bytes(b"\xd0\xcf\x11\xe0")

    with pytest.raises(InvalidRequest, match=r"; save as \.xlsx") as refusal:
        rows_of(path)
    assert "file" == refusal.value.field


@pytest.mark.parametrize("name", ["type", "date"])
def test_a_header_without_a_column_that_every_row_needs_is_refused(
    tmp_path: Path, name: str
) -> None:
    path = tmp_path / "slips.csv"
    path.write_text(f"{ {'type': 'Date', 'date': 'Slip type'}[name] },from,to\nx,ann,bob\n")

    with pytest.raises(InvalidRequest, match=f"names no column {name}") as refusal:
        list(read_table(path, HEADINGS, needed=("type", "date")))
    assert name == refusal.value.field


def test_an_excel_sheet_reads_as_if_it_had_been_typed(tmp_path: Path) -> None:
    path = tmp_path / "slips.xlsx"
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["type", "date", "from", "amount", "heat"])
    sheet.append(["closed_business", dt.datetime(2024, 3, 5), 17, 0.1 + 0.2, 3.0])  # noqa: DTZ001
    sheet.append([None, None, None, None, None])
    sheet.append(["referral", dt.datetime(2024, 3, 5, 10, 30), None, None, None])  # noqa: DTZ001
    book.save(path)

    first = {"type": "closed_business", "date": "2024-03-05", "from": "17", "amount": "0.3"}
    assert [
        (2, {**first, "heat": "3"}),
        (4, {"type": "referral", "date": "2024-03-05T10:30:00"}),
    ] == rows_of(path)


def test_a_broken_workbook_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "slips.xlsx"
    path.write_bytes(b"PK\x03\x04 not a workbook")

    with pytest.raises(InvalidRequest, match="no readable Excel workbook"):
        rows_of(path)


def test_request_ids_depend_on_every_value_and_on_where_values_end() -> None:
    hashed = RequestIds("test", _fingerprint)

    contents: list[tuple[object, ...]] = [("a", "bc"), ("ab", "c"), ("abc",), ("a", "bc", 0)]
    made = [hashed.of(*content) for content in contents]

    assert 4 == len(set(made))
    assert made == [hashed.of(*content) for content in contents]
    assert "8" == made[0][14]
    assert made[0][19] in "89ab"
    assert made[0] != RequestIds("other", _fingerprint).of(*contents[0])


def _fingerprint(label: str, content: bytes) -> bytes:
    return hashlib.sha256(label.encode() + content).digest()


def test_repeats_count_identical_rows() -> None:
    repeats = Repeats()

    assert [0, 1, 0, 2, 3] == [repeats.before(*row) for row in ("ab", "ab", "ba", "ab", "ab")]
