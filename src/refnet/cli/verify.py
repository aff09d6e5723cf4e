"""`refnet audit verify`: whether everything that lies here is what was recorded and signed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from refnet.audit.bundled import verify_bundle
from refnet.audit.checkpoints import Keys
from refnet.audit.finding import SKIPPED, Figures
from refnet.audit.scores import KERNEL, REFERENCE
from refnet.audit.verify import Report
from refnet.audit.verify import verify as verify_store
from refnet.cli.command import NOT_THE_LOG, store_command
from refnet.cli.output import Output
from refnet.domain.nouns import NOUNS
from refnet.errors import NotFound, StoreSealed
from refnet.publishing import FOLDER
from refnet.tlog.note import BadNote, Verifier, parse_vkey
from refnet.tlog.policy import BadPolicy, Policy, parse_policy
from refnet.tlog.publish import CHECKPOINT
from refnet.tlog.signer import RETIRED_SUFFIX, read_keys
from refnet.wiring import signer_directory

NOBODY = "none"
_MIB = 1 << 20


class VkeyType(click.ParamType[Verifier]):
    """A public key as `refnet audit keys` prints it."""

    name = "vkey"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> Verifier:
        """Read it, or say what is wrong with it."""
        try:
            return value if isinstance(value, Verifier) else parse_vkey(str(value).strip())
        except BadNote as error:
            self.fail(str(error), param, ctx)


key_option = click.option(
    "--key",
    "keys",
    type=VkeyType(),
    multiple=True,
    metavar="VKEY",
    help="Public key of the log, got by another way than the tiles; may be given more than once.",
)


class PolicyType(click.ParamType[Policy]):
    """A file of c2sp.org/tlog-policy."""

    name = "policy"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> Policy:
        """Read it, or say what is wrong with it."""
        try:
            return (
                value if isinstance(value, Policy) else parse_policy(Path(str(value)).read_bytes())
            )
        except BadPolicy as error:
            self.fail(f"{value}: {error}", param, ctx)
        except OSError as error:
            self.fail(f"{value}: {error.strerror}", param, ctx)


@store_command(
    name="verify",
    examples="""
    refnet audit verify
    refnet audit verify --key example.com/refnet/0b8b...+1a2b3c4d+AW4...
    refnet audit verify --policy witnesses.policy
    refnet audit verify --scores kernel --json
    refnet audit verify --bundle facts-17-42
    """,
)
@click.option(
    "--bundle",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Check what refnet audit bundle wrote, with nothing else; --data is not read.",
)
@key_option
@click.option(
    "--policy",
    type=PolicyType(),
    metavar="FILE",
    help="Whose signatures a checkpoint needs (c2sp.org/tlog-policy); its logs serve as --key.",
)
@click.option(
    "--scores",
    type=click.Choice([REFERENCE, KERNEL, NOBODY]),
    multiple=True,
    help="Who computes published scores again; given twice, both. [reference]",
)
def verify(
    bundle: Path | None,
    keys: tuple[Verifier, ...],
    policy: Policy | None,
    scores: tuple[str, ...],
    data: Path,
    output: Output,
) -> None:
    """Check every fact, tile, checkpoint, the saved ledger and published scores.

    Reads the database, beside a running server too, and needs no key of personal data. Without
    --key the signer's own public keys are taken, which trusts the operator. Exit code 0: all is
    well; 1: something differs, and the first of it is named; 78: the database is not the one that
    was signed.
    """
    if NOBODY in scores and len(scores) > 1:
        raise click.UsageError(f"--scores {NOBODY} stands alone")
    if policy is not None:
        keys = keys or tuple(each.verifier for each in policy.logs)
    if bundle is not None:
        if scores:
            raise click.UsageError("a bundle holds no scores; leave out --scores")
        _verify_bundle(bundle, Keys(keys, policy), output)
        return
    makers = [each for each in scores or (REFERENCE,) if each != NOBODY]
    signer = signer_directory(data)
    trusted = Keys(keys or keys_of(signer, data), policy)
    with output.progress("verifying", 100) as advance:
        report = verify_store(
            data,
            signer,
            trusted,
            NOUNS,
            makers,
            lambda done, total: advance(100 * done // max(total, 1)),
            expected=bool(keys),
        )
    show(report, trusts_operator=not keys, output=output)
    if report.findings:
        raise click.exceptions.Exit(NOT_THE_LOG if report.is_lost_or_forked else 1)


def keys_of(signer: Path, data: Path) -> Sequence[Verifier]:
    """The signer's own public keys, those first that it signs no more with; none where nothing was.

    Without the retired ones, nobody could tell that checkpoints of their time are the log's.
    """
    try:
        own = [each.verifier for each in read_keys(signer)]
        return [*_retired(signer), *own]
    except (NotFound, StoreSealed, OSError) as refusal:
        if (data / FOLDER / CHECKPOINT).exists():
            raise click.UsageError(
                f"this log is signed, and the keys of its signer cannot be had ({refusal}); "
                "give its public key with --key"
            ) from refusal
        return []


def _retired(signer: Path) -> list[Verifier]:
    found = []
    for path in sorted(signer.glob(f"*{RETIRED_SUFFIX}")):
        try:
            found.append(parse_vkey(path.read_text("utf-8").strip()))
        except (BadNote, UnicodeDecodeError) as error:
            raise click.UsageError(
                f"{path} holds no public key, so that checkpoints of its time cannot be verified; "
                "restore it, or give all public keys of the log with --key"
            ) from error
    return found


def _verify_bundle(bundle: Path, keys: Keys, output: Output) -> None:
    with output.progress("verifying", 1) as advance:
        found = verify_bundle(bundle, keys, NOUNS, lambda done, _: advance(done))
    findings, claimed = found.findings, found.checkpoint
    if output.as_json:
        output.result(
            {
                "ok": not findings,
                "origin": "" if claimed is None else claimed.origin,
                "covered": 0 if claimed is None else claimed.size,
                "trusts_bundle": not keys.verifiers,
                "trusts_bundle_policy": keys.policy is None,
                "first": findings[0].told() if findings else None,
                "steps": [each.told() for each in found.steps],
            }
        )
    else:
        for each in found.steps:
            output.line(_line(each))
    if not keys.verifiers:
        output.note(
            "the key is the bundle's own, which trusts whoever made it; give with --key what you "
            "got by another way"
        )
    elif keys.policy is None:
        output.note(
            "which witnesses must have cosigned is the bundle's own word; give with --policy what "
            "you got by another way"
        )
    for finding in findings:
        output.complain(finding.message)
    if findings:
        raise click.exceptions.Exit(1)


def show(report: Report, *, trusts_operator: bool, output: Output) -> None:
    """The whole of what was found, for programs or people."""
    notes = list(_notes(report, trusts_operator=trusts_operator))
    findings = report.findings
    if output.as_json:
        output.result(
            {
                "ok": not findings,
                "position": report.position,
                "head": report.head,
                "covered": report.covered,
                "unshown": report.unshown,
                "checkpoints": report.checkpoints,
                "scores": report.scores,
                "trusts_operator": trusts_operator,
                "first": findings[0].told() if findings else None,
                "steps": [each.told() for each in report.steps],
                "notes": notes,
            }
        )
    else:
        for each in report.steps:
            output.line(_line(each))
        output.line(f"position {report.position}, head {report.head or 'not known'}")
    for note in notes:
        output.note(note)
    for finding in findings:
        output.complain(finding.message)


def _notes(report: Report, *, trusts_operator: bool) -> Sequence[str]:
    found = []
    if trusts_operator and report.checkpoints:
        found.append(
            "the keys are the signer's own, which trusts the operator; give with --key what you "
            "got by another way"
        )
    if report.checkpoints and not report.has_signer:
        found.append("what the signer remembers is not here, and was not compared")
    if report.unshown:
        found.append(
            f"the checkpoint of {report.unshown} facts is signed and not shown yet; the log "
            "agrees with it"
        )
    signed = max(report.covered, report.unshown)
    if signed < report.position:
        found.append(f"facts from position {signed + 1} to {report.position} are not signed yet")
    return found


def _line(each: Figures) -> str:
    took = f"{each.facts:>10} facts {each.seconds:>8.2f} s {each.peak_bytes / _MIB:>6.0f} MiB"
    if each.state == SKIPPED:
        took = f"{'-':>10}"
    why = f"  {each.note}" if each.note else ""
    return f"{each.name:<12} {each.state:<8} {took}{why}"
