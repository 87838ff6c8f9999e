"""The resource group: it holds everything, and its tags remember what was asked for.

A group that was there before is left as it is; a template spec in it remembers instead.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from azure.mgmt.resource.resources.models import GenericResourceExpanded, ResourceGroup
from azure.mgmt.resource.templatespecs.models import TemplateSpec

from patchctl import actions, template_spec
from patchctl.actions import Needed
from patchctl.clients import Clients, find
from patchctl.deployment import Deployment
from patchctl.remembered import AT_WORK, MOST_TAGS, is_ours, split
from patchctl.report import Finding, Inspection, State, absent, check, inspected, tags_check

NAME = "resource-group"
NEEDS: tuple[str, ...] = ()
ACTIONS = (
    Needed("Microsoft.Resources/subscriptions", "read locations/read", actions.subscription),
    Needed("Microsoft.Resources/subscriptions/resourceGroups", "read"),
    Needed(
        "Microsoft.Resources/subscriptions/resourceGroups",
        "write delete resources/read",
        when=actions.makes_group,
    ),
    Needed("Microsoft.Resources/templateSpecs", "read", actions.subscription),
    Needed("Microsoft.Resources/templateSpecs", "read write delete", when=actions.borrows_group),
    Needed(
        "Microsoft.Resources/subscriptions",
        "operationresults/read",
        actions.subscription,
        without="destroy cannot wait until the group is gone",
    ),
)
UP_TO_DATE = "up to date"
KEEPERS = {False: "group", True: "template spec"}


async def inspect(clients: Clients, deployment: Deployment) -> Inspection:
    ids, notes = (deployment.keeper_id,), tuple(_notes(deployment))
    keeper = await _standing(clients, deployment)
    if keeper is None:
        found = absent(_findings(deployment, "none", {}), ids)
        return replace(found, notes=notes)
    if not is_ours(keeper.tags, deployment.name):
        return Inspection(State.FOREIGN, ids, (), (f"{deployment.keeper_id} is not ours.",))
    found = inspected(_findings(deployment, keeper.location, keeper.tags or {}), ids, notes)
    if isinstance(keeper, ResourceGroup) and _goes(keeper):
        deleting = check("state", "there to stay", "being deleted")
        return Inspection(State.IN_PROGRESS, ids, (deleting, *found.findings))
    return found


async def apply(clients: Clients, deployment: Deployment) -> None:
    keeper = await _standing(clients, deployment)
    # What was remembered before may have taken more tags than it does now.
    kept, _ = split((keeper.tags or {}) if keeper is not None else {})
    kept.pop(AT_WORK, None)
    tags = {**kept, **deployment.keeper_tags}
    if deployment.note and len(tags) < MOST_TAGS:
        tags[AT_WORK] = deployment.note
    if deployment.borrowed:
        await template_spec.tag(clients, deployment, tags)
    else:
        group = ResourceGroup(location=deployment.config.location, tags=tags)
        await clients.resources.resource_groups.create_or_update(deployment.group, group)


async def destroy(clients: Clients, deployment: Deployment) -> None:
    """Delete the group unless it is somebody's, or holds something that is not ours."""
    if deployment.borrowed:
        await template_spec.delete(clients, deployment)
    elif not await foreign_contents(clients, deployment):
        poller = await clients.resources.resource_groups.begin_delete(deployment.group)
        if deployment.wait:
            await poller.result()


async def _standing(
    clients: Clients, deployment: Deployment
) -> ResourceGroup | TemplateSpec | None:
    """What keeps the memory, as it stands."""
    if deployment.borrowed:
        return await template_spec.standing(clients, deployment)
    return await find(clients.resources.resource_groups.get(deployment.group))


def _goes(group: ResourceGroup) -> bool:
    return group.properties is not None and group.properties.provisioning_state == "Deleting"


def _notes(deployment: Deployment) -> Iterable[str]:
    if deployment.borrowed:
        yield f"The group {deployment.group} is used, and itself stays as it is."


async def foreign_contents(clients: Clients, deployment: Deployment) -> list[str]:
    """Ids of what is in our own group and neither ours, nor a child of, nor managed by ours."""
    if not deployment.stands or deployment.borrowed:
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


def _findings(deployment: Deployment, location: str, tags: Mapping[str, str]) -> list[Finding]:
    wanted, memory = split(deployment.keeper_tags)
    _, remembered = split(tags)
    source, keeper = deployment.asked.source("location"), KEEPERS[deployment.borrowed]
    return [
        check("location", deployment.config.location, location, source),
        tags_check(f"{keeper}'s tags", wanted, tags),
        check("what was asked for", UP_TO_DATE, UP_TO_DATE if memory == remembered else "older"),
    ]
