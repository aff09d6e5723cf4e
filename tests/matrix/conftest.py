"""Builds of the kernel, made once for all tests of this folder."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import stat
import subprocess
import sys
import sysconfig
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from matrix.builds import LEVELS, VERSIONS, Compiler, Interpreter, clang, gcc, interpreter
from matrix.problems import write

PROBE = Path(__file__).with_name("probe.py")
RECORDER = """#!/bin/sh
printf '%s\\n' "$*" >> {record}
exec {compiler} "$@"
"""


@dataclass(frozen=True)
class Shipped:
    """What setup.py does: the C it compiles, the flags it hands over, and the library it makes."""

    c: Path
    calls: list[list[str]]
    library: Path

    @property
    def flags(self) -> list[str]:
        """Flags that can change a bit, in their order; no level, and nothing about places."""
        wanted = [flag for flag in self.calls[0] if flag.startswith("-f") and flag != "-fPIC"]
        return [flag for flag in wanted if not flag.startswith(("-fdebug", "-ffile", "-fstack"))]


@dataclass(frozen=True)
class Build:
    """One row of the matrix."""

    compiler: Compiler
    level: str
    python: Interpreter

    @property
    def name(self) -> str:
        return f"{self.compiler.family} {self.level} python{self.python.version}"


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


def probed(root: Path, python: str, library: Path, problems: Path) -> dict[str, Any]:
    """What a build says, in a process of its own."""
    run = subprocess.run(
        [python, str(PROBE), str(library), str(problems)],
        env={**os.environ, "PYTHONPATH": str(root / "src"), "OMP_WAIT_POLICY": "passive"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    said: dict[str, Any] = json.loads(run.stdout)
    return said


def plan() -> list[Build]:
    """All levels under this Python; under the others the first and the last."""
    compilers = [found for found in (gcc(), clang()) if found]
    pythons = [found for version in VERSIONS if (found := interpreter(version))]
    return [
        Build(compiler, level, python)
        for python in pythons
        for compiler in compilers
        for level in (LEVELS if python == pythons[0] else [*LEVELS][:: len(LEVELS) - 1])
    ]


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
