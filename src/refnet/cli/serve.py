"""`refnet serve`: the API on a local address."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from refnet import wiring
from refnet.cli import demo as demonstration
from refnet.cli.command import store_command
from refnet.cli.listening import check_listen
from refnet.cli.logs import configure_logs
from refnet.cli.model import model_option
from refnet.cli.output import Output
from refnet.cli.unfinished import refuse_unfinished


@store_command(
    name="serve",
    resume="the server had not started yet",
    examples="""
    refnet serve
    refnet serve --listen 127.0.0.1:0 --data ./network --json
    refnet serve --demo --data ./demo
    """,
)
@click.option(
    "--listen",
    metavar="HOST:PORT",
    default="127.0.0.1:50051",
    show_default=True,
    help="A loopback address; port 0 takes a free one.",
)
@model_option
@click.option("--demo", is_flag=True, help="Begin with a small made-up network if DIR is empty.")
def serve(listen: str, model: str, *, demo: bool, data: Path, output: Output) -> None:
    """Serve the gRPC API until Ctrl-C.

    Prints `listening on HOST:PORT` when ready. There is no authentication yet: whoever reaches the
    address is taken at their word, so only loopback addresses are accepted.
    """
    check_listen(listen)
    best = None
    if demo:
        demonstration.make(data, output)
        best = demonstration.show(data, output)
    else:
        refuse_unfinished(data)

    def ready(address: str) -> None:
        if output.as_json:
            output.result({"listening": address})
        else:
            output.line(f"listening on {address}")
            if best is not None:
                output.line(demonstration.call(address, best))
        sys.stdout.flush()

    configure_logs()
    wiring.serve(data, listen, ready=ready, model=model, warn=output.note)
    if not output.as_json:
        output.line("stopped")
