"""People are erased once they were kept as long as the policy says, and no sooner."""

from __future__ import annotations

from pathlib import Path

import pytest

from privacy.town import Clock, Town, town
from refnet.domain.contact import MergeContact
from refnet.domain.member import ApplyForMembership, DecideApplication, LeaveNetwork
from refnet.domain.read import RecordReads
from refnet.domain.referral import PassReferral
from refnet.domain.rights import EraseContact, RestrictContact
from refnet.domain.values import MICROS_PER_DAY, Erased, utc_day
from refnet.errors import InvalidRequest
from refnet.privacy.retention import command_for, in_batches, read_policy, review


def due(made: Town, clock: Clock, **policy: int) -> list[tuple[str, object]]:
    days = {name.replace("_", "-"): number for name, number in policy.items()}
    found = review(made.engine, days, utc_day(clock.now))
    return [(each.kind, each.stream) for each in found.due]


def test_each_class_is_due_after_its_days_without_use(tmp_path: Path) -> None:
    clock = Clock()
    with town(tmp_path, members=3, contacts=2, clock=clock) as made:
        ann, bob, cat = made.members
        vic, uma = made.contacts
        refused = made.do(
            ApplyForMembership(chapter=made.chapter, classification="Tailor", name="No")
        ).stream
        made.do(DecideApplication(member=refused, admitted=False))
        made.do(LeaveNetwork(member=cat))
        clock.now += 10 * MICROS_PER_DAY
        made.do(PassReferral(giver=ann, receiver=bob, prospect=uma))
        clock.now += 20 * MICROS_PER_DAY

        assert [("contacts", vic)] == due(made, clock, contacts=30)
        assert [] == due(made, clock, contacts=31)
        assert {("contacts", vic), ("contacts", uma)} == set(due(made, clock, contacts=20))
        both = due(made, clock, refused_applications=30, left_members=30)
        assert [("refused-applications", refused), ("left-members", cat)] == sorted(
            both, key=lambda each: each[0], reverse=True
        )
        assert [] == due(made, clock, left_members=31)


def test_being_read_is_no_use_and_who_is_restricted_is_kept(tmp_path: Path) -> None:
    clock = Clock()
    with town(tmp_path, members=1, contacts=2, clock=clock) as made:
        vic, uma = made.contacts
        made.do(RestrictContact(contact=uma))
        clock.now += 40 * MICROS_PER_DAY
        made.do(RecordReads(reader="local", day=20_040, subjects=(vic,)))

        found = review(made.engine, {"contacts": 30}, utc_day(clock.now))

        assert ([vic], 1) == ([each.stream for each in found.due], found.restricted)


def test_who_was_merged_is_one_person_and_erased_as_one(tmp_path: Path) -> None:
    clock = Clock()
    with town(tmp_path, members=1, contacts=4, clock=clock) as made:
        first, second, third, erased = made.contacts
        made.do(EraseContact(contact=erased))
        clock.now += 5 * MICROS_PER_DAY
        made.do(MergeContact(contact=third, into=second))
        made.do(MergeContact(contact=second, into=first))
        clock.now += 29 * MICROS_PER_DAY
        assert [] == due(made, clock, contacts=30)
        clock.now += MICROS_PER_DAY

        found = review(made.engine, {"contacts": 30}, utc_day(clock.now)).due

        assert [first] == [each.stream for each in found]
        for batch in in_batches(found, 2):
            for each in batch:
                made.do(command_for(each, strict=True))
        for who in (first, second, third):
            assert {Erased(who)} == set(made.show(who).values())
        assert [] == due(made, clock, contacts=1)


@pytest.mark.parametrize("which", [0, 1, 2])
def test_who_is_restricted_is_kept_under_every_id(tmp_path: Path, which: int) -> None:
    """Promise: in either direction of a merge."""
    clock = Clock()
    with town(tmp_path, members=1, contacts=4, clock=clock) as made:
        first, second, third, other = made.contacts
        made.do(MergeContact(contact=first, into=second))
        made.do(MergeContact(contact=second, into=third))
        made.do(RestrictContact(contact=made.contacts[which]))
        clock.now += 40 * MICROS_PER_DAY

        assert [("contacts", other)] == due(made, clock, contacts=30)


@pytest.mark.parametrize(
    ("text", "field", "says"),
    [
        ("contacts = 1", "policy", "one table, [retention]"),
        ("[retention]", "policy", "one table, [retention]"),
        ("[retention]\nnote = 3", "retention.note", "choose among contacts, refused-appl"),
        ("[retention]\ncontacts = 0", "retention.contacts", "contacts = 0 is no number of days"),
        ("[retention]\ncontacts = true", "retention.contacts", "a whole one, 1 to 36500"),
        ("[retention]\ncontacts = '9'", "retention.contacts", "contacts = '9' is no number"),
        ("[retention]\ncontacts = 99999", "retention.contacts", "1 to 36500"),
        ("[retention", "policy", "is no TOML"),
        ("[retention]\ncontacts = 1\n[other]\n", "policy", "one table"),
    ],
)
def test_a_policy_that_is_none_says_what_is_wrong(
    tmp_path: Path, text: str, field: str, says: str
) -> None:
    path = tmp_path / "policy.toml"
    path.write_text(text)

    with pytest.raises(InvalidRequest) as refusal:
        read_policy(path)

    assert field == refusal.value.field
    assert says in refusal.value.message
