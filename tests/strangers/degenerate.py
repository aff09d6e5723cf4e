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
    case = log.inclusion(log.proof(3, 257), log.leaves[3])
    text = case.proof.decode()

    def other(was: str, becomes: str) -> Case:
        assert was in text
        return replace(case, proof=text.replace(was, becomes, 1).encode())

    yield "index 03", other("index 3", "index 03")
    yield "size 0257, not as signed", other("\n257\n", "\n0257\n")
    yield "size +257, not as signed", other("\n257\n", "\n+257\n")
    hash_line = encode64(log.proof(3, 257).path[0])
    # The last character before the padding holds four bits and two that are nothing.
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    sloppy = hash_line[:-2] + alphabet[alphabet.index(hash_line[-2]) + 1] + "="
    yield "a hash with stray bits after its base64", other(hash_line, sloppy)
    yield "a hash in base64 without padding", other(hash_line, hash_line[:-1])
    yield "no line feed at the end", replace(case, proof=case.proof[:-1])
    yield "words after the last line", replace(case, proof=case.proof + b"words\n")
    yield "lines end in CR LF", replace(case, proof=text.replace("\n", "\r\n").encode())
    yield "proof with extra data", other("index 3", "extra AAAA\nindex 3")
    wide = replace(log.proof(3, 257), checkpoint=log.notes[257].replace("\n\n", "\nwords\n\n"))
    yield "an extension line, not signed", log.inclusion(wide, log.leaves[3])


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
