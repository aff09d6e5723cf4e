"""Rows of a CSV file or an Excel workbook, as texts by column."""

from __future__ import annotations

import datetime as dt
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from refnet.errors import InvalidRequest, RefnetError
from refnet.imports.reading import Progress, read_lines
from refnet.imports.records import Record, read_records

Cells = Mapping[str, str]
"""Text of a cell by canonical column name; columns that a row does not fill are missing."""

TableRow = tuple[int, Cells | RefnetError]
"""Line number from 1, the header's included, and the row, or why it cannot be read."""

WORKBOOKS = frozenset({".xlsx", ".xls", ".xlsb", ".ods"})
"""Suffixes of workbooks, of which only the first can be read."""

_DELIMITERS = ",;\t"
_STEP = 500


def read_table(
    path: Path,
    columns: Mapping[str, str],
    progress: Progress | None = None,
    *,
    needed: Sequence[str] = (),
) -> Iterator[TableRow]:
    """The rows below the header of a `.csv`, `.csv.gz` or `.xlsx` file (its first sheet).

    columns: canonical name by folded spelling; see `fold`. Columns of other names are left out.
    needed: names of columns without which no row makes sense. Raises InvalidRequest if the file is
    not what its suffix says, or lacks such a column, or has no known one.
    """
    suffix = path.suffix.lower()
    if suffix in WORKBOOKS and suffix != ".xlsx":
        raise InvalidRequest(
            f"{path.name} is a workbook of another kind; save as .xlsx or .csv, and import that",
            field="file",
        )
    rows = _read_xlsx(path, progress) if suffix == ".xlsx" else _read_csv(path, progress)
    names: list[str | None] | None = None
    for number, row in rows:
        if isinstance(row, RefnetError):
            if names is None:
                raise row
            yield number, row
        elif not any(cell.strip() for cell in row):
            continue
        elif names is None:
            names = _header(path, row, columns, needed)
        else:
            yield number, _cells(row, names)


def fold(heading: str) -> str:
    """A heading without case, blanks and punctuation: "Slip Type" and "slip_type" are one."""
    return "".join(sign for sign in heading.casefold() if sign.isalnum())


def _header(
    path: Path, row: Sequence[str], columns: Mapping[str, str], needed: Sequence[str]
) -> list[str | None]:
    width = max((place for place, heading in enumerate(row, 1) if heading.strip()), default=0)
    # A sheet is as wide as its widest row; cells that no heading stands above are too many.
    names = [columns.get(fold(heading)) for heading in row[:width]]
    found = [name for name in names if name is not None]
    twice = sorted({name for name in found if found.count(name) > 1})
    if not found:
        raise InvalidRequest(
            f"the first line of {path.name} names none of the columns known; "
            "begin the file with a line of column names",
            field="header",
        )
    if twice:
        raise InvalidRequest(
            f"{path.name} has column {twice[0]} twice; keep one of the two", field=twice[0]
        )
    for name in needed:
        if name not in found:
            raise InvalidRequest(
                f"the first line of {path.name} names no column {name}, which every row needs; "
                "add the column",
                field=name,
            )
    return names


def _cells(row: Sequence[str], names: Sequence[str | None]) -> Cells | RefnetError:
    if any(cell.strip() for cell in row[len(names) :]):
        return InvalidRequest(
            f"the row has {len(row)} cells for {len(names)} columns; quote cells with delimiters",
        )
    return {
        name: cell.strip()
        for name, cell in zip(names, row, strict=False)
        if name is not None and cell.strip()
    }


def _read_csv(path: Path, progress: Progress | None) -> Iterator[Record]:
    lines = read_lines(path, progress)
    first = next(lines, (1, ""))
    delimiter = max(_DELIMITERS, key=first[1].count)
    yield from read_records(chain([first], lines), delimiter)


def _read_xlsx(path: Path, progress: Progress | None) -> Iterator[tuple[int, Sequence[str]]]:
    # Imported here because it takes a quarter of a second, which every other command would pay.
    from openpyxl import load_workbook  # noqa: PLC0415
    from openpyxl.utils.exceptions import InvalidFileException  # noqa: PLC0415

    size = path.stat().st_size
    try:
        with path.open("rb") as file:
            book = load_workbook(file, read_only=True, data_only=True)
            sheet = book.worksheets[0]
            total = sheet.max_row or 1
            for number, row in enumerate(sheet.iter_rows(values_only=True), 1):
                yield number, [_text(value) for value in row]
                if progress is not None and number % _STEP == 0:
                    progress(min(size, size * number // total))
            book.close()
    except (zipfile.BadZipFile, InvalidFileException, KeyError, IndexError, SyntaxError) as error:
        raise InvalidRequest(
            f"{path.name} is no readable Excel workbook; save it again as .xlsx, or as .csv"
        ) from error


def _text(value: Any) -> str:
    """A cell as the text somebody would have typed for it."""
    match value:
        case None:
            return ""
        case dt.datetime() if value.time() == dt.time():
            return value.date().isoformat()
        case dt.datetime() | dt.date():
            return value.isoformat()
        case float():
            return format(value, ".15g")  # as many digits as Excel itself keeps
        case _:
            return str(value)
