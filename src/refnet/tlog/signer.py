"""Who signs checkpoints, and the memory that keeps it from ever signing a fork.

The last signed checkpoint lies outside the event database, so that a database restored from a
backup cannot take it along: before each signature the new tree is proved to continue that one.
"""

from __future__ import annotations

import fcntl
import os
import stat
from collections.abc import Callable
from pathlib import Path

from refnet.errors import LogBehind, LogForked, NotFound, StoreSealed
from refnet.log.files import sync_directory
from refnet.log.tree import EMPTY_ROOT
from refnet.tlog.checkpoint import Checkpoint, parse_checkpoint
from refnet.tlog.files import PRIVATE, write_files
from refnet.tlog.note import BadNote, Note, Signer, Verifier, parse_note, parse_skey
from refnet.tlog.proofs import BadProof, Node, check_consistency, prove_consistency, root_at

STATE = "state"
LOCK = "lock"
"""Made when the first checkpoint is about to be signed."""

KEY_SUFFIX = ".skey"
RETIRED_SUFFIX = ".vkey"
"""Of the public halves of keys that sign no more."""

Reach = Callable[[str], None]
"""Told the steps of publishing as they are reached, by STEPS; tests have the process die there."""

STEPS = (
    "before-tiles",
    "before-tile-files",
    "tile-files-written",
    "after-tile-files",
    "after-tiles",
    "before-proof",
    "before-signature",
    "before-state",
    "state-written",
    "after-state",
    "before-checkpoint",
    "checkpoint-written",
    "after-checkpoint",
    "after-history",
)


class Signatory:
    """The keys of a log and what they signed last. One process at a time; close it.

    origin: the log's name in checkpoints, which is the name of its keys.
    """

    def __init__(self, directory: Path, reach: Reach) -> None:
        """Open the directory that `found` made.

        Raises NotFound if there is none, StoreSealed if another process signs with it, or a key
        file is open to others or no key.
        """
        self.directory = directory
        self._reach = reach
        self._signers = read_keys(directory)
        self.origin = self._signers[0].verifier.name
        self._lock = _lock(directory)
        self.last = read_state(directory)
        self.signed, self.size, self.root = _told(self.last)

    @property
    def verifiers(self) -> list[Verifier]:
        """The public keys, the oldest first."""
        return [each.verifier for each in self._signers]

    def sign(self, node: Node, size: int) -> Note:
        """Sign the tree of a size, once that is remembered for ever.

        Raises LogBehind if more than that was signed already, LogForked if the tree does not
        continue what was signed; StorageFull or StoreDamaged if it could not be remembered.
        """
        if size < self.size:
            raise behind(self.directory, self.size, size)
        self._reach("before-proof")
        root = root_at(node, size)
        self._check(node, size, root)
        self._reach("before-signature")
        made = Checkpoint(self.origin, size, root)
        text = made.text()
        note = Note(text, tuple(each.sign(text) for each in self._signers))
        self._reach("before-state")
        write_files(
            self.directory,
            {STATE: str(note).encode()},
            PRIVATE,
            written=lambda: self._reach("state-written"),
        )
        self._reach("after-state")
        self.last, self.signed, self.size, self.root = str(note), made, size, root
        return note

    def _check(self, node: Node, size: int, root: bytes) -> None:
        if self.signed is None:
            return
        try:
            path = prove_consistency(node, self.size, size)
            check_consistency(self.size, size, path, self.root, root)
        except BadProof as error:
            raise LogForked(
                f"the log does not continue the tree of {self.size} facts that was signed: {error};"
                " nothing more is signed; restore the database that holds what was published",
                size=self.size,
            ) from error

    def close(self) -> None:
        """Let another process sign."""
        os.close(self._lock)


def found(directory: Path, signer: Signer) -> None:
    """Make the directory of a log that has signed nothing yet. Raises StoreSealed if it exists."""
    if directory.exists() and any(directory.iterdir()):
        raise StoreSealed(
            f"{directory} holds a signer already; list its keys, or name another directory",
            path=directory,
        )
    write_files(directory, {_key_file(signer): _key_text(signer)}, PRIVATE)


def add_key(directory: Path, signer: Signer) -> None:
    """Have another key sign too, beside those there are. Raises StoreSealed for another log's."""
    origin = read_keys(directory)[0].verifier.name
    if signer.verifier.name != origin:
        raise StoreSealed(f"the keys of {directory} are of {origin}, not {signer.verifier.name}")
    write_files(directory, {_key_file(signer): _key_text(signer)}, PRIVATE)


def retire_key(directory: Path, key_id: str) -> None:
    """Have a key sign no more; its public half is kept.

    Raises NotFound if there is none, StoreSealed if it is the last.
    """
    keys = read_keys(directory)
    chosen = [each for each in keys if each.verifier.key_id.hex() == key_id]
    if not chosen:
        raise NotFound(f"{directory} holds no key {key_id}; list its keys", key_id=key_id)
    if len(keys) == 1:
        raise StoreSealed(f"{key_id} is the only key of {directory}; add the next one first")
    public = chosen[0].verifier
    # What it signed stays, and is verified with its public half.
    write_files(directory, {f"{key_id}{RETIRED_SUFFIX}": f"{public.vkey}\n".encode()}, PRIVATE)
    (directory / _key_file(chosen[0])).unlink()
    sync_directory(directory)


def read_keys(directory: Path) -> list[Signer]:
    """The keys of a log, the oldest first. Raises NotFound, StoreSealed."""
    paths = sorted(directory.glob(f"*{KEY_SUFFIX}"), key=lambda path: path.stat().st_mtime_ns)
    if not paths:
        raise NotFound(
            f"{directory} holds no signing key; is it mounted, and does REFNET_SIGNER_DIR name the "
            "right one? The first is made with: refnet audit init --operator DOMAIN",
            path=directory,
        )
    return [_read_key(path) for path in paths]


def read_state(directory: Path) -> str:
    """The last signed checkpoint, "" if nothing was signed yet. Raises StoreSealed."""
    path = directory / STATE
    try:
        return path.read_text("utf-8")
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise _unreadable(path, error) from error


def behind(directory: Path, signed: int, size: int) -> LogBehind:
    """The refusal to serve a database that has lost what was signed."""
    return LogBehind(
        f"the log ends at position {size}, but position {signed} was signed and published: the "
        f"database was restored from a backup; restore a newer one ({directory} remembers)",
        size=size,
        missing=signed,
    )


def _told(state: str) -> tuple[Checkpoint | None, int, bytes]:
    if not state:
        return None, 0, EMPTY_ROOT
    try:
        last = parse_checkpoint(parse_note(state).text)
    except BadNote as error:
        raise StoreSealed(
            f"the signer's state is no checkpoint: {error}; restore it from the backup"
        ) from error
    return last, last.size, last.root


def _read_key(path: Path) -> Signer:
    try:
        mode = path.stat().st_mode
        text = path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise _unreadable(path, error) from error
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise StoreSealed(f"the key file {path} is open to others; chmod 600 {path}", path=path)
    try:
        return parse_skey(text)
    except BadNote as error:
        raise StoreSealed(f"the key file {path} is none: {error}", path=path) from error


def _unreadable(path: Path, error: Exception) -> StoreSealed:
    why = error.strerror if isinstance(error, OSError) else "it is no text"
    return StoreSealed(f"{path} cannot be read: {why}", path=path)


def _key_file(signer: Signer) -> str:
    return f"{signer.verifier.key_id.hex()}{KEY_SUFFIX}"


def _key_text(signer: Signer) -> bytes:
    return f"{signer.skey()}\n".encode()


def _lock(directory: Path) -> int:
    descriptor = os.open(directory / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, PRIVATE)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        raise StoreSealed(
            f"another process signs with {directory}; stop it", path=directory
        ) from error
    return descriptor
