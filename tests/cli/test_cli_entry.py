"""What happens before a command begins."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cli.running import COMMAND, Run

INTERRUPTS = """
import sys

class Interrupting:
    def find_spec(self, name, path=None, target=None):
        if name == sys.argv[1]:
            raise KeyboardInterrupt

sys.meta_path.insert(0, Interrupting())
from refnet.__main__ import main
sys.exit(main())
"""


@pytest.mark.parametrize("module", ["click", "numpy", "rich.console", "refnet.cli.serve"])
def test_ctrl_c_while_modules_are_imported_is_exit_130_without_a_traceback(module: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTS, module], capture_output=True, text=True, check=False
    )

    assert (130, "", "refnet: interrupted\n") == (done.returncode, done.stdout, done.stderr)


def test_the_command_is_what_python_m_runs() -> None:
    command = Path(sys.executable).parent / "refnet"

    assert "from refnet.__main__ import main" in command.read_text()


@pytest.mark.parametrize(("asked", "expected"), [(None, "NONE"), ("DEBUG", "DEBUG")])
def test_grpc_is_silent_unless_somebody_wants_to_hear_it(asked: str | None, expected: str) -> None:
    environment = {k: v for k, v in os.environ.items() if k != "GRPC_VERBOSITY"}
    environment |= {"GRPC_VERBOSITY": asked} if asked else {}
    program = (
        "import os, sys; sys.argv[1:] = ['--version']; from refnet.__main__ import main; main(); "
        "print(os.environ['GRPC_VERBOSITY'])"
    )

    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment
    )

    assert expected == done.stdout.split()[-1]


def test_a_closed_stderr_is_no_hole_that_a_store_falls_into(
    data: Path, run: Run, tmp_path: Path
) -> None:
    file = tmp_path / "ratings.csv"
    file.write_text("ann,bob,8,1\n")
    run("import", "ratings", file)

    done = subprocess.run(
        ["bash", "-c", '"$@" 2>&- <&-', "bash", *COMMAND, "scores", "--json", "--data", str(data)],
        stdout=subprocess.PIPE,
        check=False,
    )

    assert 0 == done.returncode
    assert run("scores", "--json").out.encode() == done.stdout
