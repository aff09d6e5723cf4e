"""aics-tlog (PyPI) over cases."""

from __future__ import annotations

import files
from aics_tlog import (
    parse_note,
    parse_vkey,
    verify_checkpoint,
    verify_consistency,
    verify_leaf_inclusion,
)
from aics_tlog.checkpoint import CheckpointVerifyResult


def head(note: str, case: dict[str, str]) -> CheckpointVerifyResult:
    result = verify_checkpoint(
        parse_note(note), parse_vkey(case["vkey"]), expected_origin=case["origin"]
    )
    if not result.ok:
        raise ValueError(result.error)
    return result


def check(case: dict[str, str], older: str, proof: str, leaf: bytes) -> None:
    if case["kind"] == "checkpoint":
        head(older, case)
        return
    if case["kind"] == "inclusion":
        index, path, note = files.inclusion(proof)
        new = head(note, case)
        good = verify_leaf_inclusion(leaf, index, new.size, path, new.root)
    else:
        size, path, note = files.consistency(proof)
        old, new = head(older, case), head(note, case)
        good = verify_consistency(size, new.size, old.root, new.root, path)
    if not good:
        raise ValueError("the proof does not verify")


files.run(check)
