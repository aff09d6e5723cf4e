"""Tiles, roots and proofs against the recursive definitions of RFC 6962."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import plain_tree
from refnet.log.tree import leaf_data, leaf_hash
from refnet.tlog.note import Signer
from refnet.tlog.proofs import (
    BadProof,
    check_consistency,
    check_inclusion,
    prove_consistency,
    prove_inclusion,
    root_at,
)
from refnet.tlog.publish import Publisher
from refnet.tlog.signer import Signatory, found
from refnet.tlog.tiles import BadTile, Tree, folder, split_entries, tiles_between

COMMITMENTS = [sha256(b"%d" % at).digest() for at in range(66_000)]
LEAVES = [leaf_data(at, each) for at, each in enumerate(COMMITMENTS)]


def published(root: Path, sizes: Iterable[int]) -> Tree:
    """A log that grew by these steps."""
    found(root / "signer", Signer("example.com/refnet/test", b"\x01" * 32))
    signatory = Signatory(root / "signer", lambda _: None)
    made = Publisher(
        root / "tlog", signatory, lambda after, upto: COMMITMENTS[after:upto], lambda _: None
    )
    made.start(0)
    for size in sizes:
        made.publish(size)
    signatory.close()
    return Tree(folder(root / "tlog"), signatory.size)


def test_roots_are_those_of_the_definition_at_every_size_to_1024(tmp_path: Path) -> None:
    tree = published(tmp_path, [1024])

    for size in range(1025):
        assert root_at(tree, size) == plain_tree.head(LEAVES[:size])


@settings(max_examples=150)
@given(st.data())
def test_proofs_are_those_of_the_definition(tree: Tree, data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 700))
    index = data.draw(st.integers(0, size - 1))
    old = data.draw(st.integers(1, size))
    leaves = LEAVES[:size]
    root = plain_tree.head(leaves)

    path = prove_inclusion(tree, index, size)
    assert path == plain_tree.path(index, leaves)
    check_inclusion(leaf_hash(leaves[index]), index, size, path, root)

    proof = prove_consistency(tree, old, size)
    assert proof == plain_tree.proof(old, leaves)
    check_consistency(old, size, proof, plain_tree.head(leaves[:old]), root)
    with pytest.raises(BadProof):
        check_consistency(old, size, proof, root_at(tree, max(0, old - 1)), root)


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Tree:
    return published(tmp_path_factory.mktemp("log"), [700])


@settings(max_examples=200)
@given(st.data())
def test_a_changed_proof_proves_nothing(tree: Tree, data: st.DataObject) -> None:
    size = data.draw(st.integers(2, 700))
    index = data.draw(st.integers(0, size - 1))
    path = prove_inclusion(tree, index, size)
    root, leaf = root_at(tree, size), leaf_hash(LEAVES[index])
    at = data.draw(st.integers(0, len(path) - 1))
    flipped = bytes([path[at][0] ^ 1 << data.draw(st.integers(0, 7))]) + path[at][1:]
    changed = data.draw(
        st.sampled_from(
            [
                (leaf, index, size, [*path[:at], flipped, *path[at + 1 :]], root),
                (leaf, index, size, path[:at] + path[at + 1 :], root),
                (leaf, index, size, [*path, root], root),
                (leaf, index ^ 1, size, path, root),
                (leaf, index, size, path[::-1] if len(path) > 1 else [root], root),
                (leaf_hash(LEAVES[index] + b"x"), index, size, path, root),
                (leaf, index, size, path, leaf),
                (leaf, index, index, path, root),
                (leaf, -1, size, path, root),
            ]
        )
    )
    with pytest.raises(BadProof):
        check_inclusion(*changed)


@settings(max_examples=15)
@given(st.lists(st.integers(1, 900), max_size=6).map(lambda steps: sorted({*steps, 900})))
def test_a_log_that_grew_in_steps_is_the_log_that_came_at_once(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int]
) -> None:
    steps, once = (tmp_path_factory.mktemp("log") for _ in range(2))
    grown, whole = published(steps, sizes), published(once, [900])

    assert root_at(grown, 900) == root_at(whole, 900)
    for tile in tiles_between(0, 900):
        both = {(room / "tlog" / tile.path()).read_bytes() for room in (steps, once)}
        assert len(both) == 1
    assert (steps / "tlog" / "checkpoint").read_bytes() == (
        once / "tlog" / "checkpoint"
    ).read_bytes()


def test_a_large_log_is_cut_into_the_tiles_of_the_layout(tmp_path: Path) -> None:
    tree = published(tmp_path, [255, 256, 257, 65_535, 65_536, 65_537])
    read = folder(tmp_path / "tlog")

    wanted = {
        path
        for tile in tiles_between(0, 65_537)
        for path in (tile.path(), *([tile.entries()] if tile.level == 0 else []))
    }
    files = {
        str(path.relative_to(tmp_path / "tlog"))
        for path in (tmp_path / "tlog" / "tile").rglob("*")
        if path.is_file()
    }
    assert wanted <= files
    # Beyond those, only partial tiles of published sizes whose full tile is not there yet.
    assert all(".p/" in each for each in files - wanted)
    first = read("tile/entries/000")
    assert first is not None
    assert split_entries(first) == LEAVES[:256]
    assert root_at(tree, 65_537) == plain_tree.head(LEAVES[:65_537])
    with pytest.raises(BadTile, match="no subtree"):
        tree(0, 65_537)


def test_a_tile_that_is_missing_or_cut_short_is_named(tmp_path: Path) -> None:
    published(tmp_path, [600])
    (tmp_path / "tlog" / "tile" / "0" / "001").write_bytes(b"\0" * 8191)
    tree = Tree(folder(tmp_path / "tlog"), 600)

    assert prove_inclusion(tree, 3, 200)
    with pytest.raises(BadTile, match=r"tile/0/001 has 8191 bytes"):
        prove_inclusion(tree, 300, 600)
    (tmp_path / "tlog" / "tile" / "0" / "001").unlink()
    with pytest.raises(BadTile, match=r"tile/0/001 is missing"):
        prove_inclusion(Tree(folder(tmp_path / "tlog"), 600), 300, 600)
