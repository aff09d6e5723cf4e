"""The key-encryption key: a file outside the database, best outside the machine's backups."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

from refnet.domain.ids import Entropy
from refnet.errors import StoreSealed
from refnet.log.files import sync_directory

KEK_SIZE = 32


def load_kek(
    directory: Path,
    path: Path | None,
    entropy: Entropy,
    warn: Callable[[str], None],
    *,
    make: bool = True,
) -> bytes:
    """The 32 bytes of the key-encryption key, kept as 64 hex digits.

    path: the file an operator named, which must exist. Without it, DIRECTORY/kek is used; with
    `make` it is made, with a warning, if the directory holds no key store yet. Raises StoreSealed
    for a file that everybody may read, that is not a key, or that is missing.
    """
    if path is not None:
        return read_kek(path)
    own = directory / "kek"
    if own.exists():
        return read_kek(own)
    if not make or (directory / "keys.db").exists():
        raise StoreSealed(
            f"the key-encryption key of {directory} is not at {own}; "
            "restore it from the backup, or name its file in REFNET_KEK_FILE",
            path=own,
        )
    secret = write_kek(own, entropy)
    warn(
        f"made a key-encryption key at {own}, beside the data it protects; "
        "for real people's data keep it elsewhere and name it in REFNET_KEK_FILE"
    )
    return secret


def next_kek(directory: Path) -> Path:
    """Where the key that is to follow DIRECTORY/kek lies while it is being changed."""
    return directory / "kek.next"


def write_kek(path: Path, entropy: Entropy) -> bytes:
    """A new key in a file for its owner only, whole or not at all; durable when this returns."""
    secret = entropy(KEK_SIZE)
    _write(path, secret)
    return secret


def put_in_force(directory: Path) -> None:
    """Have DIRECTORY/kek be the key that was to follow it. Durable when this returns."""
    next_kek(directory).replace(directory / "kek")
    sync_directory(directory)


def read_kek(path: Path) -> bytes:
    """The 32 bytes in a key file.

    Raises StoreSealed for one that everybody may read, that is not a key, or that is missing.
    """
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            text = file.read(4 * KEK_SIZE)
    except OSError as error:
        reason = error.strerror
        raise StoreSealed(f"the key file {path} cannot be read: {reason}", path=path) from error
    if mode & (stat.S_IROTH | stat.S_IWOTH):
        raise StoreSealed(f"the key file {path} is open to everybody; chmod 600 {path}", path=path)
    try:
        secret = bytes.fromhex(text.decode("ascii").strip())
    except ValueError:
        secret = b""
    if len(secret) != KEK_SIZE:
        raise StoreSealed(
            f"the key file {path} does not hold {2 * KEK_SIZE} hex digits; "
            f"make one with: openssl rand -hex {KEK_SIZE}",
            path=path,
        )
    return secret


def _write(path: Path, secret: bytes) -> None:
    """Create the file, for its owner only, whole or not at all, before any key relies on it."""
    unfinished = path.with_name(f"{path.name}.new")
    unfinished.unlink(missing_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    with os.fdopen(os.open(unfinished, flags, 0o600), "w", encoding="ascii") as file:
        file.write(secret.hex() + "\n")
        file.flush()
        os.fsync(file.fileno())
    unfinished.rename(path)
    sync_directory(path.parent)
