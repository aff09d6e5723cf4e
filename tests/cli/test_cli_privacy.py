"""`refnet privacy`: what it does, what it refuses, what it prints."""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
import sqlite3
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from cli.running import Run
from privacy.town import files_with, town, wrapped_keys
from refnet.domain.rights import RestrictContact

RATINGS = "ann,bob,8,1300000000\nbob,ann,5,1300000001\ncarl,ann,10,1300000002\n"


@pytest.fixture
def network(run: Run, tmp_path: Path, data: Path) -> dict[str, str]:
    """Three members, by the ids another system gave them."""
    file = tmp_path / "ratings.csv"
    file.write_text(RATINGS)
    assert 0 == run("import", "ratings", file, "--pretrust", "uniform").code
    return {each["external_id"]: each["member"] for each in run("scores", "--json").json["members"]}


def stream(name: str) -> UUID:
    return UUID(name.rpartition("/")[2])


def numbers(document: Any) -> list[Any]:
    """Everything in a document of scores that is about nobody's name, rank or position."""
    left = {"external_id", "rank"}
    members = sorted(document["members"], key=lambda each: str(each["member"]))
    return [{name: each[name] for name in each.keys() - left} for each in members]


@pytest.mark.parametrize("strict", [(), ("--strict",)], ids=["keys", "strict"])
def test_erase_destroys_keys_and_leaves_scores(
    run: Run, data: Path, network: dict[str, str], strict: tuple[str, ...]
) -> None:
    before = run("scores", "--json").json
    day = (dt.date(1970, 1, 1) + dt.timedelta(days=before["day"])).isoformat()
    keys = wrapped_keys(data, stream(network["bob"]))
    assert files_with(data, keys)

    done = run("privacy", "erase", "bob", *strict, "--yes", "--json")

    assert (0, "") == (done.code, done.err)
    position = before["position"] + 2
    expected = {"person": network["bob"], "done": "erased", "position": position}
    assert expected | {"cleared": True} == done.json
    assert [] == files_with(data, keys)
    after = run("scores", "--json", "--day", day).json
    assert numbers(before) == numbers(after)
    (bob,) = (each for each in after["members"] if each["member"] == network["bob"])
    assert {"erased": str(stream(network["bob"]))} == bob["external_id"]
    assert f"(erased) {str(stream(network['bob']))[:8]}" in run("scores").out
    assert 0 == run("replay", "--json").code
    again = run("privacy", "erase", network["bob"], "--yes", "--json")
    assert (1, "SUBJECT_ERASED") == (again.code, again.json["error"]["reason"])
    assert f"position {position}" in again.err
    gone = run("privacy", "erase", "bob", "--yes", "--json")
    assert (1, "NOT_FOUND", "person") == (
        gone.code,
        gone.json["error"]["reason"],
        gone.json["error"]["field"],
    )


def test_a_reader_in_the_way_is_told_of_and_leaves_the_json_alone(
    run: Run, data: Path, network: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("refnet.log.connections.BUSY_SECONDS", 0.05)
    keys = wrapped_keys(data, stream(network["bob"]))
    raw = sqlite3.connect(data / "keys.db", isolation_level=None)
    raw.execute("BEGIN")
    raw.execute("SELECT count(*) FROM keys").fetchone()

    done = run("privacy", "erase", "bob", "--yes", "--json")

    assert (0, "erased", False) == (done.code, done.json["done"], done.json["cleared"])
    assert "(erased)" in run("scores").out
    raw.close()
    text = run("privacy", "erase", "ann", "--yes")
    assert (0, "") == (text.code, text.err)
    assert [] == files_with(data, keys)


def test_nothing_that_cannot_be_undone_is_done_without_yes(
    run: Run, data: Path, network: dict[str, str], tmp_path: Path
) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text("[retention]\nleft-members = 1\n")
    before = run("scores", "--json").json
    for command in (
        ("erase", "bob"),
        ("erase", "bob", "--strict"),
        ("rectify", "bob", "--name", "Bob"),
        ("rotate-kek",),
    ):
        done = run("privacy", *command, "--json")
        assert (1, "NOT_CONFIRMED") == (done.code, done.json["error"]["reason"])
        assert "add --yes" in done.err
    assert 0 == run("privacy", "retention", policy).code
    assert before == run("scores", "--json").json


def test_rectify_and_restrict_show_in_tables_and_exports(run: Run, network: dict[str, str]) -> None:
    assert 0 == run("privacy", "rectify", "bob", "--name", "Bob Right", "--yes").code
    assert "Bob Right" in run("scores").out
    done = run("privacy", "restrict", "bob")
    assert f"{network['bob']} is restricted; the receipt is the fact at position" in done.out
    assert "Bob Right" not in run("scores").out
    assert "(restricted)" in run("scores").out
    (bob,) = (
        each for each in run("scores", "--json").json["members"] if each["member"] == network["bob"]
    )
    assert {"restricted": str(stream(network["bob"]))} == bob["external_id"]
    assert "Bob Right" in run("privacy", "export", network["bob"]).out  # it is their own
    twice = run("privacy", "restrict", network["bob"], "--json")
    assert (1, "WRONG_STATE") == (twice.code, twice.json["error"]["reason"])
    assert 0 == run("privacy", "restrict", "bob", "--lift").code
    assert "Bob Right" in run("scores").out
    nothing = run("privacy", "rectify", "bob", "--yes", "--json")
    assert (1, "INVALID_REQUEST", "name") == (
        nothing.code,
        nothing.json["error"]["reason"],
        nothing.json["error"]["field"],
    )


def test_an_export_can_be_checked_against_its_commitments(
    run: Run, network: dict[str, str]
) -> None:
    """Promise: each line holds all that its leaf of the transparency log is made of."""
    stored = [json.loads(line) for line in run("export", "facts", "--json").out.splitlines()]

    done = run("privacy", "export", "bob", "--json")

    lines = [json.loads(line) for line in done.out.splitlines()]
    bob = str(stream(network["bob"]))
    expected = [each for each in stored if bob in json.dumps(each)]
    own = {"leaf_index", "personal"}
    assert expected == [{k: v for k, v in each.items() if k not in own} for each in lines]
    assert {"external_id": "bob"} == {k: v for each in lines for k, v in each["personal"].items()}
    for raw, each in zip(done.out.splitlines(), lines, strict=True):
        assert each["position"] - 1 == each["leaf_index"]
        start = raw.index('"acting_member"')
        state = "{" + raw[start : raw.index(',"salt"')] + "}"
        assert each["commitment"] == _commitment(each, state.encode())
    assert "ann" not in done.out.replace("channel", "")


def _commitment(line: Any, state: bytes) -> str:
    def lp(part: bytes) -> bytes:
        return len(part).to_bytes(4) + part

    content = b"".join(
        (
            b"refnet/commit/v1\n",
            bytes.fromhex(line["salt"]),
            lp(UUID(line["stream"]).bytes),
            line["version"].to_bytes(8),
            lp(line["name"].encode()),
            lp(state),
        )
    )
    return sha256(content).hexdigest()


def test_without_the_key_an_export_is_sealed_and_says_so(
    run: Run, data: Path, network: dict[str, str], tmp_path: Path
) -> None:
    audit = tmp_path / "audit"
    audit.mkdir()
    shutil.copy(data / "log.db", audit)

    done = run("privacy", "export", network["bob"], "--json", store=audit)

    assert 0 == done.code
    assert "warning: personal data are shown as sealed: " in done.err
    first = json.loads(done.out.splitlines()[0])
    assert {"external_id": {"sealed": str(stream(network["bob"]))}} == first["personal"]
    assert "(sealed)" in run("privacy", "export", network["bob"], store=audit).out
    assert ["log.db"] == sorted(each.name for each in audit.iterdir() if "-" not in each.name)


def test_retention_lists_first_and_erases_then(run: Run, data: Path, tmp_path: Path) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text("[retention]\ncontacts = 30\nleft-members = 900\n")
    with town(data, members=2, contacts=3, clock=lambda: 1_600_000_000_000_000) as made:
        vic, uma, zoe = made.contacts
        made.do(RestrictContact(contact=zoe))
        keys = [key for who in (vic, uma) for key in wrapped_keys(data, who)]

    plan = run("privacy", "retention", policy, "--json")
    assert 0 == plan.json["texts"]
    assert (0, False, 1) == (plan.code, plan.json["erased"], plan.json["restricted"])
    due = [each["person"] for each in plan.json["due"]]
    assert [f"contacts/{vic}", f"contacts/{uma}"] == due
    assert {"class": "contacts", "person": due[0], "last_day": 18518} == plan.json["due"][0]
    text = run("privacy", "retention", policy).out
    assert "contacts: 2 would be erased" in text
    assert "restricted, and therefore kept: 1" in text
    assert files_with(data, keys)

    done = run("privacy", "retention", policy, "--strict", "--yes", "--json")

    assert (0, True, due) == (
        done.code,
        done.json["erased"],
        [each["person"] for each in done.json["due"]],
    )
    assert plan.json["position"] + 2 == done.json["position"]
    assert [] == files_with(data, keys)
    assert [] == run("privacy", "retention", policy, "--yes", "--json").json["due"]
    policy.write_text("[retention]\ncontact = 30\n")
    wrong = run("privacy", "retention", policy, "--json")
    assert (1, "retention.contact") == (wrong.code, wrong.json["error"]["field"])


def test_the_key_encryption_key_is_changed(
    run: Run, data: Path, network: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, old = run("scores", "--json").json, (data / "kek").read_text()
    done = run("privacy", "rotate-kek", "--yes", "--json")
    assert (0, {"keys": 3, "kek": str(data / "kek")}) == (done.code, done.json)
    assert before == run("scores", "--json").json

    new = tmp_path / "new.kek"
    new.write_text(os.urandom(32).hex())
    new.chmod(0o604)
    refused = run("privacy", "rotate-kek", "--to", new, "--yes", "--json")
    assert (1, "STORE_SEALED") == (refused.code, refused.json["error"]["reason"])
    new.chmod(0o600)
    said = run("privacy", "rotate-kek", "--to", new, "--yes")
    assert f"REFNET_KEK_FILE={new}" in said.out
    assert "names and external ids are left out" in run("scores").err
    monkeypatch.setenv("REFNET_KEK_FILE", str(new))
    assert before == run("scores", "--json").json
    assert old not in said.out
    nowhere = run("privacy", "rotate-kek", "--yes", "--json", store=tmp_path / "nothing")
    assert (1, "NOT_FOUND") == (nowhere.code, nowhere.json["error"]["reason"])
    assert not (tmp_path / "nothing").exists()


@pytest.mark.parametrize(
    "command",
    [
        ("privacy", "erase", "bob", "--yes"),
        ("privacy", "rectify", "bob", "--name", "Bob", "--yes"),
        ("privacy", "restrict", "bob"),
        ("privacy", "restrict", "bob", "--lift"),
        ("privacy", "retention", "POLICY", "--yes"),
        ("privacy", "export", "bob"),
        ("audit", "publish", "--scores"),
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("there", [False, True], ids=["missing", "empty"])
def test_a_mistyped_directory_is_refused_and_left_as_it_is(
    run: Run, tmp_path: Path, command: tuple[str, ...], *, there: bool
) -> None:
    """Promise: nobody takes a store that was just made for the one that holds the person."""
    policy, nowhere = tmp_path / "policy.toml", tmp_path / "nothing"
    policy.write_text("[retention]\nleft-members = 1\n")
    if there:
        nowhere.mkdir()
    asked = [policy if word == "POLICY" else word for word in command]

    done = run(*asked, "--json", store=nowhere)

    assert (1, "NOT_FOUND") == (done.code, done.json["error"]["reason"])
    assert str(nowhere) in done.err
    assert there == nowhere.exists()
    assert not there or [] == list(nowhere.iterdir())


def test_no_reads_are_listed_where_no_server_ran(run: Run, network: dict[str, str]) -> None:
    assert {"reads": []} == run("privacy", "reads", "--json").json
    assert 0 == run("privacy", "reads", "bob").code
    wrong = run("privacy", "reads", "nobody", "--json")
    assert (1, "NOT_FOUND") == (wrong.code, wrong.json["error"]["reason"])
