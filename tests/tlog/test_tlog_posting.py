"""One connection that is kept: over TLS too, and against servers that never come to an end."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.client import parse_headers
from http.server import BaseHTTPRequestHandler, HTTPServer
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from refnet.tlog.posting import NoAnswer, Post


class Echo(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate of 127.0.0.1 that nobody signed, with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "witness")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    file = tmp_path / "certificate"
    file.write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + made.public_bytes(pem)
    )
    return file


@pytest.fixture
def secure(certificate: Path) -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Echo)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield f"https://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


def soon(seconds: float = 5) -> float:
    return time.monotonic() + seconds


def test_a_witness_over_tls_must_show_a_certificate_that_is_trusted(
    secure: str, certificate: Path
) -> None:
    post = Post(secure)
    with pytest.raises(NoAnswer, match="CERTIFICATE_VERIFY_FAILED"):
        post.send("x", b"hello", soon())
    post.close()

    post = Post(secure, ssl.create_default_context(cafile=str(certificate)))
    for _ in range(2):
        assert post.send("x", b"hello", soon()).body == b"hello"
    post.close()


@pytest.fixture
def serving() -> Iterator[Callable[[Callable[[socket.socket], None]], str]]:
    """A server that does with each connection what it is told, and nothing else."""
    listening: list[socket.socket] = []

    def serve(each: Callable[[socket.socket], None]) -> str:
        server = socket.create_server(("127.0.0.1", 0))
        listening.append(server)

        def accept() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                    with connection:
                        each(connection)
                except OSError:
                    if server.fileno() < 0:
                        return

        threading.Thread(target=accept, daemon=True).start()
        return f"http://127.0.0.1:{server.getsockname()[1]}/"

    yield serve
    for server in listening:
        server.close()


def read_request(connection: socket.socket) -> None:
    """To its end: closing with something unread resets the connection, and the answer is lost."""
    with connection.makefile("rb") as file:
        file.readline()
        file.read(int(parse_headers(file)["Content-Length"]))


def drip(connection: socket.socket, first: bytes, each: bytes) -> None:
    read_request(connection)
    connection.sendall(first)
    for _ in range(200):
        time.sleep(0.02)
        connection.sendall(each)


@pytest.mark.parametrize("length", ["Content-Length: 100000\r\n", "Connection: close\r\n", ""])
def test_an_answer_that_drips_is_not_waited_for(
    serving: Callable[[Callable[[socket.socket], None]], str], length: str
) -> None:
    head = f"HTTP/1.1 200 OK\r\n{length}\r\n".encode()
    post = Post(serving(lambda connection: drip(connection, head, b"x")))
    begun = time.monotonic()

    with pytest.raises(NoAnswer, match="no answer in time"):
        post.send("x", b"hello", soon(0.3))
    post.close()
    assert time.monotonic() - begun < 3


def test_a_head_that_drips_is_cut_off(
    serving: Callable[[Callable[[socket.socket], None]], str],
) -> None:
    """Every byte comes in time, so that only who waits with it can end it."""
    url = serving(lambda connection: drip(connection, b"HTTP/1.1 200 OK\r\nX: ", b"x"))
    post = Post(url)
    threading.Timer(0.3, post.cut).start()
    begun = time.monotonic()

    with pytest.raises(NoAnswer, match="nobody waits for it any more"):
        post.send("x", b"hello", soon(2))
    post.close()
    assert time.monotonic() - begun < 3


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (b"SSH-2.0-OpenSSH_9.2\r\n", "SSH-2.0"),
        (b"HTTP/1.1 abc\r\n\r\n", "abc"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", "IncompleteRead|reset"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "IncompleteRead|reset"),
        (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200, "headers"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000, "line"),
        (b"", "without response"),
    ],
)
def test_what_is_no_answer_in_http_says_so(
    serving: Callable[[Callable[[socket.socket], None]], str], answer: bytes, why: str
) -> None:
    def each(connection: socket.socket) -> None:
        read_request(connection)
        connection.sendall(answer)

    post = Post(serving(each))
    with pytest.raises(NoAnswer, match=why):
        post.send("x", b"hello", soon(2))
    post.close()


def test_chunks_are_put_together(
    serving: Callable[[Callable[[socket.socket], None]], str],
) -> None:
    def each(connection: socket.socket) -> None:
        read_request(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        connection.sendall(b"3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n")

    post = Post(serving(each))
    # The second finds the connection closed and opens another.
    for _ in range(2):
        assert post.send("x", b"", soon()).body == b"hello"
    post.close()
