"""What was planted, for tests and studies: in a side file, never in the log."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from refnet.simulate.chance import Chance
from refnet.simulate.people import NEVER, Kind, Person


class GroupKind(StrEnum):
    """How colluders praise each other."""

    PAIR = "pair"  # two, mutually
    RING = "ring"  # each the next
    CLIQUE = "clique"  # each all others


@dataclass(frozen=True, slots=True)
class Group:
    """Colluders and the week from which they collude."""

    kind: GroupKind
    members: tuple[Person, ...]
    start: int

    def edges(self) -> Iterator[tuple[Person, Person]]:
        """Who praises whom."""
        if self.kind is GroupKind.CLIQUE:
            for one in self.members:
                for two in self.members:
                    if one is not two:
                        yield one, two
        else:
            for at, one in enumerate(self.members):
                yield one, self.members[(at + 1) % len(self.members)]


@dataclass(frozen=True, slots=True)
class Plant:
    """Everybody who was ever inducted, in order of enrolment, and the groups that collude."""

    seed: int
    weeks: int
    people: tuple[Person, ...]
    groups: tuple[Group, ...]


def draw_groups(chance: Chance, people: Sequence[Person], weeks: int) -> list[Group]:
    """Colluding groups among normal members of lower quality, where they have most to gain.

    Of a hundred members two are in pairs, two in rings and two in cliques, but there is at
    least one pair from 12 members on and one group of each kind from 45 on.
    """
    count = len(people)
    size = min(max(count // 30, 3), 6)
    normal = sorted((p for p in people if p.kind is Kind.NORMAL), key=lambda p: p.quality)
    able = chance.shuffled(normal[: len(normal) // 2])
    groups: list[Group] = []
    for kind, width, smallest in (
        (GroupKind.PAIR, 2, 12),
        (GroupKind.RING, size, 45),
        (GroupKind.CLIQUE, size, 45),
    ):
        wanted = max(round(0.02 * count / width), 1) if count >= smallest else 0
        for _ in range(wanted):
            if len(able) < width:
                break
            chosen, able = able[:width], able[width:]
            for person in chosen:
                person.colludes = True
            groups.append(Group(kind, tuple(chosen), chance.between(weeks // 10, weeks // 4 + 1)))
    return groups


def write_plant(plant: Plant, path: Path) -> None:
    """Write the plant as JSON: seed, weeks, members by id with kind and traits, groups."""
    members = {
        str(person.id): {
            "kind": person.kind,
            "quality": round(person.quality, 6),
            "generosity": round(person.generosity, 6),
            "attendance": round(person.attendance, 6),
            "joined_week": person.joined,
            "turned_week": None if person.turn == NEVER else person.turn,
            "left_week": person.left,
            "colludes": person.colludes,
        }
        for person in plant.people
    }
    groups = [
        {
            "kind": group.kind,
            "members": [str(person.id) for person in group.members],
            "start_week": group.start,
        }
        for group in plant.groups
    ]
    whole = {"seed": plant.seed, "weeks": plant.weeks, "members": members, "groups": groups}
    path.write_text(json.dumps(whole, indent=1) + "\n", encoding="utf-8")
