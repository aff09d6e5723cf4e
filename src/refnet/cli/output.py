"""What goes to the terminal: results to stdout, everything else to stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import StringIO
from pathlib import Path

import click
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table

Advance = Callable[[int], None]
"""Told how much of the total is done."""


_TEXT_WIDTH = 36
_UNLIMITED = 10_000


class OutputLost(Exception):
    """Standard output took no more: a full disk, say. The text is the system's reason."""


@contextmanager
def writing() -> Iterator[None]:
    """Raises OutputLost for what goes wrong with stdout, but BrokenPipeError as it is."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputLost(error.strerror or str(error)) from error


class Output:
    """Prints the results of one command, as text or as JSON."""

    def __init__(self, *, as_json: bool) -> None:
        """as_json: stdout is for JSON only, and stderr speaks only to people."""
        self.as_json = as_json
        self._warned = False

    def result(self, value: Mapping[str, object]) -> None:
        """The one JSON object of a command. Call it only when `as_json`."""
        self.line(json.dumps(value, allow_nan=False))

    def line(self, text: str) -> None:
        """A line of the result, for people."""
        with writing():
            click.echo(text)

    def write(self, raw: bytes) -> None:
        """A part of a result that is too long for one piece. Flushed at the end."""
        with writing():
            sys.stdout.buffer.write(raw)

    def table(self, title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """A table for people; the second column is a text, the others are numbers."""
        table = _table(title, columns, rows)
        console = Console(file=sys.stdout)
        # Rather lines that a narrow terminal breaks than numbers that are cut.
        console.width = max(console.width, _whole(table))
        with writing():
            console.print(table)

    def drawing(
        self, path: Path, title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]
    ) -> None:
        """The table as an SVG file."""
        table = _table(title, columns, rows)
        console = Console(file=StringIO(), record=True, width=_whole(table))
        console.print(table)
        path.write_text(console.export_svg(title="refnet"), encoding="utf-8")

    def note(self, text: str) -> None:
        """Something worth knowing that is no result."""
        if not self.as_json or sys.stderr.isatty():
            click.echo(f"note: {text}", err=True)

    def warn(self, text: str) -> None:
        """Why a result is less than it looks; also beside JSON, but only the first time."""
        if not self._warned:
            click.echo(f"warning: {text}", err=True)
            self._warned = True

    def fail(self, reason: str, message: str, **details: object) -> None:
        """Why the command did not do what it was asked."""
        click.echo(f"refnet: {message}", err=True)
        if self.as_json:
            self.error(reason, message, **details)

    def complain(self, text: str) -> None:
        """Something that was found and should not be, beside a result that says so too."""
        click.echo(f"refnet: {text}", err=True)

    def error(self, reason: str, message: str, **details: object) -> None:
        """What `fail` says, for programs alone. Call it only when `as_json`."""
        self.result({"error": {"reason": reason, "message": message, **details}})

    @contextmanager
    def progress(self, title: str, total: int) -> Iterator[Advance]:
        """A bar on stderr while something runs, if a person is watching."""
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TimeRemainingColumn(),
        )
        console = Console(stderr=True)
        with Progress(
            *columns, console=console, transient=True, disable=not console.is_terminal
        ) as bar:
            task = bar.add_task(title, total=max(total, 1))
            yield lambda done: bar.update(task, completed=done)


def _table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    table = Table(title=escape(title), title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    for place, column in enumerate(columns):
        if place == 1:
            table.add_column(column, no_wrap=True, max_width=_TEXT_WIDTH)
        else:
            table.add_column(column, justify="right", no_wrap=True)
    for row in rows:
        table.add_row(*map(escape, row))
    return table


def _whole(table: Table) -> int:
    """The width at which nothing is cut."""
    return Console(file=StringIO(), width=_UNLIMITED).measure(table).maximum
