"""`refnet audit state`, `history` and `explain`, and replay by another model."""

from __future__ import annotations

import json
import math
import re
import sqlite3
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from cli.auditing import facts_of, tamper
from cli.running import Run
from refnet import _reference as reference
from refnet import _reference_evidence as naive
from refnet.cli.audit_history import _disagreement
from refnet.cli.audit_scores import audited, moment_at
from refnet.cli.output import Output
from refnet.history import Point, walk_of
from refnet.log.store import FILE
from refnet.log.tree import commitment, leaf_data, leaf_hash
from refnet.tlog.checkpoint import parse_checkpoint
from refnet.tlog.note import parse_note
from refnet.tlog.proof_file import parse_proof
from refnet.tlog.proofs import check_inclusion
from refnet.wiring import open_engine


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
    later = filled("audit", "state", "referral", won["stream"], "--at", "2999-01-01", "--json").json
    assert now == later
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
    for number in range(3):
        member = filled("explain", f"#{number}", "--json").json["member"]
        assert member == filled("audit", "state", "member", f"#{number}", "--json").json["name"]
    told = filled("audit", "state", "member", first["member"], "--json")

    assert name not in shown.out + told.out
    assert "personal data stay sealed" in shown.out
    assert "sealed, of version 1" in shown.out
    assert re.search(r"changed_time   2024-\d\d-\d\d \d\d:\d\d:\d\d", shown.out)
    assert "name" in told.json["facts"][0]["sealed"]


def test_the_network_needs_no_id_and_all_others_do(filled: Run) -> None:
    assert "network" == filled("audit", "state", "network", "--json").json["kind"]
    for arguments, words in (
        (("member",), "which member? Only the network needs no ID"),
        (("person", "x"), "KIND 'person' is no kind of stream; choose one of network, chapter"),
        (("member", "nobody"), "ID 'nobody' is no member; give an id such as members/UUID, #"),
        (("member", "#999"), "ID '#999' is no member"),
        (("chapter", "nobody"), "ID 'nobody' is no chapter; give an id such as chapters/UUID"),
        (("network", "--at", "999999"), "position 999999 is not in the log, which reaches"),
    ):
        refused = filled("audit", "state", *arguments)
        assert 1 == refused.code
        assert words in refused.err


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
