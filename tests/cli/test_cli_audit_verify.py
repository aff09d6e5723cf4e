"""`refnet audit verify` and `bundle` on the command line: what they print, and how they end."""

from __future__ import annotations

import random
import shutil
import signal
import sqlite3
import subprocess
import time
from contextlib import closing, suppress
from pathlib import Path

import pytest

from cli.running import COMMAND, Run
from refnet.log.store import FILE
from refnet.publishing import FOLDER, SIGNER
from refnet.tlog.note import Signer
from refnet.tlog.signer import STATE

PATIENCE_SECONDS = 60


@pytest.fixture
def signed(run: Run, data: Path) -> Path:
    """A simulated store that is signed."""
    assert 0 == run("simulate", "--chapters", 1, "--weeks", 4, "--seed", 1).code
    assert 0 == run("audit", "init", "--operator", "example.com").code
    assert 0 == run("audit", "publish").code
    return data


def key_of(run: Run) -> str:
    return str(run("audit", "keys", "--json").json["keys"][0])


def change(data: Path, statement: str) -> None:
    """Change the database past its guards."""
    with closing(sqlite3.connect(data / FILE)) as log:
        for (name,) in log.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'"):
            log.execute(f"DROP TRIGGER {name}")
        log.execute(statement)
        log.commit()


def test_a_sound_store_is_exit_0_with_the_figures_of_each_step(run: Run, signed: Path) -> None:
    head = run("replay", "--json").json

    done = run("audit", "verify", "--key", key_of(run), "--json")

    assert (0, True, None) == (done.code, done.json["ok"], done.json["first"])
    assert (head["position"], head["head"]) == (done.json["position"], done.json["head"])
    steps = {each["step"]: each for each in done.json["steps"]}
    assert ["rows", "requests", "tiles", "checkpoints", "ledger", "scores"] == list(steps)
    assert head["position"] == steps["rows"]["facts"] == steps["tiles"]["facts"]
    assert steps["rows"]["peak_rss_bytes"] > 1 << 20
    assert not done.json["trusts_operator"]
    assert "" == done.err


def test_people_get_a_line_a_step_and_a_word_about_trust(run: Run, signed: Path) -> None:
    done = run("audit", "verify")

    assert 0 == done.code
    names = [line.split()[0] for line in done.out.splitlines()]
    assert ["rows", "requests", "tiles", "checkpoints", "ledger", "scores", "position"] == names
    assert "trusts the operator" in done.err


def test_a_fact_that_was_changed_is_exit_1_and_named(run: Run, signed: Path) -> None:
    change(signed, "UPDATE stored_events SET topic = 'refnet.rate-set.v1' WHERE rowid = 77")

    done = run("audit", "verify", "--json")

    assert (1, False) == (done.code, done.json["ok"])
    first = done.json["first"]
    assert ("topic", 76, 77) == (first["what"], first["index"], first["position"])
    assert f"refnet: {first['message']}" in done.err
    assert "stopped" == done.json["steps"][5]["state"]


def test_a_restored_backup_and_a_fork_are_exit_78(run: Run, signed: Path) -> None:
    change(signed, "DELETE FROM stored_events WHERE rowid > 100")

    done = run("audit", "verify", "--json")

    assert 78 == done.code
    assert ("rollback", 100) == (done.json["first"]["what"], done.json["first"]["index"])
    shutil.copytree(signed / FOLDER, signed.with_name("published"))
    shutil.copytree(signed / SIGNER, signed.with_name("signer"))
    shutil.rmtree(signed)
    run("simulate", "--chapters", 1, "--weeks", 4, "--seed", 2)
    shutil.move(signed.with_name("published"), signed / FOLDER)
    shutil.move(signed.with_name("signer"), signed / SIGNER)
    other = run("audit", "verify", "--json")
    assert (78, 0) == (other.code, other.json["first"]["index"])


def test_wrong_usage_is_exit_2(run: Run, signed: Path) -> None:
    key = key_of(run)
    for arguments in (
        ("--key", key[:-2]),
        ("--scores", "none", "--scores", "kernel"),
        ("--bundle", ".", "--scores", "kernel"),
    ):
        assert 2 == run("audit", "verify", *arguments).code
    somebody = "members/" + "0" * 32
    for wrong in (
        ["--range", "1..2"],
        ["--out", "there"],
        ["--out", "there", "--range", "9..2"],
        ["--out", "there", "--member", "ann"],
        ["--out", "there", "--member", somebody, "--range", "1..2"],
    ):
        assert 2 == run("audit", "bundle", *wrong).code
    shutil.rmtree(signed / SIGNER)
    done = run("audit", "verify")
    assert 2 == done.code
    assert "--key" in done.err
    assert 0 == run("audit", "verify", "--key", key).code


def test_a_missing_log_is_a_sentence(run: Run, data: Path) -> None:
    done = run("audit", "verify", "--json")

    assert (1, "NOT_FOUND") == (done.code, done.json["error"]["reason"])
    assert not data.exists()


def test_published_files_that_are_missing_are_exit_1(run: Run, signed: Path) -> None:
    for name in ("checkpoint", "checkpoints", "tile"):
        shutil.move(signed / FOLDER / name, signed / "away")
        done = run("audit", "verify", "--json")
        assert (1, False) == (done.code, done.json["ok"])
        shutil.move(signed / "away", signed / FOLDER / name)
    assert 0 == run("audit", "verify").code


def test_a_stranger_is_not_the_log(run: Run, signed: Path) -> None:
    name = key_of(run).partition("+")[0]
    stranger = Signer(name, bytes(32)).verifier.vkey

    done = run("audit", "verify", "--key", stranger, "--json")

    assert (1, "checkpoint") == (done.code, done.json["first"]["what"])


def test_history_is_verified_with_keys_that_were_retired(
    run: Run, signed: Path, tmp_path: Path
) -> None:
    old = key_of(run)
    key_id = old.split("+")[1]
    assert 0 == run("audit", "keys", "--add").code
    assert 0 == run("audit", "keys", "--retire", key_id).code
    kept = signed / SIGNER / f"{key_id}.vkey"
    kept.unlink(missing_ok=True)
    without = run("audit", "verify", "--json")
    assert (1, "checkpoint") == (without.code, without.json["first"]["what"])
    assert "an older key may be missing" in without.json["first"]["message"]

    kept.write_text(f"{old}\n")

    assert 0 == run("audit", "verify").code
    out = tmp_path / "bundle"
    assert 0 == run("audit", "bundle", "--range", "1..3", "--out", out).code
    assert 0 == run("audit", "verify", "--bundle", out).code
    assert 0 == run("audit", "verify", "--key", old, "--key", key_of(run)).code
    kept.write_bytes(b"\xff")
    spoilt = run("audit", "verify")
    assert (2, True) == (spoilt.code, str(kept) in spoilt.err)


def test_a_bundle_is_made_and_verified(run: Run, signed: Path, tmp_path: Path) -> None:
    key = key_of(run)
    out = tmp_path / "bundle"

    made = run("audit", "bundle", "--range", "17..42", "--out", out, "--json")
    checked = run("audit", "verify", "--bundle", out, "--key", key, "--json")

    assert (0, 26) == (made.code, made.json["facts"])
    assert (0, True, False) == (checked.code, checked.json["ok"], checked.json["trusts_bundle"])
    assert 0o700 == out.stat().st_mode & 0o777
    again = run("audit", "bundle", "--range", "17..42", "--out", out, "--json")
    assert (1, "out") == (again.code, again.json["error"]["field"])
    (out / "proofs" / "20.tlog-proof").unlink()
    assert 1 == run("audit", "verify", "--bundle", out).code


def test_random_bytes_are_no_traceback(run: Run, signed: Path, tmp_path: Path) -> None:
    """Whatever lies where a file belongs: a finding or a refusal, never an accident."""
    chance = random.Random(3)
    run("audit", "bundle", "--range", "1..9", "--out", tmp_path / "bundle")
    for where, arguments in (
        (signed, ()),
        (tmp_path / "bundle", ("--bundle", tmp_path / "bundle")),
    ):
        for path in where.rglob("*"):
            if not path.is_file() or path.suffix == ".skey":
                continue
            content = path.read_bytes()
            for spoilt in (chance.randbytes(300), content[: len(content) // 2]):
                path.write_bytes(spoilt)
                done = run("audit", "verify", *arguments)
                assert done.code in {0, 1, 78}
                assert "Traceback" not in done.err
            path.write_bytes(content)
        assert 0 == run("audit", "verify", *arguments).code


def test_a_log_whose_key_one_has_must_be_signed(run: Run, signed: Path) -> None:
    key = key_of(run)
    shutil.rmtree(signed / FOLDER)
    shutil.rmtree(signed / SIGNER)

    assert 0 == run("audit", "verify").code
    done = run("audit", "verify", "--key", key, "--json")

    assert (1, "checkpoint") == (done.code, done.json["first"]["what"])


def test_a_log_that_was_being_signed_cannot_have_nothing_signed(run: Run, signed: Path) -> None:
    shutil.rmtree(signed / FOLDER)
    (signed / SIGNER / STATE).unlink()

    done = run("audit", "verify", "--json")

    assert (1, "checkpoint") == (done.code, done.json["first"]["what"])
    assert "nothing that was signed is left" in done.json["first"]["message"]
    assert 0 == run("audit", "publish").code
    assert 0 == run("audit", "verify").code


def test_a_signer_that_was_made_and_has_not_signed_yet_is_said_to_be_there(
    run: Run, data: Path
) -> None:
    assert 0 == run("simulate", "--chapters", 1, "--weeks", 1, "--seed", 1).code
    assert 0 == run("audit", "init", "--operator", "example.com").code

    done = run("audit", "verify")

    assert (0, True) == (done.code, "has signed nothing yet" in done.out)


def test_ctrl_c_ends_it_at_once(run: Run, signed: Path) -> None:
    # A publisher that does not finish is waited for: time enough to be interrupted in.
    (signed / FOLDER / "checkpoints").write_bytes(b"")
    process = subprocess.Popen(
        [*COMMAND, "audit", "verify", "--data", str(signed)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    end = time.monotonic() + PATIENCE_SECONDS
    while not has_opened(process.pid, signed / FILE):
        assert time.monotonic() < end
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=PATIENCE_SECONDS)

    assert (130, "") == (process.returncode, out)
    assert "refnet: interrupted; nothing was changed\n" == err


def test_a_bundle_that_is_told_to_stop_leaves_nothing(
    run: Run, signed: Path, tmp_path: Path
) -> None:
    place = tmp_path / "place"
    place.mkdir()
    head = run("replay", "--json").json["position"]
    wanted = ["--range", f"1..{head}", "--out", str(place / "bundle")]
    process = subprocess.Popen(
        [*COMMAND, "audit", "bundle", *wanted, "--data", str(signed)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    end = time.monotonic() + PATIENCE_SECONDS
    while not list(place.iterdir()):
        assert time.monotonic() < end
        time.sleep(0.001)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=PATIENCE_SECONDS)

    assert (128 + signal.SIGTERM, []) == (process.returncode, list(place.iterdir()))


def has_opened(pid: int, path: Path) -> bool:
    found = []
    for each in Path(f"/proc/{pid}/fd").glob("*"):
        with suppress(OSError):
            found.append(each.readlink())
    return path in found
