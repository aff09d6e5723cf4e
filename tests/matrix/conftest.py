"""Builds of the kernel, made once for all tests of this folder."""

from __future__ import annotations

import os
import shlex
import shutil
import stat
import subprocess
import sys
import sysconfig
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from matrix.builds import LEVELS, Build, Shipped, plan, probed
from matrix.problems import write

RECORDER = """#!/bin/sh
printf '%s\\n' "$*" >> {record}
exec {compiler} "$@"
"""


@pytest.fixture(scope="session")
def shipped(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Shipped:
    """setup.py run with a compiler that writes down how it is called."""
    folder = tmp_path_factory.mktemp("shipped")
    for name in ("setup.py", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy2(root / name, folder / name)
    shutil.copytree(
        root / "src", folder / "src", ignore=shutil.ignore_patterns("__pycache__", "*.so", "*.c")
    )
    record, recorder = folder / "calls.txt", folder / "cc"
    real = shutil.which(shlex.split(sysconfig.get_config_var("CC") or "cc")[0])
    recorder.write_text(RECORDER.format(record=shlex.quote(str(record)), compiler=real))
    recorder.chmod(recorder.stat().st_mode | stat.S_IXUSR)
    environment = {**os.environ, "CC": str(recorder), "CFLAGS": "-O1 -ffp-contract=fast"}
    environment.pop("REFNET_DEBUG_KERNEL", None)
    subprocess.run(
        [sys.executable, "setup.py", "-q", "build_ext", "--build-lib", "made"],
        cwd=folder,
        env=environment,
        check=True,
        capture_output=True,
    )
    calls = [shlex.split(line) for line in record.read_text().splitlines()]
    ours = [call for call in calls if any(word.endswith("refnet/_scoring.c") for word in call)]
    [library] = (folder / "made").rglob("_scoring*")
    return Shipped(folder / "src" / "refnet" / "_scoring.c", ours, library)


@pytest.fixture(scope="session")
def problems(tmp_path_factory: pytest.TempPathFactory, shared_folder: Path | None) -> Path:
    """The file of networks that every build scores."""
    return write(tmp_path_factory.mktemp("problems"), shared_folder)


@pytest.fixture(scope="session")
def shared_folder(root: Path) -> Path | None:
    """The shared data, None where it is not: the matrix then does without these two networks."""
    folder = Path(os.environ.get("REFNET_TEST_DATA", root.parent / "shared" / "data"))
    return folder if (folder / "score-golden.json").exists() else None


@pytest.fixture(scope="session")
def said(
    root: Path, shipped: Shipped, problems: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, dict[str, Any]]:
    """What each build of the matrix says, by name."""
    folder = tmp_path_factory.mktemp("builds")

    def one(build: Build) -> tuple[str, dict[str, Any]]:
        library = folder / f"{build.name.replace(' ', '_')}.so"
        flags = [*LEVELS[build.level], *shipped.flags]
        build.compiler.compile(shipped.c, library, build.python.include, flags)
        return build.name, probed(root, build.python.command, library, problems)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return dict(pool.map(one, plan()))
