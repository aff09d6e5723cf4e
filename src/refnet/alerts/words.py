"""An alert in a plain English sentence."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence

from refnet.alerts.alert import Alert, AlertKind, Measure

NAMED = 6
"""How many members a sentence names."""


def sentence(alert: Alert, name: Callable[[int], str]) -> str:
    """What an officer reads. name: what a member, given by number, is called."""
    who = _listed([name(each) for each in alert.members[:NAMED]], len(alert.members))
    first = alert.figures[0]
    if alert.kind is AlertKind.BURST:
        return _burst(alert, who)
    if alert.kind is AlertKind.PAIR:
        mutual = alert.figures[1]
        return (
            f"{who} say {first.found:.0%} of what they say in the network to each other; usual is "
            f"up to {first.usual:.0%}. What both say weighs {mutual.found:.1f}; usual is up to "
            f"{mutual.usual:.1f}."
        )
    how = "for each other" if alert.kind is AlertKind.CLIQUE else "each for the next"
    triangles = alert.figures[1]
    return (
        f"{who} vouch {how}: between {len(alert.pairs)} pairs what both say weighs "
        f"{first.found:.1f} on average; usual is up to {first.usual:.1f}. Triangles over a pair "
        f"weigh {triangles.found:.1f}; usual is up to {triangles.usual:.1f}."
    )


def _burst(alert: Alert, who: str) -> str:
    (figure,) = alert.figures
    assert alert.last_day is not None
    end = dt.date(1970, 1, 1) + dt.timedelta(days=alert.last_day)
    what = f"between {who} there are {figure.found:.0f} facts"
    if figure.measure is Measure.PARTNERS:
        what = f"{who} has {len(alert.facts)} facts with {figure.found:.0f} others"
    before = f", and for them it was {figure.own:.1f}" if figure.own else ""
    return f"In the seven days to {end} {what}; usual is up to {figure.usual:.0f}{before}."


def _listed(names: Sequence[str], count: int) -> str:
    """Names with commas and an "and"; those beyond are counted."""
    if count > len(names):
        return f"{', '.join(names)} and {count - len(names)} more"
    if count == 1:
        return names[0]
    return f"{', '.join(names[:-1])} and {names[-1]}"
