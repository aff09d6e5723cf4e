"""The Merkle tree over the log: commitments, leaves, the root (RFC 6962, SHA-256).

These bytes are frozen: leaf data and commitment are what proofs and other people's copies rest on.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

DIGEST_SIZE = 32
SALT_SIZE = 32
LEAF_SIZE = 41

EMPTY_ROOT = hashlib.sha256().digest()

_COMMIT = b"refnet/commit/v1\n"
_LEAF_VERSION = b"\x01"
_ORIGINATOR_SIZE = (16).to_bytes(4)

Prepared = tuple[str, int, str, bytes]
"""A fact ready to be stored: originator_id as 32 hex digits, version, topic, stored state."""


def commitment(salt: bytes, originator_id: bytes, version: int, topic: str, state: bytes) -> bytes:
    """What the tree says of one fact: 32 bytes that show nothing to who lacks the salt.

    SHA-256("refnet/commit/v1" and a line feed || salt[32] || lp(originator_id) ||
    uint64_be(version) || lp(topic) || lp(state)) with lp(x) = uint32_be(len(x)) || x.
    originator_id is the stream's 16 raw bytes. `refnet.log._stored` does the same for many facts.
    """
    name = topic.encode()
    return hashlib.sha256(
        b"".join(
            (
                _COMMIT,
                salt,
                _ORIGINATOR_SIZE,
                originator_id,
                version.to_bytes(8),
                len(name).to_bytes(4),
                name,
                len(state).to_bytes(4),
                state,
            )
        )
    ).digest()


def leaf_data(index: int, commitment: bytes) -> bytes:
    """The 41 bytes at a leaf: 0x01 || uint64_be(index) || commitment. Index 0 is position 1."""
    return b"%b%b%b" % (_LEAF_VERSION, index.to_bytes(8), commitment)


def leaf_hash(data: bytes) -> bytes:
    """H(0x00 || data)."""
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """H(0x01 || left || right)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


class Frontier:
    """A tree reduced to what it needs to grow: the roots of its perfect subtrees, largest first.

    There is one hash for every set bit of `size`. Appending costs two hashes on average.
    """

    __slots__ = ("hashes", "size")

    def __init__(self, size: int = 0, hashes: Iterable[bytes] = ()) -> None:
        """Raises ValueError if the hashes cannot belong to a tree of that size."""
        self.size = size
        self.hashes = list(hashes)
        if size < 0 or len(self.hashes) != size.bit_count():
            raise ValueError(f"a tree of size {size} cannot have {len(self.hashes)} subtrees")
        if any(len(each) != DIGEST_SIZE for each in self.hashes):
            raise ValueError("a subtree's hash must have 32 bytes")

    def append(self, data: bytes) -> None:
        """Add a leaf holding `data` (for the log: `leaf_data(self.size, commitment)`)."""
        self.append_hash(leaf_hash(data))

    def append_hash(self, node: bytes) -> None:
        """Add a leaf whose hash is known."""
        hashes = self.hashes
        size = self.size
        while size & 1:
            node = node_hash(hashes.pop(), node)
            size >>= 1
        hashes.append(node)
        self.size += 1

    def extend(self, commitments: Iterable[bytes]) -> None:
        """Add the next facts by their commitments: the same tree with less work a fact."""
        sha256 = hashlib.sha256
        below = self.size
        nodes = [
            sha256(b"\x00\x01%b%b" % (index.to_bytes(8), each)).digest()
            for index, each in enumerate(commitments, below)
        ]
        self.size += len(nodes)
        # Level by level: a subtree that waited for its right neighbour gets it, and the last node
        # of a level waits if it has none.
        waiting: list[bytes] = []
        while nodes or below:
            if below & 1:
                nodes.insert(0, self.hashes.pop())
            below >>= 1
            if len(nodes) & 1:
                waiting.append(nodes.pop())
            pairs = iter(nodes)
            nodes = [sha256(b"\x01%b%b" % pair).digest() for pair in zip(pairs, pairs, strict=True)]
        self.hashes = waiting[::-1]

    def root(self) -> bytes:
        """The RFC 6962 tree head, 32 bytes; SHA-256 of nothing for the empty tree."""
        if not self.hashes:
            return EMPTY_ROOT
        node = self.hashes[-1]
        for left in reversed(self.hashes[:-1]):
            node = node_hash(left, node)
        return node

    def to_bytes(self) -> bytes:
        """uint64_be(size) || the hashes."""
        return self.size.to_bytes(8) + b"".join(self.hashes)

    @classmethod
    def from_bytes(cls, saved: bytes) -> Frontier:
        """The inverse of `to_bytes`. Raises ValueError for anything else."""
        if len(saved) < 8 or (len(saved) - 8) % DIGEST_SIZE:
            raise ValueError("not a saved frontier")
        cut = range(8, len(saved), DIGEST_SIZE)
        return cls(int.from_bytes(saved[:8]), [saved[at : at + DIGEST_SIZE] for at in cut])

    def copy(self) -> Frontier:
        """A tree that grows on its own."""
        return Frontier(self.size, self.hashes)
