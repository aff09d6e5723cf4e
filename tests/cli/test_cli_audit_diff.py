"""`refnet audit diff`: two moments, two copies, two models; and who scores for the audit."""

from __future__ import annotations

import json
import math
import shutil
import signal
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from cli.auditing import facts_of, tamper
from cli.running import COMMAND, Run
from refnet.audit.opinions import Kernel, Moment, Reference
from refnet.cli import main
from refnet.cli.audit_diff_shown import show
from refnet.cli.audit_diff_sides import Side, find
from refnet.cli.audit_scores import Audit, audited
from refnet.cli.output import Output
from refnet.log.store import FILE
from refnet.log.tree import commitment
from refnet.wiring import open_engine


def test_a_difference_adds_up_and_its_facts_cost_what_whatif_says(filled: Run) -> None:
    end = filled("scores", "--json").json["position"]
    told = filled("audit", "diff", end - 100, end, "--top", "3", "--facts", "2", "--json")
    back = filled("audit", "diff", end, end - 100, "--top", "3", "--facts", "2", "--json").json

    assert 1 == told.code
    assert ("reference", True) == (told.json["scores"], told.json["kernel_agrees"])
    scores = {each["member"]: each for each in filled("scores", "--json").json["members"]}
    for change, undone in zip(told.json["changes"], back["changes"], strict=True):
        assert scores[change["member"]]["score"] == change["after"]
        assert scores[change["member"]]["rank"] == change["rank_after"]
        assert math.fsum(part["points"] for part in change["because"]) == change["change"]
        assert math.fsum(change["components"].values()) == change["change"]
        assert (change["member"], -change["change"]) == (undone["member"], undone["change"])
        for part in change["because"]:
            if part["cause"] == "fact":
                asked = ("whatif", part["position"], "--member", change["member"], "--json")
                (without,) = filled(*asked).json["changes"]
                assert without["before"] - without["after"] == part["points"]
    kernel = filled(
        *("audit", "diff", end - 100, end, "--top", 3, "--facts", 2, "--scores", "kernel", "--json")
    ).json
    assert kernel["changes"] == told.json["changes"]
    assert ("kernel", False) == (kernel["scores"], "kernel_agrees" in kernel)


def test_exit_codes_are_those_of_diff(filled: Run, data: Path, tmp_path: Path) -> None:
    end = filled("scores", "--json").json["position"]
    same = filled("audit", "diff", end, end)
    assert (0, True) == (same.code, "no score differs" in same.out)
    assert 1 == filled("audit", "diff", end - 100, end, "--top", "0").code
    ahead = filled("audit", "diff", end, end + 1, "--json")
    assert (2, "POSITION_AHEAD", "position") == (
        ahead.code,
        ahead.json["error"]["reason"],
        ahead.json["error"]["field"],
    )
    for wrong in ((), ("yesterday", "1"), ("--try", "x=1"), ("--try", "newcomer=0.5")):
        assert 2 == filled("audit", "diff", *wrong).code
    nobody = filled("audit", "diff", end - 100, end, "--member", "nobody")
    assert (2, True) == (nobody.code, "--member 'nobody' is no member" in nobody.err)
    nowhere = filled("audit", "diff", "--other", tmp_path / "none")
    assert (2, True) == (nowhere.code, "holds no log" in nowhere.err)


def test_two_copies_are_compared_row_by_row(filled: Run, data: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(data, copy)
    end = filled("scores", "--json").json["position"]
    assert 0 == filled("audit", "diff", "--other", copy).code
    assert 1 == filled("audit", "diff", end - 100, end, "--other", copy, "--top", "1").code

    tamper(copy, "UPDATE stored_events SET salt = zeroblob(32) WHERE rowid = ?", 9)
    told = filled("audit", "diff", "--other", copy, "--json")
    difference = told.json["first_difference"]
    assert (1, 9, ["salt"], [False, True]) == (
        told.code,
        difference["position"],
        list(difference["what"]),
        difference["damaged"],
    )
    shown = filled("audit", "diff", "--other", copy).out
    assert "the same up to position 8 and differ at 9" in shown
    assert f"in {copy} that row is not what was committed to" in shown
    assert 0 == filled("audit", "diff", 8, 8, "--other", data).code

    shutil.rmtree(copy)
    shutil.copytree(data, copy)
    tamper(copy, "DELETE FROM stored_events WHERE rowid > ?", end - 50)
    shorter = filled("audit", "diff", "--other", copy, "--json", "--top", "1")
    assert (1, end - 49) == (shorter.code, shorter.json["first_difference"]["position"])
    assert "nothing" == shorter.json["first_difference"]["what"]["name"][1]
    (change,) = shorter.json["changes"]
    assert math.fsum(part["points"] for part in change["because"]) == change["change"]


def rewritten(run: Run, data: Path, copy: Path, name: str, field: str, value: object) -> int:
    """A copy in which the first fact of a name says something else, commitment and all."""
    fact = next(each for each in facts_of(run) if each["name"] == name)
    shutil.copytree(data, copy)
    with closing(sqlite3.connect(copy / FILE)) as log:
        (state,) = log.execute(
            "SELECT state FROM stored_events WHERE rowid = ?", (fact["position"],)
        ).fetchone()
    said = json.loads(state)
    said["data"][field] = value
    anew = json.dumps(said, separators=(",", ":"), ensure_ascii=False).encode()
    salt, stream = bytes.fromhex(fact["salt"]), bytes.fromhex(fact["stream"].replace("-", ""))
    told = commitment(salt, stream, fact["version"], name, anew)
    tamper(
        copy,
        "UPDATE stored_events SET state = ?, commitment = ? WHERE rowid = ?",
        *(anew, told, fact["position"]),
    )
    position: int = fact["position"]
    return position


def test_a_rewritten_history_has_other_scores_and_no_cause(
    filled: Run, data: Path, tmp_path: Path
) -> None:
    """Only another copy shows that."""
    copy = tmp_path / "copy"
    position = rewritten(filled, data, copy, "refnet.testimonial-given.v1", "rating", -10)
    told = filled("audit", "diff", "--other", copy, "--json")
    found = told.json

    assert (1, position) == (told.code, found["first_difference"]["position"])
    assert {"data.rating", "commitment"} == set(found["first_difference"]["what"])
    assert found["changes"]
    assert all("because" not in change for change in found["changes"])
    end = found["one"]["position"]
    apart = filled("audit", "diff", end - 100, end, "--other", copy, "--json").json["changes"]
    assert apart
    assert all("because" not in change for change in apart)
    assert "the two histories have forked" in filled("audit", "diff", "--other", copy).out


def test_copies_that_differ_where_no_score_does_differ(
    filled: Run, data: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    assert 1 == rewritten(filled, data, copy, "refnet.network-chartered.v1", "name", "Mine")
    told = filled("audit", "diff", "--other", copy, "--json")

    assert (1, 0) == (told.code, told.json["change_count"])
    assert {"data.name", "commitment"} == set(told.json["first_difference"]["what"])


def test_stores_of_two_logs_are_not_compared(filled: Run, tmp_path: Path) -> None:
    other = tmp_path / "other"
    assert 0 == main(
        ("simulate", "--chapters", "1", "--weeks", "1", "--seed", "8", "--data", str(other))
    )
    refused = filled("audit", "diff", "--other", other)

    assert (2, True) == (refused.code, "name a copy of the same log" in refused.err)


def test_models_and_constants_are_compared_component_by_component(filled: Run) -> None:
    models = filled("audit", "diff", "--other-model", "2", "--top", "2", "--json").json
    whole = filled("scores", "--model", "2", "--json").json
    assert whole["digest"] == models["other"]["digest"]
    for change in models["changes"]:
        assert math.fsum(change["components"].values()) == change["change"]
        assert {"model"} == {part["cause"] for part in change["because"]} - {"rounding"}
    tried = filled("audit", "diff", "--try", "r_grace=5", "--scores", "kernel", "--json").json
    assert {"r_grace": 5.0} == tried["other"]["tried"]
    for change in tried["changes"]:
        assert 0.0 != change["components"]["referrals"]
        assert {0.0} == {change["components"][name] for name in ("value", "trust", "clients")}
        assert "because" not in change
    both = ("--try", "r_grace=5", "--scores", "kernel", "--other-model", "2", "--json")
    assert all("because" not in each for each in filled("audit", "diff", *both).json["changes"])


def test_opinions_that_differ_are_told(made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A kernel with another constant stands for one that is broken."""
    output = Output(as_json=False)
    with (
        open_engine(made, read_only=True) as engine,
        audited(engine, engine.head()[0], "reference", output) as audit,
    ):
        at = Moment(audit.told.position, 19_800)
        broken = Kernel(audit.told, {"r_grace": 5.0})
        found = Audit(engine, audit.told, broken, Reference(audit.told), output)
        assert ({"scores": "reference", "kernel_agrees": True}, True) == audit.second_opinion(at)
        assert ({"scores": "reference", "kernel_agrees": False}, False) == found.second_opinion(at)
        side = Side(made, found, at, {})
        same = find((side, side), (), 5, 1, output, priced=True)
        assert ([], False) == (same.all, same.agree)
        assert not show((side, side), same, None, output)
    assert "do NOT agree" in capsys.readouterr().err


def test_what_takes_long_is_told_ahead_with_a_way_out(
    made: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = Output(as_json=False)
    for scorer, told in (("reference", True), ("kernel", False)):
        with (
            open_engine(made, read_only=True) as engine,
            audited(engine, engine.head()[0], scorer, output) as audit,
            audit.scoring(100_000),
        ):
            pass
        said = capsys.readouterr().err
        assert told == ("minutes; --scores kernel takes seconds" in said)


def test_ctrl_c_ends_a_difference_in_one_sentence(filled: Run, data: Path) -> None:
    end = filled("scores", "--json").json["position"]
    arguments = ["audit", "diff", "1", str(end), "--top", "1000", "--facts", "20"]
    process = subprocess.Popen(
        [*COMMAND, *arguments, "--data", str(data)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    assert "note: the slow reference scores the network up to" in process.stderr.readline()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)

    assert (130, "") == (process.returncode, out)
    assert "refnet: interrupted; nothing was changed\n" == err
