"""What hangs on whom: bridges between circles, chapters and those who carry their ties, weak ties.

Everything is counted on the ties of `refnet.ties`, and every order is by whole numbers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from refnet.standings import Snapshot
from refnet.ties import (
    WEAK_BELOW,
    Cuts,
    Ties,
    bridging,
    component_sizes,
    cut_off_by,
    cuts_of,
    ties_of,
    walk_of,
)


@dataclass(frozen=True, slots=True)
class Part:
    """Members whom only one who left would have tied to the others.

    members: rising. chapters: (chapter, members of it here), by chapter. whole: chapters of whose
    tied members none would stay elsewhere, but for the one who left.
    """

    members: tuple[int, ...]
    chapters: tuple[tuple[int, int], ...]
    whole: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Bridge:
    """A tie without which its ends would lose each other.

    one < two. apart: members on the smaller side, of whom one of these is.
    """

    one: int
    two: int
    apart: int


@dataclass(frozen=True, slots=True)
class Carrier:
    """A member with ties to other chapters. ties: how many. alone: chapters no mate is tied to."""

    member: int
    ties: int
    alone: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ChapterTies:
    """What ties a chapter to others.

    tied: its members with any tie. ties: to members of other chapters. carriers: most ties first,
    then lower number. cut_off_by: members, of any chapter, without whom it would lose the rest.
    """

    chapter: int
    tied: int
    ties: int
    carriers: tuple[Carrier, ...]
    cut_off_by: tuple[int, ...]

    @property
    def share(self) -> float:
        """Of its ties to other chapters, how many are the first carrier's; 0 .. 1."""
        return self.carriers[0].ties / self.ties if self.ties else 0.0


@dataclass(frozen=True, slots=True)
class WeakTie:
    """A weak tie that leads somewhere else. common: members tied to both ends.

    one < two. crosses: whether they are of different chapters. strength: in [0.2, 0.4).
    """

    one: int
    two: int
    strength: float
    common: int
    crosses: bool


def parts_without(snapshot: Snapshot, member: int) -> list[Part]:
    """Whom the others would lose if this member left; the largest part first.

    The largest of what would be left is the rest, and no part. Empty if all would stay together.
    """
    home, tied = snapshot.roll.home(), _tied(snapshot)
    found = []
    for group in cut_off_by(snapshot, member)[1:]:
        chapters = _chapters(home, group)
        whole = tuple(_whole(chapters, tied, home.item(member)))
        found.append(Part(tuple(group.tolist()), tuple(chapters), whole))
    return found


def bridges(snapshot: Snapshot) -> list[Bridge]:
    """All ties that are bridges: those that keep most members in touch first, then by numbers."""
    walk = walk_of(snapshot)
    child = np.flatnonzero(walk.parent >= 0)
    parent = walk.parent[child]
    cut = walk.low[child] > walk.place[parent]
    child, parent = child[cut], parent[cut]
    behind = walk.size[child].astype(np.int64)
    apart = np.minimum(behind, component_sizes(walk)[child] - behind)
    one, two = np.minimum(child, parent), np.maximum(child, parent)
    order = np.lexsort((two, one, -apart))
    rows = zip(one[order].tolist(), two[order].tolist(), apart[order].tolist(), strict=True)
    return [Bridge(*row) for row in rows]


def chapters(snapshot: Snapshot) -> list[ChapterTies]:
    """What ties every chapter with tied members to others; found once, in order of chapter."""
    return snapshot.once(_chapter_ties)


def weak_ties(snapshot: Snapshot, below: float = WEAK_BELOW) -> list[WeakTie]:
    """Ties weaker than `below` that are local bridges or lead to another chapter.

    The strongest first, then by numbers.
    """
    return weak_at(snapshot, weak_slots(snapshot, below))


def weak_slots(snapshot: Snapshot, below: float = WEAK_BELOW) -> NDArray[np.intp]:
    """Of each of the `weak_ties`, in their order, one slot of `ties_of`: that of the lower end."""
    ties = ties_of(snapshot)
    source, target = ties.sources, ties.targets
    wanted = (ties.strength < below) & ((ties.common == 0) | ties.crosses) & (source < target)
    at = np.flatnonzero(wanted)
    return at[np.lexsort((target[at], source[at], -ties.strength[at]))]


def weak_at(snapshot: Snapshot, slots: NDArray[np.intp]) -> list[WeakTie]:
    """The weak ties in these slots: a page of them needs no object for each of the others."""
    ties = ties_of(snapshot)
    columns = (ties.sources, ties.targets, ties.strength, ties.common, ties.crosses)
    return [WeakTie(*row) for row in zip(*(each[slots].tolist() for each in columns), strict=True)]


def _chapters(home: NDArray[np.int32], members: NDArray[np.int32]) -> list[tuple[int, int]]:
    found, count = np.unique(home[members], return_counts=True)
    return list(zip(found.tolist(), count.tolist(), strict=True))


def _chapter_ties(snapshot: Snapshot) -> list[ChapterTies]:
    ties, home = ties_of(snapshot), snapshot.roll.home()
    degree = np.diff(ties.offsets)
    carriers = _carriers(ties, home)
    cutters = _cutters(snapshot)
    found = []
    for chapter, tied in _chapters(home, np.flatnonzero(degree).astype(np.int32)):
        mine = tuple(carriers.get(chapter, ()))
        carried = sum(each.ties for each in mine)
        found.append(ChapterTies(chapter, tied, carried, mine, tuple(cutters.get(chapter, ()))))
    return found


def _carriers(ties: Ties, home: NDArray[np.int32]) -> dict[int, list[Carrier]]:
    """By chapter, who has ties to other chapters: most first, then lower number."""
    source, target = ties.sources[ties.crosses], ties.targets[ties.crosses]
    reached = np.unique(np.stack([home[source], home[target], source], axis=1), axis=0)
    _, which, carriers = np.unique(reached[:, :2], axis=0, return_inverse=True, return_counts=True)
    alone: dict[int, list[int]] = {}
    for _, there, member in reached[carriers[which.reshape(-1)] == 1].tolist():
        alone.setdefault(member, []).append(there)
    members, count = np.unique(source, return_counts=True)
    found: dict[int, list[Carrier]] = {}
    for at in np.lexsort((members, -count)).tolist():
        member = int(members[at])
        each = Carrier(member, int(count[at]), tuple(alone.get(member, ())))
        found.setdefault(int(home[member]), []).append(each)
    return found


def _cutters(snapshot: Snapshot) -> dict[int, list[int]]:
    """By chapter, whose leaving would cut it off whole; rising."""
    home, tied, cuts = snapshot.roll.home(), _tied(snapshot), cuts_of(snapshot)
    # Whoever cuts off fewer than the smallest chapter has, less one, cuts off no chapter.
    smallest = int(tied[tied > 0].min(initial=home.size)) - 1
    apart = bridging(snapshot).cut_off
    found: dict[int, list[int]] = {}
    for member in np.flatnonzero(apart >= max(smallest, 1)).tolist():
        for group in _all_but_the_largest(cuts, member):
            for chapter in _whole(_chapters(home, group), tied, home.item(member)):
                found.setdefault(chapter, []).append(member)
    return found


def _tied(snapshot: Snapshot) -> NDArray[np.int64]:
    """How many members with any tie each chapter has."""
    degree = np.diff(ties_of(snapshot).offsets)
    return np.bincount(snapshot.roll.home()[degree > 0])


def _whole(chapters: list[tuple[int, int]], tied: NDArray[np.int64], left: int) -> Iterator[int]:
    """The chapters that a part has whole, but for who left: of which none is anywhere else.

    chapters: how many of each are in the part. left: the chapter of the one who left.
    """
    for chapter, count in chapters:
        if count == tied.item(chapter) - (chapter == left):
            yield chapter


def _all_but_the_largest(cuts: Cuts, member: int) -> list[NDArray[np.int32]]:
    """As the parts of `parts_without`, in no order."""
    groups = cuts.groups(member)
    sizes = [sum(places.stop - places.start for places in group) for group in groups]
    largest = [group for group, size in zip(groups, sizes, strict=True) if size == max(sizes)]
    stays = min(largest, key=lambda group: int(cuts.members(group).min()))
    return [cuts.members(group) for group in groups if group is not stays]
