"""Every command: its output, its JSON, its exit codes."""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
import subprocess
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from uuid import UUID

import click
import pytest

from cli.running import COMMAND, Run
from refnet.cli import cli

RATINGS = """\
ann,bob,8,1300000000
bob,ann,5,1300000001.5
carl,ann,10,1300000002
ann,carl,-3,1400000000
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "ratings.csv"
    path.write_text(RATINGS)
    return path


def commands() -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = []
    for name, command in cli.commands.items():
        if isinstance(command, click.Group):
            found += [(name, each) for each in command.commands]
        else:
            found.append((name,))
    return found


def test_the_commands_are_those_promised() -> None:
    assert {
        ("serve",),
        ("simulate",),
        ("import", "ratings"),
        ("import", "slips"),
        ("scores",),
        ("explain",),
        ("whatif",),
        ("forecast",),
        ("history",),
        ("path",),
        *(("audit", part) for part in ("init", "keys", "publish", "checkpoint")),
        *(("audit", part) for part in ("prove", "consistency", "verify", "bundle")),
        *(("audit", part) for part in ("state", "diff", "history", "explain")),
        ("bridges",),
        ("alerts",),
        ("trust",),
        ("replay",),
        ("export", "facts"),
        ("golden", "check"),
        *(("privacy", part) for part in ("erase", "rectify", "restrict", "export", "reads")),
        *(("privacy", part) for part in ("retention", "rotate-kek")),
        *(("evaluate", part) for part in ("ratings", "simulated", "attacks", "alerts", "all")),
        ("evaluate", "candidates"),
    } == set(commands())


@pytest.mark.parametrize("command", commands(), ids=" ".join)
def test_help_has_examples_and_the_shared_options(run: Run, command: tuple[str, ...]) -> None:
    done = run(*command, "--help", store=None)

    assert 0 == done.code
    assert f"refnet {' '.join(command)} " in done.out.split("Examples:")[1]
    assert "--data DIR" in done.out
    assert "--json" in done.out


def test_the_version_is_the_packages(run: Run) -> None:
    assert f"refnet, version {version('refnet')}\n" == run("--version", store=None).out


def test_ratings_in_scores_out_replay_the_same(run: Run, file: Path) -> None:
    done = run("import", "ratings", file, "--pretrust", "uniform", "--decay", "off", "--json")
    assert (0, {"accepted": 4, "duplicates": 0, "rejected": 0, "position": 15}) == (
        done.code,
        done.json,
    )
    assert "" == done.err

    again = run("import", "ratings", file, "--json").json
    assert {"accepted": 0, "duplicates": 4, "rejected": 0, "position": 15} == again

    scores = run("scores", "--json").json
    assert ["ann", "bob", "carl"] == sorted(m["external_id"] for m in scores["members"])
    assert [1, 2, 3] == [member["rank"] for member in scores["members"]]
    first = scores["members"][0]
    assert "ann" == first["external_id"]
    assert {"value", "trust", "clients", "referrals", "partners"} == set(first["components"])
    assert 0 <= first["opportunism"] <= 1
    assert first["raw"] >= first["score"] > 0
    assert re.fullmatch("members/[0-9a-f-]{36}", first["member"])

    replay = run("replay", "--json").json
    assert {name: scores[name] for name in ("position", "day", "digest")} == {
        name: replay[name] for name in ("position", "day", "digest")
    }
    assert re.fullmatch("[0-9a-f]{64}", replay["head"])

    second = run("replay", "--second-opinion", "--json")
    assert (0, {"same": True, "digest": scores["digest"]}) == (
        second.code,
        second.json["second_opinion"],
    )


def test_scores_at_another_position_and_day(run: Run, file: Path) -> None:
    run("import", "ratings", file, "--pretrust", "uniform")
    whole = run("scores", "--json").json

    at = run("scores", "--at", 14, "--day", "2011-06-01", "--json").json
    assert (14, 15126, "2011-06-01") == (at["position"], at["day"], at["date"])
    replayed = run("replay", "--until", 14, "--day", "2011-06-01", "--batch", 1, "--json").json
    assert at["digest"] == replayed["digest"] != whole["digest"]

    assert whole["digest"] == run("scores", "--at", "2999-01-01", "--json").json["digest"]
    early = run("scores", "--at", "2001-01-01T00:00:00Z", "--json").json
    assert (0, []) == (early["position"], early["members"])
    assert whole["members"][:2] == run("scores", "--top", 2, "--json").json["members"]


@pytest.mark.parametrize("command", [("scores", "--at"), ("replay", "--until")], ids=" ".join)
@pytest.mark.parametrize("as_json", [(), ("--json",)], ids=["table", "json"])
def test_a_time_before_the_log_is_told_on_stderr(
    run: Run, file: Path, command: tuple[str, ...], as_json: tuple[str, ...]
) -> None:
    run("import", "ratings", file)

    early = run(*command, "2001-01-01", *as_json)

    assert 0 == early.code
    assert re.fullmatch(
        r"warning: at 2001-01-01T00:00:00Z the log holds nothing: "
        r"its first fact was recorded at 20\d\d-\S+Z\n",
        early.err,
    )
    assert "" == run(*command, "2999-01-01", *as_json).err
    told = " ".join(run(command[0], "--help").out.split())
    assert "a record TIME" in told
    assert "a date means its first moment, UTC" in told


def test_export_ends_at_the_head(run: Run, file: Path) -> None:
    run("import", "ratings", file)

    behind = run("export", "facts", "--after", 15)

    assert (0, "") == (behind.code, behind.out)
    assert 15 == len(run("export", "facts", "--upto", 15).out.splitlines())
    assert "" == run("export", "facts", "--upto", 0).out


def test_people_get_a_table(run: Run, file: Path) -> None:
    run("import", "ratings", file)

    done = run("scores", "--top", 2)

    lines = [line.split() for line in done.out.splitlines() if line.strip()]
    assert ["position", "15,"] == lines[0][:2]
    assert ["rank", "member", "score", "value"] == lines[1][:4]
    assert [["1", "ann"], ["2", "bob"]] == sorted(line[:2] for line in lines[3:5])
    assert "digest" == lines[5][0]
    assert 6 == len(lines)


@pytest.mark.parametrize(
    ("arguments", "reason", "field"),
    [
        (["import", "ratings", "FILE", "--pretrust", "attendance"], "WRONG_STATE", "pretrust"),
        (["import", "ratings", "FILE", "--decay", "on"], "WRONG_STATE", "decay"),
        (["scores", "--at", "16"], "POSITION_AHEAD", "position"),
        (["replay", "--until", "16"], "POSITION_AHEAD", "position"),
        (["export", "facts", "--upto", "16"], "POSITION_AHEAD", "upto"),
        (["export", "facts", "--after", "16"], "POSITION_AHEAD", "after"),
        (["simulate", "--chapters", "1", "--weeks", "1", "--seed", "1"], "STORE_SEALED", ""),
        (["serve", "--listen", "0.0.0.0:0"], "INVALID_REQUEST", "listen"),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value[:2]),
)
def test_a_refusal_is_a_sentence_an_object_and_exit_1(
    run: Run, file: Path, arguments: list[str], reason: str, field: str
) -> None:
    run("import", "ratings", file, "--pretrust", "uniform", "--decay", "off")
    given = [str(file) if each == "FILE" else each for each in arguments]

    plain, as_json = run(*given), run(*given, "--json")

    assert (1, 1, "") == (plain.code, as_json.code, plain.out)
    assert 1 == plain.err.count("\n")
    error = as_json.json["error"]
    assert (reason, field) == (error["reason"], error["field"])
    assert f"refnet: {error['message']}\n" == plain.err == as_json.err


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        (["scores", "--top", "0"], "top"),
        (["scores", "--at", "yesterday"], "at"),
        (["scores", "--day", "20240305x"], "day"),
        (["scores", "--day", "1969-12-31"], "day"),
        (["import", "ratings", "no-such-file.csv"], "file"),
        (["import", "ratings"], "file"),
        (["import", "ratings", __file__, "--decay", "sometimes"], "decay"),
        (["simulate", "--chapters", "1"], "weeks"),
        (["nonsense"], ""),
        ([], ""),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value),
)
def test_wrong_usage_is_exit_2_and_an_object_for_programs(
    run: Run, arguments: list[str], field: str
) -> None:
    plain, as_json = run(*arguments, store=None), run(*arguments, "--json", store=None)

    assert (2, "", 2) == (plain.code, plain.out, as_json.code)
    error = as_json.json["error"]
    assert ("USAGE", field) == (error["reason"], error["field"])
    assert error["message"] in as_json.err


def test_there_is_nothing_to_score_where_there_is_no_store(run: Run, data: Path) -> None:
    done = run("scores", "--json")

    assert (1, "NOT_FOUND") == (done.code, done.json["error"]["reason"])
    assert not data.exists()


def test_a_directory_that_cannot_be_made_is_a_sentence(run: Run, file: Path) -> None:
    done = run("import", "ratings", file, "--json", store=file / "below")

    assert (1, "SYSTEM") == (done.code, done.json["error"]["reason"])
    assert "Traceback" not in done.err


def test_facts_are_exported_as_they_are_stored(run: Run, file: Path, data: Path) -> None:
    run("import", "ratings", file)
    head = run("replay", "--json").json["head"]

    lines = run("export", "facts", "--json").out.splitlines()

    facts = [json.loads(line) for line in lines]
    assert list(range(1, 16)) == [fact["position"] for fact in facts]
    assert "refnet.network-chartered.v1" == facts[0]["name"]
    given = facts[-1]
    assert {"refnet.testimonial-given.v1", 1, -3, 1_400_000_000_000_000} == {
        given["name"],
        given["version"],
        given["data"]["rating"],
        given["occur_time"],
    }
    assert "ann" not in "".join(lines)
    assert head == root_of(lines)
    assert (
        lines[3:5] == run("export", "facts", "--after", 3, "--upto", 5, "--json").out.splitlines()
    )
    assert 15 == len(run("export", "facts").out.splitlines())


def root_of(lines: list[str]) -> str:
    """The RFC 6962 root from nothing but exported lines, by the published recipe."""

    def lp(part: bytes) -> bytes:
        return len(part).to_bytes(4, "big") + part

    def hashed(*parts: bytes) -> bytes:
        return hashlib.sha256(b"".join(parts)).digest()

    leaves = []
    for line in lines:
        fact = json.loads(line)
        stored = re.search('"acting_member":.*(?=,"salt":)', line)
        assert stored is not None
        state = "{" + stored[0] + "}"
        commitment = hashed(
            b"refnet/commit/v1\n",
            bytes.fromhex(fact["salt"]),
            lp(UUID(fact["stream"]).bytes),
            fact["version"].to_bytes(8, "big"),
            lp(fact["name"].encode()),
            lp(state.encode()),
        )
        assert fact["commitment"] == commitment.hex()
        index = (fact["position"] - 1).to_bytes(8, "big")
        leaves.append(hashed(b"\x00", b"\x01", index, commitment))

    def root(part: list[bytes]) -> bytes:
        if len(part) == 1:
            return part[0]
        split = 1 << (len(part) - 1).bit_length() - 1
        return hashed(b"\x01", root(part[:split]), root(part[split:]))

    return root(leaves).hex()


def test_a_reader_that_has_seen_enough_is_no_trouble(run: Run, file: Path, data: Path) -> None:
    file.write_text("".join(f"{n},{n + 1},1,{n}\n" for n in range(2000)))
    run("import", "ratings", file)
    command = [*COMMAND, "export", "facts", "--json", "--data", str(data)]

    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert b"" == process.stderr.read()
    assert 1 == process.returncode


def test_the_golden_file_agrees_to_the_last_bit(
    run: Run, shared_data: Callable[[str], Path], tmp_path: Path
) -> None:
    shared_golden = shared_data("score-golden.json")
    done = run("golden", "check", shared_golden, "--json")
    assert (0, True) == (done.code, done.json["ok"])
    assert {0} == {
        differs
        for array in done.json["arrays"].values()
        for differs in (array["kernel_differs"], array["reference_differs"])
    }
    assert 0 == run("golden", "check", shared_golden).code

    golden = json.loads(shared_golden.read_text())
    value = float.fromhex(golden["expected"]["score"][3])
    golden["expected"]["score"][3] = math.nextafter(value, 100).hex()
    wrong = tmp_path / "wrong.json"
    wrong.write_text(json.dumps(golden))

    done = run("golden", "check", wrong, "--json")
    assert (1, False) == (done.code, done.json["ok"])
    assert {"values": golden["n"], "kernel_differs": 1, "reference_differs": 1} == (
        done.json["arrays"]["score"]
    )
    assert 1 == run("golden", "check", wrong).code
    wrong.write_text("[]")
    assert "INVALID_REQUEST" == run("golden", "check", wrong, "--json").json["error"]["reason"]


def test_the_hash_seed_changes_no_bit(run: Run, run_apart: Run, file: Path) -> None:
    run("import", "ratings", file)
    digests = {
        run_apart("replay", "--json", env={**os.environ, "PYTHONHASHSEED": seed}).json["digest"]
        for seed in ("1", "2")
    }

    assert {run("scores", "--json").json["digest"]} == digests
