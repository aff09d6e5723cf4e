"""What a person's data read as, after anything that may be demanded of them."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from privacy.town import Town, ciphertexts, files_with, rows, town, wrapped_keys
from refnet.domain.contact import MergeContact
from refnet.domain.decisions import Request
from refnet.domain.member import ChangeProfile, EnrolMember, SuspendMember
from refnet.domain.read import RecordReads
from refnet.domain.rights import (
    EraseContact,
    EraseMember,
    RectifyContact,
    RectifyMember,
    RestrictContact,
    RestrictMember,
    UnrestrictContact,
    UnrestrictMember,
)
from refnet.domain.values import Corrected, Erased, Restricted
from refnet.errors import StoreDamaged
from refnet.privacy.export import about_person
from refnet.wiring import open_engine


def test_a_correction_destroys_every_earlier_text_of_its_field_and_no_other(
    tmp_path: Path,
) -> None:
    """Promise: the wrong text cannot be read, what shares its key can."""
    with town(tmp_path, members=30) as made:
        ann = made.members[3]
        made.do(ChangeProfile(member=ann, name="Wrong Too", email="second@x"))
        sealed = ciphertexts(tmp_path, ann)
        wrong = [text for text in sealed if text in _texts(tmp_path, ann, "name")]
        assert 2 == len(wrong)

        made.do(RectifyMember(member=ann, name="Ann Lee"))

        shown = made.show(ann)
        assert ("Ann Lee", "second@x") == (shown["name"], shown["email"])
        assert isinstance(shown["phone"], str)
        for version in (1, 4):
            assert {"name": Corrected(ann)} == made.engine.personal(ann, {"name": version})
        assert isinstance(made.engine.personal(ann, {"email": 1})["email"], str)
        assert [] == files_with(tmp_path, wrong)
        epochs = rows(tmp_path / "keys.db", "SELECT epoch FROM keys WHERE subject = ?", (ann.hex,))
        assert [(1,), (2,)] == epochs


def _texts(data: Path, stream: UUID, field: str) -> list[bytes]:
    found = rows(
        data / "log.db",
        "SELECT bytes FROM sealed WHERE originator_id = ? AND field = ?",
        (stream.hex, field),
    )
    return [text for (text,) in found]


def test_a_missing_text_that_nobody_corrected_is_damage(tmp_path: Path) -> None:
    """Or whoever deletes rows could pass for a correction."""
    with town(tmp_path, members=1) as made:
        (ann,) = made.members
        made.do(RectifyMember(member=ann, email="right@x"))
        raw = sqlite3.connect(tmp_path / "log.db")
        raw.execute("DELETE FROM sealed WHERE field IN ('name', 'email')")
        raw.commit()
        raw.close()

        assert {"email": Corrected(ann)} == made.engine.personal(ann, {"email": 1})
        for lost in ({"name": 1}, {"email": 4}):
            with pytest.raises(StoreDamaged, match="missing"):
                made.engine.personal(ann, lost)


def test_two_corrections_of_a_new_member_in_one_batch_have_keys_of_their_own(
    tmp_path: Path,
) -> None:
    with town(tmp_path, members=1) as made:
        ann = made.engine.new_id("member")
        asked: list[Any] = [
            EnrolMember(chapter=made.chapter, classification="Tailor", name="A", phone="1"),
            RectifyMember(member=ann, name="B"),  # type: ignore[arg-type]
            RectifyMember(member=ann, name="C"),  # type: ignore[arg-type]
        ]
        made.engine.execute(
            [
                Request(command=each, request_id=str(number), new_id=ann)
                for number, each in enumerate(asked)
            ]
        )

        assert ("C", "1") == (made.show(ann)["name"], made.show(ann)["phone"])
        assert {"name": Corrected(ann)} == made.engine.personal(ann, {"name": 4})
    with town(tmp_path) as again:
        assert ("C", "1") == (again.show(ann)["name"], again.show(ann)["phone"])


def test_restricted_data_are_kept_but_not_shown(tmp_path: Path) -> None:
    with town(tmp_path, members=2, contacts=1) as made:
        ann, bob = made.members
        (vic,) = made.contacts
        before, others = made.show(ann), made.show(bob)

        made.do(RestrictMember(member=ann))
        made.do(RestrictContact(contact=vic))

        assert {Restricted(ann)} == set(made.show(ann).values())
        assert {Restricted(vic)} == set(made.show(vic).values())
        assert others == made.show(bob)
    with town(tmp_path) as again:
        assert {Restricted(ann)} == set(again.show(ann).values())
        again.do(UnrestrictMember(member=ann))
        assert before == again.show(ann)


def test_an_export_holds_every_fact_about_a_person_and_only_their_own_words(
    tmp_path: Path,
) -> None:
    with town(tmp_path, members=4) as made:
        made.mingle()
        ann, bob = made.members[:2]
        made.do(SuspendMember(member=ann, reason="canary-suspension"))
        made.do(RestrictMember(member=ann))
        reader = made.engine.reader()
        try:
            opens = made.engine.disclosure(reader)
            found = about_person(reader, opens, ann, 0, made.engine.position)
            sealed = about_person(reader, None, ann, 0, made.engine.position)
        finally:
            reader.close()
        texts = [text for each in found for text in each.personal.values()]

        expected = {
            row.position
            for row in made.engine.rows()
            if row.stream == ann or str(ann) in row.state.decode()
        }
        assert expected == {each.row.position for each in found}
        assert sorted([*made.words[ann], "canary-suspension"]) == sorted(map(str, texts))
        assert len(texts) == sum(len(each.personal) for each in sealed)
        assert not any(isinstance(text, str) for each in sealed for text in each.personal.values())
        for word in made.words[bob]:
            assert word not in str(found)

        made.do(EraseMember(member=ann))
        reader = made.engine.reader()
        try:
            opens = made.engine.disclosure(reader)
            after = about_person(reader, opens, ann, 0, made.engine.position)
        finally:
            reader.close()
        gone = {str(text) for each in after for text in each.personal.values()}
        assert {str(Erased(ann))} == gone
        assert json.loads(after[-1].row.state)["data"] == {"strict": False}


def test_a_read_is_recorded_once_a_day_whoever_notes_it_again(tmp_path: Path) -> None:
    """Two servers on one log, or one that forgot: the log decides."""
    with town(tmp_path, members=2) as made:
        ann, bob = made.members

        def note(day: int, *subjects: Any, reader: str = "local") -> int:
            receipt = made.do(RecordReads(reader=reader, day=day, subjects=subjects))
            return int(receipt.last - receipt.first + 1)

        assert 1 == note(9, ann, ann)
        assert 1 == note(9, ann, bob)
        assert 0 == note(9, bob, ann)
        assert 0 == note(8, ann)
        assert 2 == note(10, ann, bob)
        assert 1 == note(9, ann, reader="other")
    with town(tmp_path) as again:
        known = again.do(RecordReads(reader="local", day=10, subjects=(ann, bob)))
        assert known.last < known.first


# --- any sequence ---------------------------------------------------------------------------------

STEPS = st.lists(
    st.tuples(
        st.sampled_from(["change", "rectify", "restrict", "lift", "erase", "strict", "reopen"]),
        st.integers(0, 3),
        st.sampled_from([("name",), ("email",), ("name", "phone")]),
    ),
    max_size=25,
)


class Model:
    """What each text that was ever recorded must read as: written down without the log."""

    def __init__(self, made: Town) -> None:
        self.texts = {
            who: {(1, field): made.show(who)[field] for field in ("name", "email", "phone")}
            for who in made.members
        }
        self.versions = dict.fromkeys(made.members, 3)
        self.erased: set[Any] = set()
        self.restricted: set[Any] = set()

    def expect(self, who: Any, text: Any) -> Any:
        if who in self.erased:
            return Erased(who)
        return Restricted(who) if who in self.restricted else text


def play(made: Town, model: Model, kind: str, who: Any, fields: tuple[str, ...]) -> None:
    """Ask for something; what the model says must be allowed, and nothing else."""
    texts: dict[str, Any] = {field: made.word(who, field) for field in fields}
    command: Any
    allowed = who not in model.erased
    match kind:
        case "change":
            command = ChangeProfile(member=who, **texts)
        case "rectify":
            command = RectifyMember(member=who, **texts)
        case "restrict":
            command, allowed = RestrictMember(member=who), allowed and who not in model.restricted
        case "lift":
            command, allowed = UnrestrictMember(member=who), allowed and who in model.restricted
        case _:
            command = EraseMember(member=who, strict=kind == "strict")
    outcome = made.ask(command)
    assert allowed is not isinstance(outcome, Exception), outcome
    if not allowed:
        return
    model.versions[who] += outcome.last - outcome.first + 1
    if kind == "rectify":
        for at in model.texts[who]:
            if at[1] in fields:
                model.texts[who][at] = Corrected(who)
    if kind in {"change", "rectify"}:
        for field in fields:
            model.texts[who][model.versions[who], field] = texts[field]
    elif kind in {"erase", "strict"}:
        model.erased.add(who)
    elif kind == "restrict":
        model.restricted.add(who)
    else:
        model.restricted.discard(who)


def check(made: Town, model: Model) -> None:
    for who, texts in model.texts.items():
        for (version, field), text in texts.items():
            shown = made.engine.personal(who, {field: version})[field]
            assert model.expect(who, text) == shown, (field, version)


@settings(max_examples=25, deadline=None)
@given(steps=STEPS)
def test_every_text_reads_as_the_history_of_its_person_says(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int, tuple[str, ...]]]
) -> None:
    """Whatever is demanded in whatever order, and however often the store is opened again."""
    data = tmp_path_factory.mktemp("rights") / "store"
    with town(data, members=4) as made:
        members, model = list(made.members), Model(made)
        scores = made.scores()
    while True:
        with town(data) as made:
            check(made, model)
            while steps:
                (kind, number, fields), steps = steps[0], steps[1:]
                if kind == "reopen":
                    break
                play(made, model, kind, members[number], fields)
                check(made, model)
            assert scores == made.scores()
            if not steps:
                break
    for who in model.erased:
        assert [] == [key for (key,) in _keys(data, who) if key is not None]
    with open_engine(data, read_only=True) as reading:
        assert reading.replay(day=21_000).position == reading.head()[0]


def _keys(data: Path, who: UUID) -> list[Any]:
    return rows(data / "keys.db", "SELECT wrapped FROM keys WHERE subject = ?", (who.hex,))


def test_a_merged_contact_is_corrected_like_any_other(tmp_path: Path) -> None:
    with town(tmp_path, members=1, contacts=2) as made:
        vic, uma = made.contacts
        made.do(MergeContact(contact=vic, into=uma))

        made.do(RectifyContact(contact=vic, phone="+49"))

        assert "+49" == made.show(vic)["phone"]
        assert isinstance(made.show(uma)["phone"], str)


@pytest.mark.parametrize("which", [0, 1, 2], ids=["merged-first", "merged-next", "goes-on"])
@pytest.mark.parametrize("merge_first", [True, False])
def test_a_restriction_covers_everybody_who_is_the_same_person(
    tmp_path: Path, which: int, *, merge_first: bool
) -> None:
    """Promise: whichever of merged contacts is restricted, before or after, none is shown."""
    with town(tmp_path, members=1, contacts=4) as made:
        vic, uma, zoe, other = made.contacts
        before = {who: made.show(who) for who in made.contacts}
        merges = [MergeContact(contact=vic, into=uma), MergeContact(contact=uma, into=zoe)]
        restricted = made.contacts[which]
        asked: list[Any] = [RestrictContact(contact=restricted)]
        for each in [*merges, *asked] if merge_first else [*asked, *merges]:
            made.do(each)

        for who in (vic, uma, zoe):
            assert {Restricted(who)} == set(made.show(who).values())
        assert before[other] == made.show(other)
        for who in {vic, uma, zoe} - {restricted}:
            for refused in (RestrictContact(contact=who), UnrestrictContact(contact=who)):
                refusal = made.ask(refused)
                assert "WRONG_STATE" == refusal.reason
                assert f"restricted with contact {restricted}" in refusal.message
    with town(tmp_path) as again:
        assert {Restricted(vic)} == set(again.show(vic).values())
        again.do(UnrestrictContact(contact=restricted))
        for who in (vic, uma, zoe):
            assert before[who] == again.show(who)


def test_who_was_restricted_twice_is_shown_when_both_are_lifted(tmp_path: Path) -> None:
    with town(tmp_path, members=1, contacts=2) as made:
        vic, uma = made.contacts
        made.do(RestrictContact(contact=vic))
        made.do(RestrictContact(contact=uma))
        made.do(MergeContact(contact=vic, into=uma))

        made.do(UnrestrictContact(contact=uma))
        assert {Restricted(uma)} == set(made.show(uma).values())
        made.do(UnrestrictContact(contact=vic))

        assert isinstance(made.show(uma)["name"], str)


@pytest.mark.parametrize("strict", [False, True], ids=["keys", "strict"])
def test_merged_contacts_are_erased_as_one_person(tmp_path: Path, *, strict: bool) -> None:
    """Promise: no half of a person stays readable, and who names half of one hears of the rest."""
    with town(tmp_path, members=1, contacts=4) as made:
        vic, uma, zoe, other = made.contacts
        same, before = (vic, uma, zoe), made.show(other)
        left = [key for who in same for key in wrapped_keys(tmp_path, who)]
        texts = [text for who in same for text in ciphertexts(tmp_path, who)]
        made.do(MergeContact(contact=vic, into=uma))
        made.do(MergeContact(contact=uma, into=zoe))
        for who in (vic, uma):
            refusal = made.ask(EraseContact(contact=who, strict=strict))
            assert ("WRONG_STATE", "contact") == (refusal.reason, refusal.field)
            assert f"merged into contact {zoe}" in refusal.message
            assert isinstance(made.show(who)["name"], str)

        made.do(EraseContact(contact=zoe, strict=strict))

        for who in same:
            assert {Erased(who)} == set(made.show(who).values())
            assert "SUBJECT_ERASED" == made.ask(RectifyContact(contact=who, name="x")).reason
        assert [] == files_with(tmp_path, [*left, *texts] if strict else left)
        assert before == made.show(other)
    with town(tmp_path) as again:
        assert 0 == again.engine.erased_again
        assert {Erased(vic)} == set(again.show(vic).values())
