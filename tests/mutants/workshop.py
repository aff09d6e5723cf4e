"""A copy of the source in which one thing is broken, and the tests that should notice."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
import time
from dataclasses import dataclass
from pathlib import Path

from mutants.forks import CRASHED, PASSED, SOUND, TIMEOUT, Collected
from mutants.mutations import Mutant
from mutants.switchboard import Switchboard

KERNEL_TESTS = (
    "tests/proof/test_two_opinions.py",
    "tests/proof/test_invariants_exact.py",
    "tests/proof/test_half_lives.py",
    "tests/test_kernel.py",
    "tests/test_scoring.py",
    "tests/proof/test_invariants_bounded.py",
    "tests/test_standings.py",
    "tests/test_pulls.py",
    "tests/test_kernel_members.py",
    "tests/test_make_room.py",
    "tests/test_accumulators.py",
    "tests/test_rescoring.py",
)
EVIDENCE_TESTS = (
    "tests/test_evidence.py",
    "tests/test_evidence_rows.py",
    "tests/test_standings.py",
    "tests/test_whatif.py",
)


@dataclass(frozen=True)
class Subject:
    """A file to break: where it lies, whether it is compiled, its tests, and what to leave alone.

    skipped: a pattern of functions which no number goes through.
    """

    path: str
    compiled: bool
    tests: tuple[str, ...]
    skipped: str = "(?!)"


SUBJECTS = (
    Subject("src/refnet/_model.pxd", True, KERNEL_TESTS),
    Subject("src/refnet/_folds.pxd", True, KERNEL_TESTS),
    Subject("src/refnet/_passes.pxd", True, KERNEL_TESTS),
    Subject("src/refnet/_tiles.pxd", True, KERNEL_TESTS),
    # Doors of the kernel: what they check is the business of tests/test_kernel.py.
    Subject(
        "src/refnet/_scoring.pyx", True, KERNEL_TESTS, r"^_?check|^raise_for|^admit|^propagate"
    ),
    Subject("src/refnet/evidence.py", False, EVIDENCE_TESTS),
    # Copies, and columns on their way in.
    Subject("src/refnet/accumulators.py", False, KERNEL_TESTS, r"^_own|^copy|^_column|^__|^of$"),
)

CAUGHT, SURVIVED, STILLBORN = "caught", "survived", "does not compile"
TIMES = 10
"""A mutant has as many times the time that the tests take on the sound source, and no less than
LEAST_SECONDS: a busy machine is no reason to call a mutant caught."""

LEAST_SECONDS = 60.0
DIRECTIVES = "boundscheck=False,wraparound=False,initializedcheck=False,cdivision=True"


@dataclass(frozen=True)
class Verdict:
    """What became of a mutant. by: the first test that failed, or how the run ended."""

    mutant: Mutant
    outcome: str
    by: str
    seconds: float


class Workshop:
    """A scratch copy of the checkout, in which sources are broken and mended again."""

    def __init__(self, checkout: Path, scratch: Path) -> None:
        self.checkout, self.scratch = checkout, scratch
        self.package = scratch / "src" / "refnet"
        self.library = self.package / f"_scoring{sysconfig.get_config_var('EXT_SUFFIX')}"
        self.switched = scratch / "switched.so"
        for name in ("src", "tests"):
            shutil.copytree(
                checkout / name,
                scratch / name,
                ignore=shutil.ignore_patterns("__pycache__", "*.c", "*_scoring*.so"),
            )
        for name in ("pyproject.toml", "protos"):
            source = checkout / name
            copy = shutil.copytree if source.is_dir() else shutil.copy2
            copy(source, scratch / name)
        self._numbers: dict[str, int] = {}
        self._switched = False
        self._collected: dict[tuple[str, ...], Collected] = {}
        self._seconds: dict[tuple[str, ...], float] = {}
        self.data = os.environ.get("REFNET_TEST_DATA", checkout.parent / "shared" / "data")

    def switch(self, mutants: list[Mutant]) -> set[str]:
        """Build a kernel with all these mutants in it; the names of those that do not compile."""
        chosen = [mutant for mutant in mutants if mutant.line.place and mutant.compiled]
        board = Switchboard(dict(enumerate(chosen, 1)))
        stillborn: set[str] = set()
        while True:
            board.write(self.package, self.checkout / "src" / "refnet")
            said = self.build()
            if said is None:
                break
            guilty = board.blame(said)
            if not guilty:
                raise RuntimeError(f"the kernel does not compile: {said[-2000:]}")
            stillborn |= {board.numbers.pop(number).name for number in guilty}
        self.library.rename(self.switched)
        for header in {mutant.file for mutant in chosen}:
            shutil.copy2(self.checkout / "src" / "refnet" / header, self.package / header)
        self._numbers = {mutant.name: number for number, mutant in board.numbers.items()}
        return stillborn

    def take(self, other: Workshop) -> None:
        """Use the kernel that another workshop built, and the times it measured."""
        shutil.copy2(other.switched, self.switched)
        self._numbers, self._seconds = other._numbers, other._seconds

    def judge(self, mutant: Mutant, subject: Subject) -> Verdict:
        """Break, build if that has not been done, test, mend."""
        began = time.monotonic()
        if mutant.name in self._numbers:
            outcome, by = self._first(subject.tests, self._numbers[mutant.name])
        else:
            path = self.scratch / subject.path
            sound = path.read_text()
            path.write_text(mutant.applied(sound))
            try:
                outcome, by = self._tried(subject)
            finally:
                path.write_text(sound)
        return Verdict(mutant, outcome, by, time.monotonic() - began)

    def sound(self, tests: tuple[str, ...]) -> tuple[str, str]:
        """What the tests say where nothing is broken; measures how long they take."""
        self._restore()
        for some in _in_turn(tests):
            began = time.monotonic()
            outcome, by = self._run(some, 3600.0)
            if outcome != SURVIVED:
                return outcome, by
            self._seconds[some] = max(LEAST_SECONDS, TIMES * (time.monotonic() - began))
        return SURVIVED, ""

    def close(self) -> None:
        """End the tests that wait."""
        for each in self._collected.values():
            each.close()
        self._collected.clear()

    def _tried(self, subject: Subject) -> tuple[str, str]:
        if not subject.compiled:
            self._restore()
        else:
            self._switched = False
            if self.build() is not None:
                return STILLBORN, ""
        return self._first(subject.tests)

    def _restore(self) -> None:
        if not self._switched:
            self.library.unlink(missing_ok=True)  # tests that wait keep the one they have open
            shutil.copy2(self.switched, self.library)
            self._switched = True

    def build(self) -> str | None:
        """Compile the kernel at -O0; None if that worked, else what the compiler said."""
        made = self.package / "_scoring.c"
        self.library.unlink(missing_ok=True)
        cython = [sys.executable, "-m", "cython", "-3", "-X", DIRECTIVES, "_scoring.pyx"]
        compiler = (sysconfig.get_config_var("CC") or "cc").split()[0]
        flags = ["-O0", "-w", "-fPIC", "-shared", "-fopenmp", "-ffp-contract=off"]
        include = f"-I{sysconfig.get_path('include')}"
        link = [compiler, *flags, include, str(made), "-o", str(self.library)]
        for command in (cython, link):
            done = subprocess.run(
                command, cwd=self.package, capture_output=True, check=False, text=True
            )
            if done.returncode:
                return done.stdout + done.stderr
        return None

    def _first(self, tests: tuple[str, ...], number: int = 0) -> tuple[str, str]:
        """Run tests until one fails; the outcome, and that test. number: of a switched mutant."""
        outcome, by = SURVIVED, ""
        for some in _in_turn(tests):
            if number:
                outcome, by = self._forked(some, number)
            else:
                outcome, by = self._run(some, self._seconds[some])
            if outcome != SURVIVED:
                break
        return outcome, by

    def _forked(self, tests: tuple[str, ...], number: int) -> tuple[str, str]:
        if tests not in self._collected:
            command, environment = self._command(tests)
            self._restore()
            waiting = Collected(command, self.scratch, environment, self.library)
            self._collected[tests] = waiting
            said = waiting.run(SOUND, self._seconds[tests])
            if said != PASSED:  # or else every mutant would seem to be caught
                raise RuntimeError(f"the tests fail in a fork on the sound source: {said}")
        said = self._collected[tests].run(number, self._seconds[tests])
        return (SURVIVED, "") if said == PASSED else (CAUGHT, said.removeprefix("tests/"))

    def _command(self, tests: tuple[str, ...]) -> tuple[list[str], dict[str, str]]:
        command = [sys.executable, "-m", "pytest", "-x", "-q", "--tb=no", "--no-showlocals"]
        command += ["-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:benchmark"]
        command += ["--hypothesis-profile=mutants", "-m", "not slow", *tests]
        environment = {
            **os.environ,
            "CI": "1",
            "PYTHONPATH": os.pathsep.join(str(self.scratch / room) for room in ("src", "tests")),
            "PYTHONDONTWRITEBYTECODE": "1",
            "REFNET_TEST_DATA": str(self.data),
            "OMP_WAIT_POLICY": "passive",
        }
        return command, environment

    def _run(self, tests: tuple[str, ...], seconds: float) -> tuple[str, str]:
        command, environment = self._command(tests)
        with subprocess.Popen(
            command,
            cwd=self.scratch,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        ) as run:
            try:
                said, _ = run.communicate(timeout=seconds)
            except subprocess.TimeoutExpired:
                os.killpg(run.pid, signal.SIGKILL)
                return CAUGHT, TIMEOUT
        if run.returncode == 0:
            return SURVIVED, ""
        failed = re.search(r"^(?:FAILED|ERROR) (.+?)(?: - |$)", said, re.MULTILINE)
        if failed:
            return CAUGHT, failed[1].removeprefix("tests/")
        return CAUGHT, CRASHED if run.returncode < 0 else f"(exit {run.returncode})"


def _in_turn(tests: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
    """To collect all would take longer than to run the first."""
    return tests[:1], tests[1:]
