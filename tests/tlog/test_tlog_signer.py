"""The signer: what it remembers, and what it will not sign."""

from __future__ import annotations

import os
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

from refnet.errors import LogBehind, LogForked, NotFound, StoreDamaged, StoreSealed
from refnet.tlog import history
from refnet.tlog.checkpoint import open_checkpoint
from refnet.tlog.note import BadNote, Signer, parse_note, parse_skey, parse_vkey
from refnet.tlog.publish import Publisher
from refnet.tlog.signer import Signatory, add_key, found, read_keys, retire_key

NAME = "example.com/refnet/test"
KEY = Signer(NAME, b"\x07" * 32)
FACTS = [sha256(b"%d" % at).digest() for at in range(2000)]

Open = Callable[..., Publisher]


@pytest.fixture
def publisher(tmp_path: Path) -> Open:
    """Opens the publisher of a log whose commitments are given; the one before is closed."""
    found(tmp_path / "signer", KEY)
    opened: list[Signatory] = []

    def open_it(facts: list[bytes], *, start: bool = True) -> Publisher:
        while opened:
            opened.pop().close()
        opened.append(Signatory(tmp_path / "signer", lambda _: None))
        made = Publisher(
            tmp_path / "tlog", opened[0], lambda after, upto: facts[after:upto], lambda _: None
        )
        if start:
            made.start(len(facts))
        return made

    return open_it


def shown(tmp_path: Path) -> int:
    return open_checkpoint((tmp_path / "tlog" / "checkpoint").read_bytes(), KEY.verifier)[0].size


def test_a_database_that_lost_what_was_signed_is_refused(publisher: Open, tmp_path: Path) -> None:
    publisher(FACTS[:1000]).publish(1000)

    with pytest.raises(LogBehind, match=r"ends at position 999, but position 1000 was signed"):
        publisher(FACTS[:999])
    assert shown(tmp_path) == 1000


@pytest.mark.parametrize("size", [1, 255, 256, 257, 1000])
def test_a_database_restored_and_written_on_is_refused(publisher: Open, size: int) -> None:
    """It is as long as before, or longer, but its last facts are others."""
    publisher(FACTS[:size]).publish(size)
    other = [*FACTS[: size - 1], sha256(b"other").digest(), *FACTS[size : size + 9]]

    with pytest.raises(LogForked, match=f"position {size} is not the one that was signed"):
        publisher(other)


def test_a_tree_that_does_not_continue_is_not_signed(publisher: Open, tmp_path: Path) -> None:
    """Even if nobody looked at the end of the log when the server started."""
    publisher(FACTS[:300]).publish(300)
    forged = publisher(FACTS, start=False)
    tile = tmp_path / "tlog" / "tile" / "0" / "001.p" / "44"
    content = bytearray(tile.read_bytes())
    content[0] ^= 1
    tile.write_bytes(content)

    with pytest.raises(LogForked, match="does not continue the tree of 300 facts"):
        forged.publish(400)
    assert shown(tmp_path) == 300


def test_another_log_is_a_fork_also_where_the_tiles_were_lost(
    publisher: Open, tmp_path: Path
) -> None:
    """As when a whole directory was restored from a backup, and the signer lies elsewhere."""
    publisher(FACTS[:49]).publish(49)
    (tmp_path / "tlog" / "tile" / "0" / "000.p" / "49").unlink()
    other = [*FACTS[:48], sha256(b"other").digest(), sha256(b"another").digest()]

    with pytest.raises(LogForked, match="does not hold the 49 facts"):
        publisher(other)
    with pytest.raises(StoreDamaged, match="is missing; restore what was published"):
        publisher(FACTS[:50])


def test_less_than_was_signed_is_never_signed(publisher: Open, tmp_path: Path) -> None:
    made = publisher(FACTS)
    made.publish(700)
    with pytest.raises(LogBehind):
        made._signatory.sign(lambda _, __: bytes(32), 699)
    assert made.publish(700) is None
    assert shown(tmp_path) == 700


def test_published_before_and_no_memory_of_it_is_refused(publisher: Open, tmp_path: Path) -> None:
    publisher(FACTS).publish(700)
    (tmp_path / "signer" / "state").unlink()

    with pytest.raises(StoreDamaged, match="of 700 facts, but the signer remembers 0"):
        publisher(FACTS)


def test_a_missing_tile_is_named_and_nothing_is_signed(publisher: Open, tmp_path: Path) -> None:
    made = publisher(FACTS)
    made.publish(300)
    (tmp_path / "tlog" / "tile" / "0" / "001.p" / "44").unlink()

    with pytest.raises(StoreDamaged, match=r"tile/0/001\.p/44 is missing"):
        made.publish(400)
    assert shown(tmp_path) == 300


def test_two_processes_do_not_sign_for_one_log(publisher: Open, tmp_path: Path) -> None:
    publisher(FACTS)
    with pytest.raises(StoreSealed, match="another process signs"):
        Signatory(tmp_path / "signer", lambda _: None)


def test_a_new_key_signs_beside_the_old_one_until_that_is_retired(
    publisher: Open, tmp_path: Path
) -> None:
    place, newer = tmp_path / "signer", Signer(NAME, b"\x08" * 32)
    publisher(FACTS).publish(10)
    add_key(place, newer)
    assert [each.verifier for each in read_keys(place)] == [KEY.verifier, newer.verifier]
    both = publisher(FACTS).publish(20)
    assert both is not None
    assert KEY.verifier.has_signed(both)
    assert newer.verifier.has_signed(both)

    retire_key(place, KEY.verifier.key_id.hex())
    kept = (place / f"{KEY.verifier.key_id.hex()}.vkey").read_text()
    assert kept == f"{KEY.verifier.vkey}\n"
    alone = publisher(FACTS).publish(30)
    assert alone is not None
    assert not KEY.verifier.has_signed(alone)
    assert newer.verifier.has_signed(alone)
    with pytest.raises(StoreSealed, match="only key"):
        retire_key(place, newer.verifier.key_id.hex())
    with pytest.raises(NotFound):
        retire_key(place, "00000000")
    with pytest.raises(StoreSealed, match=r"are of example\.com"):
        add_key(place, Signer("example.org/refnet/other", b"\x09" * 32))


def test_a_key_that_came_signs_what_was_signed_before(publisher: Open, tmp_path: Path) -> None:
    newer = Signer(NAME, b"\x08" * 32)
    made = publisher(FACTS[:10])
    made.publish(10)
    assert made.publish(10) is None
    add_key(tmp_path / "signer", newer)
    again = publisher(FACTS[:10]).publish(10)

    assert again is not None
    assert newer.verifier.has_signed(again)
    assert KEY.verifier.has_signed(again)
    assert [again] == list(history.read(tmp_path / "tlog" / "checkpoints"))[1:]
    assert publisher(FACTS[:10]).publish(10) is None


def test_key_files_are_the_owners_alone_and_hold_a_key(tmp_path: Path) -> None:
    place = tmp_path / "signer"
    found(place, KEY)
    (path,) = place.glob("*.skey")
    assert path.stat().st_mode & 0o777 == 0o600
    assert place.stat().st_mode & 0o777 == 0o700
    assert parse_skey(path.read_text().strip()).verifier == KEY.verifier
    assert "***" in repr(KEY)
    with pytest.raises(StoreSealed, match="holds a signer already"):
        found(place, KEY)

    for mode in (0o640, 0o604, 0o620):
        path.chmod(mode)
        with pytest.raises(StoreSealed, match="chmod 600"):
            read_keys(place)
    path.chmod(0o600)
    secret = path.read_text()
    for wrong in ("", "x", secret.replace("PRIVATE", "PUBLIC"), secret[:-3], secret[:40] + "A"):
        path.write_text(wrong)
        with pytest.raises(StoreSealed) as refusal:
            read_keys(place)
        assert wrong[60:] == "" or wrong[60:] not in str(refusal.value)
    with pytest.raises(NotFound, match="refnet audit init"):
        read_keys(tmp_path / "elsewhere")


def test_a_state_that_is_no_checkpoint_is_refused(publisher: Open, tmp_path: Path) -> None:
    publisher(FACTS).publish(10)
    (tmp_path / "signer" / "state").write_bytes(os.urandom(40))
    with pytest.raises(StoreSealed, match="state"):
        publisher(FACTS)


def test_every_checkpoint_that_was_published_is_kept(publisher: Open, tmp_path: Path) -> None:
    made = publisher(FACTS)
    sizes = [1, 7, 256, 300, 1999]
    notes = [made.publish(size) for size in sizes]
    publisher(FACTS)

    kept = list(history.read(tmp_path / "tlog" / "checkpoints"))
    assert kept == notes
    assert [open_checkpoint(str(each), KEY.verifier)[0].size for each in kept] == sizes


@pytest.mark.parametrize("cut", [1, 2, 3, 40, 100, 170])
def test_a_checkpoint_whose_writing_was_cut_off_is_written_again(
    publisher: Open, tmp_path: Path, cut: int
) -> None:
    made = publisher(FACTS)
    made.publish(5)
    whole = made.publish(9)
    path = tmp_path / "tlog" / "checkpoints"
    path.write_bytes(path.read_bytes()[:-cut])

    publisher(FACTS)

    assert list(history.read(path))[-1] == whole
    assert len(list(history.read(path))) == 2


def test_notes_are_read_by_the_letter() -> None:
    note = parse_note(f"a text\n\n{KEY.sign('a text' + chr(10)).line()}")
    assert KEY.verifier.has_signed(note)
    assert parse_note(str(note)) == note
    other = Signer(NAME, b"\x08" * 32)
    assert not other.verifier.has_signed(note)
    forged = str(note).replace("a text", "a test")
    with pytest.raises(BadNote, match="is wrong"):
        KEY.verifier.has_signed(parse_note(forged))
    assert parse_vkey(KEY.verifier.vkey) == KEY.verifier
    for bad in ("", "x", KEY.verifier.vkey[:-1], KEY.verifier.vkey.replace("test+", "tess+")):
        with pytest.raises(BadNote):
            parse_vkey(bad)


def test_a_witness_signs_with_a_time() -> None:
    witness = Signer("witness.example/w1", b"\x05" * 32, kind=4)
    text = "example.com/refnet/test\n1\nRcCI1Nk56ZcSmIEfIn0SleqtV7uvrlXNccFx595Iwl0=\n"
    note = parse_note(f"{text}\n{witness.sign(text, time=1_700_000_000).line()}")

    assert witness.verifier.has_signed(note)
    assert parse_vkey(witness.verifier.vkey) == witness.verifier
    (line,) = note.signatures
    assert int.from_bytes(line.signature[:8]) == 1_700_000_000
