"""Page tokens: where a listing is pinned, how far it came, and that its arguments stayed the same.

A token is URL-safe base64 of position, day, cursor and a digest that covers these, the log, and the
request without its page fields. It is no secret and no signature: it only has to be noticed when a
token is damaged or used with other arguments. Who makes one up gets a page that exists, or a
refusal, because what it holds is checked like any other argument.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import struct
from dataclasses import dataclass
from typing import Any, NoReturn
from uuid import UUID

from refnet.domain.ranges import DAY_MAX
from refnet.errors import InvalidPageToken

PAGE_DEFAULT = 100
PAGE_MAX = 1000
PAGE_BYTES_MAX = 3 << 20
"""What a page's results may take together; a message may have 4 MiB."""


_PINNED = struct.Struct(">QqQ")
_DIGEST = 12


@dataclass(frozen=True, slots=True)
class Page:
    """What a token holds.

    pin: position of the listing. cursor: how far the pages came; what is listed is there because of
    a fact of its own, so it never exceeds pin. day: of scores.
    """

    pin: int
    cursor: int
    day: int = 0

    def is_within(self, head: int) -> bool:
        """Whether a log that reaches `head` can have such a page."""
        return 0 <= self.cursor <= self.pin <= head and 0 <= self.day <= DAY_MAX


def page_size(asked: int) -> int:
    """The number of results that a request for `asked` gets; 0 asks for the default."""
    return min(asked, PAGE_MAX) or PAGE_DEFAULT


class Room:
    """What a page can still take in bytes. There is always room for its first result."""

    def __init__(self) -> None:
        self._taken = 0

    def takes(self, size: int) -> bool:
        """Whether a result of so many bytes still fits; if so, it is in."""
        fits = self._taken == 0 or self._taken + size <= PAGE_BYTES_MAX
        self._taken += size if fits else 0
        return fits


class Pages:
    """Makes and reads the page tokens of one log."""

    def __init__(self, log_id: UUID) -> None:
        self._log = log_id.bytes

    def token(self, request: Any, page: Page) -> str:
        """The token of the next page of the listing that `request` asked for."""
        pinned = _PINNED.pack(page.pin, page.day, page.cursor)
        return base64.urlsafe_b64encode(pinned + self._digest(request, pinned)).decode()

    def read(self, request: Any, head: int) -> Page | None:
        """Where the listing goes on, or None for its first page. Raises InvalidPageToken.

        head: position of the log.
        """
        token: str = request.page_token
        if not token:
            return None
        try:
            packed = base64.urlsafe_b64decode(token)
            pin, day, cursor = _PINNED.unpack_from(packed)
        except (binascii.Error, ValueError, struct.error):
            _refuse()
        page = Page(pin, cursor, day)
        if self.token(request, page) != token or not page.is_within(head):
            _refuse()
        return page

    def _digest(self, request: Any, pinned: bytes) -> bytes:
        others = type(request)()
        others.CopyFrom(request)
        others.ClearField("page_token")
        others.ClearField("page_size")
        content = others.SerializeToString(deterministic=True)
        kind = request.DESCRIPTOR.full_name.encode()
        return hashlib.sha256(b"\n".join((kind, self._log, pinned, content))).digest()[:_DIGEST]


def _refuse() -> NoReturn:
    raise InvalidPageToken(
        "page_token is damaged, or the other arguments changed; begin with the first page",
        field="page_token",
    )
