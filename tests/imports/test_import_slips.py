"""Slips of a chapter become facts, once each; what they do not tell is left alone."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
from openpyxl import Workbook

from refnet.domain.chapter import CharterChapter, CloseChapter
from refnet.domain.decisions import Request
from refnet.domain.member import MemberInducted
from refnet.domain.network import SetRate
from refnet.domain.values import ChapterId
from refnet.engine import Engine
from refnet.errors import InvalidRequest, NetworkMissing
from refnet.imports.loader import Tally
from refnet.imports.network import execute_one, get_network
from refnet.imports.rejects import Rejects
from refnet.imports.slips import SlipsImport
from refnet.wiring import open_engine

NOW = 1_712_000_000_000_000  # 2024-04-01
HEADER = "type,slip,date,from,to,chapter,amount,currency,status,mark,text"
WEEK = """\
closed_business,r1,2024-03-09,,,,1250.50,,,,
referral,r1,2024-03-05,ann,bob,Nord,,,,,"roof
needs work"
referral,,2024-03-05T10:00:00+01:00,bob,ann,Nord,,,accepted,,
1-2-1,,2024-03-06,bob,carl,Nord,,,confirmed,,
one to one,,2024-03-06,carl,ann,Nord,,,,,
attendance,,2024-03-07,bob,,,,,,P,
palms,,2024-03-07,ann,,Nord,,,,Late,
"""
FACTS = {
    "refnet.referral-passed.v1": 2,
    "refnet.referral-accepted.v1": 2,
    "refnet.referral-contacted.v1": 1,
    "refnet.referral-won.v1": 1,
    "refnet.business-closed.v1": 1,
    "refnet.one-to-one-held.v1": 2,
    "refnet.one-to-one-confirmed.v1": 1,
    "refnet.meeting-held.v1": 1,
    "refnet.attendance-marked.v1": 2,
    "refnet.member-inducted.v1": 3,
    "refnet.chapter-chartered.v1": 1,
}


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    with open_engine(tmp_path / "data", clock=lambda: NOW, warn=lambda _: None) as opened:
        yield opened


def load(engine: Engine, rows: str, *, enrol: bool = True, batch: int = 1000) -> Tally:
    path = engine.data / "slips.csv"
    path.write_text(f"{HEADER}\n{rows}")
    return load_file(engine, path, enrol=enrol, batch=batch)


def load_file(engine: Engine, path: Path, *, enrol: bool = True, batch: int = 1000) -> Tally:
    rejects = Rejects(engine.data, path)
    try:
        return SlipsImport(engine, rejects, enrol=enrol, batch=batch).run(path)
    finally:
        rejects.close()


def reasons(engine: Engine) -> list[tuple[int, str, str]]:
    with (engine.data / "rejected" / "slips.csv.csv").open() as file:
        return [(int(r["line"]), r["reason"], r["column"]) for r in csv.DictReader(file)]


def counts(engine: Engine) -> dict[str, int]:
    found: dict[str, int] = {}
    for fact, _ in engine.facts():
        found[fact.NAME] = found.get(fact.NAME, 0) + 1
    return found


@pytest.mark.parametrize("batch", [1, 3, 1000])
def test_a_week_of_slips_goes_in_once(engine: Engine, batch: int) -> None:
    assert Tally(accepted=7) == load(engine, WEEK, batch=batch)
    assert counts(engine).items() >= FACTS.items()
    head = engine.head()

    assert Tally(duplicates=7) == load(engine, WEEK, batch=batch)
    assert head == engine.head()


def test_closed_business_is_credited_to_the_referral_it_names(engine: Engine) -> None:
    load(engine, WEEK)

    told = engine.external_ids()
    ((closed, recorded),) = [
        (fact, rec) for fact, rec in engine.facts() if fact.NAME == "refnet.business-closed.v1"
    ]
    assert ("ann", "bob") == (told[closed.giver], told[closed.receiver])
    assert (125_050, "EUR", 1250) == (closed.amount, closed.currency, closed.value)
    assert closed.receiver == recorded.acting_member


def test_a_newer_file_adds_only_what_is_new(engine: Engine) -> None:
    load(engine, "referral,r1,2024-03-05,ann,bob,Nord,,,,,\n")

    later = (
        "referral,r1,2024-03-05,ann,bob,Nord,,,contacted,,\n"
        "closed_business,r1,2024-03-20,bob,ann,,10,,,,\n"
        "closed_business,r1,2024-03-21,,,,10,,,,\n"
    )
    assert Tally(accepted=3) == load(engine, later, enrol=False)
    assert Tally(duplicates=3) == load(engine, later, enrol=False)
    assert 2 == counts(engine)["refnet.business-closed.v1"]
    assert 1 == counts(engine)["refnet.referral-won.v1"]
    # An old file after a new one takes nothing back.
    assert Tally(duplicates=1) == load(engine, "referral,r1,2024-03-05,ann,bob,Nord,,,,,\n")


BAD = [
    ("gift,,2024-03-05,ann,bob,Nord,,,,,", "INVALID_REQUEST", "type"),
    (",,2024-03-05,ann,bob,Nord,,,,,", "INVALID_REQUEST", "type"),
    ("referral,,,ann,bob,Nord,,,,,", "INVALID_REQUEST", "date"),
    ("referral,,5.3.24,ann,bob,Nord,,,,,", "INVALID_REQUEST", "date"),
    ("referral,,2024-04-03,ann,bob,Nord,,,,,", "OCCUR_TIME_IN_FUTURE", "date"),
    ("referral,,1969-04-03,ann,bob,Nord,,,,,", "OCCUR_TIME_BEFORE_CHARTER", "date"),
    ("referral,,2024-03-05,ann,ann,Nord,,,,,", "SELF_DEALING", "to"),
    ("referral,,2024-03-05,ann,,Nord,,,,,", "INVALID_REQUEST", "to"),
    ("referral,,2024-03-05,new,bob,Nord,,,finished,,", "INVALID_REQUEST", "status"),
    ("referral,r1,2024-03-05,ann,bob,Nord,,,declined,,", "WRONG_STATE", "status"),
    ("referral,r1,2024-03-05,bob,ann,Nord,,,,,", "REQUEST_ID_REUSED", "slip"),
    ("1-2-1,,2024-03-05,ann,new,Nord,,,won,,", "INVALID_REQUEST", "status"),
    ("closed_business,,2024-03-05,,,,5,,,,", "INVALID_REQUEST", "slip"),
    ("closed_business,r1,2024-03-05,ann,,,5,,,,", "INVALID_REQUEST", "from"),
    ("closed_business,r1,2024-03-05,,bob,,5,,,,", "INVALID_REQUEST", "to"),
    ("closed_business,r1,2024-03-05,new,,,5,,,,", "NOT_FOUND", "from"),
    ("closed_business,r1,2024-03-05,,,,0,,,,", "INVALID_REQUEST", "amount"),
    ("closed_business,r1,2024-03-05,,,,5.001,,,,", "INVALID_REQUEST", "amount"),
    ("closed_business,r1,2024-03-05,,,,5,QQQ,,,", "INVALID_REQUEST", "currency"),
    ("closed_business,r1,2024-03-05,,,,5,USD,,,", "RATE_MISSING", "currency"),
    ("attendance,,2024-03-05,new,,Nord,,,,X,", "INVALID_REQUEST", "mark"),
    ("attendance,,2024-03-07,ann,,Nord,,,,A,", "WRONG_STATE", "from"),
    ("referral,,2024-03-05,ann,bob,Nord,,,,,,,surplus", "INVALID_REQUEST", ""),
    ("closed_business,r9,2024-03-05,,,,5,,,,", "NOT_FOUND", "slip"),
]


@pytest.mark.parametrize("batch", [1, 1000])
def test_bad_rows_are_left_out_with_line_and_reason_and_enrol_nobody(
    engine: Engine, batch: int
) -> None:
    load(engine, WEEK)
    members = len(engine.state.resident("member"))

    tally = load(engine, "\n".join(row for row, _, _ in BAD), batch=batch)

    assert Tally(rejected=len(BAD)) == tally
    expected = [(n, reason, column) for n, (_, reason, column) in enumerate(BAD, 2)]
    assert expected == sorted(reasons(engine))
    assert members == len(engine.state.resident("member"))


def test_without_enrol_nobody_is_made(engine: Engine) -> None:
    with pytest.raises(NetworkMissing, match="--enrol"):
        load(engine, WEEK, enrol=False)
    load(engine, "1-2-1,,2024-03-06,bob,carl,Nord,,,,,\n")

    tally = load(engine, WEEK, enrol=False)

    # The one-to-one is the one known, now confirmed; and bob attended.
    assert Tally(accepted=2, rejected=5) == tally
    assert {"NOT_FOUND"} == {reason for _, reason, _ in reasons(engine)}
    assert 2 == len(engine.state.resident("member"))


def test_the_chapter_may_be_left_out_where_there_is_one(engine: Engine) -> None:
    rows = (
        "1-2-1,,2024-03-06,bob,carl,,,,,,\n"
        "1-2-1,,2024-03-06,bob,carl,Nord,,,,,\n"
        "1-2-1,,2024-03-06,dora,carl,,,,,,\n"
        "1-2-1,,2024-03-06,emil,carl,Ost,,,,,\n"
        "1-2-1,,2024-03-06,fred,carl,,,,,,\n"
        "attendance,,2024-03-07,emil,,,,,,P,\n"
    )
    for batch in (1000, 1):
        with open_engine(engine.data / str(batch), clock=lambda: NOW, warn=lambda _: None) as other:
            assert Tally(accepted=4, rejected=2) == load(other, rows, batch=batch)
            assert [(2, "INVALID_REQUEST", "chapter"), (6, "INVALID_REQUEST", "chapter")] == (
                reasons(other)
            )
            told = other.external_ids()
            chapters = {c.id: c.name for c in other.state.resident("chapter").values()}
            assert {"bob": "Nord", "carl": "Nord", "dora": "Nord", "emil": "Ost"} == {
                told[m.id]: chapters[m.chapter] for m in other.state.resident("member").values()
            }


def test_a_closed_chapter_and_two_of_one_name_are_refused(engine: Engine) -> None:
    load(engine, WEEK)
    charter = CharterChapter(
        name="nord", city="", country="", time_zone="UTC", currency="EUR", seats=False
    )
    second = ChapterId(ask(engine, charter, "chapter"))
    row = "1-2-1,,2024-03-06,new,ann,Nord,,,,,\n"

    assert Tally(rejected=1) == load(engine, row)
    assert [(2, "INVALID_REQUEST", "chapter")] == reasons(engine)
    first = ChapterId(next(iter(engine.state.resident("chapter"))))
    ask(engine, CloseChapter(chapter=first), "chapter")
    ask(engine, CloseChapter(chapter=second), "chapter")
    assert Tally(rejected=1) == load(engine, row.replace("Nord", "NORD"))


def test_other_currencies_count_at_the_rate_set(engine: Engine) -> None:
    load(engine, WEEK)
    network = get_network(engine)
    assert network is not None
    rate = SetRate(network=network.id, currency="JPY", rate_millionths=6_000)
    ask(engine, rate, "network")

    tally = load(engine, "closed_business,r1,2024-03-05,,,,100000,jpy,,,\n")

    assert Tally(accepted=1) == tally
    *_, closed = [f for f, _ in engine.facts() if f.NAME == "refnet.business-closed.v1"]
    assert (100_000, "JPY", 600) == (closed.amount, closed.currency, closed.value)


def test_members_may_be_named_by_our_own_id_and_names_are_kept_sealed(engine: Engine) -> None:
    path = engine.data / "names.csv"
    path.write_text(
        "type,date,from,from name,to,chapter\n"
        "1-2-1,2024-03-05,ann@example.org,Ann Archer,bob,Nord\n"
    )
    load_file(engine, path)
    ann = engine.lookup("external_id", "ann@example.org")
    assert ann is not None
    member = engine.state.resident("member")[ann]

    told = engine.personal(ann, {"name": member.name_at, "email": member.email_at})
    assert {"name": "Ann Archer", "email": "ann@example.org"} == told
    assert not [row for row in engine.rows() if b"Archer" in row.state or b"example" in row.state]

    tally = load(engine, f"1-2-1,,2024-03-06,bob,members/{ann},,,,,,\n", enrol=False)
    assert Tally(accepted=1) == tally
    row = "1-2-1,,2024-03-06,bob,members/{},,,,,,\n"
    unknown = row.format(engine.log_id) + row.format("x")
    assert Tally(rejected=2) == load(engine, unknown, enrol=False)


def test_a_workbook_and_a_csv_file_of_the_same_rows_are_the_same(engine: Engine) -> None:
    load(engine, WEEK)
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    for row in csv.reader([HEADER, *csv_lines(WEEK)]):
        sheet.append(row)
    path = engine.data / "slips.xlsx"
    book.save(path)

    assert Tally(duplicates=7) == load_file(engine, path)


def csv_lines(text: str) -> list[str]:
    return text.splitlines(keepends=True)


def ask(engine: Engine, command: object, noun: str) -> UUID:
    request_id = str(engine.new_id("referral"))
    new_id = engine.new_id(noun)
    request = Request(command=command, request_id=request_id, new_id=new_id)
    return execute_one(engine, request).stream


def test_everybody_enrolled_was_inducted_once(engine: Engine) -> None:
    load(engine, WEEK)
    load(engine, WEEK)

    inducted = [rec.stream for fact, rec in engine.facts() if isinstance(fact, MemberInducted)]
    assert 3 == len(inducted) == len(set(inducted))


def test_a_quote_that_stays_open_swallows_no_good_row(engine: Engine) -> None:
    rows = (
        '1-2-1,,2024-03-05,ann,bob,Nord,,,,,"nobody closes this\n'
        "1-2-1,,2024-03-06,ann,carl,Nord,,,,,\n"
        '1-2-1,,2024-03-07,carl,bob,Nord,,,,,"but\nthis"\n'
        '1-2-1,,2024-03-08,ann,dora,Nord,,,,,"nor this\n'
    )

    tally = load(engine, rows)

    assert Tally(accepted=2, rejected=2) == tally
    assert [(2, "INVALID_REQUEST", ""), (6, "INVALID_REQUEST", "")] == reasons(engine)


def test_a_file_without_types_is_refused_as_a_whole(engine: Engine) -> None:
    path = engine.data / "slips.csv"
    path.write_text("date,from,to,chapter\n2024-03-05,ann,bob,Nord\n")

    with pytest.raises(InvalidRequest, match="no column type"):
        load_file(engine, path)


def messages(engine: Engine) -> list[str]:
    with (engine.data / "rejected" / "slips.csv.csv").open() as file:
        return [row["message"] for row in csv.DictReader(file)]


def test_what_is_told_otherwise_is_refused_in_the_words_of_the_file(engine: Engine) -> None:
    rows = (
        "1-2-1,m1,2024-03-05,ann,bob,Nord,,,,,\n"
        "1-2-1,m1,2024-03-05,ann,carl,Nord,,,,,\n"
        "attendance,,2024-03-07,ann,,Nord,,,,P,\n"
        "attendance,,2024-03-07,ann,,Nord,,,,A,\n"
        "attendance,,2024-03-07T09:00,ann,,Nord,,,,P,\n"
    )
    assert Tally(accepted=2, rejected=3) == load(engine, rows)
    slip, mark, row = messages(engine)
    assert slip.startswith("slip was recorded before with other content, in line 2 of this file; ")
    assert mark.startswith("from has another mark at this meeting already; ")
    assert row.startswith("the row was recorded before with another time or other details")
    assert [(3, "REQUEST_ID_REUSED", "slip"), (5, "WRONG_STATE", "from")] == reasons(engine)[:2]

    assert Tally(rejected=1) == load(engine, "1-2-1,m1,2024-03-05,ann,carl,Nord,,,,,\n")
    assert ", by an earlier import; " in messages(engine)[0]
    assert not [
        text for text in messages(engine) if str(engine.lookup("external_id", "ann")) in text
    ]
