"""The Merkle tree against published vectors and a definition written down word for word."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from log.rig import OpenNote, Rig
from refnet.errors import StoreDamaged
from refnet.log._stored import parameters
from refnet.log.reader import check_commitments
from refnet.log.tree import (
    EMPTY_ROOT,
    Frontier,
    commitment,
    leaf_data,
    leaf_hash,
    node_hash,
)


def mth(leaves: list[bytes]) -> bytes:
    """RFC 6962 section 2.1, as it is written there."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return hashlib.sha256(b"\x01" + mth(leaves[:k]) + mth(leaves[k:])).digest()


def test_published_roots_come_out(shared_data: Callable[[str], Path]) -> None:
    vectors = json.loads(shared_data("tlog-vectors/rfc6962/tree_hashes.json").read_text())
    assert EMPTY_ROOT.hex() == vectors["empty_root"]
    for each in vectors["leaf_hashes"]:
        assert leaf_hash(bytes.fromhex(each["leaf_hex"])).hex() == each["hash"]
    for each in vectors["node_hashes"]:
        left, right = bytes.fromhex(each["left_hex"]), bytes.fromhex(each["right_hex"])
        assert node_hash(left, right).hex() == each["hash"]
    tree = Frontier()
    roots = []
    for leaf in vectors["leaves_hex"]:
        tree.append(bytes.fromhex(leaf))
        roots.append(tree.root().hex())
    assert len(roots) == 8
    assert roots == vectors["roots_for_size_1_to_8"]


@given(st.lists(st.binary(max_size=48), max_size=70))
def test_the_frontier_has_the_root_of_the_definition(leaves: list[bytes]) -> None:
    tree = Frontier()
    for size, leaf in enumerate(leaves):
        assert tree.root() == mth(leaves[:size])
        tree.append(leaf)
    assert tree.root() == mth(leaves)
    assert tree.size == len(leaves)


@given(st.integers(0, 200), st.integers(0, 60))
def test_a_saved_frontier_grows_on(size: int, more: int) -> None:
    made = [hashlib.sha256(n.to_bytes(2)).digest() for n in range(size + more + 1)]
    tree = Frontier()
    tree.extend(made[:size])
    saved = Frontier.from_bytes(tree.to_bytes())
    kept = tree.copy()
    saved.extend(made[size:])
    assert saved.root() == mth([leaf_data(n, each) for n, each in enumerate(made)])
    assert kept.root() == tree.root()


@pytest.mark.parametrize(
    "saved", [b"", bytes(7), bytes(9), (1).to_bytes(8), (4).to_bytes(8) + bytes(64)]
)
def test_a_damaged_frontier_is_refused(saved: bytes) -> None:
    with pytest.raises(ValueError, match=r"frontier|subtrees"):
        Frontier.from_bytes(saved)


def test_leaf_data_is_frozen() -> None:
    assert leaf_data(258, bytes(range(32))) == b"\x01" + bytes([0] * 6 + [1, 2]) + bytes(range(32))
    assert len(leaf_data(0, bytes(32))) == 41


def test_the_commitment_is_frozen() -> None:
    """Computed once by hand from trust-and-privacy's formula; it may never change."""
    salt, stream = bytes(range(32)), UUID(int=0x0123456789ABCDEF0123456789ABCDEF)
    topic, state = "refnet.é.v1", b'{"a":1}'
    plain = (
        b"refnet/commit/v1\n"
        + salt
        + b"\x00\x00\x00\x10" + stream.bytes
        + b"\x00\x00\x00\x00\x00\x00\x00\x03"
        + b"\x00\x00\x00\x0c" + topic.encode()
        + b"\x00\x00\x00\x07" + state
    )  # fmt: skip
    expected = hashlib.sha256(plain).digest()
    assert commitment(salt, stream.bytes, 3, topic, state) == expected
    assert parameters(0, [(stream.hex, 3, topic, state)], [salt])[6] == expected


def test_every_stored_fact_is_committed_to(log: Rig) -> None:
    log.do(OpenNote(text="a", times=5))
    rows = log.reader.rows()
    leaves = [
        leaf_data(n, commitment(salt, UUID(stream).bytes, version, topic, state))
        for n, (_, stream, version, topic, state, salt, _) in enumerate(rows)
    ]
    assert log.reader.tree().root() == mth(leaves)
    assert log.reader.tree(3).root() == mth(leaves[:3])
    assert len({row[5] for row in rows}) == len(rows)


@pytest.mark.parametrize("column", range(1, 7))
def test_any_change_to_a_row_is_found(log: Rig, column: int) -> None:
    rows = log.reader.rows()
    rng = random.Random(column)
    value = rows[0][column]
    changed: object
    if isinstance(value, bytes):
        at = rng.randrange(len(value))
        changed = value[:at] + bytes([value[at] ^ 1 << rng.randrange(8)]) + value[at + 1 :]
    elif isinstance(value, str):
        changed = value[:-1] + ("0" if value[-1] != "0" else "1")
    else:
        changed = value + 1
    row = (*rows[0][:column], changed, *rows[0][column + 1 :])
    check_commitments(rows)
    with pytest.raises(StoreDamaged) as caught:
        check_commitments([row])  # type: ignore[list-item]
    assert caught.value.facts["position"] == "1"
