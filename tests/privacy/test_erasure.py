"""A person can be erased: nothing of theirs is left, and nobody else is touched."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from privacy.town import FIELDS, Town, ciphertexts, files_with, rows, town, wrapped_keys
from refnet.audit.bundle import Choice, make_bundle
from refnet.audit.bundled import verify_bundle
from refnet.audit.checkpoints import Keys
from refnet.audit.verify import verify
from refnet.cli import main
from refnet.domain.member import ChangeProfile
from refnet.domain.nouns import NOUNS
from refnet.domain.referral import PassReferral
from refnet.domain.rights import EraseContact, EraseMember
from refnet.domain.testimonial import GiveTestimonial, ReviseTestimonial
from refnet.domain.values import Erased, Sealed
from refnet.errors import RequestIdReused, StoreDamaged, SubjectErased
from refnet.log.sealing import Place, seal, unseal
from refnet.publishing import SIGNER
from refnet.tlog.note import Signer
from refnet.tlog.signer import found
from refnet.wiring import open_publishing


def published(engine: Any) -> None:
    """Sign and publish what the log holds."""
    with closing(open_publishing(engine)) as publishing:
        publishing.start()
        publishing.publish()


def check_nothing_is_left(
    data: Path, gone: dict[UUID, tuple[list[bytes], list[bytes]]], *, strict: bool
) -> None:
    for subject, (keys, texts) in gone.items():
        assert [] == wrapped_keys(data, subject)
        assert [] == files_with(data, keys)
        if strict:
            assert [] == files_with(data, texts)
        else:
            assert texts == ciphertexts(data, subject)


def what_lies_there(data: Path, people: list[Any]) -> dict[UUID, tuple[list[bytes], list[bytes]]]:
    found = {each: (wrapped_keys(data, each), ciphertexts(data, each)) for each in people}
    for keys, texts in found.values():
        assert keys
        assert texts
        assert files_with(data, keys)
        assert files_with(data, texts)
    return found


def erase(made: Town, people: list[Any], *, strict: bool) -> None:
    for who in people:
        if who in made.contacts:
            made.do(EraseContact(contact=who, strict=strict))
        else:
            made.do(EraseMember(member=who, strict=strict))


def run_commands(data: Path, folder: Path) -> None:
    """Leave what reports and exports leave, where a search will find it."""
    for name, command in (
        ("scores.txt", ["scores", "--top", "400"]),
        ("scores.json", ["scores", "--json", "--top", "400"]),
        ("facts.jsonl", ["export", "facts", "--json"]),
        ("alerts.txt", ["alerts"]),
        ("reads.txt", ["privacy", "reads", "--json"]),
    ):
        with pytest.MonkeyPatch.context() as patch, (folder / name).open("w") as file:
            patch.setattr("sys.stdout", file)
            assert 0 == main([*command, "--data", str(data)])


@pytest.mark.parametrize("strict", [False, True], ids=["keys", "strict"])
def test_of_200_planted_texts_none_is_found_and_no_score_changes(
    tmp_path: Path, *, strict: bool
) -> None:
    """Promise: 0 of 200 canaries in database, WAL, ledger, logs, exports."""
    data = tmp_path / "store"
    with town(data, members=250, contacts=10) as made:
        made.mingle()
        people = [*made.members[10:37], *made.contacts[:5]]
        words = [word.encode() for who in people for word in made.words[who]]
        assert len(words) >= 200
        shown = {who: made.show(who) for who in made.members}
        before, gone = made.scores(), what_lies_there(data, people)

        erase(made, people, strict=strict)

        assert before == made.scores()
        for who in people:
            assert {name: Erased(who) for name in made.show(who)} == made.show(who)
        for who in set(made.members) - set(people):
            assert shown[who] == made.show(who)
        run_commands(data, tmp_path)
        check_nothing_is_left(data, gone, strict=strict)
        assert [] == files_with(tmp_path, words)
    run_commands(data, tmp_path)
    check_nothing_is_left(data, gone, strict=strict)
    assert [] == files_with(tmp_path, words)
    with town(data) as again:
        assert before == again.scores()
        assert {Erased(people[0])} == set(again.show(people[0]).values())
        # The log alone comes to the same, and every commitment holds.
        assert (
            again.engine.scores(day=21_000).digest
            == again.engine.replay(day=21_000).snapshot.digest
        )


@pytest.mark.slow
def test_one_of_5000_is_erased_and_4999_are_not_touched(tmp_path: Path) -> None:
    """200 texts of one person, in a log that is signed; proofs made before hold after."""
    data, out = tmp_path / "store", tmp_path / "bundle"
    with town(data, members=5000) as made:
        made.mingle()
        who = made.members[2500]
        while len(made.words[who]) < 200:
            made.do(ChangeProfile(member=who, phone=made.word(who, "phone")), who)
        key = Signer(f"example.com/refnet/{made.engine.log_id}", b"\x07" * 32)
        found(data / SIGNER, key)
        published(made.engine)
        keys, choice = Keys([key.verifier]), Choice(who)
        made_before = make_bundle(data, keys, NOUNS, choice, out, lambda _, __: None)
        kept = {path.name: path.read_bytes() for path in (out / "proofs").iterdir()}
        shown = {each: made.show(each)["name"] for each in made.members if each != who}
        before, gone = made.scores(), what_lies_there(data, [who])

        erase(made, [who], strict=True)
        published(made.engine)

        assert before == made.scores()
        assert shown == {each: made.show(each)["name"] for each in shown}
        check_nothing_is_left(data, gone, strict=True)
    run_commands(data, tmp_path)
    assert [] == files_with(tmp_path, [word.encode() for word in made.words[who]])

    assert made_before.count == len(kept) > 200
    assert [] == verify_bundle(out, keys, NOUNS, lambda _, __: None).findings
    again = tmp_path / "again"
    make_bundle(data, keys, NOUNS, choice, again, lambda _, __: None)
    rows_before = (out / "facts.jsonl").read_bytes()
    assert (again / "facts.jsonl").read_bytes().startswith(rows_before)
    report = verify(data, data / SIGNER, keys, NOUNS, (), lambda _, __: None)
    assert ([], report.position) == (report.findings, report.covered)


def test_every_text_about_the_erased_is_erased_wherever_it_stands(tmp_path: Path) -> None:
    with town(tmp_path, members=3) as made:
        ann, bob, _ = made.members
        referral = made.do(PassReferral(giver=ann, receiver=bob, description="of ann")).stream
        praise = made.do(GiveTestimonial(subject=bob, author=ann, rating=9, text="of bob"), ann)

        erase(made, [ann], strict=False)

        referred = made.engine.personal(referral, {"description": 1})
        praised = made.engine.personal(praise.stream, {"text": 1})
        assert ({"description": Erased(ann)}, {"text": "of bob"}) == (referred, praised)


def test_nothing_more_is_said_about_who_was_erased(tmp_path: Path) -> None:
    """Also not by a command that names somebody else: its text would be the erased person's."""
    with town(tmp_path, members=2) as made:
        ann, bob = made.members
        praise = made.do(GiveTestimonial(subject=bob, author=ann, rating=9), ann).stream
        erase(made, [bob], strict=True)

        outcome = made.ask(ReviseTestimonial(testimonial=praise, rating=8, text="a gem"), ann)

        assert isinstance(outcome, SubjectErased)
        assert "a gem" not in str(outcome)
        assert [] == made.engine.keys.alive([bob])


def test_a_retry_gets_the_first_answer_and_a_second_erasure_is_refused(tmp_path: Path) -> None:
    with town(tmp_path, members=2) as made:
        ann, bob = made.members
        request_id, position = str(uuid4()), made.engine.position
        first = made.do(EraseMember(member=ann), request_id=request_id)
        assert position + 2 == first.last

        again = made.do(EraseMember(member=ann), request_id=request_id)
        other = made.ask(EraseMember(member=bob), request_id=request_id)
        second = made.ask(EraseMember(member=ann, strict=True))

        assert (first.last, True) == (again.last, again.replayed)
        assert isinstance(other, RequestIdReused)
        assert isinstance(second, SubjectErased)
        assert ("member", str(first.last)) == (second.field, second.facts["position"])
        assert f"position {first.last}" in second.message


def test_who_is_erased_is_not_found_by_an_id_of_another_system(tmp_path: Path) -> None:
    with town(tmp_path, members=2) as made:
        ann, bob = made.members
        handles = {who: made.words[who][FIELDS.index("external_id")] for who in (ann, bob)}
        assert ann == made.engine.lookup("external_id", handles[ann])
        (digest,) = rows(
            tmp_path / "log.db", "SELECT digest FROM lookups WHERE subject = ?", (ann.hex,)
        )

        erase(made, [ann], strict=False)

        assert made.engine.lookup("external_id", handles[ann]) is None
        assert bob == made.engine.lookup("external_id", handles[bob])
        assert [] == files_with(tmp_path, digest)


def test_the_seat_of_who_is_erased_is_free(tmp_path: Path) -> None:
    with town(tmp_path, members=1) as made:
        (ann,) = made.members
        seat = made.engine.state.resident("member")[ann].classification

        erase(made, [ann], strict=False)

        member = made.engine.state.resident("member")[ann]
        assert ("erased", ()) == (member.status, member.roles)
        assert not member.active_at(made.engine.clock())
        snapshot = made.engine.scores()
        assert not snapshot.active[snapshot.numbers[ann]]
        held = made.engine.state.index("seats")[made.chapter, seat]
        assert 0 == held.holders


def test_an_erased_text_stays_erased_at_every_position_of_the_past(tmp_path: Path) -> None:
    with town(tmp_path, members=1) as made:
        (ann,) = made.members
        made.do(ChangeProfile(member=ann, name="Newer"))

        erase(made, [ann], strict=True)

        for versions in ({"name": 1}, {"name": 4}, {"email": 1}):
            assert {Erased(ann)} == set(made.engine.personal(ann, versions).values())


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    with town(tmp_path_factory.mktemp("many") / "store", members=1001) as made:
        yield made


def test_of_1000_ciphertexts_given_to_another_member_1000_are_refused(many: Town) -> None:
    """In the table of the log, where the hash in the fact tells."""
    path, people = many.engine.data / "log.db", many.members
    raw = sqlite3.connect(path, isolation_level=None, timeout=30)
    texts = {
        who: raw.execute(
            "SELECT bytes FROM sealed WHERE originator_id = ? AND field = 'name'", (who.hex,)
        ).fetchone()[0]
        for who in people
    }
    refused = 0
    raw.execute("BEGIN")
    for who, other in pairwise(people):
        at = (who.hex,)
        raw.execute("DELETE FROM sealed WHERE originator_id = ? AND field = 'name'", at)
        raw.execute("INSERT INTO sealed VALUES (?, 1, 'name', ?)", (who.hex, texts[other]))
    raw.execute("COMMIT")
    raw.close()
    for who in people[:-1]:
        with pytest.raises(StoreDamaged, match="is not the one the fact names"):
            many.engine.personal(who, {"name": 1})
        refused += 1
    assert 1000 == refused


def test_nor_do_they_open_if_the_fact_is_made_to_name_them(many: Town) -> None:
    """Whose text it is, and where it belongs, is part of what is sealed."""
    key = AESGCM(bytes(32))
    topic = "refnet.member-applied.v1"
    refused = 0
    for who, other in pairwise(many.members):
        nonce = refused.to_bytes(12)
        mine, theirs = Place(who, 1, topic, "name"), Place(other, 1, topic, "name")
        sealed, text = seal("Ann", theirs, subject=other, epoch=1, key=key, nonce=nonce)
        for subject, place in ((who, theirs), (other, mine), (who, mine)):
            with pytest.raises(StoreDamaged, match="was not sealed for this place"):
                unseal(text, place, sealed=Sealed(subject, 1, sealed.sha256), key=key)
        refused += 1
    assert 1000 == refused
