"""The identity with whose rights the alerts on results ask Resource Graph; they need one."""

from __future__ import annotations

from azure.mgmt.msi.v2024_11_30.models import Identity

from patchctl import access, actions
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
    tags_check,
    unwanted,
)

NAME = "alert-identity"
NEEDS = ("resource-group", "resource-providers")
ACTIONS = (
    Needed("Microsoft.ManagedIdentity/userAssignedIdentities", "read"),
    Needed(
        "Microsoft.ManagedIdentity/userAssignedIdentities",
        "write delete",
        when=actions.makes_identity,
    ),
    Needed(
        "Microsoft.ManagedIdentity/userAssignedIdentities",
        "read",
        actions.named_identity,
    ),
)


async def inspect(clients: Clients, deployment: Deployment) -> Inspection:
    standing = await _find(clients, deployment)
    tags = None if standing is None else dict(standing.tags or {})
    part = Part(deployment.own_alert_identity_id, tags, _findings(deployment, standing))
    if not deployment.watched:
        return unwanted([part], deployment.is_ours, access.unwatched(deployment))
    named = deployment.config.alerts.identity
    if named is None:
        return joined([part], deployment.is_ours)
    found = unwanted([part], deployment.is_ours, f"{named} is used.")
    if await access.principal(clients, deployment) is not None:
        return found
    source = deployment.asked.source("alerts.identity")
    return lacking(found, Lacking("identity", named, source, another("--alert-identity")))


async def apply(clients: Clients, deployment: Deployment) -> None:
    if not deployment.watched or deployment.config.alerts.identity is not None:
        return await destroy(clients, deployment)
    standing = await _find(clients, deployment)
    await clients.identities.user_assigned_identities.create_or_update(
        deployment.group, deployment.alert_identity, desired(deployment, standing)
    )
    return None


async def destroy(clients: Clients, deployment: Deployment) -> None:
    """Roles would outlive the identity, orphaned: they go first."""
    standing = await _find(clients, deployment)
    if standing is None:
        return
    roles = await access.granted(clients, deployment, standing.principal_id)
    await access.revoke(clients, roles)
    await clients.identities.user_assigned_identities.delete(
        deployment.group, deployment.alert_identity
    )


def desired(deployment: Deployment, standing: Identity | None) -> Identity:
    tags = merged_tags(standing.tags if standing is not None else None, deployment.tags)
    return Identity(location=deployment.config.location, tags=tags)


async def _find(clients: Clients, deployment: Deployment) -> Identity | None:
    identities = clients.identities.user_assigned_identities
    return await find(identities.get(deployment.group, deployment.alert_identity))


def _findings(deployment: Deployment, standing: Identity | None) -> tuple[Finding, ...]:
    if standing is None:
        return (check("identity", deployment.alert_identity, "not there"),)
    return (
        check("identity", deployment.alert_identity, standing.name),
        tags_check("identity's tags", deployment.tags, standing.tags),
    )
