"""Facts to bytes and back, for every fact there is."""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
import json
import os
import types
import typing
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from log.rig import NOTE, NoteCounted, NoteOpened
from log.rig import NOUNS as TEST_NOUNS
from refnet.domain.facts import Columns, Recorded, fact, public
from refnet.domain.nouns import NOUNS
from refnet.domain.values import Personal, Sealed
from refnet.errors import InvalidRequest, StoreDamaged
from refnet.log.codec import Codec

COUNTED, OPENED = "refnet.note-counted.v1", "refnet.note-opened.v1"
GOLDEN = Path(__file__).with_name("golden_facts.json")
CODEC = Codec(NOUNS)
STREAM = UUID(int=0x018BCFE568007004_9C22F85387C22A16)
FACTS = [kind for noun in NOUNS for kind in noun.facts]


def recorded(**changes: Any) -> Recorded:
    """What the log adds, for a fact at position 9 in a stream that began at 4."""
    first = Recorded(STREAM, 3, 9, 4, 17, 18, "local", UUID(int=5), "r1")
    return dataclasses.replace(first, **changes)


# --- one value for every type a fact may hold -----------------------------------------------------

_TEXT = st.text(st.characters(codec="utf-8"))
_SEALED = st.builds(
    Sealed,
    subject=st.uuids(),
    epoch=st.integers(1, 9),
    sha256=st.binary(min_size=32, max_size=32).map(bytes.hex),
)
_SIMPLE: dict[Any, st.SearchStrategy[Any]] = {
    str: _TEXT,
    int: st.integers(-(1 << 63), (1 << 63) - 1),
    bool: st.booleans(),
    UUID: st.uuids(),
    dt.date: st.dates(),
    types.NoneType: st.none(),
}


def values(hint: Any) -> st.SearchStrategy[Any]:
    """Values of a field's type; personal ones come sealed, as the codec demands."""
    if hint is Personal or (Sealed in typing.get_args(hint)):
        optional = types.NoneType in typing.get_args(hint)
        return st.none() | _SEALED if optional else _SEALED
    hint = getattr(hint, "__supertype__", hint)
    arguments = typing.get_args(hint)
    if typing.get_origin(hint) is tuple:
        if arguments[-1] is Ellipsis:
            return st.lists(values(arguments[0]), max_size=4).map(tuple)
        return st.tuples(*map(values, arguments))
    if arguments:
        return st.one_of(*map(values, arguments))
    if dataclasses.is_dataclass(hint):
        return records(hint)
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return st.sampled_from(hint)
    return _SIMPLE[hint]


def records(kind: Any) -> st.SearchStrategy[Any]:
    """Instances of a fact or of a record inside one."""
    hints = typing.get_type_hints(kind)
    return st.builds(
        kind, **{each.name: values(hints[each.name]) for each in dataclasses.fields(kind)}
    )


@pytest.mark.parametrize("kind", FACTS, ids=lambda kind: kind.NAME)
@settings(max_examples=25)
@given(data=st.data())
def test_every_fact_survives(kind: Any, data: st.DataObject) -> None:
    given_fact = data.draw(records(kind))
    acting, principal = data.draw(st.none() | st.uuids()), data.draw(_TEXT)
    at = recorded(acting_member=acting, principal=principal, request_id=data.draw(_TEXT))
    state = CODEC.encode(given_fact, at)
    assert CODEC.decode(9, STREAM, 3, kind.NAME, state) == (given_fact, at)
    plain = json.loads(state)
    canonical = json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    # The standard library writes the few control characters without a short form the same way.
    assert state == canonical.encode()
    assert set(plain["data"]) == {each.name for each in dataclasses.fields(kind)}


# --- the frozen bytes -----------------------------------------------------------------------------


def example(hint: Any, at: int) -> Any:
    """One value of a type, the same for ever."""
    if Sealed in typing.get_args(hint):
        return Sealed(UUID(int=at + 1), 1, f"{at:064x}")
    hint = getattr(hint, "__supertype__", hint)
    arguments = [each for each in typing.get_args(hint) if each is not types.NoneType]
    if typing.get_origin(hint) is tuple:
        return (example(arguments[0], at), example(arguments[0], at + 1))
    if arguments:
        return example(arguments[0], at)
    if dataclasses.is_dataclass(hint):
        return example_of(hint)
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return next(iter(hint))
    return {
        str: f"é\n{at}", int: at - 3, bool: True, UUID: UUID(int=at), dt.date: dt.date(2024, 2, 29)
    }[hint]  # fmt: skip


def example_of(kind: Any) -> Any:
    """A fact with every field set."""
    hints = typing.get_type_hints(kind)
    fields = sorted(each.name for each in dataclasses.fields(kind))
    return kind(**{name: example(hints[name], at) for at, name in enumerate(fields)})


def test_the_bytes_of_every_fact_are_those_of_the_golden_file() -> None:
    """Promise: a stored fact can be read for ever. A changed line here needs a new name and an
    upcast."""
    made = {kind.NAME: CODEC.encode(example_of(kind), recorded()).decode() for kind in FACTS}
    if os.environ.get("REFNET_REGENERATE_GOLDEN") == "1":
        text = json.dumps(made, indent=1, sort_keys=True, ensure_ascii=False)
        GOLDEN.write_text(text + "\n", encoding="utf-8")
    golden = json.loads(GOLDEN.read_text(encoding="utf-8"))
    missing = sorted(made.keys() - golden.keys())
    assert not missing, f"no golden bytes for {missing}; run with REFNET_REGENERATE_GOLDEN=1"
    for name, state in golden.items():
        read, at = CODEC.decode(9, STREAM, 3, name, state.encode())
        if name in made:
            assert made[name] == state
            assert read == example_of(type(read))
            assert at == recorded()


# --- what is refused ------------------------------------------------------------------------------

NOTES = Codec(TEST_NOUNS)
SEALED = Sealed(UUID(int=1), 1, "00" * 32)


@pytest.mark.parametrize("field", ["text", "gossip"])
def test_plain_text_of_a_personal_field_cannot_be_encoded(field: str) -> None:
    texts = {"text": None, "gossip": None, field: "secret"}
    opened = NoteOpened(about=None, text=texts["text"], gossip=texts["gossip"], marks=())
    with pytest.raises(TypeError, match=field):
        NOTES.encode(opened, recorded())


def test_plain_text_of_a_personal_field_is_not_read_either() -> None:
    opened = NoteOpened(about=None, text=SEALED, gossip=None, marks=())
    state = NOTES.encode(opened, recorded()).replace(
        b'{"epoch":1,"sha256":"'
        + b"00" * 32
        + b'","subject":"'
        + str(UUID(int=1)).encode()
        + b'"}',
        b'"secret"',
    )
    assert b'"secret"' in state
    with pytest.raises(StoreDamaged):
        NOTES.decode(9, STREAM, 3, OPENED, state)


@pytest.mark.parametrize("wrong", [1.0, 0.5, float("nan"), "1", None, True])
def test_a_value_of_another_type_is_never_stored(wrong: Any) -> None:
    with pytest.raises(Exception, match="int") as caught:
        NOTES.encode(NoteCounted(by=wrong), recorded())
    assert type(caught.value).__name__ == "ValidationError"


def test_half_a_surrogate_is_refused() -> None:
    with pytest.raises(InvalidRequest):
        NOTES.encode(NoteCounted(by=1), recorded(principal="\udc00"))


GOOD = NOTES.encode(NoteCounted(by=1), recorded())


@pytest.mark.parametrize(
    ("topic", "state"),
    [
        ("refnet.no-such-fact.v1", GOOD),
        (COUNTED, b""),
        (COUNTED, GOOD[:-1]),
        (COUNTED, GOOD + b" "),
        (COUNTED, GOOD.replace(b":1}", b":1.0}")),
        (COUNTED, GOOD.replace(b'"by":1', b'"by": 1')),
        (COUNTED, GOOD.replace(b'"by":1', b'"by":1,"by":1')),
        (COUNTED, GOOD.replace(b'"by":1', b'"by":1,"too":1')),
        (COUNTED, GOOD.replace(b'"by":1', b"")),
        (COUNTED, GOOD.replace(b'"origin":4', b'"origin":0')),
        (COUNTED, GOOD.replace(b'"origin":4', b'"origin":9')),
        (COUNTED, GOOD.replace(b'"origin":4', b'"origin":-1')),
        (COUNTED, GOOD.replace(b"local", b"l\\u006fcal")),
        (COUNTED, GOOD.replace(b"local", b"l\xffcal")),
    ],
)
def test_damaged_bytes_are_named(topic: str, state: bytes) -> None:
    assert state != GOOD or topic != COUNTED
    with pytest.raises(StoreDamaged) as caught:
        NOTES.decode(9, STREAM, 3, topic, state)
    assert caught.value.facts["position"] == "9"


@fact("refnet.bad.v1", Columns(249))
class _Floating:
    """A fact that would lose its bits."""

    amount: tuple[float, ...] = public()


@fact("refnet.bad.v1", Columns(249))
class _Unordered:
    """A fact whose bytes would depend on chance."""

    names: frozenset[str] = public()


@pytest.mark.parametrize("kind", [_Floating, _Unordered])
def test_facts_that_cannot_be_stored_exactly_are_refused_at_start(kind: Any) -> None:
    with pytest.raises(TypeError, match=r"refnet\.bad\.v1"):
        Codec([dataclasses.replace(NOTE, facts=(kind,))])


def test_two_facts_of_one_name_are_refused_at_start() -> None:
    with pytest.raises(TypeError, match="two facts"):
        Codec([NOTE, NOTE])


# --- old versions ---------------------------------------------------------------------------------


def _rename(data: dict[str, Any]) -> dict[str, Any]:
    return {"count": data["n"]}


def _double(data: dict[str, Any]) -> dict[str, Any]:
    return {"by": data["count"] * 2}


OLD = {
    "refnet.note-counted.v-1": ("refnet.note-counted.v0", _rename),
    "refnet.note-counted.v0": (COUNTED, _double),
}


@pytest.mark.parametrize(
    ("topic", "data"),
    [("refnet.note-counted.v-1", b'{"n":4}'), ("refnet.note-counted.v0", b'{"count":4}')],
)
def test_old_facts_are_read_as_new_ones(topic: str, data: bytes) -> None:
    codec = Codec(TEST_NOUNS, OLD)
    state = GOOD.replace(b'{"by":1}', data)
    assert codec.decode(9, STREAM, 3, topic, state) == (NoteCounted(by=8), recorded())
    assert set(codec.topics([NOTE])) == {OPENED, COUNTED, *OLD}
    assert codec.topics(TEST_NOUNS[:1]) == tuple(sorted(each.NAME for each in TEST_NOUNS[0].facts))
    with pytest.raises(StoreDamaged):
        codec.decode(9, STREAM, 3, topic, state.replace(b'{"', b'{ "'))


@pytest.mark.parametrize(
    "upcasts",
    [{"old": ("nowhere", _double)}, {COUNTED: (OPENED, _double)}],
)
def test_upcasts_that_lead_nowhere_are_refused_at_start(upcasts: Any) -> None:
    with pytest.raises(TypeError, match="upcast"):
        Codec(TEST_NOUNS, upcasts)


def _names(kinds: Sequence[Any]) -> list[str]:
    return [kind.NAME for kind in kinds]


def test_the_name_table_is_complete() -> None:
    assert sorted(_names(FACTS)) == list(CODEC.topics(NOUNS))
