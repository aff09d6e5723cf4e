"""`refnet privacy`: what people may demand of their data, and what is kept about them."""

from __future__ import annotations

import datetime as dt
import json
from contextlib import closing
from pathlib import Path
from typing import Any
from uuid import uuid4

import click

from refnet.audit.lines import as_json as fact_as_json
from refnet.cli.command import CommandFailed, opened, store_command
from refnet.cli.output import Output
from refnet.cli.people import Person, as_json, find_person, word_for
from refnet.domain import rights
from refnet.domain.decisions import LOCAL, Request
from refnet.engine import Engine
from refnet.errors import RefnetError
from refnet.log.draft import Receipt
from refnet.privacy.export import AboutPerson, about_person, leaf_of, parts
from refnet.privacy.reads import ReadOf, reads_in
from refnet.publishing import FOLDER
from refnet.tlog.published import Published

_UNCHANGED = "run the same command again; what is erased stays erased"

yes_option = click.option("--yes", is_flag=True, help="Do it; without this nothing is changed.")


@click.group("privacy")
def privacy() -> None:
    """Erase, correct, restrict and export what a store knows of a person.

    A server that runs holds the store: send it EraseMember, RectifyContact and so on instead.
    """


@store_command(
    privacy,
    "erase",
    resume=_UNCHANGED,
    examples="""
    refnet privacy erase members/6f1c0f6e-6c52-4a0e-a2f5-3f5d8a6a2c11 --yes
    refnet privacy erase acct-4711 --strict --yes --json
    """,
)
@click.argument("person")
@click.option("--strict", is_flag=True, help="Destroy the ciphertexts too, not only the keys.")
@yes_option
def erase(person: str, *, strict: bool, yes: bool, data: Path, output: Output) -> None:
    """Destroy the personal data of a member or contact, for good.

    Their keys are destroyed, so that nothing of theirs can be read again; the facts stay, without
    a name, and nobody else's score changes. A member who holds a seat leaves. --strict also deletes
    the ciphertexts and clears them from the disk, which writes a large log anew.
    Contacts that were merged are one person: name the one that goes on, and all are erased.
    PERSON is members/ID, contacts/ID, a bare ID, or the external id of a member.

    If another process reads just then, or the disk is full, the person is erased all the same, and
    what is left on the disk is cleared with the next write; JSON says so ("cleared": false).

    Old backups of keys.db can bring a person back: destroy these too. A key store that was restored
    is put right when the store is next opened for writing.
    """
    with opened(data, output) as engine:
        who = find_person(engine, person)
        check_yes(yes=yes, what=f"erases {who.noun} {who.stream} for good")
        kind: Any = rights.EraseMember if who.noun == "member" else rights.EraseContact
        receipt = record(engine, kind(**{who.noun: who.stream}, strict=strict))
        _report(engine, output, who, receipt, "erased")


@store_command(
    privacy,
    "rectify",
    examples="""
    refnet privacy rectify members/6f1c0f6e-6c52-4a0e-a2f5-3f5d8a6a2c11 --name "Ann Lee" --yes
    refnet privacy rectify acct-4711 --email ann@example.org --phone "+49 30 1234" --yes
    """,
)
@click.argument("person")
@click.option("--name", help="The right name.")
@click.option("--email", help="The right e-mail address.")
@click.option("--phone", help="The right telephone number.")
@yes_option
def rectify(
    person: str,
    name: str | None,
    email: str | None,
    phone: str | None,
    *,
    yes: bool,
    data: Path,
    output: Output,
) -> None:
    """Correct personal details that were wrong, and destroy the wrong ones.

    The right text is sealed under a new key; every earlier text of the same detail is deleted, and
    reads as "corrected". What merely changed is a ChangeProfile, which keeps what was.
    PERSON is members/ID, contacts/ID, a bare ID, or the external id of a member.
    """
    with opened(data, output) as engine:
        who = find_person(engine, person)
        check_yes(yes=yes, what=f"destroys earlier details of {who.noun} {who.stream} for good")
        kind: Any = rights.RectifyMember if who.noun == "member" else rights.RectifyContact
        asked = kind(**{who.noun: who.stream}, name=name, email=email, phone=phone)
        _report(engine, output, who, record(engine, asked), "rectified")


@store_command(
    privacy,
    "restrict",
    examples="""
    refnet privacy restrict members/6f1c0f6e-6c52-4a0e-a2f5-3f5d8a6a2c11
    refnet privacy restrict acct-4711 --lift --json
    """,
)
@click.argument("person")
@click.option("--lift", is_flag=True, help="Show the data again.")
def restrict(person: str, *, lift: bool, data: Path, output: Output) -> None:
    """Keep the personal data of a member or contact, but show them to nobody.

    Where a name was, reads say "restricted"; only the person's own export shows it. All else goes
    on. With a contact this covers all that were merged with it.
    PERSON is members/ID, contacts/ID, a bare ID, or the external id of a member.
    """
    kinds: dict[tuple[str, bool], Any] = {
        ("member", False): rights.RestrictMember,
        ("member", True): rights.UnrestrictMember,
        ("contact", False): rights.RestrictContact,
        ("contact", True): rights.UnrestrictContact,
    }
    with opened(data, output) as engine:
        who = find_person(engine, person)
        receipt = record(engine, kinds[who.noun, lift](**{who.noun: who.stream}))
        by = rights.restricting(engine.state.index, who.stream)
        done = "no longer restricted" if lift else "restricted"
        if lift and by is not None:
            done = f"still restricted, as {who.noun}s/{by}; lift that too"
        _report(engine, output, who, receipt, done)


@store_command(
    privacy,
    "export",
    examples="""
    refnet privacy export members/6f1c0f6e-6c52-4a0e-a2f5-3f5d8a6a2c11 --json > person.jsonl
    refnet privacy export acct-4711 --data ./network
    """,
)
@click.argument("person")
def export_person(person: str, data: Path, output: Output) -> None:
    """Print every fact about a person, with --json one JSON object a line.

    Each is a line of `export facts`, so that its commitment can be computed from it, and besides
    has `leaf_index`, its place in the transparency log, `proof`, if a checkpoint covers it, and
    `personal`, the person's own texts in clear. Texts about others stay sealed. Without the
    key-encryption key all do, and are shown as such. PERSON is members/ID, contacts/ID, a bare ID,
    or the external id of a member.
    """
    with opened(data, output, read_only=True) as engine, closing(engine.reader()) as reader:
        who = find_person(engine, person)
        if engine.keys.lost is not None:
            output.warn(f"personal data are shown as sealed: {engine.keys.lost.message}")
        opens = None if engine.keys.lost is not None else engine.disclosure(reader)
        end, published = engine.head()[0], Published(data / FOLDER)
        with output.progress("exporting", end) as advance:
            for after, upto in parts(end):
                for found in about_person(reader, opens, who.stream, after, upto):
                    output.write(_line(found, published) if output.as_json else _text(found))
                advance(upto)


@store_command(
    privacy,
    "reads",
    examples="""
    refnet privacy reads
    refnet privacy reads members/6f1c0f6e-6c52-4a0e-a2f5-3f5d8a6a2c11 --json
    """,
)
@click.argument("person", required=False)
def reads(person: str | None, data: Path, output: Output) -> None:
    """List who was shown whose personal data by a server, once for each UTC day.

    Commands that read the store's files directly are not among them: who can run these has the
    keys. PERSON is members/ID, contacts/ID, a bare ID, or the external id of a member.
    """
    with opened(data, output, read_only=True) as engine, closing(engine.reader()) as reader:
        subject = None if person is None else find_person(engine, person).stream
        found = list(reads_in(reader, 0, engine.head()[0], subject))
        if output.as_json:
            output.result({"reads": [_read(each) for each in found]})
            return
        rows = [(_date(each.day), str(each.subject), each.reader) for each in found]
        output.table("Reads of personal data", ("day", "person", "reader"), rows)


def check_yes(*, yes: bool, what: str) -> None:
    """Raises CommandFailed unless the caller has confirmed what cannot be undone."""
    if not yes:
        raise CommandFailed("NOT_CONFIRMED", f"this {what}, and nothing was changed; add --yes")


def record(engine: Engine, *asked: Any) -> Receipt:
    """Record commands together; the last one's receipt. Raises the first refusal."""
    requests = [
        Request(command=each, request_id=str(uuid4()), new_id=uuid4(), principal=LOCAL)
        for each in asked
    ]
    receipts = []
    for outcome in engine.execute(requests):
        if isinstance(outcome, RefnetError):
            raise outcome
        receipts.append(outcome)
    return receipts[-1]


def _report(engine: Engine, output: Output, who: Person, receipt: Receipt, what: str) -> None:
    """Say what was done; and if a reader or a full disk was in the way, that something is left."""
    name, cleared = f"{who.noun}s/{who.stream}", not engine.sequencer.eraser.has_work
    if output.as_json:
        done = {"person": name, "done": what, "position": receipt.last, "cleared": cleared}
        output.result(done)
    else:
        output.line(f"{name} is {what}; the receipt is the fact at position {receipt.last}")


def _line(found: AboutPerson, published: Published) -> bytes:
    personal = {field: as_json(text) for field, text in found.personal.items()}
    more = json.dumps({**leaf_of(found.row, published), "personal": personal}, ensure_ascii=False)
    return b"".join((fact_as_json(found.row)[:-2], b",", more[1:].encode(), b"\n"))


def _text(found: AboutPerson) -> bytes:
    own = [
        f"{field}: {text if isinstance(text, str) else f'({word_for(text)})'}"
        for field, text in found.personal.items()
    ]
    row = found.row
    return f"{row.position:>9}  {row.topic:<36} {'  '.join(own)}".rstrip().encode() + b"\n"


def _date(day: int) -> str:
    return (dt.date(1970, 1, 1) + dt.timedelta(days=day)).isoformat()


def _read(each: ReadOf) -> dict[str, object]:
    return {
        "person": str(each.subject),
        "reader": each.reader,
        "day": each.day,
        "position": each.position,
    }
