"""The made-up network of `serve --demo` is whole, or it is not there."""

from __future__ import annotations

import os
import shlex
import signal
import sqlite3
import subprocess
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from cli.running import COMMAND, Run
from refnet.cli import demo
from refnet.cli.output import Output
from refnet.errors import StoreSealed
from refnet.log.lock import WriterLock
from refnet.log.store import FILE
from refnet.simulate.scene import Scene

PATIENCE_SECONDS = 60
QUIET = Output(as_json=True)


def position(data: Path) -> int:
    """How far the log has come, also while it is just being made."""
    try:
        with closing(sqlite3.connect(f"file:{data / FILE}?mode=ro", uri=True)) as log:
            (head,) = log.execute("SELECT coalesce(max(rowid), 0) FROM stored_events").fetchone()
    except sqlite3.OperationalError:
        return 0
    return int(head)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A demo of one chapter and two weeks."""
    monkeypatch.setattr(demo, "_CHAPTERS", 1)
    monkeypatch.setattr(demo, "_WEEKS", 2)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL], ids=["INT", "KILL"])
def test_an_interrupted_demo_is_refused_until_it_is_made_again(
    run: Run, data: Path, tmp_path: Path, how: signal.Signals, small: None
) -> None:
    data.mkdir()
    (data / "diary.txt").write_text("mine")
    command = [*COMMAND, "serve", "--demo", "--listen", "127.0.0.1:0", "--data", str(data)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        end = time.monotonic() + PATIENCE_SECONDS
        while position(data) < 50:
            assert time.monotonic() < end, "nothing happens"
            time.sleep(0.01)
        os.kill(process.pid, how)
        process.communicate(timeout=PATIENCE_SECONDS)
    partly, kek = position(data), (data / "kek").read_text()
    assert partly >= 50

    file = tmp_path / "ratings.csv"
    file.write_text("ann,bob,8,1\n")
    for refused in (
        run("scores", "--json"),
        run("replay", "--json"),
        run("export", "facts", "--json"),
        run("import", "ratings", file, "--json"),
        run("simulate", "--chapters", 1, "--weeks", 1, "--seed", 1, "--json"),
        run("serve", "--json"),
    ):
        assert (1, "STORE_SEALED") == (refused.code, refused.json["error"]["reason"])
        assert f"refnet serve --demo --data {data}" in refused.err
    assert partly == position(data)

    demo.make(data, QUIET)

    other = tmp_path / "other"
    demo.make(other, QUIET)
    assert position(other) == position(data)
    assert 0 == run("scores", "--json").code
    assert ("mine", kek) == ((data / "diary.txt").read_text(), (data / "kek").read_text())


def test_a_failed_demo_leaves_no_part_that_passes_for_it(
    data: Path, monkeypatch: pytest.MonkeyPatch, small: None
) -> None:
    def fail(scene: Scene) -> Any:
        scene.desk.flush()
        raise OSError("no space left")

    with monkeypatch.context() as patched:
        patched.setattr("refnet.simulate.run.plan_careers", fail)
        with pytest.raises(OSError, match="no space"):
            demo.make(data, QUIET)
    assert 0 < position(data)

    demo.make(data, QUIET)

    assert demo.show(data, QUIET)


def test_a_demo_that_is_being_made_is_left_alone(data: Path, small: None) -> None:
    demo.make(data, QUIET)
    made = position(data)
    (data / "demo.unfinished").touch()
    lock = WriterLock(data)

    with pytest.raises(StoreSealed, match="being written"):
        demo.make(data, QUIET)

    lock.close()
    assert made == position(data)


def test_a_store_with_facts_is_never_made_anew(run: Run, data: Path, tmp_path: Path) -> None:
    file = tmp_path / "ratings.csv"
    file.write_text("ann,bob,8,1\n")
    run("import", "ratings", file)
    before = run("replay", "--json").json

    demo.make(data, QUIET)

    assert before == run("replay", "--json").json


def test_the_call_to_paste_stands_a_blank_in_the_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", "/a clone/.venv/bin/python")

    pasted = demo.call("127.0.0.1:1", "members/1").splitlines()[1]

    words = shlex.split(pasted)
    assert ["/a clone/.venv/bin/python", "-c"] == words[:2]
    compile(words[2], "pasted", "exec")
