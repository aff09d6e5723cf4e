"""A fact as one line of JSON: how it is exported, and read again."""

from __future__ import annotations

import json
import re
from uuid import UUID

from refnet.engine import Row

_COMPACT = (",", ":")
_LINE = re.compile(
    rb'\{"position":([1-9][0-9]{0,17}),"stream":"([0-9a-f-]{36})","version":([1-9][0-9]{0,17}),'
    rb'"name":("[^"\\]*"),(.*),"salt":"([0-9a-f]{64})","commitment":"([0-9a-f]{64})"\}\n',
    re.DOTALL,
)


def as_json(row: Row) -> bytes:
    """A fact as one line of JSON, around the state's bytes as they are stored."""
    head = json.dumps(
        {
            "position": row.position,
            "stream": str(row.stream),
            "version": row.version,
            "name": row.topic,
        },
        separators=_COMPACT,
    )
    tail = json.dumps(
        {"salt": row.salt.hex(), "commitment": row.commitment.hex()}, separators=_COMPACT
    )
    return b"".join((head[:-1].encode(), b",", row.state[1:-1], b",", tail[1:].encode(), b"\n"))


def parse_line(line: bytes) -> Row:
    """The inverse of `as_json`. Raises ValueError for anything else."""
    found = _LINE.fullmatch(line)
    if found is None:
        raise ValueError("it is no line of refnet export facts --json")
    position, stream, version, name, state, salt, commitment = found.groups()
    row = Row(
        int(position),
        UUID(stream.decode()),
        int(version),
        str(json.loads(name)),
        b"{" + state + b"}",
        bytes.fromhex(salt.decode()),
        bytes.fromhex(commitment.decode()),
    )
    if as_json(row) != line:
        raise ValueError("it is not written as refnet export facts --json writes it")
    return row
