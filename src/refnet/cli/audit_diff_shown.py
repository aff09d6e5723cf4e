"""What `refnet audit diff` prints, for people and for programs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from refnet.audit.diff import ROUNDING, TAKEN, Because, Cause, Change, Part
from refnet.audit.stores import Difference
from refnet.cli.audit_diff_sides import Found, Pair, Side, forked
from refnet.cli.moments import date_of
from refnet.cli.output import Output
from refnet.cli.scores import COMPONENTS, name_of

_CAUSES = {
    Cause.MODEL: "another model, same facts and day",
    Cause.TIME: "time: same facts on another day",
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
            _show_why(last, change, because, output)
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
    title = f"the logs are the same up to position {differs.position - 1} and differ at "
    rows = [[name, f"{one} | {two}"] for name, (one, two) in differs.what.items()]
    output.table(f"{title}{differs.position}", ("what", f"{stores[0]} | {stores[1]}"), rows)


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
            f"{each.points:+.4f}",
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
    output.line("nothing differs" if count == 0 else f"{count} members differ")


def _score(score: float | None) -> str:
    return "-" if score is None else f"{score:.4f}"


def _show_why(side: Side, change: Change, because: Because, output: Output) -> None:
    number = side.audit.kernel.snapshot(side.at).numbers[change.member]
    rows = []
    for part in because.parts:
        if part.cause is Cause.FACT:
            assert part.position is not None
            what = side.audit.fact(side.at, part.position, number)
            more = f"and {len(part.gone) - 1} that follow" if len(part.gone) > 1 else ""
            rows.append([f"{part.points:+.4f}", what, str(part.position), more])
        else:
            points = f"{part.points:+.0e}" if part.cause is Cause.ROUNDING else None
            rows.append([points or f"{part.points:+.4f}", _CAUSES[part.cause], "", ""])
    rows.append([f"{change.points:+.4f}", "the change", "", ""])
    named = f"{because.candidates} facts between concern the member"
    title = f"why {_name(side, change, output)} differs; {named}"
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
        found["because"] = [_part(part) for part in because.parts]
        found["fact_count"] = because.candidates
    return found


def _part(part: Part) -> dict[str, Any]:
    fact = {} if part.position is None else {"position": part.position, "left_out": [*part.gone]}
    return {"cause": part.cause, "points": part.points, **fact}
