"""An erasure is a promise: no crash, restored backup, full disk or reader in the way undoes it."""

from __future__ import annotations

import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from privacy.test_erasure import check_nothing_is_left, what_lies_there
from privacy.town import ciphertexts, files_with, rows, town, wrapped_keys
from refnet.domain.rights import EraseContact, EraseMember, RectifyMember
from refnet.domain.values import Corrected, Erased
from refnet.errors import StorageFull
from refnet.log import erasing
from refnet.log.scrubbing import is_unclean
from refnet.wiring import open_engine

DIE_AT = """
import os, signal, sys
from pathlib import Path
from uuid import UUID, uuid4

def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

from refnet.log import erasing, keys, store
from refnet.domain.decisions import Request
from refnet.domain.network import ExpireTexts
from refnet.domain.rights import EraseMember, RectifyMember
from refnet.wiring import open_engine

data, command, where = sys.argv[1:4]
engine = open_engine(Path(data))
# The process dies on entering one of the steps that follow the commit of the fact.
spots = {
    "carry-out": (erasing.Eraser, "carry_out"),
    "take-away": (erasing, "take_away"),
    "keys": (keys.KeyStore, "destroy"),
    "scrub": (keys, "scrub"),
    "clear": (store.Store, "clear"),
}
setattr(*spots[where], die)
asked = eval(command)
engine.execute([Request(command=asked, request_id=str(uuid4()), new_id=uuid4())])
"""


def die(data: Path, command: str, where: str) -> None:
    """Erase or rectify in a process that is killed on the way."""
    done = subprocess.run(
        [sys.executable, "-c", DIE_AT, str(data), command, where], check=False, timeout=60
    )
    assert -signal.SIGKILL == done.returncode


@pytest.mark.parametrize("strict", [False, True], ids=["keys", "strict"])
@pytest.mark.parametrize("where", ["carry-out", "take-away", "keys", "scrub", "clear"])
def test_what_a_kill_interrupted_is_done_at_the_next_start(
    tmp_path: Path, where: str, *, strict: bool
) -> None:
    """Promise: the fact first, then the keys; and every start finishes what is not done."""
    data = tmp_path / "store"
    with town(data, members=40) as made:
        made.mingle()
        who, other = made.members[7], made.members[8]
        words = [word.encode() for word in made.words[who]]
        shown, before = made.show(other), made.scores()
    gone = what_lies_there(data, [who])

    die(data, f"EraseMember(member=UUID('{who}'), strict={strict})", where)

    with open_engine(data, read_only=True) as reading:
        assert {"name": Erased(who)} == reading.personal(who, {"name": 1})
    said: list[str] = []
    with town(data, warn=said.append) as made:
        alive = where in {"carry-out", "take-away", "keys"}
        assert (1 if alive else 0) == made.engine.erased_again == len(said)
        assert not alive or "erasure of 1 people" in said[0]
        assert {Erased(who)} == set(made.show(who).values())
        assert shown == made.show(other)
        assert before == made.scores()
        check_nothing_is_left(data, gone, strict=strict)
        assert not is_unclean(made.engine.store._writer)
    assert [] == files_with(data, words)


@pytest.mark.parametrize("where", ["carry-out", "clear"])
def test_a_wrong_text_is_gone_after_a_kill(tmp_path: Path, where: str) -> None:
    """Its row goes with the fact that corrects it; what is left on the disk goes at the start."""
    data = tmp_path / "store"
    with town(data, members=40) as made:
        who = made.members[7]
        email = made.show(who)["email"]
    (wrong,) = rows(
        data / "log.db",
        "SELECT bytes FROM sealed WHERE originator_id = ? AND field = 'name'",
        (who.hex,),
    )[0]
    assert files_with(data, [wrong])

    die(data, f"RectifyMember(member=UUID('{who}'), name='Right')", where)

    with town(data) as made:
        shown = made.show(who)
        assert ("Right", email) == (shown["name"], shown["email"])
        assert {"name": Corrected(who)} == made.engine.personal(who, {"name": 1})
        assert [] == files_with(data, [wrong])


def test_a_key_store_from_a_backup_brings_nobody_back(tmp_path: Path) -> None:
    """Promise: re-erasure after a restored backup, and the log says how many."""
    data, backup = tmp_path / "store", tmp_path / "keys.db"
    with town(data, members=20, contacts=3) as made:
        people = [*made.members[3:6], made.contacts[1]]
        strict = made.members[9]
    shutil.copy(data / "keys.db", backup)
    gone = what_lies_there(data, [*people, strict])
    with town(data) as made:
        for who in people:
            erase: Any = EraseMember(member=who)
            made.do(EraseContact(contact=who) if who == people[3] else erase)
        made.do(EraseMember(member=strict, strict=True))
    shutil.copy(backup, data / "keys.db")
    assert files_with(data, gone[people[0]][0])

    with open_engine(data, read_only=True) as reading:
        for who in (*people, strict):
            assert {"name": Erased(who)} == reading.personal(who, {"name": 1})
    said: list[str] = []
    with town(data, warn=said.append) as made:
        (line,) = said
        assert "erasure of 5 people" in line
        check_nothing_is_left(data, {who: gone[who] for who in people}, strict=False)
        check_nothing_is_left(data, {strict: gone[strict]}, strict=True)
    with town(data, warn=said.append) as made:
        assert 1 == len(said)


@pytest.mark.parametrize("file", ["keys.db", "log.db"])
def test_a_reader_in_the_way_only_delays_what_is_cleared(tmp_path: Path, file: str) -> None:
    data = tmp_path / "store"
    told: list[tuple[int, str]] = []
    with town(data, members=20) as made:
        ann, bob = made.members[3:5]
        gone = what_lies_there(data, [ann])
        eraser = made.engine.sequencer.eraser
        eraser.on_delay = lambda people, refusal: told.append((people, refusal.reason))
        for connection in (made.engine.store._writer, made.engine.keys._connection):
            connection.execute("PRAGMA busy_timeout = 50")
        raw = sqlite3.connect(data / file, isolation_level=None)
        raw.execute("BEGIN")
        raw.execute("SELECT count(*) FROM sqlite_schema").fetchone()

        made.do(EraseMember(member=ann, strict=True))

        assert [(1, "STORE_SEALED")] == told
        assert {Erased(ann)} == set(made.show(ann).values())
        work = [eraser.has_work]
        raw.close()
        made.do(RectifyMember(member=bob, phone="1"))
        assert [True, False] == [*work, eraser.has_work]
        check_nothing_is_left(data, gone, strict=True)
    assert 1 == len(told)


def test_a_full_disk_keeps_no_key_alive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Promise: no room in the log for the deletions, but at the answer there is no key."""
    data = tmp_path / "store"
    with town(data, members=20) as made:
        ann, bob = made.members[3:5]
        gone = what_lies_there(data, [ann, bob])
        full = take_full_disk(monkeypatch)
        for each in (ann, bob):
            made.do(EraseMember(member=each, strict=each == ann))

            assert [] == wrapped_keys(data, each)
            assert {Erased(each)} == set(made.show(each).values())
        assert made.engine.sequencer.eraser.has_work
        assert ciphertexts(data, ann)
        assert 2 == len(full)
    monkeypatch.undo()

    with town(data) as made:
        assert 2 == made.engine.erased_again
        check_nothing_is_left(data, {ann: gone[ann]}, strict=True)
        check_nothing_is_left(data, {bob: gone[bob]}, strict=False)
        for each in (ann, bob):
            assert [] == rows(
                data / "log.db", "SELECT * FROM lookups WHERE subject = ?", (each.hex,)
            )
    with town(data) as made:
        assert 0 == made.engine.erased_again


def take_full_disk(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Have deletions from the log find no room; who was refused."""
    refused: list[object] = []

    def refuse(*what: object) -> list[bytes]:
        refused.append(what)
        raise StorageFull("no room")

    monkeypatch.setattr(erasing, "take_away", refuse)
    return refused


def test_whoever_is_in_the_way_is_waited_for_once(tmp_path: Path) -> None:
    """Promise: while a reader stays, others write on, and a large file is not written in vain."""
    data = tmp_path / "store"
    told: list[int] = []
    with town(data, members=20) as made:
        ann, bob = made.members[3:5]
        gone = what_lies_there(data, [ann])
        eraser = made.engine.sequencer.eraser
        eraser.on_delay = lambda people, _: told.append(people)
        for connection in (made.engine.store._writer, made.engine.keys._connection):
            connection.execute("PRAGMA busy_timeout = 300")
        raw = sqlite3.connect(data / "log.db", isolation_level=None)
        raw.execute("BEGIN")
        raw.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        made.do(EraseMember(member=ann, strict=True))
        statements: list[str] = []
        made.engine.store._writer.set_trace_callback(statements.append)

        before = time.monotonic()
        for number in range(4):
            made.do(RectifyMember(member=bob, phone=str(number)))
            made.engine.sequencer.erase_again()

        assert time.monotonic() - before < 1.2  # eight times 0.3 s, if each waited
        assert "VACUUM" not in statements
        assert [300] == list(made.engine.store._writer.execute("PRAGMA busy_timeout").fetchone())
        assert [1] == told
        raw.close()
        made.engine.sequencer.erase_again()
        assert not eraser.has_work
        check_nothing_is_left(data, gone, strict=True)


def test_whoever_has_no_personal_data_is_erased_too(tmp_path: Path) -> None:
    with town(tmp_path, members=2) as made:
        stranger: UUID = made.enrol_nameless()

        made.do(EraseMember(member=stranger, strict=True))  # type: ignore[arg-type]

        assert {None} == set(made.show(stranger).values())
        assert [] == made.engine.keys.alive([stranger])
