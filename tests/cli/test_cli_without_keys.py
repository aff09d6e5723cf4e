"""What can be said of a network without its keys: everything but names."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import pytest

from cli.running import Run

RATINGS = "ann,bob,8,1300000000\nbob,ann,5,1300000001\ncarl,ann,10,1300000002\n"


@pytest.fixture
def network(run: Run, tmp_path: Path, data: Path) -> Path:
    """A store of three members."""
    file = tmp_path / "ratings.csv"
    file.write_text(RATINGS)
    assert 0 == run("import", "ratings", file, "--pretrust", "uniform").code
    return data


@pytest.fixture
def only_log(network: Path, tmp_path: Path) -> Path:
    """What an auditor gets: the log and nothing else."""
    folder = tmp_path / "audit"
    folder.mkdir()
    shutil.copy(network / "log.db", folder)
    return folder


@pytest.fixture
def vacuumed(network: Path, tmp_path: Path) -> Path:
    """The same as SQLite's own backup makes it: not in WAL mode."""
    folder = tmp_path / "vacuumed"
    folder.mkdir()
    raw = sqlite3.connect(network / "log.db")
    raw.execute("VACUUM INTO ?", (str(folder / "log.db"),))
    raw.close()
    return folder


def content(folder: Path) -> dict[str, bytes]:
    return {
        str(each.relative_to(folder)): each.read_bytes()
        for each in folder.rglob("*")
        if each.is_file()
    }


@pytest.mark.parametrize("kind", ["only_log", "vacuumed"])
@pytest.mark.parametrize(
    "command",
    [
        ("replay", "--json"),
        ("replay", "--second-opinion", "--json"),
        ("export", "facts", "--json"),
        ("export", "facts"),
    ],
    ids=" ".join,
)
def test_the_log_alone_can_be_audited(
    run: Run, network: Path, request: pytest.FixtureRequest, kind: str, command: tuple[str, ...]
) -> None:
    """Promise: replay and scores need no keys, and reading leaves nothing behind."""
    folder: Path = request.getfixturevalue(kind)
    before = content(folder)

    done = run(*command, store=folder)

    assert (0, "") == (done.code, done.err)
    assert run(*command, store=network).out == done.out
    assert before == content(folder)


@pytest.mark.parametrize("command", ["scores", "replay"])
def test_scores_are_shown_without_names_and_a_warning(
    run: Run, network: Path, only_log: Path, command: str
) -> None:
    before = content(only_log)

    done = run(command, store=only_log)

    assert 0 == done.code
    assert 1 == done.err.count("\n")
    assert done.err.startswith("warning: names and external ids are left out: ")
    assert "REFNET_KEK_FILE" in done.err
    assert "ann" not in done.out
    assert run(command, store=network).out.splitlines()[-1] == done.out.splitlines()[-1]
    assert before == content(only_log)


def test_scores_as_json_have_null_for_ids_that_cannot_be_revealed(
    run: Run, network: Path, only_log: Path
) -> None:
    whole = run("scores", "--json", store=network).json

    done = run("scores", "--json", store=only_log)

    assert 1 == done.err.count("\n")
    for member in whole["members"]:
        member["external_id"] = None
    assert whole == done.json


@pytest.mark.parametrize(
    "harm",
    ["sealed", "keys", "index-key"],
)
def test_damage_to_keys_and_sealed_fields_hides_no_score(
    run: Run, network: Path, harm: str
) -> None:
    whole = run("scores", "--json").json
    if harm == "keys":
        (network / "keys.db").write_bytes(b"no database" * 1000)
    else:
        table, file = {"sealed": ("sealed", "log.db")}.get(harm, ("index_key", "keys.db"))
        raw = sqlite3.connect(network / file)
        raw.execute(f"DELETE FROM {table}")
        raw.commit()
        raw.close()

    done = run("scores", "--json")

    assert (0, whole["digest"]) == (done.code, done.json["digest"])
    assert "backup" in done.err or "check the disk" in done.err
    assert {None} == {member["external_id"] for member in done.json["members"]}
    assert 0 == run("replay", "--json").code
