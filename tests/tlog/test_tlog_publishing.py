"""A store that is published with witnesses: nothing is shown before enough have cosigned."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from refnet.domain.contact import RegisterContact
from refnet.domain.decisions import Request
from refnet.domain.network import CharterNetwork
from refnet.errors import RefnetError, StoreSealed
from refnet.publishing import FOLDER, POLICY, SIGNER
from refnet.tlog import signer
from refnet.tlog.checkpoint import open_checkpoint
from refnet.tlog.note import COSIGNATURE, Signer, parse_note
from refnet.tlog.policy import parse_policy
from refnet.wiring import open_engine, open_publishing
from tlog.witness_server import State, WitnessServer, witness_at_work

KEY = Signer("example.com/refnet/test", b"\x07" * 32)
OTHER = Signer("other.example/log", bytes(32))
WITNESSES = [Signer(f"witness.example/w{n}", bytes([n]) * 32, COSIGNATURE) for n in (1, 2, 3)]


@pytest.fixture
def servers() -> Iterator[list[WitnessServer]]:
    """Three witnesses that know the log."""
    logs = {KEY.verifier.name: [KEY.verifier]}
    with ExitStack() as stack:
        yield [stack.enter_context(witness_at_work(State(each, logs))) for each in WITNESSES]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A store with a fact and a signer."""
    data = tmp_path / "store"
    record(data, CharterNetwork(name="n"))
    signer.found(data / SIGNER, KEY)
    return data


def record(data: Path, command: object) -> None:
    with open_engine(data, warn=lambda _: None) as engine:
        noun = "network" if isinstance(command, CharterNetwork) else "contact"
        number = engine.head()[0]
        request = Request(command=command, request_id=str(number), new_id=engine.new_id(noun))
        (outcome,) = engine.execute([request])
        assert not isinstance(outcome, RefnetError), outcome


def policy(servers: list[WitnessServer], quorum: str) -> bytes:
    lines = [f"log {KEY.verifier.vkey}"]
    lines += [
        f"witness w{n} {each.verifier.vkey} {server.url}"
        for n, (each, server) in enumerate(zip(WITNESSES, servers, strict=True), 1)
    ]
    return "\n".join(
        [*lines, f"group all-three {quorum} w1 w2 w3", "quorum all-three", ""]
    ).encode()


def publish(data: Path) -> int:
    """Publish once; how many facts the shown checkpoint covers."""
    with (
        open_engine(data, read_only=True) as engine,
        closing(open_publishing(engine)) as publishing,
    ):
        publishing.start()
        return publishing.publish()


def shown(data: Path) -> bytes | None:
    path = data / FOLDER / "checkpoint"
    return path.read_bytes() if path.exists() else None


def test_a_checkpoint_is_shown_with_the_cosignatures_of_its_quorum(
    data: Path, servers: list[WitnessServer]
) -> None:
    raw = policy(servers, "2")
    (data / SIGNER / POLICY).write_bytes(raw)
    servers[2].stop()

    assert publish(data) == 1
    record(data, RegisterContact(name="c"))
    assert publish(data) == 2
    found = shown(data)
    assert found is not None
    assert open_checkpoint(found, KEY.verifier)[0].size == 2
    assert parse_policy(raw).satisfied(parse_note(found))
    assert parse_policy(raw).cosigners(parse_note(found)) == {"w1", "w2"}


def test_without_a_quorum_nothing_is_shown_until_there_is_one(
    data: Path, servers: list[WitnessServer]
) -> None:
    (data / SIGNER / POLICY).write_bytes(policy(servers, "all"))
    assert publish(data) == 1
    servers[0].stop()
    before = shown(data)
    record(data, RegisterContact(name="c"))

    assert publish(data) == 1
    assert shown(data) == before
    record(data, RegisterContact(name="d"))
    assert publish(data) == 1
    servers[0].restart()
    # What was signed, and not shown, is what the witnesses see next: never another tree.
    assert publish(data) == 3
    assert parse_policy(policy(servers, "all")).satisfied(parse_note(shown(data) or b""))


def test_the_same_size_is_cosigned_later(data: Path, servers: list[WitnessServer]) -> None:
    (data / SIGNER / POLICY).write_bytes(policy(servers, "all"))
    servers[1].stop()
    assert publish(data) == 0
    assert shown(data) is None
    servers[1].restart()
    assert publish(data) == 1


def test_a_policy_that_comes_later_is_asked_for_what_is_shown(
    data: Path, servers: list[WitnessServer]
) -> None:
    assert publish(data) == 1
    raw = policy(servers, "2")
    (data / SIGNER / POLICY).write_bytes(raw)

    assert publish(data) == 1
    assert parse_policy(raw).satisfied(parse_note(shown(data) or b""))
    before = [len(each.requests) for each in servers]
    assert publish(data) == 1
    assert [len(each.requests) for each in servers] == before  # it is complete now


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"quorum\n", "line 1"),
        (b"log x\nquorum none\n", "line 1"),
        (
            f"log {Signer('other.example/log', bytes(32)).verifier.vkey}\nquorum none\n".encode(),
            "names other logs",
        ),
    ],
)
def test_a_policy_that_cannot_be_is_refused_before_anything_is_signed(
    data: Path, raw: bytes, text: str
) -> None:
    (data / SIGNER / POLICY).write_bytes(raw)
    with pytest.raises(StoreSealed, match=text):
        publish(data)
    assert not (data / SIGNER / "state").exists()
    (data / SIGNER / POLICY).unlink()
    assert publish(data) == 1  # and no lock was left behind
