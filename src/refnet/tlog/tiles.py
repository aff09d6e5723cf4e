"""The tree cut into files of 256 hashes (c2sp.org/tlog-tiles): where they lie, and reading them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from refnet.log.tree import DIGEST_SIZE, LEAF_SIZE, leaf_data, leaf_hash

HEIGHT = 8
WIDTH = 1 << HEIGHT
CACHED_TILES = 512
"""Four megabytes: the tiles of every level on the way to a leaf, many times over."""

_ENTRY_HEAD = LEAF_SIZE.to_bytes(2)


class BadTile(ValueError):
    """A tile that is missing or is not as long as it must be."""


class Tile(NamedTuple):
    """Hashes number * 256 .. number * 256 + width - 1 of a level; level 0 are the leaves."""

    level: int
    number: int
    width: int

    def path(self) -> str:
        """Where it lies, below the folder that is published."""
        return f"tile/{self.level}/{_numbered(self.number)}{self._suffix()}"

    def entries(self) -> str:
        """Where the leaves lie that a tile of level 0 holds the hashes of."""
        return f"tile/entries/{_numbered(self.number)}{self._suffix()}"

    def _suffix(self) -> str:
        return "" if self.width == WIDTH else f".p/{self.width}"


def _numbered(index: int) -> str:
    """000, x001/x234/067: so that no folder has over a thousand names."""
    parts = [f"{index % 1000:03d}"]
    while index := index // 1000:
        parts.append(f"x{index % 1000:03d}")
    return "/".join(reversed(parts))


def tiles_between(old: int, new: int) -> Iterator[Tile]:
    """The tiles a tree of `new` leaves has and one of `old` does not, lower levels first."""
    level = 0
    while new >> (HEIGHT * level):
        before, after = old >> (HEIGHT * level), new >> (HEIGHT * level)
        for index in range(before >> HEIGHT, after >> HEIGHT):
            yield Tile(level, index, WIDTH)
        if after % WIDTH and after != before:
            yield Tile(level, after >> HEIGHT, after % WIDTH)
        level += 1


def tile_hash(hashes: bytes) -> bytes:
    """The root of a complete subtree from its 2^n hashes, one after the other."""
    while len(hashes) > DIGEST_SIZE:
        hashes = _upward(hashes)
    return hashes


def _upward(hashes: bytes) -> bytes:
    step = 2 * DIGEST_SIZE
    pairs = (hashes[at : at + step] for at in range(0, len(hashes), step))
    return b"".join([sha256(b"\x01" + pair).digest() for pair in pairs])


def entry(index: int, commitment: bytes) -> bytes:
    """A leaf as it lies among the entries: its length, then its bytes."""
    return _ENTRY_HEAD + leaf_data(index, commitment)


def split_entries(bundle: bytes) -> list[bytes]:
    """The leaves of a bundle. Raises BadTile if these are not such as refnet makes."""
    step = len(_ENTRY_HEAD) + LEAF_SIZE
    if len(bundle) % step or any(
        bundle[at : at + 2] != _ENTRY_HEAD for at in range(0, len(bundle), step)
    ):
        raise BadTile("a bundle of entries is not made of leaves of 41 bytes")
    return [bundle[at + 2 : at + step] for at in range(0, len(bundle), step)]


def leaf_hashes(first: int, commitments: list[bytes]) -> bytes:
    """The hashes of leaves from an index on, one after the other."""
    return b"".join([leaf_hash(leaf_data(at, each)) for at, each in enumerate(commitments, first)])


class Tree:
    """A tree of a size as tiles hold it: a `refnet.tlog.proofs.Node`. Not for concurrent use.

    A tile wider than needed serves too: partial tiles may be gone once the full one is there.
    """

    def __init__(self, read: Callable[[str], bytes | None], size: int) -> None:
        """read: the file at a path, or None; see `folder`."""
        self._read = read
        self.size = size
        self._kept: OrderedDict[tuple[int, int], bytes] = OrderedDict()

    def __call__(self, height: int, index: int) -> bytes:
        """The root of a complete subtree. Raises BadTile, also where the tree has none."""
        if height < 0 or not 0 <= index < self.size >> height:
            raise BadTile(f"a tree of {self.size} leaves has no subtree {index} of height {height}")
        level, rest = divmod(height, HEIGHT)
        first = index << rest
        hashes = self.hashes(level, first >> HEIGHT)
        at = (first % WIDTH) * DIGEST_SIZE
        return tile_hash(hashes[at : at + (DIGEST_SIZE << rest)])

    def hashes(self, level: int, index: int) -> bytes:
        """The hashes of a tile as far as this tree fills it. Raises BadTile."""
        kept = self._kept.get((level, index))
        if kept is None:
            kept = self._load(level, index)
            self._kept[level, index] = kept
            if len(self._kept) > CACHED_TILES:
                self._kept.popitem(last=False)
        else:
            self._kept.move_to_end((level, index))
        return kept

    def _load(self, level: int, index: int) -> bytes:
        width = min(WIDTH, (self.size >> (HEIGHT * level)) - index * WIDTH)
        for tile in (Tile(level, index, width), Tile(level, index, WIDTH)):
            found = self._read(tile.path())
            if found is not None:
                break
        else:
            raise BadTile(f"{Tile(level, index, width).path()} is missing")
        if len(found) != tile.width * DIGEST_SIZE:
            raise BadTile(f"{tile.path()} has {len(found)} bytes, not {tile.width * DIGEST_SIZE}")
        return found[: width * DIGEST_SIZE]


def folder(root: Path) -> Callable[[str], bytes | None]:
    """Reads files below a folder; None for one that is not there."""

    def read(path: str) -> bytes | None:
        try:
            return (root / path).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None

    return read
