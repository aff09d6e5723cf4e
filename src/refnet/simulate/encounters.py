"""One-to-ones, and testimonials by members and clients."""

from __future__ import annotations

from dataclasses import dataclass

from refnet.domain.one_to_one import (
    ConfirmOneToOne,
    DisputeOneToOne,
    HoldOneToOne,
    VoidOneToOne,
)
from refnet.domain.testimonial import (
    GiveTestimonial,
    ReviseTestimonial,
    VerifyClient,
    WithdrawTestimonial,
)
from refnet.domain.values import ContactId, OneToOneId, ReferralId, TestimonialId
from refnet.simulate import words
from refnet.simulate.careers import officer
from refnet.simulate.clock import DAY, HOUR
from refnet.simulate.people import Person
from refnet.simulate.scene import Scene


@dataclass(slots=True, eq=False)
class Praise:
    """A testimonial. author: None for a client's."""

    id: TestimonialId
    author: Person | None
    subject: Person
    stands: bool = True


def plan_encounters(scene: Scene) -> None:
    """Put this week's one-to-ones and spontaneous testimonials on the agenda."""
    chance, week = scene.chance, scene.week
    for home in scene.homes:
        for person in home.active():
            energy = person.energy(week)
            for _ in range(chance.count(0.45 * energy)):
                scene.at(scene.office_hour(home), _meet, person)
            if chance.happens(0.06 * energy):
                scene.at(scene.office_hour(home), _praise_friend, person)
            if chance.happens(0.02 * energy * (0.3 + person.quality)):
                scene.at(scene.office_hour(home), _direct_client, person)


def _meet(scene: Scene, person: Person) -> None:
    if not person.active:
        return
    partner = scene.anybody(person) if scene.chance.happens(0.2) else scene.mate(person)
    if partner is not None:
        hold_one_to_one(scene, person, partner)


def hold_one_to_one(scene: Scene, person: Person, partner: Person) -> None:
    """Two active members meet; the partner mostly confirms."""
    chance = scene.chance
    command = HoldOneToOne(
        initiator=person.id,
        partner=partner.id,
        place=chance.pick(words.PLACES) if chance.happens(0.5) else None,
        topics=chance.pick(words.TOPICS) if chance.happens(0.3) else None,
    )
    when = scene.lately(person, partner)
    held = OneToOneId(scene.desk.open("one_to_one", command, actor=person.id, occurred=when))
    fate = chance.unit()
    if fate < 0.86:
        scene.after(HOUR, 4 * DAY, _confirm, held, person, partner)
    elif fate < 0.88:
        scene.after(HOUR, 6 * DAY, _dispute, held, partner)
    elif fate < 0.895:
        scene.after(HOUR, 6 * DAY, _void, held, person)


def _confirm(scene: Scene, held: OneToOneId, person: Person, partner: Person) -> None:
    if not partner.active:
        return
    command = ConfirmOneToOne(one_to_one=held)
    scene.desk.ask(command, actor=partner.id, occurred=scene.just_now(partner))
    person.meet(partner)
    if scene.chance.happens(0.01):
        scene.after(HOUR, 5 * DAY, _void, held, person)


def _dispute(scene: Scene, held: OneToOneId, partner: Person) -> None:
    if partner.active:
        reason = scene.chance.pick(words.DISPUTES)
        command = DisputeOneToOne(one_to_one=held, reason=reason)
        scene.desk.ask(command, actor=partner.id)


def _void(scene: Scene, held: OneToOneId, person: Person) -> None:
    if person.active:
        reason = scene.chance.pick(words.VOIDS)
        scene.desk.ask(VoidOneToOne(one_to_one=held, reason=reason), actor=person.id)


def _praise_friend(scene: Scene, author: Person) -> None:
    friends = [person for person in author.circle if person.active]
    if author.active and friends:
        praise(scene, author, scene.chance.pick(friends))


def praise(
    scene: Scene, author: Person, subject: Person, referral: ReferralId | None = None
) -> None:
    """One active member about another: courteous, unless the subject is known to take."""
    chance = scene.chance
    if subject.takes(scene.week) and not author.takes(scene.week) and chance.happens(0.3):
        rating = -chance.between(1, 7)
    else:
        rating = _rating(3.0 + 6.0 * subject.quality + 5.0 * (chance.unit() - 0.5))
    command = GiveTestimonial(
        subject=subject.id,
        author=author.id,
        rating=rating,
        referral=referral,
        text=_text(scene, rating),
    )
    given = _give(scene, command, author, subject)
    _maybe_change(scene, given)


def praise_blindly(scene: Scene, author: Person, subject: Person) -> None:
    """A colluder about another: all one can say."""
    command = GiveTestimonial(
        subject=subject.id, author=author.id, rating=10, text=scene.chance.pick(words.PRAISE)
    )
    _give(scene, command, author, subject)


def client_praise(
    scene: Scene, subject: Person, client: ContactId, referral: ReferralId | None
) -> None:
    """A client about an active member; an officer verifies clients nobody referred."""
    rating = _rating(-6.0 + 17.0 * subject.quality + 8.0 * (scene.chance.unit() - 0.5))
    command = GiveTestimonial(
        subject=subject.id,
        client=client,
        rating=rating,
        referral=referral,
        text=_text(scene, rating),
    )
    given = _give(scene, command, None, subject)
    if scene.chance.happens(0.3 if referral else 0.8):
        scene.after(3 * HOUR, 8 * DAY, _verify, given)
    _maybe_change(scene, given)


def _direct_client(scene: Scene, subject: Person) -> None:
    if subject.active:
        client, _ = scene.register(subject)
        client_praise(scene, subject, client, None)


def _give(scene: Scene, command: GiveTestimonial, author: Person | None, subject: Person) -> Praise:
    actor, people = (None, [subject]) if author is None else (author.id, [author, subject])
    given = scene.desk.open("testimonial", command, actor=actor, occurred=scene.lately(*people))
    return Praise(TestimonialId(given), author, subject)


def _maybe_change(scene: Scene, given: Praise) -> None:
    fate = scene.chance.unit()
    if fate < 0.04:
        scene.after(DAY, 30 * DAY, _revise, given)
    elif fate < 0.055:
        scene.after(DAY, 30 * DAY, _withdraw, given)


def _verify(scene: Scene, given: Praise) -> None:
    if given.stands and given.subject.active:
        verifier = officer(scene, given.subject.home)
        if verifier is not None and verifier is not given.subject:
            scene.desk.ask(VerifyClient(testimonial=given.id), actor=verifier.id)


def _revise(scene: Scene, given: Praise) -> None:
    if given.author is not None and not given.author.active:
        return
    rating = _rating(14.0 * scene.chance.unit() - 4.0)
    command = ReviseTestimonial(testimonial=given.id, rating=rating, text=_text(scene, rating))
    scene.desk.ask(command, actor=None if given.author is None else given.author.id)


def _withdraw(scene: Scene, given: Praise) -> None:
    if given.author is not None and not given.author.active:
        return
    given.stands = False
    actor = None if given.author is None else given.author.id
    scene.desk.ask(WithdrawTestimonial(testimonial=given.id), actor=actor)


def _rating(wish: float) -> int:
    """The nearest rating from -10 to 10; there is no 0."""
    return min(max(round(wish), -10), 10) or 1


def _text(scene: Scene, rating: int) -> str | None:
    if scene.chance.happens(0.2):
        return None
    return scene.chance.pick(words.PRAISE if rating > 0 else words.BLAME)
