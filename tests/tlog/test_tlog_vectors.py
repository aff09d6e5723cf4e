"""Published test vectors: what others wrote we read, and what others refuse we refuse."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from refnet.log.tree import EMPTY_ROOT, Frontier, leaf_hash, node_hash
from refnet.tlog.checkpoint import Checkpoint, open_checkpoint, parse_checkpoint
from refnet.tlog.note import BadNote, parse_note, parse_vkey
from refnet.tlog.proof_file import parse_extension, parse_proof
from refnet.tlog.proofs import BadProof, check_consistency, check_inclusion
from refnet.tlog.tiles import Tile, Tree, folder, tiles_between

STRICTER = {
    "consistency/additional/sizes-are-equal-one-and-proof-is-empty": "roots of another length",
}
"""Rows that other readers accept and we refuse, with the reason."""


@pytest.fixture
def vectors(shared_data: Callable[[str], Path]) -> Path:
    return shared_data("tlog-vectors")


def raw(text: str | None) -> bytes:
    return base64.b64decode(text or "")


def accepts(check: Callable[..., None], *given: Any) -> bool:
    try:
        check(*given)
    except BadProof:
        return False
    return True


def test_probes_of_proofs(vectors: Path) -> None:
    """196 probes; every row on which we differ is named."""
    room = vectors / "transparency-dev-merkle"
    files = sorted(room.rglob("*.json"))
    differ = set()
    for each in files:
        row = json.loads(each.read_text())
        path = [raw(part) for part in row["proof"] or []]
        if "leafIdx" in row:
            given = (raw(row["leafHash"]), row["leafIdx"], row["treeSize"], path, raw(row["root"]))
            good = accepts(check_inclusion, *given)
        else:
            roots = raw(row["root1"]), raw(row["root2"])
            good = accepts(check_consistency, row["size1"], row["size2"], path, *roots)
        if good == row["wantErr"]:
            differ.add(str(each.relative_to(room).with_suffix("")))

    assert len(files) == 196
    assert differ == set(STRICTER)


def test_trees_and_proofs_of_certificate_transparency(vectors: Path) -> None:
    room = vectors / "rfc6962"
    trees = json.loads((room / "tree_hashes.json").read_text())
    leaves = [bytes.fromhex(each) for each in trees["leaves_hex"]]
    assert trees["empty_root"] == EMPTY_ROOT.hex() == Frontier().root().hex()
    for row in trees["leaf_hashes"]:
        assert leaf_hash(bytes.fromhex(row["leaf_hex"])).hex() == row["hash"]
    for row in trees["node_hashes"]:
        pair = bytes.fromhex(row["left_hex"]), bytes.fromhex(row["right_hex"])
        assert node_hash(*pair).hex() == row["hash"]
    roots: dict[int, bytes] = {}
    for size in range(1, 9):
        grown = Frontier()
        for leaf in leaves[:size]:
            grown.append(leaf)
        roots[size] = grown.root()
    assert [roots[size].hex() for size in range(1, 9)] == trees["roots_for_size_1_to_8"]

    for row in json.loads((room / "inclusion_paths.json").read_text())["paths"]:
        index, size = row["leaf_index"], row["tree_size"]
        path = [bytes.fromhex(each) for each in row["audit_path"]]
        if index is None:  # the row of an empty tree: it has no leaf, so no path is a proof
            assert not any(
                accepts(check_inclusion, bytes(32), at, 0, path, EMPTY_ROOT) for at in (0, 1)
            )
            continue
        assert leaf_hash(bytes.fromhex(row["leaf_hex"])) == leaf_hash(leaves[index])
        assert roots[size].hex() == row["root"]
        check_inclusion(leaf_hash(leaves[index]), index, size, path, roots[size])

    proofs = json.loads((room / "consistency_proofs.json").read_text())
    for kind in ("good", "bad"):
        for row in proofs[kind]:
            path = [bytes.fromhex(each) for each in row["proof"]]
            roots_of = bytes.fromhex(row["root1"]), bytes.fromhex(row["root2"])
            said = accepts(check_consistency, row["size1"], row["size2"], path, *roots_of)
            assert said == (kind == "good"), row


def test_an_entry_of_a_real_log(vectors: Path) -> None:
    row = json.loads((vectors / "rfc6962" / "real_ct_log_inclusion.json").read_text())
    path = [bytes.fromhex(each) for each in row["audit_path"]]
    root = bytes.fromhex(row["root"])
    leaf = leaf_hash(bytes.fromhex(row["leaf_hex"]))
    assert leaf.hex() == row["leaf_hash"]
    check_inclusion(leaf, row["leaf_index"], row["tree_size"], path, root)
    with pytest.raises(BadProof):
        check_inclusion(leaf, row["leaf_index"] + 1, row["tree_size"], path, root)


def test_notes_of_the_go_checksum_database(vectors: Path) -> None:
    room = vectors / "golang-sumdb"
    given = json.loads((room / "note.json").read_text())
    keys = {name: parse_vkey(text) for name, text in given["vkeys"].items()}
    assert (len(given["good"]), len(given["bad"]), len(given["bad_vkeys"])) == (3, 10, 2)
    for row in given["good"]:
        note = parse_note(row["note"])
        signed = [keys[name].name for name in row["known"] if keys[name].has_signed(note)]
        assert (note.text, signed) == (given["text"], row["verified"])
    for row in given["bad"]:
        known = [keys[name] for name in row["known"]]
        with pytest.raises(BadNote):
            refuse_unsigned(row.get("note") or raw(row["note_base64"]), known)
    for text in given["bad_vkeys"]:
        with pytest.raises(BadNote):
            parse_vkey(text)


def refuse_unsigned(raw_note: str | bytes, known: list[Any]) -> None:
    note = parse_note(raw_note)
    signed = [each for each in known if each.has_signed(note)]
    if not signed:
        raise BadNote("signed by nobody we know")


def test_checkpoints_of_other_logs(vectors: Path) -> None:
    room = vectors / "golang-sumdb"
    key = parse_vkey((room / "sum.golang.org.vkey").read_text().strip())
    # That log's origin is not the name of its key, which is what we ask of ours.
    note = parse_note((room / "sum.golang.org-35225469.checkpoint").read_bytes())
    assert key.has_signed(note)
    assert parse_checkpoint(note.text).size == 35225469

    bodies = json.loads((room / "format_tree.json").read_text())
    assert parse_checkpoint(bodies["text"]).text() == bodies["text"]
    for bad in bodies["bad"]:
        with pytest.raises(BadNote):
            parse_checkpoint(bad)

    room = vectors / "c2sp"
    key = parse_vkey((room / "signed-note-example.vkey").read_text().strip())
    assert key.has_signed(parse_note((room / "signed-note-example.txt").read_bytes()))
    for name in ("checkpoint", "checkpoint-cosigned"):
        written = (room / f"{name}-parse-only.txt").read_text().rstrip("\n") + "\n"
        assert str(parse_note(written)) == written
        assert parse_checkpoint(parse_note(written).text).size == 20852163
    asked = (room / "witness-add-checkpoint-request-parse-only.txt").read_text().rstrip("\n") + "\n"
    old, path, checkpoint = parse_extension(asked)
    assert (old, len(path), parse_checkpoint(parse_note(checkpoint).text).size) == (
        20852014,
        4,
        20852163,
    )


def test_a_whole_log_of_another_maker(vectors: Path) -> None:
    room = vectors / "tessera-log"
    key = parse_vkey((room / "log.vkey").read_text().strip())
    seen: list[Checkpoint] = []
    for size in range(16):
        found, _ = open_checkpoint((room / f"checkpoint.{size}").read_bytes(), key)
        assert found.size == size
        if size:
            tree = Tree(folder(room), size)
            grown = Frontier()
            for at in range(size):
                grown.append_hash(tree(0, at))
            assert grown.root() == found.root
        seen.append(found)
    assert len({each.root for each in seen}) == 16


def test_a_proof_file_of_rekor(vectors: Path) -> None:
    room = vectors / "rekor-v2-c2sp"
    written = (room / "735.tlog-proof").read_text()
    proof = parse_proof(written)
    assert str(proof) == written
    key = parse_vkey((room / "log.vkey").read_text().strip())
    found, _ = open_checkpoint(proof.checkpoint, key)
    leaf = leaf_hash((room / "leaf.bin").read_bytes())
    check_inclusion(leaf, proof.index, found.size, proof.path, found.root)
    with pytest.raises(BadProof):
        check_inclusion(node_hash(leaf, leaf), proof.index, found.size, proof.path, found.root)


def test_where_tiles_lie(vectors: Path) -> None:
    layout = json.loads((vectors / "c2sp" / "tile_layout.json").read_text())
    for row in layout["index_encoding"]:
        assert Tile(0, row["n"], 256).path() == f"tile/0/{row['path']}"
    for row in layout["sizes"]:
        tiles = list(tiles_between(0, row["tree_size"]))
        for level in range(3):
            widths = [tile.width for tile in tiles if tile.level == level]
            full = row.get(f"full_level{level}", 0)
            partial = row.get(f"partial_level{level}_width", 0)
            assert widths == [256] * full + ([partial] if partial else [])
