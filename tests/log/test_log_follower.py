"""What a follower hands out is what lies in the log, also where that is damaged."""

from __future__ import annotations

import sqlite3
import threading

import pytest

from log.rig import OpenNote, Rig
from refnet.errors import StoreDamaged
from refnet.log.follower import Follower
from refnet.log.reader import Row


def first_of(log: Rig, after: int = 0, batch: int = 4096) -> list[Row]:
    return next(Follower(log.reader, after, batch).batches(threading.Event()))


def test_a_follower_hands_out_the_stored_bytes(log: Rig) -> None:
    for text in ("plain", 'quoted "ä" \\ \N{SNOWMAN}', "\x00\x1f"):
        log.do(OpenNote(times=2, text=text))
    stored = log.reader.rows()

    assert len(stored) > 4
    assert first_of(log) == stored
    assert first_of(log, after=2, batch=2) == stored[2:4]
    assert [type(column) for column in first_of(log)[0]] == [type(column) for column in stored[0]]


@pytest.mark.parametrize(
    "damage",
    [
        "DELETE FROM stored_events WHERE rowid = 3",
        "DELETE FROM stored_events WHERE rowid = 1",
    ],
)
def test_a_follower_names_the_position_that_is_missing(log: Rig, damage: str) -> None:
    log.do(OpenNote(times=4))
    tamper(log, damage)

    with pytest.raises(StoreDamaged) as caught:
        first_of(log)
    assert caught.value.facts["position"] == damage[-1]


def test_a_follower_hands_on_a_row_that_is_no_text(log: Rig) -> None:
    """Whoever folds it names the position; here nothing is known of what it should be."""
    log.do(OpenNote())
    tamper(log, "UPDATE stored_events SET topic = x'00' WHERE rowid = 2")

    name: object = first_of(log)[1][3]
    assert name == b"\x00"


def tamper(log: Rig, statement: str) -> None:
    with sqlite3.connect(log.store.path) as raw:
        triggers = "SELECT name FROM sqlite_schema WHERE type = 'trigger'"
        for (name,) in raw.execute(triggers).fetchall():
            raw.execute(f"DROP TRIGGER {name}")
        raw.execute(statement)
    raw.close()
