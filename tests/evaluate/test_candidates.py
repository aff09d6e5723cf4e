"""What was tried on the way to model 2, and how it is compared."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from evaluate.conftest import CHAPTERS, MEMBERS, WEEKS
from refnet.cli import main
from refnet.evaluate.candidates import CANDIDATES, Candidate, neutral, rates
from refnet.evaluate.models import find_model
from refnet.evaluate.networks import SimulatedNetwork
from refnet.scoring import constants, score

SMALL = (
    *("--seeds", "3", "--groups", "1", "--weeks", str(WEEKS)),
    *("--chapters", str(CHAPTERS), "--members", str(MEMBERS)),
)


@pytest.mark.parametrize("candidate", CANDIDATES, ids=lambda each: each.name)
def test_a_candidate_is_found_by_name_and_differs_from_what_it_changes(
    candidate: Candidate, network: SimulatedNetwork
) -> None:
    accumulators = network.folded(network.day)
    standing = network.standing_of(accumulators)
    said = find_model(candidate.name)(accumulators, network.day, standing)
    plain = score(accumulators, network.day, standing=standing, model=candidate.base).arrays

    assert {"score", "raw", "T", "O", "V", "C", "R", "P", "bal", "give", "take"} <= said.keys()
    assert all(np.isfinite(array).all() and len(array) == network.n for array in said.values())
    same = bool((said["score"] == plain["score"]).all())
    assert same == (candidate.name == candidate.base)


def test_the_parts_of_model_2_make_up_model_2() -> None:
    parts = [each.changed for each in CANDIDATES[2:9]]
    together = {name: value for part in parts for name, value in part.items()}

    assert constants("2") == constants("1", together)
    assert len(together) == sum(map(len, parts))


@pytest.mark.parametrize(("formula", "name"), [(neutral, "T"), (rates, "C")])
def test_another_component_moves_the_score_by_its_weight(
    formula: object, name: str, network: SimulatedNetwork
) -> None:
    candidate = next(each for each in CANDIDATES if each.formula is formula)
    accumulators = network.folded(network.day)
    said = candidate(accumulators, network.day)
    plain = score(accumulators, network.day, model="2")
    weights = constants("2")
    raw = sum(weights[f"w_{part}"] * said[part.upper()] for part in "vtcrp")

    assert ((said[name] >= 0) & (said[name] <= 1)).all()
    np.testing.assert_allclose(said["raw"], 100.0 * raw, rtol=1e-12)
    np.testing.assert_allclose(said["score"], said["raw"] * plain.F, rtol=1e-15)


def test_all_candidates_are_measured_side_by_side(
    ratings: Path, cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folders = ("--data", ratings, "--cache", cache, "--out", tmp_path)

    code = main(["evaluate", "candidates", *map(str, (*SMALL, *folders)), "--json"])

    assert code == 0
    found = json.loads(capsys.readouterr().out)
    titles = [table["title"] for table in found["tables"]]
    assert titles == [
        "Candidates",
        "Goals by candidate",
        "Gain in score by attack and candidate",
        "Failure cases by candidate",
    ]
    names = [each.name for each in CANDIDATES]
    assert [row["candidate"] for row in found["tables"][0]["rows"]] == names
    for table in found["tables"][1:]:
        assert table["rows"]
        assert all(set(names) <= row.keys() for row in table["rows"])
    text = (tmp_path / "evidence-candidates.md").read_text()
    assert "refnet evaluate candidates --seeds 3 --chapters 3 --members 12" in text
    assert str(tmp_path) not in text
