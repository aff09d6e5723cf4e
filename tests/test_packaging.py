"""What is declared, what is pinned and what is installed are one thing."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from importlib import metadata
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

REQUIREMENT = re.compile(r"^([A-Za-z0-9._-]+)==(\S+)")


@pytest.fixture(scope="module")
def project(root: Path) -> dict[str, Any]:
    return tomllib.loads((root / "pyproject.toml").read_text())


@pytest.fixture(scope="module")
def pinned(root: Path) -> dict[str, str]:
    lines = (root / "requirements.lock").read_text().splitlines()
    return {found[1].lower(): found[2] for line in lines if (found := REQUIREMENT.match(line))}


def declared(project: dict[str, Any]) -> set[str]:
    wanted: list[str] = [*project["project"]["dependencies"], *project["build-system"]["requires"]]
    for group in project["dependency-groups"].values():
        wanted += [item for item in group if isinstance(item, str)]
    names = {re.split(r"[<>=!~; \[]", item, maxsplit=1)[0].lower() for item in wanted}
    assert {"grpcio", "cython", "pytest"} <= names
    return names


def test_the_installed_version_is_the_declared_one(project: dict[str, Any]) -> None:
    assert project["project"]["version"] == metadata.version("refnet")


def test_the_command_says_the_declared_version(project: dict[str, Any]) -> None:
    said = subprocess.run(
        [Path(sys.executable).parent / "refnet", "--version"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    assert project["project"]["version"] in said.split()


def test_the_newest_section_of_the_changelog_is_this_version(
    project: dict[str, Any], root: Path
) -> None:
    sections = re.findall(r"^## \[([^\]]+)\]", (root / "CHANGELOG.md").read_text(), re.MULTILINE)

    assert project["project"]["version"] == next(s for s in sections if s != "Unreleased")


def test_type_checkers_find_the_marker_and_the_kernels_stub() -> None:
    package = files("refnet")

    assert package.joinpath("py.typed").is_file()
    assert package.joinpath("_scoring.pyi").is_file()


def test_every_declared_dependency_is_pinned(
    project: dict[str, Any], pinned: dict[str, str]
) -> None:
    assert set() == declared(project) - set(pinned)


def test_what_runs_here_is_what_is_pinned(project: dict[str, Any], pinned: dict[str, str]) -> None:
    names = {re.split(r"[<>=]", item, maxsplit=1)[0] for item in project["project"]["dependencies"]}

    assert {name: pinned[name] for name in names} == {
        name: metadata.version(name) for name in names
    }


def test_every_pin_has_a_hash_and_none_names_a_place(root: Path) -> None:
    text = (root / "requirements.lock").read_text()
    entries = re.split(r"\n(?=[a-z0-9])", text)[1:]

    assert len(entries) > 20
    assert [] == [entry.splitlines()[0] for entry in entries if "--hash=sha256:" not in entry]
    assert None is re.search(r"https?:|file:|--(extra-)?index-url|--find-links| @ ", text)


def test_ci_can_be_run(root: Path) -> None:
    assert os.access(root / ".ci" / "run", os.X_OK)
