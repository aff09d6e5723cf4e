"""What is planted, and that the score model finds it."""

from __future__ import annotations

import json
from collections import Counter
from statistics import median
from typing import Any

import pytest

from refnet.simulate import write_plant
from refnet.simulate.chance import Chance
from refnet.simulate.people import SHARES, Kind, draw_generosity, draw_kinds


@pytest.fixture(scope="module")
def plant(town: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    path = tmp_path_factory.mktemp("plant") / "plant.json"
    write_plant(town.simulation.plant, path)
    read: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return read


@pytest.fixture(scope="module")
def score(town: Any) -> dict[str, tuple[float, float]]:
    """(score, opportunism) by member."""
    with town.open() as engine:
        made = engine.scores()
    numbers = zip(made.scores.score.tolist(), made.scores.O.tolist(), strict=True)
    return {str(member): each for member, each in zip(made.members, numbers, strict=True)}


@pytest.mark.parametrize("count", [1, 30, 90, 600])
def test_shares_are_met_to_the_nearest_person(count: int) -> None:
    kinds = Counter(draw_kinds(Chance(1), count))

    assert count == kinds.total()
    assert {k: round(share * count) for k, share in SHARES.items()} == {k: kinds[k] for k in SHARES}


def test_traits_fit_the_kind() -> None:
    chance = Chance(3)
    drawn = {kind: [draw_generosity(chance, kind) for _ in range(300)] for kind in Kind}

    assert max(drawn[Kind.TAKER]) < 0.2 < median(drawn[Kind.NORMAL]) < min(drawn[Kind.GIVER])


def test_the_plant_names_everybody_who_was_inducted(
    plant: dict[str, Any], score: dict[str, tuple[float, float]]
) -> None:
    assert list(plant["members"]) == list(score)


def test_there_are_colluders_of_each_kind_and_they_stay(plant: dict[str, Any]) -> None:
    colluders = {member for group in plant["groups"] for member in group["members"]}
    members = plant["members"]

    assert {"pair", "ring", "clique"} == {group["kind"] for group in plant["groups"]}
    assert colluders == {member for member, each in members.items() if each["colludes"]}
    assert all(members[each]["left_week"] is None for each in colluders)
    assert any(each["left_week"] is not None for each in members.values())
    assert any(each["joined_week"] > 0 for each in members.values())
    for group in plant["groups"]:
        assert len(group["members"]) == len(set(group["members"])) >= 2


def test_colluders_praise_each_other_as_planted(town: Any, plant: dict[str, Any]) -> None:
    with town.open() as engine:
        praised = Counter(
            (str(fact.author), str(fact.subject))
            for fact, _ in engine.facts()
            if fact.NAME == "refnet.testimonial-given.v1" and fact.rating == 10
        )
    for group in plant["groups"]:
        one, two, *rest = group["members"]
        assert praised[one, two] >= 3
        if group["kind"] == "ring":
            assert praised[two, one] == 0
        if group["kind"] == "clique":
            assert praised[rest[0], one] >= 3


def test_the_log_says_nothing_of_the_plant(town: Any) -> None:
    """Of the values of all facts, none is a word of the plant; "regular" is that of a meeting."""
    words = (*Kind, "pair", "clique", "quality", "generosity", "colludes", "regular")

    assert [':"regular"'] == town.mentioned(*(f':"{word}"' for word in words))


def test_takers_stand_below_everybody_else_and_givers_above(
    plant: dict[str, Any], score: dict[str, tuple[float, float]]
) -> None:
    """Of founding members who are still there; nobody is told apart but by what they did."""

    def of(kind: Kind) -> list[tuple[float, float]]:
        return [
            score[member]
            for member, each in plant["members"].items()
            if each["kind"] == kind
            and each["left_week"] is None
            and not each["joined_week"]
            and not each["colludes"]
        ]

    scores = {kind: median(number for number, _ in of(kind)) for kind in Kind}
    flagged = {kind: sum(opportunism >= 0.5 for _, opportunism in of(kind)) for kind in Kind}

    assert scores[Kind.TAKER] < scores[Kind.INACTIVE] < scores[Kind.NORMAL] < scores[Kind.GIVER]
    assert 2 * flagged[Kind.TAKER] > len(of(Kind.TAKER))
    assert 0 == flagged[Kind.GIVER]
