"""A note in a deployment's group: a template spec, without a template in it.

Its tags remember the deployment where the group is somebody else's. Azure keeps it until it is
deleted; of template deployments it deletes the oldest by itself (deployment-history-deletions.md).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from patchctl.clients import Clients, find

if TYPE_CHECKING:
    from azure.mgmt.resource.templatespecs.models import TemplateSpec

    from patchctl.deployment import Deployment

TYPE = "Microsoft.Resources/templateSpecs"


async def standing(clients: Clients, deployment: Deployment) -> TemplateSpec | None:
    specs = clients.template_specs.template_specs
    return await find(specs.get(deployment.group, deployment.template_spec))


async def write(clients: Clients, deployment: Deployment, tags: dict[str, str]) -> None:
    """Write its tags; what it says besides stays."""
    from azure.mgmt.resource.templatespecs.models import TemplateSpec

    old = await standing(clients, deployment)
    spec = TemplateSpec(
        location=deployment.config.location,
        tags=tags,
        display_name=f"patchctl: {deployment.name}"[:64],
        description="What patchctl has to remember. It goes with patchctl destroy.",
        metadata=old.metadata if old is not None else None,
    )
    await clients.template_specs.template_specs.create_or_update(
        deployment.group, deployment.template_spec, spec
    )


async def delete(clients: Clients, deployment: Deployment) -> None:
    specs = clients.template_specs.template_specs
    await specs.delete(deployment.group, deployment.template_spec)
