"""Stores that are damaged in one place: the refusal says where, whatever reads it."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from refnet.domain.chapter import CharterChapter
from refnet.domain.decisions import Request
from refnet.domain.member import EnrolMember
from refnet.domain.network import CharterNetwork
from refnet.domain.nouns import BY_COMMAND
from refnet.domain.one_to_one import HoldOneToOne
from refnet.domain.referral import PassReferral
from refnet.domain.values import ChapterId, MemberId
from refnet.engine import LEDGER, Engine
from refnet.errors import RefnetError, StorageFull, StoreDamaged
from refnet.log._stored import parameters
from refnet.log.draft import Receipt
from refnet.log.reader import Reader
from refnet.wiring import open_engine


def quiet(_: str) -> None:
    """Key-file warnings are not what these tests are about."""


def do(engine: Engine, command: Any, request_id: str = "") -> Receipt:
    noun = BY_COMMAND[type(command)].name
    new_id = engine.new_id(noun)
    request = Request(command=command, request_id=request_id or str(uuid4()), new_id=new_id)
    (outcome,) = engine.execute([request])
    assert isinstance(outcome, Receipt), outcome
    return outcome


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """1 network, 2 chapter, 3 to 5 and 6 to 8 two members, 9 and 10 their one-to-ones."""
    data = tmp_path_factory.mktemp("damage") / "whole"
    with open_engine(data, warn=quiet) as engine:
        do(engine, CharterNetwork(name="n"))
        chapter = ChapterId(
            do(
                engine,
                CharterChapter(
                    name="c", city="b", country="DE", time_zone="Europe/Berlin", currency="EUR"
                ),
            ).stream
        )
        ann, bob = (
            MemberId(
                do(
                    engine, EnrolMember(chapter=chapter, classification=n, name=n, external_id=n)
                ).stream
            )
            for n in ("ann", "bob")
        )
        for _ in range(2):
            do(engine, HoldOneToOne(initiator=ann, partner=bob))
        assert engine.position == 10
    return data


@pytest.fixture
def data(whole: Path, tmp_path: Path) -> Path:
    """A copy to be damaged."""
    return Path(shutil.copytree(whole, tmp_path / "data"))


def tampered(data: Path, *statements: str, committed: bool = True) -> None:
    """Change facts, and commit to what they say then: damage from before anybody verified."""
    raw = sqlite3.connect(data / "log.db")
    for (name,) in raw.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'").fetchall():
        raw.execute(f"DROP TRIGGER {name}")
    for statement in statements:
        raw.execute(statement)
    for position, *fact, salt in raw.execute(
        "SELECT rowid, originator_id, originator_version, topic, state, salt FROM stored_events"
    ).fetchall():
        with suppress(ValueError, TypeError):
            *_, made = parameters(0, [tuple(fact)], [salt])
            if committed:
                raw.execute(
                    "UPDATE stored_events SET commitment = ? WHERE rowid = ?", (made, position)
                )
    raw.commit()
    raw.close()


def changed(position: int, *changes: str, **columns: object) -> str:
    """An update of a fact: paths and JSON values of its state, and columns."""
    state = f"state = CAST(json_set(CAST(state AS TEXT), {', '.join(changes)}) AS BLOB)"
    others = [f"{name} = {value}" for name, value in columns.items()]
    every = ", ".join([*([state] if changes else []), *others])
    return f"UPDATE stored_events SET {every} WHERE rowid = {position}"


def reading(data: Path) -> None:
    with open_engine(data, read_only=True) as engine:
        list(engine.facts())
        engine.scores()


def replaying(data: Path) -> None:
    with open_engine(data, read_only=True) as engine:
        engine.replay()


def exporting(data: Path) -> None:
    with open_engine(data, read_only=True) as engine:
        list(engine.rows())


def loading(data: Path) -> None:
    with open_engine(data, read_only=True) as engine:
        (noun,) = (noun for noun in engine.nouns if noun.name == "one_to_one")
        for row in engine.rows(8):
            engine.load(noun, row.stream)


NO_FIELDS = ("'$.data'", "json('{}')")


@pytest.mark.parametrize("way", [reading, replaying])
def test_a_fact_that_does_not_follow_is_named(data: Path, way: Callable[[Path], None]) -> None:
    """A member is reinstated who never applied."""
    tampered(data, changed(3, *NO_FIELDS, topic="'refnet.member-reinstated.v1'"))
    with pytest.raises(StoreDamaged, match="does not fit") as refused:
        way(data)
    assert refused.value.facts["position"] == "3"


def test_a_stream_of_two_nouns_is_named(data: Path) -> None:
    with open_engine(data, warn=quiet) as engine:
        ann, bob = engine.state.resident("member")
        do(engine, PassReferral(giver=MemberId(ann), receiver=MemberId(bob)))
    first = "(SELECT originator_id FROM stored_events WHERE rowid = 9)"
    tampered(data, changed(11, "'$.origin'", "9", originator_id=first, originator_version=2))
    with pytest.raises(StoreDamaged, match="does not fit") as refused:
        loading(data)
    assert refused.value.facts["position"] == "11"


@pytest.mark.parametrize("way", [reading, replaying])
@pytest.mark.parametrize("who", ["both", "nobody"])
def test_members_no_fact_can_have_are_named(
    data: Path, who: str, way: Callable[[Path], None]
) -> None:
    """Promise: what the kernel refuses is said of the store, with the position of the fact."""
    same = "json_extract(CAST(state AS TEXT), '$.data.initiator')"
    tampered(data, changed(10, "'$.data.partner'", {"both": same, "nobody": f"'{uuid4()}'"}[who]))
    with pytest.raises(StoreDamaged, match="cannot be scored") as refused:
        way(data)
    assert refused.value.facts["position"] == "10"


@pytest.mark.parametrize("way", [reading, exporting, replaying])
@pytest.mark.parametrize(
    "harm",
    [
        "state = 7",
        "state = x'ff'",
        "state = x'7b22ff'",
        "originator_id = 'nobody'",
        "originator_id = x'00'",
        "originator_id = 5",
        "topic = x'00'",
        "commitment = 'text'",
        "salt = 1.5",
        "originator_version = 'one'",
    ],
)
@pytest.mark.parametrize("position", [2, 5, 10])
def test_odd_columns_are_refused_whoever_reads_them(
    data: Path,
    monkeypatch: pytest.MonkeyPatch,
    harm: str,
    position: int,
    way: Callable[[Path], None],
) -> None:
    """Also where they lie before the tail that is verified."""
    monkeypatch.setattr(Reader, "verify_tail", lambda _: None)
    tampered(data, f"UPDATE stored_events SET {harm} WHERE rowid = {position}", committed=False)
    needless = ("salt", "commitment", "originator_version")  # not every way reads these
    with suppress(StoreDamaged) if harm.startswith(needless) else pytest.raises(StoreDamaged):
        way(data)


@pytest.mark.parametrize("zone", ["Europe/Atlantis", "Europe", "../etc/passwd"])
def test_a_time_zone_that_does_not_exist_is_named(
    data: Path, monkeypatch: pytest.MonkeyPatch, zone: str
) -> None:
    tampered(data, changed(2, "'$.data.time_zone'", f"'{zone}'"))
    for way in (reading, replaying):
        with pytest.raises(StoreDamaged, match="position 2"):
            way(data)


@pytest.mark.parametrize("file", ["log.db", "keys.db"])
def test_bits_flipped_in_the_schema_are_a_refusal(data: Path, file: str) -> None:
    """SQLite quotes the damaged schema in what it says, which then is no UTF-8."""
    path = data / file
    content = path.read_bytes()
    kept = {each.name: each.read_bytes() for each in data.iterdir() if each.is_file()}
    for at in range(6000, 8192, 37):
        for name, its in kept.items():
            (data / name).write_bytes(its)
        (data / f"{file}-wal").unlink(missing_ok=True)
        path.write_bytes(content[:at] + bytes([content[at] ^ 0x80]) + content[at + 1 :])
        for read_only in (True, False):
            with suppress(RefnetError):
                open_engine(data, read_only=read_only, warn=quiet).close()


@pytest.mark.parametrize("key", ["log", "simulated"])
def test_a_log_that_does_not_say_which_it_is_is_refused(data: Path, key: str) -> None:
    tampered(data, f"UPDATE meta SET value = 'x' WHERE key = '{key}'")
    for read_only in (True, False):
        with pytest.raises(StoreDamaged, match="which log"):
            open_engine(data, read_only=read_only)


@pytest.mark.parametrize(
    "harm",
    ["position = 99999", "position = 3", "position = 'x'", "facts = 'x'", "position = x'00'"],
)
def test_an_answer_that_is_damaged_refuses_its_request_alone(data: Path, harm: str) -> None:
    """Promise: nobody is told that another's facts are what they asked for."""
    command = CharterNetwork(name="m")
    with open_engine(data, warn=quiet) as engine:
        chapter = next(iter(engine.state.resident("chapter")))
        asked = EnrolMember(chapter=ChapterId(chapter), classification="z")
        do(engine, asked, "known")
    tampered(data, f"UPDATE requests SET {harm} WHERE request_id = 'known'")
    with open_engine(data, warn=quiet) as engine:
        other = EnrolMember(chapter=ChapterId(chapter), classification="y")
        outcomes = engine.execute(
            [
                Request(command=each, request_id=name, new_id=engine.new_id("member"))
                for each, name in ((asked, "known"), (other, "new"), (command, "refused"))
            ]
        )
        assert [type(each) for each in outcomes[:2]] == [StoreDamaged, Receipt]
        with pytest.raises(StoreDamaged, match="'known'"):
            engine.answered("known")


def test_a_personal_field_of_a_fact_that_is_gone_is_damage(data: Path) -> None:
    with open_engine(data, read_only=True) as engine:
        network = next(engine.rows()).stream
        for version in (1, 7):
            with pytest.raises(StoreDamaged, match="sealed email"):
                engine.personal(network, {"email": version})


# --- the ledger's files ---------------------------------------------------------------------------


def test_a_ledger_that_finds_no_room_at_the_start_says_so(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.rmtree(data / LEDGER, ignore_errors=True)
    allocate = os.posix_fallocate
    calls: list[int] = []

    def full(*given: int) -> None:
        calls.append(0)
        if len(calls) > 4:
            raise OSError(errno.ENOSPC, "No space left on device")
        allocate(*given)

    with open_engine(data, warn=quiet) as engine:
        with monkeypatch.context() as disk:
            disk.setattr(os, "posix_fallocate", full)
            with pytest.raises(StorageFull):
                engine.scores()
        assert {each.stat().st_size for each in (data / LEDGER).glob("*.col")} == {0}
        assert engine.scores().position == 10


@pytest.mark.parametrize("harm", ["column", "folder"])
def test_a_ledger_whose_files_cannot_be_had_says_how_to_get_a_new_one(
    data: Path, harm: str
) -> None:
    folder = data / LEDGER
    shutil.rmtree(folder, ignore_errors=True)
    if harm == "folder":
        folder.write_text("")
    else:
        (folder / "day.col").mkdir(parents=True)
    with (
        open_engine(data, warn=quiet) as engine,
        pytest.raises(StoreDamaged, match="delete the ledger folder"),
    ):
        engine.scores()
