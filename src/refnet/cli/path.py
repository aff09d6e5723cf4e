"""`refnet path` and `refnet trust`: who can introduce me, and what one member knows of another."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

import click

from refnet import paths
from refnet.acquaintances import Acquaintance, Known, acquainted, seated
from refnet.cli.asof import AsOf, as_of, basis, resource, title
from refnet.cli.command import opened, store_command
from refnet.cli.output import Output
from refnet.cli.people import find_member
from refnet.cli.scores import name_of
from refnet.engine import Engine
from refnet.standings import Snapshot

_FACTS_SHOWN = 20

_KNOWN = {
    Known.REGISTERED: "registered them",
    Known.INVITED: "brought them to a meeting",
    Known.PASSED_ON: "passed them on",
    Known.WON: "won business with them",
    Known.PRAISED_BY: "spoken well of by them",
}


@store_command(
    name="path",
    examples="""
    refnet path 35 --to 2642
    refnet path '#0' --profession accountant -k 5
    refnet path 7b0c... --contact 51d2... --json
    """,
)
@click.argument("asker", metavar="FROM")
@click.option("--to", metavar="MEMBER", help="Whom to meet: an id, an external id, or #NUMBER.")
@click.option("--profession", help="Anybody active with a seat for this classification.")
@click.option("--contact", metavar="ID", help="Somebody outside the network whom a member knows.")
@click.option("-k", "--count", type=click.IntRange(1, paths.PATHS_MAX), default=3, help="[3]")
@click.option("--links", type=click.IntRange(1, paths.HOPS_MAX), default=paths.HOPS_MAX, help="[6]")
@as_of()
def path(
    asker: str,
    to: str | None,
    profession: str | None,
    contact: str | None,
    count: int,
    links: int,
    asked: AsOf,
    data: Path,
    output: Output,
) -> None:
    """Find the best chains of introductions from FROM, of up to six links.

    Members are given by id, by external id, or by # and their number. Best first: the product of
    what each link weighs, then fewer links. Distrusted links lead nowhere, and only active members
    introduce anyone. The exit code is 1 if there is no chain.
    """
    if sum(each is not None for each in (to, profession, contact)) != 1:
        raise click.UsageError("name one of --to, --profession and --contact")
    with opened(data, output, read_only=True) as engine:
        snapshot = asked.scores(engine, output)
        start = find_member(engine, snapshot, asker, field="FROM")
        wanted = _wanted(engine, snapshot, to, profession, contact)
        ends = [number for number in wanted if number != start]
        found = paths.best_paths(snapshot, start, ends, count=count, hops=links)
        if output.as_json:
            output.result(_document(snapshot, found, wanted))
        else:
            _draw(engine, snapshot, found, wanted, output)
    if not found:
        raise click.exceptions.Exit(1)


@store_command(
    name="trust",
    examples="""
    refnet trust 35 2642
    refnet trust '#0' '#1' --at 2024-07-01 --json
    """,
)
@click.argument("member", metavar="MEMBER")
@click.argument("partner", metavar="PARTNER")
@as_of()
def trust(
    member: str,
    partner: str,
    asked: AsOf,
    data: Path,
    output: Output,
) -> None:
    """Show what MEMBER knows of PARTNER at first hand, both ways, and from which facts."""
    with opened(data, output, read_only=True) as engine:
        snapshot = asked.scores(engine, output)
        one = find_member(engine, snapshot, member, field="MEMBER")
        two = find_member(engine, snapshot, partner, field="PARTNER")
        if one == two:
            raise click.UsageError("MEMBER and PARTNER are the same; name two members")
        both = [paths.link(snapshot, one, two), paths.link(snapshot, two, one)]
        facts = paths.facts_between(snapshot, one, two).tolist()
        if output.as_json:
            links = [_link(snapshot, each) for each in both]
            output.result({**basis(snapshot), "links": links, "facts": facts})
            return
        _table(engine, snapshot, both, output)
        shown = ", ".join(str(position) for position in facts[-_FACTS_SHOWN:])
        more = f"the last {_FACTS_SHOWN} of " if len(facts) > _FACTS_SHOWN else ""
        output.line(f"{more}{len(facts)} facts in force, at {shown}" if facts else "no facts")


def _wanted(
    engine: Engine,
    snapshot: Snapshot,
    to: str | None,
    profession: str | None,
    contact: str | None,
) -> dict[int, Acquaintance | None]:
    """Those who end a chain by number, and how they know the contact; raises NotFound."""
    if to is not None:
        return {find_member(engine, snapshot, to, field="--to"): None}
    if contact is not None:
        found = acquainted(snapshot, engine.state, _contact_id(contact))
        return {each.member: each for each in found}
    assert profession is not None
    return dict.fromkeys(seated(snapshot, profession))


def _contact_id(text: str) -> UUID:
    try:
        return UUID(text.removeprefix("contacts/"))
    except ValueError:
        raise click.BadParameter(
            f"{text!r} is no id of a contact", param_hint="--contact"
        ) from None


def _draw(
    engine: Engine,
    snapshot: Snapshot,
    found: list[paths.Path],
    wanted: dict[int, Acquaintance | None],
    output: Output,
) -> None:
    if not found:
        output.line("nobody can introduce them: no chain of links that are trusted leads there")
    for place, each in enumerate(found, 1):
        output.line(f"{place}. {each.product:.4f}  {len(each.links)} links")
        output.line(f"   {name_of(engine, snapshot, each.members[0], output)}")
        for link in each.links:
            output.line(f"    |  {link.weight:.3f}  {_because(link)}")
            output.line(f"   {name_of(engine, snapshot, link.receiver, output)}")
        known = wanted[each.members[-1]]
        if known is not None:
            output.line(f"   ({', '.join(_KNOWN[how] for how, _ in known.evidence)})")
    output.line(title(snapshot))


def _because(link: paths.Link) -> str:
    """What carries the trust of a link, in words."""
    parts = {
        "praise": link.praise,
        "blame": link.blame,
        "passed on": link.given,
        "received": link.taken,
        "met": link.met,
    }
    return ", ".join(f"{name} {mass:.2f}" for name, mass in parts.items() if mass > 0.0)


def _table(engine: Engine, snapshot: Snapshot, links: list[paths.Link], output: Output) -> None:
    columns = ("trust", "of whom in whom", "weight", "praise", "blame", "given", "taken", "met")
    rows = []
    for link in links:
        names = [name_of(engine, snapshot, each, output) for each in (link.giver, link.receiver)]
        numbers = (link.weight, link.praise, link.blame, link.given, link.taken, link.met)
        rows.append([f"{link.trust:.3f}", " in ".join(names), *(f"{each:.3f}" for each in numbers)])
    output.table(title(snapshot), columns, rows)


def _document(
    snapshot: Snapshot, found: list[paths.Path], wanted: dict[int, Acquaintance | None]
) -> dict[str, object]:
    chains = [
        {
            "product": each.product,
            "members": [resource(snapshot, number) for number in each.members],
            "links": [_link(snapshot, link) for link in each.links],
            "evidence": _evidence(wanted[each.members[-1]]),
        }
        for each in found
    ]
    return {**basis(snapshot), "paths": chains}


def _evidence(known: Acquaintance | None) -> dict[str, list[int]]:
    """By how the last one knows the contact, the positions of the facts that say so."""
    return {} if known is None else {how.value: list(facts) for how, facts in known.evidence}


def _link(snapshot: Snapshot, link: paths.Link) -> dict[str, object]:
    return {
        "member": resource(snapshot, link.giver),
        "partner": resource(snapshot, link.receiver),
        "trust": link.trust,
        "weight": link.weight,
        "distrusted": link.distrusted,
        "praise": link.praise,
        "blame": link.blame,
        "given": link.given,
        "taken": link.taken,
        "met": link.met,
    }
