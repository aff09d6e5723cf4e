"""False cases: a true one of which one thing was changed, so that what it claims is not so.

Each way of changing says why its outcome is false; where chance could give back what was there, the
draw excludes it. Text is changed by what it encodes: how strictly a verifier reads base64 or
numbers is looked at in `strangers.degenerate`, for a sloppy reader is not a deceived one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from random import Random

from refnet.log.tree import leaf_hash
from refnet.tlog.checkpoint import parse_checkpoint
from refnet.tlog.note import Note, Signature, Signer, parse_note
from refnet.tlog.proof_file import Proof, extension
from refnet.tlog.proofs import prove_consistency
from strangers.cases import CHECKPOINT, CONSISTENCY, INCLUSION, Case, Named
from strangers.logs import ORIGIN, Log

Path = tuple[bytes, ...]


def flipped(raw: bytes, random: Random) -> bytes:
    """With one bit another."""
    at = random.randrange(8 * len(raw))
    return (int.from_bytes(raw) ^ 1 << at).to_bytes(len(raw))


# --- a list of hashes ----------------------------------------------------------------------------


def flip_hash(path: Path, random: Random) -> Path | None:
    """Leads to another root."""
    if not path:
        return None
    at = random.randrange(len(path))
    return (*path[:at], flipped(path[at], random), *path[at + 1 :])


def drop_hash(path: Path, random: Random) -> Path | None:
    """Index and sizes say how many hashes there are."""
    if not path:
        return None
    at = random.randrange(len(path))
    return path[:at] + path[at + 1 :]


def add_hash(path: Path, random: Random) -> Path | None:
    """As above; also one that is there already."""
    at = random.randint(0, len(path))
    return (*path[:at], random.choice([random.randbytes(32), bytes(32), *path]), *path[at:])


def swap_hashes(path: Path, random: Random) -> Path | None:
    """Another order leads to another root."""
    pairs = [(i, j) for i in range(len(path)) for j in range(i) if path[i] != path[j]]
    if not pairs:
        return None
    i, j = random.choice(pairs)
    changed = list(path)
    changed[i], changed[j] = changed[j], changed[i]
    return tuple(changed)


def resize_hash(path: Path, random: Random) -> Path | None:
    """A hash has 32 bytes, and no other string of bytes hashes to the same."""
    if not path:
        return None
    at = random.randrange(len(path))
    longer = random.choice([path[at][:-1], path[at] + b"\0", path[at][1:], path[at] + path[at]])
    return (*path[:at], longer, *path[at + 1 :])


PATHS: list[Callable[[Path, Random], Path | None]] = [
    flip_hash,
    drop_hash,
    add_hash,
    swap_hashes,
    resize_hash,
]

# --- a checkpoint --------------------------------------------------------------------------------


def unsigned(note: str, random: Random) -> tuple[str, str]:
    """Another text, or another signature: one does not fit the other."""
    parsed = parse_note(note)
    said = parse_checkpoint(parsed.text)
    signature = parsed.signatures[0]
    match random.randrange(6):
        case 0:
            text = replace(said, root=flipped(said.root, random)).text()
            return "a bit of the root is flipped", str(Note(text, parsed.signatures))
        case 1:
            size = random.choice([said.size + 1, 2 * said.size + 1, max(0, said.size - 1) or 7])
            return "another size", str(Note(replace(said, size=size).text(), parsed.signatures))
        case 2:
            text = replace(said, origin=said.origin + "x").text()
            return "another origin", str(Note(text, parsed.signatures))
        case 3:
            changed = replace(signature, signature=flipped(signature.signature, random))
            return "a bit of the signature is flipped", str(Note(parsed.text, (changed,)))
        case 4:
            changed = replace(signature, key_id=flipped(signature.key_id, random))
            return "another key id", str(Note(parsed.text, (changed,)))
        case _:
            cut = random.choice([signature.signature[:-1], signature.signature + b"\0", b"\0"])
            changed = replace(signature, signature=cut)
            return "a signature of another length", str(Note(parsed.text, (changed,)))


def other_signer(note: str, random: Random) -> tuple[str, str]:
    """Signed by whoever likes to, under the log's name; also with the log's key id."""
    parsed = parse_note(note)
    made = Signer(ORIGIN, random.randbytes(32)).sign(parsed.text)
    if random.randrange(2):
        made = Signature(ORIGIN, parsed.signatures[0].key_id, made.signature)
    return "signed with another key", str(Note(parsed.text, (made,)))


def cut_short(raw: bytes, random: Random) -> bytes:
    """Without its end: by eight characters at least, so that the signature lacks some bytes."""
    return raw[: random.randrange(len(raw) - 8)]


def other_key(case: Case, random: Random) -> Case:
    """Who expects another key must not be content with this one; also if the key ids agree."""
    made = Signer(ORIGIN, random.randbytes(32)).verifier
    if random.randrange(2):
        return replace(case, vkey=made.vkey)
    key_id = case.vkey.split("+")[1]
    return replace(case, vkey=made.vkey.replace(made.key_id.hex(), key_id))


def other_origin(log: Log, note: str) -> str:
    """What the log's key signed for another log is not of this one."""
    said = parse_checkpoint(parse_note(note).text)
    return log.sign(said.size, said.root, ORIGIN[:-1] + "2")


# --- cases ---------------------------------------------------------------------------------------


def false_inclusion(log: Log, random: Random) -> Named | None:
    """A proof of inclusion that proves nothing."""
    size = random.choice([each for each in log.sizes if each])
    index = random.choice([0, size - 1, *(random.randrange(size) for _ in range(6))])
    proof, leaf = log.proof(index, size), log.leaves[index]
    case = log.inclusion(proof, leaf)
    match random.randrange(11):
        case 0 | 1 | 2:
            change = random.choice(PATHS)
            path = change(proof.path, random)
            name = change.__name__.replace("_", " ")
            return None if path is None else (name, log.inclusion(replace(proof, path=path), leaf))
        case 3 | 4:
            change_note = random.choice([unsigned, other_signer])
            name, note = change_note(proof.checkpoint, random)
            return name, log.inclusion(replace(proof, checkpoint=note), leaf)
        case 5:
            return false_index(log, proof, size, random)
        case 6:
            return false_leaf(log, proof, size, random)
        case 7:
            return false_head(log, proof, size, random)
        case 8:
            return "cut short", replace(case, proof=cut_short(case.proof, random))
        case 9:
            return "another key is expected", other_key(case, random)
        case _:
            note = other_origin(log, proof.checkpoint)
            return "signed for another log", log.inclusion(replace(proof, checkpoint=note), leaf)


def false_index(log: Log, proof: Proof, size: int, random: Random) -> Named | None:
    """A path leads from one place in a tree to its root, and from no other."""
    near = [proof.index ^ 1 << bit for bit in range(18)]
    index = random.choice([*near, size, size + proof.index, (1 << 62) + proof.index])
    return "another index", log.inclusion(replace(proof, index=index), log.leaves[proof.index])


def false_leaf(log: Log, proof: Proof, size: int, random: Random) -> Named | None:
    """Leaves hold their index and a commitment: no two are alike, and no node is one."""
    leaf = log.leaves[proof.index]
    other = random.randrange(len(log.leaves))
    name, given = random.choice(
        [
            ("a bit of the leaf is flipped", flipped(leaf, random)),
            ("the leaf is cut short", leaf[: random.randrange(len(leaf))]),
            ("the leaf has an end more", leaf + random.randbytes(random.randint(1, 9))),
            ("another leaf", log.leaves[other]),
            ("the hash for the leaf", leaf_hash(leaf)),
        ]
    )
    if given == leaf:
        return None
    if random.randrange(4) == 0 and proof.path:
        # The node above the leaf, handed out as if it were one.
        pair = [leaf_hash(leaf), proof.path[0]]
        node = b"".join(pair[::-1] if proof.index & 1 else pair)
        above = replace(proof, index=proof.index >> 1, path=proof.path[1:])
        return "a node as a leaf", log.inclusion(above, node)
    return name, log.inclusion(proof, given)


def false_head(log: Log, proof: Proof, size: int, random: Random) -> Named | None:
    """A checkpoint the log's key did sign, but the path is not of that tree."""
    leaf, index = log.leaves[proof.index], random.randrange(size)
    said = parse_checkpoint(parse_note(proof.checkpoint).text)
    high = 1 << (size.bit_length() + random.randint(1, 9))
    others = [each for each in log.sizes if each != size]
    other_path = log.proof(index, size).path
    name, made = random.choice(
        [
            ("another size's", replace(proof, checkpoint=log.notes[random.choice(others)])),
            ("another root", replace(proof, checkpoint=log.sign(size, flipped(said.root, random)))),
            # So large that every path would be longer, or so small that there is no such leaf.
            ("a larger size", replace(proof, checkpoint=log.sign(high, said.root))),
            (
                "a smaller size",
                replace(proof, checkpoint=log.sign(random.randint(0, proof.index), said.root)),
            ),
            ("the path of another leaf", replace(proof, path=other_path)),
        ]
    )
    return None if made == proof else (name, log.inclusion(made, leaf))


def false_consistency(log: Log, random: Random) -> Named | None:
    """A proof of consistency that proves nothing."""
    old, new = sorted(random.sample([each for each in log.sizes if each], 2))
    case = log.consistency(old, new)
    path = tuple(prove_consistency(log.tree, old, new))
    others = [each for each in log.sizes if each and each not in (old, new)]

    def of(old_: int = old, path_: Path = path, note: str = log.notes[new]) -> Case:
        return replace(case, proof=extension(old_, path_, note).encode())

    match random.randrange(9):
        case 0 | 1 | 2:
            change = random.choice(PATHS)
            made = change(path, random)
            return None if made is None else (change.__name__.replace("_", " "), of(path_=made))
        case 3:
            name, note = random.choice([unsigned, other_signer])(log.notes[new], random)
            return name, of(note=note)
        case 4:
            name, note = random.choice([unsigned, other_signer])(log.notes[old], random)
            return f"of the older: {name}", replace(case, older=note.encode())
        case 5:
            other = random.choice([*others, old + 1, old - 1, old * 2])
            return ("another old size", of(old_=other)) if other > 0 else None
        case 6:
            note = log.notes[random.choice(others)]
            if random.randrange(2):
                return "another checkpoint", of(note=note)
            return "another older checkpoint", replace(case, older=note.encode())
        case 7:
            return false_history(log, old, new, random)
        case _:
            return "another key is expected", other_key(case, random)


def false_history(log: Log, old: int, new: int, random: Random) -> Named | None:
    """A log that changed a fact which the older checkpoint covers, and proves what it can."""
    if new > 3000:
        return None  # a fork of a large log takes its time, and is no other fork
    tree, note = log.fork(random.randrange(old), new)
    path = prove_consistency(tree, old, new)
    made = Case(
        CONSISTENCY,
        log.vkey,
        ORIGIN,
        log.notes[old].encode(),
        extension(old, path, note).encode(),
    )
    return "a fact was rewritten", made


def false_checkpoint(log: Log, random: Random) -> Named | None:
    """A checkpoint that the log did not sign, or not as this log's."""
    case = log.checkpoint(random.choice(log.sizes))
    note = case.older.decode()
    match random.randrange(5):
        case 0 | 1:
            name, made = random.choice([unsigned, other_signer])(note, random)
            return name, replace(case, older=made.encode())
        case 2:
            return "cut short", replace(case, older=cut_short(case.older, random))
        case 3:
            return "another key is expected", other_key(case, random)
        case _:
            return "signed for another log", replace(case, older=other_origin(log, note).encode())


MAKERS: dict[str, Callable[[Log, Random], Named | None]] = {
    INCLUSION: false_inclusion,
    CONSISTENCY: false_consistency,
    CHECKPOINT: false_checkpoint,
}


def false_cases(log: Log, seed: int, kind: str, count: int) -> Iterator[Named]:
    """So many false cases of a kind, no two alike."""
    random = Random(f"{seed} false {kind}")
    seen: set[Case] = set()
    while len(seen) < count:
        made = MAKERS[kind](log, random)
        if made is not None and made[1] not in seen:
            seen.add(made[1])
            yield made
