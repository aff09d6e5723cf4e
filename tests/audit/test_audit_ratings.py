"""The audit of the real network of ratings, checked by hand against the rows of the file.

By hand is from the lines of the file and the formulas of the score model for such a network (all
are trusted alike, nothing fades, nobody refers), in a few lines of numpy; sums run in another order
there, so numbers are close, not equal.
"""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from refnet.cli import main

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("audit_ratings")]

CLOSE = 1e-9
MEMBER = "35"
"""Who rated and was rated more than anybody."""


@dataclass
class Real:
    """The imported file: its rows, and where in the log each of them is."""

    data: Path
    rows: list[tuple[str, str, int, float]]
    positions: list[int]
    members: dict[str, str]

    def by_hand(self, rows: list[int]) -> dict[str, float]:
        """Everybody's score if only these rows of the file were there."""
        return by_hand([self.rows[each] for each in rows])

    def named(self, resource: str) -> str:
        return self.members[resource]


def by_hand(rows: list[tuple[str, str, int, float]]) -> dict[str, float]:
    names = sorted({name for row in rows for name in row[:2]})
    number = {name: at for at, name in enumerate(names)}
    mass: dict[tuple[int, int], list[float]] = {}
    for rater, rated, rating, _ in rows:
        pair = mass.setdefault((number[rater], number[rated]), [0.0, 0.0])
        pair[rating < 0] += abs(rating) / 10.0
    n, pairs = len(names), np.array([*mass])
    source, target = pairs[:, 0], pairs[:, 1]
    good, bad = np.array([*mass.values()]).T
    s, d = good / (good + 0.1 + bad), bad / (bad + 0.5 + good)
    c = s / np.maximum(10.0, np.bincount(source, s, n))[source]
    e = d / np.maximum(10.0, np.bincount(source, d, n))[source]
    v: NDArray[Any] = np.ones(n)
    for _ in range(6):
        v = 1.0 + 0.7 * np.bincount(target, c * v[source], n)
    back = dict(zip(mass, c.tolist(), strict=True))
    echo = np.zeros(n)
    for (one, two), forth in back.items():
        echo[one] += 0.49 * forth * back.get((two, one), 0.0)
    x = np.maximum(0.0, v * (1.0 - echo) - 1.0)
    distrust = 0.7 * np.bincount(target, e * v[source], n)
    trust = x / (x + 6.0 * distrust + 0.5)
    o = 0.6 * distrust / (distrust + x + 0.5)
    z = np.clip((o - 0.35) / 0.4, 0.0, 1.0)
    score: NDArray[np.float64] = 30.0 * trust * (1.0 - 0.9 * (z * z * (3.0 - 2.0 * z)))
    return dict(zip(names, score.tolist(), strict=True))


@pytest.fixture(scope="module")
def real(shared_data: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Real:
    file = shared_data("otc_network.csv.gz")
    data = tmp_path_factory.mktemp("otc") / "store"
    where = ("--data", str(data))
    policies = ("--pretrust", "uniform", "--decay", "off")
    assert 0 == main(("import", "ratings", str(file), *policies, *where))
    with gzip.open(file, "rt") as lines:
        rows = [(a, b, int(rating), float(at)) for a, b, rating, at in csv.reader(lines)]
    return Real(data, rows, [], {})


@pytest.fixture
def ask(real: Real, capsys: pytest.CaptureFixture[str]) -> Callable[..., Any]:
    """Runs a command with --json; knows the rows and names from the first call on."""

    def run(*arguments: object) -> Any:
        capsys.readouterr()
        main([*map(str, arguments), "--json", "--data", str(real.data)])
        return json.loads(capsys.readouterr().out)

    if not real.positions:
        capsys.readouterr()
        main(["export", "facts", "--json", "--data", str(real.data)])
        for line in capsys.readouterr().out.splitlines():
            fact = json.loads(line)
            if fact["name"] == "refnet.testimonial-given.v1":
                real.positions.append(fact["position"])
        for each in ask_members(run):
            real.members[each["member"]] = each["external_id"]
    return run


def ask_members(run: Callable[..., Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = run("scores")["members"]
    return found


def test_every_score_is_the_one_by_hand(real: Real, ask: Callable[..., Any]) -> None:
    assert len(real.rows) == len(real.positions) == 35_592
    expected = real.by_hand([*range(len(real.rows))])
    found = {each["external_id"]: each["score"] for each in ask("scores")["members"]}

    assert expected.keys() == found.keys()
    assert max(abs(expected[name] - found[name]) for name in found) < CLOSE


@pytest.mark.parametrize("scorer", ["kernel", "reference"])
def test_a_difference_is_the_one_by_hand(real: Real, ask: Callable[..., Any], scorer: str) -> None:
    """Its ends, and what each fact named costs, from the rows before, between and without it."""
    first, last = 20_000, 20_300
    ends = real.positions[first - 1], real.positions[last - 1]
    told = ask("audit", "diff", *ends, "--top", 2, "--facts", 1, "--scores", scorer)
    before, after = (real.by_hand([*range(each)]) for each in (first, last))

    assert told.get("kernel_agrees", True)
    changed = {name for name in after if abs(after[name] - before.get(name, 0.0)) > CLOSE}
    assert len(changed) <= told["change_count"]
    most = max(after, key=lambda name: abs(after[name] - before.get(name, 0.0)))
    assert most == real.named(told["changes"][0]["member"])
    for change in told["changes"]:
        name = real.named(change["member"])
        assert abs(change["after"] - after[name]) < CLOSE
        assert abs((change["before"] or 0.0) - before.get(name, 0.0)) < CLOSE
        assert "time" not in {part["cause"] for part in change["because"]}, "nothing fades"
        facts = [part for part in change["because"] if part["cause"] == "fact"]
        assert len(facts) == 1
        row = real.positions.index(facts[0]["position"])
        assert first <= row < last
        assert name in real.rows[row][:2]
        without = real.by_hand([each for each in range(last) if each != row])
        assert abs(facts[0]["points"] - (after[name] - without.get(name, 0.0))) < CLOSE
        costs = {
            each: abs(after[name] - real.by_hand([k for k in range(last) if k != each])[name])
            for each in range(first, last)
            if name in real.rows[each][:2] and each != row
        }
        assert all(cost <= abs(facts[0]["points"]) + CLOSE for cost in costs.values())


def test_a_history_is_the_one_by_hand(real: Real, ask: Callable[..., Any]) -> None:
    span = ("--by", "happened", "--step", "month", "--from", "2011-01-01", "--to", "2011-07-01")
    told = ask("audit", "history", MEMBER, *span, "--moves", 1, "--facts", 1, "--scores", "kernel")
    days = [int(row[3]) // 86_400 for row in real.rows]

    assert 7 == len(told["points"])
    for before, point in zip([None, *told["points"]], told["points"], strict=False):
        known = [at for at, day in enumerate(days) if day <= point["day"]]
        assert abs(point["score"] - real.by_hand(known)[MEMBER]) < CLOSE
        if before is not None:
            between = [
                at
                for at, row in enumerate(real.rows)
                if MEMBER in row[:2] and before["day"] < days[at] <= point["day"]
            ]
            assert len(between) == point["fact_count"]
    (move,) = told["moves"]
    (fact,) = [part for part in move["because"] if part["cause"] == "fact"]
    end = next(each for each in told["points"] if each["date"] == move["date"])
    known = [at for at, day in enumerate(days) if day <= end["day"]]
    row = real.positions.index(fact["position"])
    without = real.by_hand([at for at in known if at != row])[MEMBER]
    assert abs(fact["points"] - (real.by_hand(known)[MEMBER] - without)) < CLOSE


def test_an_explanation_is_the_one_by_hand(real: Real, ask: Callable[..., Any]) -> None:
    told = ask("audit", "explain", MEMBER, "--facts", 2, "--edges", 1000)
    everything = [*range(len(real.rows))]
    whole = real.by_hand(everything)[MEMBER]

    assert told["kernel_agrees"]
    assert abs(told["score"] - whole) < CLOSE
    raters = {row[0] for row in real.rows if row[1] == MEMBER}
    assert raters == {real.named(edge["partner"]) for edge in told["edges"]}
    rated = {row[1] for row in real.rows if row[0] == MEMBER}
    for edge in told["edges"]:
        name = real.named(edge["partner"])
        assert edge["fact_count"] == 1 + (name in rated)
    assert 2 == len(told["facts"])
    for fact in told["facts"]:
        row = real.positions.index(fact["position"])
        assert {MEMBER, real.named(fact["partner"])} == set(real.rows[row][:2])
        without = real.by_hand([each for each in everything if each != row])[MEMBER]
        assert abs(fact["cost"] - (whole - without)) < CLOSE
        assert fact["index"] == fact["position"] - 1
