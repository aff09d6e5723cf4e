"""`refnet path` and `refnet trust`, as a person and as a program use them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast
from uuid import uuid4

import pytest

from cli.running import Run
from refnet.domain.contact import RegisterContact
from refnet.domain.decisions import Request
from refnet.domain.nouns import NOUNS
from refnet.domain.testimonial import GiveTestimonial
from refnet.domain.values import MemberId
from refnet.engine import EXTERNAL_ID
from refnet.log.draft import Receipt
from refnet.wiring import open_engine

RATINGS = """\
ann,bob,10,1300000000
bob,cyd,10,1300000001
cyd,dan,10,1300000002
ann,cyd,1,1300000003
dan,eve,-5,1300000004
"""


@pytest.fixture
def filled(run: Run, tmp_path: Path) -> Run:
    """A store in which ann knows bob, bob knows cyd, cyd knows dan, and dan distrusts eve."""
    file = tmp_path / "ratings.csv"
    file.write_text(RATINGS)
    assert run("import", "ratings", file, "--pretrust", "uniform", "--decay", "off").code == 0
    return run


def test_the_best_chain_is_drawn_link_by_link(filled: Run) -> None:
    done = filled("path", "ann", "--to", "dan")

    assert 0 == done.code
    names = [line.strip() for line in done.out.splitlines() if "|" not in line]
    assert ["ann", "bob", "cyd", "dan"] == names[1:5]
    assert "praise 1.00" in done.out
    assert done.out.startswith("1. 0.")


def test_programs_get_products_and_links(filled: Run) -> None:
    done = filled("path", "ann", "--to", "dan", "-k", "5", "--json")
    first, second = done.json["paths"]
    product = 1.0
    for link in first["links"]:
        product = product * link["weight"]

    assert product == first["product"] > second["product"] > 0
    assert [4, 3] == [len(each["members"]) for each in (first, second)]
    assert done.json["digest"] == filled("scores", "--json").json["digest"]


def test_members_may_be_named_in_any_way(filled: Run) -> None:
    members = filled("path", "ann", "--to", "dan", "--json").json["paths"][0]["members"]
    ann, dan = members[0], members[-1]
    expected = filled("path", "ann", "--to", "dan", "--json").out

    assert expected == filled("path", ann, "--to", dan.removeprefix("members/"), "--json").out
    assert expected == filled("path", "#0", "--to", "#3", "--json").out
    assert 0 == filled("path", "ann", "--profession", "MEMBER", "--links", "1").code


def test_where_no_chain_leads_the_exit_code_says_so(filled: Run) -> None:
    for to in ("eve", "ann"):  # distrusted, and oneself
        done = filled("path", "ann", "--to", to, "--json")
        assert (1, []) == (done.code, done.json["paths"])
    assert "nobody can introduce them" in filled("path", "ann", "--to", "eve").out


def test_trust_is_shown_both_ways_with_its_facts(filled: Run) -> None:
    done = filled("trust", "dan", "eve", "--json")
    there, back = done.json["links"]

    assert (0.0, 0.5, 0.0) == (there["trust"], there["blame"], there["weight"])
    assert (0.0, 0.0) == (back["trust"], back["blame"])
    assert 1 == len(done.json["facts"])
    shown = filled("trust", "dan", "eve").out
    assert "dan in eve" in shown
    assert f"1 facts in force, at {done.json['facts'][0]}" in shown


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (("path", "nobody", "--to", "dan"), 1, "FROM 'nobody' is no member at position"),
        (("path", "ann", "--to", str(uuid4())), 1, "is no member at position"),
        (("path", "ann", "--to", "#99"), 1, "is no member at position"),
        (("path", "ann"), 2, "name one of --to, --profession and --contact"),
        (("path", "ann", "--to", "dan", "--contact", "x"), 2, "name one of"),
        (("path", "ann", "--contact", "x"), 2, "is no id of a contact"),
        (("path", "ann", "--contact", str(uuid4())), 1, "no contact"),
        (("trust", "ann", "ann"), 2, "name two members"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    filled: Run, arguments: tuple[str, ...], code: int, text: str
) -> None:
    done = filled(*arguments)

    assert (code, True) == (done.code, text in done.err)


def test_a_contact_is_reached_through_who_knew_them_by_then(filled: Run, data: Path) -> None:
    with open_engine(data, warn=lambda _: None) as engine:
        bob, dan = (cast("MemberId", engine.lookup(EXTERNAL_ID, who)) for who in ("bob", "dan"))

        def done(command: Any) -> Any:
            noun = next(noun for noun in NOUNS if type(command) in noun.commands)
            new_id = engine.new_id(noun.name)
            (receipt,) = engine.execute(
                [Request(command=command, request_id=str(uuid4()), new_id=new_id)]
            )
            assert isinstance(receipt, Receipt), receipt
            return receipt

        registered = done(RegisterContact(name="C", registered_by=bob))
        contact = registered.stream
        told = done(GiveTestimonial(subject=dan, client=contact, rating=9))
    found = filled("path", "ann", "--contact", str(contact), "--links", "3", "--json")
    then = filled("path", "ann", "--contact", str(contact), "--at", str(registered.last), "--json")

    assert {"registered": [registered.first]} == then.json["paths"][0]["evidence"]
    assert 1 == len({each["members"][-1] for each in then.json["paths"]})
    evidence = [each["evidence"] for each in found.json["paths"]]
    assert {"registered": [registered.first]} in evidence
    assert {"praised_by": [told.first]} in evidence
    shown = filled("path", "ann", "--contact", str(contact)).out
    assert "(registered them)" in shown
    assert "(spoken well of by them)" in shown
    before = filled("path", "ann", "--contact", str(contact), "--at", str(registered.first - 1))
    assert (1, True) == (before.code, "no contact" in before.err)
