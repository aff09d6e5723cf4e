"""A log as refnet publishes it, of facts drawn from a seed, and the cases that are true of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random

from refnet.log.tree import SALT_SIZE, commitment, leaf_data, leaf_hash, node_hash
from refnet.tlog.checkpoint import Checkpoint
from refnet.tlog.note import Note, Signer
from refnet.tlog.proof_file import Proof, extension
from refnet.tlog.proofs import Node, prove_consistency, prove_inclusion, root_at
from refnet.tlog.publish import Publisher
from refnet.tlog.signer import Signatory, found
from refnet.tlog.tiles import Tree, folder
from strangers.cases import CHECKPOINT, CONSISTENCY, INCLUSION, Case, Named

ORIGIN = "example.com/refnet/0190d2a6-7c1e-7b6f-9c53-3f6f7f0a9e11"
EDGES = (0, 1, 2, 255, 256, 257, 65535, 65536, 65537)
"""Around the widths of tiles: where a size needs another file, or another level."""


def sizes_of(seed: int, most: int = 100_000, count: int = 20) -> list[int]:
    """The edges up to a size, and as many random sizes."""
    random = Random(f"{seed} sizes")
    chosen = set(random.sample(range(3, most), count)) | {each for each in EDGES if each <= most}
    return sorted(chosen)


def facts(seed: int, count: int) -> list[bytes]:
    """Commitments to facts such as a log holds, with salts as random as the seed."""
    random = Random(f"{seed} facts")
    made = []
    for at in range(count):
        state = b'{"amount":%d,"record_time":%d}' % (random.getrandbits(30), at)
        salt, stream = random.randbytes(SALT_SIZE), random.randbytes(16)
        made.append(commitment(salt, stream, 1 + at % 5, "refnet.referral-passed.v1", state))
    return made


class Levels:
    """A tree in memory, from leaves that may be others than the log's."""

    def __init__(self, leaves: Sequence[bytes]) -> None:
        level = [leaf_hash(each) for each in leaves]
        self._levels = [level]
        while len(level) > 1:
            pairs = zip(level[::2], level[1::2], strict=False)
            level = [node_hash(left, right) for left, right in pairs]
            self._levels.append(level)

    def __call__(self, height: int, index: int) -> bytes:
        return self._levels[height][index]


class Log:
    """A log that was published at some sizes, and what its key can sign besides."""

    def __init__(self, root: Path, seed: int, sizes: Sequence[int]) -> None:
        self.root = root
        self.sizes = list(sizes)
        self.signer = Signer(ORIGIN, Random(f"{seed} key").randbytes(32))
        self.vkey = self.signer.verifier.vkey
        self.commitments = facts(seed, max(sizes))
        self.leaves = [leaf_data(at, each) for at, each in enumerate(self.commitments)]
        self.notes: dict[int, str] = {}
        found(root / "signer", self.signer)
        signatory = Signatory(root / "signer", lambda _: None)
        publisher = Publisher(
            root / "tlog",
            signatory,
            lambda after, upto: self.commitments[after:upto],
            lambda _: None,
        )
        publisher.start(0)
        for size in self.sizes:
            note = publisher.publish(size)
            assert note is not None
            self.notes[size] = str(note)
        signatory.close()
        # From the published tiles, as anybody would make a proof.
        self.tree: Node = Tree(folder(root / "tlog"), max(sizes))

    def proof(self, index: int, size: int) -> Proof:
        return Proof(index, tuple(prove_inclusion(self.tree, index, size)), self.notes[size])

    def inclusion(self, proof: Proof, leaf: bytes) -> Case:
        return Case(INCLUSION, self.vkey, ORIGIN, proof=str(proof).encode(), leaf=leaf)

    def consistency(self, old: int, new: int) -> Case:
        path = prove_consistency(self.tree, old, new)
        proof = extension(old, path, self.notes[new])
        return Case(CONSISTENCY, self.vkey, ORIGIN, self.notes[old].encode(), proof.encode())

    def checkpoint(self, size: int) -> Case:
        return Case(CHECKPOINT, self.vkey, ORIGIN, self.notes[size].encode())

    def sign(self, size: int, root: bytes, origin: str = ORIGIN) -> str:
        """A checkpoint that the log's key signs, whatever it says."""
        text = Checkpoint(origin, size, root).text()
        return str(Note(text, (self.signer.sign(text),)))

    def fork(self, at: int, size: int) -> tuple[Levels, str]:
        """The log with another fact at an index: its tree, and its checkpoint of a size."""
        leaves = self.leaves[:size]
        leaves[at] = leaf_data(at, leaf_hash(leaves[at]))
        tree = Levels(leaves)
        return tree, self.sign(size, root_at(tree, size))


def true_cases(log: Log, seed: int) -> Iterator[Named]:
    """What every verifier must accept: all checkpoints, and proofs at every size."""
    random = Random(f"{seed} true")
    positive = [size for size in log.sizes if size]
    for size in log.sizes:
        yield f"{size}", log.checkpoint(size)
        # The edges of the tree, and of tiles, and anywhere.
        edges = {0, size - 1, size // 2, size // 256 * 256, size // 256 * 256 - 1}
        chosen = {each for each in edges if 0 <= each < size}
        chosen |= {random.randrange(size) for _ in range(5) if size}
        for index in sorted(chosen):
            leaf = log.leaves[index]
            yield f"{size}: leaf {index}", log.inclusion(log.proof(index, size), leaf)
        for old in random.sample(positive, min(5, len(positive))):
            if old < size:
                yield f"{old} -> {size}", log.consistency(old, size)


def write_files(folder_: Path, log: Log, cases: Sequence[Named]) -> None:
    """The same as files, for whoever wants to try a verifier by hand."""
    folder_.mkdir()
    (folder_ / "log.vkey").write_text(log.vkey + "\n")
    for name, case in cases:
        stem = name.replace(": leaf ", "-").replace(" -> ", "-")
        if case.kind == CHECKPOINT:
            (folder_ / f"{stem}.checkpoint").write_bytes(case.older)
        elif case.kind == INCLUSION:
            (folder_ / f"{stem}.tlog-proof").write_bytes(case.proof)
            (folder_ / f"{stem}.leaf").write_bytes(case.leaf)
        else:
            (folder_ / f"{stem}.consistency").write_bytes(case.proof)
