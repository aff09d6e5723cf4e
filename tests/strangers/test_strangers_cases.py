"""The cases that strangers judge in `make verify-strangers`, judged by refnet's own verifier."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from strangers.__main__ import judge_all, show_differences
from strangers.cases import CHECKPOINT, CONSISTENCY, INCLUSION
from strangers.degenerate import degenerate
from strangers.installed import verdicts
from strangers.logs import Log, sizes_of, true_cases, write_files
from strangers.mutations import false_cases
from strangers.ours import refusal

SEED = 7


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Log:
    return Log(tmp_path_factory.mktemp("strangers"), SEED, sizes_of(SEED, most=2_000, count=8))


def test_all_that_is_true_is_accepted(log: Log, tmp_path: Path) -> None:
    cases = list(true_cases(log, SEED))

    assert {case.kind for _, case in cases} == {CHECKPOINT, INCLUSION, CONSISTENCY}
    assert len({case for _, case in cases}) == len(cases) > 100
    assert {name: refusal(case) for name, case in cases if refusal(case)} == {}
    write_files(tmp_path / "files", log, cases)
    assert len(list((tmp_path / "files").glob("*.tlog-proof"))) > 50


@pytest.mark.parametrize(
    ("kind", "count", "ways"),
    [(INCLUSION, 2_000, 22), (CONSISTENCY, 1_000, 16), (CHECKPOINT, 300, 10)],
)
def test_nothing_that_is_false_is_accepted(log: Log, kind: str, count: int, ways: int) -> None:
    cases = list(false_cases(log, SEED, kind, count))
    true = {case for _, case in true_cases(log, SEED)}

    assert len({case for _, case in cases}) == count
    assert not true.intersection(case for _, case in cases)
    assert {name for name, case in cases if not refusal(case)} == set()
    assert len({name for name, _ in cases}) >= ways


def test_the_same_seed_makes_the_same_cases(log: Log, tmp_path: Path) -> None:
    again = Log(tmp_path, SEED, log.sizes)

    assert log.notes == again.notes
    for kind in (INCLUSION, CONSISTENCY, CHECKPOINT):
        made = list(false_cases(log, SEED, kind, 50))
        assert made == list(false_cases(again, SEED, kind, 50))
        assert made != list(false_cases(log, SEED + 1, kind, 50))


def test_what_refnet_says_to_the_degenerate_cases(log: Log) -> None:
    accepted = {name for name, case in degenerate(log) if not refusal(case)}

    assert accepted == {
        "consistency 0 -> 257, empty proof",
        "consistency 0 -> 0, empty proof",
        "consistency 257 -> 257, empty proof",
        "a stranger's signature besides",
        "a stranger's signature first",
        "a namesake's signature besides",
        "the log's signature twice",
        "an extension line, signed",
        "size 0 with another root, signed",
    }


def says(word: str) -> list[str]:
    """A verifier that thinks the same of everything."""
    return [sys.executable, "-c", f"import sys; [print({word!r}) for line in sys.stdin]"]


def test_a_verifier_that_is_wrong_is_found_out(
    log: Log, capsys: pytest.CaptureFixture[str]
) -> None:
    true = list(true_cases(log, SEED))[:9]
    false = list(false_cases(log, SEED, INCLUSION, 7))

    assert judge_all([("refnet", None)], true, false) == []
    assert len(judge_all([("yes", says("accept"))], true, false)) == 5  # the first few are named
    assert len(judge_all([("no", says("refuse why"))], true, false)) == 5
    assert judge_all([("silent", says("pass"))], true, false) == []
    assert "| refnet | 9 | 9 | 7 | 7 |" in capsys.readouterr().out
    show_differences([("refnet", None), ("yes", says("accept"))], false[:1])
    assert capsys.readouterr().out.splitlines()[-1].endswith(" | - | + | differ |")


@pytest.mark.parametrize("word", ["", "perhaps"])
def test_a_verifier_that_breaks_is_no_verifier(log: Log, word: str) -> None:
    lines = [log.checkpoint(0).line()]
    with pytest.raises(RuntimeError):
        verdicts(says(word), lines)
    with pytest.raises(RuntimeError):
        verdicts([sys.executable, "-c", "print('accept')"], [*lines, *lines])
    with pytest.raises(RuntimeError):
        verdicts([sys.executable, "-c", "print('accept'); raise SystemExit(3)"], lines)
