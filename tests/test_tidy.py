"""The house's own small lints. Each message names what to do instead."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LINE_MAX = 100
FUNCTION_LINES_MAX = 70
FILE_LINES_MAX = 400

LONG_FILES: dict[str, str] = {
    # path: why it is one noun in spite of its length
    "protos/refnet/v1/member_service.proto": "one noun is one file, with two messages a command",
    "protos/refnet/v1/referral_service.proto": "the same",
    "protos/refnet/v1/explanation_service.proto": "one service: why, what if, and what then",
    "tests/test_evidence.py": "one rule of evidence after the other",
    "src/refnet/_scoring.pyx": "one noun is one file: all doors of the kernel of scores",
    "src/refnet/domain/member.py": "one noun is one file: facts, commands and rules of members",
    "src/refnet/domain/meeting.py": "one noun is one file: facts, commands and rules of meetings",
    "src/refnet/domain/referral.py": "one noun is one file: facts, commands and rules of referrals",
    "src/refnet/domain/testimonial.py": "one noun is one file, for members' words and clients'",
}

GENERATED = ROOT / "src" / "refnet" / "v1"
COPIED = (ROOT / "protos" / "google", ROOT / "protos" / "buf")
FOLDERS = ("src", "tests", "benchmarks", "protos", "docs", ".ci")
SUFFIXES = {".py", ".pyx", ".pxd", ".pyi", ".proto", ".md", ".toml", ".yaml", ".cfg", ".js", ".sql"}


def is_ours(path: Path) -> bool:
    return not any(path.is_relative_to(folder) for folder in (GENERATED, *COPIED))


def texts() -> list[Path]:
    """Every text file of the project that somebody wrote, but the lock."""
    inside = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*")]
    chosen = [*ROOT.iterdir(), *inside]
    named = {"Makefile", "run", ".gitignore"}
    return sorted(
        path
        for path in chosen
        if path.is_file() and is_ours(path) and (path.suffix in SUFFIXES or path.name in named)
    )


TEXTS = texts()
CODE = [path for path in TEXTS if path.suffix in {".py", ".pyx", ".pxd", ".pyi", ".proto"}]
PYTHON = [path for path in TEXTS if path.suffix in {".py", ".pyi"}]
CYTHON = [path for path in TEXTS if path.suffix in {".pyx", ".pxd"}]
SOURCE = [path for path in PYTHON if path.is_relative_to(ROOT / "src")]


def refuse(found: Iterable[str], instead: str) -> None:
    """Fail with one place a line, if there are any."""
    if places := list(found):
        pytest.fail("\n".join([f"{instead}:", *places]), pytrace=False)


def where(path: Path, line: int) -> str:
    return f"{path.relative_to(ROOT)}:{line}"


def matches(pattern: str, paths: list[Path]) -> Iterator[str]:
    looked_for = re.compile(pattern)
    for path in paths:
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if looked_for.search(line):
                yield f"{where(path, number)}: {line.strip()}"


def calls(paths: list[Path], *names: str) -> Iterator[tuple[str, str]]:
    """Place and source text of each call of one of the dotted names."""
    for path in paths:
        text = path.read_text()
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in names:
                yield where(path, node.lineno), ast.get_source_segment(text, node) or ""


def cython_functions(path: Path) -> Iterator[tuple[int, int]]:
    """First line and length of each function of a Cython file, by brackets and indentation."""
    lines = path.read_text().splitlines()
    opening = re.compile(r"^(\s*)(?:def|cdef|cpdef)\b.*\(")
    for start, line in enumerate(lines):
        if (found := opening.match(line)) is None:
            continue
        head, brackets = start, line.count("(") - line.count(")")
        while brackets > 0:
            head += 1
            brackets += lines[head].count("(") - lines[head].count(")")
        if not lines[head].split("#")[0].rstrip().endswith(":"):
            continue  # a declaration without a body
        last = head
        for number in range(head + 1, len(lines)):
            text = lines[number]
            if text.strip():
                if len(text) - len(text.lstrip()) <= len(found[1]):
                    break
                last = number
        yield start + 1, last - start + 1


def test_the_lints_have_something_to_read() -> None:
    assert len(SOURCE) > 10
    assert len(CYTHON) >= 1
    assert {"Makefile", "run", "pyproject.toml", "README.md"} <= {path.name for path in TEXTS}


def test_lines_are_at_most_100_characters_long() -> None:
    ours = [path for path in CODE if path.suffix != ".proto"]  # a proto is laid out by buf format

    refuse(matches(f"^.{{{LINE_MAX + 1}}}", ours), "break these lines")


def test_functions_are_at_most_70_lines_long() -> None:
    long = []
    for path in PYTHON:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or node.lineno) - node.lineno + 1
                long += [f"{where(path, node.lineno)} {length}"] * (length > FUNCTION_LINES_MAX)
    for path in CYTHON:
        for line, length in cython_functions(path):
            long += [f"{where(path, line)} {length}"] * (length > FUNCTION_LINES_MAX)

    refuse(long, "split these functions")


def test_files_hold_one_noun() -> None:
    sizes = {str(p.relative_to(ROOT)): len(p.read_text().splitlines()) for p in CODE}
    long = {name: lines for name, lines in sizes.items() if lines > FILE_LINES_MAX}

    refuse(
        (f"{name}: {lines} lines" for name, lines in long.items() if name not in LONG_FILES),
        "find the two nouns inside, or give the reason in LONG_FILES",
    )
    refuse(LONG_FILES.keys() - long.keys(), "no longer long, take it out of LONG_FILES")


def test_only_the_command_line_prints() -> None:
    quiet = [path for path in SOURCE if "cli" not in path.relative_to(ROOT).with_suffix("").parts]

    refuse((place for place, _ in calls(quiet, "print")), "return, raise or use structlog")


def test_the_domain_makes_no_floats() -> None:
    """Amounts and weights are integers; a float would round money."""
    domain = [path for path in SOURCE if "domain" in path.parts]
    assert domain

    refuse((place for place, _ in calls(domain, "float")), "keep integers of a small unit")


def test_nothing_is_left_to_be_done() -> None:
    refuse(matches(r"\b(FIX[M]E|TO[D]O|XX[X])\b", TEXTS), "do it, or file an issue")


def test_no_path_of_somebodys_machine() -> None:
    places = r"(?<![\w.}])/(?:[w]ork|[r]oot|[t]mp|[h]ome)/"

    refuse(matches(places, TEXTS), "use tmp_path, or a path relative to the checkout")


def test_modules_are_named_for_what_they_hold() -> None:
    vague = {"utils", "util", "helpers", "common", "core", "misc"}

    named = {p: set(p.relative_to(ROOT).with_suffix("").parts) for p in SOURCE}
    refuse((str(p) for p, parts in named.items() if vague & parts), "name what it holds")


# Make cannot install a Python: the matrix takes those it is given.
ALLOWED_SKIP = re.compile("REFNET_TEST_DATA|in PYTHONS")


def test_tests_skip_only_for_want_of_the_shared_data_or_of_another_python() -> None:
    tests = [path for path in PYTHON if not path.is_relative_to(ROOT / "src")]
    skips = calls(
        tests, "pytest.skip", "pytest.importorskip", "pytest.mark.skip", "pytest.mark.skipif"
    )

    refuse(
        (place for place, text in skips if not ALLOWED_SKIP.search(text)),
        "what a test needs is installed by make; for shared data use the fixture shared_data",
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("def f(x):\n    pass\n\n\ny = 1\n", [(1, 2)]),
        ("cdef int f(\n    int x,\n) noexcept nogil:\n    return x\n", [(1, 4)]),
        ("cdef int f(int x)\ncdef extern from *:\n    pass\n", []),
        (
            "class A:\n    def f(self):\n        pass\n\n    def g(self):\n        pass\n",
            [(2, 2), (5, 2)],
        ),
    ],
)
def test_cython_functions_are_measured(
    tmp_path: Path, text: str, expected: list[tuple[int, int]]
) -> None:
    file = tmp_path / "sample.pyx"
    file.write_text(text)

    assert expected == list(cython_functions(file))
