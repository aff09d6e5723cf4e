"""The same bits from every compiler, level, thread count and interpreter."""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from matrix.builds import FUSED, LEVELS, VERSIONS, Shipped, clang, gcc, interpreter, probed
from refnet import _scoring

pytestmark = [
    pytest.mark.slow,
    pytest.mark.matrix,
    pytest.mark.timeout(900),  # twenty builds
    pytest.mark.xdist_group("matrix"),
]


def test_gcc_clang_and_a_python_3_11_are_here() -> None:
    """Promise: no part of the matrix is left out unseen."""
    llvm = clang()
    assert gcc() is not None, "install gcc"
    assert llvm is not None, "install clang, or the dependency group `matrix`"
    assert llvm.openmp, "libomp comes with the dependency group `matrix`"
    assert interpreter("3.11") is not None, "name a python3.11 with headers in PYTHONS"


@pytest.mark.parametrize("version", VERSIONS[1:])
def test_newer_pythons_take_part(version: str, said: dict[str, Any]) -> None:
    if interpreter(version) is None:
        pytest.skip(f"no python{version} with headers on PATH or in pyenv; name one in PYTHONS")

    assert f"gcc -O0 python{version}" in said
    assert f"clang -O0 python{version}" in said


def digest(said: dict[str, Any]) -> str:
    """Of all digests of a build."""
    return hashlib.sha256(json.dumps(said["kernel"], sort_keys=True).encode()).hexdigest()[:16]


def test_every_build_says_the_same_bits(
    root: Path, said: dict[str, Any], problems: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    here = probed(root, sys.executable, Path(_scoring.__file__), problems)
    said = {"as installed": here, **said}
    with capsys.disabled():
        sys.stdout.write("\n\n| build, threads 1 to 8 | digest of all arrays |\n| --- | --- |\n")
        for name, found in said.items():
            sys.stdout.write(f"| {name} | {digest(found)} |\n")

    for name, found in said.items():
        for network, arrays in found["kernel"].items():
            assert here["kernel"][network] == arrays, (name, network)
        assert here["reference"] == found["reference"], name
    assert 2 + 2 * len(LEVELS) <= len(said) + 1
    assert not [text for text in here["kernel"].values() if "differs" in str(text)]
    assert len(here["reference"]) >= 6


def test_setup_py_hands_over_the_exact_flags_and_they_win(
    root: Path, shipped: Shipped, said: dict[str, Any], problems: Path
) -> None:
    """CFLAGS asked for contraction; what setup.py says comes later."""
    for call in shipped.calls:
        contraction = [flag for flag in call if flag.startswith("-ffp-contract")]
        assert ["-ffp-contract=fast", "-ffp-contract=off"] == contraction
        assert "-fno-fast-math" in call
        assert "-O1" in call
        assert "-fopenmp" in call
        assert not {"-ffast-math", "-Ofast", "-march=native", "-funsafe-math-optimizations"} & {
            *call
        }

    built = probed(root, sys.executable, shipped.library, problems)
    assert built["kernel"] == next(iter(said.values()))["kernel"]


@pytest.mark.parametrize("family", ["gcc", "clang"])
def test_a_build_that_may_fuse_says_other_bits_and_ours_may_not(
    root: Path, tmp_path: Path, family: str, shipped: Shipped, said: dict[str, Any], problems: Path
) -> None:
    """Or else the equality above would prove nothing."""
    compiler, python = {"gcc": gcc, "clang": clang}[family](), interpreter("3.11")
    assert compiler is not None
    assert python is not None
    found = {}
    for contraction in ("fast", "off"):
        library = tmp_path / f"{contraction}.so"
        flags = [*shipped.flags, "-O2", *FUSED]
        if contraction == "fast":
            flags.append("-ffp-contract=fast")
        compiler.compile(shipped.c, library, python.include, flags)
        found[contraction] = probed(root, python.command, library, problems)["kernel"]

    exact = next(iter(said.values()))["kernel"]
    assert exact == found["off"]
    assert exact != found["fast"]
    scores = [name for name in exact["crowded"] if name.endswith(("score", "raw"))]
    assert any(exact["crowded"][name] != found["fast"]["crowded"][name] for name in scores)
    integers = [name for name in exact["crowded"] if name.startswith("accumulators")]
    assert all(exact["crowded"][name] == found["fast"]["crowded"][name] for name in integers)
