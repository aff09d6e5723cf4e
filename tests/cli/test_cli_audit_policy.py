"""`refnet audit verify --policy` and bundles of a log with witnesses."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from cli.running import Run
from refnet.publishing import POLICY
from refnet.tlog.note import COSIGNATURE, Signer, parse_vkey
from tlog.witness_server import State, WitnessServer, witness_at_work

ONE, TWO, STRANGER = (
    Signer(f"witness.example/w{n}", bytes([n]) * 32, COSIGNATURE) for n in (1, 2, 3)
)


class Witnessed:
    """A store whose log two witnesses cosign."""

    def __init__(self, run: Run, data: Path, urls: list[str]) -> None:
        self.run, self.data, self.urls = run, data, urls
        self.key = run("audit", "keys").out.strip()

    def policy(self, *witnesses: Signer) -> bytes:
        lines = [f"log {self.key}"]
        for place, each in enumerate(witnesses):
            url = self.urls[place] if place < len(self.urls) else ""
            lines.append(f"witness w{place} {each.verifier.vkey} {url}".rstrip())
        names = " ".join(f"w{place}" for place in range(len(witnesses)))
        lines += [f"group all-of-them {len(witnesses)} {names}", "quorum all-of-them", ""]
        return "\n".join(lines).encode()


@pytest.fixture
def witnessed(run: Run, data: Path, tmp_path: Path) -> Iterator[Witnessed]:
    file = tmp_path / "ratings.csv"
    file.write_text("ann,bob,10,1300000000\nbob,cyd,10,1300000001\n")
    assert run("import", "ratings", file).code == 0
    assert run("audit", "init", "--operator", "example.com").code == 0
    key = parse_vkey(run("audit", "keys").out.strip())
    with ExitStack() as stack:
        servers: list[WitnessServer] = [
            stack.enter_context(witness_at_work(State(each, {key.name: [key]})))
            for each in (ONE, TWO)
        ]
        made = Witnessed(run, data, [each.url for each in servers])
        assert run("audit", "publish").code == 0  # before it had witnesses
        (data / "signer" / POLICY).write_bytes(made.policy(ONE, TWO))
        file.write_text(file.read_text() + "cyd,ann,3,1300000002\n")
        assert run("import", "ratings", file).code == 0
        assert run("audit", "publish").code == 0
        yield made


def test_what_the_witnesses_of_a_policy_cosigned_is_good(
    witnessed: Witnessed, tmp_path: Path
) -> None:
    file = tmp_path / "trusted.policy"
    file.write_bytes(witnessed.policy(ONE, TWO))
    done = witnessed.run("audit", "verify", "--policy", file, "--json")

    assert (done.code, done.json["ok"]) == (0, True)
    assert done.json["trusts_operator"] is False  # the policy names the log
    assert done.json["checkpoints"] == 2


def test_a_checkpoint_that_a_witness_of_the_policy_has_not_cosigned_is_named(
    witnessed: Witnessed, tmp_path: Path
) -> None:
    file = tmp_path / "trusted.policy"
    file.write_bytes(witnessed.policy(ONE, TWO, STRANGER))
    done = witnessed.run("audit", "verify", "--policy", file, "--json")

    assert done.code == 1
    assert done.json["first"]["what"] == "policy"
    assert "without one are w2" in done.json["first"]["message"]


@pytest.mark.parametrize("newest", [True, False])
def test_a_cosignature_that_was_taken_out_is_missed(
    witnessed: Witnessed, tmp_path: Path, *, newest: bool
) -> None:
    """Also further back, once there was a quorum."""
    file = tmp_path / "trusted.policy"
    file.write_bytes(witnessed.policy(ONE, TWO))
    path = witnessed.data / "tlog" / ("checkpoint" if newest else "checkpoints")
    raw = path.read_text("utf-8")
    line = next(each for each in raw.splitlines(keepends=True) if f" {TWO.verifier.name} " in each)
    path.write_text(raw.replace(line, ""), "utf-8")
    done = witnessed.run("audit", "verify", "--policy", file, "--json")

    assert (done.code, done.json["ok"]) == (1, False)


def test_a_checkpoint_that_waits_for_its_quorum_is_no_difference(
    witnessed: Witnessed, tmp_path: Path
) -> None:
    run, trusted, file = witnessed.run, tmp_path / "trusted.policy", tmp_path / "more.csv"
    trusted.write_bytes(witnessed.policy(ONE, TWO))
    before = run("audit", "verify", "--policy", trusted, "--json").json
    witnessed.urls.append("http://127.0.0.1:9/")  # nobody answers there
    (witnessed.data / "signer" / POLICY).write_bytes(witnessed.policy(ONE, TWO, STRANGER))
    file.write_text("ann,cyd,10,1300000003\n")
    assert run("import", "ratings", file).code == 0
    run("audit", "publish")

    done = run("audit", "verify", "--policy", trusted, "--json")

    assert (done.code, done.json["ok"], before["unshown"]) == (0, True, 0)
    assert done.json["covered"] == before["covered"] < done.json["unshown"]
    assert done.json["unshown"] == done.json["position"]
    assert any("signed and not shown yet" in each for each in done.json["notes"])
    assert not any("not signed yet" in each for each in done.json["notes"])


def test_a_bundle_carries_the_policy_and_is_checked_by_it(
    witnessed: Witnessed, tmp_path: Path
) -> None:
    out, stricter = tmp_path / "bundle", tmp_path / "stricter.policy"
    assert witnessed.run("audit", "bundle", "--range", "1..3", "--out", out).code == 0
    assert (out / "policy").read_bytes() == witnessed.policy(ONE, TWO)

    assert witnessed.run("audit", "verify", "--bundle", out).code == 0
    keyed = witnessed.run("audit", "verify", "--bundle", out, "--key", witnessed.key, "--json")
    assert (keyed.code, keyed.json["trusts_bundle"]) == (0, False)
    assert keyed.json["trusts_bundle_policy"] is True
    told = witnessed.run("audit", "verify", "--bundle", out, "--key", witnessed.key)
    assert "give with --policy" in told.err
    stricter.write_bytes(witnessed.policy(ONE, STRANGER))
    done = witnessed.run("audit", "verify", "--bundle", out, "--policy", stricter, "--json")
    assert (done.code, done.json["first"]["what"]) == (1, "policy")
    assert done.json["trusts_bundle_policy"] is False
    done = witnessed.run("audit", "verify", "--bundle", out, "--policy", stricter)
    assert "bundle's own" not in done.err

    whole = (out / "policy").read_bytes()
    for spoilt in (b"", whole[:-1], whole.replace(b"log ", b"# "), whole.replace(b"/w1+", b"/w9+")):
        (out / "policy").write_bytes(spoilt)
        assert witnessed.run("audit", "verify", "--bundle", out).code == 1


@pytest.mark.parametrize("raw", [b"quorum\n", b"", b"\x00"])
def test_what_is_no_policy_is_wrong_usage(run: Run, tmp_path: Path, raw: bytes) -> None:
    file = tmp_path / "no.policy"
    file.write_bytes(raw)
    assert run("audit", "verify", "--policy", file).code == 2
    assert run("audit", "verify", "--policy", tmp_path / "missing").code == 2
