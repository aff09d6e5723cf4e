"""How soon a signed checkpoint covers a write, and what a proof from a large log costs.

The floor of the first is what its promise leaves: a checkpoint a second. Beside it stands what
publishing takes, and a plain program that writes as many files of the same bytes, each flushed.
The peer of the second reads the tiles a proof is made of, and makes nothing.
"""

from __future__ import annotations

import asyncio
import os
import random
import statistics
import time
from collections.abc import Iterator
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from benchmarks.conftest import Compare
from benchmarks.ratio import Comparison, Side
from benchmarks.test_freshness import Filling
from benchmarks.test_rpc import process
from refnet import v1
from refnet.client import AsyncClient
from refnet.domain.network import CharterNetwork
from refnet.log.tree import leaf_data, leaf_hash
from refnet.rpc.positions import Positions
from refnet.tlog import signer
from refnet.tlog.note import Signer
from refnet.tlog.proofs import check_inclusion
from refnet.tlog.publish import Publisher
from refnet.tlog.published import Published
from refnet.tlog.signer import Signatory
from refnet.wiring import open_engine

RATE = 500
SECONDS = 30
POLL_SECONDS = 0.01
KEY = Signer("example.com/refnet/bench", b"\x07" * 32)
PROOFS = 2000


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Any]]:
    """A server that signs, on a log of its own, and the log's id."""
    folder = tmp_path_factory.mktemp("signed")
    with open_engine(folder, warn=lambda _: None) as engine:
        log = engine.log_id
        town = Filling(engine)
        town.ask("network", CharterNetwork(name="n"))
        town.flush()
    signer.found(folder / "signer", KEY)
    with process("benchmarks.rpc_server", str(folder)) as server:
        assert server.stdout is not None
        yield server.stdout.readline().strip().removeprefix("listening on "), log


async def covered(address: str, log: Any, seconds: float) -> tuple[list[float], int, str]:
    """Seconds from acknowledgements to a checkpoint that covers each; size and root at the end."""
    waiting: list[tuple[int, float]] = []
    taken: list[float] = []
    positions = Positions(log)
    async with AsyncClient(address, timeout=30) as client:
        contacts, proofs = client.stub(v1.ContactServiceStub), client.stub(v1.ProofServiceStub)
        written = asyncio.Event()

        async def write(at: float, number: int) -> None:
            await asyncio.sleep(max(0.0, at - time.perf_counter()))
            request = v1.RegisterContactRequest(name=f"contact {number}")
            answer = await contacts.RegisterContact(request)
            where = positions.read(answer.recorded_at, field="recorded_at")
            waiting.append((where, time.perf_counter()))

        async def watch() -> Any:
            while True:
                found = await proofs.GetCheckpoint(v1.GetCheckpointRequest())
                now = time.perf_counter()
                for each in [each for each in waiting if each[0] <= found.size]:
                    waiting.remove(each)
                    taken.append(now - each[1])
                if written.is_set() and not waiting:
                    return found
                await asyncio.sleep(POLL_SECONDS)

        watching = asyncio.ensure_future(watch())
        begin = time.perf_counter()
        count = int(seconds * RATE)
        await asyncio.gather(*(write(begin + each / RATE, each) for each in range(count)))
        written.set()
        found = await watching
    return taken, found.size, found.root


@pytest.mark.timeout(600)
def test_a_write_is_covered_by_a_signed_checkpoint(
    benchmark: Any,
    address: tuple[str, Any],
    timed: bool,  # noqa: FBT001 - a fixture
) -> None:
    where, log = address
    seconds = SECONDS if timed else 2
    taken, size, root = benchmark.pedantic(
        lambda: asyncio.run(covered(where, log, seconds)), rounds=1
    )
    hundredths = statistics.quantiles(taken, n=100)
    line = {
        "writes": len(taken),
        "a_second": RATE,
        "p50_s": round(hundredths[49], 3),
        "p99_s": round(hundredths[98], 3),
        "max_s": round(max(taken), 3),
        "interval_s": 1.0,
        "p99_to_interval": round(hundredths[98], 2),
        "size": size,
        "root": root[:12],
    }
    benchmark.extra_info.update(line)
    print("\nfrom an acknowledgement to a checkpoint that covers it:", line)


def large(folder: Path, size: int) -> tuple[Published, list[bytes], dict[str, float]]:
    """A published log of made-up commitments, and what publishing took."""
    facts = [sha256(b"%d" % at).digest() for at in range(size)]
    signer.found(folder / "signer", KEY)
    begun = time.perf_counter()
    with closing(Signatory(folder / "signer", lambda _: None)) as signatory:
        made = Publisher(
            folder / "tlog", signatory, lambda after, upto: facts[after:upto], lambda _: None
        )
        made.start(size)
        made.publish(size)
    taken = time.perf_counter() - begun
    files = [path for path in (folder / "tlog").rglob("*") if path.is_file()]
    contents = [path.read_bytes() for path in files]
    begun = time.perf_counter()
    for number, content in enumerate(contents):
        with (folder / f"plain-{number}").open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    plain = time.perf_counter() - begun
    told = {"publish_s": round(taken, 2), "files": len(files), "plain_files_s": round(plain, 2)}
    return Published(folder / "tlog"), facts, told


@pytest.mark.timeout(600)
def test_a_proof_from_a_large_log(
    comparison: Compare,
    tmp_path: Path,
    timed: bool,  # noqa: FBT001 - a fixture
) -> None:
    size = 1_000_000 if timed else 70_000
    published, facts, told = large(tmp_path, size)
    root = published.checkpoint()[0].root
    asked = [random.Random(1).randrange(size) for _ in range(PROOFS if timed else 100)]
    folder = tmp_path / "tlog" / "tile"

    def prove(_: object) -> list[Any]:
        fresh = Published(tmp_path / "tlog")  # nothing is at hand yet
        return [fresh.inclusion(index + 1) for index in asked]

    def read(_: object) -> list[bytes]:
        return [
            b"".join(path.read_bytes() for path in tiles_on_the_way(folder, index, size))
            for index in asked
        ]

    for index, proof in zip(asked, prove(None), strict=True):
        check_inclusion(leaf_hash(leaf_data(index, facts[index])), index, size, proof.path, root)
    single = []
    fresh = Published(tmp_path / "tlog")
    for index in asked:
        begun = time.perf_counter()
        fresh.inclusion(index + 1)
        single.append(time.perf_counter() - begun)
    hundredths = statistics.quantiles(single, n=100)
    told |= {
        "p50_ms": round(1e3 * hundredths[49], 3),
        "p99_ms": round(1e3 * hundredths[98], 3),
        "max_ms": round(1e3 * max(single), 3),
    }
    print(f"\nproofs from a log of {size} facts:", told)
    digest = root.hex()
    comparison(
        Comparison("proof of inclusion", "reading its tiles", None, len(asked)),
        Side(lambda: None, prove, lambda _, __: digest),
        Side(lambda: None, read, lambda _, __: digest),
    )


def tiles_on_the_way(folder: Path, index: int, size: int) -> list[Path]:
    """The tiles above a leaf, full or partial."""
    paths = []
    level = 0
    while size >> 8 * level:
        number, hashes = index >> 8 * (level + 1), size >> 8 * level
        width = min(256, hashes - number * 256)
        name = "/".join(
            f"x{part}" if at else part
            for at, part in reversed(list(enumerate(reversed(thousands(number)))))
        )
        paths.append(folder / str(level) / (name if width == 256 else f"{name}.p/{width}"))
        level += 1
    return paths


def thousands(number: int) -> list[str]:
    """The digits of a number in threes."""
    digits = str(number)
    return [part.zfill(3) for part in f"{int(digits):,}".split(",")]
