"""What falls when a fact is left out, noun by noun, by hand."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from refnet.domain import meeting, member, one_to_one, referral, testimonial
from refnet.domain.dependence import with_dependents
from refnet.domain.facts import Recorded
from refnet.domain.nouns import FACTS, NOUNS

FIRST = 11
"""Position of the first fact of the streams below; the others follow with nothing between."""

REFERRAL = (
    referral.ReferralPassed,  # 11
    referral.ProspectConsented,  # 12
    referral.ReferralAccepted,  # 13
    referral.ReferralContacted,  # 14
    referral.ReferralWon,  # 15
    referral.BusinessClosed,  # 16
    referral.BusinessClosed,  # 17
    referral.ReferralRated,  # 18
    referral.ReferralDisputed,  # 19
    referral.ReferralVoided,  # 20
)
DECLINED = (referral.ReferralPassed, referral.ReferralDeclined, referral.ReferralRated)
LOST = (*REFERRAL[:1], *REFERRAL[2:4], referral.ReferralLost, referral.ReferralRated)
CLIENT = (
    testimonial.ClientTestimonialGiven,  # 11
    testimonial.ClientTestimonialRevised,  # 12
    testimonial.ClientVerified,  # 13
    testimonial.ClientTestimonialRevised,  # 14
    testimonial.ClientTestimonialWithdrawn,  # 15
)
WORD = (
    testimonial.TestimonialGiven,
    testimonial.TestimonialRevised,
    testimonial.TestimonialWithdrawn,
)
MET = (one_to_one.OneToOneHeld, one_to_one.OneToOneConfirmed, one_to_one.OneToOneVoided)
MEMBER = (
    member.MemberApplied,  # 11
    member.ApplicationDecided,  # 12
    member.MemberInducted,  # 13
    member.ProfileChanged,  # 14
    member.RoleAssigned,  # 15
    member.RoleEnded,  # 16
    member.MemberSuspended,  # 17
    member.MemberReinstated,  # 18
    member.MemberTransferred,  # 19
    member.MemberLeft,  # 20
    member.MemberApplied,  # 21, again
    member.ApplicationDecided,  # 22
    member.MemberInducted,  # 23
    member.RoleAssigned,  # 24
)
MEETING = (
    meeting.MeetingHeld,  # 11
    meeting.AttendanceMarked,  # 12
    meeting.AttendanceMarked,  # 13
    meeting.AttendanceCorrected,  # 14, of 12
    meeting.AttendanceCorrected,  # 15, of 14
    meeting.AttendanceCorrected,  # 16, of nobody's mark
    meeting.ReportSubmitted,  # 17
    meeting.ReportApprovedFact,  # 18
    meeting.VisitorCame,  # 19
)
CORRECTS = {14: 12, 15: 14, 16: 0}


def stream(kinds: tuple[Any, ...]) -> list[tuple[Any, Recorded]]:
    """Facts of these kinds in one stream. Of their fields only `corrects` means something."""
    told = []
    for version, kind in enumerate(kinds, 1):
        position = FIRST + version - 1
        made = object.__new__(kind)
        if kind is meeting.AttendanceCorrected:
            object.__setattr__(made, "corrects", CORRECTS[position])
        if kind is testimonial.ClientTestimonialGiven:
            object.__setattr__(made, "referral_position", 3)
        recorded = Recorded(UUID(int=1), version, position, FIRST, 0, 0, "local", None, "r")
        told.append((made, recorded))
    return told


@pytest.mark.parametrize(
    ("kinds", "left_out", "falls"),
    [
        (REFERRAL, {11}, range(11, 21)),
        (REFERRAL, {12}, [12]),
        (REFERRAL, {13}, [13, 14, 15, 16, 17, 18]),
        (REFERRAL, {14}, [14, 15, 16, 17]),
        (REFERRAL, {15}, [15, 16, 17]),
        (REFERRAL, {16}, [16]),
        (REFERRAL, {18, 20}, [18, 20]),
        (REFERRAL, {19}, [19]),
        (DECLINED, {12}, [12, 13]),
        (DECLINED, {13}, [13]),
        (LOST, {12}, [12, 13, 14, 15]),
        (LOST, {14}, [14]),
        (CLIENT, {11}, range(11, 16)),
        (CLIENT, {3}, []),
        (CLIENT, {13}, [13]),
        (CLIENT, {12}, [12]),
        (WORD, {11}, [11, 12, 13]),
        (WORD, {12}, [12]),
        (MET, {11}, [11, 12, 13]),
        (MET, {12}, [12]),
        (MEMBER, {11}, range(11, 25)),
        (MEMBER, {12}, [12, 13, *range(15, 25)]),
        (MEMBER, {13}, [13, *range(15, 25)]),
        (MEMBER, {15}, [15, 16]),
        (MEMBER, {17}, [17, 18]),
        (MEMBER, {18}, [18]),
        (MEMBER, {19}, [19]),
        (MEMBER, {20}, range(20, 25)),
        (MEMBER, {22}, [22, 23, 24]),
        (MEETING, {11}, range(11, 20)),
        (MEETING, {12}, [12, 14, 15]),
        (MEETING, {13}, [13]),
        (MEETING, {14}, [14, 15]),
        (MEETING, {15}, [15]),
        (MEETING, {16}, [16]),
        (MEETING, {17}, [17, 18]),
        (MEETING, {19}, [19]),
        (MEETING, set(), []),
    ],
)
def test_what_rests_on_a_fact_falls_with_it(
    kinds: tuple[Any, ...], left_out: set[int], falls: list[int]
) -> None:
    assert [*falls] == with_dependents(stream(kinds), left_out)


def test_what_a_fact_needs_is_a_fact_of_its_own_noun() -> None:
    for noun in NOUNS:
        own = {kind.NAME for kind in noun.facts}
        needed = {name for kind in noun.facts for name in kind.NEEDS}
        assert needed <= own <= FACTS.keys(), noun.name
