"""Proof that an alert on results would reach its readers: a temporary one that fires at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from patchctl import access
from patchctl.errors import NotAsItShouldBe, PatchctlError

if TYPE_CHECKING:
    from azure.mgmt.alertsmanagement.models import Alert

    from patchctl.clients import Clients
    from patchctl.deployment import Deployment

DEADLINE = 1800.0
"""Seconds. A new rule is evaluated first within minutes, and then every five."""
LOOK_AGAIN = 30.0
RULES = "Microsoft.Insights/scheduledQueryRules"


@dataclass(frozen=True)
class Proof:
    rule: str
    fired: str
    """When, as Azure tells it; UTC."""
    to: tuple[str, ...]


async def prove(clients: Clients, deployment: Deployment, now: Callable[[], datetime]) -> Proof:
    """Make a rule that fires, wait until it has, and take it away again, whatever happens.

    Raises NotAsItShouldBe when the identity may not read, PatchctlError when nothing fires in time.
    """
    from patchctl.steps import result_alerts

    await _require_identity(clients, deployment)
    rule, rules = result_alerts.TEST, clients.monitor.scheduled_query_rules
    name = result_alerts.rule_name(deployment, rule)
    want = result_alerts.desired(
        deployment, rule, asks=result_alerts.query(deployment, rule), enabled=True
    )
    begun = now()
    try:
        await rules.create_or_update(deployment.group, name, want)
        fired = await _fired(clients, deployment.id(RULES, name), begun)
    finally:
        await rules.delete(deployment.group, name)
    return Proof(name, f"{fired:%Y-%m-%d %H:%M} UTC", deployment.mailed)


async def _require_identity(clients: Clients, deployment: Deployment) -> None:
    principal = await access.principal(clients, deployment) if deployment.watched else None
    if principal is None:
        raise NotAsItShouldBe(
            "NothingToProve",
            f"{deployment.name} has no alerts on results here.",
        )
    if not await access.reading(clients, deployment.group_id, principal):
        command = access.command(deployment, deployment.group_id, principal)
        raise NotAsItShouldBe(
            "RightWithheld",
            "The alerts' identity may not read the results of patching. "
            f"An administrator has to grant it: {command}",
            f"Then: patchctl deploy --name {deployment.name}",
            resource=deployment.alert_identity_id,
        )


async def _fired(clients: Clients, rule: str, begun: datetime) -> datetime:
    """When the alert of a rule began; one of an earlier test does not count."""
    try:
        async with asyncio.timeout(DEADLINE):
            while True:
                async for alert in clients.alerts.alerts.get_all(alert_rule=rule, time_range="1d"):
                    if (began := _began(alert)) is not None and began >= begun:
                        return began
                await asyncio.sleep(LOOK_AGAIN)
    except TimeoutError:
        raise PatchctlError(
            "NothingFired",
            "The test alert has not fired within half an hour; the alerts on results would not "
            "either.",
            resource=rule,
        ) from None


def _began(alert: Alert) -> datetime | None:
    essentials = alert.properties.essentials if alert.properties is not None else None
    return essentials.start_date_time if essentials is not None else None
