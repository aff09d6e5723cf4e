"""How people come to a chapter, hold office, move, pause, leave and return."""

from __future__ import annotations

import datetime as dt
from uuid import UUID

from refnet.domain.member import (
    ApplyForMembership,
    AssignRole,
    ChangeProfile,
    DecideApplication,
    EndRole,
    EnrolMember,
    InductMember,
    LeaveNetwork,
    Reapply,
    ReinstateMember,
    RoleName,
    SuspendMember,
    TransferMember,
)
from refnet.domain.values import MemberId
from refnet.simulate import words
from refnet.simulate.clock import DAY
from refnet.simulate.people import (
    Home,
    Kind,
    Person,
    draw_generosity,
    draw_kind,
    draw_seat,
    draw_turn,
)
from refnet.simulate.scene import Act, Scene, date_of, micros_of

_OFFICES = (RoleName.PRESIDENT, RoleName.VICE_PRESIDENT, RoleName.SECRETARY_TREASURER)
_HOSTS = (RoleName.VISITOR_HOST, RoleName.MEMBERSHIP_COMMITTEE, RoleName.EDUCATION_COORDINATOR)


def _imagine(scene: Scene, home: Home, kind: Kind, seat: str, stream: UUID) -> Person:
    """Somebody new, with planted traits; number -1 until the first induction."""
    chance = scene.chance
    return Person(
        id=MemberId(stream),
        number=-1,
        kind=kind,
        quality=chance.around(0.5, 0.5),
        generosity=draw_generosity(chance, kind),
        attendance=chance.around(0.88, 0.12),
        turn=draw_turn(chance, kind, scene.week, scene.weeks),
        joined=scene.week,
        home=home,
        classification=seat,
    )


def enrol(scene: Scene, home: Home, kind: Kind) -> None:
    """A founding member takes a seat."""
    card, seat = words.draw_card(scene.chance), draw_seat(scene.chance, home)
    command = EnrolMember(
        chapter=home.id,
        classification=seat,
        name=card.name,
        email=card.email,
        phone=card.phone,
    )
    _seat(scene, _imagine(scene, home, kind, seat, scene.desk.open("member", command)))


def _seat(scene: Scene, person: Person) -> None:
    if person.number < 0:
        person.number = len(scene.people)
        scene.people.append(person)
    person.home.members.append(person)
    person.since, person.active, person.left = scene.now, True, None


def plan_careers(scene: Scene) -> None:
    """Put this week's changes of membership on the agenda."""
    chance, week = scene.chance, scene.week
    for home in scene.homes:
        vacant = home.target - len(home.members)
        for _ in range(chance.count(0.1 + 0.15 * max(vacant, 0))):
            scene.at(scene.office_hour(home), _apply, home)
        if chance.happens(0.02):
            scene.at(scene.office_hour(home), _resign, home)
        for person in home.active():
            fate = chance.unit() * (0.6 if person.fades(week) else 1.0)
            act = _fate(fate)
            # Colluders stay: a plant that walks away could not be found.
            if act is not None and not (person.colludes and act is _leave):
                scene.at(scene.office_hour(home), act, person)


def _fate(fate: float) -> Act | None:
    for act, share in _FATES:
        fate -= share
        if fate < 0:
            return act
    return None


def _apply(scene: Scene, home: Home) -> None:
    sponsors = home.active()
    if not sponsors or len(home.taken) >= home.target + 3:
        return
    chance = scene.chance
    sponsor = chance.pick(sponsors)
    card, seat = words.draw_card(chance), draw_seat(chance, home)
    command = ApplyForMembership(
        chapter=home.id,
        classification=seat,
        name=card.name,
        email=card.email if chance.happens(0.8) else None,
        phone=card.phone if chance.happens(0.5) else None,
        sponsor=sponsor.id,
    )
    stream = scene.desk.open("member", command, actor=sponsor.id)
    person = _imagine(scene, home, draw_kind(chance), seat, stream)
    person.circle.append(sponsor)
    scene.after(3 * DAY, 14 * DAY, _decide, person)


def _decide(scene: Scene, person: Person) -> None:
    admitted = scene.chance.happens(0.9)
    scene.desk.ask(DecideApplication(member=person.id, admitted=admitted))
    if admitted:
        scene.after(DAY, 7 * DAY, _induct, person)
    else:
        person.home.taken.discard(person.classification)


def _induct(scene: Scene, person: Person) -> None:
    if person.number < 0:
        person.joined = scene.week
    scene.desk.ask(InductMember(member=person.id))
    _seat(scene, person)


def _leave(scene: Scene, person: Person) -> None:
    if person not in person.home.members:
        return
    reason = scene.chance.pick(words.LEAVINGS) if scene.chance.happens(0.7) else None
    scene.desk.ask(LeaveNetwork(member=person.id, reason=reason))
    _unseat(person)
    person.active, person.left = False, scene.week
    if scene.chance.happens(0.15):
        scene.after(30 * DAY, 150 * DAY, _reapply, person)


def _unseat(person: Person) -> None:
    """The seat is free, and with it go the offices of the chapter."""
    home = person.home
    home.members.remove(person)
    home.taken.discard(person.classification)
    home.officers = {role: term for role, term in home.officers.items() if term[0] is not person}


def _reapply(scene: Scene, person: Person) -> None:
    home = scene.chance.pick(scene.homes)
    if len(home.taken) >= home.target + 3:
        return
    person.home, person.classification = home, draw_seat(scene.chance, home)
    command = Reapply(member=person.id, chapter=home.id, classification=person.classification)
    scene.desk.ask(command)
    scene.after(3 * DAY, 14 * DAY, _decide, person)


def _suspend(scene: Scene, person: Person) -> None:
    if person.active:
        reason = scene.chance.pick(words.SUSPENSIONS)
        scene.desk.ask(SuspendMember(member=person.id, reason=reason))
        person.active = False
        # Back or gone; either way the suspension ends.
        act = _leave if scene.chance.happens(0.2) and not person.colludes else _reinstate
        scene.after(7 * DAY, 40 * DAY, act, person)


def _reinstate(scene: Scene, person: Person) -> None:
    if person.active or person not in person.home.members:
        return
    scene.desk.ask(ReinstateMember(member=person.id))
    person.since, person.active = scene.now, True


def _transfer(scene: Scene, person: Person) -> None:
    home = scene.chance.pick(scene.homes)
    if not person.active or home is person.home or len(home.taken) >= home.target + 3:
        return
    _unseat(person)
    clash = person.classification in home.taken
    seat = draw_seat(scene.chance, home) if clash else person.classification
    home.taken.add(seat)
    asked = seat if clash else None
    scene.desk.ask(TransferMember(member=person.id, chapter=home.id, classification=asked))
    person.home, person.classification = home, seat
    home.members.append(person)


def _change_profile(scene: Scene, person: Person) -> None:
    if person.active:
        card = words.draw_card(scene.chance)
        if scene.chance.happens(0.5):
            command = ChangeProfile(member=person.id, phone=card.phone)
        else:
            command = ChangeProfile(member=person.id, email=card.email)
        scene.desk.ask(command, actor=person.id)


def _resign(scene: Scene, home: Home) -> None:
    held = [(role, holder) for role, (holder, _) in home.officers.items() if holder.active]
    if held:
        role, holder = scene.chance.pick(held)
        scene.desk.ask(EndRole(member=holder.id, role=role))
        del home.officers[role]


_FATES: tuple[tuple[Act, float], ...] = (
    (_leave, 0.0045),
    (_transfer, 0.001),
    (_suspend, 0.0015),
    (_change_profile, 0.003),
)
"""What may befall a member, with the probability a week."""


def elect(scene: Scene, home: Home) -> None:
    """Fill the offices of a chapter that were never held, or whose term is over."""
    for role in (*_OFFICES, *_HOSTS):
        _holder(scene, home, role)


def officer(scene: Scene, home: Home) -> Person | None:
    """An officer who may act for the chapter now; somebody is elected if need be."""
    return _holder(scene, home, scene.chance.pick(_OFFICES))


def _holder(scene: Scene, home: Home, role: RoleName) -> Person | None:
    holder, until = home.officers.get(role, (None, 0))
    if holder is not None and holder.active and scene.now < until:
        return holder
    busy = {person.number for person, _ in home.officers.values()}
    able = [person for person in home.active() if person.number not in busy]
    if not able:
        return None
    chosen, until = scene.chance.pick(able), _next_october(scene.now)
    scene.desk.ask(AssignRole(member=chosen.id, role=role, until_time=until))
    home.officers[role] = (chosen, until)
    return chosen


def _next_october(now: int) -> int:
    """Terms of office end with September."""
    date = date_of(now + 30 * DAY)
    year = date.year if date.month < 10 else date.year + 1
    return micros_of(dt.datetime(year, 10, 1, tzinfo=dt.UTC))
