"""ProofService: what it hands out is verified here with nothing but the public key."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from refnet import v1
from refnet.client import RefnetCallError
from refnet.log.tree import commitment, leaf_data, leaf_hash
from refnet.rpc.positions import Positions
from refnet.tlog import signer
from refnet.tlog.checkpoint import Checkpoint, open_checkpoint
from refnet.tlog.note import Signer, Verifier
from refnet.tlog.proof_file import parse_extension, parse_proof
from refnet.tlog.proofs import check_consistency, check_inclusion
from rpc.serving import Served, running, won

NAME = "example.com/refnet/test"
KEY = Signer(NAME, b"\x07" * 32)
LOG: Verifier = KEY.verifier


@pytest.fixture
async def signed(tmp_path: Path) -> AsyncIterator[Served]:
    """A server whose log is signed."""
    signer.found(tmp_path / "data" / "signer", KEY)
    async with running(tmp_path / "data") as served:
        await served.charter()
        yield served


def verified(answer: Any) -> Checkpoint:
    """What a stranger does with an answer of ProveInclusion."""
    fact = answer.fact
    stream = bytes.fromhex(fact.stream.rpartition("/")[2].replace("-", ""))
    told = commitment(fact.salt, stream, fact.version, fact.name, fact.state)
    assert told == fact.commitment
    proof = parse_proof(answer.proof)
    found, _ = open_checkpoint(proof.checkpoint, LOG)
    assert (proof.index, proof.path) == (answer.index, tuple(answer.path))
    leaf = leaf_hash(leaf_data(answer.index, told))
    check_inclusion(leaf, proof.index, found.size, proof.path, found.root)
    return found


async def test_a_write_can_be_proved_as_soon_as_a_checkpoint_covers_it(signed: Served) -> None:
    written = await won(signed)
    answer = await signed.call(v1.ProveInclusionRequest(position=written.recorded_at))

    assert verified(answer).size >= answer.fact.number
    assert answer.fact.position == written.recorded_at
    assert answer.index == answer.fact.number - 1


async def test_every_fact_is_in_the_log_and_every_checkpoint_continues_those_before(
    signed: Served,
) -> None:
    seen: list[Checkpoint] = []
    for step in range(3):
        written = await signed.call(v1.RegisterContactRequest(name=f"contact {step}"))
        await signed.call(v1.ProveInclusionRequest(position=written.recorded_at))
        now = await signed.call(v1.GetCheckpointRequest())
        found, _ = open_checkpoint(now.checkpoint, LOG)
        assert (found.size, found.root.hex()) == (now.size, now.root)
        for old in seen:
            answer = await signed.call(v1.ProveConsistencyRequest(old_size=old.size))
            size, path, raw = parse_extension(answer.proof)
            newer, _ = open_checkpoint(raw, LOG)
            assert (size, path) == (old.size, tuple(answer.path))
            check_consistency(old.size, newer.size, path, old.root, newer.root)
        seen.append(found)
    head = await signed.call(v1.GetHeadRequest())
    assert (head.number, head.root) == (seen[-1].size, seen[-1].root.hex())
    positions = Positions(signed.app.log_id)
    for number in range(1, head.number + 1):
        answer = await signed.call(v1.ProveInclusionRequest(position=positions.message(number)))
        assert verified(answer).root == seen[-1].root


async def test_what_is_not_covered_yet_is_waited_for_until_the_deadline(
    signed: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    publishing: Any = signed.app._publishing
    monkeypatch.setattr(publishing, "publish", lambda: publishing.covered)
    written = await signed.call(v1.RegisterContactRequest(name="somebody"))
    asked = v1.ProveInclusionRequest(position=written.recorded_at)

    with pytest.raises(RefnetCallError, match="FRESHNESS_TIMEOUT"):
        await signed.call(asked, timeout=0.3)
    monkeypatch.undo()
    assert verified(await signed.call(asked)).size > 0


async def test_positions_and_sizes_beyond_the_log_are_refused(signed: Served) -> None:
    beyond = Positions(signed.app.log_id).message(10_000)
    with pytest.raises(RefnetCallError, match="POSITION_AHEAD") as fact:
        await signed.call(v1.ProveInclusionRequest(position=beyond))
    with pytest.raises(RefnetCallError, match="POSITION_AHEAD") as size:
        await signed.call(v1.ProveConsistencyRequest(old_size=10_000))
    with pytest.raises(RefnetCallError, match="INVALID_REQUEST"):
        await signed.call(v1.ProveConsistencyRequest(old_size=-1))

    assert fact.value.violations.keys() == {"position"}
    assert size.value.violations.keys() == {"old_size"}


async def test_a_log_that_nobody_signs_says_what_to_do(served: Served) -> None:
    for request in (
        v1.GetCheckpointRequest(),
        v1.ProveConsistencyRequest(),
        v1.ProveInclusionRequest(position=Positions(served.app.log_id).message(1)),
    ):
        with pytest.raises(RefnetCallError, match="refnet audit init"):
            await served.call(request)


async def test_what_a_person_is_handed_comes_with_proofs(signed: Served) -> None:
    ann = signed.names["ann"]
    written = await won(signed)
    await signed.call(v1.ProveInclusionRequest(position=written.recorded_at))
    await signed.call(v1.EraseMemberRequest(member=signed.names["bob"]))

    told = [each async for each in signed.stream(v1.ExportPersonRequest(person=ann))]
    proved = [each for each in told if each.proof]
    assert len(proved) > 4
    for each in proved:
        answer = v1.ProveInclusionResponse(
            fact=each.fact,
            index=each.leaf_index,
            proof=each.proof,
            path=parse_proof(each.proof).path,
        )
        assert verified(answer).size > each.leaf_index


async def test_the_proof_of_an_erasure_is_its_receipt_and_old_proofs_hold(signed: Served) -> None:
    written = await won(signed)
    before = await signed.call(v1.ProveInclusionRequest(position=written.recorded_at))
    erased = await signed.call(v1.EraseMemberRequest(member=signed.names["bob"]))
    receipt = await signed.call(v1.ProveInclusionRequest(position=erased.recorded_at))

    assert receipt.fact.name == "refnet.member-erased.v1"
    assert verified(receipt).size > verified(before).size
    again = await signed.call(v1.ProveInclusionRequest(position=written.recorded_at))
    assert again.fact == before.fact
    assert verified(again).root == verified(receipt).root


async def test_the_last_facts_are_signed_when_the_server_stops(tmp_path: Path) -> None:
    signer.found(tmp_path / "data" / "signer", KEY)
    async with running(tmp_path / "data") as served:
        await served.charter()
        await served.call(v1.RegisterContactRequest(name="the last"))
        end = served.app.position
    raw = (tmp_path / "data" / "tlog" / "checkpoint").read_bytes()

    assert open_checkpoint(raw, LOG)[0].size == end
