"""The resource group: it holds everything, and its tags remember what was asked for."""

from __future__ import annotations

from azure.mgmt.resource.resources.models import GenericResourceExpanded, ResourceGroup

from patchctl.clients import Clients, find
from patchctl.deployment import ASKED, Deployment, is_ours
from patchctl.report import Finding, Inspection, State, absent, check, inspected

NAME = "resource-group"
NEEDS: tuple[str, ...] = ()


async def inspect(clients: Clients, deployment: Deployment) -> Inspection:
    ids = [deployment.group_id]
    group = await find(clients.resources.resource_groups.get(deployment.group))
    if group is None:
        return absent(_findings(deployment, ResourceGroup(location="")), ids)
    if not is_ours(group.tags, deployment.name):
        return Inspection(State.FOREIGN, tuple(ids), (), (f"{deployment.group} is not ours.",))
    found = inspected(_findings(deployment, group), ids)
    if group.properties is not None and group.properties.provisioning_state == "Deleting":
        return Inspection(State.IN_PROGRESS, found.resources, found.findings)
    return found


async def apply(clients: Clients, deployment: Deployment) -> None:
    group = await find(clients.resources.resource_groups.get(deployment.group))
    kept = _without_remembered(group.tags if group is not None else None)
    await clients.resources.resource_groups.create_or_update(
        deployment.group,
        ResourceGroup(location=deployment.config.location, tags={**kept, **deployment.group_tags}),
    )


async def destroy(clients: Clients, deployment: Deployment) -> None:
    """Delete the group unless it holds something that is not ours."""
    if await foreign_contents(clients, deployment):
        return
    poller = await clients.resources.resource_groups.begin_delete(deployment.group)
    if deployment.wait:
        await poller.result()


async def foreign_contents(clients: Clients, deployment: Deployment) -> list[str]:
    """Ids of what is in the group and neither ours, nor a child of, nor managed by ours."""
    found = clients.resources.resources.list_by_resource_group(deployment.group)
    resources = [resource async for resource in found]
    ours = [_id(resource) for resource in resources if _is_ours(deployment, resource)]
    return [
        resource.id or ""
        for resource in resources
        if not any(_belongs(resource, owner) for owner in ours)
    ]


def _is_ours(deployment: Deployment, resource: GenericResourceExpanded) -> bool:
    return is_ours(resource.tags, deployment.name) or _id(resource) in deployment.untagged_ids


def _belongs(resource: GenericResourceExpanded, owner: str) -> bool:
    managed_by = (resource.managed_by or "").lower()
    return _id(resource) == owner or _id(resource).startswith(f"{owner}/") or managed_by == owner


def _id(resource: GenericResourceExpanded) -> str:
    return (resource.id or "").lower()


def _findings(deployment: Deployment, group: ResourceGroup) -> list[Finding]:
    standing = {key.lower(): value for key, value in (group.tags or {}).items()}
    tags = [
        check(f"tag {key}", value, standing.get(key.lower()))
        for key, value in deployment.group_tags.items()
    ]
    source = deployment.asked.source("location")
    return [check("location", deployment.config.location, group.location, source), *tags]


def _without_remembered(tags: dict[str, str] | None) -> dict[str, str]:
    """What was remembered before may have taken more tags than it does now."""
    return {k: v for k, v in (tags or {}).items() if not k.lower().startswith(ASKED)}
