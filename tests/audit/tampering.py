"""Ways to tamper with a store, each by one draw of chance, and what an audit must say of it."""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import sqlite3
import uuid
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from refnet.ledger.columns import DTYPES
from refnet.ledger.saved import NAME, _sealed, load
from refnet.log.store import FILE
from refnet.log.tree import commitment
from refnet.publishing import FOLDER, SIGNER
from refnet.tlog.checkpoint import Checkpoint
from refnet.tlog.note import Note, Signer
from refnet.tlog.publish import CHECKPOINT, HISTORY
from refnet.tlog.signer import STATE

COLUMNS = "rowid, originator_id, originator_version, topic, state, salt, commitment"
Row = list[Any]


@dataclass(frozen=True)
class Expected:
    """What must be found. steps: one of these must find it. index: of the first finding.

    what: words of which one must be in what differs; none if it may be any. text: in the message.
    """

    steps: tuple[str, ...]
    index: int | None = None
    what: tuple[str, ...] = ()
    text: str = ""
    code: tuple[int, ...] = (1,)


@dataclass
class Store:
    """A copy of a store that may be spoilt."""

    data: Path
    chance: random.Random
    covered: int
    done: list[str] = field(default_factory=list)

    def note(self, what: object) -> None:
        """For whoever looks into a failure."""
        self.done.append(str(what))

    @property
    def log(self) -> Path:
        return self.data / FILE

    def rows(self) -> list[Row]:
        with closing(sqlite3.connect(self.log)) as log:
            return [list(row) for row in log.execute(f"SELECT {COLUMNS} FROM stored_events")]

    def change(self, *statements: tuple[str, tuple[object, ...]]) -> None:
        """Change the database past its guards, as who has the file can."""
        with closing(sqlite3.connect(self.log)) as log:
            guards = log.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'").fetchall()
            for (name,) in guards:
                log.execute(f"DROP TRIGGER {name}")
            for statement, parameters in statements:
                log.execute(statement, parameters)
            log.commit()

    def set(self, position: int, column: str, value: object) -> None:
        self.note(f"position {position}: {column} = {value!r}")
        self.change((f"UPDATE stored_events SET {column} = ? WHERE rowid = ?", (value, position)))

    def position(self) -> int:
        return self.chance.randint(1, self.covered)

    def row(self, position: int) -> Row:
        return self.rows()[position - 1]

    def file(self, name: str) -> Path:
        return self.data / name


def flipped(chance: random.Random, content: bytes) -> bytes:
    at = chance.randrange(len(content))
    return content[:at] + bytes([content[at] ^ 1 << chance.randrange(8)]) + content[at + 1 :]


def recommitted(row: Row) -> bytes:
    _, stream, version, topic, state, salt, _ = row
    return commitment(salt, bytes.fromhex(stream), version, topic, state)


# Rows


def edit_state(store: Store) -> Expected:
    position = store.position()
    state = store.row(position)[4]
    digits = [at for at, byte in enumerate(state) if chr(byte).isdigit()]
    at = store.chance.choice(digits)
    other = store.chance.choice([d for d in b"0123456789" if d != state[at]])
    store.set(position, "state", state[:at] + bytes([other]) + state[at + 1 :])
    return Expected(("rows",), position - 1, ("state",))


def flip_state(store: Store) -> Expected:
    position = store.position()
    store.set(position, "state", flipped(store.chance, store.row(position)[4]))
    return Expected(("rows",), position - 1, ("state",))


def flip_salt(store: Store) -> Expected:
    position = store.position()
    store.set(position, "salt", flipped(store.chance, store.row(position)[5]))
    return Expected(("rows",), position - 1, ("salt",))


def replace_salt(store: Store) -> Expected:
    position = store.position()
    store.set(position, "salt", store.chance.randbytes(store.chance.choice([0, 31, 32, 33])))
    return Expected(("rows",), position - 1, ("salt",))


def flip_commitment(store: Store) -> Expected:
    position = store.position()
    store.set(position, "commitment", flipped(store.chance, store.row(position)[6]))
    return Expected(("rows",), position - 1, ("commitment",))


def change_type(store: Store) -> Expected:
    position = store.position()
    column = store.chance.choice(["originator_id", "originator_version", "topic", "state", "salt"])
    value = store.chance.choice([7, 1.5, b"\xff\xfe", "words"])
    if column == "originator_version" and value == 7:
        value = "words"
    store.set(position, column, value)
    named = {"originator_id": "stream", "originator_version": "version"}.get(column, column)
    return Expected(("rows",), position - 1, (named,))


def change_stream(store: Store) -> Expected:
    position = store.position()
    letters = list(store.row(position)[1])
    at = store.chance.randrange(32)
    letters[at] = store.chance.choice([each for each in "0123456789abcdef" if each != letters[at]])
    store.set(position, "originator_id", "".join(letters))
    return Expected(("rows",), position - 1, ("stream",))


def change_stream_altogether(store: Store) -> Expected:
    position = store.position()
    store.set(position, "originator_id", uuid.UUID(bytes=store.chance.randbytes(16)).hex)
    return Expected(("rows",), position - 1, ("stream",))


def change_version(store: Store) -> Expected:
    position = store.position()
    store.set(position, "originator_version", store.chance.choice([0, -1, 999, 1 << 40]))
    return Expected(("rows",), position - 1, ("version",))


def change_topic(store: Store) -> Expected:
    position = store.position()
    topics = {row[3] for row in store.rows()}
    store.set(position, "topic", store.chance.choice(sorted(topics - {store.row(position)[3]})))
    return Expected(("rows",), position - 1, ("topic",))


def swap_column(store: Store) -> Expected:
    """Two facts exchange their states, salts or commitments."""
    first, second = sorted(store.chance.sample(range(1, store.covered + 1), 2))
    column = store.chance.choice(["state", "salt", "commitment"])
    at = COLUMNS.split(", ").index(column)
    one, other = store.row(first)[at], store.row(second)[at]
    store.set(first, column, other)
    store.set(second, column, one)
    return Expected(("rows",), first - 1, (column,))


def rewrite(store: Store) -> Expected:
    """Another request id, and a commitment to go with it: only what was signed tells."""
    position = store.position()
    row = store.row(position)
    state = json.loads(row[4])
    state["request_id"] += "x"
    row[4] = json.dumps(state, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    store.set(position, "state", row[4])
    store.set(position, "commitment", recommitted(row))
    return Expected(("tiles", "checkpoints"), position - 1, code=(78,))


def resalt(store: Store) -> Expected:
    position = store.position()
    row = store.row(position)
    row[5] = store.chance.randbytes(32)
    store.set(position, "salt", row[5])
    store.set(position, "commitment", recommitted(row))
    return Expected(("tiles", "checkpoints"), position - 1, code=(78,))


# The order of rows


def delete(store: Store) -> Expected:
    position = store.position()
    store.note(f"delete {position}")
    store.change(("DELETE FROM stored_events WHERE rowid = ?", (position,)))
    if position == len(store.rows()) + 1:
        return Expected(("checkpoints",), position - 1, ("rollback",), code=(78,))
    return Expected(("rows",), position - 1, ("position",))


def delete_and_close_up(store: Store) -> Expected:
    position = store.position()
    store.note(f"delete {position} and move those after it")
    move = "UPDATE stored_events SET rowid = {} WHERE rowid {}"
    store.change(
        ("DELETE FROM stored_events WHERE rowid = ?", (position,)),
        (move.format("-rowid + 1", "> ?"), (position,)),
        (move.format("-rowid", "< ?"), (0,)),
    )
    return Expected(("rows", "tiles", "checkpoints"), position - 1, code=(1, 78))


def cut(store: Store) -> Expected:
    left = store.chance.randrange(store.covered)
    store.note(f"keep {left}")
    store.change(("DELETE FROM stored_events WHERE rowid > ?", (left,)))
    return Expected(("checkpoints",), left, ("rollback",), code=(78,))


def insert(store: Store) -> Expected:
    """A forged fact in the middle, with a stream and a commitment of its own."""
    position = store.position()
    row = store.row(position)
    row[:4] = [position, uuid.UUID(bytes=store.chance.randbytes(16)).hex, 1, row[3]]
    row[6] = recommitted(row)
    store.note(f"insert before {position}")
    move = "UPDATE stored_events SET rowid = {} WHERE rowid {}"
    store.change(
        (move.format("-rowid - 1", ">= ?"), (position,)),
        (move.format("-rowid", "< ?"), (0,)),
        (f"INSERT INTO stored_events ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)", tuple(row)),
    )
    return Expected(("rows", "tiles", "checkpoints"), position - 1, code=(1, 78))


def append(store: Store) -> Expected:
    """A fact behind the last one that is a copy of another."""
    row = store.row(store.position())
    end = len(store.rows()) + 1
    row[0], row[2] = end, row[2] + 1000
    if store.chance.random() < 0.5:
        row[6] = recommitted(row)
    store.note(f"append {row[1]} version {row[2]}")
    store.change(
        (f"INSERT INTO stored_events ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)", tuple(row))
    )
    return Expected(("rows",), end - 1, ("version",))


def reorder(store: Store) -> Expected:
    first, second = sorted(store.chance.sample(range(1, store.covered + 1), 2))
    store.note(f"swap {first} and {second}")
    move = "UPDATE stored_events SET rowid = ? WHERE rowid = ?"
    store.change((move, (-first, first)), (move, (first, second)), (move, (second, -first)))
    return Expected(("rows", "tiles", "checkpoints"), first - 1, code=(1, 78))


# The bytes of pages


def flip_cell(store: Store) -> Expected:
    """One bit of the file, in one of the columns of a fact."""
    position = store.position()
    row = store.row(position)
    raw = bytearray(store.log.read_bytes())
    column = store.chance.choice([1, 3, 4, 5, 6])
    content = row[column] if isinstance(row[column], bytes) else row[column].encode()
    start = cell_of(raw, row)
    begin = raw.find(content, start)
    assert 0 <= begin < start + 2000
    at = begin + store.chance.randrange(len(content))
    raw[at] ^= 1 << store.chance.randrange(8)
    store.note(f"flip byte {at} of {FILE}, in column {column} of position {position}")
    store.log.write_bytes(raw)
    return Expected(("rows",), position - 1)


def flip_cell_header(store: Store) -> Expected:
    """One bit of what SQLite keeps before a fact: its size, position and types.

    Some say nothing, such as the type of the column that is the position: another one is drawn
    until something else is read, or nothing can be.
    """
    position = store.position()
    before = store.rows()
    raw = bytearray(store.log.read_bytes())
    start = cell_of(raw, before[position - 1])
    while True:
        at, bit = start - 1 - store.chance.randrange(13), 1 << store.chance.randrange(8)
        raw[at] ^= bit
        store.log.write_bytes(raw)
        try:
            if store.rows() != before:
                break
        except sqlite3.Error:
            break
        raw[at] ^= bit
    store.note(f"flip byte {at} of {FILE}, before position {position}")
    return Expected(("rows", "tiles", "checkpoints"), code=(1, 78))


def zero_page(store: Store) -> Expected:
    position = store.position()
    raw = bytearray(store.log.read_bytes())
    page = cell_of(raw, store.row(position)) // 8192
    raw[page * 8192 : (page + 1) * 8192] = bytes(8192)
    store.note(f"zero page {page} of {FILE}, of position {position}")
    store.log.write_bytes(raw)
    return Expected(("rows",))


def cell_of(raw: bytearray, row: Row) -> int:
    """Where the columns of a fact begin: with the stream, right before topic and state."""
    state = raw.find(row[4] + row[5])
    assert state > 0
    return raw.rfind(row[1].encode(), 0, state)


# What was published


def _published(store: Store, kind: str) -> Path:
    root = store.file(FOLDER) / "tile"
    paths = sorted(path for path in root.rglob("*") if path.is_file())
    chosen = [path for path in paths if (kind == "entries") == path.is_relative_to(root / kind)]
    return store.chance.choice(chosen)


def spoil_tile(store: Store) -> Expected:
    path = _published(store, store.chance.choice(["entries", "levels"]))
    content = path.read_bytes()
    how = store.chance.choice(["flip", "cut", "add", "delete", "empty", "swap"])
    store.note(f"{how} {path.relative_to(store.data)}")
    step = 43 if "entries" in path.parts else 32
    if how == "delete":
        path.unlink()
    else:
        other = content[step : 2 * step] + content[:step] + content[2 * step :]
        spoilt = {
            "flip": flipped(store.chance, content),
            "cut": content[: store.chance.randrange(len(content))],
            "add": content + b"x",
            "empty": b"",
            "swap": other if other != content else content[::-1],
        }
        path.write_bytes(spoilt[how])
    name = str(path.relative_to(store.file(FOLDER)))
    return Expected(("tiles",), what=("tile",), text=name)


def _forged(store: Store, size: int) -> bytes:
    """A checkpoint with another root, signed with somebody else's key of the same name."""
    signer = Signer(_origin(store), store.chance.randbytes(32))
    text = Checkpoint(signer.verifier.name, size, store.chance.randbytes(32)).text()
    return str(Note(text, (signer.sign(text),))).encode()


def _origin(store: Store) -> str:
    return (store.file(FOLDER) / CHECKPOINT).read_text().partition("\n")[0]


def _blocks(store: Store) -> list[bytes]:
    raw = (store.file(FOLDER) / HISTORY).read_bytes()
    return [f"{block}\n\n".encode() for block in _joined(raw.decode())]


def _joined(text: str) -> list[str]:
    parts = text.split("\n\n")[:-1]
    return [f"{text}\n\n{signed}" for text, signed in zip(parts[::2], parts[1::2], strict=True)]


def spoil_checkpoint(store: Store) -> Expected:
    path = store.file(FOLDER) / CHECKPOINT
    content = path.read_bytes()
    lines = content.split(b"\n")
    how = store.chance.choice(
        ["flip", "size", "root", "origin", "extend", "unsign", "older", "forge", "cut", "delete"]
    )
    store.note(f"{how} {CHECKPOINT}")
    changed = {
        "size": [lines[0], b"%d" % (int(lines[1]) + store.chance.choice([-1, 1, 100])), *lines[2:]],
        "root": [*lines[:2], lines[2][::-1], *lines[3:]],
        "origin": [b"example.org" + lines[0], *lines[1:]],
        "extend": [*lines[:3], b"more", *lines[3:]],
        "unsign": lines[:4],
    }
    match how:
        case "delete":
            path.unlink()
        case "flip":
            path.write_bytes(flipped(store.chance, content))
        case "older":
            path.write_bytes(_blocks(store)[0][:-1])
        case "forge":
            path.write_bytes(_forged(store, store.covered))
        case "cut":
            path.write_bytes(content[: store.chance.randrange(len(content))])
        case _:
            path.write_bytes(b"\n".join(changed[how]))
    return Expected(("checkpoints",), what=("checkpoint", "signer", "history", "rollback"))


def spoil_history(store: Store) -> Expected:
    path = store.file(FOLDER) / HISTORY
    blocks = _blocks(store)
    at, other = store.chance.sample(range(len(blocks)), 2)
    how = store.chance.choice(
        ["flip", "cut", "swap", "twice", "drop last", "forge", "move", "garbage", "delete"]
    )
    store.note(f"{how} {HISTORY}, {at} and {other}")
    raw = b"".join(blocks)
    changed = list(blocks)
    match how:
        case "flip":
            changed = [flipped(store.chance, raw)]
        case "cut":
            changed = [raw[: store.chance.randrange(len(raw))]]
        case "swap":
            changed[at], changed[other] = changed[other], changed[at]
        case "twice":
            changed.insert(at, changed[at])
        case "drop last":
            changed.pop()
        case "forge":
            size = int(blocks[at].split(b"\n")[1])
            changed[at] = _forged(store, size) + b"\n"
        case "move":
            changed = [*changed[1:], changed[0]]
        case "garbage":
            changed.insert(at, store.chance.randbytes(50))
        case _:
            path.unlink()
            return Expected(("checkpoints",), what=("history",))
    path.write_bytes(b"".join(changed))
    return Expected(("checkpoints",), what=("checkpoint", "order", "history"))


def spoil_signer(store: Store) -> Expected:
    path = store.file(SIGNER) / STATE
    content = path.read_bytes()
    how = store.chance.choice(["flip", "cut", "older", "forge", "delete", "empty"])
    store.note(f"{how} the signer's {STATE}")
    if how == "delete":
        path.unlink()
    else:
        spoilt = {
            "flip": flipped(store.chance, content),
            "cut": content[: store.chance.randrange(len(content))],
            "older": _blocks(store)[0][:-1],
            "forge": _forged(store, store.covered),
            "empty": b"",
        }
        path.write_bytes(spoilt[how])
    return Expected(("checkpoints",), what=("signer", "checkpoint", "rollback"))


# The saved ledger


def flip_column(store: Store) -> Expected:
    name = store.chance.choice(list(DTYPES))
    path = store.file("ledger") / f"{name}.col"
    size = DTYPES[name].itemsize
    row = store.position() - 1
    at = row * size + store.chance.randrange(size)
    raw = bytearray(path.read_bytes())
    raw[at] ^= 1 << store.chance.randrange(8)
    path.write_bytes(raw)
    store.note(f"flip byte {at} of {path.name}")
    return Expected(("ledger",), row, (name,), text=f"{name}.col, byte {at}")


def cut_column(store: Store) -> Expected:
    name = store.chance.choice(list(DTYPES))
    path = store.file("ledger") / f"{name}.col"
    if store.chance.random() < 0.3:
        path.unlink()
        return Expected(("ledger",), text=path.name)
    rows = store.chance.randrange(store.covered)
    os.truncate(path, rows * DTYPES[name].itemsize)
    store.note(f"cut {path.name} to {rows} rows")
    return Expected(("ledger",), rows, (name,))


def flip_ledger_state(store: Store) -> Expected:
    path = store.file("ledger") / NAME
    path.write_bytes(flipped(store.chance, path.read_bytes()))
    store.note(f"flip {NAME}")
    return Expected(("ledger",), what=(NAME,))


def rewrite_ledger_state(store: Store) -> Expected:
    """What is saved beside the columns changed, and its checksum made anew."""
    folder = store.file("ledger")
    state = load(folder)
    assert state is not None
    told = dict(vars(state)) if hasattr(state, "__dict__") else _fields(state)
    what = store.chance.choice(["members", "chapters", "digest", "record_time", "tree", "last"])
    match what:
        case "members":
            told["members"] = [*told["members"][1:], told["members"][0]]
        case "chapters":
            told["chapters"] = []
        case "digest":
            told["digest"] = hashlib.sha256(b"other").hexdigest()
        case "record_time":
            told["record_time"] += 1
        case _:
            told["notes"][what] = told["notes"][what][:-2] + "00"
    (folder / NAME).write_bytes(_sealed(json.dumps(told).encode()))
    store.note(f"rewrite {what} of {NAME}")
    return Expected(("ledger",), what=(what,))


def _fields(state: Any) -> dict[str, Any]:
    return {name: getattr(state, name) for name in state.__slots__}


TAMPERINGS: list[Callable[[Store], Expected]] = [
    edit_state,
    flip_state,
    flip_salt,
    replace_salt,
    flip_commitment,
    change_type,
    change_stream,
    change_stream_altogether,
    change_version,
    change_topic,
    swap_column,
    rewrite,
    resalt,
    delete,
    delete_and_close_up,
    cut,
    insert,
    append,
    reorder,
    flip_cell,
    flip_cell_header,
    zero_page,
    spoil_tile,
    spoil_checkpoint,
    spoil_history,
    spoil_signer,
    flip_column,
    cut_column,
    flip_ledger_state,
    rewrite_ledger_state,
]


def copied(source: Path, target: Path, chance: random.Random, covered: int) -> Store:
    shutil.copytree(source, target)
    return Store(target, chance, covered)
