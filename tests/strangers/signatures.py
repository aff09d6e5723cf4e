"""openssl over the signatures of checkpoints: the plainest of verifiers."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

from refnet.tlog.note import parse_note
from strangers.installed import Unavailable
from strangers.logs import Log

SPKI = bytes.fromhex("302a300506032b6570032100")
"""An Ed25519 key in DER begins so."""


def openssl_agrees(log: Log) -> tuple[int, int]:
    """How many checkpoints' signatures verify; and how many do not, once a bit is another."""
    if not shutil.which("openssl"):
        raise Unavailable("no openssl on PATH")
    good = refused = 0
    with TemporaryDirectory() as name:
        room = Path(name)
        (room / "key").write_bytes(SPKI + log.signer.verifier.public)
        for size in log.sizes:
            note = parse_note(log.notes[size])
            signature = note.signatures[0].signature
            good += _verifies(room, note.text, signature)
            flipped = bytes([signature[0] ^ 1, *signature[1:]])
            refused += not _verifies(room, note.text, flipped)
    return good, refused


def _verifies(room: Path, text: str, signature: bytes) -> bool:
    (room / "text").write_text(text)
    (room / "signature").write_bytes(signature)
    command = "openssl pkeyutl -verify -rawin -pubin -keyform DER -inkey key -in text"
    done = subprocess.run(
        [*command.split(" "), "-sigfile", "signature"], cwd=room, capture_output=True, check=False
    )
    return done.returncode == 0
