"""Every command and every refusal of the domain, as tables of text (see script.py)."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import refnet.domain
from domain.sandbox import Sandbox, day
from domain.script import FOLDER, Scenario, Stage, scenarios, town
from refnet import errors
from refnet.domain.network import CharterNetwork
from refnet.domain.nouns import BY_COMMAND, NOUNS

FILES = sorted(path.name for path in FOLDER.glob("*.txt") if path.name != "town.txt")
ALL = [scenario for file in FILES for scenario in scenarios(file)]


@pytest.mark.parametrize("scenario", ALL, ids=lambda each: f"{each.file}: {each.title}")
def test_scenario(scenario: Scenario) -> None:
    town().play(*scenario.lines)


def test_nothing_but_a_charter_is_recorded_in_an_empty_log() -> None:
    stage = Stage()

    stage.play(
        "RegisterContact name=Zoe                           -> NETWORK_MISSING",
        "SetRate network=x currency=USD rate_millionths=1   -> NETWORK_MISSING",
        "CharterNetwork name=N reference_currency=DEM       -> INVALID_REQUEST reference_currency",
        "CharterNetwork name=N value_half=0                 -> INVALID_REQUEST value_half",
        "CharterNetwork name=N @101                         -> OCCUR_TIME_IN_FUTURE occur_time",
        "net = CharterNetwork name=N                        -> NetworkChartered",
    )


def test_five_minutes_ahead_of_the_clock_are_forgiven() -> None:
    sandbox = Sandbox()
    skew = 300_000_000

    sandbox.do(CharterNetwork(name="N"), occurred=sandbox.now + skew)

    with pytest.raises(errors.OccurTimeInFuture):
        Sandbox().do(CharterNetwork(name="N"), occurred=day(100) + skew + 1)


def outcomes() -> list[tuple[str, str]]:
    """(command, outcome) of every line of every scenario."""
    lines = [line for scenario in [*ALL, *scenarios("town.txt")] for line in scenario.lines]
    found = (re.search(r"(\w+)(?: \w+=\S*)*(?: @-?\d+)? +-> +(.+)", line) for line in lines)
    return [(each[1], each[2]) for each in found if each]


def test_the_scenarios_see_every_command_accepted() -> None:
    accepted = {command for command, outcome in outcomes() if outcome.split()[0] not in REASONS}

    assert {kind.__name__ for kind, noun in BY_COMMAND.items() if noun.served} == accepted


def test_the_scenarios_see_every_fact() -> None:
    seen = {word for _, outcome in outcomes() for word in outcome.split()}

    assert {fact.__name__ for noun in NOUNS if noun.served for fact in noun.facts} <= seen


REASONS = {
    each.reason
    for each in vars(errors).values()
    if isinstance(each, type) and issubclass(each, errors.RefnetError) and hasattr(each, "reason")
}


def test_the_scenarios_see_every_refusal_that_the_domain_raises() -> None:
    folder = Path(refnet.domain.__path__[0])
    made = {
        getattr(node.func, "id", "")
        for path in folder.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
    }
    raised = {
        each.reason
        for name, each in vars(errors).items()
        if name in made and isinstance(each, type) and issubclass(each, errors.RefnetError)
    }
    seen = {word for _, outcome in outcomes() for word in outcome.split()} | {"NETWORK_MISSING"}

    assert len(raised) >= 15
    assert raised <= seen
