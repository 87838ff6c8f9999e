"""Who gets the mail: an action group with one receiver an address."""

from __future__ import annotations

from azure.mgmt.monitor.models import ActionGroupResource, EmailReceiver, EnableRequest

from patchctl import actions
from patchctl.actions import Needed
from patchctl.clients import Clients, find
from patchctl.deployment import Deployment
from patchctl.report import (
    Finding,
    Inspection,
    Lacking,
    Part,
    another,
    check,
    joined,
    lacking,
    merged_tags,
    note,
    tags_check,
    unwanted,
)

NAME = "action-group"
NEEDS = ("resource-group", "resource-providers")
ACTIONS = (
    Needed("Microsoft.Insights/actionGroups", "read"),
    Needed("Microsoft.Insights/actionGroups", "write delete", when=actions.makes_action_group),
    Needed(
        "Microsoft.Insights/actionGroups",
        "subscribe/action",
        when=actions.makes_action_group,
        without="a receiver that was switched off stays so",
    ),
    Needed("Microsoft.Insights/actionGroups", "read", actions.named_action_group),
    Needed(
        "Microsoft.Insights/actionGroups",
        "createNotifications/action notificationStatus/read",
        actions.mailing_action_group,
        without="test-notify sends nothing",
    ),
)
SHORT_NAME = "PatchAlert"  # at most 12 characters; it stands in every mail's subject
OURS = "patchctl-"
"""How the names of our receivers begin; others were added by hand."""


async def inspect(clients: Clients, deployment: Deployment) -> Inspection:
    group = await _find(clients, deployment)
    findings = _findings(deployment, group or ActionGroupResource(location="Global"))
    tags = None if group is None else dict(group.tags or {})
    part = Part(deployment.own_action_group_id, tags, tuple(findings))
    named = deployment.config.alerts.action_group
    if named is None:
        return joined([part], deployment.is_ours)
    used = f"{named} is used: its own receivers are told, and no others."
    found = unwanted([part], deployment.is_ours, used)
    if await _is_there(clients, deployment):
        return found
    source = deployment.asked.source("alerts.action_group")
    return lacking(found, Lacking("action group", named, source, another("--action-group")))


async def apply(clients: Clients, deployment: Deployment) -> None:
    if deployment.config.alerts.action_group is not None:
        return await destroy(clients, deployment)
    return await _make(clients, deployment)


async def _make(clients: Clients, deployment: Deployment) -> None:
    standing = await _find(clients, deployment)
    disabled = _disabled(standing) if standing is not None else set()
    await clients.monitor.action_groups.create_or_update(
        deployment.group, deployment.action_group, desired(deployment, standing)
    )
    for receiver in receivers(deployment):
        if receiver.email_address.lower() not in disabled:
            continue
        await clients.monitor.action_groups.enable_receiver(
            deployment.group, deployment.action_group, EnableRequest(receiver_name=receiver.name)
        )


async def destroy(clients: Clients, deployment: Deployment) -> None:
    await clients.monitor.action_groups.delete(deployment.group, deployment.action_group)


def desired(deployment: Deployment, standing: ActionGroupResource | None) -> ActionGroupResource:
    """What stands with our receivers as asked for; whatever else it holds is kept."""
    group = standing or ActionGroupResource(location="Global", group_short_name=SHORT_NAME)
    group.group_short_name, group.enabled = SHORT_NAME, True
    group.tags = merged_tags(group.tags, deployment.tags)
    kept = [r for r in group.email_receivers or [] if not _ours(r) and not _wanted(deployment, r)]
    group.email_receivers = [*receivers(deployment), *kept]
    return group


def receivers(deployment: Deployment) -> list[EmailReceiver]:
    return [
        EmailReceiver(name=f"{OURS}{number}", email_address=email, use_common_alert_schema=True)
        for number, email in enumerate(deployment.config.emails, 1)
    ]


async def _is_there(clients: Clients, deployment: Deployment) -> bool:
    """Whether the group that is named is."""
    subscription, *names = deployment.action_group_names
    return await find(clients.within(subscription).monitor.action_groups.get(*names)) is not None


async def _find(clients: Clients, deployment: Deployment) -> ActionGroupResource | None:
    groups = clients.monitor.action_groups
    return await find(groups.get(deployment.group, deployment.action_group))


def _findings(deployment: Deployment, group: ActionGroupResource) -> list[Finding]:
    standing = {(r.email_address or "").lower(): r for r in group.email_receivers or []}
    others = [r for r in standing.values() if not _wanted(deployment, r)]
    return [
        check("short name", SHORT_NAME, group.group_short_name),
        check("enabled", True, group.enabled),
        *(
            _receiver(deployment, email, standing.get(email.lower()))
            for email in _emails(deployment)
        ),
        *(check(f"receiver {r.email_address}", "none", r.name) for r in others if _ours(r)),
        *(
            note(f"receiver {r.email_address}", "not asked for", f"added by hand as {r.name}; kept")
            for r in others
            if not _ours(r)
        ),
        tags_check("action group's tags", deployment.tags, group.tags),
    ]


def _receiver(deployment: Deployment, email: str, receiver: EmailReceiver | None) -> Finding:
    source = deployment.asked.source("emails")
    if receiver is None:
        return check(f"receiver {email}", "enabled, common alert schema", "not there", source)
    schema = ", common alert schema" if receiver.use_common_alert_schema else ""
    # A receiver that has unsubscribed comes back as Disabled.
    got = f"{(receiver.status or 'Enabled').lower()}{schema}"
    return check(f"receiver {email}", "enabled, common alert schema", got, source)


def _disabled(group: ActionGroupResource) -> set[str]:
    """Addresses that have unsubscribed; a PUT alone does not bring them back."""
    found = group.email_receivers or []
    return {(r.email_address or "").lower() for r in found if r.status == "Disabled"}


def _emails(deployment: Deployment) -> tuple[str, ...]:
    return deployment.config.emails


def _wanted(deployment: Deployment, receiver: EmailReceiver) -> bool:
    wanted = {email.lower() for email in _emails(deployment)}
    return (receiver.email_address or "").lower() in wanted


def _ours(receiver: EmailReceiver) -> bool:
    return (receiver.name or "").startswith(OURS)
