"""Output that nobody takes."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from cli.running import COMMAND, Run

PRINTING = [
    ("--version",),
    ("--help",),
    ("scores",),
    ("scores", "--json"),
    ("replay",),
    ("export", "facts"),
    ("export", "facts", "--json"),
    ("import", "ratings", "FILE"),
    ("import", "ratings", "FILE", "--json"),
    ("scores", "--at", "999", "--json"),
    ("scores", "--json", "--top", "0"),
    ("serve", "--json", "--listen", "127.0.0.1:0"),
]


@pytest.fixture
def file(run: Run, tmp_path: Path) -> Path:
    """A file that is imported already."""
    path = tmp_path / "ratings.csv"
    path.write_text("".join(f"{n},{n + 1},1,{n}\n" for n in range(10)))
    run("import", "ratings", path)
    return path


@pytest.mark.parametrize("command", PRINTING, ids=" ".join)
@pytest.mark.parametrize(
    ("where", "reason"), [(">/dev/full", "No space left on device"), (">&-", "closed")]
)
def test_stdout_that_takes_nothing_is_one_line_and_exit_1(
    file: Path, data: Path, command: tuple[str, ...], where: str, reason: str
) -> None:
    given = [str(file) if each == "FILE" else each for each in command]
    at = [] if command[0].startswith("--") else ["--data", str(data)]

    done = subprocess.run(
        ["bash", "-c", f'"$@" {where}', "bash", *COMMAND, *given, *at],
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        timeout=60,
    )

    *before, last = done.stderr.splitlines()
    assert 1 == done.returncode
    assert "refnet: standard output takes nothing: " in last
    assert reason in last
    assert "Traceback" not in done.stderr
    refused = {"999": "position", "0": "Error"}
    assert [] == before or any(word in command for word in refused)
