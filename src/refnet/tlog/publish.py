"""Publishing the tree: tiles first, the checkpoint last, so that what is signed can be looked up.

DIRECTORY is plain files, to be handed out by any web server:

    checkpoint              the newest
    checkpoints             all that were ever published, one after the other
    tile/L/N, tile/entries/N  the tree and its leaves
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path

from refnet.errors import LogForked, StoreDamaged
from refnet.log.tree import DIGEST_SIZE, Frontier
from refnet.tlog import history
from refnet.tlog.checkpoint import Checkpoint, parse_checkpoint
from refnet.tlog.files import write_files
from refnet.tlog.note import BadNote, Note, parse_note
from refnet.tlog.proofs import Node
from refnet.tlog.signer import Reach, Signatory, behind
from refnet.tlog.tiles import (
    HEIGHT,
    WIDTH,
    BadTile,
    Tile,
    Tree,
    entry,
    folder,
    leaf_hashes,
    tile_hash,
)

CHECKPOINT = "checkpoint"
HISTORY = "checkpoints"
CHUNK = WIDTH * WIDTH
"""Leaves whose tiles are written together, at most."""

Commitments = Callable[[int, int], Sequence[bytes]]
"""(after, upto) -> the commitments of the facts at positions after + 1 .. upto."""


Vouch = Callable[[Note, Node, int], Note | None]
"""(signed checkpoint, its tree, its size) -> the checkpoint to show, or None not to show it yet."""


class Publisher:
    """Brings what is published up to the log, whenever `publish` is called. For one thread."""

    def __init__(
        self,
        root: Path,
        signatory: Signatory,
        commitments: Commitments,
        reach: Reach,
        vouch: Vouch = lambda note, _, __: note,
        enough: Callable[[Note], bool] = lambda _: True,
    ) -> None:
        """root: the folder that is published; made if missing. vouch: adds others' signatures.

        enough: whether a checkpoint that is shown already has all it needs.
        """
        self._root = root
        self._signatory = signatory
        self._commitments = commitments
        self._reach = reach
        self._vouch = vouch
        self._enough = enough
        self._note: Note | None = None  # what is shown
        self._written = signatory.size
        self._read = folder(root)
        self.shown = 0
        """How many facts the checkpoint that is published covers, once `start` was called."""
        self.pending = False
        """Whether a checkpoint is signed that others have yet to vouch for."""

    def start(self, head: int) -> None:
        """Compare what was signed and published with the log, which ends at `head`.

        Raises LogBehind or LogForked if the log is not the one that was signed, StoreDamaged if
        more was published than the signer remembers.
        """
        signed = self._signatory.size
        if head < signed:
            raise behind(self._signatory.directory, signed, head)
        if signed:
            self._check_tail(signed)
        published = self._read(CHECKPOINT)
        if published is None:
            return
        found, note = read_checkpoint(self._root, published)
        self.shown = found.size
        if self.shown > signed or not self._signatory.last:
            raise StoreDamaged(
                f"{self._root} holds a checkpoint of {self.shown} facts, but the signer remembers "
                f"{signed}; restore the signer's directory {self._signatory.directory}, or publish "
                "a new log elsewhere"
            )
        history.append(self._root / HISTORY, str(note))  # which a crash may have cut off
        self._note = note

    def publish(self, head: int) -> Note | None:
        """Sign and publish the log as far as `head`.

        None if that was done before, or others have yet to vouch for it. Raises LogBehind,
        LogForked, StorageFull, StoreDamaged.
        """
        signatory = self._signatory
        if head == self.shown and self._note is not None and self._is_complete(self._note):
            return None
        self.write_tiles(head)
        tree = Tree(self._read, head)
        note = parse_note(signatory.last) if signatory.last else None
        # What was signed, and not shown, is shown now; unless a key has come or gone since.
        if note is None or head != signatory.size or not self._is_ours(note):
            note = signatory.sign(tree, head)
        vouched = self._vouch(note, tree, head)
        self.pending = vouched is None
        if vouched is not None:
            self._show(str(vouched))
            self.shown, self._note = head, vouched
        return vouched

    def _is_complete(self, note: Note) -> bool:
        """Whether all keys have signed it, and others as many as are needed."""
        return self._is_ours(note) and self._enough(note)

    def _is_ours(self, note: Note) -> bool:
        try:
            return all(each.has_signed(note) for each in self._signatory.verifiers)
        except BadNote:
            return False

    def write_tiles(self, head: int) -> None:
        """Write the tiles of facts as far as `head`; nothing is signed."""
        if head == self._written:
            return
        self._reach("before-tiles")
        for after, upto in _steps(self._written, head):
            self._grow(after, self._commitments(after, upto))
            self._written = upto
        self._reach("after-tiles")

    def _grow(self, old: int, commitments: Sequence[bytes]) -> None:
        """Write the tiles that appear when these leaves follow the first `old` ones."""
        given = list(commitments)
        files: dict[str, bytes] = {}
        before = old % WIDTH
        bundle = b"".join([entry(at, each) for at, each in enumerate(given, old)])
        size = len(entry(0, bytes(DIGEST_SIZE)))
        kept = self._kept(Tile(0, old // WIDTH, before), Tile.entries, size)
        for tile, content in _cut(0, old, kept + bundle, size):
            files[tile.entries()] = content
        hashes, level = leaf_hashes(old, given), 0
        full: list[Tile] = []
        while hashes:
            count = old >> (HEIGHT * level)
            edge = Tile(level, count // WIDTH, count % WIDTH)
            kept = self._kept(edge, Tile.path, DIGEST_SIZE)
            above = []
            for tile, content in _cut(level, count, kept + hashes, DIGEST_SIZE):
                files[tile.path()] = content
                if tile.width == WIDTH:
                    above.append(tile_hash(content))
                    full.append(tile)
            hashes, level = b"".join(above), level + 1
        self._reach("before-tile-files")
        write_files(self._root, files, written=lambda: self._reach("tile-files-written"))
        self._reach("after-tile-files")
        self._forget(full)

    def _kept(self, edge: Tile, path: Callable[[Tile], str], size: int) -> bytes:
        """What the last tile of a level holds already; it may have been filled before a crash."""
        if edge.width == 0:
            return b""
        for tile in (edge, edge._replace(width=WIDTH)):
            found = self._read(path(tile))
            if found is not None and len(found) == tile.width * size:
                return found[: edge.width * size]
        raise StoreDamaged(
            f"the published {path(edge)} is missing from {self._root}, or has another length; "
            "restore it: what is published must stay",
            path=path(edge),
        )

    def _forget(self, full: Sequence[Tile]) -> None:
        """Partial tiles serve nobody once the full one is there."""
        for tile in full:
            paths = [tile.path()] + ([tile.entries()] if tile.level == 0 else [])
            for path in paths:
                shutil.rmtree(self._root / f"{path}.p", ignore_errors=True)

    def _show(self, note: str) -> None:
        self._reach("before-checkpoint")
        write_files(
            self._root,
            {CHECKPOINT: note.encode()},
            written=lambda: self._reach("checkpoint-written"),
        )
        self._reach("after-checkpoint")
        history.append(self._root / HISTORY, note)
        self._reach("after-history")

    def _check_tail(self, signed: int) -> None:
        """The last facts that were signed are those of the log: what a restored backup changes.

        That all of them are is what `refnet audit verify` finds out.
        """
        after = max(0, signed - 1) // WIDTH * WIDTH
        mine = leaf_hashes(after, list(self._commitments(after, signed)))
        try:
            published = Tree(self._read, signed).hashes(0, after // WIDTH)
        except BadTile as error:
            self._check_root(signed)
            raise StoreDamaged(f"in {self._root}, {error}; restore what was published") from error
        if mine != published:
            at = next(
                index
                for index in range(signed - after)
                if mine[index * DIGEST_SIZE :][:DIGEST_SIZE]
                != published[index * DIGEST_SIZE :][:DIGEST_SIZE]
            )
            raise LogForked(
                f"the fact at position {after + at + 1} is not the one that was signed and "
                "published; restore the database that holds it",
                position=after + at + 1,
            )

    def _check_root(self, signed: int) -> None:
        """If tiles were lost with the rest of a directory, the log may be another one too."""
        grown = Frontier()
        for after, upto in _steps(0, signed):
            grown.extend(self._commitments(after, upto))
        if grown.root() != self._signatory.root:
            raise LogForked(
                f"the log does not hold the {signed} facts that were signed and published; restore "
                "the database that does, and what was published",
                size=signed,
            )


def read_checkpoint(root: Path, raw: bytes) -> tuple[Checkpoint, Note]:
    """The checkpoint that is shown in a folder, and its note. Raises StoreDamaged."""
    try:
        note = parse_note(raw)
        return parse_checkpoint(note.text), note
    except BadNote as error:
        raise StoreDamaged(f"the checkpoint in {root} is none: {error}; restore it") from error


def _steps(old: int, new: int) -> Iterator[tuple[int, int]]:
    """From old to new, stopping where the fewest partial tiles come of it."""
    yield from pairwise([old, *range(old // CHUNK * CHUNK + CHUNK, new, CHUNK), new])


def _cut(level: int, count: int, content: bytes, size: int) -> Iterator[tuple[Tile, bytes]]:
    """Tiles from a level's content, which begins with the tile that number `count` falls in."""
    step = WIDTH * size
    for number, at in enumerate(range(0, len(content), step), count // WIDTH):
        part = content[at : at + step]
        yield Tile(level, number, len(part) // size), part
