"""`refnet audit`: the signed log, and what it proves, for those who trust nobody."""

from __future__ import annotations

import os
import re
from contextlib import closing
from pathlib import Path

import click

from refnet.cli.command import CommandFailed, opened, store_command
from refnet.cli.logs import configure_logs
from refnet.cli.output import Output
from refnet.domain.decisions import Request
from refnet.engine import Engine
from refnet.errors import InvalidRequest, NetworkMissing, NotFound, RefnetError
from refnet.log.store import FILE
from refnet.publishing import FOLDER, SIGNER
from refnet.standings import claim_of
from refnet.tlog import signer
from refnet.tlog.note import KEY_SIZE, Signer
from refnet.tlog.proof_file import SUFFIX, extension
from refnet.tlog.published import Published, check_proof
from refnet.wiring import open_publishing, signer_directory

_DOMAIN = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*")


@click.group("audit")
def audit() -> None:
    """Sign and publish the log, prove what it holds, and ask it about the past.

    A store with a signer (audit init) publishes tiles and signed checkpoints in DIR/tlog: plain
    files for any web server, in the formats of c2sp.org, which tools that nobody here wrote verify.
    """


@store_command(
    audit,
    "init",
    examples="""
    refnet audit init --operator example.com
    REFNET_SIGNER_DIR=/etc/refnet/signer refnet audit init --operator example.com
    """,
)
@click.option(
    "--operator", required=True, metavar="DOMAIN", help="Who answers for the log: a domain."
)
def init(operator: str, data: Path, output: Output) -> None:
    """Make the key that signs the log, once; prints its public half.

    The signer lives in REFNET_SIGNER_DIR, else in DIR/signer: its keys, and the last checkpoint it
    signed. Keep it apart from backups of the store, or a restored backup could sign a second
    history. Hand the public key out by another way than the tiles.
    """
    if not _DOMAIN.fullmatch(operator):
        raise InvalidRequest(
            f"operator {operator!r} is no domain name; give one such as example.com",
            field="operator",
        )
    # A store that is not there yet is made: its first fact is to be signed too.
    with opened(data, output, read_only=(data / FILE).exists(), make=True) as engine:
        place = signer_directory(data)
        made = Signer(f"{operator}/refnet/{engine.log_id}", os.urandom(KEY_SIZE))
        signer.found(place, made)
    if place == data / SIGNER:
        output.note(
            f"made the signer at {place}, beside the log it signs; keep it elsewhere and name it "
            "in REFNET_SIGNER_DIR, so that no restored backup takes it along"
        )
    _show_keys(place, output)


@store_command(
    audit,
    "keys",
    examples="""
    refnet audit keys
    refnet audit keys --add
    refnet audit keys --retire 1a2b3c4d
    """,
)
@click.option("--add", is_flag=True, help="Make another key; from now on both sign.")
@click.option("--retire", metavar="ID", help="Have a key sign no more; its file is deleted.")
def keys(retire: str | None, *, add: bool, data: Path, output: Output) -> None:
    """Show the public keys of the log; the first is the oldest.

    Public halves of keys that sign no more are kept beside the others, for what they signed. To
    rotate: add a key, hand its public half out, and retire the old one when everybody has it. A
    server takes up a change when it starts again.
    """
    place = signer_directory(data)
    ids = [each.verifier.key_id.hex() for each in signer.read_keys(place)]
    if retire is not None and retire not in ids:  # or else a key would be added first
        raise NotFound(f"{place} holds no key {retire}; it holds {', '.join(ids)}", key_id=retire)
    if add:
        origin = signer.read_keys(place)[0].verifier.name
        signer.add_key(place, Signer(origin, os.urandom(KEY_SIZE)))
    if retire is not None:
        signer.retire_key(place, retire)
    _show_keys(place, output)


def _show_keys(place: Path, output: Output) -> None:
    vkeys = [each.verifier.vkey for each in signer.read_keys(place)]
    if output.as_json:
        output.result({"signer": str(place), "keys": vkeys})
    else:
        for each in vkeys:
            output.line(each)


@store_command(
    audit,
    "publish",
    resume="the next time goes on from here",
    examples="""
    refnet audit publish
    refnet audit publish --scores
    refnet audit publish --data ./network --json
    """,
)
@click.option(
    "--scores",
    is_flag=True,
    help="First state in the log what the scores are now; a simulated store takes no such fact.",
)
def publish(*, scores: bool, data: Path, output: Output) -> None:
    """Sign and publish the log as it is now, without a server; prints the checkpoint.

    A running server does this every second while there is anything new, and states the scores of
    every day that ends.
    """
    configure_logs()  # witnesses that do not cosign are told of there
    with (
        opened(data, output, read_only=not scores) as engine,
        closing(open_publishing(engine)) as publishing,
    ):
        publishing.start()
        if scores:
            _state_scores(engine)
        publishing.publish()
        pending = publishing.pending
    if pending:
        raise CommandFailed(
            "NOT_COSIGNED",
            "the checkpoint is signed, but the quorum of the policy has not cosigned it, so it is "
            "not shown; publish again when the witnesses answer",
        )
    _show_checkpoint(data, output)


def _state_scores(engine: Engine) -> None:
    """Record the digest of the scores as they are. Raises NetworkMissing, or what refuses it."""
    for network in engine.state.resident("network"):
        scores = engine.scores()
        command = claim_of(scores, network)
        # As of a position that grows with every statement: a repeat is another one.
        request_id = f"scores at {scores.position}, model {scores.model}"
        (outcome,) = engine.execute(
            [Request(command=command, request_id=request_id, new_id=network)]
        )
        if isinstance(outcome, RefnetError):
            raise outcome
        return
    raise NetworkMissing("the log holds no network yet; charter one, or import into it")


@store_command(
    audit,
    "checkpoint",
    examples="""
    refnet audit checkpoint
    refnet audit checkpoint --json
    """,
)
def checkpoint(data: Path, output: Output) -> None:
    """Print the newest signed checkpoint."""
    _show_checkpoint(data, output)


def _show_checkpoint(data: Path, output: Output) -> None:
    found, raw = Published(data / FOLDER).checkpoint()
    if output.as_json:
        output.result({"size": found.size, "root": found.root.hex(), "checkpoint": raw})
    else:
        output.write(raw.encode())


@store_command(
    audit,
    "prove",
    examples="""
    refnet audit prove 17
    refnet audit prove 17 --out 17.tlog-proof
    """,
)
@click.argument("position", type=click.IntRange(min=1))
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    help=f"Write to this file; such files end in {SUFFIX}.",
)
def prove(position: int, out: Path | None, data: Path, output: Output) -> None:
    """Prove that the fact at a position is in the log.

    The proof is a file of c2sp.org/tlog-proof: whoever has it, the fact with its salt and the log's
    public key needs nothing else.
    """
    proof = Published(data / FOLDER).inclusion(position)
    with opened(data, output, read_only=True) as engine:
        check_proof(proof, next(engine.rows(position - 1, position)))
    if out is not None:
        out.write_text(str(proof), encoding="utf-8")
    if output.as_json:
        output.result({"position": position, "index": proof.index, "proof": str(proof)})
    elif out is None:
        output.write(str(proof).encode())


@store_command(
    audit,
    "consistency",
    examples="""
    refnet audit consistency 1000
    refnet audit consistency 1000 --json
    """,
)
@click.argument("old", type=click.IntRange(min=0))
def consistency(old: int, data: Path, output: Output) -> None:
    """Prove that the newest checkpoint continues the log of OLD facts.

    The proof is what a witness is sent (c2sp.org/tlog-witness).
    """
    path, raw = Published(data / FOLDER).consistency(old)
    proof = extension(old, path, raw)
    if output.as_json:
        output.result({"old": old, "path": [each.hex() for each in path], "proof": proof})
    else:
        output.write(proof.encode())
