"""One HTTP connection that is kept open, for small requests that must end by a deadline."""

from __future__ import annotations

import http.client
import socket
import ssl
import time
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

ANSWER_BYTES_MAX = 1 << 16
"""More than any quorum of cosignatures; who sends more is not listened to."""

_PART = 1 << 12


class NoAnswer(Exception):
    """Nobody answered in time, or not in HTTP; the text says which."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: the status, the body, and the two headers that mean something here."""

    status: int
    body: bytes
    kind: str
    retry_after: str


class Post:
    """Posts to what lies below one address. For one thread; only `cut` is for others.

    A request that found the kept connection closed is sent once more over a new one.
    """

    def __init__(self, url: str, context: ssl.SSLContext | None = None) -> None:
        """url: http or https. Raises ValueError for anything else."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query:
            raise ValueError(f"{url!r} is no http or https address to post to")
        self._path = parts.path.rstrip("/")
        self._is_cut = False
        host, port = parts.hostname, parts.port
        self._http = (
            http.client.HTTPSConnection(host, port, context=context)
            if parts.scheme == "https"
            else http.client.HTTPConnection(host, port)
        )

    def send(self, name: str, body: bytes, deadline: float) -> Answer:
        """Post to a name below the address. deadline: on the monotonic clock. Raises NoAnswer."""
        self._is_cut = False
        for attempt in range(2):
            kept = self._http.sock is not None
            try:
                return self._send(name, body, deadline)
            except (OSError, http.client.HTTPException, ValueError) as error:
                self.close()
                gone = isinstance(error, ConnectionError | http.client.BadStatusLine)
                if attempt or self._is_cut or not (kept and gone):
                    raise NoAnswer(_said(error)) from error
        raise AssertionError("the second attempt returns or raises")

    def _send(self, name: str, body: bytes, deadline: float) -> Answer:
        self._http.timeout = _left(deadline)
        if self._http.sock is None:
            self._http.connect()
        self._http.sock.settimeout(_left(deadline))
        self._http.request("POST", f"{self._path}/{name}", body, {"Content-Type": "text/plain"})
        answer = self._http.getresponse()
        content = self._read(answer, deadline)
        if self._is_cut:  # what was read so far looks like all there is
            raise ConnectionAbortedError("nobody waits for it any more")
        if not answer.isclosed():  # there is more than anybody asked for
            self.close()
        return Answer(
            answer.status,
            content,
            answer.headers.get("Content-Type", ""),
            answer.headers.get("Retry-After", ""),
        )

    def _read(self, answer: http.client.HTTPResponse, deadline: float) -> bytes:
        """The body, or so much of it that it is too much."""
        content = b""
        while len(content) <= ANSWER_BYTES_MAX:
            left = _left(deadline)
            if self._http.sock is not None:
                self._http.sock.settimeout(left)
            part = answer.read1(_PART)
            if not part:
                if answer.length:  # the rest never came
                    raise http.client.IncompleteRead(content, answer.length)
                answer.close()
                break
            content += part
        return content

    def cut(self) -> None:
        """Have the thread that waits for an answer wait no longer."""
        self._is_cut = True
        sock = self._http.sock
        if sock is not None:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Let the connection go; the next request opens another."""
        self._http.close()


def _left(deadline: float) -> float:
    """The seconds to a deadline. Raises TimeoutError if it has passed."""
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError("no answer in time")
    return left


def _said(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__
