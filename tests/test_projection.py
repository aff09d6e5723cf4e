"""The ledger of a real store: kept, resumed, and made again from the log when it must be."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import pytest

from random_network import CODEC, RandomNetwork
from refnet.domain import contact
from refnet.domain.contact import RegisterContact
from refnet.domain.decisions import Request
from refnet.domain.facts import Columns
from refnet.domain.network import CharterNetwork
from refnet.domain.nouns import BY_COMMAND, NOUNS
from refnet.engine import LEDGER, Engine
from refnet.errors import StoreDamaged
from refnet.ledger.ledger import Ledger
from refnet.log.batches import Extractor
from refnet.log.draft import Receipt
from refnet.log.tree import Frontier
from refnet.projection import Projection
from refnet.wiring import open_engine

START = 1_600_000_000_000_000
FOLDER = "ledger"


@contextmanager
def opened(data: Path, seed: int = 1) -> Iterator[Engine]:
    with open_engine(data, clock=lambda: START, entropy=random.Random(seed).randbytes) as engine:
        yield engine


def do(engine: Engine, command: Any) -> Receipt:
    new_id = engine.new_id(BY_COMMAND[type(command)].name)
    request = Request(command=command, request_id=f"r{new_id}", new_id=new_id)
    (answer,) = engine.execute([request])
    assert isinstance(answer, Receipt), answer
    return answer


def register(engine: Engine, count: int) -> None:
    for number in range(count):
        do(engine, RegisterContact(name=f"Contact {number}"))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A store with ten facts and its ledger saved."""
    with opened(tmp_path / "data") as engine:
        do(engine, CharterNetwork(name="n"))
        register(engine, 9)
        engine.scores()
    return tmp_path / "data"


def project(engine: Engine) -> tuple[int, str, str]:
    """Where the ledger stood when it was opened; its digest and the tree's root caught up."""
    projection = engine.projection()
    stood = projection.position
    with closing(engine.reader()) as reader:
        projection.catch_up(reader)
    projection.save()
    return stood, projection.ledger.digest(), projection.tree.root().hex()


def from_the_log(engine: Engine) -> tuple[str, str]:
    projection = Projection.fresh(engine.extractor)
    with closing(engine.reader()) as reader:
        projection.catch_up(reader)
    return projection.ledger.digest(), projection.tree.root().hex()


def test_a_saved_ledger_goes_on(data: Path) -> None:
    with opened(data, 2) as engine:
        register(engine, 3)
        assert project(engine) == (10, *from_the_log(engine))
        assert project(engine)[0] == 13


def test_the_heads_of_ledger_and_replay_are_one(data: Path) -> None:
    with opened(data, 2) as engine:
        *_, root = project(engine)
        replay = engine.replay()
        assert (replay.position, replay.head) == (10, root)
        assert replay.snapshot.digest == engine.scores().digest


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[17] ^= 4
    path.write_bytes(content)


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: flip(folder / "day.col"),
        lambda folder: flip(folder / "ledger.json"),
        lambda folder: (folder / "ledger.json").unlink(),
        lambda folder: (folder / "value.col").write_bytes(b"\0"),
        shutil.rmtree,
    ],
    ids=["column", "state", "no-state", "cut", "all"],
)
def test_a_damaged_ledger_is_made_again(damage: Callable[[Path], None], data: Path) -> None:
    damage(data / LEDGER)
    with opened(data, 2) as engine:
        assert project(engine) == (0, *from_the_log(engine))
        assert project(engine)[0] == 10


def test_a_ledger_ahead_of_a_restored_log_is_made_again(data: Path, tmp_path: Path) -> None:
    shutil.copytree(data, tmp_path / "backup")
    with opened(data, 2) as engine:
        register(engine, 5)
        engine.scores()
    restore(tmp_path / "backup", data)

    with opened(data, 3) as engine:
        assert engine.head()[0] == 10
        assert project(engine) == (0, *from_the_log(engine))


def restore(backup: Path, data: Path) -> None:
    """Everything but the ledger as it was."""
    shutil.rmtree(backup / LEDGER, ignore_errors=True)
    shutil.move(data / LEDGER, backup / LEDGER)
    shutil.rmtree(data)
    shutil.move(backup, data)


def test_a_ledger_of_what_a_restored_log_no_longer_says_is_made_again(
    data: Path, tmp_path: Path
) -> None:
    """The log went back to position 10 and on to 20 in another way; the ledger knows another 15."""
    shutil.copytree(data, tmp_path / "backup")
    with opened(data, 2) as engine:
        register(engine, 5)
        engine.scores()
    restore(tmp_path / "backup", data)
    kept = tmp_path / "kept"
    shutil.move(data / LEDGER, kept)
    with opened(data, 3) as engine:
        register(engine, 10)
    shutil.rmtree(data / LEDGER, ignore_errors=True)
    shutil.move(kept, data / LEDGER)

    with opened(data, 4) as engine:
        assert engine.head()[0] == 20
        assert project(engine) == (0, *from_the_log(engine))


def test_a_ledger_whose_rows_a_newer_refnet_would_make_otherwise_is_made_again(data: Path) -> None:
    with opened(data, 2) as engine:
        assert project(engine)[0] == 10

        class Newer(contact.ContactRegistered):
            __slots__ = ()
            COLUMNS: ClassVar[Columns] = Columns(40)

        facts = (Newer, *contact.NOUN.facts[1:])
        nouns = [replace(n, facts=facts) if n is contact.NOUN else n for n in NOUNS]
        newer, log = Extractor(nouns, CODEC), str(engine.log_id)

        with closing(engine.reader()) as reader:
            assert Projection.open(newer, data / LEDGER, log, reader).position == 0


def test_verification_names_the_position_of_a_fact_that_was_not_committed_to() -> None:
    net = RandomNetwork(1)
    net.grow(20)
    rows = list(net.rows)
    projection = Projection.fresh(Extractor(NOUNS, CODEC))
    projection.extend(rows[:10], verify=True)
    rows[12] = (*rows[12][:5], rows[11][5], rows[12][6])

    with pytest.raises(StoreDamaged, match="position 13") as refused:
        projection.extend(rows[10:], verify=True)
    assert refused.value.facts["position"] == "13"
    assert projection.position == projection.tree.size == 10


def test_the_tree_holds_every_commitment_in_order() -> None:
    net = RandomNetwork(2)
    net.grow(40)
    projection = Projection.fresh(Extractor(NOUNS, CODEC))
    for start in range(0, net.position, 7):
        projection.extend(net.rows[start : start + 7], verify=True)
    expected = Frontier()
    expected.extend(row[6] for row in net.rows)

    assert projection.tree.root() == expected.root()
    assert projection.position == net.position
    projection.extend([])
    projection.save()  # it has no folder, so there is nothing to do
    assert isinstance(projection.ledger, Ledger)
