"""A case: something a log says, and what a verifier needs to judge it; one JSON line each."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass

CHECKPOINT = "checkpoint"
INCLUSION = "inclusion"
CONSISTENCY = "consistency"


@dataclass(frozen=True)
class Case:
    """What is claimed, and what the verifier knows beforehand: the log's key and its name.

    CHECKPOINT: `older` is a checkpoint. INCLUSION: `proof` is a .tlog-proof file, `leaf` the leaf
    it is of. CONSISTENCY: `older` is a checkpoint, `proof` says (in the form a witness is sent)
    that a later one continues it.
    """

    kind: str
    vkey: str
    origin: str
    older: bytes = b""
    proof: bytes = b""
    leaf: bytes = b""

    def line(self) -> str:
        """The case for a verifier in another process; bytes are base64, for they may be broken."""
        coded = {
            name: base64.b64encode(getattr(self, name)).decode()
            for name in ("older", "proof", "leaf")
        }
        told = {"kind": self.kind, "vkey": self.vkey, "origin": self.origin, **coded}
        return json.dumps(told) + "\n"


Named = tuple[str, Case]
"""A case with what it is, such as "257: leaf 3" or "a bit of the root is flipped"."""
