"""The state of any stream as of any position is what the live fold had then."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.audited_logs import log_of
from explaining import grown
from random_network import RandomNetwork
from refnet.audit.state import noun_of, plain, state_at
from refnet.domain.nouns import BY_FACT, NOUNS
from refnet.domain.state import State
from refnet.errors import InvalidRequest, NotFound, PositionAhead, StoreDamaged


def live(net: RandomNetwork, position: int) -> State:
    """What the server holds at a position."""
    state = State(NOUNS, lambda _noun, _stream: None)
    for fact, recorded in net.facts[:position]:
        state.apply(BY_FACT[fact.NAME], fact, recorded)
    return state


@settings(max_examples=10)
@given(st.integers(0, 2**32), st.data())
def test_every_noun_has_the_state_of_the_live_fold(seed: int, data: Any) -> None:
    net = grown(seed, 150)
    position = data.draw(st.integers(1, net.position))
    expected = live(net, position)
    streams = {recorded.stream: fact for fact, recorded in reversed(net.facts[:position])}
    with TemporaryDirectory() as folder, log_of(net.rows, Path(folder)) as reader:
        for stream, first in streams.items():
            noun = BY_FACT[first.NAME]
            held = state_at(reader, noun, stream, position)
            assert expected.find(noun.name, stream) == held.state
            facts = [told for told in net.facts[:position] if told[1].stream == stream]
            assert [(recorded.position, fact) for fact, recorded in facts] == [
                (step.position, step.fact) for step in held.steps
            ]
            assert list(range(1, len(facts) + 1)) == [step.version for step in held.steps]
            assert [net.rows[step.position - 1][6] for step in held.steps] == [
                step.commitment for step in held.steps
            ]


def test_what_is_not_there_is_refused_with_a_way_out(tmp_path: Path) -> None:
    net = grown(7, 150)
    member: UUID = net.streams["member"][-1]
    begins = next(recorded.position for _, recorded in net.facts if recorded.stream == member)
    noun = noun_of("members")
    with log_of(net.rows, tmp_path) as reader:
        with pytest.raises(NotFound, match=f"begins at position {begins}, after {begins - 1}"):
            state_at(reader, noun, member, begins - 1)
        with pytest.raises(NotFound, match=r"no member .* is in the log"):
            state_at(reader, noun, uuid4(), net.position)
        with pytest.raises(NotFound, match="is no referral but a member"):
            state_at(reader, noun_of("referral"), member, net.position)
        with pytest.raises(PositionAhead):
            state_at(reader, noun, member, net.position + 1)
    with pytest.raises(InvalidRequest, match="choose one of network, chapter, member"):
        noun_of("person")


def test_a_fact_that_is_not_the_one_committed_to_makes_no_state(tmp_path: Path) -> None:
    net = grown(7, 60)
    member: UUID = net.streams["member"][0]
    at = next(place for place, told in enumerate(net.facts) if told[1].stream == member)
    row = net.rows[at]
    rows = [*net.rows[:at], (*row[:5], b"\0" * 32, row[6]), *net.rows[at + 1 :]]
    with (
        log_of(rows, tmp_path) as reader,
        pytest.raises(StoreDamaged, match=f"at position {at + 1} is not the one committed to"),
    ):
        state_at(reader, noun_of("member"), member, net.position)


def test_sealed_fields_stay_sealed(tmp_path: Path) -> None:
    net = grown(7, 150)
    with log_of(net.rows, tmp_path) as reader:
        stream: UUID = net.streams["contact"][0]
        held = state_at(reader, noun_of("contact"), stream, net.position)
    first = held.steps[0]

    assert "name" in first.sealed
    assert "ab" * 32 == plain(first.fact)["name"]["sealed"]
