"""What is written beside a bundle: how to check it with tools that nobody of refnet wrote."""

from __future__ import annotations

README = """\
# Facts of a log, with proofs

{count} facts of the log `{origin}`, as of its checkpoint of {size} facts.

| file | holds |
| --- | --- |
| `facts.jsonl` | a fact a line, with its salt; personal data stay sealed |
| `proofs/POSITION.tlog-proof` | that the fact there is in the log (c2sp.org/tlog-proof) |
| `checkpoint` | size and root of the log, signed (c2sp.org/tlog-checkpoint) |
| `log.vkey` | the log's public key (c2sp.org/signed-note); compare it with yours |
| `policy` | whose signatures are needed (c2sp.org/tlog-policy) |

`facts.jsonl` tells what happened: keep it to yourself. The other files show nothing of it.
That these are all facts of their kind nobody can prove; that each was recorded, these files do.

`refnet audit verify --bundle .` checks all of it. The same without refnet, in this folder:

## The signature, with OpenSSL

```sh
OUT=$(mktemp -d)
python3 - "$OUT" <<'END'
import base64, pathlib, sys
out = pathlib.Path(sys.argv[1])
name, key_id, key = open("log.vkey", encoding="utf-8").read().strip().split("+", 2)
text, _, lines = open("checkpoint", encoding="utf-8", newline="").read().rpartition("\\n\\n")
der = bytes.fromhex("302a300506032b6570032100") + base64.b64decode(key)[1:]
(out / "key.der").write_bytes(der)
(out / "signed").write_bytes(text.encode() + b"\\n")
for line in lines.splitlines():
    _, signer, signature = line.split(" ")
    raw = base64.b64decode(signature)
    if signer == name and raw[:4].hex() == key_id:
        (out / "signature").write_bytes(raw[4:])
END
openssl pkeyutl -verify -rawin -pubin -keyform DER -inkey "$OUT/key.der" \\
    -in "$OUT/signed" -sigfile "$OUT/signature"
```

## Every fact, with nothing but Python's standard library

```sh
python3 - <<'END'
import base64, hashlib, json, re, uuid
lp = lambda part: len(part).to_bytes(4, "big") + part
sha = lambda *parts: hashlib.sha256(b"".join(parts)).digest()
lines = open("checkpoint", encoding="utf-8").read().split("\\n")
size, root = int(lines[1]), base64.b64decode(lines[2])
count = before = 0
for line in open("facts.jsonl", encoding="utf-8", newline="\\n"):
    fact = json.loads(line)
    state = "{{" + re.search('"acting_member":.*(?=,"salt":)', line)[0] + "}}"
    keys = ["position", "stream", "version", "name", *json.loads(state), "salt", "commitment"]
    # So no key is given twice either: readers of JSON do not agree on which of the two counts.
    assert [*fact] == keys and line == json.dumps(
        fact, ensure_ascii=False, separators=(",", ":")) + "\\n", "a line is not as it is exported"
    assert fact["position"] > before, f"position {{fact['position']}} comes twice, or too late"
    count, before = count + 1, fact["position"]
    commitment = sha(b"refnet/commit/v1\\n", bytes.fromhex(fact["salt"]),
                     lp(uuid.UUID(fact["stream"]).bytes), fact["version"].to_bytes(8, "big"),
                     lp(fact["name"].encode()), lp(state.encode()))
    assert fact["commitment"] == commitment.hex(), "a line names another commitment than its own"
    index = fact["position"] - 1
    node = sha(b"\\0", b"\\1", index.to_bytes(8, "big"), commitment)
    proof = open(f"proofs/{{fact['position']}}.tlog-proof", encoding="utf-8").read()
    head, _, checkpoint = proof.partition("\\n\\n")
    assert checkpoint.split("\\n")[:3] == lines[:3] and head.split("\\n")[1] == f"index {{index}}"
    place, last = index, size - 1
    for each in map(base64.b64decode, head.split("\\n")[2:]):
        if place & 1 or place == last:
            node = sha(b"\\1", each, node)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            node = sha(b"\\1", node, each)
        place, last = place >> 1, last >> 1
    assert last == 0 and node == root, f"the fact at position {{fact['position']}} is not proved"
assert count, "there are no facts"
print(count, "facts are in the log")
END
```

## The tree, with a public verifier

`pip install aics-tlog` (0.2.1, Python 3.12) is one of several; Go's `golang.org/x/mod/sumdb/note`
and `tlog` are others.

```sh-with-aics-tlog
aics-tlog verify-checkpoint --vkey-file log.vkey --note checkpoint
POSITION={first}
OUT=$(mktemp -d)
python3 - $POSITION "$OUT/leaf" <<'END'
import json, sys
for fact in map(json.loads, open("facts.jsonl", encoding="utf-8")):
    if fact["position"] == int(sys.argv[1]):
        index = (fact["position"] - 1).to_bytes(8, "big")
        open(sys.argv[2], "wb").write(b"\\1" + index + bytes.fromhex(fact["commitment"]))
END
sed '1,2d;/^$/,$d' proofs/$POSITION.tlog-proof > "$OUT/hashes"
aics-tlog verify-inclusion --leaf "$OUT/leaf" --index $((POSITION - 1)) --proof "$OUT/hashes" \\
    --size $(sed -n 2p checkpoint) --root $(sed -n 3p checkpoint)
```
"""


def readme(*, count: int, origin: str, size: int, first: int) -> str:
    """The README of a bundle. first: a position in it, for the examples."""
    return README.format(count=count, origin=origin, size=size, first=first)
