"""`refnet whatif`: scores as if some facts had never happened."""

from __future__ import annotations

from pathlib import Path

import click

from refnet import whatif
from refnet.cli.asof import AsOf, as_of, basis, resource
from refnet.cli.command import opened, store_command
from refnet.cli.output import Output
from refnet.cli.people import find_member
from refnet.cli.scores import name_of


@store_command(
    name="whatif",
    examples="""
    refnet whatif 20836
    refnet whatif 9 20836 --member 35 --json
    """,
)
@click.argument("positions", metavar="POSITION...", type=click.IntRange(min=1), nargs=-1)
@click.option("--member", "members", multiple=True, help="Whose score to show; may be repeated.")
@click.option("--top", type=click.IntRange(1, 1000), default=10, help="Else those changed most.")
@as_of()
def what_if(
    positions: tuple[int, ...],
    members: tuple[str, ...],
    top: int,
    asked: AsOf,
    data: Path,
    output: Output,
) -> None:
    """Score the network as if the facts at these positions had never happened.

    What depends on them in their stream goes too; nothing is decided again; members keep their
    numbers. Positions are those of `refnet export facts`.
    """
    if not positions:
        raise click.UsageError("name at least one POSITION")
    with opened(data, output, read_only=True) as engine:
        snapshot = asked.scores(engine, output)
        named = [find_member(engine, snapshot, each, field="--member") for each in members]
        gone = engine.left_out(snapshot, positions)
        after = whatif.without(snapshot, gone)
        changed = whatif.most_changed(snapshot.scores, after)
        before = snapshot.scores.score
        most = changed[:top].tolist()
        shown = [(each, before.item(each), after.score.item(each)) for each in named or most]
        if output.as_json:
            output.result(
                {
                    **basis(snapshot),
                    "left_out": gone.tolist(),
                    "change_count": len(changed),
                    "digest_without": after.digest(),
                    "changes": [
                        {"member": resource(snapshot, each), "before": was, "after": would}
                        for each, was, would in shown
                    ],
                }
            )
            return
        title = f"without {len(gone)} facts {len(changed)} scores change"
        names = [name_of(engine, snapshot, each, output) for each, _, _ in shown]
        rows = [
            [f"{would - was:+.4f}", name, f"{was:.4f}", f"{would:.4f}"]
            for name, (_, was, would) in zip(names, shown, strict=True)
        ]
        output.table(title, ("change", "member", "before", "after"), rows)
        output.line(f"digest {after.digest()}")
