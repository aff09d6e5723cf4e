"""Colluders: praise, meetings and paid referrals among themselves, for nothing."""

from __future__ import annotations

from collections.abc import Sequence

from refnet.simulate.encounters import hold_one_to_one, praise_blindly
from refnet.simulate.people import Person
from refnet.simulate.plant import Group
from refnet.simulate.referrals import fake_referral
from refnet.simulate.scene import Scene


def plan_collusion(scene: Scene, groups: Sequence[Group]) -> None:
    """Put this week's collusion on the agenda: each member about once, each edge at times."""
    for group in groups:
        if scene.week < group.start:
            continue
        edges = list(group.edges())
        often = len(group.members) / len(edges)
        for one, two in edges:
            for act, share in ((_fake, 0.6), (_praise, 0.5), (_meet, 0.3)):
                if scene.chance.happens(often * share):
                    scene.at(scene.office_hour(one.home), act, one, two)


def _fake(scene: Scene, one: Person, two: Person) -> None:
    if one.active and two.active:
        fake_referral(scene, one, two)


def _praise(scene: Scene, one: Person, two: Person) -> None:
    if one.active and two.active:
        praise_blindly(scene, one, two)


def _meet(scene: Scene, one: Person, two: Person) -> None:
    if one.active and two.active:
        hold_one_to_one(scene, one, two)
