"""Compilers, levels and interpreters: every way in which somebody may build the kernel."""

from __future__ import annotations

import json
import os
import platform
import shlex
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

PROBE = Path(__file__).with_name("probe.py")

X86 = platform.machine() in {"x86_64", "AMD64"}
FUSED = ["-mavx2", "-mfma"] if X86 else []
"""What lets a compiler fuse, if contraction is on: other processors can without being told."""

LEVELS: dict[str, list[str]] = {f"-O{level}": [f"-O{level}"] for level in range(4)}
LEVELS |= {" ".join(["-O3", *FUSED]): ["-O3", *FUSED]}

VERSIONS = ("3.11", "3.12", "3.13")
_ASK = (
    "import json, os, sys, sysconfig; p = sysconfig.get_path('include');"
    "ok = os.path.exists(os.path.join(p, 'Python.h'));"
    "print(json.dumps([sys.version_info[:2], p if ok else None]))"
)


@dataclass(frozen=True)
class Interpreter:
    """A Python that runs, and where its headers are."""

    version: str
    command: str
    include: str


@dataclass(frozen=True)
class Compiler:
    """A C compiler: its family, how to call it, and what it needs on top to find OpenMP."""

    family: str
    command: list[str]
    openmp: list[str]

    def compile(self, source: Path, library: Path, include: str, flags: list[str]) -> None:
        """Make a library of a C file; raises CalledProcessError with what the compiler said."""
        made = ["-w", "-fPIC", "-shared", f"-I{include}", str(source), "-o", str(library)]
        subprocess.run(
            [*self.command, *flags, *made, *self.openmp],
            check=True,
            capture_output=True,
            text=True,
        )


def gcc() -> Compiler | None:
    """The compiler that this Python was made with, else the one on PATH, if it is gcc."""
    named = shlex.split(sysconfig.get_config_var("CC") or "gcc")[0]
    for command in (named, "gcc"):
        if (found := shutil.which(command)) and "Free Software Foundation" in _said(found):
            return Compiler("gcc", [found], [])
    return None


def clang() -> Compiler | None:
    """The clang on PATH, else the one of the `matrix` dependency group, for a plain processor."""
    if found := shutil.which("clang"):
        return Compiler("clang", [found], _libomp())
    if find_spec("ziglang") is None:
        return None
    # Zig compiles for the processor it runs on, and adds checks at -O0, unless told otherwise.
    plain = ["-mcpu=baseline", "-fno-sanitize=undefined"]
    return Compiler("clang", [sys.executable, "-m", "ziglang", "cc", *plain], _libomp())


def _libomp() -> list[str]:
    """Header and runtime of LLVM's OpenMP, where the dependency group has put them."""
    prefix = Path(sysconfig.get_path("purelib")) / "cmeel.prefix"
    if not (prefix / "include" / "omp.h").exists():
        return []
    library = prefix / "lib"
    return [f"-I{prefix / 'include'}", f"-L{library}", "-lomp", f"-Wl,-rpath,{library}"]


def _said(command: str) -> str:
    asked = subprocess.run([command, "--version"], capture_output=True, text=True, check=False)
    return asked.stdout


def interpreter(version: str) -> Interpreter | None:
    """The first Python of a version, like 3.12, that runs and has headers."""
    for command in candidates(version):
        try:
            asked = subprocess.run(
                [command, "-c", _ASK], capture_output=True, text=True, check=True, timeout=30
            )
        except (OSError, subprocess.SubprocessError):
            continue  # a shim without anything behind it
        (major, minor), include = json.loads(asked.stdout)
        if f"{major}.{minor}" == version and include:
            return Interpreter(version, command, include)
    return None


def candidates(version: str) -> Iterator[str]:
    """This one, those that `make PYTHONS=...` names, those on PATH, and those pyenv has."""
    yield sys.executable
    yield from shlex.split(os.environ.get("PYTHONS", ""))
    for folder in os.get_exec_path():
        if (found := Path(folder) / f"python{version}").exists():
            yield str(found)
    if pyenv := shutil.which("pyenv"):
        listed = subprocess.run([pyenv, "root"], capture_output=True, text=True, check=False)
        if listed.returncode == 0:
            homes = Path(listed.stdout.strip(), "versions").glob(f"{version}.*")
            yield from (str(home / "bin" / "python") for home in sorted(homes))


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
