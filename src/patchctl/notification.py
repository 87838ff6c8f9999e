"""A test mail through the action group, and what Azure says became of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from patchctl.clients import ended, find
from patchctl.errors import NotAsItShouldBe, PatchctlError

if TYPE_CHECKING:
    from azure.mgmt.monitor.models import ActionDetail, ActionGroupResource

    from patchctl.clients import Clients
    from patchctl.deployment import Deployment

T = TypeVar("T")
ALERT_TYPE = "activitylog"
DEADLINE = 600.0


@dataclass(frozen=True)
class Handed:
    """What became of one receiver's mail. `ok`: handed over, which is not yet read."""

    receiver: str
    address: str
    status: str
    ok: bool


async def send(clients: Clients, deployment: Deployment) -> list[Handed]:
    """Send a test to every e-mail receiver of the group and wait until Azure has dealt with it."""
    from azure.mgmt.monitor.models import EmailReceiver, NotificationRequestBody

    group = await _standing(clients, deployment)
    # Nothing is taken from the stored group: the request has to repeat every receiver.
    receivers = [
        EmailReceiver(name=r.name, email_address=r.email_address, use_common_alert_schema=True)
        for r in group.email_receivers or []
    ]
    subscription, in_group, name = deployment.action_group_names
    groups = clients.within(subscription).monitor.action_groups
    sending = await groups.begin_create_notifications_at_action_group_resource_level(
        in_group,
        name,
        NotificationRequestBody(alert_type=ALERT_TYPE, email_receivers=receivers),
    )
    result = await _in_time(ended(sending, "the test"))
    told = {detail.name: detail for detail in result.action_details or []}
    return [_handed(r, told.get(r.name)) for r in receivers]


async def _in_time(waiting: Awaitable[T]) -> T:
    try:
        async with asyncio.timeout(DEADLINE):
            return await waiting
    except TimeoutError:
        message = "Azure has not said within ten minutes what became of the test mail."
        raise PatchctlError("TimedOut", message, "Send it again: {again}") from None


async def _standing(clients: Clients, deployment: Deployment) -> ActionGroupResource:
    subscription, in_group, name = deployment.action_group_names
    groups = clients.within(subscription).monitor.action_groups
    group = await find(groups.get(in_group, name))
    if group is None or not group.email_receivers:
        raise NotAsItShouldBe(
            "NobodyToMail",
            f"{deployment.name} has no action group with an e-mail receiver.",
            resource=deployment.action_group_id,
        )
    return group


def _handed(receiver: object, detail: ActionDetail | None) -> Handed:
    status = (detail.status or "unknown") if detail is not None else "not told"
    name, address = getattr(receiver, "name", ""), getattr(receiver, "email_address", "")
    return Handed(name, address, status, status.lower() == "succeeded")
