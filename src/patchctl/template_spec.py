"""A note in a deployment's group: a template spec, without a template in it.

Its tags remember the deployment where the group is somebody else's, its metadata how machines were
whose own tags are not to be written. Azure keeps it until it is
deleted; of template deployments it deletes the oldest by itself (deployment-history-deletions.md).
"""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from typing import TYPE_CHECKING, Any

from patchctl.clients import Clients, find
from patchctl.machines import Memory, remembered

if TYPE_CHECKING:
    from azure.mgmt.resource.templatespecs.models import TemplateSpec

    from patchctl.deployment import Deployment

MACHINES = "machines"


async def standing(clients: Clients, deployment: Deployment) -> TemplateSpec | None:
    specs = clients.template_specs.template_specs
    return await find(specs.get(deployment.group, deployment.template_spec))


async def memories(clients: Clients, deployment: Deployment) -> dict[str, Memory]:
    """What is noted of machines, by their ids in lower case; nothing of what was damaged."""
    spec = await standing(clients, deployment)
    noted = spec.metadata.get(MACHINES) if spec is not None and spec.metadata else None
    texts = noted.items() if isinstance(noted, dict) else ()
    found = {id.lower(): remembered(text) for id, text in texts}
    return {id: memory for id, memory in found.items() if memory is not None}


async def remember(
    clients: Clients, deployment: Deployment, machines: Mapping[str, Memory]
) -> None:
    """Note these machines and no others. Where nothing else needs it, it goes with the last."""
    if not machines and not deployment.borrowed:
        await delete(clients, deployment)
        return
    old = await standing(clients, deployment)
    tags = (old.tags or {}) if old is not None else deployment.tags
    texts = {id: memory.written() for id, memory in sorted(machines.items())}
    await _write(clients, deployment, tags, {MACHINES: texts})


async def tag(clients: Clients, deployment: Deployment, tags: dict[str, str]) -> None:
    """Write its tags; what it notes of machines stays."""
    old = await standing(clients, deployment)
    await _write(clients, deployment, tags, (old.metadata or {}) if old is not None else {})


async def _write(
    clients: Clients,
    deployment: Deployment,
    tags: dict[str, str],
    metadata: MutableMapping[str, Any],
) -> None:
    from azure.mgmt.resource.templatespecs.models import TemplateSpec

    spec = TemplateSpec(
        location=deployment.config.location,
        tags=tags,
        display_name=f"patchctl: {deployment.name}"[:64],
        description="What patchctl has to remember. It goes with patchctl destroy.",
        metadata=metadata,
    )
    await clients.template_specs.template_specs.create_or_update(
        deployment.group, deployment.template_spec, spec
    )


async def delete(clients: Clients, deployment: Deployment) -> None:
    specs = clients.template_specs.template_specs
    await specs.delete(deployment.group, deployment.template_spec)
