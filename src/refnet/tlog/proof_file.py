"""Proofs as files (c2sp.org/tlog-proof) and as requests to a witness (c2sp.org/tlog-witness)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from refnet.log.tree import DIGEST_SIZE, leaf_data, leaf_hash
from refnet.tlog.checkpoint import parse_checkpoint, parse_size
from refnet.tlog.note import BadNote, decode64, encode64, parse_note
from refnet.tlog.proofs import check_inclusion

SUFFIX = ".tlog-proof"
_MAGIC = "c2sp.org/tlog-proof@v1"
_MAX_HASHES = 63


@dataclass(frozen=True, slots=True)
class Proof:
    """That a leaf is in a log: its index, the audit path, and the checkpoint as it was signed.

    extra: unsigned bytes beside it; refnet writes none.
    """

    index: int
    path: tuple[bytes, ...]
    checkpoint: str
    extra: bytes | None = None

    def __str__(self) -> str:
        """The file."""
        extra = "" if self.extra is None else f"extra {encode64(self.extra)}\n"
        return f"{_MAGIC}\n{extra}index {self.index}\n{_lines(self.path)}\n{self.checkpoint}"

    def check(self, index: int, commitment: bytes) -> None:
        """Raises BadProof unless the fact of that leaf index and commitment is what is proved.

        The checkpoint's signatures are not looked at. Raises BadNote if it is no checkpoint.
        """
        claimed = parse_checkpoint(parse_note(self.checkpoint).text)
        leaf = leaf_hash(leaf_data(index, commitment))
        check_inclusion(leaf, self.index, claimed.size, self.path, claimed.root)


def parse_proof(raw: str | bytes) -> Proof:
    """Read a proof file. Raises BadNote; the checkpoint in it is not looked at."""
    try:
        written = raw if isinstance(raw, str) else raw.decode()
    except UnicodeDecodeError as error:
        raise BadNote("the proof is not UTF-8") from error
    head, blank, checkpoint = written.partition("\n\n")
    lines = head.split("\n")
    if not blank or lines.pop(0) != _MAGIC:
        raise BadNote(f"the proof does not begin with {_MAGIC}")
    extra = None
    if lines and lines[0].startswith("extra "):
        extra = decode64(lines.pop(0).removeprefix("extra "))
    if not lines or not lines[0].startswith("index "):
        raise BadNote("the proof names no index")
    index = parse_size(lines.pop(0).removeprefix("index "))
    return Proof(index, parse_hashes(lines), checkpoint, extra)


def parse_hashes(lines: Sequence[str]) -> tuple[bytes, ...]:
    """A hash a line. Raises BadNote."""
    if len(lines) > _MAX_HASHES:
        raise BadNote(f"the proof has {len(lines)} hashes; no tree is higher than {_MAX_HASHES}")
    hashes = tuple(decode64(line) for line in lines)
    if any(len(each) != DIGEST_SIZE for each in hashes):
        raise BadNote(f"a hash of the proof does not have {DIGEST_SIZE} bytes")
    return hashes


def extension(old: int, path: Sequence[bytes], checkpoint: str) -> str:
    """That a checkpoint continues the tree of `old` leaves: the body a witness is sent."""
    return f"old {old}\n{_lines(path)}\n{checkpoint}"


def parse_extension(written: str) -> tuple[int, tuple[bytes, ...], str]:
    """The inverse of `extension`. Raises BadNote."""
    head, blank, checkpoint = written.partition("\n\n")
    lines = head.split("\n")
    if not blank or not lines[0].startswith("old "):
        raise BadNote("the proof names no old size")
    return parse_size(lines[0].removeprefix("old ")), parse_hashes(lines[1:]), checkpoint


def _lines(path: Sequence[bytes]) -> str:
    return "".join(encode64(each) + "\n" for each in path)
