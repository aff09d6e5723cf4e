"""A witness by the letter of c2sp.org/tlog-witness, with a real HTTP server, that can misbehave."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from refnet.log.tree import EMPTY_ROOT
from refnet.tlog.checkpoint import Checkpoint, parse_checkpoint
from refnet.tlog.note import BadNote, Note, Signature, Signer, Verifier, parse_note
from refnet.tlog.proof_file import parse_extension
from refnet.tlog.proofs import BadProof, check_consistency


@dataclass(frozen=True)
class Reply:
    """What is sent back. length: what the header claims, if not the truth."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    length: int | None = None


Twist = Callable[[Reply], Reply | None]
"""What becomes of the honest reply; None closes the connection without one."""


class State:
    """The rules of a witness: what it has cosigned, and what it answers to a request."""

    def __init__(self, signer: Signer, logs: Mapping[str, Sequence[Verifier]]) -> None:
        self.signer = signer
        self.logs = logs
        self.seen: dict[str, Checkpoint] = {}
        self._lock = threading.Lock()

    def answer(self, body: bytes) -> Reply:
        try:
            old, path, written = parse_extension(body.decode())
            note = parse_note(written)
            new = parse_checkpoint(note.text)
        except (UnicodeDecodeError, BadNote) as error:
            return Reply(400, str(error).encode())
        if new.origin not in self.logs:
            return Reply(404, b"unknown log\n")
        if not self._trusts(note, new.origin):
            return Reply(403, b"invalid signature\n")
        if old > new.size:
            return Reply(400, b"old size is larger\n")
        with self._lock:
            return self._judge(old, path, note, new)

    def _trusts(self, note: Note, origin: str) -> bool:
        try:
            return any(key.has_signed(note) for key in self.logs[origin])
        except BadNote:
            return False

    def _judge(self, old: int, path: Sequence[bytes], note: Note, new: Checkpoint) -> Reply:
        last = self.seen.get(new.origin, Checkpoint(new.origin, 0, EMPTY_ROOT))
        conflict = Reply(409, b"%d\n" % last.size, {"Content-Type": "text/x.tlog.size"})
        if old != last.size or (new.size == last.size and new.root != last.root):
            return conflict
        try:
            check_consistency(old, new.size, path, last.root, new.root)
        except BadProof as error:
            return Reply(422, f"consistency proof: {error}\n".encode())
        self.seen[new.origin] = new
        return Reply(200, self.cosign(note.text).line().encode())

    def cosign(self, text: str) -> Signature:
        return self.signer.sign(text, int(time.time()))


class WitnessServer:
    """A witness at an address of its own, until it is stopped; `restart` comes up at the same."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.twist: Twist = lambda reply: reply
        self.requests: list[bytes] = []
        self.connections = 0
        self._server = self._serve(0)
        self.url = f"http://127.0.0.1:{self._server.server_port}/w"

    def _serve(self, port: int) -> ThreadingHTTPServer:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                super().setup()
                outer.connections += 1
                outer._open.append(self)

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.requests.append(body)
                here = self.path == "/w/add-checkpoint"
                reply = outer.twist(outer.state.answer(body) if here else Reply(404))
                if reply is None:
                    self.close_connection = True
                    return
                self.send_response(reply.status)
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                length = len(reply.body) if reply.length is None else reply.length
                self.send_header("Content-Length", str(length))
                self.end_headers()
                self.wfile.write(reply.body)

            def log_message(self, *_: object) -> None:
                pass

        self._open: list[BaseHTTPRequestHandler] = []
        server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        server.daemon_threads = True
        server.handle_error = lambda *_: None  # type: ignore[method-assign]
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        return server

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        for each in self._open:
            with suppress(OSError):
                each.connection.shutdown(socket.SHUT_RDWR)

    def restart(self) -> None:
        port = self._server.server_port
        self.stop()
        self._server = self._serve(port)


@contextmanager
def witness_at_work(state: State) -> Iterator[WitnessServer]:
    server = WitnessServer(state)
    try:
        yield server
    finally:
        server.stop()
