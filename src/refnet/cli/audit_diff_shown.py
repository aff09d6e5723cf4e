"""What `refnet audit diff` prints, for people and for programs."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any
from uuid import UUID

from refnet.audit.diff import ROUNDING, TAKEN, Because, Cause, Change, Part
from refnet.audit.opinions import Moment
from refnet.audit.stores import Difference
from refnet.cli.audit_diff_sides import Found, Pair, Side, forked
from refnet.cli.audit_scores import Audit
from refnet.cli.moments import date_of
from refnet.cli.output import Output
from refnet.cli.scores import COMPONENTS, name_of

_CAUSES = {
    Cause.MODEL: "another model, same facts and day",
    Cause.TIME: "time: what counted already fades",
    Cause.TOGETHER: "these facts only together",
    Cause.OTHERS: "all other facts between",
    Cause.ROUNDING: "rounding",
}


def show(pair: Pair, found: Found, differs: Difference | None, output: Output) -> bool:
    """Print what was found; returns whether nothing differs and the opinions agree."""
    if output.as_json:
        output.result(_document(pair, found, differs))
    else:
        if differs is not None:
            _show_rows(differs, (pair[0].store, pair[1].store), output)
        _show_changes(pair, found, output)
        last = _last(pair)
        for change, because in zip(found.shown, found.why, strict=False):
            if {part.cause for part in because.parts} <= {Cause.MODEL, Cause.ROUNDING}:
                continue  # the components say it
            show_why(last.audit, last.at, change.member, because, output)
        if forked(differs) and found.all:
            output.line("the two histories have forked: no fact is the cause, the difference is")
    return differs is None and not found.all and found.agree


def show_unscored(differs: Difference, stores: tuple[Path, Path], output: Output) -> None:
    """Print in what two logs differ of which one, at least, is damaged there."""
    if output.as_json:
        output.result({"first_difference": _difference(differs), "change_count": None})
        return
    _show_rows(differs, stores, output)
    for store, damaged in zip(stores, differs.damaged, strict=True):
        if damaged:
            output.line(
                f"in {store} that row is not what was committed to: it was changed after it was "
                "recorded; restore it, then scores can be compared"
            )


def _show_rows(differs: Difference, stores: tuple[Path, Path], output: Output) -> None:
    at = differs.position
    output.line(f"the logs are the same up to position {at - 1} and differ at {at}")
    for name, said in differs.what.items():
        for store, value in zip(stores, said, strict=True):
            output.line(f"  {name} in {store}: {value}")


def _last(pair: Pair) -> Side:
    return pair[0] if pair[1].at < pair[0].at else pair[1]


def _title(side: Side) -> str:
    at = side.at
    tried = "".join(f", {name} = {value}" for name, value in side.tried.items())
    return f"position {at.position}, {date_of(at.day)}, model {at.model}{tried}"


def _name(side: Side, change: Change, output: Output) -> str:
    snapshot = side.audit.kernel.snapshot(side.at)
    number = snapshot.numbers[change.member]
    return name_of(side.audit.engine, snapshot, number, output)


def _show_changes(pair: Pair, found: Found, output: Output) -> None:
    heading = f"A: {_title(pair[0])}; B: {_title(pair[1])}"
    rows = [
        [
            signed(each.points),
            _name(_last(pair), each, output),
            *(_score(score) for score in (each.before, each.after)),
            *("-" if rank is None else str(rank) for rank in (each.rank_before, each.rank_after)),
            *(f"{each.components[letter]:+.3f}" for letter in (*COMPONENTS.values(), TAKEN)),
        ]
        for each in found.shown
    ]
    columns = ("change", "member", "A", "B", "rank A", "rank B", *COMPONENTS, "opportunism")
    if rows:
        output.table(heading, columns, rows)
    else:
        output.line(heading)
    count = len(found.all)
    said = "1 member differs" if count == 1 else f"{count} members differ"
    output.line("no score differs" if count == 0 else said)


def signed(points: float) -> str:
    """Points with their sign; small ones show that they are not nothing."""
    return f"{points:+.1e}" if 0.0 < abs(points) < 5e-5 else f"{points:+.4f}"


def _score(score: float | None) -> str:
    return "-" if score is None else f"{score:.4f}"


def show_why(
    audit: Audit, at: Moment, member: UUID, because: Because, output: Output, what: str = ""
) -> None:
    """A table of the parts of one member's change. at: the later moment. what: of which change."""
    snapshot = audit.kernel.snapshot(at)
    number = snapshot.numbers[member]
    rows = []
    for part in because.parts:
        if part.cause is Cause.FACT:
            assert part.position is not None
            named = audit.fact(at, part.position, number)
            more = f"and {len(part.gone) - 1} that follow" if len(part.gone) > 1 else ""
            rows.append([signed(part.points), named, str(part.position), more])
        else:
            rows.append([signed(part.points), _CAUSES[part.cause], "", ""])
    whole = math.fsum(part.points for part in because.parts)
    rows.append([signed(whole), "the change", "", ""])
    who = name_of(audit.engine, snapshot, number, output)
    named = f"facts between that concern the member: {because.candidates}"
    title = f"why {who} differs{what}; {named}"
    output.table(title, ("points", "because of", "position", "with it"), rows)


def _document(pair: Pair, found: Found, differs: Difference | None) -> dict[str, object]:
    why: list[Because | None] = [*found.why, *([None] * (len(found.shown) - len(found.why)))]
    return {
        "one": _side(pair[0], found.scored[0].digest),
        "other": _side(pair[1], found.scored[1].digest),
        **found.opinions,
        "first_difference": None if differs is None else _difference(differs),
        "change_count": len(found.all),
        "changes": [_change(*each) for each in zip(found.shown, why, strict=True)],
    }


def _side(side: Side, digest: str) -> dict[str, object]:
    return {
        "store": str(side.store),
        "position": side.at.position,
        "day": side.at.day,
        "date": date_of(side.at.day),
        "model": side.at.model,
        "tried": dict(side.tried),
        "digest": digest,
    }


def _difference(differs: Difference) -> dict[str, object]:
    return {
        "position": differs.position,
        "what": {name: list(each) for name, each in differs.what.items()},
        "damaged": list(differs.damaged),
    }


def _change(change: Change, because: Because | None) -> dict[str, Any]:
    found: dict[str, Any] = {
        "member": f"members/{change.member}",
        "before": change.before,
        "after": change.after,
        "rank_before": change.rank_before,
        "rank_after": change.rank_after,
        "change": change.points,
        "components": {
            **{name: change.components[letter] for name, letter in COMPONENTS.items()},
            "opportunism": change.components[TAKEN],
            ROUNDING: change.components[ROUNDING],
        },
    }
    if because is not None:
        found["because"] = [part_document(part) for part in because.parts]
        found["fact_count"] = because.candidates
    return found


def part_document(part: Part) -> dict[str, Any]:
    """A part of a change, for --json."""
    fact = {} if part.position is None else {"position": part.position, "left_out": [*part.gone]}
    return {"cause": part.cause, "points": part.points, **fact}
