"""`refnet audit bundle`: some facts with their proofs, to be handed to somebody."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import NoReturn
from uuid import UUID

import click

from refnet.audit.bundle import Choice, make_bundle
from refnet.audit.checkpoints import Keys
from refnet.cli.command import store_command
from refnet.cli.output import Output
from refnet.cli.verify import key_option, keys_of
from refnet.domain.nouns import NOUNS
from refnet.publishing import POLICY, read_policy
from refnet.tlog.note import Verifier
from refnet.wiring import signer_directory

TERMINATED = 128 + signal.SIGTERM

_RANGE = re.compile(r"([1-9][0-9]{0,17})\.\.([1-9][0-9]{0,17})")


class RangeType(click.ParamType[tuple[int, int]]):
    """Positions A..B, both included."""

    name = "range"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int]:
        """Read it, or say what is wrong with it."""
        found = _RANGE.fullmatch(str(value))
        if found is None or int(found[1]) > int(found[2]):
            self.fail(f"{value!r} is no range of positions; give one such as 17..42", param, ctx)
        return int(found[1]), int(found[2])


class MemberType(click.ParamType[UUID]):
    """A member's id; names need keys, which an auditor lacks."""

    name = "member"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> UUID:
        """Read it, or say what is wrong with it."""
        try:
            return UUID(str(value).removeprefix("members/"))
        except ValueError:
            self.fail(f"{value!r} is no member's id, which refnet scores --json shows", param, ctx)


@store_command(
    name="bundle",
    examples="""
    refnet audit bundle --range 17..42 --out facts-17-42
    refnet audit bundle --member members/0b8b7c1a-e4bd-4d2f-9302-7b930fcb0a3e --out for-ann
    """,
)
@click.option("--member", type=MemberType(), metavar="ID", help="Facts of or about a member.")
@click.option("--range", "positions", type=RangeType(), metavar="A..B", help="Facts by position.")
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="The folder that is made; it must not exist.",
)
@key_option
def bundle(
    keys: tuple[Verifier, ...],
    member: UUID | None,
    positions: tuple[int, int] | None,
    out: Path,
    data: Path,
    output: Output,
) -> None:
    """Write facts with proofs, and how anybody checks them without refnet.

    A member's are all facts of their own stream and those that name them as giver or receiver;
    personal data stay sealed. What the newest checkpoint does not cover yet is left out. Check a
    bundle with: refnet audit verify --bundle DIR.
    """
    if (member is None) == (positions is None):
        raise click.UsageError("give one of --member and --range")
    choice = Choice(member, *(positions or ()))
    signer = signer_directory(data)
    trusted = Keys(keys or keys_of(signer, data), read_policy(signer / POLICY))
    with _swept_when_told_to_stop(), output.progress("bundling", 100) as advance:
        made = make_bundle(
            data,
            trusted,
            NOUNS,
            choice,
            out,
            lambda done, total: advance(100 * done // max(total, 1)),
        )
    if made.left and member is not None:
        output.note(f"{made.left} facts are not signed yet, and were not looked at")
    if output.as_json:
        output.result({"out": str(out), "facts": made.count, "covered": made.size})
    else:
        output.line(f"{made.count} facts with proofs in {out}")


@contextmanager
def _swept_when_told_to_stop() -> Iterator[None]:
    """Have SIGTERM unwind like Ctrl-C does: facts that are half written must not stay behind."""

    def stop(_: int, __: FrameType | None) -> NoReturn:
        raise SystemExit(TERMINATED)

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
