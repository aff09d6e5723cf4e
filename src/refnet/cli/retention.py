"""`refnet privacy retention` and `rotate-kek`: what an operator does from time to time."""

from __future__ import annotations

from pathlib import Path

import click

from refnet.cli.command import opened, store_command
from refnet.cli.output import Output
from refnet.cli.privacy import check_yes, record, yes_option
from refnet.domain.values import utc_day
from refnet.privacy.retention import (
    CLASSES,
    Due,
    command_for,
    expiry_for,
    in_batches,
    read_policy,
    review,
)
from refnet.wiring import change_kek

_BATCH = 256
_FILE = click.Path(exists=True, dir_okay=False, readable=True, path_type=Path)


@store_command(
    name="retention",
    resume="who was erased before stays erased. Run the same command again to go on",
    examples="""
    refnet privacy retention policy.toml
    refnet privacy retention policy.toml --yes --json

    A policy says how many days people are kept after the last fact that names them:
    [retention]
    contacts = 730
    refused-applications = 180
    left-members = 3650
    Free texts (reasons, descriptions, testimonials) go so many days after they were recorded:
    texts = 1825
    """,
)
@click.argument("policy", type=_FILE)
@click.option("--strict", is_flag=True, help="Destroy the ciphertexts too, not only the keys.")
@click.option("--yes", is_flag=True, help="Erase them; without this they are only listed.")
def retention(policy: Path, *, strict: bool, yes: bool, data: Path, output: Output) -> None:
    """Erase people whose data were kept as long as a policy says.

    POLICY is a TOML file (below). Without --yes this is a dry run: it lists who would be erased.
    Who is restricted is kept.
    """
    wanted = read_policy(policy)
    with opened(data, output, read_only=not yes) as engine:
        found = review(engine, wanted, utc_day(engine.clock()))
        if yes:
            with output.progress("erasing", len(found.due)) as advance:
                done = 0
                for batch in in_batches(found.due, _BATCH):
                    record(engine, *(command_for(each, strict=strict) for each in batch))
                    done += len(batch)
                    advance(done)
            expiry = expiry_for(engine, found)
            if expiry is not None:
                record(engine, expiry)
        position = engine.head()[0]
    if output.as_json:
        output.result(
            {
                "erased": yes,
                "due": [_due(each) for each in found.due],
                "restricted": found.restricted,
                "texts": found.texts[0],
                "position": position,
            }
        )
        return
    rows = [(each.kind, f"{each.noun}s/{each.stream}", str(each.day)) for each in found.due]
    if rows and not yes:
        output.table("Would be erased", ("class", "person", "last day"), rows)
    for name in wanted:
        number = sum(each.kind == name for each in found.due)
        number += found.texts[0] if name == "texts" else 0
        output.line(f"{CLASSES[name]}: {number} {'erased' if yes else 'would be erased'}")
    if found.restricted:
        output.line(f"restricted, and therefore kept: {found.restricted}")


def _due(due: Due) -> dict[str, object]:
    return {"class": due.kind, "person": f"{due.noun}s/{due.stream}", "last_day": due.day}


@store_command(
    name="rotate-kek",
    resume="the old key or the new one opens the store; leave both where they are",
    examples="""
    refnet privacy rotate-kek --yes
    REFNET_KEK_FILE=old.kek refnet privacy rotate-kek --to new.kek --yes
    """,
)
@click.option(
    "--to", type=_FILE, metavar="FILE", help="The new key, of 64 hex digits. [DIR/kek: made anew]"
)
@yes_option
def rotate_kek(to: Path | None, *, yes: bool, data: Path, output: Output) -> None:
    """Change the key-encryption key: wrap all keys with another one.

    The present key is that of REFNET_KEK_FILE, else DIR/kek. Afterwards it opens nothing, and
    backups of the key store still need it. Nobody else may write to the store meanwhile.
    """
    check_yes(yes=yes, what="makes the present key-encryption key useless")
    number = change_kek(data, to, output.note)
    where = data / "kek" if to is None else to
    if output.as_json:
        output.result({"keys": number, "kek": str(where)})
        return
    output.line(f"{number} keys are under the key-encryption key in {where}")
    if to is not None:
        output.line(f"name it from now on: REFNET_KEK_FILE={to}")
