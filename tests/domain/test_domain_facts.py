"""What every fact declares: name, kind, privacy classes, columns."""

from __future__ import annotations

import dataclasses
import typing
from typing import Any
from uuid import UUID

import pytest

from domain.script import town
from refnet.domain import facts
from refnet.domain.facts import Columns, Effect, Privacy, fact, pii, privacy_of, pseudonym, public
from refnet.domain.nouns import BY_COMMAND, BY_FACT, BY_NAME, FACTS, NOUNS
from refnet.domain.values import Erased, Personal, Sealed

EVERY: list[Any] = [kind for noun in NOUNS for kind in noun.facts]
COMMANDS: list[Any] = [kind for noun in NOUNS for kind in noun.commands]
IDS = {noun.id_type for noun in NOUNS}
PUBLIC_IDS = {BY_NAME["chapter"].id_type, BY_NAME["network"].id_type}

each_fact = pytest.mark.parametrize("kind", EVERY, ids=lambda kind: kind.__name__)


def parts(hint: Any) -> set[Any]:
    """The hint, or what is united in it."""
    return set(typing.get_args(hint)) or {hint}


def test_names_and_kinds_are_given_once() -> None:
    names = [kind.NAME for kind in EVERY]
    kinds = [kind.COLUMNS.kind for kind in EVERY]

    assert sorted(set(names)) == sorted(names)
    assert sorted(set(kinds)) == sorted(kinds)
    assert all(1 <= kind <= 255 for kind in kinds)
    assert len(FACTS) == len(BY_FACT) == len(EVERY)
    assert len(BY_COMMAND) == len(COMMANDS)
    assert len({noun.plural for noun in NOUNS}) == len(IDS) == len(BY_NAME) == len(NOUNS)


@each_fact
def test_a_name_is_a_word_of_ours_with_a_version(kind: Any) -> None:
    assert kind.NAME.startswith("refnet.")
    assert kind.NAME.endswith(".v1")
    assert kind.__module__ not in kind.NAME


@each_fact
def test_every_field_is_classed_and_the_class_fits_the_type(kind: Any) -> None:
    hints = typing.get_type_hints(kind)

    for name, privacy in privacy_of(kind).items():
        held = parts(hints[name])
        if privacy is Privacy.PII:
            assert {str, Sealed} <= held, "personal data is text before it is sealed"
        elif held & ({*IDS, UUID} - PUBLIC_IDS) or name == "reader":
            assert privacy is Privacy.PSEUDONYM
        else:
            assert privacy is Privacy.PUBLIC
            assert Sealed not in held


@each_fact
def test_free_text_and_what_names_a_person_is_sealed(kind: Any) -> None:
    hints = typing.get_type_hints(kind)
    told = {"reason", "text", "topics", "description", "place", "email", "phone", "external_id"}
    person = BY_FACT[kind.NAME].name in {"member", "contact"}

    for name in hints.keys() & ({*told, "prospect_name"} | ({"name"} if person else set())):
        if str in parts(hints[name]):  # a reason may also be chosen from a list
            assert privacy_of(kind)[name] is Privacy.PII


@each_fact
def test_a_sealed_field_names_a_subject_that_the_fact_holds(kind: Any) -> None:
    hints = typing.get_type_hints(kind)

    for subjects in kind.SEALED.values():
        for subject in subjects:
            assert subject == "stream" or parts(hints[subject]) & IDS
        last = subjects[-1]
        assert last == "stream" or type(None) not in parts(hints[last]), "somebody's key must do"


@each_fact
def test_columns_refer_to_fields_of_the_right_type(kind: Any) -> None:
    hints, columns = typing.get_type_hints(kind), kind.COLUMNS

    def held(name: str) -> set[Any]:
        return parts(hints[name]) - {type(None)}

    members = {BY_NAME["member"].id_type, BY_NAME["contact"].id_type}
    for name in (columns.giver, columns.receiver):
        assert name in (None, "stream") or held(name) <= members
    assert columns.chapter in (None, "stream") or held(columns.chapter) <= PUBLIC_IDS
    if columns.codes is None:
        assert columns.value is None or callable(columns.value) or held(columns.value) == {int}
    else:
        assert set(columns.codes) == set(held(columns.value).pop())
    assert columns.reference is None or held(columns.reference) == {int}
    assert columns.day is None or held(columns.day).pop().__name__ == "date"
    assert columns.zone is None or held(columns.zone) == {str}


def test_what_scores_read_is_declared_once_per_meaning() -> None:
    void = {kind.__name__ for kind in EVERY if kind.COLUMNS.effect is Effect.VOID}

    assert void == {
        "OneToOneDisputed",
        "OneToOneVoided",
        "ReferralVoided",
        "TestimonialWithdrawn",
        "ClientTestimonialWithdrawn",
    }
    joins = [kind.__name__ for kind in EVERY if kind.COLUMNS.effect is Effect.JOIN]
    assert joins == ["MemberInducted"]


@pytest.mark.parametrize("kind", COMMANDS, ids=lambda kind: kind.__name__)
def test_a_command_targets_an_id_of_its_noun(kind: Any) -> None:
    hints = typing.get_type_hints(kind)

    if kind.TARGET is not None:
        assert hints[kind.TARGET] is BY_COMMAND[kind].id_type
    assert getattr(kind, "LOOKUP", None) in {None, *hints}


def test_facts_and_commands_cannot_be_changed() -> None:
    (begin, *_) = town().sandbox.log

    with pytest.raises(dataclasses.FrozenInstanceError):
        begin[1].name = "Other"


def test_a_field_without_a_privacy_class_stops_the_import() -> None:
    class Careless:
        told: str = public()
        forgotten: str = dataclasses.field()

    with pytest.raises(TypeError, match="'forgotten' has no privacy class"):
        fact("refnet.careless.v1", Columns(255))(Careless)


def test_personal_data_needs_a_subject() -> None:
    with pytest.raises(TypeError, match="names its subject"):
        pii()


def test_sealed_and_erased_are_values_that_say_whose_data_it_is() -> None:
    @fact("refnet.whisper.v1", Columns(255))
    class Whisper:
        about: UUID = pseudonym()
        text: Personal = pii("about")

    one = UUID(int=1)
    sealed = Sealed(one, 2, "ab")

    assert Whisper(about=one, text=sealed).text == Sealed(one, 2, "ab")
    assert Whisper.SEALED == {"text": ("about",)}  # type: ignore[attr-defined]
    assert Erased(one) == Erased(one) != Erased(UUID(int=2))
    assert Erased(one).subject == one
    assert {facts.Privacy.PSEUDONYM, facts.Privacy.PII} == set(privacy_of(Whisper).values())


def test_a_state_keeps_no_personal_data() -> None:
    """States outlive erasure in memory, so they hold which fact has a text, never the text."""
    for noun in NOUNS:
        state = typing.get_type_hints(noun.evolve)["return"]
        sealed = {field for kind in noun.facts for field in kind.SEALED}
        assert not sealed & {each.name for each in dataclasses.fields(state)}, noun.name
