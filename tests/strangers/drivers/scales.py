"""tlog-scales (PyPI) over cases."""

from __future__ import annotations

import hashlib

import files
from tlog_scales.signing import Vkey
from tlog_scales.tlog import Checkpoint, ConsistencyProof, InclusionProof


def head(note: str, case: dict[str, str]) -> Checkpoint:
    found = Checkpoint.from_text(note)
    found.verify(Vkey.from_string(case["vkey"]))
    if found.origin != case["origin"]:  # it leaves that to its caller
        raise ValueError("of another origin")
    return found


def check(case: dict[str, str], older: str, proof: str, leaf: bytes) -> None:
    if case["kind"] == "checkpoint":
        head(older, case)
    elif case["kind"] == "inclusion":
        index, path, note = files.inclusion(proof)
        new = head(note, case)
        leaf_hash = hashlib.sha256(b"\0" + leaf).digest()
        InclusionProof(index, new.size, path).check(leaf_hash, new.root_hash)
    else:
        size, path, note = files.consistency(proof)
        old, new = head(older, case), head(note, case)
        ConsistencyProof(size, new.size, path).check(old.root_hash, new.root_hash)


files.run(check)
