"""Which version of the score model a command computes with."""

from __future__ import annotations

import click

from refnet.scoring import MODEL, MODELS

model_option = click.option(
    "--model",
    type=click.Choice(MODELS),
    default=MODEL,
    show_default=True,
    help="Version of the score model.",
)
