"""`refnet bridges`, as a person and as a program use it."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import numpy as np
import pytest

from cli.running import Run
from refnet import bridges
from refnet.ties import bridging
from refnet.wiring import open_engine

RATINGS = """\
ann,bob,10,1300000000
ann,cyd,10,1300000001
bob,cyd,10,1300000002
cyd,dan,10,1300000003
dan,eve,10,1300000004
cyd,fay,10,1300000005
ann,gus,1,1300000006
"""
"""Three friends of whom cyd ties dan, eve and fay to the others; gus is hardly known."""


@pytest.fixture
def filled(run: Run, tmp_path: Path) -> Run:
    file = tmp_path / "ratings.csv"
    file.write_text(RATINGS)
    assert run("import", "ratings", file, "--pretrust", "uniform", "--decay", "off").code == 0
    return run


def test_those_who_hold_most_together_come_first(filled: Run) -> None:
    done = filled("bridges", "--json")
    names = filled("scores", "--json").json
    ids = {each["member"]: each for each in done.json["members"]}
    shown = [each["cut_off"] for each in done.json["members"]]

    assert (0, 7) == (done.code, len(ids))
    assert [3, 1, 0, 0, 0, 0, 0] == shown, "cyd, then dan without whom eve is alone"
    first, last = done.json["members"][0], done.json["members"][-1]
    assert {
        "cut_off": 3,
        "ties": 4,
        "effective_size": 3.5,
        "efficiency": 0.875,
        "local_bridges": 0.5,
        "crossing": 0.0,
        "weak": 0.0,
    } == {key: value for key, value in first.items() if key != "member"}
    assert (0, 0.0, 0.0) == (last["ties"], last["efficiency"], last["local_bridges"])
    assert (names["digest"], names["position"]) == (done.json["digest"], done.json["position"])


def test_people_see_names_and_what_the_numbers_were_made_of(filled: Run) -> None:
    done = filled("bridges", "--top", "2")
    lines = done.out.splitlines()

    assert done.out.index("cyd") < done.out.index("dan")
    assert "0.875" in done.out
    assert not {"ann", "bob", "eve"} & set(done.out.split())
    assert any("position" in line and "model 1" in line for line in lines)


def test_without_a_member_the_others_lose_each_other_in_parts(filled: Run) -> None:
    done = filled("bridges", "--member", "cyd")
    first, second, title = done.out.splitlines()

    assert first.startswith("without cyd 2 would be cut off: dan, eve")
    assert second == "without cyd 1 would be cut off: fay"
    assert title.startswith("position ")
    found = filled("bridges", "--member", "cyd", "--json").json
    members = filled("bridges", "--json").json["members"]
    assert members[0] == found["member"]
    assert [2, 1] == [len(part) for part in found["parts"]]
    shown = filled("bridges", "--member", "ann").out
    assert "without ann all others would stay together" in shown
    assert [] == filled("bridges", "--member", "#0", "--json").json["parts"]


def test_a_long_part_is_shortened_for_people(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "long.csv"
    chain = [f"m{at},m{at + 1},10,{1_300_000_000 + at}" for at in range(25)]
    file.write_text("\n".join(chain) + "\n")
    assert run("import", "ratings", file, "--pretrust", "uniform", "--decay", "off").code == 0
    done = run("bridges", "--member", "m12")

    assert "without m12 12 would be cut off: m0, m1" in done.out
    assert "m9, ...\n" in done.out
    assert 12 == len(run("bridges", "--member", "m12", "--json").json["parts"][0])


def test_as_of_earlier_there_were_other_ties(filled: Run) -> None:
    now = filled("bridges", "--json").json
    earlier = now["position"] - 5  # before gus came, and before anybody had a word about fay
    before = filled("bridges", "--at", str(earlier), "--json").json
    second = filled("bridges", "--model", "2", "--json").json
    fixed = filled("bridges", "--day", "2024-07-01", "--json").json

    assert [2, 1] == [each["cut_off"] for each in before["members"]][:2]
    assert earlier == before["position"]
    assert ("2", "2024-07-01") == (second["model"], fixed["date"])
    members = {each["member"] for each in now["members"]}
    assert members > {each["member"] for each in before["members"]}


def test_a_chapter_shows_its_members_and_what_ties_it_to_others(run: Run, data: Path) -> None:
    assert run("simulate", "--chapters", "3", "--weeks", "12", "--seed", "5").code == 0
    with open_engine(data, read_only=True, warn=lambda _: None) as engine:
        snapshot = engine.scores()
    chapter = str(snapshot.ledger.fold.chapters[1])
    hold = bridges.chapters(snapshot)[1]
    home = np.flatnonzero(snapshot.active & (snapshot.roll.home() == 1))
    order = bridging(snapshot).order(home).tolist()

    def named(numbers: list[int]) -> list[str]:
        return [f"members/{snapshot.members[number]}" for number in numbers]

    for name in (chapter, f"chapters/{chapter}"):
        found = run("bridges", "--chapter", name, "--top", "1000", "--json").json
        assert named(order) == [each["member"] for each in found["members"]]
        assert {
            "ties": hold.ties,
            "share_of_first_carrier": hold.share,
            "carriers": named([each.member for each in hold.carriers]),
            "cut_off_by": named(list(hold.cut_off_by)),
        } == found["chapter"]
    assert hold.ties > 0
    assert "chapter" not in run("bridges", "--json").json
    shown = run("bridges", "--chapter", chapter).out
    assert f"{hold.ties} ties to other chapters by {len(hold.carriers)} members" in shown


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (("--chapter", str(uuid4())), 1, "has no members at position"),
        (("--chapter", "no chapter"), 1, "--chapter 'no chapter' has no members at position"),
        (("--member", "nobody"), 1, "--member 'nobody' is no member at position"),
        (("--member", "ann", "--chapter", str(uuid4())), 2, "name a --chapter or a --member"),
        (("--top", "0"), 2, "Invalid value for '--top'"),
        (("--at", "99999"), 1, "99999"),
    ],
    ids=["unknown chapter", "no id", "nobody", "both", "none", "ahead"],
)
def test_what_cannot_be_meant_is_refused(
    filled: Run, arguments: tuple[str, ...], code: int, text: str
) -> None:
    done = filled("bridges", *arguments)

    assert (code, True) == (done.code, text in done.err)
    assert done.out == ""
