"""Asking witnesses over real HTTP: honest ones, slow ones, dead ones, and such that lie."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from hashlib import sha256

import pytest

from refnet.log.tree import leaf_data, leaf_hash, node_hash
from refnet.tlog.checkpoint import Checkpoint
from refnet.tlog.cosigning import Cosigned, Witnesses
from refnet.tlog.note import COSIGNATURE, Note, Signer
from refnet.tlog.policy import Policy, parse_policy
from refnet.tlog.proofs import root_at
from refnet.tlog.witness import Cause
from tlog.witness_server import Reply, State, Twist, WitnessServer, witness_at_work

ORIGIN = "example.com/refnet/test"
LOG = Signer(ORIGIN, b"\x63" * 32)
KEYS = [Signer(f"witness.example/{at}", bytes([at]) * 32, COSIGNATURE) for at in range(3)]
NAMES = ["W0", "W1", "W2"]


class Grown:
    """A small tree in memory, with another history from some leaf on if asked."""

    def __init__(self, fork_at: int = 1 << 20) -> None:
        self.fork_at = fork_at

    def __call__(self, height: int, index: int) -> bytes:
        if height == 0:
            salt = b"fork" if index >= self.fork_at else b""
            return leaf_hash(leaf_data(index, sha256(salt + b"%d" % index).digest()))
        return node_hash(self(height - 1, 2 * index), self(height - 1, 2 * index + 1))

    def note(self, size: int) -> Note:
        text = Checkpoint(ORIGIN, size, root_at(self, size)).text()
        return Note(text, (LOG.sign(text),))


TREE = Grown()


@pytest.fixture
def servers() -> Iterator[list[WitnessServer]]:
    with ExitStack() as stack:
        states = [State(key, {ORIGIN: [LOG.verifier]}) for key in KEYS]
        yield [stack.enter_context(witness_at_work(each)) for each in states]


def policy_of(urls: Sequence[str], quorum: str) -> Policy:
    """A policy of the first witnesses; quorum: a number, all, any, or none."""
    chosen = zip(NAMES, KEYS, urls, strict=False)
    lines = [f"witness {name} {key.verifier.vkey} {url}\n" for name, key, url in chosen]
    group = f"group G {quorum} {' '.join(NAMES[: len(urls)])}\nquorum G\n"
    text = "".join([*lines, "quorum none\n" if quorum == "none" else group])
    return parse_policy(f"log {LOG.verifier.vkey}\n{text}".encode())


@pytest.fixture
def ask(servers: list[WitnessServer]) -> Iterator[Callable[..., Cosigned]]:
    """Asks the first `count` witnesses, always through the same client."""
    made: dict[tuple[int, str], Witnesses] = {}

    def cosign(
        size: int, count: int = 1, quorum: str = "all", tree: Grown = TREE, patience_s: float = 5.0
    ) -> Cosigned:
        policy = policy_of([each.url for each in servers[:count]], quorum)
        witnesses = made.setdefault((count, quorum), Witnesses(policy))
        return witnesses.cosign(tree.note(size), tree, size, patience_s)

    yield cosign
    for each in made.values():
        each.close()


def causes(result: Cosigned) -> dict[str, Cause]:
    return {each.name: each.cause for each in result.failures}


def olds(server: WitnessServer) -> list[int]:
    """The old sizes it was asked with."""
    return [int(body.split(b"\n", 1)[0].removeprefix(b"old ")) for body in server.requests]


def test_a_growing_log_is_cosigned_over_one_connection(
    servers: list[WitnessServer], ask: Callable[..., Cosigned]
) -> None:
    for size in (0, 1, 2, 7, 8, 21, 21, 64):
        result = ask(size, count=2)
        assert result.is_enough
        assert result.failures == ()
        assert policy_of(["", ""], "all").satisfied(result.note)
        assert result.note.text == TREE.note(size).text

    assert [each.connections for each in servers] == [1, 1, 0]
    assert olds(servers[0]) == [0, 0, 1, 2, 7, 8, 21, 21]


def test_who_has_answered_can_be_asked_again_at_once(
    servers: list[WitnessServer], ask: Callable[..., Cosigned]
) -> None:
    sizes = range(1, 60)
    assert [size for size in sizes if ask(size).failures] == []
    assert servers[0].connections == 1


def test_a_client_that_knows_nothing_takes_the_size_it_is_told(
    servers: list[WitnessServer], ask: Callable[..., Cosigned]
) -> None:
    ask(9)
    assert ask(20, count=2).is_enough  # another client: W0 has 9, W1 nothing

    assert olds(servers[0]) == [0, 0, 9]
    assert olds(servers[1]) == [0]


def test_a_lost_answer_is_asked_for_again(
    servers: list[WitnessServer], ask: Callable[..., Cosigned]
) -> None:
    """The witness has cosigned and says so; then the checkpoint needs no proof."""
    servers[0].twist = lambda _: None
    assert causes(ask(9)) == {"W0": Cause.UNREACHABLE}
    servers[0].twist = lambda reply: reply

    assert ask(9).is_enough
    assert olds(servers[0]) == [0, 0, 9]


def test_a_witness_that_restarted_is_reached_again(
    servers: list[WitnessServer], ask: Callable[..., Cosigned]
) -> None:
    assert ask(5).is_enough
    servers[0].restart()
    assert ask(9).is_enough
    # One that also lost its memory names a smaller size than before.
    servers[0].state.seen.clear()
    assert ask(12).is_enough
    assert olds(servers[0]) == [0, 5, 9, 0]


def test_a_dead_witness_is_named(
    servers: list[WitnessServer], ask: Callable[..., Cosigned]
) -> None:
    servers[1].stop()

    result = ask(5, count=3, quorum="2")
    late = ask(6, count=2, quorum="all")

    assert result.is_enough
    assert causes(result) in ({"W1": Cause.UNREACHABLE}, {"W1": Cause.LATE}, {})
    assert not late.is_enough
    assert causes(late) == {"W1": Cause.UNREACHABLE}
    assert late.failures[0].why == "Connection refused"
    assert len(late.note.signatures) == 2  # the log's and W0's


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """Answers wait until it is open."""
    made = threading.Event()
    yield made
    made.set()


def behind(gate: threading.Event) -> Twist:
    def twist(reply: Reply) -> Reply:
        gate.wait(60)
        return reply

    return twist


def until(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_slow_witness_is_not_waited_for_once_there_are_enough(
    servers: list[WitnessServer], ask: Callable[..., Cosigned], gate: threading.Event
) -> None:
    servers[2].twist = behind(gate)
    begun = time.monotonic()

    first = ask(5, count=3, quorum="2", patience_s=30)
    second = ask(6, count=3, quorum="2", patience_s=30)

    assert time.monotonic() - begun < 30
    assert first.is_enough
    assert second.is_enough
    assert causes(first) == causes(second) == {"W2": Cause.LATE}
    # It was not cut off, for its time was not up: it cosigned the first, and takes part again.
    gate.set()
    until(lambda: ask(7, count=3, quorum="2").is_enough and len(olds(servers[2])) > 1)
    assert olds(servers[2])[:2] == [0, 5]


@pytest.mark.parametrize("half", [False, True])
def test_patience_has_an_end(
    servers: list[WitnessServer], ask: Callable[..., Cosigned], gate: threading.Event, *, half: bool
) -> None:
    servers[0].twist = (lambda reply: replace(reply, length=1000)) if half else behind(gate)
    begun = time.monotonic()

    result = ask(5, patience_s=0.3)

    assert time.monotonic() - begun < 10
    assert not result.is_enough
    assert causes(result)["W0"] in {Cause.LATE, Cause.UNREACHABLE}
    gate.set()
    servers[0].twist = lambda reply: reply
    until(lambda: ask(6).is_enough)


def test_who_asks_for_no_cosignature_gets_what_there_is(
    servers: list[WitnessServer], ask: Callable[..., Cosigned]
) -> None:
    servers[1].stop()

    result = ask(5, count=2, quorum="none")

    assert result.is_enough
    assert len(result.note.signatures) == 2
    assert causes(result) == {"W1": Cause.UNREACHABLE}


def lines(*made: str) -> Twist:
    return lambda reply: replace(reply, body="".join(made).encode())


OTHER = KEYS[1].sign(TREE.note(5).text, 1)
FALSE = KEYS[0].sign(TREE.note(4).text, 1)


LIES: dict[str, tuple[Twist, Cause, str]] = {
    "cosignature of another text": (lines(FALSE.line()), Cause.BAD_COSIGNATURE, "0 is wrong"),
    "cosignature of another": (lines(OTHER.line()), Cause.BAD_COSIGNATURE, "of the key"),
    "both": (lines(OTHER.line(), FALSE.line()), Cause.BAD_COSIGNATURE, "is wrong"),
    "words": (lines("hello\n"), Cause.BAD_COSIGNATURE, "no signature line"),
    "nothing": (lines(""), Cause.BAD_COSIGNATURE, "do not end in a line feed"),
    "octets": (lambda _: Reply(200, b"\xff\n"), Cause.BAD_COSIGNATURE, "not UTF-8"),
    "huge": (lambda _: Reply(200, b"x" * 10_000_000), Cause.BAD_ANSWER, "has no end"),
    "409 many": (lambda _: Reply(409, b"many\n"), Cause.BAD_ANSWER, "named none"),
    "409 huge": (lambda _: Reply(409, b"x" * 70_000), Cause.BAD_ANSWER, "named none"),
    "409 -1": (lambda _: Reply(409, b"-1\n"), Cause.BAD_ANSWER, "named none"),
    "409 as asked": (lambda _: Reply(409, b"0\n"), Cause.BAD_ANSWER, "old size 0 and named it"),
    "409 twice": (lambda _: Reply(409, b"3\n"), Cause.BAD_ANSWER, "old size 3 and named it"),
    "409 ahead": (lambda _: Reply(409, b"9\n"), Cause.AHEAD, "9 facts of this log, which has 5"),
    "409 fork": (lambda _: Reply(409, b"5\n"), Cause.FORK, "another tree of 5 facts"),
    "422": (lambda _: Reply(422), Cause.UNPROVEN, "does not continue what it cosigned"),
    "404": (lambda _: Reply(404), Cause.UNKNOWN_LOG, "does not know this log"),
    "403": (lambda _: Reply(403), Cause.UNKNOWN_KEY, "does not accept the log's key"),
    "400": (lambda _: Reply(400), Cause.BAD_ANSWER, "answered 400"),
    "500": (lambda _: Reply(500), Cause.BAD_ANSWER, "answered 500"),
    "302": (lambda _: Reply(302, b"", {"Location": "/x"}), Cause.BAD_ANSWER, "answered 302"),
    "503": (lambda _: Reply(503), Cause.BUSY, "answered 503"),
    "silence": (lambda _: None, Cause.UNREACHABLE, "without response"),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_witness_that_lies_or_refuses_gives_nothing(
    servers: list[WitnessServer],
    ask: Callable[..., Cosigned],
    lie: str,
) -> None:
    servers[0].twist, cause, why = LIES[lie]

    result = ask(5, count=2, patience_s=1.5)

    assert causes(result) == {"W0": cause}
    assert why in result.failures[0].why
    assert not result.is_enough
    # W1's was taken, and nothing that W0 sent.
    assert [each.name for each in result.note.signatures] == [ORIGIN, "witness.example/1"]
    assert [each.cause for each in result.alarms] == [cause] * (
        cause in {Cause.AHEAD, Cause.FORK, Cause.UNPROVEN}
    )


def test_lines_of_keys_nobody_knows_are_passed_over(
    servers: list[WitnessServer], ask: Callable[..., Cosigned]
) -> None:
    stranger = Signer("stranger.example", b"\x77" * 32, COSIGNATURE).sign(TREE.note(5).text, 1)
    servers[0].twist = lambda reply: replace(
        reply, body=stranger.line().encode() + OTHER.line().encode() + reply.body
    )

    result = ask(5)

    assert result.is_enough
    assert [each.name for each in result.note.signatures] == [ORIGIN, "witness.example/0"]


@pytest.mark.parametrize("status", [422, 409])
def test_after_an_alarm_a_witness_is_left_alone(
    servers: list[WitnessServer], ask: Callable[..., Cosigned], status: int
) -> None:
    """A fork signed with the log's key, of the size that was cosigned or of a larger one."""
    assert ask(8).is_enough
    size = 8 if status == 409 else 11

    refused = ask(size, tree=Grown(fork_at=3))
    again = ask(12)

    cause = Cause.FORK if status == 409 else Cause.UNPROVEN
    assert causes(refused) == causes(again) == {"W0": cause}
    assert refused.alarms == again.alarms
    assert len(servers[0].requests) == 2
    assert servers[0].state.seen[ORIGIN].size == 8


def test_a_log_that_lost_facts_is_told_so(
    servers: list[WitnessServer], ask: Callable[..., Cosigned]
) -> None:
    assert ask(8).is_enough

    assert causes(ask(5)) == {"W0": Cause.AHEAD}


@pytest.mark.parametrize(
    ("header", "wait"),
    [
        ("1", 1),
        ("0", 0),
        ("soon", 0),
        ("99999999999999999999", 3600),
        ("Fri, 01 Jan 2100 00:00:00 GMT", 3600),
        ("Fri, 01 Jan 2021 00:00:00 -0000", 0),
        ("Mon, 99 Zap 2026", 0),
    ],
)
def test_a_witness_that_is_busy_is_not_asked_before_it_said(
    servers: list[WitnessServer], ask: Callable[..., Cosigned], header: str, wait: int
) -> None:
    servers[0].twist = lambda _: Reply(503, b"", {"Retry-After": header})

    first = ask(5)
    assert causes(first) == {"W0": Cause.BUSY}
    assert first.failures[0].why.endswith(f"for {wait} s" if wait else "answered 503")
    servers[0].twist = lambda reply: reply
    second = ask(5)
    assert second.is_enough is (wait == 0)
    assert len(servers[0].requests) == (1 if wait else 3)
    if wait == 1:
        assert causes(second) == {"W0": Cause.BUSY}
        time.sleep(1.1)
        assert ask(5).is_enough


def test_a_witness_that_somebody_else_feeds_meanwhile_is_overtaken(
    servers: list[WitnessServer], ask: Callable[..., Cosigned]
) -> None:
    named = iter([b"3\n", b"4\n"])
    servers[0].twist = lambda _: Reply(409, next(named))
    assert causes(ask(5)) == {"W0": Cause.OVERTAKEN}


def test_a_witness_without_an_address_is_not_asked() -> None:
    witnesses = Witnesses(policy_of([""], "all"))
    result = witnesses.cosign(TREE.note(5), TREE, 5)
    witnesses.close()

    assert causes(result) == {"W0": Cause.NO_ADDRESS}


@pytest.mark.parametrize("url", ["ftp://w.example/", "w.example", "http:///x", "http://[::1/"])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(ValueError):
        Witnesses(policy_of([url], "all"))


def test_what_breaks_in_the_tree_is_the_callers_to_hear(
    servers: list[WitnessServer], ask: Callable[..., Cosigned]
) -> None:
    class Broken(Grown):
        def __call__(self, height: int, index: int) -> bytes:
            raise OSError("the disk is gone")

    assert ask(5).is_enough
    policy = policy_of([servers[0].url], "all")
    witnesses = Witnesses(policy)
    with pytest.raises(OSError, match="the disk is gone"):
        witnesses.cosign(TREE.note(9), Broken(), 9)
    witnesses.close()
