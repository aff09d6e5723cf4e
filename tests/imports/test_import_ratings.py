"""Ratings become members and testimonials, once each, whatever happens to the import."""

from __future__ import annotations

import csv
import gzip
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from refnet.domain.chapter import CloseChapter
from refnet.domain.decisions import Request
from refnet.domain.member import LeaveNetwork, MemberInducted
from refnet.domain.network import Decay, NetworkChartered, Pretrust
from refnet.domain.testimonial import TestimonialGiven as Given
from refnet.domain.values import MemberId
from refnet.engine import Engine
from refnet.errors import ChapterNotOpen, InvalidRequest, WrongState
from refnet.imports.loader import Tally
from refnet.imports.network import execute_one
from refnet.imports.ratings import RatingsImport, is_header
from refnet.imports.rejects import Rejects
from refnet.wiring import open_engine

NOW = 1_700_000_000_000_000


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    with open_engine(tmp_path / "data", clock=lambda: NOW, warn=lambda _: None) as opened:
        yield opened


def load(engine: Engine, text: str, *, batch: int = 1000, **policies: Any) -> Tally:
    path = engine.data / "ratings.csv"
    path.write_text(text)
    rejects = Rejects(engine.data, path)
    try:
        return RatingsImport(engine, rejects, batch=batch, **policies).run(path)
    finally:
        rejects.close()


def reasons(engine: Engine) -> list[tuple[str, str, str]]:
    with (engine.data / "rejected" / "ratings.csv.csv").open() as file:
        return [(row["line"], row["reason"], row["column"]) for row in csv.DictReader(file)]


def names(engine: Engine) -> list[str]:
    told = engine.external_ids()
    inducted = [rec.stream for fact, rec in engine.facts() if isinstance(fact, MemberInducted)]
    return [str(told[stream]) for stream in inducted]


def test_people_join_in_order_of_first_appearance_source_first(engine: Engine) -> None:
    tally = load(engine, "6,2,4,1289241911.72836\n2,6,-3,5\n1,2,10,7\n")

    assert Tally(accepted=3) == tally
    assert ["6", "2", "1"] == names(engine)
    given = [(fact, rec) for fact, rec in engine.facts() if isinstance(fact, Given)]
    told = engine.external_ids()
    assert [
        ("6", "2", 4, 1_289_241_911_728_360),
        ("2", "6", -3, 5_000_000),
        ("1", "2", 10, 7_000_000),
    ] == [(told[f.author], told[f.subject], f.rating, r.occur_time) for f, r in given]
    assert {0} == {rec.occur_time for fact, rec in engine.facts() if not isinstance(fact, Given)}


def test_a_new_store_gets_the_policies_asked_for_and_a_chapter_without_seats(
    engine: Engine,
) -> None:
    load(engine, "a,b,1,1\n", pretrust=Pretrust.UNIFORM, decay=Decay.OFF)

    (charter,) = [fact for fact, _ in engine.facts() if isinstance(fact, NetworkChartered)]
    assert (Pretrust.UNIFORM, Decay.OFF) == (charter.pretrust, charter.decay)
    (chapter,) = engine.state.resident("chapter").values()
    assert not chapter.seats


@pytest.mark.parametrize(
    "policies",
    [
        {"pretrust": Pretrust.ATTENDANCE},
        {"decay": Decay.ON},
        {"decay": Decay.ON, "pretrust": Pretrust.UNIFORM},
    ],
)
def test_policies_that_contradict_the_store_are_refused(
    engine: Engine, policies: dict[str, Any]
) -> None:
    load(engine, "a,b,1,1\n", pretrust=Pretrust.UNIFORM, decay=Decay.OFF)
    before = engine.head()

    with pytest.raises(WrongState, match="another store"):
        load(engine, "a,c,1,1\n", **policies)
    assert before == engine.head()
    load(engine, "a,c,1,1\n", pretrust=Pretrust.UNIFORM)
    load(engine, "a,d,1,1\n")
    assert ["a", "b", "c", "d"] == names(engine)


def test_equal_rows_are_as_many_facts_and_the_same_file_again_is_none(engine: Engine) -> None:
    text = "a,b,1,1\na,b,1,1.0\n b , a ,2,1\na,b,1,1\n"

    assert Tally(accepted=4) == load(engine, text)
    head = engine.head()
    assert Tally(duplicates=4) == load(engine, text)
    assert head == engine.head()
    assert Tally(accepted=1, duplicates=4) == load(engine, text + "a,b,1,1\n")


BAD = [
    ("a,b,3", "INVALID_REQUEST", ""),
    ("a,b,3,1,9", "INVALID_REQUEST", ""),
    (",b,3,1", "INVALID_REQUEST", "source"),
    ("a,,3,1", "INVALID_REQUEST", "target"),
    ("a,b,0,1", "INVALID_REQUEST", "rating"),
    ("a,b,11,1", "INVALID_REQUEST", "rating"),
    ("a,b,-11,1", "INVALID_REQUEST", "rating"),
    ("a,b,1.5,1", "INVALID_REQUEST", "rating"),
    ("a,b,x,1", "INVALID_REQUEST", "rating"),
    ("a,b,1,x", "INVALID_REQUEST", "time"),
    ("a,b,1,nan", "INVALID_REQUEST", "time"),
    ("c,c,1,1", "SELF_DEALING", "target"),
    ("a,b,1,-1", "OCCUR_TIME_BEFORE_CHARTER", "time"),
    ("a,b,1,1700000301", "OCCUR_TIME_IN_FUTURE", "time"),
    ("a,b,1,1289241911728", "OCCUR_TIME_IN_FUTURE", "time"),
    ("\udcff,b,1,1", "INVALID_REQUEST", "source"),
]


def test_bad_rows_are_left_out_with_line_and_reason_and_induct_nobody(engine: Engine) -> None:
    lines = ["x,y,1,1", *(line for line, _, _ in BAD), "", "y,x,1,1700000300"]
    path = engine.data / "ratings.csv"
    path.write_bytes("\n".join(lines).encode(errors="surrogateescape"))
    rejects = Rejects(engine.data, path)

    tally = RatingsImport(engine, rejects).run(path)
    rejects.close()

    assert Tally(accepted=2, rejected=len(BAD)) == tally
    assert [(str(n), reason, column) for n, (_, reason, column) in enumerate(BAD, 2)] == reasons(
        engine
    )
    assert ["x", "y"] == names(engine)
    assert 0o600 == rejects.path.stat().st_mode & 0o777


def test_a_clean_import_leaves_no_file_of_rejects(engine: Engine) -> None:
    load(engine, "a,b,0,1\n")
    assert [("1", "INVALID_REQUEST", "rating")] == reasons(engine)

    load(engine, "a,b,1,1\n")

    assert not (engine.data / "rejected" / "ratings.csv.csv").exists()


def test_a_file_without_good_rows_leaves_the_network_alone(engine: Engine) -> None:
    load(engine, "a,b,1,1\n")
    head = engine.head()

    assert Tally(rejected=2) == load(engine, "a,a,1,1\nc,d,0,1\n")
    assert head == engine.head()


def test_a_closed_chapter_takes_nobody(engine: Engine) -> None:
    load(engine, "a,b,1,1\n")
    (chapter,) = engine.state.resident("chapter").values()
    closed = Request(
        command=CloseChapter(chapter=chapter.id),
        request_id="0d2ac7b2-4b18-4b6c-8b5b-2d1c0ab0a4b2",
        new_id=chapter.id,
    )
    execute_one(engine, closed)

    with pytest.raises(ChapterNotOpen, match="another store"):
        load(engine, "a,c,1,1\n")


def test_who_has_left_rates_only_the_past(engine: Engine) -> None:
    load(engine, "a,b,1,1\n")
    left = Request(
        command=LeaveNetwork(member=MemberId(engine.lookup("external_id", "a") or engine.log_id)),
        request_id="0d2ac7b2-4b18-4b6c-8b5b-2d1c0ab0a4b1",
        new_id=engine.new_id("member"),
        occur_time=100_000_000,
    )
    execute_one(engine, left)

    tally = load(engine, "a,b,2,99\na,c,2,100\nd,a,2,100\n")

    assert Tally(accepted=1, rejected=2) == tally
    assert [("2", "MEMBER_NOT_ACTIVE", "source"), ("3", "MEMBER_NOT_ACTIVE", "target")] == reasons(
        engine
    )
    assert ["a", "b"] == names(engine)


def test_the_header_is_passed_over_only_where_it_may_be(engine: Engine) -> None:
    tally = load(engine, "source,target,rating,time\na,b,1,1\nsource,target,rating,time\n")

    assert Tally(accepted=1, rejected=1) == tally
    assert is_header(["SOURCE", " TARGET", " RATING", " TIME"])
    assert not is_header(["a", "b", "x", "7"])
    assert not is_header(["a", "b", "", ""])


def test_quoted_cells_are_understood(engine: Engine) -> None:
    assert Tally(accepted=1) == load(engine, '"a,b",c,"1","2"\n')
    assert ["a,b", "c"] == names(engine)


def test_an_id_of_two_lines_is_one_bad_row_and_makes_no_member_of_its_second_half(
    engine: Engine,
) -> None:
    tally = load(engine, 'a,b,1,1\n"ann\narcher",b,5,1\nb,a,1,1\na,"c\nb,c,1,1\n')

    assert Tally(accepted=3, rejected=2) == tally
    assert [("2", "INVALID_REQUEST", "source"), ("5", "INVALID_REQUEST", "")] == reasons(engine)
    assert ["a", "b", "c"] == names(engine)


@pytest.mark.parametrize("batch", [1, 7, 1000])
def test_the_size_of_a_batch_changes_nothing(tmp_path: Path, batch: int) -> None:
    chance = random.Random(5)
    text = "".join(
        ",".join(map(str, (chance.randrange(20), chance.randrange(20), rating, rating % 7))) + "\n"
        for rating in (chance.randrange(-10, 11) for _ in range(300))
    )
    digests = []
    for size in (batch, 50):
        with open_engine(tmp_path / str(size), clock=lambda: NOW, warn=lambda _: None) as engine:
            tally = load(engine, text, batch=size)
            digests.append((tally, names(engine), engine.scores().digest))

    assert digests[0] == digests[1]
    assert digests[0][0].rejected > 0


def test_rows_before_the_damage_of_a_file_go_in(engine: Engine) -> None:
    path = engine.data / "ratings.csv.gz"
    whole = gzip.compress("".join(f"{n},{n + 1},1,{n}\n" for n in range(6_000)).encode())
    path.write_bytes(whole[: len(whole) // 2])

    run = RatingsImport(engine, Rejects(engine.data, path))
    with pytest.raises(InvalidRequest, match="damaged gzip"):
        run.run(path)

    assert len(names(engine)) > 1000


def test_a_workbook_is_refused_as_a_whole(engine: Engine) -> None:
    path = engine.data / "ratings.xlsx"
    path.write_bytes(b"PK\x03\x04")

    run = RatingsImport(engine, Rejects(engine.data, path))
    with pytest.raises(InvalidRequest, match="save it as"):
        run.run(path)
