"""Every state of every life against every command: what is allowed, all else being refused."""

from __future__ import annotations

from typing import Any

import pytest

from domain.script import town
from refnet.domain.nouns import NOUNS

LIVES = {
    "referral": """
        state       Consent Accept Decline Contact Win Lose Close Rate Dispute Void
        passed      yes     yes    yes     -       -   -    -     -    yes     yes
        accepted    yes     -      -       yes     -   -    -     yes  yes     yes
        declined    yes     -      -       -       -   -    -     yes  yes     yes
        contacted   yes     -      -       -       yes yes  -     yes  yes     yes
        won         yes     -      -       -       -   -    yes   yes  yes     yes
        lost        yes     -      -       -       -   -    -     yes  yes     yes
        disputed    -       -      -       -       -   -    -     -    -       yes
        voided      -       -      -       -       -   -    -     -    -       -
    """,
    "member": """
        state       Reapply Decide Refuse Induct Suspend Reinstate Leave Transfer Assign End Change
        applicant   -       yes    yes    -      -       -         -     -        -      -   yes
        admitted    -       -      yes    yes    -       -         -     -        -      -   yes
        refused     yes     -      -      -      -       -         -     -        -      -   yes
        active      -       -      -      -      yes     -         yes   yes      yes    yes yes
        suspended   -       -      -      -      -       yes       yes   -        -      yes yes
        left        yes     -      -      -      -       -         -     -        -      -   yes
        limited     -       -      -      -      yes     -         yes   yes      yes    yes yes
        erased      -       -      -      -      -       -         -     -        -      -   -

        state       Erase Rectify Restrict Unrestrict
        applicant   yes   yes     yes      -
        admitted    yes   yes     yes      -
        refused     yes   yes     yes      -
        active      yes   yes     yes      -
        suspended   yes   yes     yes      -
        left        yes   yes     yes      -
        limited     yes   yes     -        yes
        erased      -     -       -        -
    """,
    "one_to_one": """
        state       Confirm Dispute Void
        held        yes     yes     yes
        confirmed   -       -       yes
        disputed    -       -       -
        voided      -       -       -
    """,
    "testimonial": """
        state       Revise Withdraw Verify
        given       yes    yes      -
        withdrawn   -      -        -
        client      yes    yes      yes
        verified    yes    yes      -
        taken_back  -      -        -
    """,
    "chapter": """
        state       Policy Suspend Close Hold
        open        yes    yes     yes   yes
        suspended   yes    -       yes   -
        closed      yes    -       -     -
    """,
    "contact": """
        state       Merge Take Pass Erase Rectify Restrict Unrestrict
        current     yes   yes  yes  yes   yes     yes      -
        merged      -     -    -    -     yes     yes      -
        doubled     yes   yes  yes  yes   yes     yes      -
        limited     yes   yes  yes  yes   yes     -        yes
        erased      -     -    -    -     -       -        -
    """,
    "meeting": """
        state       Mark Correct Present Visit Submit Approve
        open        yes  yes     yes     yes   yes    -
        submitted   yes  yes     yes     yes   -      yes
        approved    -    yes     -       -     -      -
        holiday     -    -       -       -     yes    -
        cancelled   -    -       -       -     yes    -
    """,
}

MOVES = {
    "referral": {
        "Consent": "ConsentProspect referral=x",
        "Accept": "bob: AcceptReferral referral=x",
        "Decline": "bob: DeclineReferral referral=x",
        "Contact": "bob: ContactProspect referral=x",
        "Win": "bob: WinReferral referral=x",
        "Lose": "bob: LoseReferral referral=x",
        "Close": "bob: CloseBusiness referral=x amount=1 currency=EUR",
        "Rate": "bob: RateReferral referral=x rating=3",
        "Dispute": "bob: DisputeReferral referral=x",
        "Void": "bob: VoidReferral referral=x",
    },
    "member": {
        "Reapply": "Reapply member=x chapter=berlin classification=Tailor",
        "Decide": "DecideApplication member=x admitted=yes",
        "Refuse": "DecideApplication member=x admitted=no",
        "Induct": "InductMember member=x",
        "Suspend": "SuspendMember member=x",
        "Reinstate": "ReinstateMember member=x",
        "Leave": "LeaveNetwork member=x",
        "Transfer": "TransferMember member=x chapter=paris",
        "Assign": "AssignRole member=x role=visitor_host",
        "End": "EndRole member=x role=president",
        "Change": "ChangeProfile member=x name=New",
        "Erase": "EraseMember member=x strict=yes",
        "Rectify": "RectifyMember member=x name=New",
        "Restrict": "RestrictMember member=x",
        "Unrestrict": "UnrestrictMember member=x",
    },
    "one_to_one": {
        "Confirm": "bob: ConfirmOneToOne one_to_one=x",
        "Dispute": "bob: DisputeOneToOne one_to_one=x",
        "Void": "ann: VoidOneToOne one_to_one=x",
    },
    "testimonial": {
        "Revise": "ReviseTestimonial testimonial=x rating=1",
        "Withdraw": "WithdrawTestimonial testimonial=x",
        "Verify": "ann: VerifyClient testimonial=x",
    },
    "chapter": {
        "Policy": "ChangeChapterPolicy chapter=x visits_max=1",
        "Suspend": "SuspendChapter chapter=x",
        "Close": "CloseChapter chapter=x",
        "Hold": "HoldMeeting chapter=x date=2024-04-10",
    },
    "contact": {
        "Merge": "MergeContact contact=x into=vic",
        "Take": "MergeContact contact=vic into=x",
        "Pass": "PassReferral giver=ann receiver=bob prospect=x",
        "Erase": "EraseContact contact=x",
        "Rectify": "RectifyContact contact=x name=New",
        "Restrict": "RestrictContact contact=x",
        "Unrestrict": "UnrestrictContact contact=x",
    },
    "meeting": {
        "Mark": "MarkAttendance meeting=x attendances=bob:P",
        "Correct": "CorrectAttendance meeting=x member=ann mark=A",
        "Present": "RecordPresentation meeting=x member=bob",
        "Visit": "RecordVisitor meeting=x visitor=vic",
        "Submit": "SubmitReport meeting=x",
        "Approve": "ann: ApproveReport meeting=x",
    },
}

APPLY = "x = ApplyForMembership chapter=berlin classification=Tailor"
ENROL = "x = EnrolMember chapter=berlin classification=Tailor @20"
OFFICE = "AssignRole member=x role=president"
CLIENT = "x = GiveTestimonial subject=bob client=vic rating=9"
PASS = "x = PassReferral giver=ann receiver=bob"
TAKEN = [PASS, "bob: AcceptReferral referral=x", "bob: ContactProspect referral=x"]
HELD = "x = HoldMeeting chapter=berlin date=2024-02-14"
FOUND = "x = CharterChapter name=X city=X country=X time_zone=UTC currency=EUR"
CONTACT = "x = RegisterContact name=X"
SPOKEN = "x = HoldOneToOne initiator=ann partner=bob"
GIVEN = "x = GiveTestimonial subject=bob author=ann rating=9"

STATES = {
    "referral": {
        "passed": [PASS],
        "accepted": TAKEN[:2],
        "declined": [PASS, "bob: DeclineReferral referral=x"],
        "contacted": TAKEN,
        "won": [*TAKEN, "bob: WinReferral referral=x"],
        "lost": [*TAKEN, "bob: LoseReferral referral=x"],
        "disputed": [*TAKEN, "bob: WinReferral referral=x", "bob: DisputeReferral referral=x"],
        "voided": [*TAKEN, "bob: WinReferral referral=x", "bob: VoidReferral referral=x"],
    },
    "member": {
        "applicant": [APPLY],
        "admitted": [APPLY, "DecideApplication member=x admitted=yes"],
        "refused": [APPLY, "DecideApplication member=x admitted=no"],
        "active": [ENROL, OFFICE],
        "suspended": [ENROL, OFFICE, "SuspendMember member=x"],
        "left": [ENROL, OFFICE, "LeaveNetwork member=x"],
        "limited": [ENROL, OFFICE, "RestrictMember member=x"],
        "erased": [ENROL, OFFICE, "EraseMember member=x"],
    },
    "one_to_one": {
        "held": [SPOKEN],
        "confirmed": [SPOKEN, "bob: ConfirmOneToOne one_to_one=x"],
        "disputed": [SPOKEN, "bob: DisputeOneToOne one_to_one=x"],
        "voided": [SPOKEN, "VoidOneToOne one_to_one=x"],
    },
    "testimonial": {
        "given": [GIVEN],
        "withdrawn": [GIVEN, "WithdrawTestimonial testimonial=x"],
        "client": [CLIENT],
        "verified": [CLIENT, "ann: VerifyClient testimonial=x"],
        "taken_back": [CLIENT, "WithdrawTestimonial testimonial=x"],
    },
    "chapter": {
        "open": [FOUND],
        "suspended": [FOUND, "SuspendChapter chapter=x @90"],
        "closed": [FOUND, "CloseChapter chapter=x @90"],
    },
    "contact": {
        "current": [CONTACT],
        "merged": [
            CONTACT,
            "y = RegisterContact name=Y",
            "MergeContact contact=x into=y",
        ],
        "doubled": [CONTACT, "y = RegisterContact name=Y", "MergeContact contact=y into=x"],
        "limited": [CONTACT, "RestrictContact contact=x"],
        "erased": [CONTACT, "EraseContact contact=x"],
    },
    "meeting": {
        "open": [HELD],
        "submitted": [HELD, "SubmitReport meeting=x"],
        "approved": [HELD, "SubmitReport meeting=x", "ann: ApproveReport meeting=x"],
        "holiday": [f"{HELD} kind=holiday"],
        "cancelled": [f"{HELD} kind=cancelled"],
    },
}


def cells() -> list[tuple[str, str, str, bool]]:
    """(noun, state, move, allowed) of every cell of every table."""
    found = []
    tables = [(noun, table) for noun, tables in LIVES.items() for table in tables.split("\n\n")]
    for noun, table in tables:
        head, *rows = (line.split() for line in table.strip().splitlines())
        for state, *marks in rows:
            assert set(marks) <= {"yes", "-"}
            found += [
                (noun, state, move, mark == "yes")
                for move, mark in zip(head[1:], marks, strict=True)
            ]
    return found


REFUSALS = {"WRONG_STATE", "CHAPTER_NOT_OPEN", "REPORT_APPROVED", "SUBJECT_ERASED"}


@pytest.mark.parametrize(("noun", "state", "move", "allowed"), cells(), ids=str)
def test_a_move_is_made_in_its_states_and_refused_in_all_others(
    noun: str, state: str, move: str, *, allowed: bool
) -> None:
    stage = town()
    for line in STATES[noun][state]:
        assert not stage.outcome(line).isupper(), line
    before = len(stage.sandbox.log)

    outcome = stage.outcome(MOVES[noun][move])

    refused = outcome.split()[0] in REFUSALS
    assert allowed is not refused, outcome
    assert (len(stage.sandbox.log) > before) is allowed


def test_the_tables_cover_every_state_and_every_later_command() -> None:
    for noun in NOUNS:
        if noun.name in {"network", "read"}:
            continue  # they have no life: they begin and never end
        assert set(STATES[noun.name]) == {state for n, state, _, _ in cells() if n == noun.name}
        assert set(MOVES[noun.name]) == {move for n, _, move, _ in cells() if n == noun.name}
        commands: list[Any] = [*noun.commands]
        later = [kind for kind in commands if kind.TARGET is not None]
        made = " ".join(MOVES[noun.name].values())
        assert all(kind.__name__ in made for kind in later)
