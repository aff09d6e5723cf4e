"""Cases at the edge of the formats, on which verifiers may differ: looked at, listed, not counted.

None of them can make anybody believe a false thing: the log's key has signed what is read, or what
is read is the same in other words.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from refnet.log.tree import EMPTY_ROOT
from refnet.tlog.note import Note, Signer, encode64, parse_note
from refnet.tlog.proof_file import extension
from refnet.tlog.proofs import prove_consistency
from strangers.cases import CONSISTENCY, Case, Named
from strangers.logs import ORIGIN, Log


def degenerate(log: Log) -> Iterator[Named]:
    """Each with its name; the log has the sizes 0, 2 and 257."""
    yield from _consistency(log)
    yield from _readings(log)
    yield from _signatures(log)


def _consistency(log: Log) -> Iterator[Named]:
    empty, two, large = log.notes[0], log.notes[2], log.notes[257]
    path = prove_consistency(log.tree, 2, 257)

    def case(older: str, proof: str) -> Case:
        return Case(CONSISTENCY, log.vkey, ORIGIN, older.encode(), proof.encode())

    yield "consistency 0 -> 257, empty proof", case(empty, extension(0, [], large))
    yield "consistency 0 -> 257, with a hash", case(empty, extension(0, path[:1], large))
    wrong = log.sign(0, b"\1" * 32)
    yield "consistency 0 -> 257, root of nothing is another", case(wrong, extension(0, [], large))
    yield "consistency 0 -> 0, empty proof", case(empty, extension(0, [], empty))
    yield "consistency 257 -> 257, empty proof", case(large, extension(257, [], large))
    yield "consistency 257 -> 257, with a hash", case(large, extension(257, path[:1], large))
    yield "consistency 257 -> 2, backwards", case(large, extension(257, path, two))


def _readings(log: Log) -> Iterator[Named]:
    """Of checkpoints alone: proof files are cut into fields by drivers that are ours."""
    note = log.notes[257]
    root, signature = note.split("\n")[2], note.split("\n")[4].split(" ")[-1]

    def other(was: str, becomes: str) -> Case:
        assert was in note
        return replace(log.checkpoint(257), older=note.replace(was, becomes, 1).encode())

    def signed(was: str, becomes: str) -> Case:
        text = parse_note(note).text.replace(was, becomes, 1)
        made = Note(text, (log.signer.sign(text),))
        return replace(log.checkpoint(257), older=str(made).encode())

    yield "size 0257, not as signed", other("\n257\n", "\n0257\n")
    yield "size +257, not as signed", other("\n257\n", "\n+257\n")
    yield "size 0257, signed", signed("\n257\n", "\n0257\n")
    yield "size +257, signed", signed("\n257\n", "\n+257\n")
    yield "size -257, signed", signed("\n257\n", "\n-257\n")
    yield "size 2^63, signed", signed("\n257\n", f"\n{1 << 63}\n")
    yield "root with stray bits after its base64, signed", signed(root, _sloppy(root))
    yield "root of 31 bytes, signed", signed(root, encode64(b"\1" * 31))
    yield "signature with stray bits after its base64", other(signature, _sloppy(signature))
    yield "signature in base64 without padding", other(signature, signature.rstrip("="))
    yield "no line feed at the end", replace(log.checkpoint(257), older=note[:-1].encode())
    yield "words after the last line", other(signature, f"{signature}\nwords")
    yield (
        "lines end in CR LF",
        replace(log.checkpoint(257), older=note.replace("\n", "\r\n").encode()),
    )
    yield "an extension line, not signed", other("\n\n", "\nwords\n\n")
    yield "words for the empty line", other("\n\n", "\nwords\n")


def _sloppy(encoded: str) -> str:
    """With bits set that are nothing: the last character before the padding has some to spare."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    assert encoded.endswith("=")
    return encoded[:-2] + alphabet[alphabet.index(encoded[-2]) + 1] + "="


def _signatures(log: Log) -> Iterator[Named]:
    proof, leaf = log.proof(3, 257), log.leaves[3]
    note = parse_note(proof.checkpoint)
    stranger = Signer("stranger.example", b"\5" * 32).sign(note.text)
    namesake = replace(stranger, name=ORIGIN)

    def signed(text: str, *signatures: object) -> Case:
        made = str(Note(text, tuple(signatures)))  # type: ignore[arg-type]
        return log.inclusion(replace(proof, checkpoint=made), leaf)

    (own,) = note.signatures
    yield "a stranger's signature besides", signed(note.text, own, stranger)
    yield "a stranger's signature first", signed(note.text, stranger, own)
    yield "a namesake's signature besides", signed(note.text, own, namesake)
    yield "the log's signature twice", signed(note.text, own, own)
    wrong = replace(own, signature=bytes(64))
    yield "a right signature, then a wrong one", signed(note.text, own, wrong)
    yield "a wrong signature, then a right one", signed(note.text, wrong, own)
    text = note.text + "an extension line\n"
    yield "an extension line, signed", signed(text, log.signer.sign(text))
    empty = Note(f"{ORIGIN}\n0\n{encode64(EMPTY_ROOT)}\n", ())
    yield "size 0, no signature", replace(log.checkpoint(0), older=str(empty).encode())
    wrong_root = log.sign(0, b"\1" * 32)
    yield "size 0 with another root, signed", replace(log.checkpoint(0), older=wrong_root.encode())
