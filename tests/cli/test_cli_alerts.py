"""`refnet alerts`, as an officer and as a program use it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cli.running import Ran, Run
from refnet.cli import main

RATINGS = "ann,bob,10,1300000000\nbob,cyd,10,1300000001\n"


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[dict[str, Any]]]:
    """A store with a colluding pair, ring and clique, and who they are."""
    folder = tmp_path_factory.mktemp("planted")
    plant = folder / "plant.json"
    size = ("--chapters", "2", "--weeks", "32", "--seed", "3")
    assert 0 == main(
        ["simulate", *size, "--plant", str(plant), "--data", str(folder / "store"), "--json"]
    )
    groups: list[dict[str, Any]] = json.loads(plant.read_text())["groups"]
    return folder / "store", groups


@pytest.fixture
def alerts(planted: tuple[Path, list[dict[str, Any]]], run: Run) -> Any:
    """Runs `refnet alerts` there."""

    def run_it(*arguments: object) -> Ran:
        return run("alerts", *arguments, store=planted[0])

    return run_it


def test_planted_groups_are_listed_for_programs(
    alerts: Any, planted: tuple[Path, list[dict[str, Any]]]
) -> None:
    done = alerts("--json")
    found = [each for each in done.json["alerts"] if each["kind"] != "burst"]

    assert 0 == done.code
    assert len(done.json["alerts"]) == done.json["alert_count"]
    for group in planted[1]:
        members = {f"members/{each}" for each in group["members"]}
        assert any(set(each["members"]) <= members for each in found), group["kind"]
    (pair,) = alerts("--kind", "pair", "--json").json["alerts"]
    assert ["share", "mutual"] == [figure["measure"] for figure in pair["figures"]]
    assert pair["strength"] >= 1.0
    assert sorted(pair["facts"]) == pair["facts"] != []


def test_people_get_a_table_and_sentences(alerts: Any) -> None:
    done = alerts("--top", "2")

    assert 0 == done.code
    assert done.out.splitlines()[0].startswith("position ")
    assert "of what they say in the network to each other; usual is up to" in done.out
    assert "more; --top shows them" in done.out
    assert "an alert proves nothing" in done.out


def test_alerts_are_kept_by_member_chapter_and_moment(alerts: Any) -> None:
    every = alerts("--json", "--top", "1000").json
    first = every["alerts"][0]
    about = alerts("--member", f"#{first['numbers'][0]}", "--json").json["alerts"]

    assert [each for each in every["alerts"] if first["numbers"][0] in each["numbers"]] == about
    done = alerts("--at", every["position"] // 10)
    assert (0, True) == (done.code, done.out.startswith("no alerts: nothing stands out; position"))


def test_a_clean_network_has_no_alerts_and_that_is_no_failure(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "ratings.csv"
    file.write_text(RATINGS)
    assert 0 == run("import", "ratings", file, "--pretrust", "uniform", "--decay", "off").code
    done = run("alerts")

    assert (0, "") == (done.code, done.err)
    assert done.out.startswith("no alerts: nothing stands out; position ")
    assert [] == run("alerts", "--json").json["alerts"]


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (("--member", "nobody"), 1, "--member 'nobody' is no member at position"),
        (("--chapter", "x"), 1, "--chapter 'x' has no members at position"),
        (("--kind", "plot"), 2, "'plot' is not one of"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    alerts: Any, arguments: tuple[str, ...], code: int, text: str
) -> None:
    done = alerts(*arguments)

    assert (code, True) == (done.code, text in done.err)
