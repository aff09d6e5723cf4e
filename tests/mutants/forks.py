"""Tests collected once, and run in a fork for each mutant.

To start an interpreter and to collect tests takes longer than most mutants live. The first half is
a pytest plugin, which waits for orders before it runs what it collected; the second half gives the
orders. Mutants that are switched on by number are tried so; others need a fresh interpreter.
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from typing import IO

SWITCH = "refnet_mutant"
"""The global of the kernel that holds the number of the mutant to be."""

SOUND = 0
"""The number that breaks nothing."""

PIPES, LIBRARY = "REFNET_MUTANT_PIPES", "REFNET_MUTANT_LIBRARY"
PASSED, TIMEOUT, CRASHED = "passed", "(the tests do not end)", "(the tests crash)"


# Inside pytest.


class _Child:
    """What a fork knows: where to write, and the first test that failed."""

    answers: int | None = None
    failed = ""


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Remember the first failure."""
    if report.failed and not _Child.failed:
        _Child.failed = report.nodeid


def pytest_sessionfinish() -> None:
    """Tell it and end, before anything is summarized."""
    if _Child.answers is not None:
        os.write(_Child.answers, (_Child.failed or PASSED).encode())
        os._exit(0)


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool | None:
    """Run the tests in a fork for every number and so many seconds that are read."""
    if PIPES not in os.environ:
        return None
    orders, answers = (int(fd) for fd in os.environ[PIPES].split())
    if session.testsfailed:
        return True  # what cannot be collected cannot be run: the reader sees the end
    with os.fdopen(orders) as lines:
        for line in lines:
            number, seconds = line.split()
            theirs, mine = os.pipe()
            child = os.fork()
            if child == 0:
                os.setpgid(0, 0)
                _Child.answers = mine
                library = ctypes.CDLL(os.environ[LIBRARY])
                ctypes.c_int.in_dll(library, SWITCH).value = int(number)
                return None  # on to the tests
            os.close(mine)
            said = _answer(theirs, child, float(seconds))
            os.close(theirs)
            os.write(answers, f"{said}\n".encode())
    return True


def _answer(pipe: int, child: int, seconds: float) -> str:
    ready, _, _ = select.select([pipe], [], [], seconds)
    if not ready:
        os.killpg(child, signal.SIGKILL)
    said = os.read(pipe, 65_536).decode()
    os.waitpid(child, 0)
    return said or (CRASHED if ready else TIMEOUT)


# Outside.


class Collected:
    """Tests that wait for orders. Close it in the end."""

    def __init__(
        self, command: Sequence[str], folder: Path, environment: Mapping[str, str], library: Path
    ) -> None:
        theirs, orders = os.pipe()
        answers, mine = os.pipe()
        self._process = subprocess.Popen(
            [*command, "-p", "mutants.forks"],
            cwd=folder,
            env={**environment, PIPES: f"{theirs} {mine}", LIBRARY: str(library)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=(theirs, mine),
            text=True,
            start_new_session=True,
        )
        os.close(theirs)
        os.close(mine)
        self._orders: IO[str] = os.fdopen(orders, "w", buffering=1)
        self._answers: IO[str] = os.fdopen(answers)

    def run(self, number: int, seconds: float) -> str:
        """PASSED, the first test that failed, TIMEOUT or CRASHED. Raises RuntimeError."""
        try:
            self._orders.write(f"{number} {seconds}\n")
            said = self._answers.readline()
        except BrokenPipeError:
            said = ""
        if not said:
            output, _ = self._process.communicate()
            raise RuntimeError(f"the tests cannot be collected: {output[-2000:]}")
        return said.rstrip("\n")

    def close(self) -> None:
        """No more orders."""
        self._orders.close()
        self._answers.close()
        self._process.communicate()
