"""Proofs over an RFC 6962 tree: a leaf is in it, or one tree is the beginning of another.

Made from the roots of complete subtrees, from whatever keeps these; checked with nothing but hashes
(RFC 9162 sections 2.1.3 and 2.1.4, whose proofs are those of RFC 6962).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from refnet.log.tree import DIGEST_SIZE, EMPTY_ROOT, node_hash

Node = Callable[[int, int], bytes]
"""(height, index) -> root of the complete subtree of 2^height leaves from index * 2^height on."""


class BadProof(ValueError):
    """A proof that proves nothing."""


def root_at(node: Node, size: int) -> bytes:
    """The root over the first `size` leaves."""
    if size == 0:
        return EMPTY_ROOT
    return _subtree(node, 0, size)


def prove_inclusion(node: Node, index: int, size: int) -> list[bytes]:
    """The audit path of the leaf at an index in the tree of a size, from the leaf's sibling up.

    Raises ValueError unless 0 <= index < size.
    """
    if not 0 <= index < size:
        raise ValueError(f"a tree of {size} leaves has no leaf at index {index}")
    path: list[bytes] = []
    start, stop = 0, size
    while stop - start > 1:
        middle = start + _split(stop - start)
        if index < middle:
            path.append(_subtree(node, middle, stop))
            stop = middle
        else:
            path.append(_subtree(node, start, middle))
            start = middle
    return path[::-1]


def prove_consistency(node: Node, old: int, new: int) -> list[bytes]:
    """That the tree of `old` leaves is the beginning of that of `new` ones.

    Empty if old is 0 or new: there is nothing to prove. Raises ValueError unless 0 <= old <= new.
    """
    if not 0 <= old <= new:
        raise ValueError(f"a tree of {old} leaves is no beginning of one of {new}")
    if old in (0, new):
        return []
    path: list[bytes] = []
    start, stop, whole = 0, new, True
    while old != stop:
        middle = start + _split(stop - start)
        if old <= middle:
            path.append(_subtree(node, middle, stop))
            stop = middle
        else:
            path.append(_subtree(node, start, middle))
            start, whole = middle, False
    if not whole:
        path.append(_subtree(node, start, stop))
    return path[::-1]


def check_inclusion(leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> None:
    """Raises BadProof unless the leaf with this hash is at that index under that root."""
    _check_hashes((leaf, *path, root))
    if not 0 <= index < size:
        raise BadProof(f"a tree of {size} leaves has no leaf at index {index}")
    place, last, found = index, size - 1, leaf
    for each in path:
        if last == 0:
            raise BadProof("the proof is longer than the tree is high")
        if place & 1 or place == last:
            found = node_hash(each, found)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            found = node_hash(found, each)
        place, last = place >> 1, last >> 1
    if last:
        raise BadProof("the proof is shorter than the tree is high")
    if found != root:
        raise BadProof("the proof leads to another root")


def check_consistency(
    old: int, new: int, path: Sequence[bytes], old_root: bytes, new_root: bytes
) -> None:
    """Raises BadProof unless the tree of `old` leaves is the beginning of that of `new` ones."""
    _check_hashes((*path, old_root, new_root))
    if not 0 <= old <= new:
        raise BadProof(f"a tree of {old} leaves is no beginning of one of {new}")
    if old in (0, new):
        if path:
            raise BadProof("there is nothing to prove, and yet a proof")
        if old == new and old_root != new_root:
            raise BadProof("two roots of one size")
        if old == 0 and old_root != EMPTY_ROOT:
            raise BadProof("the root of nothing is another")
        return
    steps = iter((old_root, *path) if old & (old - 1) == 0 else path)
    place, last = old - 1, new - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    first = second = next(steps, None)
    if first is None or second is None:
        raise BadProof("the proof is empty")
    for each in steps:
        if last == 0:
            raise BadProof("the proof is longer than the tree is high")
        if place & 1 or place == last:
            first, second = node_hash(each, first), node_hash(each, second)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            second = node_hash(second, each)
        place, last = place >> 1, last >> 1
    if last:
        raise BadProof("the proof is shorter than the tree is high")
    if first != old_root:
        raise BadProof("the proof leads to another root of the smaller tree")
    if second != new_root:
        raise BadProof("the proof leads to another root of the larger tree")


def _check_hashes(hashes: Iterable[bytes]) -> None:
    if any(len(each) != DIGEST_SIZE for each in hashes):
        raise BadProof(f"a hash does not have {DIGEST_SIZE} bytes")


def _split(count: int) -> int:
    """The largest power of two below a count of two or more."""
    return 1 << ((count - 1).bit_length() - 1)


def _subtree(node: Node, start: int, stop: int) -> bytes:
    """The root over leaves start .. stop - 1, where start is a multiple of what the split needs."""
    parts = list(_complete(start, stop))
    found = node(*parts[-1])
    for height, index in reversed(parts[:-1]):
        found = node_hash(node(height, index), found)
    return found


def _complete(start: int, stop: int) -> Iterator[tuple[int, int]]:
    """The complete subtrees, largest first, that make up leaves start .. stop - 1."""
    while start < stop:
        height = (stop - start).bit_length() - 1
        yield height, start >> height
        start += 1 << height
