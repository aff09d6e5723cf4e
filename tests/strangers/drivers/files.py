"""Cutting proof files into their fields, for verifiers that have no reader of their own.

Runs beside them, in an environment without refnet. What the fields mean is the verifiers' business.
"""

from __future__ import annotations

import base64
import json
import re
import sys
from collections.abc import Callable

NUMBER = re.compile(r"0|[1-9][0-9]*")


def fields(text: str, opening: str) -> tuple[int, list[bytes], str]:
    """The number after `opening`, a hash a line, and the checkpoint after the empty line."""
    head, blank, note = text.partition("\n\n")
    if not blank or not head.startswith(opening):
        raise ValueError(f"does not begin with {opening}")
    number, *hashes = head.removeprefix(opening).split("\n")
    if not NUMBER.fullmatch(number):
        raise ValueError("no number")
    return int(number), [base64.b64decode(line, validate=True) for line in hashes], note


def inclusion(text: str) -> tuple[int, list[bytes], str]:
    """The fields of a .tlog-proof file."""
    return fields(text, "c2sp.org/tlog-proof@v1\nindex ")


def consistency(text: str) -> tuple[int, list[bytes], str]:
    """The fields of a proof of consistency, in the form a witness is sent."""
    return fields(text, "old ")


def run(check: Callable[[dict[str, str], str, str, bytes], None]) -> None:
    """A case a line in, a verdict a line out: accept, or refuse and why.

    check: takes the case, the older checkpoint, the proof and the leaf; raises to refuse.
    """
    for line in sys.stdin:
        case = json.loads(line)
        older, proof, leaf = (base64.b64decode(case[each]) for each in ("older", "proof", "leaf"))
        try:
            check(case, older.decode(), proof.decode(), leaf)
            said = "accept"
        except Exception as error:  # noqa: BLE001 - however it refuses, it refuses
            said = f"refuse {type(error).__name__} {error}".replace("\n", " ")
        sys.stdout.write(said + "\n")
