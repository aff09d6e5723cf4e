"""Ways to tamper with what lies beside a log, each by one draw of chance."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from audit.tampering import Expected, Store, flipped
from refnet.ledger.columns import DTYPES
from refnet.ledger.saved import NAME, _sealed, load
from refnet.publishing import FOLDER, SIGNER
from refnet.tlog.checkpoint import Checkpoint
from refnet.tlog.note import Note, Signer
from refnet.tlog.publish import CHECKPOINT, HISTORY
from refnet.tlog.signer import STATE


def _published(store: Store, kind: str) -> Path:
    root = store.file(FOLDER) / "tile"
    paths = sorted(path for path in root.rglob("*") if path.is_file())
    chosen = [path for path in paths if (kind == "entries") == path.is_relative_to(root / kind)]
    return store.chance.choice(chosen)


def _is_older(path: Path) -> bool:
    """Whether it is a partial tile of a smaller tree, which nobody need keep."""
    widths = [int(each.name) for each in path.parent.iterdir() if path.parent.suffix == ".p"]
    return bool(widths) and int(path.name) < max(widths)


def spoil_tile(store: Store) -> Expected:
    path = _published(store, store.chance.choice(["entries", "levels"]))
    content = path.read_bytes()
    ways = ["flip", "cut", "add", "empty", "swap"]
    how = store.chance.choice(ways if _is_older(path) else [*ways, "delete"])
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


FILES = [
    spoil_tile,
    spoil_checkpoint,
    spoil_history,
    spoil_signer,
    flip_column,
    cut_column,
    flip_ledger_state,
    rewrite_ledger_state,
]
