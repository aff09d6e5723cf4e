"""What was said long ago is gone; who people are stays known."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from privacy.test_crashes import die
from privacy.town import START, Clock, ciphertexts, files_with, rows, town
from refnet.domain.member import SuspendMember
from refnet.domain.network import ExpireTexts
from refnet.domain.rights import EraseMember, RestrictMember, UnrestrictMember
from refnet.domain.testimonial import GiveTestimonial
from refnet.domain.values import MICROS_PER_DAY, Erased, Expired, Restricted, utc_day
from refnet.errors import InvalidRequest, StoreDamaged, WrongState
from refnet.log.reader import Reader
from refnet.privacy.export import about_person
from refnet.privacy.retention import expiry_for, review


def praise(made: Any, author: Any, subject: Any) -> tuple[Any, str]:
    """A testimonial and its text."""
    text = made.word(subject, "praise")
    command = GiveTestimonial(subject=subject, author=author, rating=9, text=text)
    return made.do(command, author).stream, text


def texts_of(made: Any, streams: list[Any]) -> list[Any]:
    return [made.engine.personal(stream, {"text": 1})["text"] for stream in streams]


def test_texts_expire_by_their_record_time_and_names_do_not(tmp_path: Path) -> None:
    """Promise: the old texts are off the disk, and newer ones and names are as they were."""
    clock = Clock()
    with town(tmp_path, members=12, clock=clock) as made:
        ann, bob, cat, dan = made.members[:4]
        shown = {who: made.show(who) for who in made.members}
        old = [praise(made, ann, who)[0] for who in (bob, cat, dan)]
        gone = [text for who in (bob, cat, dan) for text in ciphertexts(tmp_path, who)]
        details = {who: ciphertexts(tmp_path, who) for who in (ann,)}
        clock.now += 10 * MICROS_PER_DAY
        new, kept = praise(made, bob, ann)
        policy, today = {"texts": 10}, utc_day(clock.now)
        assert 0 == review(made.engine, policy, today).texts[0]
        clock.now += MICROS_PER_DAY
        found = review(made.engine, policy, today + 1)
        assert (3, START + MICROS_PER_DAY) == found.texts
        command = expiry_for(made.engine, found)
        assert command is not None

        made.do(command)

        assert [Expired(bob), Expired(cat), Expired(dan), kept] == texts_of(made, [*old, new])
        assert shown == {who: made.show(who) for who in made.members}
        left = [text for who in (bob, cat, dan) for text in ciphertexts(tmp_path, who)]
        taken = [text for text in gone if text not in left]
        assert (15, 12, 3) == (len(gone), len(left), len(taken))
        assert [] == files_with(tmp_path, taken)
        assert details[ann]
        assert expiry_for(made.engine, review(made.engine, policy, today + 1)) is None
        assert isinstance(made.ask(command), WrongState)
        late = ExpireTexts(network=command.network, before_time=clock.now + 1)
        refusal = made.ask(late)
        assert isinstance(refusal, InvalidRequest)
        assert "before_time" == refusal.field
    with town(tmp_path, clock=clock) as made:
        assert [Expired(bob), kept] == texts_of(made, [old[0], new])
        (network,) = made.engine.state.resident("network").values()
        assert START + MICROS_PER_DAY == network.texts_expired_time


def test_what_a_kill_interrupted_expires_at_the_next_start(tmp_path: Path) -> None:
    data = tmp_path / "store"
    with town(data, members=12) as made:
        ann, bob = made.members[:2]
        stream, _ = praise(made, ann, bob)
        network: Any = next(iter(made.engine.state.resident("network")))
        before_time = made.engine.clock()
        gone = rows(data / "log.db", "SELECT bytes FROM sealed WHERE field = 'text'")[0]
    assert files_with(data, gone)
    command = f"ExpireTexts(network=UUID('{network}'), before_time={before_time})"

    die(data, command, "carry-out")

    assert files_with(data, gone)
    with town(data) as made:
        assert [Expired(bob)] == texts_of(made, [stream])
        assert [] == files_with(data, gone)


def test_who_is_restricted_keeps_texts_and_who_is_erased_has_none(tmp_path: Path) -> None:
    clock = Clock()
    with town(tmp_path, members=4, clock=clock) as made:
        ann, bob, cat, _ = made.members
        of_bob, text = praise(made, ann, bob)
        of_cat, _ = praise(made, ann, cat)
        made.do(RestrictMember(member=bob))
        made.do(EraseMember(member=cat))
        clock.now += 9 * MICROS_PER_DAY
        network: Any = next(iter(made.engine.state.resident("network")))
        assert 0 == review(made.engine, {"texts": 1}, utc_day(clock.now)).texts[0]

        made.do(ExpireTexts(network=network, before_time=clock.now))

        assert [Restricted(bob), Erased(cat)] == texts_of(made, [of_bob, of_cat])
        reader: Reader = made.engine.reader()
        try:
            opens = made.engine.disclosure(reader)
            own = about_person(reader, opens, bob, 0, made.engine.position)
        finally:
            reader.close()
        assert text in [each for about in own for each in about.personal.values()]
        made.do(UnrestrictMember(member=bob))
        assert [Expired(bob)] == texts_of(made, [of_bob])
        clock.now += MICROS_PER_DAY
        left = ciphertexts(tmp_path, bob)
        made.do(ExpireTexts(network=network, before_time=clock.now))
        assert len(left) - 1 == len(ciphertexts(tmp_path, bob))


def test_a_text_of_later_that_is_missing_is_damage(tmp_path: Path) -> None:
    clock = Clock()
    with town(tmp_path, members=2, clock=clock) as made:
        ann = made.members[0]
        network: Any = next(iter(made.engine.state.resident("network")))
        clock.now += MICROS_PER_DAY
        made.do(ExpireTexts(network=network, before_time=clock.now))
        made.do(SuspendMember(member=ann, reason="because"))
        raw = sqlite3.connect(tmp_path / "log.db")
        raw.execute("DELETE FROM sealed WHERE field = 'reason'")
        raw.commit()
        raw.close()

        with pytest.raises(StoreDamaged, match="missing"):
            made.engine.personal(ann, {"reason": 4})
