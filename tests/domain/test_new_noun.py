"""A new noun is one module, one proto file and one row: done here for one that refnet has not."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from domain import ask
from domain.script import Stage, scenarios
from log.rig import Rig
from refnet.domain.chapter import CharterChapter
from refnet.domain.member import EnrolMember
from refnet.domain.nouns import FACTS, NOUNS
from refnet.domain.values import ChapterId, MemberId, Sealed
from refnet.log.batches import Extractor

HERE = Path(__file__).parent
ROW = (*NOUNS, ask.NOUN)


def test_the_document_shows_the_files_that_are_tested(root: Path) -> None:
    page = (root / "docs" / "design" / "adding-a-noun.md").read_text()
    shown = dict(re.findall(r"^```(python|proto)\n(.*?)^```$", page, re.MULTILINE | re.DOTALL))

    assert (HERE / "ask.py").read_text() == shown["python"]
    assert (HERE / "ask_service.proto").read_text() == shown["proto"]


def test_its_names_and_numbers_are_free() -> None:
    kinds = {fact.COLUMNS.kind for fact in FACTS.values()}

    assert not {fact.NAME for fact in ask.NOUN.facts} & FACTS.keys()
    assert not {fact.COLUMNS.kind for fact in ask.NOUN.facts} & kinds


def test_its_rules_run_beside_those_of_the_others() -> None:
    stage = Stage(ROW)
    (begin,) = scenarios("town.txt")

    stage.play(
        *begin.lines,
        "a = PostAsk member=ann classification=Notary target=Nora  -> AskPosted",
        "b = PostAsk member=ann classification=Roofer until_time=120d -> AskPosted",
        "PostAsk member=ann classification=Notary @9               -> MEMBER_NOT_ACTIVE member",
        "PostAsk member=ann classification=_                   -> INVALID_REQUEST classification",
        "PostAsk member=ann classification=Notary until_time=90d   -> INVALID_REQUEST until_time",
        "bob: WithdrawAsk ask=a                                    -> NOT_PERMITTED acting_member",
        "ann: WithdrawAsk ask=nothing                              -> NOT_FOUND ask",
        "ann: WithdrawAsk ask=a                                    -> AskWithdrawn",
        "ann: WithdrawAsk ask=a                                    -> WRONG_STATE ask",
        "r = PassReferral giver=bob receiver=ann                   -> ReferralPassed",
        "s = PassReferral giver=ann receiver=bob                   -> ReferralPassed",
        "ann: FulfilAsk ask=b referral=s                           -> INVALID_REQUEST referral",
        "ann: FulfilAsk ask=b referral=r                           -> AskFulfilled",
        "ann: FulfilAsk ask=b referral=r                           -> WRONG_STATE ask",
    )

    assert stage.sandbox.find("ask", stage.id("b")).referral == stage.id("r")
    again = stage.sandbox.again()
    assert again.find("ask", stage.id("b")) == stage.sandbox.find("ask", stage.id("b"))


def test_a_real_store_keeps_it_and_seals_its_text(open_log: Callable[..., Rig]) -> None:
    log = open_log(nouns=ROW)
    log.charter()
    chapter = CharterChapter(name="B", city="B", country="DE", time_zone="UTC", currency="EUR")
    berlin = ChapterId(log.do(chapter).stream)
    ann = MemberId(log.do(EnrolMember(chapter=berlin, classification="Plumber")).stream)

    posted = log.do(ask.PostAsk(member=ann, classification="Notary", reason="a will"))
    log.do(ask.WithdrawAsk(ask=ask.AskId(posted.stream)), acting_member=ann)
    log.close()

    again = open_log(nouns=ROW)
    state = again.live.state.find("ask", posted.stream)
    assert state is not None
    assert state.status is ask.AskStatus.WITHDRAWN
    (first, _), *_ = again.reader.stream(posted.stream)
    assert isinstance(first.reason, Sealed)
    assert again.disclosure.reveal(posted.stream, 1, "reason", first.reason) == "a will"


def test_the_ledger_gets_rows_of_it(open_log: Callable[..., Rig]) -> None:
    log = open_log(nouns=ROW)
    log.charter()
    chapter = CharterChapter(name="B", city="B", country="DE", time_zone="UTC", currency="EUR")
    berlin = ChapterId(log.do(chapter).stream)
    ann = MemberId(log.do(EnrolMember(chapter=berlin, classification="Plumber")).stream)
    posted = log.do(ask.PostAsk(member=ann, classification="Notary"))

    (rows,) = log.reader.scan(posted.first - 1, posted.last)
    batch = Extractor(ROW, log.codec).batch(rows)

    assert list(batch.kinds) == [ask.NOUN.facts[0].COLUMNS.kind]
    assert batch.givers == [str(ann)]


@pytest.mark.timeout(120)
def test_its_proto_file_becomes_a_service(tmp_path: Path, root: Path) -> None:
    """In a process of its own, with the generated code in a folder of its own."""
    shutil.copytree(root / "protos", tmp_path / "protos")
    shutil.copy(HERE / "ask_service.proto", tmp_path / "protos" / "refnet" / "v1")
    made = tmp_path / "src" / "refnet"
    made.mkdir(parents=True)
    subprocess.run([sys.executable, tmp_path / "protos" / "generate.py"], check=True)
    program = f"""
        import sys, uuid
        import refnet
        refnet.__path__.insert(0, {str(made)!r})
        sys.path.insert(0, {str(HERE.parent)!r})
        from domain import ask
        from refnet.domain.nouns import NOUNS
        from refnet.rpc.naming import Names
        from refnet.rpc.nouns import noun_service
        from refnet.rpc.positions import Positions
        made = noun_service(ask.NOUN, Names((*NOUNS, ask.NOUN)), Positions(uuid.uuid4()))
        print(made.service.name, *made.writes)
    """

    said = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], check=True, capture_output=True, text=True
    )

    assert said.stdout.split() == ["AskService", "PostAsk", "WithdrawAsk", "FulfilAsk"]
