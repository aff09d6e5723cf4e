"""Position tokens: opaque to callers, and known to belong to one log.

A token is URL-safe base64 of the log's id (16 bytes) and the position (8 bytes, big endian): 32
characters.
"""

from __future__ import annotations

import base64
import binascii
import struct
from uuid import UUID

from refnet import v1
from refnet.errors import ForeignPosition

_LAYOUT = struct.Struct(">16sQ")
_POSITION_MAX = 2**63 - 1  # what SQLite and PostgreSQL can hold


class Positions:
    """Makes and reads the tokens of one log."""

    def __init__(self, log_id: UUID) -> None:
        self._log = log_id.bytes
        self._log_id = log_id

    def token(self, position: int) -> str:
        """The token of a position."""
        return base64.urlsafe_b64encode(_LAYOUT.pack(self._log, position)).decode()

    def message(self, position: int) -> v1.LogPosition:
        """The position as it travels."""
        return v1.LogPosition(token=self.token(position))

    def read(self, message: v1.LogPosition, *, field: str) -> int:
        """The position of a token. Raises ForeignPosition."""
        token = message.token
        try:
            packed = base64.urlsafe_b64decode(token)
            log, position = _LAYOUT.unpack(packed)
        except (binascii.Error, ValueError, struct.error):
            raise self._foreign("is not one of refnet's", field) from None
        # Decoding is lenient about stray characters; a token has one spelling.
        if log != self._log or position > _POSITION_MAX or self.token(position) != token:
            raise self._foreign("belongs to another log", field)
        return int(position)

    def _foreign(self, what: str, field: str) -> ForeignPosition:
        return ForeignPosition(
            f"{field} {what}; this is log {self._log_id}, use a position that it gave",
            field=field,
            log=self._log_id,
        )
