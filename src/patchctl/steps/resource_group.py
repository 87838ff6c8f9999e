"""The resource group: it holds everything, and its tags remember what was asked for.

A group that was there before is left as it is; a template spec in it remembers instead.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import replace

from azure.mgmt.resource.resources.models import GenericResourceExpanded, ResourceGroup
from azure.mgmt.resource.templatespecs.models import TemplateSpec

from patchctl import actions, template_spec
from patchctl.actions import Needed
from patchctl.clients import Clients, find
from patchctl.deployment import Deployment
from patchctl.errors import PatchctlError
from patchctl.keeper import NAMED, foreign, going
from patchctl.remembered import AT_WORK, MOST_TAGS, SUFFIX, is_ours, split
from patchctl.report import (
    Finding,
    Inspection,
    State,
    absent,
    check,
    inspected,
    lowered,
    merged_tags,
    not_ours,
    same,
    tags_check,
)

NAME = "resource-group"
NEEDS: tuple[str, ...] = ()
ACTIONS = (
    Needed("Microsoft.Resources/subscriptions", "read locations/read", actions.subscription),
    Needed(
        "Microsoft.Resources/subscriptions",
        "resources/read",
        actions.subscription,
        actions.borrows_group,
        without="what is left where somebody has deleted the template spec is not found",
    ),
    Needed("Microsoft.Resources/subscriptions/resourceGroups", "read resources/read"),
    Needed(
        "Microsoft.Resources/subscriptions/resourceGroups",
        "write delete",
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
    Needed("Microsoft.Resources/tags", "write", without="nobody is told who is at work"),
)
SETTLING = 10.0
"""Seconds between a look that finds nothing and the write that follows it, at most."""
UP_TO_DATE = "up to date"
LOOKS, LOOK_AGAIN = 12, 10.0
"""How often a list is read, and the seconds between, until it no longer shows what is gone."""
KEEPERS = {False: "group", True: "template spec"}


async def inspect(clients: Clients, deployment: Deployment) -> Inspection:
    ids, notes = (deployment.keeper_id,), tuple(_notes(deployment))
    keeper = await _standing(clients, deployment)
    if keeper is None:
        found = absent(_findings(deployment, "none", {}), ids)
        return replace(found, notes=notes)
    if not is_ours(keeper.tags, deployment.name):
        return not_ours(ids)
    found = inspected(_findings(deployment, keeper.location, keeper.tags or {}), ids, notes)
    if isinstance(keeper, ResourceGroup) and going(keeper):
        deleting = check("state", "there to stay", "being deleted")
        return Inspection(State.IN_PROGRESS, ids, (deleting, *found.findings))
    return found


async def apply(clients: Clients, deployment: Deployment) -> None:
    keeper = await _standing(clients, deployment)
    if keeper is None and deployment.stands:
        # Under the old suffix it would meet names that Azure has yet to forget.
        raise _deleted(deployment)
    if keeper is not None and not is_ours(keeper.tags, deployment.name):
        raise foreign(KEEPERS[deployment.borrowed], deployment.keeper_id)
    if _suffix(keeper) not in ("", deployment.suffix):
        raise _begun_twice(deployment)
    # What was remembered before may have taken more tags than it does now.
    kept, _ = split((keeper.tags or {}) if keeper is not None else {})
    kept.pop(AT_WORK, None)
    tags = merged_tags(kept, deployment.keeper_tags)
    if deployment.note and len(tags) < MOST_TAGS:
        tags[AT_WORK] = deployment.note
    if deployment.borrowed:
        await template_spec.tag(clients, deployment, tags)
    else:
        group = ResourceGroup(location=deployment.config.location, tags=tags)
        await clients.resources.resource_groups.create_or_update(deployment.group, group)
    if keeper is None:
        await _require_first(clients, deployment)


async def _require_first(clients: Clients, deployment: Deployment) -> None:
    """Raises PatchctlError where another patchctl has begun the same deployment at this moment.

    Both have found nothing, and each would make everything under a suffix of its own. Azure has no
    write of a group that is refused where one stands, so the suffix that was written last holds,
    once nobody can be about to write (Fischer's algorithm); but what has been made already stays.
    """
    await asyncio.sleep(SETTLING)
    keeper = await _standing(clients, deployment)
    suffix = _suffix(keeper)
    if isinstance(keeper, ResourceGroup) and (others := await _other_suffixes(clients, deployment)):
        suffix = min(others)
        mended = ResourceGroup(
            location=keeper.location, tags=merged_tags(keeper.tags, {SUFFIX: suffix})
        )
        await clients.resources.resource_groups.create_or_update(deployment.group, mended)
    if suffix not in ("", deployment.suffix):  # none: a read that lags behind proves nothing
        raise _begun_twice(deployment)


def _deleted(deployment: Deployment) -> PatchctlError:
    """What it remembered went with it, so the addresses are said again."""
    emails = deployment.config.emails if deployment.asked.is_remembered("emails") else ()
    flags = "".join(f" --email {address}" for address in emails)
    return PatchctlError(
        "PlanChanged",
        "Somebody has deleted it meanwhile, and with it what was asked for before.",
        f"Make it anew, with all that you want: {{again}}{flags}",
        step=NAME,
        resource=deployment.keeper_id,
    )


def _begun_twice(deployment: Deployment) -> PatchctlError:
    message = f"Another patchctl has begun {deployment.name} at the same moment. It goes first."
    return PatchctlError("BegunTwice", message, step=NAME, resource=deployment.keeper_id)


def _suffix(keeper: ResourceGroup | TemplateSpec | None) -> str:
    return lowered(keeper.tags).get(SUFFIX, "") if keeper is not None else ""


async def _other_suffixes(clients: Clients, deployment: Deployment) -> set[str]:
    """Those in the names of what is in the group and ours."""
    found = clients.resources.resources.list_by_resource_group(deployment.group)
    names = [r.name or "" async for r in found if is_ours(r.tags, deployment.name)]
    suffixes = {match[1] for name in names if (match := NAMED.search(name))}
    return suffixes - {deployment.suffix}


async def destroy(clients: Clients, deployment: Deployment) -> None:
    """Delete the group unless it is somebody's, or holds something that is not ours."""
    if deployment.borrowed:
        await _require_empty(clients, deployment)
        await template_spec.delete(clients, deployment)
    elif not await foreign_contents(clients, deployment):
        poller = await clients.resources.resource_groups.begin_delete(deployment.group)
        if deployment.wait:
            await poller.result()


async def _require_empty(clients: Clients, deployment: Deployment) -> None:
    """Raises PatchctlError while anything of ours is in somebody's group: the steps may not have
    been shown it, and without the spec nobody would know of it. Lists are slow to forget."""
    for _ in range(LOOKS):
        found = clients.resources.resources.list_by_resource_group(deployment.group)
        ours = [resource.id or "" async for resource in found if _is_ours(deployment, resource)]
        left = [id for id in ours if not same(id, deployment.keeper_id)]
        if not left:
            return
        await asyncio.sleep(LOOK_AGAIN)
    message = f"Of {deployment.name} there is still in {deployment.group}: {', '.join(left)}"
    raise PatchctlError("StillThere", message, step=NAME, resource=left[0])


async def _standing(
    clients: Clients, deployment: Deployment
) -> ResourceGroup | TemplateSpec | None:
    """What keeps the memory, as it stands."""
    if deployment.borrowed:
        return await template_spec.standing(clients, deployment)
    return await find(clients.resources.resource_groups.get(deployment.group))


def _notes(deployment: Deployment) -> Iterable[str]:
    if deployment.borrowed:
        yield f"The group {deployment.group} is used, and itself stays as it is."


async def foreign_contents(clients: Clients, deployment: Deployment) -> list[str]:
    """Ids of what is in our own group and neither ours, nor a child of, nor managed by ours; none
    of what Azure is deleting already."""
    if not deployment.stands or deployment.borrowed or deployment.deleting:
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
