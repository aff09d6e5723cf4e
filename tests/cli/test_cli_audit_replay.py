"""`refnet audit state`, `diff`, `history` and `explain`, as an auditor and a program use them."""

from __future__ import annotations

import json
import math
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from cli.running import COMMAND, Run
from refnet import _reference as reference
from refnet import _reference_evidence as naive
from refnet.audit.opinions import Kernel, Moment, Reference
from refnet.cli import main
from refnet.cli.audit_history import _disagreement
from refnet.cli.audit_scores import Audit, audited, moment_at
from refnet.cli.output import Output
from refnet.history import Point, walk_of
from refnet.log.store import FILE
from refnet.log.tree import commitment, leaf_data, leaf_hash
from refnet.tlog.checkpoint import parse_checkpoint
from refnet.tlog.note import parse_note
from refnet.tlog.proof_file import parse_proof
from refnet.tlog.proofs import check_inclusion
from refnet.wiring import open_engine


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small made-up network with everything in it."""
    data = tmp_path_factory.mktemp("audit") / "store"
    asked = ("simulate", "--chapters", "1", "--weeks", "4", "--seed", "7", "--data", str(data))
    assert 0 == main(asked)
    return data


@pytest.fixture
def filled(run: Run, made: Path, data: Path) -> Run:
    shutil.copytree(made, data)
    return run


def facts_of(run: Run) -> list[dict[str, Any]]:
    return [json.loads(line) for line in run("export", "facts", "--json").out.splitlines()]


def tamper(data: Path, statement: str, *parameters: object) -> None:
    """Change a log behind refnet's back."""
    with closing(sqlite3.connect(data / FILE)) as log:
        log.execute("DROP TRIGGER stored_events_no_update")
        log.execute("DROP TRIGGER stored_events_no_delete")
        log.execute(statement, parameters)
        log.commit()


def test_the_state_of_a_stream_as_of_a_position(filled: Run) -> None:
    facts = facts_of(filled)
    won = next(fact for fact in facts if fact["name"] == "refnet.referral-won.v1")
    named = f"referrals/{won['stream']}"
    now = filled("audit", "state", "referral", won["stream"], "--json").json
    then = filled("audit", "state", "referrals", named, "--at", won["position"] - 1, "--json").json

    assert ("won", "referral", named, "sealed") == (
        now["state"]["status"],
        now["kind"],
        now["name"],
        now["personal_data"],
    )
    assert "won" != then["state"]["status"]
    mine = [fact for fact in facts if fact["stream"] == won["stream"]]
    shared = ("position", "version", "name", "record_time", "commitment")
    assert [{name: fact[name] for name in shared} for fact in mine] == [
        {name: fact[name] for name in shared} for fact in now["facts"]
    ]
    shown = filled("audit", "state", "referral", won["stream"])
    assert 0 == shown.code
    assert "referral-won" in shown.out
    assert "status   won" in shown.out


def test_personal_data_stay_sealed(filled: Run) -> None:
    found = re.search(r"^ +1   (\S+ \S+) ", filled("scores", "--top", "1").out, re.MULTILINE)
    assert found is not None
    name = found[1]
    first = filled("scores", "--top", "1", "--json").json["members"][0]
    shown = filled("audit", "state", "member", first["member"])
    told = filled("audit", "state", "member", first["member"], "--json")

    assert name not in shown.out + told.out
    assert "personal data stay sealed" in shown.out
    assert "name" in told.json["facts"][0]["sealed"]


def test_the_network_needs_no_id_and_all_others_do(filled: Run) -> None:
    assert "network" == filled("audit", "state", "network", "--json").json["kind"]
    for arguments, words in (
        (("member",), "which member? Only the network needs no ID"),
        (("person", "x"), "KIND 'person' is no kind of stream; choose one of network, chapter"),
        (("member", "nobody"), "ID 'nobody' is no member; give an id such as members/UUID, or"),
        (("chapter", "nobody"), "ID 'nobody' is no chapter; give an id such as chapters/UUID"),
        (("network", "--at", "999999"), "position 999999 is not in the log, which reaches"),
    ):
        refused = filled("audit", "state", *arguments)
        assert 1 == refused.code
        assert words in refused.err


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


def test_a_rewritten_history_has_other_scores_and_no_cause(
    filled: Run, data: Path, tmp_path: Path
) -> None:
    """Commitments and all: only another copy shows that."""
    given = next(f for f in facts_of(filled) if f["name"] == "refnet.testimonial-given.v1")
    copy = tmp_path / "copy"
    shutil.copytree(data, copy)
    with closing(sqlite3.connect(copy / FILE)) as log:
        (state,) = log.execute(
            "SELECT state FROM stored_events WHERE rowid = ?", (given["position"],)
        ).fetchone()
    said = json.loads(state)
    said["data"]["rating"] = -said["data"]["rating"]
    anew = json.dumps(said, separators=(",", ":"), ensure_ascii=False).encode()
    salt, stream = bytes.fromhex(given["salt"]), bytes.fromhex(given["stream"].replace("-", ""))
    told = commitment(salt, stream, given["version"], given["name"], anew)
    tamper(
        copy,
        "UPDATE stored_events SET state = ?, commitment = ? WHERE rowid = ?",
        *(anew, told, given["position"]),
    )
    found = filled("audit", "diff", "--other", copy, "--json").json

    assert given["position"] == found["first_difference"]["position"]
    assert {"data.rating", "commitment"} == set(found["first_difference"]["what"])
    assert found["changes"]
    assert all("because" not in change for change in found["changes"])
    assert "the two histories have forked" in filled("audit", "diff", "--other", copy).out


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


def test_a_score_is_explained_down_to_proved_facts(filled: Run, data: Path, tmp_path: Path) -> None:
    told = filled("audit", "explain", "#0", "--json").json
    plain = filled("explain", "#0", "--json").json
    assert (None, True) == (told["published"], told["kernel_agrees"])
    shared = ("score", "raw", "components", "parts", "taken", "remainder", "digest")
    assert {name: plain[name] for name in shared} == {name: told[name] for name in shared}
    edges = [point for edge in told["edges"] for point in edge["points"].values()]
    partners = [part["points"] for part in told["parts"] if part["partner"] is not None]
    assert math.isclose(math.fsum(edges), math.fsum(partners))
    for fact in told["facts"]:
        (exported,) = filled(
            *("export", "facts", "--after", fact["position"] - 1, "--upto", fact["position"]),
            "--json",
        ).out.splitlines()
        assert fact["commitment"] == json.loads(exported)["commitment"]
        assert fact["index"] == fact["position"] - 1
        (without,) = filled("whatif", fact["position"], "--member", "#0", "--json").json["changes"]
        assert without["before"] - without["after"] == fact["cost"]

    folder = tmp_path / "proofs"
    refused = filled("audit", "explain", "#0", "--proofs", folder)
    assert (1, True, False) == (
        refused.code,
        "refnet audit init makes its key" in refused.err,
        folder.exists(),
    )
    assert "the log is not published" in filled("audit", "explain", "#0").out
    assert 0 == filled("audit", "init", "--operator", "example.com").code
    assert 0 == filled("audit", "publish").code
    proved = filled("audit", "explain", "#0", "--proofs", folder, "--json").json
    assert proved["position"] == proved["published"]
    for fact in proved["facts"]:
        proof = parse_proof(Path(fact["proof"]).read_bytes())
        checkpoint = parse_checkpoint(parse_note(proof.checkpoint.encode()).text)
        leaf = leaf_hash(leaf_data(fact["index"], bytes.fromhex(fact["commitment"])))
        check_inclusion(leaf, proof.index, checkpoint.size, proof.path, checkpoint.root)


def test_a_log_that_is_not_the_one_published_proves_nothing(
    filled: Run, data: Path, tmp_path: Path
) -> None:
    assert 0 == filled("audit", "init", "--operator", "example.com").code
    assert 0 == filled("audit", "publish").code
    position = filled("audit", "explain", "#0", "--facts", 1, "--json").json["facts"][0]["position"]
    given = facts_of(filled)[position - 1]
    with closing(sqlite3.connect(data / FILE)) as log:
        (state,) = log.execute(
            "SELECT state FROM stored_events WHERE rowid = ?", (position,)
        ).fetchone()
    stream = bytes.fromhex(given["stream"].replace("-", ""))
    told = commitment(b"\7" * 32, stream, given["version"], given["name"], state)
    tamper(
        data,
        "UPDATE stored_events SET salt = ?, commitment = ? WHERE rowid = ?",
        *(b"\7" * 32, told, position),
    )
    folder = tmp_path / "proofs"
    refused = filled("audit", "explain", "#0", "--facts", 1, "--proofs", folder)

    assert (78, False) == (refused.code, folder.exists())
    assert f"the fact at position {position} is not the one that was published" in refused.err


def test_what_no_checkpoint_covers_yet_has_no_proof(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "ratings.csv"
    file.write_text("ann,bob,8,1300000000\n")
    assert 0 == run("import", "ratings", file, "--pretrust", "uniform").code
    assert 0 == run("audit", "init", "--operator", "example.com").code
    assert 0 == run("audit", "publish").code
    file.write_text("ann,bob,8,1300000000\ncyd,bob,9,1300000001\n")
    assert 0 == run("import", "ratings", file).code
    folder = tmp_path / "proofs"
    refused = run("audit", "explain", "bob", "--proofs", folder)

    assert (1, False) == (refused.code, folder.exists())
    assert "refnet audit publish signs it now" in refused.err
    assert 0 == run("audit", "publish").code
    assert 0 == run("audit", "explain", "bob", "--proofs", folder).code


def test_a_history_says_what_each_point_says_alone(filled: Run, tmp_path: Path) -> None:
    svg, png = tmp_path / "h.svg", tmp_path / "h.png"
    told = filled(
        "audit", "history", "#3", "--svg", svg, "--png", png, "--moves", "2", "--json"
    ).json
    plain = filled("history", "#3", "--json").json["points"]

    assert told["kernel_agrees"]
    for name in ("position", "day", "score", "rank"):
        assert [point[name] for point in plain] == [point[name] for point in told["points"]]
    by_date = {point["date"]: point for point in told["points"]}
    assert 2 == len(told["moves"])
    for move in told["moves"]:
        point = by_date[move["date"]]
        assert math.fsum(part["points"] for part in move["because"]) == point["change"]
        assert move["fact_count"] == point["fact_count"]
    largest = sorted((abs(point["change"] or 0.0) for point in told["points"]), reverse=True)[:2]
    assert sorted(largest) == sorted(abs(by_date[move["date"]]["change"]) for move in told["moves"])
    drawn = ET.parse(svg).getroot()
    dots = [each for each in drawn if each.tag.endswith("circle")]
    assert len(told["points"]) + len(told["moves"]) == len(dots)
    assert png.read_bytes().startswith(b"\x89PNG")
    assert "score, lowest to highest" in filled("audit", "history", "#3").out
    assert 2 == filled("audit", "history", "#3", "--to", "2999-01-01").code
    assert 1 == filled("audit", "history", "nobody").code


def test_png_without_matplotlib_names_what_brings_it(
    filled: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    monkeypatch.setitem(sys.modules, "matplotlib.backends.backend_agg", None)
    refused = filled("audit", "history", "#3", "--png", tmp_path / "h.png")

    assert (1, True) == (refused.code, "pip install 'refnet[evaluate]'" in refused.err)


def test_replay_scores_history_by_another_model(filled: Run, data: Path) -> None:
    """As of any position, and as the slow reference does."""
    end = filled("scores", "--json").json["position"]
    with open_engine(data, read_only=True) as engine:
        facts = list(engine.facts())
    for position in (end, end - 77, 40):
        told = filled("replay", "--model", "2", "--until", position, "--json").json
        day = told["day"]
        scores = reference.score(
            len(naive.members(facts, position)),
            naive.events(facts, position, day),
            day,
            standing=naive.standing(facts, position),
            **naive.policy(facts, position)._asdict(),
            model="2",
        )
        assert ("2", reference.digest(scores)) == (told["model"], told["digest"])


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
    assert "do NOT agree" in capsys.readouterr().err


def test_a_history_that_the_reference_sees_otherwise_is_told(
    made: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A point of which one number is another stands for a walk that is broken."""
    output = Output(as_json=False)
    with (
        open_engine(made, read_only=True) as engine,
        audited(engine, engine.head()[0], "reference", output) as audit,
    ):
        at = moment_at(engine, None, None, "1", output)
        snapshot = audit.kernel.snapshot(at)
        (seen,) = walk_of(snapshot, 3, [Point(at.position, at.day)])
        assert seen is not None
        member = snapshot.members[3]
        assert None is _disagreement(audit, member, [seen], "1")
        for other in (
            replace(seen, rank=seen.rank + 1),
            replace(seen, values={**seen.values, "xn": seen.values["xn"] + 1e-300}),
        ):
            assert f"at position {at.position}" in str(_disagreement(audit, member, [other], "1"))
    assert "do NOT agree at position" in capsys.readouterr().err


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
    arguments = ["audit", "diff", "1", str(end), "--top", "1000", "--facts", "20", "--json"]
    process = subprocess.Popen(
        [*COMMAND, *arguments, "--data", str(data)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    time.sleep(2.5)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)

    assert 130 == process.returncode
    assert "INTERRUPTED" == json.loads(out)["error"]["reason"]
    assert "refnet: interrupted; nothing was changed\n" == err
