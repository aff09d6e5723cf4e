"""The table of docs/mutants.md."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from mutants.equivalent import EQUIVALENT
from mutants.mutations import Mutant
from mutants.workshop import CAUGHT, STILLBORN, SURVIVED, Verdict

HEAD = """# What notices a broken formula

Every formula line of the score model's implementation, broken on purpose, one change at a time:
an operator swapped, a constant changed, an index swapped, a term dropped, and where nothing of
these applies the statement dropped. The rules that make the changes read the source
(`tests/mutants/mutations.py`), so a new line is broken without anybody remembering it. Each is
built in a scratch copy, without optimisation, and tests run until one fails. `make mutants` makes
this page, in about twenty minutes on two cores; with `MUTANTS="--kept docs/mutants.md --write
docs/mutants.md"` it judges only what the page does not say was caught.

"""


def table(verdicts: Sequence[Verdict], equivalent: Sequence[Mutant]) -> str:
    """The page: how many, survivors, equivalents, then every mutation with what caught it."""
    counts = Counter(verdict.outcome for verdict in verdicts)
    parts = [
        HEAD,
        f"{counts[CAUGHT]} caught, {counts[SURVIVED]} survived, {len(equivalent)} equivalent, ",
        f"{counts[STILLBORN]} that do not compile and are no mutants.\n",
    ]
    if survivors := [verdict for verdict in verdicts if verdict.outcome == SURVIVED]:
        parts.append("\n## Survivors\n\n")
        parts += [f"- `{verdict.mutant.name}`\n" for verdict in survivors]
    if equivalent:
        parts.append("\n## Equivalent: nothing can notice them\n\n")
        parts += [f"- `{m.name}`: {EQUIVALENT[m.name]}\n" for m in equivalent]
    for file in dict.fromkeys(verdict.mutant.file for verdict in verdicts):
        parts.append(f"\n## {file}\n\n| line | mutation | first caught by |\n| --- | --- | --- |\n")
        parts += [
            _row(verdict)
            for verdict in verdicts
            if verdict.mutant.file == file and verdict.outcome == CAUGHT
        ]
    return "".join(parts)


def caught_in(page: str, mutants: Sequence[Mutant]) -> dict[str, Verdict]:
    """Those of the mutants that a page says were caught, by name."""
    rows = {}
    for line in page.splitlines():
        start, _, by = line.removesuffix(" |").rpartition("| ")
        rows[start] = by
    begins = {mutant.name: row_begins(mutant).removesuffix("|") for mutant in mutants}
    return {
        mutant.name: Verdict(mutant, CAUGHT, rows[begins[mutant.name]], 0.0)
        for mutant in mutants
        if begins[mutant.name] in rows
    }


def _row(verdict: Verdict) -> str:
    return f"{row_begins(verdict.mutant)} {verdict.by.replace('|', ' ')} |\n"


def row_begins(mutant: Mutant) -> str:
    """How the row of a mutant that was caught begins."""
    change = mutant.name.removeprefix(f"{mutant.file}: ").replace("|", "\\|")
    return f"| {mutant.kind} | `{change}` |"
