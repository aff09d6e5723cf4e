"""`refnet explain`, `whatif` and `forecast`, as a person and as a program use them."""

from __future__ import annotations

import datetime as dt
import json
import math
from typing import Any
from uuid import UUID

import pytest

from cli.running import Run
from refnet import _reference as reference
from refnet import _reference_evidence as naive
from refnet.domain.nouns import NOUNS
from refnet.log.codec import Codec


@pytest.fixture
def filled(run: Run) -> Run:
    """A small made-up network with everything in it."""
    assert run("simulate", "--chapters", "2", "--weeks", "12", "--seed", "7").code == 0
    return run


def test_a_score_is_taken_apart_for_programs(filled: Run) -> None:
    told = filled("explain", "#0", "--top", "3", "--json").json
    parts = [part["points"] for part in told["parts"]]
    (listed,) = [
        each
        for each in filled("scores", "--json").json["members"]
        if each["member"] == told["member"]
    ]

    assert listed["score"] == told["score"]
    assert math.fsum([*parts, told["taken"], told["remainder"]]) == told["score"]
    assert (3, 3) == (len(told["partners"]), len(told["facts"]))
    for name, value in listed["components"].items():
        assert value == told["components"][name]["value"]
    for fact in told["facts"]:
        again = filled("whatif", fact["position"], "--member", "#0", "--json").json
        (change,) = again["changes"]
        assert fact["left_out"] == again["left_out"]
        assert change["before"] - change["after"] == fact["cost"]


def test_people_see_bars_costs_and_ways_up(filled: Run) -> None:
    shown = filled("explain", "#0").out

    for text in ("█", "who carries it", "if it had never happened", "honest ways up", "rounding"):
        assert text in shown
    assert "what it would cost" not in filled("explain", "#0", "--top", "0").out
    assert "honest ways up" not in filled("explain", "#0", "--acts", "0").out


def exported(run: Run) -> list[tuple[Any, Any]]:
    """The facts that `refnet export` prints, decoded line by line."""
    codec = Codec(NOUNS)
    facts = []
    for line in run("export", "facts", "--json").out.splitlines():
        row = json.loads(line)
        told = {key: row.pop(key) for key in ("position", "stream", "version", "name")}
        del row["salt"], row["commitment"]
        state = json.dumps(row, separators=(",", ":"), sort_keys=True, ensure_ascii=False).encode()
        stream = UUID(told["stream"])
        facts.append(codec.decode(told["position"], stream, told["version"], told["name"], state))
    return facts


def test_without_facts_the_digest_is_that_of_the_export_without_their_lines(filled: Run) -> None:
    """Nothing of refnet but the codec and the slow reference has a part in the other side."""
    facts = exported(filled)
    position = facts[-1][1].position
    wanted = [
        told.position
        for fact, told in facts
        if type(fact).__name__ in {"ReferralPassed", "AttendanceMarked", "ReferralWon"}
    ][::40]
    done = filled("whatif", *wanted, "--json").json
    gone = set(done["left_out"])
    rest = [told for told in facts if told[1].position not in gone]
    roster = naive.members(facts, position)
    expected = reference.score(
        len(roster),
        naive.events(rest, position, done["day"], roster),
        done["day"],
        standing=naive.standing(rest, position, roster),
        **naive.policy(rest, position)._asdict(),
    )

    assert set(wanted) < gone
    assert reference.digest(expected) == done["digest_without"] != done["digest"]
    assert "scores change" in filled("whatif", *wanted).out


def test_a_forecast_is_what_is_read_on_that_day(filled: Run) -> None:
    told = filled("forecast", "#0", "--days", "90", "--points", "3", "--json").json
    for outlook in told["outlooks"]:
        read = filled("scores", "--day", _date(outlook["day"]), "--json").json["members"]
        (score,) = [each["score"] for each in read if each["member"] == told["member"]]
        assert score == outlook["score"]
    assert [told["day"] + each for each in (0, 30, 60, 90)] == [
        each["day"] for each in told["outlooks"]
    ]
    assert told["day"] < told["half_day"] <= told["day"] + 90
    for component in told["components"].values():
        assert component.keys() == {"now", "then", "half_day"}
    assert told["facts"]
    shown = filled("forecast", "#0").out
    for text in ("if nothing more happens", "█", "what fades, in points", "half by"):
        assert text in shown


def _date(day: int) -> str:
    return (dt.date(1970, 1, 1) + dt.timedelta(days=day)).isoformat()


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (("explain", "nobody"), 1, "is no member at position"),
        (("explain", "#0", "--top", "21"), 2, "--top"),
        (("whatif",), 2, "name at least one POSITION"),
        (("whatif", "0"), 2, "POSITION"),
        (("whatif", "1"), 1, "leave out what happened afterwards"),
        (("whatif", "99999999"), 1, "ask for later ones"),
        (("forecast", "#0", "--days", "0"), 2, "--days"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    filled: Run, arguments: tuple[str, ...], code: int, text: str
) -> None:
    done = filled(*arguments)

    assert (code, True) == (done.code, text in done.err)
