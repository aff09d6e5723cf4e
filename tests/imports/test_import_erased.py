"""Importing a file again brings nobody back who was erased since."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from refnet.cli import main
from refnet.wiring import open_engine

RATINGS = "ann,bob,8,1300000000\nbob,ann,5,1300000001\ncarl,ann,10,1300000002\n"
LATER = "ann,bob,8,1300000005\ndan,ann,8,1300000006\n"


def test_a_file_of_before_is_known_and_what_it_adds_about_them_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, file = tmp_path / "store", tmp_path / "ratings.csv"

    def run(*arguments: str) -> None:
        capsys.readouterr()
        assert 0 == main([*arguments, "--data", str(data)])

    file.write_text(RATINGS)
    run("import", "ratings", str(file), "--pretrust", "uniform", "--json")
    run("privacy", "erase", "bob", "--yes")
    with open_engine(data, read_only=True) as engine:
        people = len(engine.state.resident("member"))

    run("import", "ratings", str(file), "--json")
    again = json.loads(capsys.readouterr().out)
    assert {"accepted": 0, "duplicates": 3, "rejected": 0, "position": 16} == again
    file.write_text(LATER)
    run("import", "ratings", str(file), "--json")
    later = json.loads(capsys.readouterr().out)

    assert (1, 1) == (later["accepted"], later["rejected"])
    with Path(later["rejects_file"]).open() as lines:
        (refused,) = csv.DictReader(lines)
    assert ("1", "SUBJECT_ERASED") == (refused["line"], refused["reason"])
    assert "bob" not in refused["message"]
    with open_engine(data, read_only=True) as engine:
        assert people + 1 == len(engine.state.resident("member"))
        assert engine.lookup("external_id", "bob") is None
