"""The resource group: it holds everything, and its tags remember what was asked for."""

from __future__ import annotations

from collections.abc import Mapping

from azure.mgmt.resource.resources.models import GenericResourceExpanded, ResourceGroup

from patchctl.clients import Clients, find
from patchctl.deployment import Deployment
from patchctl.remembered import ASKED, is_ours
from patchctl.report import Finding, Inspection, State, absent, check, inspected, tags_check

NAME = "resource-group"
NEEDS: tuple[str, ...] = ()
UP_TO_DATE = "up to date"


async def inspect(clients: Clients, deployment: Deployment) -> Inspection:
    ids = [deployment.group_id]
    group = await find(clients.resources.resource_groups.get(deployment.group))
    if group is None:
        return absent(_findings(deployment, ResourceGroup(location="")), ids)
    if not is_ours(group.tags, deployment.name):
        return Inspection(State.FOREIGN, tuple(ids), (), (f"{deployment.group} is not ours.",))
    found = inspected(_findings(deployment, group), ids)
    if group.properties is not None and group.properties.provisioning_state == "Deleting":
        deleting = check("state", "there to stay", "being deleted")
        return Inspection(State.IN_PROGRESS, found.resources, (deleting, *found.findings))
    return found


async def apply(clients: Clients, deployment: Deployment) -> None:
    group = await find(clients.resources.resource_groups.get(deployment.group))
    # What was remembered before may have taken more tags than it does now.
    kept, _ = _split((group.tags or {}) if group is not None else {})
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
    if not deployment.stands:
        return []
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
    wanted, memory = _split(deployment.group_tags)
    _, remembered = _split(group.tags or {})
    source = deployment.asked.source("location")
    return [
        check("location", deployment.config.location, group.location, source),
        tags_check("group's tags", wanted, group.tags),
        check("what was asked for", UP_TO_DATE, UP_TO_DATE if memory == remembered else "older"),
    ]


def _split(tags: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """The tags that people read, and those that remember what was asked for."""
    memory = {k.lower(): v for k, v in tags.items() if k.lower().startswith(ASKED)}
    return {k: v for k, v in tags.items() if k.lower() not in memory}, memory
