"""Ways to tamper with the rows of a log, each by one draw of chance."""

from __future__ import annotations

import json
import sqlite3
import uuid

from audit.tampering import COLUMNS, Expected, Row, Store, flipped, recommitted
from refnet.log.store import FILE


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


def insert_before_the_first(store: Store) -> Expected:
    """A copy of a fact where no reader looks: at position 0 or before."""
    row = store.row(store.position())
    row[0] = -store.chance.choice([0, 1, 7, 1 << 40])
    row[2] += 1000
    row[6] = recommitted(row)
    store.note(f"insert at {row[0]}")
    store.change(
        (f"INSERT INTO stored_events ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)", tuple(row))
    )
    return Expected(("rows",), row[0] - 1, ("position",), text=f"at position {row[0]}")


def reorder(store: Store) -> Expected:
    first, second = sorted(store.chance.sample(range(1, store.covered + 1), 2))
    store.note(f"swap {first} and {second}")
    move = "UPDATE stored_events SET rowid = ? WHERE rowid = ?"
    store.change((move, (-first, first)), (move, (first, second)), (move, (second, -first)))
    return Expected(("rows", "tiles", "checkpoints"), first - 1, code=(1, 78))


# The answers to requests


def change_request(store: Store) -> Expected:
    """Another fact, another number of facts or another name for the answer to a retry."""
    position = store.position()
    row = json.loads(store.row(position)[4])
    key = row["principal"], row["request_id"]
    where = "WHERE principal = ? AND request_id = ?"
    changes = {
        "position": f"UPDATE requests SET position = position % {store.covered} + 1 {where}",
        "facts": f"UPDATE requests SET facts = facts + 1 {where}",
        "beyond": f"UPDATE requests SET position = position + {store.covered} {where}",
        "none": f"UPDATE requests SET facts = 0 {where}",
        "name": f"UPDATE requests SET request_id = request_id || 'x' {where}",
        "principal": f"UPDATE requests SET principal = x'00ff' {where}",
        "delete": f"DELETE FROM requests {where}",
    }
    how = store.chance.choice(list(changes))
    store.note(f"{how} of request {key}")
    store.change((changes[how], key))
    return Expected(("requests",), what=("request",))


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


ROWS = [
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
    insert_before_the_first,
    reorder,
    change_request,
    flip_cell,
    flip_cell_header,
    zero_page,
]
