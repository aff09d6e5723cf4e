"""Where `serve` listens, and where it does not."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.running import Run


@pytest.fixture
def taken() -> Iterator[int]:
    """A port of 127.0.0.1 alone that somebody listens on."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other.getsockname()[1]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_taken_port_is_refused_in_one_line_though_another_address_is_free(
    run_apart: Run, taken: int, host: str
) -> None:
    done = run_apart("serve", "--listen", f"{host}:{taken}", "--json", timeout=60)

    assert (1, "INVALID_REQUEST") == (done.code, done.json["error"]["reason"])
    assert f"127.0.0.1 port {taken} is taken; choose a free port" in done.err
    assert 1 == done.err.count("\n")


def test_the_demo_is_not_made_for_a_port_that_is_taken(run: Run, taken: int, data: Path) -> None:
    done = run("serve", "--demo", "--listen", f"127.0.0.1:{taken}", "--json")

    assert 1 == done.code
    assert not data.exists()


@pytest.mark.parametrize(
    ("listen", "hint"),
    [
        ("::1:50072", "write [::1]:50072"),
        ("50072", "127.0.0.1:50051"),
        ("127.0.0.1", "127.0.0.1:50051"),
        ("localhost:x", "127.0.0.1:50051"),
        ("localhost:70000", "127.0.0.1:50051"),
        (":50072", "127.0.0.1:50051"),
        ("[::2]:50072", "not a loopback address"),
    ],
)
def test_what_is_no_address_is_refused_with_one_that_is(run: Run, listen: str, hint: str) -> None:
    done = run("serve", "--listen", listen, "--json")

    error = done.json["error"]
    assert (1, "INVALID_REQUEST", "listen") == (done.code, error["reason"], error["field"])
    assert hint in error["message"]
