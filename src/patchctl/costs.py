"""What a deployment costs a month, item by item."""

from __future__ import annotations

from patchctl import prices
from patchctl.deployment import Deployment
from patchctl.offers import SIZES
from patchctl.prices import Price
from patchctl.steps.result_alerts import wanted_rules


def monthly(deployment: Deployment) -> list[Price]:
    """The items of a deployment, priced by the dated table."""
    items = [] if deployment.own else _made(deployment)
    if rules := len(wanted_rules(deployment)):
        items.append(prices.log_alerts(rules))
    return [*items, prices.update_manager(), prices.alerts(), prices.mails()]


def _made(deployment: Deployment) -> list[Price]:
    """The machine that is made, and its way out."""
    machine, offer = deployment.config.machine, deployment.offer
    size = offer.size if offer is not None else machine.size or SIZES[0]
    items = [prices.machine(size, machine.os), prices.disk(machine.os)]
    if machine.outbound == "nat":
        items += [prices.nat_gateway(), prices.public_ip()]
    return items
