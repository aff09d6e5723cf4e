"""`refnet history`, as a person and as a program use it."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from cli.running import Run

RATINGS = """\
ann,bob,10,1300000000
bob,cyd,10,1310000000
cyd,bob,5,1320000000
ann,cyd,-4,1330000000
"""


@pytest.fixture
def filled(run: Run, tmp_path: Path) -> Run:
    """A store into which ratings of a year were imported at once."""
    file = tmp_path / "ratings.csv"
    file.write_text(RATINGS)
    assert run("import", "ratings", file, "--pretrust", "uniform").code == 0
    return run


def test_what_was_imported_shows_the_years_before(filled: Run) -> None:
    told = filled("history", "bob", "--by", "happened", "--step", "month", "--to", "2012-03-01")
    lines = told.out.splitlines()

    assert 0 == told.code
    assert lines[0].startswith("bob, position ")
    dates = [line.split()[0] for line in lines if line.strip()[:2] == "20"]
    assert ["2011-03-13", "2011-04-01"] == dates[:2]
    assert "2012-03-01" == dates[-1]
    assert lines[-1].endswith("score, lowest to highest")
    assert len(dates) == len(lines[-1].split()[0])
    assert "█" in told.out


def test_points_are_what_scores_says_of_their_position_and_day(filled: Run) -> None:
    for by in ("happened", "recorded"):
        told = filled("history", "bob", "--by", by, "--step", "week", "--json").json
        assert told["points"]
        for point in (told["points"][0], told["points"][-1]):
            alone = filled(
                "scores", "--at", point["position"], "--day", point["date"], "--json"
            ).json
            (mine,) = [each for each in alone["members"] if each["member"] == told["member"]]
            assert {"external_id", "member"} == mine.keys() - point.keys()
            assert {key: mine[key] for key in mine.keys() & point.keys()} == {
                key: point[key] for key in mine.keys() & point.keys()
            }
        last = told["points"][-1]
        assert (told["position"], told["date"]) == (last["position"], last["date"])


def test_what_was_recorded_today_was_not_known_before(filled: Run) -> None:
    told = filled("history", "bob", "--step", "month", "--json").json

    assert 1 == len(told["points"]), "on all other days nobody was a member"


def test_before_anybody_joined_there_is_no_point(filled: Run) -> None:
    told = filled("history", "bob", "--from", "2011-01-01", "--to", "2011-02-01")

    assert 0 == told.code
    assert "no point at which there was a score" in told.out


def test_the_table_is_drawn_into_a_file(filled: Run, tmp_path: Path) -> None:
    file = tmp_path / "history.svg"
    told = filled("history", "bob", "--by", "happened", "--step", "month", "--svg", file, "--json")
    root = ET.parse(file).getroot()

    assert told.json["points"]
    assert root.tag.endswith("svg")
    assert told.json["points"][3]["date"] in file.read_text()
    nowhere = tmp_path / "none" / "history.svg"
    assert 1 == filled("history", "bob", "--step", "month", "--svg", nowhere).code


@pytest.mark.parametrize(
    ("options", "hint"),
    [
        (("--from", "2012-01-02", "--to", "2012-01-01"), "--from"),
        (("--to", "2999-01-01"), "--to"),
        (("--from", "1970-01-01", "--step", "day"), "--step"),
        (("--step", "year"), "--step"),
    ],
)
def test_days_that_make_no_history_are_wrong_usage(
    filled: Run, options: tuple[str, ...], hint: str
) -> None:
    done = filled("history", "bob", *options)

    assert 2 == done.code
    assert hint in done.err
    assert 1 == filled("history", "nobody").code


def test_a_history_by_days_has_every_day(filled: Run) -> None:
    told = filled(
        *("history", "bob", "--by", "happened", "--step", "day"),
        *("--from", "2011-12-30", "--to", "2012-01-02", "--json"),
    ).json
    expected = [dt.date(2011, 12, 30) + dt.timedelta(days=later) for later in range(4)]

    assert [str(day) for day in expected] == [point["date"] for point in told["points"]]


def test_scores_have_a_word_for_the_balance(filled: Run) -> None:
    words = {each["label"] for each in filled("scores", "--json").json["members"]}

    assert words == {"insufficient"}
    assert "insufficient" in filled("scores").out
