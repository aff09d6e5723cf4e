"""What was published of the tree, byte for byte: every tile of the newest checkpoint."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from refnet.audit.finding import Differs, Skipped, Step
from refnet.log.reader import Row
from refnet.log.tree import DIGEST_SIZE
from refnet.tlog.tiles import (
    HEIGHT,
    WIDTH,
    BadTile,
    Tile,
    entry,
    leaf_hashes,
    split_entries,
    tile_hash,
)

NO_COMMITMENT = bytes(DIGEST_SIZE)
"""Stands for what is in the column and can be no commitment; no tile holds it."""

_ENTRY_SIZE = len(entry(0, NO_COMMITMENT))
_WAY_OUT = "publish it again from the log once the rows are proved, or restore what was published"


def committed(row: Row) -> bytes:
    """The commitment in a row, which may be of any type."""
    found: object = row[6]
    return found if isinstance(found, bytes) and len(found) == DIGEST_SIZE else NO_COMMITMENT


class Tiles(Step):
    """Entry tiles and level tiles, complete and partial, against the commitments of the rows.

    Only the hashes on the edge of the tree are held: a tile of each level.
    """

    name = "tiles"

    def __init__(self, root: Path, size: int) -> None:
        """root: the folder that is published. size: how many facts the newest checkpoint covers."""
        self._root = root
        self._size = size
        self._seen = 0
        self._waiting: list[bytes] = []  # commitments
        self._levels: list[bytearray] = []  # hashes of level 1 and higher

    def begin(self) -> None:
        """See `Step.begin`."""
        if not self._size:
            raise Skipped("no checkpoint that can be trusted covers any fact")

    def take(self, rows: Sequence[Row]) -> int:
        """See `Step.take`."""
        wanted = rows[: self._size - self._seen]
        self._seen += len(wanted)
        self._waiting += map(committed, wanted)
        first = (self._seen - len(self._waiting)) // WIDTH
        whole = len(self._waiting) // WIDTH
        for at in range(whole):
            self._check(0, first + at, self._waiting[at * WIDTH : (at + 1) * WIDTH])
        del self._waiting[: whole * WIDTH]
        return len(wanted)

    def finish(self) -> None:
        """See `Step.finish`."""
        if self._seen < self._size:
            self._check_rest()
            return
        if self._waiting:
            self._check(0, self._seen // WIDTH, self._waiting)
        for level, hashes in enumerate(self._levels, 1):
            if hashes:
                number = (self._size >> HEIGHT * level) // WIDTH
                tile = Tile(level, number, len(hashes) // DIGEST_SIZE)
                self._compare(tile, tile.path(), bytes(hashes), DIGEST_SIZE)

    def _check_rest(self) -> None:
        """Whether the last rows of a log that is shorter than what was published are the same.

        That it is too short is found elsewhere.
        """
        number, place = divmod(self._seen, WIDTH)
        tile = Tile(0, number, min(WIDTH, self._size - number * WIDTH))
        expected = _bundle(number * WIDTH, self._waiting)
        found = self._read(tile.entries())
        if place and found is not None and found[: len(expected)] != expected:
            raise _differs(tile, tile.entries(), found[: len(expected)], expected, _ENTRY_SIZE)

    def _check(self, level: int, number: int, commitments: Sequence[bytes]) -> None:
        first = number * WIDTH
        tile = Tile(level, number, len(commitments))
        self._compare(tile, tile.entries(), _bundle(first, commitments), _ENTRY_SIZE)
        hashes = leaf_hashes(first, list(commitments))
        self._compare(tile, tile.path(), hashes, DIGEST_SIZE)
        if tile.width == WIDTH:
            self._push(1, number, tile_hash(hashes))

    def _push(self, level: int, number: int, node: bytes) -> None:
        """Add the hash of a complete subtree, the one of that number, to a level."""
        if len(self._levels) < level:
            self._levels.append(bytearray())
        hashes = self._levels[level - 1]
        hashes += node
        if len(hashes) == WIDTH * DIGEST_SIZE:
            tile = Tile(level, number // WIDTH, WIDTH)
            self._compare(tile, tile.path(), bytes(hashes), DIGEST_SIZE)
            self._push(level + 1, tile.number, tile_hash(bytes(hashes)))
            hashes.clear()

    def _compare(self, tile: Tile, path: str, expected: bytes, step: int) -> None:
        found = self._read(path)
        if tile.width < WIDTH:
            if found is None:
                # Whoever published more meanwhile may have put the full tile in its place.
                full = self._read(path.partition(".p/")[0])
                found = None if full is None else full[: len(expected)]
            self._compare_older(tile, path, expected, step)
        if found is None:
            at = tile.number * WIDTH << HEIGHT * tile.level
            raise Differs(
                "tile",
                f"the published {path} is missing (from leaf index {at} on); {_WAY_OUT}",
                index=at,
                facts={"tile": path, "offset": 0},
            )
        if found != expected:
            raise _differs(tile, path, found, expected, step)

    def _compare_older(self, tile: Tile, path: str, expected: bytes, step: int) -> None:
        """Partial tiles of smaller trees, which stay until the tile is full."""
        stem = path.partition(".p/")[0]
        for width in range(1, tile.width):
            older = f"{stem}.p/{width}"
            found = self._read(older)
            if found is not None and found != expected[: width * step]:
                cut = Tile(tile.level, tile.number, width)
                raise _differs(cut, older, found, expected[: width * step], step)

    def _read(self, path: str) -> bytes | None:
        try:
            return (self._root / path).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise Differs(
                "tile",
                f"the published {path} cannot be read: {error.strerror}; {_WAY_OUT}",
                facts={"tile": path},
            ) from error


def _bundle(first: int, commitments: Sequence[bytes]) -> bytes:
    return b"".join([entry(at, each) for at, each in enumerate(commitments, first)])


def _differs(tile: Tile, path: str, found: bytes, expected: bytes, step: int) -> Differs:
    pairs = zip(found, expected, strict=False)
    shorter = min(len(found), len(expected))
    offset = next((at for at, (one, other) in enumerate(pairs) if one != other), shorter)
    place = min(offset // step, tile.width - 1)
    index = tile.number * WIDTH + place << HEIGHT * tile.level
    last = index + (1 << HEIGHT * tile.level) - 1
    leaves = f"leaf index {index}" if index == last else f"leaf indexes {index} to {last}"
    long = "" if len(found) == len(expected) else f" ({len(found)} bytes, not {len(expected)})"
    return Differs(
        "tile",
        f"the published {path} differs from the log at byte {offset}{long}, {leaves}; {_WAY_OUT}",
        index=index,
        facts={"tile": path, "offset": offset},
    )


def published_entry(root: Path, size: int, index: int) -> bytes:
    """The commitment that was published at a leaf index; empty if none can be had."""
    if not 0 <= index < size:
        return b""
    number, place = divmod(index, WIDTH)
    for width in (min(WIDTH, size - number * WIDTH), WIDTH):
        try:
            bundle = (root / Tile(0, number, width).entries()).read_bytes()
            leaf = split_entries(bundle)[place]
        except (OSError, BadTile, IndexError):
            continue
        return leaf[-DIGEST_SIZE:]
    return b""
