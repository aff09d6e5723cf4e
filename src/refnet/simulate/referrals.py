"""Referrals, from a prospect passed on to closed business."""

from __future__ import annotations

from dataclasses import dataclass

from refnet.domain.contact import MergeContact, RegisterContact
from refnet.domain.currency import check_currency
from refnet.domain.referral import (
    AcceptReferral,
    CloseBusiness,
    ConsentProspect,
    ContactProspect,
    DeclineReason,
    DeclineReferral,
    DisputeReferral,
    LoseReferral,
    PassReferral,
    ProspectKind,
    RateReferral,
    ValuationRule,
    VoidReferral,
    WinReferral,
)
from refnet.domain.values import ContactId, ReferralId
from refnet.simulate import words
from refnet.simulate.clock import DAY, HOUR, MINUTE
from refnet.simulate.encounters import client_praise, praise
from refnet.simulate.people import Kind, Person
from refnet.simulate.scene import Scene


@dataclass(slots=True, eq=False)
class Slip:
    """A referral on its way.

    care: how well it was prepared, in [0, 1]. stands: neither disputed nor voided.
    """

    id: ReferralId
    giver: Person
    receiver: Person
    prospect: ContactId | None
    care: float
    stands: bool = True

    @property
    def moves(self) -> bool:
        """Whether the receiver may go on with it."""
        return self.stands and self.receiver.active


def plan_referrals(scene: Scene) -> None:
    """Put this week's referrals on the agenda."""
    week = scene.week
    for home in scene.homes:
        for person in home.active():
            for _ in range(scene.chance.count(person.giving(week))):
                scene.at(scene.office_hour(home), _pass_on, person)


def _pass_on(scene: Scene, giver: Person) -> None:
    if not giver.active:
        return
    receiver = _choose(scene, giver)
    if receiver is None:
        return
    care = 0.5 * giver.generosity + 0.5 * giver.quality
    slip = pass_referral(scene, giver, receiver, care)
    fate = scene.chance.unit()
    if fate < 0.007:
        scene.after(HOUR, 20 * DAY, _dispute, slip)
    elif fate < 0.017:
        scene.after(HOUR, 20 * DAY, _void, slip)


def _choose(scene: Scene, giver: Person) -> Person | None:
    """Whom the giver thinks of: who is good, known and near; most also favour who gave to them."""
    week = scene.week
    known = [person for person in giver.circle if person.active]
    if not known or scene.chance.happens(0.12):
        return scene.mate(giver)
    if giver.kind is Kind.GIVER:
        return scene.chance.weighted(known, [person.pull(week) for person in known])
    thanks = giver.thanks
    weights = [p.pull(week) * (1.6 if p.number in thanks else 1.0) for p in known]
    return scene.chance.weighted(known, weights)


def pass_referral(
    scene: Scene, giver: Person, receiver: Person, care: float, parent: Slip | None = None
) -> Slip:
    """Pass a referral between two active members and plan the receiver's answer."""
    chance = scene.chance
    prospect: ContactId | None = None if parent is None else parent.prospect
    name: str | None = None
    kind = ProspectKind.THIRD_PARTY if parent is None else ProspectKind.SPIN_OFF
    if prospect is None and chance.happens(0.3):
        prospect = _register_prospect(scene, giver)
    elif prospect is None and parent is None and chance.happens(0.06):
        kind = ProspectKind.SELF
    elif prospect is None:
        name = words.draw_card(chance).name
    command = PassReferral(
        giver=giver.id,
        receiver=receiver.id,
        heat=1 + min(int(5 * (0.7 * care + 0.3 * chance.unit())), 4),
        prospect_kind=kind,
        prospect=prospect,
        prospect_name=name,
        parent=None if parent is None else parent.id,
        description=chance.pick(words.NEEDS) if chance.happens(0.4) else None,
    )
    when = scene.lately(giver, receiver)
    passed = scene.desk.open("referral", command, actor=giver.id, occurred=when)
    slip = Slip(ReferralId(passed), giver, receiver, prospect, care)
    receiver.thanks.add(giver.number)
    if kind is not ProspectKind.SELF and chance.happens(0.3):
        scene.after(HOUR, 2 * DAY, _consent, slip)
    if chance.happens(0.96):
        scene.after(2 * HOUR, 6 * DAY, _answer, slip)
    return slip


def _register_prospect(scene: Scene, giver: Person) -> ContactId:
    prospect, name = scene.register(giver)
    if scene.chance.happens(0.03):
        scene.after(DAY, 12 * DAY, _register_again, giver, prospect, name)
    return prospect


def _register_again(scene: Scene, by: Person, prospect: ContactId, name: str) -> None:
    """The same prospect is entered a second time, and the slip of the pen is put right."""
    command = RegisterContact(name=name, registered_by=by.id)
    double = ContactId(scene.desk.open("contact", command, actor=by.id))
    scene.after(HOUR, 9 * DAY, _merge, double, prospect)


def _merge(scene: Scene, double: ContactId, prospect: ContactId) -> None:
    scene.desk.ask(MergeContact(contact=double, into=prospect))


def _consent(scene: Scene, slip: Slip) -> None:
    if slip.stands and slip.giver.active:
        scene.desk.ask(ConsentProspect(referral=slip.id), actor=slip.giver.id)


def _answer(scene: Scene, slip: Slip) -> None:
    if not slip.moves:
        return
    chance = scene.chance
    actor, when = slip.receiver.id, scene.just_now(slip.receiver)
    unqualified = 0.35 if slip.giver.takes(scene.week) else 0.12 * (1.0 - slip.care)
    fate = chance.unit()
    if fate < unqualified + 0.04:
        others = (DeclineReason.NO_CAPACITY, DeclineReason.OUT_OF_SCOPE, DeclineReason.OTHER)
        reason = DeclineReason.NOT_QUALIFIED if fate < unqualified else chance.pick(others)
        scene.desk.ask(DeclineReferral(referral=slip.id, reason=reason), actor=actor, occurred=when)
    else:
        scene.desk.ask(AcceptReferral(referral=slip.id), actor=actor, occurred=when)
        scene.after(HOUR, 9 * DAY, _contact, slip)
    if chance.happens(0.4):
        scene.after(HOUR, 15 * DAY, _rate, slip)


def _rate(scene: Scene, slip: Slip) -> None:
    if slip.moves:
        rating = 1 + min(int(5 * scene.chance.around(0.35 + 0.5 * slip.care, 0.4)), 4)
        scene.desk.ask(RateReferral(referral=slip.id, rating=rating), actor=slip.receiver.id)


def _contact(scene: Scene, slip: Slip) -> None:
    if slip.moves and scene.chance.happens(0.95):
        command = ContactProspect(referral=slip.id)
        scene.desk.ask(command, actor=slip.receiver.id, occurred=scene.just_now(slip.receiver))
        scene.after(2 * DAY, 45 * DAY, _decide, slip)


def _decide(scene: Scene, slip: Slip) -> None:
    if not slip.moves:
        return
    chance, actor, when = scene.chance, slip.receiver.id, scene.just_now(slip.receiver)
    if not chance.happens(0.15 + 0.5 * slip.receiver.quality + 0.2 * slip.care):
        reason = chance.pick(words.LOSSES) if chance.happens(0.5) else None
        scene.desk.ask(LoseReferral(referral=slip.id, reason=reason), actor=actor, occurred=when)
        return
    scene.desk.ask(WinReferral(referral=slip.id), actor=actor, occurred=when)
    scene.after(HOUR, 10 * DAY, _close, slip)


def _close(scene: Scene, slip: Slip) -> None:
    if not slip.moves:
        return
    chance = scene.chance
    _close_some(scene, slip, repeat=False)
    if slip.prospect is not None and chance.happens(0.5):
        scene.after(DAY, 20 * DAY, _hear_client, slip)
    if chance.happens(0.1):
        scene.after(HOUR, 5 * DAY, _thank, slip)
    if slip.giver.active and chance.happens(0.06):
        scene.after(DAY, 30 * DAY, _spin_off, slip)


def _close_again(scene: Scene, slip: Slip) -> None:
    if slip.moves:
        _close_some(scene, slip, repeat=True)


def _close_some(scene: Scene, slip: Slip, *, repeat: bool) -> None:
    value = scene.chance.lognormal(1000.0, 1.2)
    _close_business(scene, slip, value, scene.just_now(slip.receiver), repeat=repeat)
    if scene.chance.happens(0.12):
        scene.after(20 * DAY, 90 * DAY, _close_again, slip)


def _close_business(scene: Scene, slip: Slip, value: float, occurred: int, *, repeat: bool) -> None:
    """Thank for business worth about so many EUR, in the currency of the receiver's chapter."""
    city = slip.receiver.home.city
    exponent = check_currency(city.currency, field="currency")
    minor = round(value * 1_000_000 / city.rate_millionths * 10**exponent)
    rules = (ValuationRule.INVOICED, ValuationRule.ESTIMATED, ValuationRule.COMMISSION)
    command = CloseBusiness(
        referral=slip.id,
        amount=max(minor, 1),
        currency=city.currency,
        repeat=repeat,
        valuation=scene.chance.weighted(rules, (0.8, 0.15, 0.05)),
    )
    scene.desk.ask(command, actor=slip.receiver.id, occurred=occurred)


def _hear_client(scene: Scene, slip: Slip) -> None:
    if slip.moves and slip.prospect is not None:
        client_praise(scene, slip.receiver, slip.prospect, slip.id)


def _thank(scene: Scene, slip: Slip) -> None:
    if slip.moves and slip.giver.active:
        praise(scene, slip.receiver, slip.giver, slip.id)


def _spin_off(scene: Scene, slip: Slip) -> None:
    if slip.moves and slip.giver.active:
        pass_referral(scene, slip.giver, slip.receiver, slip.care, parent=slip)


def _dispute(scene: Scene, slip: Slip) -> None:
    if slip.moves:
        slip.stands = False
        command = DisputeReferral(referral=slip.id, reason=scene.chance.pick(words.DISPUTES))
        scene.desk.ask(command, actor=slip.receiver.id)


def _void(scene: Scene, slip: Slip) -> None:
    if slip.stands and slip.receiver.active:
        slip.stands = False
        command = VoidReferral(referral=slip.id, reason=scene.chance.pick(words.VOIDS))
        scene.desk.ask(command, actor=slip.receiver.id)


def fake_referral(scene: Scene, giver: Person, receiver: Person) -> None:
    """A colluder's slip: passed, taken, won and paid within the hour, for business nobody did."""
    command = PassReferral(
        giver=giver.id, receiver=receiver.id, heat=5, prospect_kind=ProspectKind.SELF
    )
    occurred = max(scene.now - MINUTE, giver.since, receiver.since)
    passed = scene.desk.open("referral", command, actor=giver.id, occurred=occurred)
    slip = Slip(ReferralId(passed), giver, receiver, None, 1.0)
    for step in (AcceptReferral, ContactProspect, WinReferral):
        scene.desk.ask(step(referral=slip.id), actor=receiver.id)
    value = 5000.0 + 10_000.0 * scene.chance.unit()
    _close_business(scene, slip, value, scene.now, repeat=False)
