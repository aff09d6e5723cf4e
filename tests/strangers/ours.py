"""refnet's own verifier over a case, as strangers' verifiers are asked."""

from __future__ import annotations

from refnet.log.tree import leaf_hash
from refnet.tlog.checkpoint import open_checkpoint
from refnet.tlog.note import BadNote, parse_vkey
from refnet.tlog.proof_file import parse_extension, parse_proof
from refnet.tlog.proofs import BadProof, check_consistency, check_inclusion
from strangers.cases import CHECKPOINT, INCLUSION, Case


def refusal(case: Case) -> str:
    """Why a case is refused, "" if it is accepted."""
    try:
        _check(case)
    except (BadNote, BadProof, UnicodeDecodeError) as error:
        return str(error) or type(error).__name__
    return ""


def _check(case: Case) -> None:
    key = parse_vkey(case.vkey)
    if case.origin != key.name:
        raise BadNote("the key is of another log")
    if case.kind == CHECKPOINT:
        open_checkpoint(case.older, key)
    elif case.kind == INCLUSION:
        proof = parse_proof(case.proof)
        head, _ = open_checkpoint(proof.checkpoint, key)
        check_inclusion(leaf_hash(case.leaf), proof.index, head.size, proof.path, head.root)
    else:
        older, _ = open_checkpoint(case.older, key)
        old, path, written = parse_extension(case.proof.decode())
        newer, _ = open_checkpoint(written, key)
        check_consistency(old, newer.size, path, older.root, newer.root)
