"""`refnet evaluate alerts`: what is planted is found, and honest networks are left alone."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from refnet.cli import main
from refnet.evaluate.networks import SimulatedNetwork
from refnet.evaluate.on_alerts import attacked, burst, look, without_collusion
from refnet.evaluate.simulated import simulated


@pytest.fixture(scope="module")
def planted(cache: Path) -> SimulatedNetwork:
    """Two chapters with a pair, a ring and a clique."""
    return simulated(3, cache, chapters=2, weeks=40)


def test_planted_groups_are_found_and_nobody_else(planted: SimulatedNetwork) -> None:
    before, after = look(planted, 4), look(planted, 40)

    assert {"pair", "ring", "clique"} == set(after.planted)
    assert [(1, 0, 0)] * 3 == list(before.planted.values())
    assert [(1, 1, 1)] * 3 == list(after.planted.values())
    assert not any({*after.false.values(), *after.honest.values()})


def test_without_collusion_nothing_is_left_among_colluders(planted: SimulatedNetwork) -> None:
    events = without_collusion(planted, planted.day)
    _, members = planted.plant.groups[0]
    among = events.paired & np.isin(events.a, members) & np.isin(events.b, members)

    assert not among.any()
    assert len(planted.events) > len(events) > len(planted.events) // 2


def test_attacks_with_deals_are_found_and_rings_of_words_are_not(
    planted: SimulatedNetwork,
) -> None:
    found = {kind: (tries.found, tries.tried) for kind, tries in attacked(planted, 1).items()}

    assert {(1, 1)} == {found[kind] for kind in ("pair deals", "ring 5 deals", "clique 5 words")}
    assert (0, 1) == found["ring 5 words"]


def test_bursts_are_found_from_a_size_on(planted: SimulatedNetwork) -> None:
    found = burst(planted)

    assert found["facts", 12].found == found["partners", 18].found == 10
    assert found["facts", 8].found < 10


def test_the_tables_are_printed(cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    small = ("--seeds", "3", "--chapters", "2", "--weeks", "40", "--groups", "1")
    assert 0 == main(["evaluate", "alerts", *small, "--cache", str(cache)])
    printed = capsys.readouterr().out
    assert "### Planted groups found" in printed
    assert "| after 39 weeks | 1 (1) of 1 | 1 (1) of 1 | 1 (1) of 1 | 0 |" in printed
    assert 0 == main(["evaluate", "alerts", *small, "--cache", str(cache), "--json"])
    tables = json.loads(capsys.readouterr().out)["tables"]
    assert ["Planted groups found, and alerts about others", "Bursts found", "Attacks found"] == [
        table["title"] for table in tables
    ]
