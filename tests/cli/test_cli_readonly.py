"""Reading a store where nothing can be written."""

from __future__ import annotations

import ctypes
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from cli.running import COMMAND, Run

PR_CAPBSET_DROP, CAP_DAC_OVERRIDE = 24, 1


def as_anybody() -> None:
    """Have modes of files count for root too; others keep what they have."""
    ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, 0, 0, 0)


def ask(*arguments: str | Path) -> tuple[int, Any]:
    done = subprocess.run(
        [*COMMAND, "audit", *map(str, arguments), "--json"],
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=as_anybody,
    )
    return done.returncode, json.loads(done.stdout)


@pytest.mark.parametrize(
    "arguments",
    [("verify",), ("bundle", "--range", "1..2"), ("state", "network")],
    ids=["verify", "bundle", "state"],
)
def test_a_read_only_directory_is_named_with_the_way_out(
    run: Run,
    data: Path,
    tmp_path: Path,
    arguments: tuple[str, ...],
) -> None:
    (tmp_path / "ratings.csv").write_text("ann,bob,10,1300000000\n")
    assert 0 == run("import", "ratings", tmp_path / "ratings.csv").code
    assert 0 == run("audit", "init", "--operator", "example.com").code
    assert 0 == run("audit", "publish").code
    if "bundle" in arguments:
        arguments = (*arguments, "--out", str(tmp_path / "out"))
    data.chmod(0o500)
    try:
        code, told = ask(*arguments, "--data", data)
    finally:
        data.chmod(0o700)

    assert (1, "STORE_SEALED") == (code, told["error"]["reason"])
    assert f"{data} cannot be written to" in told["error"]["message"]
    assert "copy the directory" in told["error"]["message"]
    assert 0 == ask(*arguments, "--data", data)[0]
