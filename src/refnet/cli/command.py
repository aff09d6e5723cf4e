"""What all commands share: --data, --json, how a refusal ends, and what Ctrl-C means."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import click

from refnet.cli.output import Output
from refnet.cli.readonly import told_read_only
from refnet.cli.unfinished import refuse_unfinished
from refnet.engine import Engine
from refnet.errors import LogBehind, LogForked, NotFound, RefnetError
from refnet.log.store import FILE
from refnet.wiring import open_engine

INTERRUPTED = 130
NOT_THE_LOG = 78
"""What was signed and published is not what the database holds (EX_CONFIG)."""

DEFAULT_DATA = "./refnet-data"


class CommandFailed(Exception):
    """A command could not do what it was asked, for a reason that is not a refusal of the store."""

    def __init__(self, reason: str, message: str) -> None:
        """reason: a word for programs. message: a sentence with a way out."""
        super().__init__(message)
        self.reason = reason
        self.message = message


def store_command(
    group: click.Group | None = None,
    name: str | None = None,
    *,
    examples: str,
    resume: str = "nothing was changed",
    data: click.Option | None = None,
    refused: int = 1,
) -> Callable[[Callable[..., None]], click.Command]:
    """Declare a command whose function takes `data` (the store) and `output` besides its options.

    examples: lines for --help. resume: what to say after Ctrl-C. data: another --data than a
    store's. refused: the exit code of a refusal, where 1 is an answer.
    """

    def declare(function: Callable[..., None]) -> click.Command:
        @functools.wraps(function)
        def run(*args: Any, as_json: bool, **options: Any) -> None:
            output = Output(as_json=as_json)
            with _endings(output, resume, refused), told_read_only(Path(options["data"])):
                function(*args, output=output, **options)

        make = click.command if group is None else group.command
        command = make(name, epilog=_lines("Examples:", examples))(run)
        command.params += [_data_option() if data is None else data, _json_option()]
        return command

    return declare


@contextmanager
def opened(
    data: Path, output: Output, *, read_only: bool = False, make: bool = False
) -> Iterator[Engine]:
    """The store in a directory, closed at the end.

    make: it is made if missing. Else that is NotFound, and nothing is made: who mistypes the
    directory must not take an empty store, with keys of its own, for the one that was meant.
    """
    refuse_unfinished(data)
    if not make and not (data / FILE).exists():
        raise NotFound(f"{data} holds no log; name the store with --data", path=data)
    with open_engine(data, read_only=read_only, warn=output.note) as engine:
        yield engine


@contextmanager
def _endings(output: Output, resume: str, refused: int) -> Iterator[None]:
    """Turn what may go wrong into one sentence and an exit code."""
    try:
        yield
    except RefnetError as refusal:
        output.fail(refusal.reason, refusal.message, field=refusal.field, facts=refusal.facts)
        _exit(NOT_THE_LOG if isinstance(refusal, LogBehind | LogForked) else refused)
    except CommandFailed as failure:
        output.fail(failure.reason, failure.message)
        _exit(refused)
    except BrokenPipeError:
        raise
    except OSError as error:
        output.fail("SYSTEM", f"{error.filename or 'the system'}: {error.strerror or error}")
        _exit(refused)
    except KeyboardInterrupt:
        output.fail("INTERRUPTED", f"interrupted; {resume}")
        _exit(INTERRUPTED)


def _exit(code: int) -> NoReturn:
    raise click.exceptions.Exit(code)


def _data_option() -> click.Option:
    return click.Option(
        ["--data"],
        type=click.Path(file_okay=False, path_type=Path),
        default=DEFAULT_DATA,
        show_default=True,
        envvar="REFNET_DATA",
        metavar="DIR",
        help="Directory of the store; import and serve make it if missing. [env: REFNET_DATA]",
    )


def _json_option() -> click.Option:
    return click.Option(
        ["--json", "as_json"], is_flag=True, help="Print JSON only; a refusal too is JSON."
    )


def _lines(title: str, text: str) -> str:
    """A block that --help does not wrap."""
    lines = [line.strip() for line in text.strip().splitlines()]
    return "\n".join(["\b", title, *(f"  {line}" for line in lines)])
