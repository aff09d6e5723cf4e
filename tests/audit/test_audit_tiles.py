"""Tiles of every level, also those that only large trees have."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import closing
from hashlib import sha256
from pathlib import Path

import pytest

from audit.stores import quiet
from refnet.audit.finding import Differs
from refnet.audit.tiles import Tiles
from refnet.log.reader import Row
from refnet.tlog.note import Signer
from refnet.tlog.publish import Publisher
from refnet.tlog.signer import Signatory, found

SIZE = 66_000
COMMITMENTS = [sha256(b"%d" % at).digest() for at in range(SIZE)]
ROWS: list[Row] = [(at, "", 1, "", b"", b"", each) for at, each in enumerate(COMMITMENTS, 1)]


def between(after: int, upto: int) -> Sequence[bytes]:
    return COMMITMENTS[after:upto]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is published of a tree of three levels, that had some smaller sizes before."""
    place = tmp_path_factory.mktemp("published")
    found(place / "signer", Signer("example.com/refnet/x", os.urandom(32)))
    with closing(Signatory(place / "signer", quiet)) as signatory:
        publisher = Publisher(place / "tlog", signatory, between, quiet)
        for size in (65_900, 65_950, SIZE):
            publisher.publish(size)
    return place / "tlog"


def verify(root: Path) -> None:
    tiles = Tiles(root, SIZE)
    tiles.begin()
    for at in range(0, SIZE, 512):
        tiles.take(ROWS[at : at + 512])
    tiles.finish()


def test_a_tree_of_three_levels_is_fine(root: Path) -> None:
    verify(root)


@pytest.mark.parametrize(
    ("path", "offset", "index"),
    [
        ("tile/entries/000", 43 * 7 + 20, 7),
        ("tile/0/200", 32 * 5, 200 * 256 + 5),
        ("tile/0/257.p/208", 32 * 5, 257 * 256 + 5),
        ("tile/entries/257.p/108", 43 * 5, 257 * 256 + 5),
        ("tile/0/257.p/158", 32 * 5 + 31, 257 * 256 + 5),
        ("tile/1/000", 32 * 100, 100 * 256),
        ("tile/1/001.p/1", 3, 65_536),
        ("tile/2/000.p/1", 31, 0),
    ],
)
def test_a_byte_of_any_tile_is_found(root: Path, path: str, offset: int, index: int) -> None:
    content = (root / path).read_bytes()
    spoilt = bytearray(content)
    spoilt[offset] ^= 1
    (root / path).write_bytes(spoilt)
    try:
        with pytest.raises(Differs) as caught:
            verify(root)
    finally:
        (root / path).write_bytes(content)

    finding = caught.value.finding
    assert ({"tile": path, "offset": offset}, index) == (finding.facts, finding.index)


def test_a_full_tile_serves_in_place_of_a_partial_one(root: Path) -> None:
    """As a publisher leaves it that has gone on since the checkpoint was read."""
    partial, full = root / "tile/0/257.p", root / "tile/0/257"
    content = (partial / "208").read_bytes()
    partial.rename(root / "away")
    full.write_bytes(content + bytes(32 * 48))
    try:
        verify(root)
    finally:
        full.unlink()
        (root / "away").rename(partial)
