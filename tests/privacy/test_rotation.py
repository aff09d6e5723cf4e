"""The key-encryption key can be changed: the new one opens everything, the old one nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from privacy.town import Town, files_with, town, wrapped_keys
from refnet.domain.rights import EraseMember
from refnet.errors import InvalidRequest, StoreDamaged, StoreSealed
from refnet.wiring import change_kek, open_engine

DIE_AT = """
import os, signal, sys
from pathlib import Path

def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

from refnet.log import keys, rotation, unlock
from refnet.wiring import change_kek

spots = {
    "write": (rotation, "write_kek"),
    "wrap": (keys.KeyStore, "wrap_again"),
    "wrapping": (keys, "mark_unclean"),
    "scrub": (keys, "scrub"),
    "settle": (rotation, "settle"),
    "replace": (unlock, "put_in_force"),
}
setattr(*spots[sys.argv[2]], die)
to = Path(sys.argv[3]) if len(sys.argv) > 3 else None
change_kek(Path(sys.argv[1]), to, print)
"""


def ignore(_: str) -> None:
    pass


@pytest.fixture
def data(tmp_path: Path) -> Path:
    with town(tmp_path / "store", members=20) as made:
        made.mingle()
        made.do(EraseMember(member=made.members[0]))
    return tmp_path / "store"


def shown(made: Town) -> list[str]:
    """Every name: a key that does not open is an exception."""
    return [str(made.show(who)["name"]) for who in made.engine.state.resident("member")]


def key_file(path: Path) -> Path:
    path.write_text(os.urandom(32).hex() + "\n")
    path.chmod(0o600)
    return path


def test_all_keys_are_wrapped_anew_and_the_old_ones_are_gone(data: Path) -> None:
    """Promise: the old key is refused afterwards, and nothing that it opens is left."""
    with town(data) as made:
        before = shown(made)
        people = list(made.engine.state.resident("member"))
    old = (data / "kek").read_text()
    wrapped = [key for who in people for key in wrapped_keys(data, who)]
    assert 19 == len(wrapped)

    assert 19 == change_kek(data, None, ignore)

    assert old != (data / "kek").read_text()
    assert 0o600 == (data / "kek").stat().st_mode & 0o777
    assert [] == files_with(data, [*wrapped, old.strip().encode()])
    with town(data) as made:
        assert before == shown(made)
        newcomer = made.enrol()
        assert made.words[newcomer] == list(made.show(newcomer).values())
    (data / "kek").write_text(old)
    with pytest.raises(StoreDamaged, match="REFNET_KEK_FILE"):
        open_engine(data)


@pytest.mark.parametrize("where", ["write", "wrap", "wrapping", "scrub", "settle", "replace"])
def test_a_kill_at_any_step_leaves_a_store_that_opens_completely(data: Path, where: str) -> None:
    with town(data) as made:
        before = shown(made)

    done = subprocess.run([sys.executable, "-c", DIE_AT, data, where], check=False, timeout=60)

    assert -signal.SIGKILL == done.returncode
    with open_engine(data, read_only=True) as reading:
        assert reading.keys.lost is None
    with town(data) as made:
        assert before == shown(made)
        assert not (data / "kek.next").exists()
    assert 19 == change_kek(data, None, ignore)
    with town(data) as made:
        assert before == shown(made)


@pytest.mark.parametrize("where", ["wrap", "wrapping", "scrub"])
def test_a_kill_leaves_one_of_two_named_files_in_force(
    data: Path, where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = (data / "kek").rename(tmp_path / "old.kek"), key_file(tmp_path / "new.kek")
    monkeypatch.setenv("REFNET_KEK_FILE", str(old))

    subprocess.run([sys.executable, "-c", DIE_AT, data, where, new], check=False, timeout=60)

    opened = []
    for file in (old, new):
        monkeypatch.setenv("REFNET_KEK_FILE", str(file))
        try:
            with town(data) as made:
                opened.append((file, len(shown(made))))
        except StoreDamaged:
            pass
    assert [(new if where == "scrub" else old, 20)] == opened


def test_a_named_key_goes_over_to_a_named_key(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = (data / "kek").rename(tmp_path / "old.kek"), key_file(tmp_path / "new.kek")
    monkeypatch.setenv("REFNET_KEK_FILE", str(old))
    for refused, what in ((None, "--to"), (old, "in force")):
        with pytest.raises(InvalidRequest, match=what):
            change_kek(data, refused, ignore)
    new.chmod(0o644)
    with pytest.raises(StoreSealed, match="chmod 600"):
        change_kek(data, new, ignore)
    new.chmod(0o600)

    assert 19 == change_kek(data, new, ignore)

    with pytest.raises(StoreDamaged, match="does not open"):
        open_engine(data)
    monkeypatch.setenv("REFNET_KEK_FILE", str(new))
    with town(data) as made:
        assert 20 == len(shown(made))


def test_nobody_changes_the_key_while_somebody_writes(data: Path) -> None:
    with town(data), pytest.raises(StoreSealed, match="is being written by process"):
        change_kek(data, None, ignore)
    assert not (data / "kek.next").exists()
