"""What an import may do and whom it may know; import-linter keeps the directions between rooms."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[1] / "src" / "refnet"
MODULES = sorted(
    ".".join(("refnet", *path.relative_to(SOURCE).with_suffix("").parts)).removesuffix(".__init__")
    for path in SOURCE.rglob("*.py")
    if path.name != "__main__.py"
)

# Runs in a fresh process. Reads of code and of what packages carry are what importing is; anything
# else that an audit hook can see is an effect. sys.prefix and sys.path tell code from the rest.
WATCH = """
import importlib, json, os, sys, threading
roots = tuple({os.path.realpath(p) for p in (sys.prefix, sys.base_prefix, *sys.path) if p})
effects, now = [], None
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_TRUNC
WATCHED = {"sqlite3.connect", "subprocess.Popen", "os.system", "os.exec", "os.fork",
           "os.forkpty", "os.posix_spawn", "os.mkdir", "os.remove", "os.rename", "mmap.__new__"}

def hook(event, args):
    if now is None:
        return
    if event == "open":
        path, mode, flags = args
        inside = isinstance(path, (str, bytes)) and \\
            os.path.realpath(os.fsdecode(path)).startswith(roots)
        if flags & WRITES or set(mode or "") & set("wax+") or not inside:
            effects.append([now, event, str(path)])
    elif event in WATCHED or event.startswith("socket."):
        effects.append([now, event, ""])

def start(thread, start=threading.Thread.start):  # no audit event tells of it before 3.12
    effects.append([now, "thread", repr(thread)])
    start(thread)

threading.Thread.start = start
sys.addaudithook(hook)
for name in json.load(sys.stdin):
    now = name
    importlib.import_module(name)
now = None
json.dump(effects, sys.stdout)
"""


def effects_of(modules: list[str], folder: Path | None = None) -> list[list[str]]:
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    if folder:
        environment["PYTHONPATH"] = str(folder)
    done = subprocess.run(
        [sys.executable, "-c", WATCH],
        input=json.dumps(modules),
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )
    assert 0 == done.returncode, done.stderr
    found: list[list[str]] = json.loads(done.stdout)
    return found


def imports_of(path: Path) -> set[str]:
    """Full names of what the file imports, with every name of a from-import spelt out."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert 0 == node.level, f"{path}: write imports in full"
            names |= {node.module or ""} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def test_importing_any_module_has_no_effect() -> None:
    assert len(MODULES) > 10

    assert [] == effects_of(MODULES)


@pytest.mark.parametrize(
    ("code", "event"),
    [
        ("import sqlite3; sqlite3.connect(':memory:')", "sqlite3.connect"),
        ("import socket; socket.socket()", "socket.__new__"),
        ("import threading; threading.Thread(target=int, daemon=True).start()", "thread"),
        ("open('/dev/null')", "open"),
        ("import subprocess; subprocess.Popen(['true']).wait()", "subprocess.Popen"),
    ],
)
def test_the_watch_sees_an_effect(tmp_path: Path, code: str, event: str) -> None:
    (tmp_path / "guilty.py").write_text(code)

    assert any(event in seen for _, seen, _ in effects_of(["guilty"], tmp_path))


def test_the_domain_knows_only_the_standard_library_and_no_clock_or_chance() -> None:
    effects = {"asyncio", "io", "os", "pathlib", "random", "secrets", "socket", "sqlite3"}
    effects |= {"subprocess", "sys", "threading", "time"}
    allowed = sys.stdlib_module_names - effects

    for path in (SOURCE / "domain").rglob("*.py"):
        outside = {name for name in imports_of(path) if name.split(".")[0] not in allowed}
        strangers = {
            name
            for name in outside
            if not name.startswith(("refnet.domain", "refnet.errors")) and name != "refnet"
        }
        assert set() == strangers, path


def test_only_the_waist_knows_the_kernel() -> None:
    knowing = {
        str(path.relative_to(SOURCE))
        for path in SOURCE.rglob("*.py")
        if any(name.startswith("refnet._scoring") for name in imports_of(path))
    }

    assert knowing
    assert {"accumulators.py", "rescoring.py", "scoring.py"} >= knowing


def test_only_the_log_knows_the_loops_over_its_bytes() -> None:
    knowing = {
        path.parent.name
        for path in SOURCE.rglob("*.py")
        if any(name.startswith("refnet.log._stored") for name in imports_of(path))
    }

    assert {"log"} == knowing


@pytest.mark.parametrize("module", ["_scoring.pyx", "log/_stored.pyx"])
def test_what_is_compiled_knows_nothing_of_refnet(module: str) -> None:
    lines = (SOURCE / module).read_text().splitlines()

    assert [] == [
        ln
        for ln in lines
        if ln.lstrip().startswith(("import", "from", "cimport")) and "refnet" in ln
    ]


def test_every_module_is_reached() -> None:
    """A module that nothing imports is dead; entry points are what others start or import."""
    entrances = {"refnet", "refnet.cli", "refnet.client", "refnet.cli.__main__"}
    # The log through the event-sourcing library's own interfaces, for tools that speak those.
    entrances |= {"refnet.log.sqlite", "refnet.log.mapper"}
    used = {name for path in SOURCE.rglob("*.py") for name in imports_of(path)}
    packages = {name for name in MODULES if any(m.startswith(f"{name}.") for m in MODULES)}
    mine = {name for name in MODULES if not name.startswith("refnet.v1")}

    assert [] == sorted(mine - used - entrances - packages)
