"""The tool that breaks formulas breaks what it should, and notices what tests do not notice."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest

from mutants import workshop
from mutants.__main__ import every_mutant, judged
from mutants.equivalent import EQUIVALENT
from mutants.lines import function_spans, logical_lines
from mutants.mutations import families_in, mutants_of
from mutants.report import caught_in, row_begins, table
from mutants.switchboard import Switchboard
from mutants.workshop import CAUGHT, SURVIVED, Verdict, Workshop

HEADER = '''# A note = 1.

cdef extern from *:
    """
    static const double GRACE = 0.5, DEPTH = 2.0;  /* 7 */
    """
    const double GRACE, DEPTH


cdef enum:
    PULLS = 6


cdef enum:  # Edge
    GIVEN, TAKEN, TRUSTED, EDGES


cdef inline double share(
    const double[:, ::1] edges, Py_ssize_t s, Py_ssize_t back, bint kept
) noexcept nogil:
    """Not 1 + 1."""
    cdef double a
    a = edges[s, GIVEN] / (edges[back, TAKEN] + GRACE)  # 2 + 2
    if kept:
        a = <double>PULLS * (
            a
            - DEPTH
        )
    return a
'''


def broken(tmp_path: Path, source: str, *, every: bool = True) -> list[str]:
    path = tmp_path / "_sample.pxd"
    path.write_text(source)
    found = mutants_of(path, families_in([source]), re.compile("(?!)"), every=every)
    return [f"{mutant.kind}: {mutant.name.removeprefix('_sample.pxd: ')}" for mutant in found]


def test_each_rule_breaks_what_it_speaks_of(tmp_path: Path) -> None:
    constants = "static const double GRACE = 0.5, DEPTH = 2.0;"
    quotient = "share: a = edges[s, GIVEN] / (edges[back, TAKEN] + GRACE)"
    difference = "share: a = <double>PULLS * (a - DEPTH)"
    found = broken(tmp_path, HEADER)

    assert {
        f"constant changed: {constants} -> static const double GRACE = 0.55, DEPTH = 2.0;",
        f"constant changed: {constants} -> static const double GRACE = 0.5, DEPTH = 2.2;",
        "constant changed: PULLS = 6 -> PULLS = 7",
        f"operator swapped: {quotient} -> a = edges[s, GIVEN] * (edges[back, TAKEN] + GRACE)",
        f"term dropped: {quotient} -> a = edges[s, GIVEN]",
        f"operator swapped: {quotient} -> a = edges[s, GIVEN] / (edges[back, TAKEN] - GRACE)",
        f"term dropped: {quotient} -> a = edges[s, GIVEN] / (edges[back, TAKEN])",
        f"index swapped: {quotient} -> a = edges[back, GIVEN] / (edges[back, TAKEN] + GRACE)",
        f"index swapped: {quotient} -> a = edges[s, TAKEN] / (edges[back, TAKEN] + GRACE)",
        f"index swapped: {quotient} -> a = edges[s, GIVEN] / (edges[s, TAKEN] + GRACE)",
        f"index swapped: {quotient} -> a = edges[s, GIVEN] / (edges[back, TRUSTED] + GRACE)",
        f"operator swapped: {difference} -> a = <double>PULLS * (a + DEPTH)",
        f"term dropped: {difference} -> a = <double>PULLS * (a)",
        "operator swapped: share: if kept: -> if not kept:",
    } <= set(found)
    assert not [name for name in found if "1 + 1" in name or "note" in name or "2 + 2" in name]
    assert len(found) == len(set(found))


def test_one_of_each_kind_is_taken_of_a_line_and_all_of_constants(tmp_path: Path) -> None:
    few = broken(tmp_path, HEADER, every=False)

    assert 2 == sum("static const" in name for name in few)
    assert 1 == sum(name.startswith("term dropped: share: a = edges") for name in few)
    assert 1 == sum(name.startswith("index swapped: share: a = edges") for name in few)


def test_a_mutant_is_its_source_but_for_one_line(tmp_path: Path) -> None:
    path = tmp_path / "_sample.pxd"
    path.write_text(HEADER)
    for mutant in mutants_of(path, {}, re.compile("(?!)"), every=True):
        assert mutant.applied(HEADER) != HEADER
        rest = HEADER.replace(mutant.line.text, "", 1)
        assert rest == mutant.applied(HEADER).replace(mutant.text, "", 1)


def test_a_switch_calls_the_copy_of_its_number(tmp_path: Path) -> None:
    sound, package = tmp_path / "sound", tmp_path / "package"
    sound.mkdir()
    package.mkdir()
    (sound / "_sample.pxd").write_text("from libc.math cimport fabs\n" + HEADER)
    found = mutants_of(sound / "_sample.pxd", {}, re.compile("(?!)"), every=True)
    inside = [mutant for mutant in found if mutant.line.place]
    board = Switchboard(dict(enumerate(inside, 1)))
    board.write(package, sound)
    text = (package / "_sample.pxd").read_text()

    spans = list(function_spans(text))
    assert len(inside) + 1 == len(spans)
    for number in board.numbers:
        assert (
            f"if mutant == {number}:\n            return share__{number}(edges, s, back, kept)"
            in (text)
        )
        line = next(n for n, each in enumerate(text.splitlines(), 1) if f"share__{number}(" in each)
        assert {number} == board.blame(f"_sample.pxd:{line + 4}:7: undeclared name")


def test_every_formula_of_the_kernel_is_broken() -> None:
    """Promise: what the kernel computes tomorrow is broken tomorrow, under every model."""
    jobs = every_mutant()
    places = {(mutant.file, mutant.line.place) for mutant, _ in jobs}
    names = {mutant.name for mutant, _ in jobs}

    for function in ("arrive", "read_row", "endorse", "exchange", "judge", "finish"):
        assert ("_passes.pxd", function) in places
    assert {("_tiles.pxd", "lay_out"), ("_tiles.pxd", "pull")} <= places
    assert {("_folds.pxd", "fold_between"), ("_folds.pxd", "fold_on")} <= places
    assert {("_model.pxd", "accumulate"), ("_model.pxd", "mass_of")} <= places
    constants = [name for name in names if name.startswith("_model.pxd: .")]
    assert len(constants) >= 70
    assert set() == EQUIVALENT.keys() - names


def test_the_table_names_survivors_first_and_says_what_caught_the_others(tmp_path: Path) -> None:
    path = tmp_path / "_sample.pxd"
    path.write_text(HEADER)
    first, second, *_ = mutants_of(path, {}, re.compile("(?!)"), every=True)
    text = table([Verdict(first, SURVIVED, "", 1.0), Verdict(second, CAUGHT, "test_it", 1.0)], [])

    assert "1 caught, 1 survived, 0 equivalent" in text
    assert text.index(f"- `{first.name}`") < text.index("| test_it |")
    kept = caught_in(text, [first, second])
    assert {name: verdict.by for name, verdict in kept.items()} == {second.name: "test_it"}


def test_lines_end_where_their_brackets_do() -> None:
    found = {line.number: line.count for line in logical_lines(HEADER)}

    assert 4 == found[next(n for n, t in enumerate(HEADER.splitlines(), 1) if "PULLS * (" in t)]


def test_forks_whose_tests_fail_on_the_sound_source_catch_nothing(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Failing:
        def __init__(self, *_: object) -> None:
            pass

        def run(self, number: int, seconds: float) -> str:
            return "(the tests do not end)"

    monkeypatch.setattr(workshop, "Collected", Failing)
    shop = Workshop(root, tmp_path / "shop")
    shop.switched.touch()
    mutant, subject = every_mutant()[0]
    shop._numbers[mutant.name] = 1
    shop._seconds[subject.tests[:1]] = 60.0
    with pytest.raises(RuntimeError, match="on the sound source"):
        shop.judge(mutant, subject)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_sample_of_mutants_is_caught(root: Path) -> None:
    """The whole takes `make mutants`; here six of its page, and one that nothing notices."""
    jobs = every_mutant()
    page = (root / "docs" / "mutants.md").read_text()
    dice = random.Random(8)
    sample = []
    for file in dict.fromkeys(mutant.file for mutant, _ in jobs):
        ours = [job for job in jobs if job[0].file == file and row_begins(job[0]) in page]
        sample.append(dice.choice(ours))
    harmless = next(job for job in jobs if "larger: return a if a > b" in job[0].name)
    verdicts = {verdict.mutant.name: verdict for verdict in judged([*sample, harmless], 2, root)}

    assert SURVIVED == verdicts.pop(harmless[0].name).outcome
    assert {CAUGHT} == {verdict.outcome for verdict in verdicts.values()}
    assert all("test" in verdict.by for verdict in verdicts.values())
