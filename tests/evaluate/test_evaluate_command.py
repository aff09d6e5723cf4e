"""`refnet evaluate`, from the ratings to the report."""

from __future__ import annotations

import json
import math
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cli.running import COMMAND
from evaluate.conftest import CHAPTERS, MEMBERS, WEEKS
from refnet.cli import main
from refnet.evaluate.gather import Order, gather
from refnet.evaluate.goals import AUC_WANTED, Goal, goal_table, goals
from refnet.evaluate.models import MODELS
from refnet.evaluate.on_ratings import PUBLISHED, find_fraud, ratings_table
from refnet.evaluate.report import write
from refnet.evaluate.table import Table

FIGURES = ("balance.svg", "gains.svg", "kinds.svg", "roc.svg", "waiting.svg")

SMALL = (
    *("--seeds", "3", "--groups", "1", "--weeks", str(WEEKS)),
    *("--chapters", str(CHAPTERS), "--members", str(MEMBERS)),
)


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    capsys.readouterr()
    code = main(["evaluate", *map(str, arguments)])
    out, err = capsys.readouterr()
    return code, out, err


def test_a_small_run_fills_every_table_and_draws_every_figure(
    ratings: Path, cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "report"
    folders = ("--data", ratings, "--cache", cache, "--out", out)

    code, printed, _ = run(capsys, "all", *SMALL, *folders, "--json")

    assert code == 0
    found = json.loads(printed)
    sections = found["sections"]
    titles = {"Goals", "Real ratings", "Simulated networks", "Attacks", "Failure cases"}
    assert set(sections) == titles
    tables = [table for section in sections.values() for table in section]
    assert len(tables) == 12
    assert all(table["rows"] for table in tables)
    assert found["report"] == str(out / "evidence.md")
    text = (out / "evidence.md").read_text()
    assert tuple(sorted(path.name for path in (out / "evidence").iterdir())) == FIGURES
    assert set(re.findall(r"\(evidence/(\w+\.svg)\)", text)) == set(FIGURES)
    assert "refnet evaluate all --model 1 --seeds 3 --chapters 3 --members 12" in text
    assert not [folder for folder in folders[1::2] if str(folder) in text]


def test_the_same_evidence_gives_the_same_bytes(ratings: Path, cache: Path, tmp_path: Path) -> None:
    def made(name: str) -> dict[str, bytes]:
        order = Order(
            model="1",
            made_by="by a test",
            data=ratings,
            cache=cache,
            seeds=[3],
            chapters=CHAPTERS,
            members=MEMBERS,
            weeks=WEEKS,
            groups=1,
            rivals=False,
        )
        write(gather(order, Quiet), tmp_path / name)
        paths = sorted((tmp_path / name).rglob("*.*"))
        return {path.name: path.read_bytes() for path in paths}

    first = made("first")

    assert len(first) == 1 + len(FIGURES)
    assert first == made("second")


class Quiet:
    """Watches nothing."""

    def __init__(self, what: str, steps: int) -> None:
        pass

    def __enter__(self) -> Callable[[int], None]:
        return self.tell

    def tell(self, done: int) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        pass


def test_people_get_the_goals(ratings: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, printed, _ = run(capsys, "ratings", "--data", ratings, "--no-rivals")

    assert code == 0
    assert "goals of model 1" in printed
    assert "ratings nodef: AUC of T" in printed
    assert "--out" in printed.splitlines()[-1]


def doubting(accumulators: Any, day: int, standing: Any) -> dict[str, Any]:
    """Another model: nobody is trusted more than anybody else."""
    arrays = dict(MODELS["1"](accumulators, day, standing))
    arrays["T"] = 0.0 * arrays["T"]
    return arrays


def test_another_model_can_be_named(
    ratings: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "a_model", sys.modules[__name__])

    code, printed, _ = run(
        capsys, "ratings", "--data", ratings, "--model", "a_model:doubting", "--json"
    )

    assert code == 0
    found = json.loads(printed)
    assert found["model"] == "a_model:doubting"
    assert {table["rows"][0]["AUC"] for table in found["sections"]["Real ratings"]} == {0.5}


@pytest.mark.parametrize(
    ("arguments", "code", "reason", "says"),
    [
        (("ratings", "--data", "."), 1, "INVALID_REQUEST", "otc_network.csv.gz is not in"),
        (("ratings", "--model", "9"), 1, "INVALID_REQUEST", "no score model '9'"),
        (("simulated", "--seeds", "x"), 2, "USAGE", "write 200-209 or 1,5"),
        (("simulated", "--seeds", "5-1"), 2, "USAGE", "names 0 seeds"),
        (("attacks", "--weeks", "29"), 2, "USAGE", "29 is not in the range"),
    ],
)
def test_a_refusal_says_what_to_do(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    code: int,
    reason: str,
    says: str,
) -> None:
    monkeypatch.chdir(tmp_path)

    ended, printed, told = run(capsys, *arguments, "--json")

    assert ended == code
    assert json.loads(printed)["error"]["reason"] == reason
    assert says in told


def test_without_the_extra_it_says_how_to_get_it(tmp_path: Path) -> None:
    missing = 'raise ModuleNotFoundError("No module named rustworkx", name="rustworkx")'
    (tmp_path / "rustworkx.py").write_text(missing)

    done = subprocess.run(
        [*COMMAND, "evaluate", "ratings", "--json"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
    )

    assert done.returncode == 1
    assert json.loads(done.stdout)["error"]["reason"] == "EXTRA_MISSING"
    assert "needs rustworkx, which is not installed; pip install 'refnet[evaluate]'" in done.stderr


def test_ctrl_c_leaves_what_was_simulated(tmp_path: Path) -> None:
    sizes = ("--chapters", "3", "--members", "12", "--weeks", "34")
    command = [*COMMAND, "evaluate", "simulated", *sizes, "--cache", str(tmp_path)]
    with subprocess.Popen(
        [*command, "--seeds", "1-50"], stderr=subprocess.PIPE, text=True
    ) as running:
        while not list(tmp_path.glob("*.npz")) and running.poll() is None:
            time.sleep(0.02)
        running.send_signal(signal.SIGINT)
        _, told = running.communicate(timeout=60)

    assert running.returncode == 130
    assert "simulated networks stay in the cache; run it again to go on" in told
    names = [path.name for path in tmp_path.iterdir()]
    assert names
    assert {".npz"} == {Path(name).suffix for name in names}


@pytest.mark.parametrize(("model", "page"), [("1", "evidence.md"), ("2", "evidence-model-2.md")])
def test_the_pages_of_evidence_have_todays_figures_on_real_ratings(
    root: Path, shared_data: Callable[[str], Path], model: str, page: str
) -> None:
    folder = shared_data("otc_network.csv.gz").parent
    text = (root / "docs" / page).read_text()

    evidence = find_fraud(folder, MODELS[model], walks=False)

    assert f"# Evidence for score model {model}\n" in text
    for each in evidence:
        lines = ratings_table(each).markdown().splitlines()
        rows = [line for line in lines if line.startswith("| ")]
        assert len(rows) == 2 + 5
        assert [] == [row for row in rows if row not in text], each.setting


def test_trust_finds_fraud_as_well_as_was_promised(
    shared_data: Callable[[str], Path],
) -> None:
    folder = shared_data("otc_network.csv.gz").parent

    for each in find_fraud(folder, MODELS["1"], settings=("nodef", "noT"), walks=False):
        assert round(each.found[0].auc.auc, 4) >= AUC_WANTED[each.setting]
        for found in each.found:
            assert round(found.auc.auc, 4) == PUBLISHED[each.setting][found.name]


def test_the_page_says_that_the_golden_vector_agrees(root: Path) -> None:
    page = (root / "docs" / "evidence.md").read_text()

    assert "| golden vector: values that differ | <= 0 | 0 |  | met |" in page


@pytest.mark.parametrize("page", ["evidence", "evidence-model-2"])
def test_every_committed_figure_is_shown(root: Path, page: str) -> None:
    text = (root / "docs" / f"{page}.md").read_text()

    kept = {path.name for path in (root / "docs" / page).iterdir()}
    assert set(re.findall(rf"\({page}/([^)]+)\)", text)) == kept == set(FIGURES)


def test_a_goal_is_judged_as_it_is_shown() -> None:
    assert Goal("", 0.9545, 0.95446, 4).met
    assert not Goal("", 0.9545, 0.95444, 4).met
    assert Goal("", 1.05, 1.054, 2, least=False).met
    assert not Goal("", 10, math.inf, 0, least=False).met
    assert not Goal("", 0.7, math.nan).met
    assert goals([], [], {}) == []
    assert goal_table([Goal("x", 1.05, 1.06, 2, least=False)]).rows[0][-1] == "not met"


def test_a_table_says_nothing_and_never() -> None:
    table = Table("T", ("a", "b", "c"), [["x", math.nan, math.inf], ["y", 2, 0.125]], ("n",))

    assert table.markdown().splitlines()[2:6] == [
        "| a | b | c |",
        "| --- | ---: | ---: |",
        "| x |  | never |",
        "| y | 2 | 0.125 |",
    ]
    assert table.document()["rows"] == [
        {"a": "x", "b": None, "c": "never"},
        {"a": "y", "b": 2, "c": 0.125},
    ]
