"""`refnet audit`: a key, a published log and proofs of it, from the command line."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from cli.running import Run
from refnet.tlog.checkpoint import open_checkpoint
from refnet.tlog.note import COSIGNATURE, Signer, parse_vkey
from refnet.tlog.proof_file import parse_extension, parse_proof
from refnet.tlog.proofs import check_consistency

RATINGS = "ann,bob,10,1300000000\nbob,cyd,10,1300000001\ncyd,dan,10,1300000002\n"
MORE = RATINGS + "dan,ann,3,1300000003\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "ratings.csv"
    path.write_text(RATINGS)
    return path


@pytest.fixture
def signed(run: Run, file: Path) -> Run:
    """A store with a few facts and a signer."""
    assert run("import", "ratings", file, "--pretrust", "uniform", "--decay", "off").code == 0
    assert run("audit", "init", "--operator", "example.com").code == 0
    return run


def test_the_key_has_the_name_of_operator_and_log(signed: Run) -> None:
    done = signed("audit", "keys")
    key = parse_vkey(done.out.strip())

    assert key.name.startswith("example.com/refnet/")
    assert signed("audit", "keys", "--json").json["keys"] == [key.vkey]
    again = signed("audit", "init", "--operator", "example.com")
    assert (again.code, "holds a signer already" in again.err) == (1, True)


@pytest.mark.parametrize("name", ["", "exa mple.com", "-x.com", "a/b", "x+y", "EXAMPLE.com"])
def test_an_operator_is_a_domain(run: Run, name: str) -> None:
    done = run("audit", "init", "--operator", name, "--json")
    assert (done.code, done.json["error"]["field"]) == (1, "operator")


def test_a_store_may_have_its_signer_before_its_first_fact(run: Run, data: Path) -> None:
    assert run("audit", "init", "--operator", "example.com").code == 0
    done = run("audit", "publish", "--json")

    assert (done.code, done.json["size"]) == (0, 0)
    assert (data / "tlog" / "checkpoint").exists()


def test_what_is_published_is_proved(signed: Run, file: Path, tmp_path: Path) -> None:
    key = parse_vkey(signed("audit", "keys").out.strip())
    first = signed("audit", "publish")
    old, _ = open_checkpoint(first.out, key)
    assert signed("audit", "checkpoint").out == first.out
    assert signed("audit", "publish").out == first.out  # nothing new, nothing signed

    file.write_text(MORE)
    assert signed("import", "ratings", file).code == 0
    new, _ = open_checkpoint(signed("audit", "publish").out, key)
    head = signed("replay", "--json").json
    assert (new.size, new.root.hex()) == (head["position"], head["head"])
    size, path, raw = parse_extension(signed("audit", "consistency", old.size).out)
    assert (size, open_checkpoint(raw, key)[0]) == (old.size, new)
    check_consistency(old.size, new.size, path, old.root, new.root)

    out = tmp_path / "5.tlog-proof"
    assert signed("audit", "prove", 5, "--out", out).code == 0
    assert signed("audit", "prove", 5).out == out.read_text()
    assert parse_proof(out.read_text()).index == 4
    beyond = signed("audit", "prove", 500, "--json")
    assert (beyond.code, beyond.json["error"]["reason"]) == (1, "POSITION_AHEAD")


def test_scores_are_stated_before_they_are_signed(signed: Run, run: Run, tmp_path: Path) -> None:
    before = signed("scores", "--json").json
    size = signed("audit", "publish", "--scores", "--json").json["size"]

    assert size == before["position"] + 1
    stated = json.loads(signed("export", "facts", "--after", size - 1, "--json").out)
    assert stated["name"] == "refnet.scores-published.v1"
    assert stated["data"]["digest"] == before["digest"]
    empty = tmp_path / "empty"
    assert run("audit", "init", "--operator", "example.com", store=empty).code == 0
    done = run("audit", "publish", "--scores", "--json", store=empty)
    assert (done.code, done.json["error"]["reason"]) == (1, "NETWORK_MISSING")


def test_a_key_is_rotated(signed: Run) -> None:
    old = signed("audit", "keys").out.strip()
    both = signed("audit", "keys", "--add").out.split()
    assert (both[0], len(both)) == (old, 2)
    raw = signed("audit", "publish").out
    sizes = [open_checkpoint(raw, parse_vkey(each))[0].size for each in both]
    assert len(set(sizes)) == 1
    left = signed("audit", "keys", "--retire", parse_vkey(old).key_id.hex())
    assert left.out.split() == both[1:]


def test_a_signer_elsewhere_is_named_by_the_environment(
    run: Run, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REFNET_SIGNER_DIR", str(tmp_path / "apart"))
    done = run("audit", "init", "--operator", "example.com")

    assert (done.code, "made the signer" in done.err) == (0, False)
    assert not (data / "signer").exists()
    assert run("audit", "publish").code == 0
    assert (tmp_path / "apart" / "state").exists()


def test_without_a_signer_it_says_how_to_get_one(run: Run, file: Path) -> None:
    assert run("import", "ratings", file).code == 0
    for command in (("publish",), ("keys",), ("checkpoint",), ("prove", "1")):
        done = run("audit", *command)
        assert (done.code, "refnet audit init" in done.err) == (1, True)


@pytest.mark.parametrize("how", ["serve", "publish"])
def test_a_restored_backup_is_not_served(
    signed: Run, run_apart: Run, data: Path, file: Path, tmp_path: Path, how: str
) -> None:
    shutil.copytree(data, tmp_path / "backup")
    before = signed("replay", "--json").json["position"]
    file.write_text(MORE)
    assert signed("import", "ratings", file).code == 0
    now = signed("audit", "publish", "--json").json["size"]
    for name in ("log.db", "log.db-wal", "log.db-shm", "keys.db"):
        (data / name).unlink(missing_ok=True)
        if (tmp_path / "backup" / name).exists():
            shutil.copy2(tmp_path / "backup" / name, data / name)

    command = ("serve", "--listen", "127.0.0.1:0") if how == "serve" else ("audit", "publish")
    done = run_apart(*command, timeout=60)

    assert done.code == 78
    assert f"ends at position {before}, but position {now} was signed" in done.err


@pytest.mark.parametrize("how", ["named", "lost"])
def test_a_published_log_is_not_served_without_the_memory_of_its_signer(
    signed: Run, run_apart: Run, data: Path, tmp_path: Path, how: str
) -> None:
    """A disk that is not mounted, or a slip of the pen, must not have a rollback go unnoticed."""
    assert signed("audit", "publish").code == 0
    environment = dict(os.environ)
    if how == "named":
        environment["REFNET_SIGNER_DIR"] = str(tmp_path / "not-mounted")
    else:
        shutil.rmtree(data / "signer")

    done = run_apart("serve", "--listen", "127.0.0.1:0", env=environment, timeout=60)

    assert (done.code, done.out) == (1, "")
    assert "is it mounted" in done.err


def test_a_store_with_rows_before_its_first_is_not_opened(signed: Run, data: Path) -> None:
    """No scan sees such a row, and a server could be asked for its stream."""
    with closing(sqlite3.connect(data / "log.db")) as log, log:
        log.execute("DROP TRIGGER stored_events_appends")
        log.execute(
            "INSERT INTO stored_events SELECT 0, 'beef', 1, topic, state, salt, commitment"
            " FROM stored_events WHERE rowid = 3"
        )

    for command in (("scores",), ("replay",), ("audit", "publish"), ("audit", "state", "network")):
        done = signed(*command)
        assert (done.code, "begins at position 0" in done.err) == (1, True), done.err


def test_a_key_is_not_added_when_the_other_cannot_be_retired(signed: Run) -> None:
    before = signed("audit", "keys").out
    done = signed("audit", "keys", "--add", "--retire", "00000000")

    assert (done.code, "holds no key 00000000" in done.err) == (1, True)
    assert signed("audit", "keys").out == before


def test_a_proof_of_another_fact_is_not_handed_out(signed: Run, data: Path) -> None:
    assert signed("audit", "publish").code == 0
    with closing(sqlite3.connect(data / "log.db")) as log, log:
        log.execute("DROP TRIGGER stored_events_no_update")
        log.execute("UPDATE stored_events SET commitment = zeroblob(32) WHERE rowid = 2")
    # The end of the log is checked whenever it is opened; what lies further back is not.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("refnet.log.reader.TAIL", 0)
        patch.setattr("refnet.log.reader.Reader.verify_tail", lambda _: None)
        done = signed("audit", "prove", 2)

    assert (done.code, "is not the one that was published" in done.err) == (1, True)


def test_a_quorum_that_is_missing_is_no_success(signed: Run, data: Path) -> None:
    key = signed("audit", "keys").out.strip()
    witness = Signer("witness.example/w", bytes(32), COSIGNATURE).verifier.vkey
    (data / "signer" / "policy").write_text(
        f"log {key}\nwitness w {witness} http://127.0.0.1:9/\nquorum w\n"
    )
    done = signed("audit", "publish", "--json")

    assert (done.code, done.json["error"]["reason"]) == (1, "NOT_COSIGNED")
    assert not (data / "tlog" / "checkpoint").exists()


def test_killed_while_it_publishes_it_goes_on_the_next_time(signed: Run, run_apart: Run) -> None:
    for step in ("before-tiles", "state-written:1", "before-checkpoint", "after-checkpoint"):
        killed = run_apart("audit", "publish", env={**os.environ, "REFNET_FAILPOINT": step})
        assert killed.code == -signal.SIGKILL, step
    done = signed("audit", "publish", "--json")
    assert done.json["size"] == signed("replay", "--json").json["position"]
