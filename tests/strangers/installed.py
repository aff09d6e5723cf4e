"""Other people's verifiers, each in a folder of its own, pinned by hash; none of it is kept here.

They come from PyPI, npm and Debian, through pip, npm and apt; what cannot be had says why.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from matrix.builds import candidates

DRIVERS = Path(__file__).resolve().parent / "drivers"

DEBS = {
    "golang-1.19-go_1.19.8-2_amd64.deb": (
        "golang-1.19-go=1.19.8-2",
        "545123039b6c79e75cf2d86528781a825424cf33ce9d3f4513d772d7144cd531",
    ),
    "golang-1.19-src_1.19.8-2_all.deb": (
        "golang-1.19-src=1.19.8-2",
        "2dfa82fe4f08f4e0193c532e561af4c91871f5235608f04f2bb8d57bb288df5a",
    ),
    "golang-golang-x-mod-dev_0.7.0-1_all.deb": (
        "golang-golang-x-mod-dev=0.7.0-1",
        "e718b3e1d089f9ae3658cf2de80d0572bbf1ce8cd1970373d300ae72e821ab33",
    ),
}
"""Debian 12's packages of Go and of golang.org/x/mod, and the SHA-256 of each."""


class Unavailable(Exception):
    """This verifier cannot be had here; the text says why."""


@dataclass(frozen=True)
class Stranger:
    """A verifier: how it is installed below a folder, which gives the command that judges cases."""

    name: str
    source: str
    install: Callable[[Path], list[str]]


def run(command: Sequence[str | Path], **more: str | Path) -> None:
    """Raises Unavailable with the last words of a command that fails."""
    cwd = more.pop("cwd", None)
    environment = {**os.environ, **{name: str(value) for name, value in more.items()}}
    done = subprocess.run(
        [str(each) for each in command],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        words = (done.stderr + done.stdout).strip().splitlines()[-3:]
        raise Unavailable(f"{Path(str(command[0])).name}: {' / '.join(words)}")


def once(folder: Path, pinned: Iterable[Path], make: Callable[[Path], None]) -> Path:
    """Make a folder, unless it was made before of the same pins."""
    digest = hashlib.sha256(b"".join(each.read_bytes() for each in pinned)).hexdigest()
    stamp = folder / "made-of"
    if not stamp.exists() or stamp.read_text() != digest:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        make(folder)
        stamp.write_text(digest)
    return folder


def python_of(version: tuple[int, int]) -> str:
    """An interpreter of that version or a newer one. Raises Unavailable."""
    asked = f"import sys, venv, ensurepip; sys.exit(sys.version_info < {version})"
    for minor in range(version[1], version[1] + 4):
        for command in candidates(f"{version[0]}.{minor}"):
            if not shutil.which(command):
                continue
            found = subprocess.run([command, "-c", asked], capture_output=True, check=False)
            if found.returncode == 0:
                return command
    wanted = ".".join(map(str, version))
    raise Unavailable(f"no Python {wanted} or newer on PATH or in pyenv; name one in PYTHONS")


def virtual(folder: Path, requirements: str, version: tuple[int, int]) -> Path:
    """A virtual environment with exactly what a file of requirements pins; its programs."""
    pinned = DRIVERS / requirements

    def make(room: Path) -> None:
        run([python_of(version), "-m", "venv", room])
        pip = [str(room / "bin" / "python"), "-m", "pip", "--disable-pip-version-check"]
        run([*pip, "install", "--quiet", "--no-deps", "--require-hashes", "-r", pinned])

    return once(folder, [pinned], make) / "bin"


def aics_programs(cache: Path) -> Path:
    """Where aics-tlog and aics-witness are."""
    return virtual(cache / "aics", "requirements-aics.txt", (3, 12))


def install_aics(cache: Path) -> list[str]:
    return [str(aics_programs(cache) / "python"), str(DRIVERS / "aics.py")]


def install_scales(cache: Path) -> list[str]:
    programs = virtual(cache / "scales", "requirements-scales.txt", (3, 11))
    return [str(programs / "python"), str(DRIVERS / "scales.py")]


def install_sigstore(cache: Path) -> list[str]:
    if not (shutil.which("npm") and shutil.which("node")):
        raise Unavailable("no npm and node on PATH")
    pinned = [DRIVERS / "package.json", DRIVERS / "package-lock.json"]

    def make(room: Path) -> None:
        for each in pinned:
            shutil.copy(each, room)
        run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=room)

    room = once(cache / "sigstore", pinned, make)
    return ["node", str(DRIVERS / "sigstore.js"), str(room)]


def unpacked_go(cache: Path) -> Path:
    """Go and golang.org/x/mod from Debian's packages, not installed, only unpacked."""
    for tool in ("apt-get", "dpkg-deb"):
        if not shutil.which(tool):
            raise Unavailable(f"no {tool}: this needs Debian's packages of Go")

    def make(room: Path) -> None:
        for file, (package, digest) in DEBS.items():
            run(["apt-get", "download", package], cwd=room)
            if not (room / file).exists():
                raise Unavailable(f"apt-get gave no {file}: this is no amd64")
            if hashlib.sha256((room / file).read_bytes()).hexdigest() != digest:
                raise Unavailable(f"{file} is not the one that is pinned")
            run(["dpkg-deb", "-x", room / file, room])
            (room / file).unlink()

    return once(cache / "go", [Path(__file__)], make)


def install_xmod(cache: Path) -> list[str]:
    room = unpacked_go(cache)
    go, made = room / "usr" / "lib" / "go-1.19", room / "xmod"
    run(
        [go / "bin" / "go", "build", "-o", made, DRIVERS / "xmod.go"],
        GOROOT=go,
        GOPATH=room / "usr" / "share" / "gocode",
        GOCACHE=room / "cache",
        GO111MODULE="off",
        CGO_ENABLED="0",
        GOFLAGS="",
    )
    return [str(made)]


STRANGERS = [
    Stranger("golang.org/x/mod 0.7.0 sumdb/{note,tlog}", "Debian", install_xmod),
    Stranger("aics-tlog 0.2.1", "PyPI", install_aics),
    Stranger("tlog-scales 0.0.3", "PyPI", install_scales),
    Stranger("@sigstore/verify 3.1.1", "npm", install_sigstore),
]


def verdicts(command: Sequence[str], lines: Sequence[str]) -> list[str]:
    """What a verifier says to each case: accept, refuse and why, or pass if it cannot judge."""
    done = subprocess.run(
        command, input="".join(lines), capture_output=True, text=True, check=False
    )
    said = done.stdout.splitlines()
    if done.returncode or len(said) != len(lines):
        sys.stderr.write(done.stderr[-2000:])
        raise RuntimeError(f"{command} judged {len(said)} of {len(lines)} cases, then failed")
    strange = {each for each in said if each.split(" ")[0] not in ("accept", "refuse", "pass")}
    if strange:
        raise RuntimeError(f"{command} said {strange.pop()!r}")
    return said
