"""Alerts about collusion, for officers to look into; never a part of any score.

docs/design/ties.md has the definitions, the thresholds and what they were measured on.
"""

from __future__ import annotations

from refnet import evidence
from refnet.alerts.alert import Alert, AlertKind, Between, Figure, Measure, Seen, told_of
from refnet.alerts.bursts import burst_alerts
from refnet.alerts.mutual import mutual_alerts
from refnet.alerts.words import sentence
from refnet.paths import trust_of
from refnet.standings import Snapshot

__all__ = [
    "Alert",
    "AlertKind",
    "Between",
    "Figure",
    "Measure",
    "Seen",
    "alerts_in",
    "alerts_of",
    "find_alerts",
    "sentence",
    "told_of",
]


def alerts_of(snapshot: Snapshot) -> list[Alert]:
    """All alerts of a snapshot, in order of `Alert.order`; found once. Not to be changed."""
    return snapshot.once(_find)


def alerts_in(
    snapshot: Snapshot,
    *,
    kind: AlertKind | None = None,
    member: int | None = None,
    chapter: int | None = None,
) -> list[Alert]:
    """The alerts of a kind, about a member, about anybody of a chapter; by numbers, in order."""
    home = snapshot.roll.home()
    return [
        alert
        for alert in alerts_of(snapshot)
        if (kind is None or alert.kind is kind)
        and (member is None or member in alert.members)
        and (chapter is None or any(home[each] == chapter for each in alert.members))
    ]


def find_alerts(seen: Seen) -> list[Alert]:
    """All alerts there are in what was seen, in order of `Alert.order`."""
    return sorted([*mutual_alerts(seen), *burst_alerts(seen)], key=lambda alert: alert.order)


def _find(snapshot: Snapshot) -> list[Alert]:
    trust = trust_of(snapshot)
    facts = evidence.located(evidence.rows_of(snapshot.columns), snapshot.day)
    return find_alerts(
        Seen(
            network=trust.network,
            regard=trust.regard,
            active=snapshot.active,
            told=told_of(*facts),
            day=snapshot.day,
        )
    )
