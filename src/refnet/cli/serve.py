"""`refnet serve`: the API on a local address."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from refnet import simulate as simulator
from refnet import wiring
from refnet.cli.command import opened, store_command
from refnet.cli.logs import configure_logs
from refnet.cli.output import Output
from refnet.cli.scores import print_table
from refnet.cli.simulate import Factory, last_monday

_DEMO_CHAPTERS = 3
_DEMO_WEEKS = 26
_DEMO_SEED = 1
_BEST = 10


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
@click.option("--demo", is_flag=True, help="Begin with a small made-up network if DIR is empty.")
def serve(listen: str, *, demo: bool, data: Path, output: Output) -> None:
    """Serve the gRPC API until Ctrl-C.

    Prints `listening on HOST:PORT` when ready. There is no authentication yet: whoever reaches the
    address is taken at their word, so only loopback addresses are accepted.
    """
    best = _demonstrate(data, output) if demo else None

    def ready(address: str) -> None:
        if output.as_json:
            output.result({"listening": address})
        else:
            output.line(f"listening on {address}")
            if best is not None:
                output.line(_call(address, best))
        sys.stdout.flush()

    configure_logs()
    wiring.serve(data, listen, ready=ready, warn=output.note)
    if not output.as_json:
        output.line("stopped")


def _demonstrate(data: Path, output: Output) -> str | None:
    """Fill an empty store and show its best members; the resource name of the best."""
    with opened(data, output) as engine:
        empty = engine.head()[0] == 0
    if empty:
        with output.progress("making up a network", _DEMO_WEEKS) as advance:
            simulator.simulate(
                Factory(data, output, simulated=False),
                chapters=_DEMO_CHAPTERS,
                weeks=_DEMO_WEEKS,
                seed=_DEMO_SEED,
                end=last_monday(wiring.system_clock()),
                progress=lambda done, _: advance(done),
            )
    with opened(data, output) as engine:
        snapshot = engine.scores()
        numbers = [int(number) for number in snapshot.order[:_BEST]]
        if not output.as_json:
            print_table(snapshot, numbers, engine, output)
        return f"members/{snapshot.members[numbers[0]]}" if numbers else None


def _call(address: str, member: str) -> str:
    """A call to paste into a second terminal."""
    program = (
        "from refnet import v1; from refnet.client import Client; "
        f"scores = Client('{address}').stub(v1.ScoreServiceStub); "
        f"print(scores.GetScore(v1.GetScoreRequest(member='{member}')))"
    )
    return f'try, in a second terminal:\n  {sys.executable} -c "{program}"'
