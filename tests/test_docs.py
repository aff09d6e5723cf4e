"""Every code block of README.md and docs/ is run, as a reader would run it.

The blocks of one file run in order in one empty folder, with this .venv's commands on the path:

- ``python``: a program in a process of its own. A ``text`` block right after it is what
  it prints.
- ``console``: lines that begin with ``$`` are commands for bash, the lines below them what they
  print. A command that ends with ``&`` stays running: its lines are waited for, and at the end of
  the file it gets SIGINT, as from Ctrl-C, and must exit with 0.

``...`` in the output matches anything; a command without output lines may print what it likes. The
port 50051 of the docs becomes a free one. A block that cannot run here says so on the line above:
``<!-- not run: reason -->``.
"""

from __future__ import annotations

import doctest
import os
import re
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
RUNNABLE = ("python", "console")
PORT = "50051"
PATIENCE_S = 120
FENCE = re.compile(
    r"^(?:<!-- not run: (?P<reason>[^\n]+?) -->\n)?```(?P<kind>[a-z]+)\n(?P<body>.*?)^```$"
    r"(?:\n+```text\n(?P<output>.*?)^```$)?",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True)
class Block:
    """A fenced block: where it begins, its language, its text and what it should print."""

    line: int
    kind: str
    body: str
    output: str
    reason: str | None


def blocks_of(text: str) -> list[Block]:
    return [
        Block(
            line=text.count("\n", 0, found.start("body")),
            kind=found["kind"],
            body=found["body"],
            output=found["output"] or "",
            reason=found["reason"],
        )
        for found in FENCE.finditer(text)
        if found["kind"] in RUNNABLE
    ]


def commands_of(body: str) -> Iterator[tuple[str, str]]:
    """Each command of a console block with the lines it should print."""
    for part in re.split(r"^\$ ", body, flags=re.MULTILINE)[1:]:
        command, _, output = part.partition("\n")
        while command.endswith("\\"):
            more, _, output = output.partition("\n")
            command = f"{command[:-1]}{more.removeprefix('> ')}"
        yield command, output


def agrees(expected: str, printed: str) -> bool:
    """Whether `printed` is `expected`, with `...` for anything; ends of lines do not count."""
    wanted, got = (
        "".join(f"{line.rstrip()}\n" for line in text.strip("\n").splitlines())
        for text in (expected, printed)
    )
    return doctest.OutputChecker().check_output(wanted, got, doctest.ELLIPSIS)


class Reader:
    """Somebody who follows one page in a terminal."""

    def __init__(self, folder: Path, port: str) -> None:
        """Nothing runs yet."""
        self.folder = folder
        self.port = port
        self.running: list[tuple[str, subprocess.Popen[str]]] = []
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        self.environment = {**os.environ, "PATH": path}
        # A page is as wide as its author's terminal, and has no colours.
        self.environment |= {"COLUMNS": "100", "NO_COLOR": "1", "TERM": "dumb"}

    def follow(self, block: Block) -> None:
        body, output = (text.replace(PORT, self.port) for text in (block.body, block.output))
        if block.kind == "python":
            program = self.folder / f"line_{block.line}.py"
            program.write_text(body)
            self.run([sys.executable, str(program)], output)
            return
        steps = list(commands_of(body))
        assert steps, "a console block has lines that begin with `$ `"
        for command, expected in steps:
            if command.endswith(" &"):
                self.start(command.removesuffix(" &"), expected)
            else:
                self.run(["bash", "-euo", "pipefail", "-c", command], expected)

    def run(self, command: list[str], expected: str) -> None:
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
        assert done.returncode == 0, f"{command[-1]}\n{done.stdout}"
        assert not expected or agrees(expected, done.stdout), f"{command[-1]}\n{done.stdout}"

    def start(self, command: str, expected: str) -> None:
        assert expected.strip(), f"say which line tells that this is ready: {command}"
        process = subprocess.Popen(
            ["bash", "-c", f"exec {command}"],
            cwd=self.folder,
            env={**self.environment, "PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.running.append((command, process))
        assert process.stdout is not None
        printed, until = "", time.monotonic() + PATIENCE_S
        while not agrees(expected, printed):
            left = until - time.monotonic()
            ready = select.select([process.stdout], [], [], max(left, 0))[0]
            piece = os.read(process.stdout.fileno(), 65536).decode() if ready else ""
            assert piece, f"{command} never printed\n{expected}\nbut\n{printed}"
            printed += piece

    def leave(self) -> list[str]:
        """Ctrl-C for what still runs, newest first; returns what did not end well."""
        bad = []
        for command, process in reversed(self.running):
            process.send_signal(signal.SIGINT)
            try:
                rest = process.communicate(timeout=PATIENCE_S)[0]
            except subprocess.TimeoutExpired:
                process.kill()
                rest = f"still there after {PATIENCE_S} s\n{process.communicate()[0]}"
            if process.returncode != 0:
                bad.append(f"{command}: exit {process.returncode}\n{rest}")
        return bad


def read_page(text: str, folder: Path) -> list[str]:
    """Follow a page to its end; returns what did not end well."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    reader = Reader(folder, port)
    try:
        for block in blocks_of(text):
            if block.reason is None:
                reader.follow(block)
    finally:
        bad = reader.leave()
    return bad


@pytest.mark.xdist_group("docs")
@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_what_a_page_shows_works(page: Path, tmp_path: Path) -> None:
    assert [] == read_page(page.read_text(), tmp_path)


def test_the_readme_shows_python_and_the_command_line() -> None:
    shown = {block.kind for block in blocks_of((ROOT / "README.md").read_text())}

    assert set(RUNNABLE) == shown


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", page.read_text())

    assert [] == [target for target in targets if not (page.parent / target).exists()]


GOOD = """
```python
print("ready", flush=True)
```
```text
re...
```
<!-- not run: it would fail -->
```console
$ false
```
```console
$ sh -c 'trap "exit 0" INT; echo listening on 50051; while :; do sleep 0.1; done' &
listening on 50051
$ echo one; \\
> echo two
one
two
$ echo anything
```
"""


def test_a_page_that_works_is_accepted(tmp_path: Path) -> None:
    assert [] == read_page(GOOD, tmp_path)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("```python\nraise SystemExit(3)\n```\n", "line_"),
        ("```python\nprint(1)\n```\n\n```text\n2\n```\n", "line_"),
        ("```console\n$ echo one\ntwo\n```\n", "echo one"),
        ("```console\n$ false | true\n```\n", "false"),
        ("```console\nls\n```\n", "begin with"),
        ("```console\n$ echo early &\nready\n```\n", "never printed"),
    ],
)
def test_a_page_that_does_not_work_is_refused(text: str, complaint: str, tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match=complaint):
        read_page(text, tmp_path)


def test_a_server_that_ends_badly_is_told(tmp_path: Path) -> None:
    server = "sh -c 'trap \"exit 4\" INT; echo up; while :; do sleep 0.1; done'"
    text = f"```console\n$ {server} &\nup\n```\n"

    assert "exit 4" in read_page(text, tmp_path)[0]
