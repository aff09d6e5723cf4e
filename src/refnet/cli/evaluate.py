"""`refnet evaluate`: what a score model is worth, measured."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from refnet.cli.command import CommandFailed, store_command
from refnet.cli.output import Output

if TYPE_CHECKING:
    from refnet.evaluate.table import Table

INSTALL = "pip install 'refnet[evaluate]'"
_EXTRA = ("matplotlib", "rustworkx", "scipy", "sklearn")
_RESUME = "simulated networks stay in the cache; run it again to go on"


@click.group("evaluate")
def evaluate() -> None:
    """Measure a score model: fraud in real ratings, planted traits, attacks.

    Tables go to a Markdown report with figures beside it.
    """


def _data() -> click.Option:
    return click.Option(
        ["--data"],
        type=click.Path(file_okay=False, path_type=Path),
        default=".",
        show_default=True,
        envvar="REFNET_TEST_DATA",
        metavar="DIR",
        help="Folder of the real ratings: otc_network.csv.gz, otc_gt.csv. [env: REFNET_TEST_DATA]",
    )


def _seeds(context: click.Context, option: click.Parameter, text: str) -> list[int]:
    """Seeds written as 200-209,301; each once, in that order."""
    seeds: dict[int, None] = {}
    try:
        for part in text.split(","):
            first, _, last = part.partition("-")
            seeds |= dict.fromkeys(range(int(first), int(last or first) + 1))
    except ValueError as error:
        raise click.BadParameter(f"{text!r} is no list of seeds; write 200-209 or 1,5") from error
    if not seeds or len(seeds) > 1000:
        raise click.BadParameter(f"{text!r} names {len(seeds)} seeds; name 1 to 1000")
    return list(seeds)


def _report(name: str) -> tuple[Callable[..., Any], ...]:
    return (
        click.option(
            "--out",
            type=click.Path(file_okay=False, path_type=Path),
            help="Write the report and its figures into this folder.",
        ),
        click.option("--name", default=name, show_default=True, help="Of the report, without .md."),
    )


_MODEL = (
    click.option(
        "--model",
        default="1",
        show_default=True,
        help="A model's version, a candidate's name, or package.module:function.",
    ),
    click.option("--rivals/--no-rivals", default=True, help="With slow baselines beside it. [yes]"),
)
_REPORT = _report("evidence")


def _networks(seeds: str) -> tuple[Callable[..., Any], ...]:
    return (
        click.option(
            "--seeds",
            callback=_seeds,
            default=seeds,
            show_default=True,
            help="Of the simulated networks; the first three are attacked.",
        ),
        click.option("--chapters", type=click.IntRange(1, 10_000), default=20, help="[20]"),
        click.option(
            "--members", type=click.IntRange(1, 500), default=30, help="A chapter has. [30]"
        ),
        click.option("--weeks", type=click.IntRange(30, 1040), default=104, help="[104]"),
        click.option(
            "--cache",
            type=click.Path(file_okay=False, path_type=Path),
            default=Path("refnet-simulated"),
            show_default=True,
            help="Folder that keeps simulated networks; half a minute each.",
        ),
    )


_NETWORKS = _networks("200-209")
_ATTACKS = (
    click.option(
        "--groups", type=click.IntRange(1, 100), default=4, help="Tries of an attack each. [4]"
    ),
)


def _options(*options: tuple[Callable[..., Any], ...]) -> Callable[..., Any]:
    """Give a function these options, in this order."""

    def declare(function: Callable[..., None]) -> Callable[..., None]:
        for option in reversed([each for several in options for each in several]):
            function = option(function)
        return function

    return declare


@contextmanager
def _extra() -> Iterator[None]:
    """Raises CommandFailed for imports that fail because the extra is not installed."""
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] not in _EXTRA:
            raise
        raise CommandFailed(
            "EXTRA_MISSING", f"evaluating needs {error.name}, which is not installed; {INSTALL}"
        ) from error


def _part(
    name: str, *options: tuple[Callable[..., Any], ...], parts: tuple[str, ...], examples: str
) -> Callable[[Callable[..., None]], click.Command]:
    """Declare a command that measures some parts; its docstring is its help."""

    def declare(function: Callable[..., None]) -> click.Command:
        def run(data: Path, output: Output, **given: Any) -> None:
            _run(name, parts, data, output, given)

        run.__doc__ = function.__doc__
        make = store_command(evaluate, name, examples=examples, resume=_RESUME, data=_data())
        return make(_options(*options)(run))

    return declare


@_part(
    "ratings",
    _MODEL,
    _REPORT,
    parts=("ratings",),
    examples="""
    refnet evaluate ratings --data ./data
    refnet evaluate ratings --data ./data --no-rivals --json
    """,
)
def ratings() -> None:
    """How well T and known methods find fraud in a real network of ratings."""


@_part(
    "simulated",
    _MODEL,
    _REPORT,
    _NETWORKS,
    parts=("plant",),
    examples="""
    refnet evaluate simulated --seeds 200-209 --out ./report
    refnet evaluate simulated --seeds 1 --chapters 3 --weeks 40 --json
    """,
)
def simulated() -> None:
    """How well planted traits and planted opportunists are found again."""


@_part(
    "attacks",
    _MODEL,
    _REPORT,
    _NETWORKS,
    _ATTACKS,
    parts=("attacks",),
    examples="""
    refnet evaluate attacks --seeds 200-202 --out ./report
    refnet evaluate attacks --seeds 1 --chapters 4 --weeks 40 --groups 1 --json
    """,
)
def attacks() -> None:
    """What colluders, slanderers and sybils gain."""


@_part(
    "all",
    _MODEL,
    _REPORT,
    _NETWORKS,
    _ATTACKS,
    parts=("ratings", "plant", "attacks"),
    examples="""
    refnet evaluate all --data ./data --out ./report
    refnet evaluate all --data ./data --model package.module:function --json
    """,
)
def everything() -> None:
    """All of it: minutes, and half a minute more for each seed that is new."""


@store_command(
    evaluate,
    "candidates",
    examples="""
    refnet evaluate candidates --data ./data --out ./report
    refnet evaluate candidates --data ./data --seeds 100 --groups 1 --json
    """,
    resume=_RESUME,
    data=_data(),
)
@_options(_report("evidence-candidates"), _networks("100-103"), _ATTACKS)
def candidates(data: Path, output: Output, **given: Any) -> None:
    """Every model that was tried beside each other; a quarter of an hour."""
    out: Path | None = given.pop("out")
    title: str = given.pop("name")
    with _extra():
        from refnet.evaluate import compare  # noqa: PLC0415
        from refnet.evaluate.gather import Order  # noqa: PLC0415
    order = Order("", _command("candidates", given), data=data, rivals=False, **given)
    compared = compare.compare(order, output.progress)
    path = None if out is None else compare.write(compared, order, out, title)
    _tell_all(compare.tables(compared), path, output)


@store_command(
    evaluate,
    "alerts",
    examples="""
    refnet evaluate alerts --seeds 200-203
    refnet evaluate alerts --seeds 1 --chapters 2 --weeks 40 --groups 1 --json
    """,
    resume=_RESUME,
    data=_data(),
)
@_options(_NETWORKS, _ATTACKS)
def alerts(data: Path, output: Output, **given: Any) -> None:
    """How many planted colluders raise an alert, and how many alerts are false.

    No real data is read, and no score is looked at. Prints the tables as Markdown.
    """
    with _extra():
        from refnet.evaluate.alerts import measure_alerts  # noqa: PLC0415
        from refnet.evaluate.gather import Order  # noqa: PLC0415
    order = Order("", _command("alerts", given), data=data, **given)
    tables = measure_alerts(order, output.progress)
    if output.as_json:
        output.result({"tables": [table.document() for table in tables]})
        return
    for table in tables:
        output.line(table.markdown())


def _run(
    name: str, parts: tuple[str, ...], data: Path, output: Output, given: dict[str, Any]
) -> None:
    out: Path | None = given.pop("out")
    title: str = given.pop("name")
    with _extra():
        from refnet.evaluate.gather import Order, gather  # noqa: PLC0415 - a second, and the extra
        from refnet.evaluate.report import document, write  # noqa: PLC0415
    given.setdefault("cache", Path())
    order = Order(
        **given,
        data=data,
        made_by=_command(name, given),
        ratings="ratings" in parts,
        plant="plant" in parts,
        attacks="attacks" in parts,
    )
    evidence = gather(order, output.progress)
    path = None if out is None else write(evidence, out, title)
    _tell(document(evidence), path, output)


def _tell_all(found: list[Table], path: Path | None, output: Output) -> None:
    if output.as_json:
        tables = [table.document() for table in found]
        output.result({"tables": tables, "report": None if path is None else str(path)})
        return
    goals = next(table for table in found if table.title.startswith("Goals"))
    met = goals.rows[-1][2:]
    rows = [[str(count), str(name)] for name, count in zip(goals.columns[2:], met, strict=True)]
    output.table(f"goals met, of {len(goals.rows) - 1}", ("met", "candidate"), rows)
    output.line(_WHERE if path is None else f"report: {path}")


def _tell(found: dict[str, object], path: Path | None, output: Output) -> None:
    if output.as_json:
        output.result({**found, "report": None if path is None else str(path)})
        return
    sections: Any = found["sections"]
    for title, tables in sections.items():
        for table in tables:
            output.line(f"{title}: {len(table['rows'])} rows, {table['title']}")
    goals = sections["Goals"][0]["rows"]
    rows = [(row["met"], row["goal"], row["wanted"], row["figure"]) for row in goals]
    output.table(f"goals of model {found['model']}", ("", "goal", "wanted", "figure"), rows)
    output.line(_WHERE if path is None else f"report: {path}")


_WHERE = "name a folder with --out for the tables"
_SAID = ("model", "seeds", "chapters", "members", "weeks", "groups")
"""Options that decide what the report says, in this order."""


def _command(name: str, given: dict[str, Any]) -> str:
    """The command for the report, without folders, which are this machine's business."""
    words = ["refnet evaluate", name]
    for option in _SAID:
        if option in given:
            value = given[option]
            text = ",".join(map(str, value)) if isinstance(value, list) else value
            words.append(f"--{option} {text}")
    return " ".join(words if given.get("rivals", True) else [*words, "--no-rivals"])
