"""Ways to run the command line: in this process for speed, in its own where it must die."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from cli.running import COMMAND, Ran, Run
from refnet.cli import main


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A directory for a store; it does not exist yet."""
    return tmp_path / "store"


@pytest.fixture
def run(data: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Run]:
    """Runs a command on the store of `data`."""

    def run_it(*arguments: object, store: Path | None = data) -> Ran:
        capsys.readouterr()
        where = [] if store is None else ["--data", str(store)]
        code = main([*map(str, arguments), *where])
        out, err = capsys.readouterr()
        return Ran(code, out, err)

    yield run_it
    structlog.reset_defaults()  # `serve` sends log lines to what was stderr then


@pytest.fixture
def run_apart(data: Path, tmp_path: Path) -> Run:
    """As `run`, in a process of its own; options are those of subprocess.run."""

    def run_it(*arguments: object, store: Path | None = data, **options: Any) -> Ran:
        where = [] if store is None else ["--data", str(store)]
        done = subprocess.run(
            [*COMMAND, *map(str, arguments), *where],
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
            **options,
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    return run_it


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small made-up network with everything in it."""
    data = tmp_path_factory.mktemp("audit") / "store"
    asked = ("simulate", "--chapters", "1", "--weeks", "4", "--seed", "7", "--data", str(data))
    assert 0 == main(asked)
    return data


@pytest.fixture
def filled(run: Run, made: Path, data: Path) -> Run:
    """Runs a command on a copy of that network."""
    shutil.copytree(made, data)
    return run
