"""Bundles: facts with proofs that anybody can check, and no bundle that was changed."""

from __future__ import annotations

import json
import random
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest

from audit.stores import sign, simulated
from refnet.audit.bundle import FACTS, PROOFS, Choice, make_bundle
from refnet.audit.bundled import Bundled, verify_bundle
from refnet.audit.checkpoints import Keys
from refnet.domain.nouns import NOUNS
from refnet.errors import InvalidRequest, NotFound, PositionAhead, StoreDamaged
from refnet.tlog.note import Signer, Verifier
from refnet.wiring import open_engine


class Signed:
    def __init__(self, data: Path) -> None:
        self.data = data
        self.head = simulated(data)
        self.key: Verifier = sign(data, [300, self.head - 2])


@pytest.fixture(scope="module")
def signed(tmp_path_factory: pytest.TempPathFactory) -> Signed:
    return Signed(tmp_path_factory.mktemp("signed") / "store")


def make(signed: Signed, out: Path, choice: Choice) -> int:
    return make_bundle(signed.data, Keys([signed.key]), NOUNS, choice, out, ignore).count


def verified(folder: Path, *keys: Verifier) -> Bundled:
    return verify_bundle(folder, Keys(keys), NOUNS, ignore)


def ignore(_: int, __: int) -> None:
    pass


@pytest.fixture
def bundle(signed: Signed, tmp_path: Path) -> Path:
    """Facts 20 to 60."""
    out = tmp_path / "bundle"
    make(signed, out, Choice(None, 20, 60))
    return out


def test_a_range_is_proved_by_the_bundle_alone(signed: Signed, bundle: Path) -> None:
    shutil.move(bundle, bundle.with_name("elsewhere"))

    found = verified(bundle.with_name("elsewhere"), signed.key)

    assert [] == found.findings
    assert [0, 41, 41] == [each.facts for each in found.steps]
    assert found.checkpoint is not None
    assert signed.head - 2 == found.checkpoint.size


def test_its_facts_are_those_of_the_export(signed: Signed, bundle: Path) -> None:
    with open_engine(signed.data, read_only=True) as engine:
        rows = list(engine.rows(19, 60))

    lines = [json.loads(line) for line in (bundle / FACTS).read_bytes().splitlines()]

    assert [row.position for row in rows] == [line["position"] for line in lines]
    assert [row.salt.hex() for row in rows] == [line["salt"] for line in lines]


def test_a_members_facts_are_all_of_and_about_them(signed: Signed, tmp_path: Path) -> None:
    with open_engine(signed.data, read_only=True) as engine:
        member = engine.scores().members[3]
        covered = list(engine.facts(0, signed.head - 2))

    count = make(signed, tmp_path / "out", Choice(member))

    lines = [json.loads(line) for line in (tmp_path / "out" / FACTS).read_bytes().splitlines()]
    roles = ("giver", "receiver", "initiator", "partner", "author", "subject", "member")
    wanted = [
        recorded.position
        for fact, recorded in covered
        if recorded.stream == member or any(getattr(fact, each, None) == member for each in roles)
    ]
    assert len(lines) == count > 5
    assert set(wanted) <= {line["position"] for line in lines}
    assert all(str(member) in json.dumps(line) for line in lines)
    assert [] == verified(tmp_path / "out", signed.key).findings


def test_other_tools_check_it(signed: Signed, bundle: Path) -> None:
    """The README's own commands: OpenSSL and Python's standard library, nothing of refnet."""
    blocks = re.findall(
        r"^```sh\n(.*?)^```$", (bundle / "README.md").read_text(), re.DOTALL | re.MULTILINE
    )
    assert 2 == len(blocks)

    said = [follow(each, bundle) for each in blocks]

    assert [(0, "Signature Verified Successfully\n"), (0, "41 facts are in the log\n")] == said
    facts = (bundle / FACTS).read_bytes()
    (bundle / FACTS).write_bytes(facts.replace(b'"version":1', b'"version":2', 1))
    assert 1 == follow(blocks[1], bundle)[0]
    checkpoint = (bundle / "checkpoint").read_bytes()
    (bundle / "checkpoint").write_bytes(checkpoint.replace(b"example", b"exbmple", 1))
    assert 0 != follow(blocks[0], bundle)[0]


ZEROS = b'"' + b"0" * 64 + b'"}\n'
LIES: list[tuple[str, Callable[[list[bytes]], list[bytes]]]] = [
    ("a key twice", lambda lines: [lines[0][:-2] + b',"data":{"faked":true}}\n', *lines[1:]]),
    ("a key twice before", lambda lines: [b'{"data":{"faked":true},' + lines[0][1:], *lines[1:]]),
    ("a new key", lambda lines: [lines[0][:-2] + b',"more":1}\n', *lines[1:]]),
    ("a new key before", lambda lines: [b'{"more":1,' + lines[0][1:], *lines[1:]]),
    (
        "a key twice inside",
        lambda lines: [lines[0].replace(b'"data":{', b'"data":{"x":1,"x":2,', 1)],
    ),
    ("a space", lambda lines: [lines[0].replace(b'"version":', b'"version": ', 1)]),
    ("another number", lambda lines: [lines[0].replace(b'"version":1,', b'"version":1.0,', 1)]),
    ("another commitment", lambda lines: [lines[0][: -len(ZEROS)] + ZEROS, *lines[1:]]),
    ("no commitment", lambda lines: [lines[0].rpartition(b',"commitment"')[0] + b"}\n"]),
    ("a fact three times", lambda lines: [lines[0]] * 3),
    ("another order", lambda lines: lines[::-1]),
    ("no line feed", lambda lines: [lines[0][:-1]]),
    ("nothing", lambda _: []),
]


@pytest.mark.parametrize("lie", [lie for _, lie in LIES], ids=[name for name, _ in LIES])
def test_the_readmes_script_refuses_facts_that_say_more_than_is_proved(
    bundle: Path, lie: Callable[[list[bytes]], list[bytes]]
) -> None:
    blocks = re.findall(
        r"^```sh\n(.*?)^```$", (bundle / "README.md").read_text(), re.DOTALL | re.MULTILINE
    )
    lines = (bundle / FACTS).read_bytes().splitlines(keepends=True)
    start = next(at for at, line in enumerate(lines) if b'"version":1,' in line)
    spoilt = b"".join(lie(lines[start:]))
    assert spoilt != b"".join(lines[start:])
    (bundle / FACTS).write_bytes(spoilt)

    assert (1, "") == follow(blocks[1], bundle)
    assert verified(bundle).findings


def follow(block: str, folder: Path) -> tuple[int, str]:
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", block],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


def test_one_proof_swapped_for_another_is_found(bundle: Path) -> None:
    one, other = (bundle / PROOFS / f"{each}.tlog-proof" for each in (33, 44))
    first, second = one.read_bytes(), other.read_bytes()
    one.write_bytes(second)
    other.write_bytes(first)

    (found,) = verified(bundle).findings

    assert ("proof", 32) == (found.what, found.index)
    assert "leaf index 43" in found.message


def test_any_bit_of_any_file_counts(signed: Signed, bundle: Path) -> None:
    chance = random.Random(5)
    paths = [each for each in bundle.rglob("*") if each.is_file() and each.name != "README.md"]
    missed = []
    for _ in range(300):
        path = chance.choice(paths)
        content = path.read_bytes()
        at, bit = chance.randrange(len(content)), 1 << chance.randrange(8)
        path.write_bytes(content[:at] + bytes([content[at] ^ bit]) + content[at + 1 :])
        if not verified(bundle, signed.key).findings:
            missed.append((path.name, at, bit))
        path.write_bytes(content)

    assert [] == missed


def test_what_is_missing_or_too_much_is_found(bundle: Path) -> None:
    proof = bundle / PROOFS / "33.tlog-proof"
    content = proof.read_bytes()
    (bundle / PROOFS / "stray").write_bytes(b"")
    assert ["proof"] == [each.what for each in verified(bundle).findings]
    (bundle / PROOFS / "stray").unlink()
    proof.unlink()
    assert [32] == [each.index for each in verified(bundle).findings]
    proof.write_bytes(content)
    lines = (bundle / FACTS).read_bytes().splitlines(keepends=True)
    for spoilt in (lines[:-1], [*lines, lines[-1]], lines[::-1], [b"\n", *lines], []):
        (bundle / FACTS).write_bytes(b"".join(spoilt))
        assert verified(bundle).findings
    for name in (FACTS, "checkpoint", "log.vkey", "policy", PROOFS):
        shutil.move(bundle / name, bundle / "away")
        assert verified(bundle).findings
        shutil.move(bundle / "away", bundle / name)


def test_a_bundle_of_nothing_proves_nothing(signed: Signed, bundle: Path) -> None:
    (bundle / FACTS).write_bytes(b"")
    for proof in (bundle / PROOFS).iterdir():
        proof.unlink()

    (found,) = verified(bundle, signed.key).findings

    assert ("facts", True) == (found.what, "holds no fact" in found.message)


def test_somebody_elses_key_is_not_believed(signed: Signed, bundle: Path) -> None:
    stranger = Signer(signed.key.name, bytes(32)).verifier

    (found,) = verified(bundle, stranger).findings

    assert "none of the given keys" in found.message


def test_there_is_no_bundle_or_a_whole_one(signed: Signed, tmp_path: Path) -> None:
    out = tmp_path / "out"
    for choice, refusal in (
        (Choice(UUID(int=7)), NotFound),
        (Choice(None, 1, signed.head - 1), PositionAhead),
    ):
        with pytest.raises(refusal):
            make(signed, out, choice)
    out.mkdir()
    with pytest.raises(InvalidRequest, match=re.escape(f"{out}/deep is no folder")):
        make(signed, out / "deep" / "er", Choice(None, 1, 2))
    with pytest.raises(InvalidRequest, match="exists"):
        make(signed, out, Choice(None, 1, 2))
    out.rmdir()
    spoilt = Path(shutil.copytree(signed.data, tmp_path / "spoilt"))
    tile = spoilt / "tlog" / "tile" / "0" / "000"
    tile.write_bytes(tile.read_bytes()[::-1])
    with pytest.raises(StoreDamaged, match="position 1 cannot be proved"):
        make_bundle(spoilt, Keys([signed.key]), NOUNS, Choice(None, 1, 2), out, ignore)

    assert ["spoilt"] == [each.name for each in tmp_path.iterdir()]


def test_an_interrupted_bundle_leaves_nothing(signed: Signed, tmp_path: Path) -> None:
    out, seen = tmp_path / "out", []

    def interrupt(_: int, __: int) -> None:
        seen.append(out.exists())
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make_bundle(signed.data, Keys([signed.key]), NOUNS, Choice(None, 1, 40), out, interrupt)

    assert [False] == seen
    assert [] == list(tmp_path.iterdir())
