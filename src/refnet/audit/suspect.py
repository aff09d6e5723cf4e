"""Which column of a row was changed, where its commitment only says that one was.

A commitment is one hash over all columns. But most of what can have been there before can be tried:
the names of facts are few, the version and the stream follow from the rest of the log, and damage
turns one bit. What is left over is said as it is: one of these.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from refnet.log.reader import Row
from refnet.log.tree import DIGEST_SIZE, SALT_SIZE, commitment

ORIGINATOR_DIGITS = 32
_HEX = "0123456789abcdef"


def suspect(
    row: Row, topics: Iterable[str], streams: Iterable[str], versions: Iterable[int], entry: bytes
) -> str:
    """The column at fault: stream, version, topic, state, salt or commitment; or some of these.

    topics, streams, versions: what may have stood there. entry: what was published as this row's
    commitment, empty if nothing was.
    """
    _, stream, version, topic, state, salt, committed = row
    if wrong := _of_wrong_type(row):
        return wrong
    made = _hashed(stream, version, topic, state, salt)
    if entry and made == entry:
        return "commitment"
    aims = {committed, entry}
    trials: list[tuple[str, Iterator[bytes]]] = [
        ("topic", (_hashed(stream, version, each, state, salt) for each in topics)),
        ("version", (_hashed(stream, each, topic, state, salt) for each in _near(version))),
        ("version", (_hashed(stream, each, topic, state, salt) for each in versions)),
        ("stream", (_hashed(each, version, topic, state, salt) for each in streams)),
        ("stream", (_hashed(each, version, topic, state, salt) for each in _misspelt(stream))),
        ("salt", (_hashed(stream, version, topic, state, each) for each in _flipped(salt))),
        ("state", (_hashed(stream, version, topic, each, salt) for each in _flipped(state))),
    ]
    for column, hashes in trials:
        if not aims.isdisjoint(hashes):
            return column
    one_bit_off = {bytes(each) for each in _flipped(committed)}
    if made in one_bit_off:
        return "commitment"
    if version == 1:
        return "state, salt or stream"
    return "state or salt"


def _of_wrong_type(row: Row) -> str:
    _, stream, version, topic, state, salt, committed = row
    good = {
        "stream": type(stream) is str and len(stream) == ORIGINATOR_DIGITS and _is_hex(stream),
        "version": type(version) is int and 0 <= version < 1 << 63,
        "topic": type(topic) is str and topic.isprintable(),
        "state": type(state) is bytes,
        "salt": type(salt) is bytes and len(salt) == SALT_SIZE,
        "commitment": type(committed) is bytes and len(committed) == DIGEST_SIZE,
    }
    return " and ".join(column for column, is_good in good.items() if not is_good)


def _is_hex(text: str) -> bool:
    return all(letter in _HEX for letter in text)


def _hashed(stream: str, version: int, topic: str, state: bytes, salt: bytes) -> bytes:
    return commitment(salt, bytes.fromhex(stream), version, topic, state)


def _near(version: int) -> Iterator[int]:
    return (version ^ 1 << bit for bit in range(63))


def _misspelt(stream: str) -> Iterator[str]:
    for at in range(len(stream)):
        for letter in _HEX:
            yield stream[:at] + letter + stream[at + 1 :]


def _flipped(content: bytes) -> Iterator[bytes]:
    changed = bytearray(content)
    for at in range(len(content)):
        for bit in range(8):
            changed[at] ^= 1 << bit
            yield bytes(changed)
            changed[at] ^= 1 << bit
