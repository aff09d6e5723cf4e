"""Commands that read work beside a process that writes, whatever it adds meanwhile."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cli.running import Run
from refnet.engine import Engine


@pytest.mark.parametrize("command", [("scores",), ("replay",), ("export", "facts")], ids=" ".join)
@pytest.mark.parametrize("as_json", [(), ("--json",)], ids=["table", "json"])
def test_members_that_come_while_a_command_reads_are_in_what_it_tells(
    run: Run,
    run_apart: Run,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    command: tuple[str, ...],
    as_json: tuple[str, ...],
) -> None:
    first, second = tmp_path / "first.csv", tmp_path / "second.csv"
    first.write_text("ann,bob,8,1\n")
    second.write_text("carl,dora,7,2\n")
    run("import", "ratings", first)
    head = Engine.head
    scores = Engine.scores
    others: list[int] = []

    def write_meanwhile() -> None:
        if not others:
            others.append(run_apart("import", "ratings", second).code)

    def head_later(engine: Engine) -> tuple[int, int]:
        write_meanwhile()
        return head(engine)

    def scores_later(engine: Engine, **options: Any) -> Any:
        write_meanwhile()
        return scores(engine, **options)

    monkeypatch.setattr(Engine, "head", head_later)
    monkeypatch.setattr(Engine, "scores", scores_later)

    done = run(*command, *as_json)

    assert ([0], 0) == (others, done.code)
    if command == ("export", "facts"):
        assert 16 == len(done.out.splitlines())
    elif as_json and command == ("scores",):
        told = {member["external_id"] for member in done.json["members"]}
        assert {"ann", "bob", "carl", "dora"} == told
    elif not as_json:
        assert {"ann", "bob", "carl", "dora"} <= set(done.out.split())
