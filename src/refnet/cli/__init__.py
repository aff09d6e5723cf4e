"""The command line: `refnet serve | simulate | import | scores | path | replay | ...`."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import TextIO

import click

from refnet.cli.alerts import alerts_
from refnet.cli.audit import audit
from refnet.cli.audit_diff import diff
from refnet.cli.audit_explain import explain_ as audit_explain
from refnet.cli.audit_history import history as audit_history
from refnet.cli.audit_state import state
from refnet.cli.bridges import bridges_
from refnet.cli.bundle import bundle
from refnet.cli.command import INTERRUPTED
from refnet.cli.evaluate import evaluate
from refnet.cli.explain import explain_
from refnet.cli.exporting import export
from refnet.cli.forecast import forecast_
from refnet.cli.golden import golden
from refnet.cli.history import history
from refnet.cli.importing import import_
from refnet.cli.output import Output, OutputLost, writing
from refnet.cli.path import path, trust
from refnet.cli.privacy import privacy
from refnet.cli.replay import replay
from refnet.cli.retention import retention, rotate_kek
from refnet.cli.scores import scores
from refnet.cli.serve import serve
from refnet.cli.simulate import simulate
from refnet.cli.verify import verify
from refnet.cli.whatif import what_if


@click.group(
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Every command has examples in its own --help.",
)
@click.version_option(package_name="refnet", prog_name="refnet")
def cli() -> None:
    """An open, auditable backend for referral networks.

    A network lives in one directory (--data): its log, keys and ledger. Facts go in by `serve`,
    `import` or `simulate`; scores come out, and `replay` makes them again from the log alone.
    """


for command in (
    *(
        serve,
        simulate,
        import_,
        scores,
        history,
        explain_,
        what_if,
        forecast_,
        path,
        trust,
        bridges_,
        alerts_,
    ),
    *(replay, audit, export, privacy, golden, evaluate),
):
    cli.add_command(command)
for group, command in (
    *((audit, each) for each in (verify, bundle, state, diff, audit_history, audit_explain)),
    *((privacy, each) for each in (retention, rotate_kek)),
):
    group.add_command(command)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; the exit code: 0 done, 1 refused or failed, 2 wrong usage, 130 Ctrl-C."""
    if sys.stdout is None:  # as after `>&-`
        return _lost("it is closed")
    try:
        with writing():
            code = _run(sys.argv[1:] if arguments is None else arguments)
            sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read our output has seen enough.
        _leave(sys.stdout)
        return 1
    except OutputLost as lost:
        return _lost(str(lost))
    finally:
        try:
            sys.stderr.flush()
        except (AttributeError, OSError):  # its disk has failed, and with it perhaps the store's
            _leave(sys.stderr)
    return code


def _run(arguments: Sequence[str]) -> int:
    try:
        # Not standalone, it returns what a command exits with, or what its function returned: None.
        return cli.main(args=arguments, prog_name="refnet", standalone_mode=False) or 0
    except click.ClickException as wrong:
        wrong.show()
        if "--json" in arguments:  # click gave up before it had parsed them
            Output(as_json=True).error("USAGE", wrong.format_message(), field=_field(wrong))
        return wrong.exit_code
    except click.Abort:
        return INTERRUPTED


def _field(wrong: click.ClickException) -> str:
    """The option or argument that is wrong, as it is typed, if click tells which."""
    param = wrong.param if isinstance(wrong, click.BadParameter) else None
    return "" if param is None else param.opts[0].lstrip("-")


def _lost(reason: str) -> int:
    click.echo(f"refnet: standard output takes nothing: {reason}; send it elsewhere", err=True)
    _leave(sys.stdout)
    return 1


def _leave(stream: TextIO) -> None:
    """Else Python would try once more while it exits, and end with 120 whatever we return."""
    with suppress(AttributeError, OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
