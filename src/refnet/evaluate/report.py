"""The report: tables in Markdown and figures beside it, and the same as one document."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from refnet.evaluate import plots, tables
from refnet.evaluate.failures import failure_table
from refnet.evaluate.goals import Goal, goal_table, goals
from refnet.evaluate.on_attacks import Outcomes, gain_table, misuse_table
from refnet.evaluate.on_ratings import RatingsEvidence, ratings_table
from refnet.evaluate.on_simulated import Measured
from refnet.evaluate.table import Table


@dataclass(frozen=True)
class Evidence:
    """Everything that was measured on one model; what was not is empty.

    model: its name. made_by: the command. collusions: by judge. seeds, attacked: of which simulated
    networks. size: "20 chapters of 30 members, 104 weeks", say. bits: values of the golden vector
    that kernel or reference do not reach to the last bit; None where there is no vector.
    """

    model: str
    made_by: str
    size: str = ""
    seeds: Sequence[int] = ()
    attacked: Sequence[int] = ()
    ratings: Sequence[RatingsEvidence] = ()
    measured: Sequence[Measured] = ()
    collusions: Mapping[str, Outcomes] = field(default_factory=dict)
    misuse: Outcomes = field(default_factory=dict)
    bits: int | None = None


Section = tuple[str, str, list[Table]]
"""Title, introduction and tables."""


def reached_by(evidence: Evidence) -> list[Goal]:
    """The goals that can be judged by what was measured."""
    judged = goals(evidence.ratings, evidence.measured, evidence.collusions)
    if evidence.bits is None:
        return judged
    what = "golden vector: values that differ"
    return [Goal(what, 0, evidence.bits, 0, least=False), *judged]


def sections(evidence: Evidence) -> Iterator[Section]:
    """The parts of the report, those that were measured."""
    reached = reached_by(evidence)
    yield "Goals", "Section 11 of the score model.", [goal_table(reached)]
    if evidence.ratings:
        yield "Real ratings", _RATINGS, [ratings_table(each) for each in evidence.ratings]
    if evidence.measured:
        measured = evidence.measured
        yield (
            "Simulated networks",
            f"{evidence.size}; seeds {_listed(evidence.seeds)}.",
            [
                tables.correlation_table(measured),
                tables.threshold_table(measured),
                tables.waiting_table(measured),
                tables.kind_table(measured),
            ],
        )
    if evidence.collusions:
        found = [gain_table(evidence.collusions, what) for what in ("words", "deals")]
        where = f"{evidence.size}; seeds {_listed(evidence.attacked)}."
        yield "Attacks", where, [*found, misuse_table(evidence.misuse)]
    if evidence.measured or evidence.misuse:
        weak = failure_table(evidence.measured, evidence.collusions, evidence.misuse)
        yield "Failure cases", "Section 9 of the score model.", [weak]


def document(evidence: Evidence) -> dict[str, object]:
    """The whole for programs."""
    parts = {title: [table.document() for table in found] for title, _, found in sections(evidence)}
    reached = reached_by(evidence)
    return {
        "model": evidence.model,
        "seeds": list(evidence.seeds),
        "attacked_seeds": list(evidence.attacked),
        "goals_met": sum(goal.met for goal in reached),
        "goals": len(reached),
        "sections": parts,
    }


def write(evidence: Evidence, folder: Path, name: str = "evidence") -> Path:
    """Write NAME.md and the figures in a folder NAME beside it; returns the path of the former.

    Raises OSError.
    """
    folder.mkdir(parents=True, exist_ok=True)
    drawn = _draw(evidence, folder / name)
    lines = [f"# Evidence for score model {evidence.model}", "", _HEAD, ""]
    lines += [f"```\n{evidence.made_by}\n```", ""]
    for title, introduction, found in sections(evidence):
        lines += [f"## {title}", "", introduction, ""]
        for table in found:
            lines.append(table.markdown(heading=table.title != title))
        for figure, words in drawn.get(title, ()):
            lines += [f"![{words}]({name}/{figure})", ""]
    path = folder / f"{name}.md"
    path.write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")
    return path


def _draw(evidence: Evidence, folder: Path) -> dict[str, list[tuple[str, str]]]:
    """Names and descriptions of the figures by section."""
    drawn: dict[str, list[tuple[str, str]]] = {}

    def add(section: str, name: str, words: str) -> Path:
        drawn.setdefault(section, []).append((name, words))
        return folder / name

    for each in evidence.ratings:
        if each.setting == "nodef":
            plots.plot_roc(each, add("Real ratings", "roc.svg", "ROC of T and of the baselines"))
    if measured := evidence.measured:
        title = "Simulated networks"
        plots.plot_kinds(measured, add(title, "kinds.svg", "Score by planted kind"))
        plots.plot_waiting(measured, add(title, "waiting.svg", "Weeks until flagged"))
        plots.plot_balance(measured, add(title, "balance.svg", "Balance against generosity"))
    if evidence.collusions:
        words = "What colluders gain under the model and baselines"
        plots.plot_gains(evidence.collusions, add("Attacks", "gains.svg", words))
    return drawn


def _listed(seeds: Sequence[int]) -> str:
    return ", ".join(map(str, seeds))


_HEAD = (
    "Numbers about the model, made by the commands below and by nobody's hand. What they measure\n"
    "is written in the docstrings of `refnet.evaluate`; why they are measured so, in\n"
    "[design/evidence.md](design/evidence.md)."
)
_RATINGS = (
    "People of a Bitcoin over-the-counter market rated each other from -10 to 10; some were found\n"
    "fraudulent. Pretrust is uniform and nothing decays. nodef drops ratings of strength 5 and\n"
    "more by the accounts the labels were made of, noT all of theirs; all leaks the labels.\n"
    "A + marks baselines that read positive ratings only."
)
