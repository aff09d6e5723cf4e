"""Policy files by the letter of the format, and what quorums count."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from refnet.log.tree import EMPTY_ROOT
from refnet.tlog.checkpoint import Checkpoint
from refnet.tlog.note import COSIGNATURE, BadNote, Note, Signature, Signer
from refnet.tlog.policy import BadPolicy, Group, Log, Policy, Witness, parse_policy

ORIGIN = "example.com/refnet/test"
LOG = Signer(ORIGIN, bytes([99] * 32))
WITNESSES = [Signer(f"witness.example/{at}", bytes([at] * 32), COSIGNATURE) for at in range(8)]
KEYS = [each.verifier.vkey for each in WITNESSES]

TWO_LEVELS = f"""\
# the example of the specification
log {LOG.verifier.vkey}

witness X1 {KEYS[1]}
  witness\tX2 {KEYS[2]} https://x2.example/
witness X3 {KEYS[3]}
group X-witnesses 2 X1 X2 X3

witness Y1 {KEYS[4]}
witness Y2 {KEYS[5]}
witness Y3 {KEYS[6]}
 \t# and below, any of them
group Y-witnesses any Y1 Y2 Y3

group X-and-Y all X-witnesses Y-witnesses
quorum X-and-Y
"""


def checkpoint(*cosigners: int, origin: str = ORIGIN) -> Note:
    text = Checkpoint(origin, 0, EMPTY_ROOT).text()
    signatures = [WITNESSES[at].sign(text, 1_700_000_000) for at in cosigners]
    return Note(text, (LOG.sign(text), *signatures))


def test_the_example_of_the_specification_counts_as_it_says() -> None:
    policy = parse_policy(TWO_LEVELS.encode())

    assert [each.name for each in policy.witnesses] == ["X1", "X2", "X3", "Y1", "Y2", "Y3"]
    assert policy.witnesses[1].url == "https://x2.example/"
    assert policy.logs == (Log(LOG.verifier),)
    for count in range(7):
        for chosen in combinations(range(1, 7), count):
            good = sum(at <= 3 for at in chosen) >= 2 and any(at > 3 for at in chosen)
            assert policy.satisfied(checkpoint(*chosen)) is good
    assert policy.missing(checkpoint(1, 2)) == [
        "1 of the 2 cosignatures that X-and-Y needs are there; without one are Y-witnesses"
    ]


def test_the_log_must_have_signed_and_have_its_own_origin() -> None:
    policy = parse_policy(f"log {LOG.verifier.vkey}\nquorum none\n".encode())
    signed = checkpoint()

    assert policy.satisfied(signed)
    unsigned = Note(signed.text, ())
    assert policy.missing(unsigned) == [f"no log of the policy has signed it ({ORIGIN})"]
    # The same key vouches for the text of another log: that is not this log's checkpoint.
    assert not policy.satisfied(checkpoint(origin="example.com/refnet/other"))
    assert parse_policy(b"quorum none\n").satisfied(unsigned)


def test_a_wrong_signature_of_a_known_key_spoils_the_note() -> None:
    policy = parse_policy(f"witness W {KEYS[0]}\nwitness V {KEYS[1]}\nquorum V\n".encode())
    verifier = WITNESSES[0].verifier
    wrong = Signature(verifier.name, verifier.key_id, bytes(72))

    with pytest.raises(BadNote, match=r"signature of witness\.example/0 is wrong"):
        policy.satisfied(checkpoint(1).signed([wrong]))
    # By who is not in the policy, it is not looked at.
    stranger = Signature("stranger.example", verifier.key_id, bytes(72))
    assert policy.satisfied(checkpoint(1).signed([stranger]))


def test_a_single_witness_can_be_the_quorum() -> None:
    policy = parse_policy(f"witness W {KEYS[0]}\nquorum W\n".encode())

    assert policy.missing(checkpoint()) == ["the witness W has not cosigned it"]
    assert policy.satisfied(checkpoint(0))
    assert policy.is_quorum(["W"])
    assert not policy.is_quorum(["none", "V"])


WITNESS = f"witness W {KEYS[0]}\n"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "has no quorum line"),
        ("# only words\n", "has no quorum line"),
        ("quorum none", "line 1 .* does not end in a line feed"),
        ("quorum none\nquorum none\n", "line 2 .*a quorum already"),
        ("quorum W\n" + WITNESS, "line 1 .*W is not defined on a line above"),
        ("quorum none extra\n", "line 1 .*none of: log"),
        ("quorum\n", "line 1 .*none of: log"),
        ("quorum none # why\n", "line 1 .*none of: log"),
        ("Quorum none\n", "line 1 .*none of: log"),
        (WITNESS + f"witness W {KEYS[1]}\n", "line 2 .*W is defined already"),
        (WITNESS + f"witness V {KEYS[0]}\n", "line 2 .*key of V is that of another witness"),
        (f"witness none {KEYS[0]}\n", "line 1 .*none is the name"),
        (WITNESS + "group none any W\n", "line 2 .*none is the name"),
        (WITNESS + "group W any W\n", "line 2 .*W is defined already"),
        (WITNESS + "group G any none\n", "line 2 .*none is not defined"),
        ("group G any G\n", "line 1 .*G is not defined"),
        (WITNESS + "group G any\n", "line 2 .*none of: log"),
        (WITNESS + "group G any W W\n", "line 2 .*W is a member of a group already"),
        (WITNESS + "group G any W\ngroup H any W\n", "line 3 .*W is a member of a group already"),
        (WITNESS + "group G 0 W\n", "line 2 .*'0' is neither"),
        (WITNESS + "group G 2 W\n", "line 2 .*'2' is neither all nor any nor one of 1 to 1"),
        (WITNESS + "group G 01 W\n", "line 2 .*'01' is neither"),
        (WITNESS + "group G +1 W\n", "line 2 .*neither"),
        (WITNESS + "group G ALL W\n", "line 2 .*neither"),
        (f"log {LOG.verifier.vkey}\nlog {LOG.verifier.vkey}\n", "line 2 .*that of another log"),
        (f"log {KEYS[0]}\n", "line 1 .*key of a log must be of type 1"),
        (f"witness W {LOG.verifier.vkey}\n", "line 1 .*key of a witness must be of type 4"),
        ("log example.com\n", "line 1 .*no verifier key"),
        ("quorum none\r\n", "line 1 of the policy holds the octet 0x0d"),
        ("\x00\n", "line 1 of the policy holds the octet 0x00"),
        ("quorum none\n\x7f\n", "line 2 of the policy holds the octet 0x7f"),
        ("quorum\u00a0none\n", "line 1 .*none of: log"),
    ],
)
def test_what_is_no_policy_is_refused_with_its_line(text: str, why: str) -> None:
    with pytest.raises(BadPolicy, match=why):
        parse_policy(text.encode())


def test_one_key_under_another_name_is_the_same_key() -> None:
    other = Signer("other.example", bytes([0] * 32), COSIGNATURE).verifier.vkey
    with pytest.raises(BadPolicy, match=r"line 2 .*that of another witness"):
        parse_policy(f"{WITNESS}witness V {other}\nquorum none\n".encode())


def test_names_are_octets() -> None:
    """A capital K, and a Kelvin sign, are two names; so are bytes that are no UTF-8 at all."""
    raw = b"witness K %b\nwitness \xe2\x84\xaa %b\nwitness \xff %b https://\xff/\ngroup G 2 %b\n"
    keys = [key.encode() for key in KEYS]
    text = raw % (keys[0], keys[1], keys[2], b"K \xe2\x84\xaa \xff") + b"quorum G\n"

    policy = parse_policy(text)

    assert policy.satisfied(checkpoint(0, 1))
    assert bytes(policy) == text
    with pytest.raises(BadPolicy, match=r"line 1 .*not UTF-8"):
        parse_policy(b"log \xff+00000000+AAAA\nquorum none\n")


NAMES = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1)


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    count = draw(st.integers(0, 8))
    # A name that begins with # would be the first word of no line, hence is none of a comment.
    names = draw(
        st.lists(NAMES.filter(lambda name: name != "none"), min_size=16, max_size=16, unique=True)
    )
    url = st.sampled_from(["", "https://w.example/a", "http://127.0.0.1:1"])
    witnesses = tuple(Witness(names[at], WITNESSES[at].verifier, draw(url)) for at in range(count))
    free = [each.name for each in witnesses]
    groups = []
    for at in range(draw(st.integers(0, 4))):
        if not free:
            break
        members = draw(st.lists(st.sampled_from(free), min_size=1, unique=True))
        needed = draw(st.integers(1, len(members)))
        groups.append(Group(names[8 + at], needed, tuple(members)))
        free = [name for name in free if name not in members] + [names[8 + at]]
    defined = [*(each.name for each in witnesses), *(each.name for each in groups)]
    logs = draw(st.sampled_from([(), (Log(LOG.verifier),), (Log(LOG.verifier, "x:y"),)]))
    return Policy(logs, witnesses, tuple(groups), draw(st.sampled_from(["none", *defined])))


@settings(max_examples=60)
@given(policies())
def test_a_policy_that_is_written_is_read_again(policy: Policy) -> None:
    assert parse_policy(bytes(policy)) == policy


@settings(max_examples=60)
@given(policies(), st.sets(st.integers(0, 7)))
def test_quorums_count_as_their_definition_says(policy: Policy, chosen: set[int]) -> None:
    """By recursion from the quorum down, where the code counts from the first line on."""
    names = {each.name for at, each in enumerate(policy.witnesses) if at in chosen}
    groups = {each.name: each for each in policy.groups}

    def counts(name: str) -> bool:
        if name not in groups:
            return name == "none" or name in names
        return sum(map(counts, groups[name].members)) >= groups[name].needed

    assert policy.satisfied(checkpoint(*chosen)) is counts(policy.quorum)
    assert policy.is_quorum(names) is counts(policy.quorum)


@settings(max_examples=150)
@given(policies(), st.data())
def test_any_octets_are_a_policy_or_refused(policy: Policy, data: st.DataObject) -> None:
    raw = bytearray(bytes(policy))
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(raw) - 1))
        raw[at : at + data.draw(st.integers(0, 2))] = data.draw(st.binary(max_size=2))
        if not raw:
            break
    try:
        again = parse_policy(bytes(raw))
    except BadPolicy:
        return
    assert parse_policy(bytes(again)) == again
