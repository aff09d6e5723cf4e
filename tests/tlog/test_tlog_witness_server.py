"""The witness of these tests against the recorded answers of another maker's witness."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from refnet.tlog.note import COSIGNATURE, ED25519, Signer, Verifier, decode64, parse_vkey
from tlog.witness_server import State

SIGSUM = "sigsum.org/v1/tree/4d6d8825a6bb689d459628312889dfbb0bcd41b5211d9e1ce768b0ff0309e562"
SIGSUM_KEY = "ffdc2d4d98e4124d3feaf788c0c2f9abfd796083d1f0495437f302ec79cf100f"
SUMDB = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"

DIFFER = {
    ("litewitness", 1): (403, 400, "its signature is not base64 as it is written by rule"),
    ("litewitness", 2): (403, 404, "today's text says 404 for an origin nobody knows"),
}
"""Rows of the recorded sequences on which the witness of the tests differs, and why."""


@pytest.mark.parametrize(
    ("name", "origin", "key"),
    [
        ("litewitness", SIGSUM, Verifier(SIGSUM, ED25519, bytes.fromhex(SIGSUM_KEY))),
        ("sumdb", "go.sum database tree", parse_vkey(SUMDB)),
    ],
    ids=["litewitness", "sumdb"],
)
def test_the_witness_of_these_tests_answers_as_another_does(
    shared_data: Callable[[str], Path], name: str, origin: str, key: Verifier
) -> None:
    room = shared_data("tlog-vectors") / "torchwood"
    rows = json.loads((room / f"{name}_add_checkpoint.json").read_text())["requests"]
    state = State(Signer("witness.example/0", b"\0" * 32, COSIGNATURE), {origin: [key]})
    differ = {}

    for at, row in enumerate(rows):
        reply = state.answer(row["request_body"].encode())
        if reply.status != row["expect_status"]:
            differ[name, at] = (row["expect_status"], reply.status)
        if reply.status == 200:
            signed = reply.body.decode().split(" ")
            assert signed[1] == "witness.example/0"
            assert len(decode64(signed[2].rstrip("\n"))) == 4 + 8 + 64

    assert differ == {row: pair[:2] for row, pair in DIFFER.items() if row[0] == name}
    assert len(rows) == (9 if name == "litewitness" else 1)
