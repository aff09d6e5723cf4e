"""The state at the head, and the overlay in which a batch is decided."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from domain.script import Stage, town
from refnet.domain import state as state_module
from refnet.domain.contact import ContactRegistered
from refnet.domain.member import EnrolMember, LeaveNetwork
from refnet.domain.nouns import BY_NAME, NOUNS
from refnet.domain.one_to_one import ConfirmOneToOne, HoldOneToOne
from refnet.domain.state import State
from refnet.domain.values import ChapterId, MemberId, OneToOneId
from refnet.errors import SeatTaken


def enrol(stage: Stage, seat: str) -> EnrolMember:
    return EnrolMember(chapter=ChapterId(stage.id("berlin")), classification=seat)


def test_a_batch_sees_what_it_has_decided_and_others_do_not() -> None:
    stage = town()
    sandbox, batch = stage.sandbox, stage.sandbox.state.begin()

    sandbox.do(enrol(stage, "Tailor"), batch=batch)

    with pytest.raises(SeatTaken):
        sandbox.do(enrol(stage, "tailor"), batch=batch)
    assert batch.find("member", sandbox.last) is not None
    assert sandbox.state.find("member", sandbox.last) is None
    assert sandbox.last not in sandbox.state.resident("member")
    sandbox.state.begin()


def test_a_dropped_batch_leaves_nothing() -> None:
    stage = town()
    sandbox, batch = stage.sandbox, stage.sandbox.state.begin()
    seats = dict(sandbox.state.index("seats"))
    members = dict(sandbox.state.resident("member"))

    sandbox.do(enrol(stage, "Tailor"), batch=batch)
    sandbox.do(LeaveNetwork(member=MemberId(stage.id("bob"))), batch=batch)

    assert batch.index("seats") != seats
    assert dict(sandbox.state.index("seats")) == seats
    assert dict(sandbox.state.resident("member")) == members
    sandbox.do(enrol(stage, "Tailor"))


def test_a_committed_batch_is_the_state() -> None:
    stage = town()
    sandbox, batch = stage.sandbox, stage.sandbox.state.begin()
    sandbox.do(enrol(stage, "Tailor"), batch=batch)
    decided = batch.find("member", sandbox.last)

    batch.commit()

    assert sandbox.state.find("member", sandbox.last) is decided
    assert list(sandbox.state.resident("member"))[-1] == sandbox.last
    with pytest.raises(SeatTaken):
        sandbox.do(enrol(stage, "Tailor"))


def test_in_one_batch_a_seat_changes_hands() -> None:
    stage = town()
    sandbox, batch = stage.sandbox, stage.sandbox.state.begin()

    sandbox.do(LeaveNetwork(member=MemberId(stage.id("bob"))), batch=batch)
    sandbox.do(enrol(stage, "Florist"), batch=batch)
    batch.commit()

    (seat,) = [
        seat for (_, name), seat in sandbox.state.index("seats").items() if name == "florist"
    ]
    assert seat.holder == sandbox.last


def test_a_stream_that_is_not_resident_is_loaded_once_and_then_remembered() -> None:
    stage = town()
    stage.play("t = HoldOneToOne initiator=ann partner=bob -> OneToOneHeld")
    asked: list[UUID] = []

    def load(noun: Any, stream: UUID) -> Any:
        asked.append(stream)
        return stage.sandbox.load(noun, stream)

    fresh = State(NOUNS, load)
    first = fresh.find("one_to_one", stage.id("t"))

    assert first == fresh.find("one_to_one", stage.id("t"))
    assert first == stage.sandbox.find("one_to_one", stage.id("t"))
    assert asked == [stage.id("t")]
    assert fresh.find("one_to_one", UUID(int=0)) is None
    assert fresh.find("member", UUID(int=0)) is None
    assert asked == [stage.id("t"), UUID(int=0)]


def test_what_the_cache_forgets_is_loaded_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state_module, "CACHED_STREAMS", 2)
    stage = town()
    sandbox = stage.sandbox
    for name in "stuv":
        stage.play(f"{name} = HoldOneToOne initiator=ann partner=bob -> OneToOneHeld")
    bob = stage.id("bob")

    for name in "vuts":
        sandbox.do(ConfirmOneToOne(one_to_one=OneToOneId(stage.id(name))), actor=bob)

    assert {sandbox.find("one_to_one", stage.id(name)).status for name in "stuv"} == {"confirmed"}
    assert len(sandbox.state._cached) == 2


def test_facts_of_the_log_are_folded_one_by_one() -> None:
    stage = town()
    again = stage.sandbox.again()

    assert again.state.resident("member") == stage.sandbox.state.resident("member")
    assert again.state.index("seats") == stage.sandbox.state.index("seats")
    assert list(again.state.resident("contact")) == list(stage.sandbox.state.resident("contact"))


def test_unknown_tables_are_empty() -> None:
    stage = town()

    assert not stage.sandbox.state.index("nothing")
    assert not stage.sandbox.state.begin().index("nothing")


@pytest.mark.parametrize("noun", NOUNS, ids=lambda noun: noun.name)
def test_a_noun_holds_only_its_own_facts(noun: Any) -> None:
    stage = town()
    (_, strange, recorded) = next(
        each for each in stage.sandbox.log if type(each[1]) not in noun.facts
    )

    with pytest.raises((TypeError, KeyError, AssertionError)):
        noun.evolve(None, strange, recorded)


def test_an_id_of_one_noun_is_no_other_noun() -> None:
    stage = town()

    stage.play("LeaveNetwork member=vic -> NOT_FOUND member")
    stage.play("PassReferral giver=ann receiver=berlin -> NOT_FOUND receiver")


def test_evolving_leaves_the_old_state_alone() -> None:
    stage = town()
    before = stage.sandbox.find("contact", stage.id("vic"))
    assert isinstance(stage.sandbox.log[-1][1], ContactRegistered)

    stage.play(
        "w = RegisterContact name=W -> ContactRegistered",
        "MergeContact contact=vic into=w -> ContactMerged",
    )

    assert before.merged_into is None
    assert stage.sandbox.find("contact", stage.id("vic")).merged_into == stage.id("w")
    assert BY_NAME["contact"].resident


def test_a_held_meeting_is_decided_before_it_is_applied() -> None:
    stage = town()
    sandbox = stage.sandbox
    ann, bob = MemberId(stage.id("ann")), MemberId(stage.id("bob"))

    (held,) = sandbox.do(HoldOneToOne(initiator=ann, partner=bob), batch=sandbox.state.begin())

    assert held.initiator == ann
    assert sandbox.state.find("one_to_one", sandbox.last) is None
