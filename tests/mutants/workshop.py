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

from mutants.mutations import Mutant

KERNEL_TESTS = (
    "tests/proof/test_two_opinions.py",
    "tests/proof/test_invariants_exact.py",
    "tests/test_kernel.py",
    "tests/test_scoring.py",
    "tests/proof/test_invariants_bounded.py",
    "tests/test_standings.py",
)
EVIDENCE_TESTS = ("tests/test_evidence.py", "tests/test_standings.py")


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
    # Doors of the kernel: what they check is the business of tests/test_kernel.py.
    Subject(
        "src/refnet/_scoring.pyx", True, KERNEL_TESTS, r"^_?check|^raise_for|^admit|^propagate"
    ),
    Subject("src/refnet/evidence.py", False, EVIDENCE_TESTS),
    # Copies, and columns on their way in.
    Subject("src/refnet/accumulators.py", False, KERNEL_TESTS, r"^_own|^copy|^_column|^__|^of$"),
)

CAUGHT, SURVIVED, STILLBORN = "caught", "survived", "does not compile"
TEST_SECONDS = 120
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
        self._sound = False
        self.data = os.environ.get("REFNET_TEST_DATA", checkout.parent / "shared" / "data")

    def judge(self, mutant: Mutant, subject: Subject) -> Verdict:
        """Break, build, test, mend."""
        began = time.monotonic()
        path = self.scratch / subject.path
        sound = path.read_text()
        path.write_text(mutant.applied(sound))
        try:
            # What a broken kernel says must not judge a broken file that is not compiled.
            if (subject.compiled or not self._sound) and not self.build():
                outcome, by = STILLBORN, ""
            else:
                outcome, by = self.test(subject.tests)
        finally:
            path.write_text(sound)
            self._sound = not subject.compiled
        return Verdict(mutant, outcome, by, time.monotonic() - began)

    def build(self) -> bool:
        """Compile the kernel at -O0; whether that worked."""
        package = self.scratch / "src" / "refnet"
        made = package / "_scoring.c"
        library = package / f"_scoring{sysconfig.get_config_var('EXT_SUFFIX')}"
        library.unlink(missing_ok=True)
        cython = [sys.executable, "-m", "cython", "-3", "-X", DIRECTIVES, "_scoring.pyx"]
        compiler = (sysconfig.get_config_var("CC") or "cc").split()[0]
        flags = ["-O0", "-w", "-fPIC", "-shared", "-fopenmp", "-ffp-contract=off"]
        include = f"-I{sysconfig.get_path('include')}"
        for command in (cython, [compiler, *flags, include, str(made), "-o", str(library)]):
            done = subprocess.run(command, cwd=package, capture_output=True, check=False)
            if done.returncode:
                return False
        return True

    def test(self, tests: tuple[str, ...]) -> tuple[str, str]:
        """Run tests until one fails; the outcome, and that test."""
        for some in (tests[:1], tests[1:]):  # to collect all would take longer than the first
            outcome, by = self._run(some)
            if outcome != SURVIVED:
                break
        return outcome, by

    def _run(self, tests: tuple[str, ...]) -> tuple[str, str]:
        command = [sys.executable, "-m", "pytest", "-x", "-q", "--tb=no", "--no-showlocals"]
        command += ["-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:benchmark"]
        command += ["--hypothesis-profile=mutants", "-m", "not slow", *tests]
        environment = {
            **os.environ,
            "CI": "1",
            "PYTHONPATH": str(self.scratch / "src"),
            "PYTHONDONTWRITEBYTECODE": "1",
            "REFNET_TEST_DATA": str(self.data),
            "OMP_WAIT_POLICY": "passive",
        }
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
                said, _ = run.communicate(timeout=TEST_SECONDS)
            except subprocess.TimeoutExpired:
                os.killpg(run.pid, signal.SIGKILL)
                return CAUGHT, "(the tests do not end)"
        if run.returncode == 0:
            return SURVIVED, ""
        failed = re.search(r"^(?:FAILED|ERROR) (.+?)(?: - |$)", said, re.MULTILINE)
        if failed:
            return CAUGHT, failed[1].removeprefix("tests/")
        return CAUGHT, "(the tests crash)" if run.returncode < 0 else f"(exit {run.returncode})"
