"""What alerts are worth, measured on simulated networks."""

from __future__ import annotations

from refnet.evaluate.gather import Order, Watch, networks_for
from refnet.evaluate.on_alerts import (
    WEEKS,
    attack_table,
    attacked,
    burst,
    burst_table,
    look,
    planted_table,
)
from refnet.evaluate.table import Table


def measure_alerts(order: Order, watch: Watch) -> list[Table]:
    """Planted groups found and false alerts; planted bursts found; attacks found."""
    networks = networks_for(order, watch)
    with watch("looking for alerts", len(networks)) as done:
        looks, bursts, attacks = [], [], []
        for number, network in enumerate(networks, 1):
            looks += [look(network, week) for week in WEEKS if week <= network.weeks]
            bursts.append(burst(network))
            attacks.append(attacked(network, order.groups))
            done(number)
    return [planted_table(looks), burst_table(bursts), attack_table(attacks)]
