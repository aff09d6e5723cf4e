"""`refnet import`: what it prints, where it lists what it rejects, and what it leaves."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from cli.running import Run


def test_rejected_rows_are_counted_and_no_failure(run: Run, tmp_path: Path, data: Path) -> None:
    path = tmp_path / "mixed.csv.gz"
    path.write_bytes(gzip.compress(b"source,target,rating,time\na,b,1,1\na,a,1,1\nbroken\n"))

    done = run("import", "ratings", path, "--json")

    rejects = data / "rejected" / "mixed.csv.gz.csv"
    counts = {"accepted": 1, "duplicates": 0, "rejected": 2, "position": 9}
    assert (0, {**counts, "rejects_file": str(rejects)}) == (done.code, done.json)
    assert ["3", "4"] == [line.split(",")[0] for line in rejects.read_text().splitlines()[1:]]
    assert str(rejects) in run("import", "ratings", path).out


def test_slips_go_in(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "slips.csv"
    path.write_text("type,date,from,to,chapter\n1-2-1,2024-03-05,ann,bob,Nord\n")

    refused = run("import", "slips", path, "--json")
    assert (1, "NETWORK_MISSING") == (refused.code, refused.json["error"]["reason"])

    done = run("import", "slips", path, "--enrol", "--json")
    assert {"accepted": 1, "duplicates": 0, "rejected": 0, "position": 9} == done.json


NOTHING = {
    "empty.csv": b"",
    "bad.csv": b"a,a,1,1\nb,c,0,1\n",
    "damaged.csv.gz": gzip.compress(b"a,b,1,1\n" * 1000)[:20],
    "binary.csv": bytes(range(256)) * 50,
    "workbook.xlsx": b"PK\x03\x04 a workbook",
    "header.csv": b"type,date,from,to,chapter\n",
    "slips.csv": b"type,date,from,to,chapter\n1-2-1,2024-03-05,ann,ann,Nord\n",
}


@pytest.mark.parametrize("name", [*NOTHING, "/dev/null"])
@pytest.mark.parametrize("form", [("ratings", "--pretrust", "uniform"), ("slips", "--enrol")])
def test_a_file_without_good_rows_charters_no_network(
    run: Run, tmp_path: Path, form: tuple[str, ...], name: str
) -> None:
    path = tmp_path / name
    if name in NOTHING:
        path.write_bytes(NOTHING[name])

    done = run("import", *form, path, "--json")

    assert 0 == (done.json["accepted"] if done.code == 0 else 0)
    assert 0 == run("replay", "--json").json["position"]
    path = tmp_path / "good.csv"
    path.write_text("ann,bob,8,1300000000\n")
    good = run("import", "ratings", path, "--pretrust", "attendance", "--decay", "off", "--json")
    assert (0, 1) == (good.code, good.json["accepted"])
