"""Request ids and secret handles: who asks again, and what may be given once only."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import ClassVar
from uuid import UUID

import pytest

from log.rig import NOTE, START, CountNote, OpenNote, Rig
from refnet.domain.decisions import command
from refnet.domain.network import NOUN as NETWORK
from refnet.errors import InvalidRequest, RequestIdReused, WrongState
from refnet.log.draft import Receipt


def test_a_repeated_request_gets_the_first_answer(log: Rig, open_log: Callable[..., Rig]) -> None:
    first = log.do(OpenNote(text="a", times=1), "same")
    log.do(OpenNote())
    again = log.do(OpenNote(text="a", times=1), "same")
    assert again == Receipt(first.stream, first.first, first.last, replayed=True)
    log.close()
    later = open_log()
    assert later.do(OpenNote(text="a", times=1), "same") == again
    assert later.reader.position() == 4


def test_a_repeat_within_one_batch_gets_the_first_answer(log: Rig) -> None:
    one, two = log.sequencer.execute(
        [log.request(OpenNote(text="a"), "same"), log.request(OpenNote(text="a"), "same")]
    )
    assert isinstance(one, Receipt)
    assert two == Receipt(one.stream, one.first, one.last, replayed=True)
    assert log.reader.position() == 2


@pytest.mark.parametrize("change", ["command", "content", "acting", "time"])
def test_a_request_id_with_other_content_is_refused(log: Rig, change: str) -> None:
    note = log.do(OpenNote(text="a"), "same").stream
    options = {"acting": {"acting_member": note}, "time": {"occur_time": START}}.get(change, {})
    asked = {"command": CountNote(note=note), "content": OpenNote(text="b")}.get(
        change, OpenNote(text="a")
    )
    assert isinstance(log.do(asked, "same", **options), RequestIdReused)
    assert log.reader.position() == 2


def test_principals_do_not_share_request_ids(log: Rig) -> None:
    one = log.do(OpenNote(text="a"), "same")
    two = log.do(OpenNote(text="b"), "same", principal="other")
    assert (one.last, two.last) == (2, 3)


def test_a_refused_request_may_be_sent_again_with_the_same_id(log: Rig) -> None:
    note = log.do(OpenNote()).stream
    assert isinstance(log.do(CountNote(note=note, by=-1), "again"), WrongState)
    assert isinstance(log.do(CountNote(note=note, by=1), "again"), Receipt)


def test_a_request_that_changes_nothing_is_answered_alike_for_ever(log: Rig) -> None:
    note = log.do(OpenNote()).stream
    first = log.do(CountNote(note=note, by=0), "nothing")
    log.do(OpenNote())
    assert first == Receipt(note, 3, 2, replayed=False)
    assert log.do(CountNote(note=note, by=0), "nothing") == Receipt(note, 3, 2, replayed=True)


def test_a_repeat_is_known_after_its_command_got_an_option(
    log: Rig, open_log: Callable[..., Rig]
) -> None:
    """Promise: a newer refnet gives the answers that an older one gave."""

    @command()
    class Newer:
        LOOKUP: ClassVar[str] = "external_id"
        text: str | None = None
        aside: str = ""
        gossip: str | None = None
        about: UUID | None = None
        times: int = 0
        external_id: str | None = None

    Newer.__name__ = "OpenNote"
    first = log.do(OpenNote(text="a", times=2), "same")
    log.close()
    commands = {**NOTE.commands, Newer: NOTE.commands[OpenNote]}
    newer = open_log(nouns=(NETWORK, dataclasses.replace(NOTE, commands=commands)))
    assert newer.do(Newer(text="a", times=2), "same") == dataclasses.replace(first, replayed=True)
    for other in (Newer(text="a", times=2, aside="x"), Newer(text="a"), Newer(times=2)):
        assert isinstance(newer.do(other, "same"), RequestIdReused)


def test_fields_count_by_name_whatever_they_hold(log: Rig) -> None:
    log.do(OpenNote(text="a"), "same")
    assert isinstance(log.do(OpenNote(gossip="a"), "same"), RequestIdReused)


def test_what_was_asked_is_not_kept_in_the_request_table(log: Rig) -> None:
    """Promise: fingerprints are keyed, so that nobody can try contents against them."""
    log.do(OpenNote(text="a"), "same")
    query = "SELECT fingerprint FROM requests WHERE request_id = 'same'"
    ((kept,),) = log.reader.query(query)
    assert len(kept) == 32
    assert kept not in {
        log.keys.fingerprint(purpose, b"a") for purpose in ("", "refnet/request/v1")
    }


def test_an_external_id_is_found_by_its_fingerprint_only(log: Rig) -> None:
    note = log.do(OpenNote(external_id="acct-4711")).stream
    assert log.disclosure.find("external_id", "acct-4711") == note
    assert log.disclosure.find("email", "acct-4711") is None
    assert log.disclosure.find("external_id", "acct-4712") is None


def test_an_external_id_belongs_to_one_stream(log: Rig, open_log: Callable[..., Rig]) -> None:
    """Promise: a look-up finds the one there is, not the first of several."""
    note = log.do(OpenNote(external_id="acct"), "same").stream
    again = log.request(OpenNote(external_id="acct"))
    alike = [log.request(OpenNote(external_id="new"), name) for name in ("new", "new", "other")]
    odd = log.request(OpenNote(external_id="\ud800"))
    empty = log.request(OpenNote(external_id=""))
    outcomes = log.sequencer.execute([again, *alike, odd, empty])

    refused = [each for each in outcomes if isinstance(each, InvalidRequest)]
    assert refused == [outcomes[0], outcomes[3], outcomes[4]]
    assert [each.field for each in refused] == ["external_id", "external_id", ""]
    assert isinstance(outcomes[0], InvalidRequest)
    assert outcomes[0].facts == {"id": str(note)}
    assert "acct" not in outcomes[0].message
    assert [each.replayed for each in outcomes if isinstance(each, Receipt)] == [False, True, False]
    log.close()
    later = open_log()
    assert later.do(OpenNote(external_id="acct"), "same").replayed
    assert isinstance(later.do(OpenNote(external_id="acct")), InvalidRequest)
    assert later.disclosure.find("external_id", "acct") == note
