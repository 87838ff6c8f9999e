"""What keeps the memory of a deployment: its own group, or a template spec in another's."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import TYPE_CHECKING

from azure.core.exceptions import HttpResponseError

from patchctl import template_spec
from patchctl.clients import find
from patchctl.errors import BadInput, Foreign
from patchctl.layers import Layer
from patchctl.remembered import DEPLOYMENT, SUFFIX, is_ours
from patchctl.report import lowered, same

if TYPE_CHECKING:
    from azure.mgmt.resource.resources.models import ResourceGroup
    from azure.mgmt.resource.templatespecs.models import TemplateSpec

    from patchctl.clients import Clients
    from patchctl.deployment import Deployment

NAMED = re.compile("-([0-9a-f]{6})$")
"""How the name of what is ours ends: in the suffix."""


@dataclass(frozen=True)
class Keeper:
    """Where a deployment stands, and the tags that remember it."""

    group: str
    location: str
    tags: Mapping[str, str]
    """Their names in lower case, as Azure compares them."""
    own: bool = False
    """Whether it is the group itself, which patchctl has made."""
    deleting: bool = False


async def find_keeper(clients: Clients, draft: Deployment) -> Keeper | None:
    """The group of its own, or a template spec in the group that is named, or in any.

    Raises Foreign where something of that name stands that is not ours.
    """
    own = await find(clients.resources.resource_groups.get(draft.own_group))
    if own is not None and _remembers(draft, own.tags):
        return Keeper(draft.own_group, own.location, lowered(own.tags), True, going(own))
    spec = await template_spec.standing(clients, draft) if draft.borrowed else None
    if spec is None:
        spec = await _somewhere(clients, draft)
    elif not _remembers(draft, spec.tags):
        raise foreign(f"template spec {spec.name}", spec.id)
    if spec is not None:
        group = (spec.id or "").split("/")[4]
        return Keeper(group, spec.location, lowered(spec.tags))
    if own is not None and not draft.borrowed:
        raise foreign(f"resource group {draft.group}", own.id)
    return None


async def without_memory(clients: Clients, draft: Deployment) -> Deployment | None:
    """What is left in somebody's group of a deployment whose template spec somebody has deleted:
    its tags tell the name, its names end in the suffix. None too where one may not ask."""
    asked = f"tagName eq '{DEPLOYMENT}' and tagValue eq '{draft.name}'"
    found: Counter[tuple[str, str]] = Counter()
    try:
        async for resource in clients.resources.resources.list(filter=asked):
            group = (resource.id or "").split("/")[4]
            end = NAMED.search(resource.name or "")
            if end and same(group, draft.group) is draft.borrowed:
                found[group, end[1]] += 1
    except HttpResponseError as error:
        if error.status_code != HTTPStatus.FORBIDDEN:
            raise
    if not found:
        return None
    group, suffix = found.most_common(1)[0][0]
    config = draft.config.model_copy(update={"resource_group": group})
    return replace(draft, suffix=suffix, asked=replace(draft.asked, config=config))


async def _somewhere(clients: Clients, draft: Deployment) -> TemplateSpec | None:
    """Named by its group it is found at once; such a list may know of it later."""
    async for spec in clients.template_specs.template_specs.list_by_subscription():
        if _remembers(draft, spec.tags):
            return spec
    return None


def foreign(what: str, id: str | None) -> Foreign:
    """What stands in the place of a deployment's memory, and is somebody's."""
    message = f"The {what} is there, and patchctl did not make it."
    return Foreign("Foreign", message, resource=id)


async def location_of_group(clients: Clients, draft: Deployment) -> Layer:
    """What the group that is named has to say about where things are made in it. Raises BadInput
    where there is no such group: it is not ours to make."""
    group = await find(clients.resources.resource_groups.get(draft.group))
    if group is None or going(group):
        gone = "is not there" if group is None else "is being deleted"
        raise BadInput(
            [f"{draft.asked.source('resource_group')}: the resource group {draft.group} {gone}"],
            f"Make it (az group create --subscription {draft.subscription} --name {draft.group} "
            f"--location {draft.config.location}), then run the same command again: {{again}}",
        )
    return Layer("the group", {"location": group.location}, {})


def _remembers(draft: Deployment, tags: Mapping[str, str] | None) -> bool:
    return is_ours(tags, draft.name) and SUFFIX in lowered(tags)


def going(group: ResourceGroup) -> bool:
    """Whether Azure is deleting a group."""
    return group.properties is not None and group.properties.provisioning_state == "Deleting"
